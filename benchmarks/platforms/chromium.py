"""Platforms on the client: onnxruntime-web in a page of a Chromium that nothing else uses."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.protocol import Batch, Block, CpuTime, Facts, Logits, PlatformError
from benchmarks.settings import Settings
from browser_harness import chromium, packages
from browser_harness.page import Page, PageError, open_page
from browser_harness.server import Server, serving

PACKAGE = "onnxruntime-web"
DIST = packages.NODE_MODULES / PACKAGE / "dist"
# The bundle without JavaScript for WebGPU or WebNN: what it opens can only run in WebAssembly.
BUNDLE, BINARY = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
FILES = {
    "/index.html": packages.HARNESS_DIR / "index.html",
    "/harness.mjs": packages.HARNESS_DIR / "harness.mjs",
    f"/ort/{BUNDLE}": DIST / BUNDLE,
    f"/ort/{BINARY}": DIST / BINARY,
}
MODEL = "/model.onnx"
# An isolated page's clock steps 5 µs; without isolation it is clamped to 100 µs.
CLOCK_RESOLUTION_LIMIT = 20e-6


class ChromiumWasm:
    """onnxruntime-web's WebAssembly provider, with SIMD, on the page's one thread, cross-origin isolated."""

    name = "chromium-wasm"

    def unavailable(self, settings: Settings) -> str | None:
        """Say what is missing: a browser, or the packages the page loads."""
        try:
            chromium.find(settings.browser_path)
        except chromium.BrowserMissingError as error:
            return f"{self.name}: {error}"
        if not packages.is_current(PACKAGE):
            found = packages.installed(PACKAGE) or "not installed"
            return f"{self.name}: {PACKAGE} is {found}, wanted {packages.pinned(PACKAGE)}; run `{packages.SET_UP}`"
        if absent := [str(path) for path in FILES.values() if not path.is_file()]:
            return (
                f"{self.name}: {', '.join(absent)} is missing; delete {packages.NODE_MODULES}, run `{packages.SET_UP}`"
            )
        return None

    def versions(self, settings: Settings) -> dict[str, str]:
        """The versions of the browser, its driver and the runtime in the page."""
        if self.unavailable(settings):
            return {}
        browser = chromium.find(settings.browser_path)
        return {
            "chromium": browser.version,
            "chromium_source": browser.source,
            PACKAGE: packages.pinned(PACKAGE),
            "playwright": version("playwright"),
        }

    @contextmanager
    def open(self, model: Path, settings: Settings) -> Iterator["PageSession"]:
        """Open the file in a fresh browser and check that isolation, SIMD, thread and runtime are the wanted ones."""
        browser = chromium.find(settings.browser_path)
        try:
            with (
                serving({**FILES, MODEL: model}) as server,
                open_page(browser, server.origin, settings.timeout) as page,
            ):
                yield PageSession(self.name, model.name, server, page)
        except PageError as error:  # while it was opened or closed; a session's own calls see to theirs
            raise PlatformError(f"{self.name}: {model.name}: {error}") from error


class PageSession:
    """A model open in a page; samples are read from the page's ``performance.now``."""

    def __init__(self, platform: str, model: str, server: Server, page: Page) -> None:
        self._platform, self._model = platform, model
        self._server, self._page = server, page
        self._published: dict[bytes, str] = {}
        self.facts = self._prove(page.call("open", configuration()))

    def _prove(self, found: dict[str, Any]) -> Facts:
        prove(found)
        return Facts(
            platform=self._platform,
            execution_provider="wasm",
            threads=found["threads"],
            clock="performance.now",
            clock_resolution=found["clockResolution"] / 1e3,
            details={"cross_origin_isolated": found["crossOriginIsolated"], "simd": found["simd"]},
        )

    def run(self, batch: Batch) -> Logits:
        """Run one inference in the page and hand its logits over."""
        return self.time(batch, 1).logits

    def time(self, batch: Batch, rounds: int) -> Block:
        """Time *rounds* inferences in one call: the loop is the page's, only its samples and last logits travel."""
        try:
            before = self._page.thread_seconds()
            answer = self._page.call("time", {**self._input(batch), "rounds": rounds})
            after = self._page.thread_seconds()
        except PageError as error:
            raise PlatformError(f"{self._platform}: {self._model}: {error}") from error
        logits = np.frombuffer(base64.b64decode(answer["logits"]), "<f4").reshape(len(batch), -1)
        return Block([milliseconds / 1e3 for milliseconds in answer["samples"]], logits, _cpu_time(before, after))

    def _input(self, batch: Batch) -> dict[str, Any]:
        """Publish the batch for the page to fetch once: as an argument it would cost milliseconds a call."""
        content = np.ascontiguousarray(batch, "<f4").tobytes()
        if content not in self._published:
            self._published[content] = f"/inputs/{len(self._published)}.bin"
            self._server.publish(self._published[content], content)
        return {"input": self._published[content], "shape": list(batch.shape)}


def _cpu_time(before: dict[int, float], after: dict[int, float]) -> CpuTime | None:
    """Return what a page's threads ran between two readings; None where the system did not count."""
    spent = [seconds - before.get(thread, 0.0) for thread, seconds in after.items()]
    return CpuTime(sum(spent), max(spent)) if sum(spent) > 0 else None


def configuration() -> dict[str, Any]:
    """Return what the page is asked to open, and how."""
    return {
        "bundle": f"/ort/{BUNDLE}",
        "wasmPaths": {"wasm": f"/ort/{BINARY}"},
        "model": MODEL,
        "providers": ["wasm"],
        "threads": 1,
    }


def prove(found: dict[str, Any]) -> None:
    """Raise PageError where the page is not what the platform's name says."""
    wanted = {"version": packages.pinned(PACKAGE), "threads": 1, "crossOriginIsolated": True, "simd": True}
    for name, value in wanted.items():
        if found[name] != value:
            raise PageError(f"{name} is {found[name]!r} in the page, wanted {value!r}")
    if found["clockResolution"] / 1e3 > CLOCK_RESOLUTION_LIMIT:
        raise PageError(f"performance.now steps {found['clockResolution']} ms: the page's clock is clamped")
    if f"/ort/{BINARY}" not in found["loaded"]:
        raise PageError(f"{BINARY} was not loaded; the page loaded {', '.join(found['loaded'])}")
