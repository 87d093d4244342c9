"""Platforms on the client: onnxruntime-web in a page of a Chromium that nothing else uses."""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from benchmarks.protocol import Block, CpuTime, Facts, Feeds, Images, Outputs, PlatformError
from benchmarks.settings import Settings
from browser_harness import chromium, packages
from browser_harness.page import Page, PageError, open_page
from browser_harness.server import Server, serving
from models import graph

PACKAGE = "onnxruntime-web"
DIST = packages.NODE_MODULES / PACKAGE / "dist"
# The bundle without JavaScript for WebGPU or WebNN: what it opens can only run in WebAssembly.
BUNDLE, BINARY = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
FILES = {
    "/index.html": packages.HARNESS_DIR / "index.html",
    "/harness.mjs": packages.HARNESS_DIR / "harness.mjs",
    "/normalise.mjs": packages.HARNESS_DIR / "normalise.mjs",
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
        data = data_files(model)
        served = {_data_url(index): file for index, file in enumerate(data.values())}
        try:
            with (
                serving({**FILES, MODEL: model, **served}) as server,
                open_page(browser, server.origin, settings.timeout) as page,
            ):
                yield PageSession(self.name, model.name, server, page, [*data])
        except PageError as error:  # while it was opened or closed; a session's own calls see to theirs
            raise PlatformError(f"{self.name}: {model.name}: {error}") from error


class PageSession:
    """A model open in a page; samples are read from the page's ``performance.now``."""

    def __init__(self, platform: str, model: str, server: Server, page: Page, data_files: Sequence[str]) -> None:
        self._platform, self._model = platform, model
        self._server, self._page = server, page
        self._published: dict[bytes, str] = {}
        self.facts = self._prove(page.call("open", configuration(data_files)))

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

    def run(self, feeds: Feeds) -> Outputs:
        """Run one inference in the page and hand its outputs over."""
        return self.time(feeds, 1).outputs

    def time(self, feeds: Feeds, rounds: int) -> Block:
        """Time *rounds* inferences in one call: the loop is the page's, only its samples and last outputs travel."""
        return self._block("time", {"feeds": [self._feed(*feed) for feed in feeds.items()], "rounds": rounds})

    def classify(self, images: Images, batch_size: int) -> Iterator[Block]:
        """Publish the pixels for the page to fetch at once; it normalises them and times one inference a batch."""
        count, *shape = images.pixels.shape
        source = {"pixels": self._publish(images.pixels.tobytes()), "shape": shape}
        constants = {"mean": [*images.mean], "std": [*images.std]}
        for start in range(0, count, batch_size):
            batch = {"start": start, "count": min(batch_size, count - start)}
            self._call("prepare", source | constants | batch)
            yield self._block("timePrepared", {})

    def _block(self, function: str, argument: dict[str, Any]) -> Block:
        before = self._page.thread_seconds()
        answer = self._call(function, argument)
        after = self._page.thread_seconds()
        samples = [milliseconds / 1e3 for milliseconds in answer["samples"]]
        return Block(samples, {name: _array(output) for name, output in answer["outputs"]}, _cpu_time(before, after))

    def _call(self, function: str, argument: dict[str, Any]) -> Any:
        try:
            return self._page.call(function, argument)
        except PageError as error:
            raise PlatformError(f"{self._platform}: {self._model}: {error}") from error

    def _feed(self, name: str, array: NDArray[Any]) -> dict[str, Any]:
        """Publish an input for the page to fetch once: as an argument it would cost milliseconds a call."""
        little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
        url = self._publish(little_endian.tobytes())
        return {"name": name, "url": url, "type": array.dtype.name, "shape": list(array.shape)}

    def _publish(self, content: bytes) -> str:
        if content not in self._published:
            self._published[content] = f"/inputs/{len(self._published)}.bin"
            self._server.publish(self._published[content], content)
        return self._published[content]


def _array(output: dict[str, Any]) -> NDArray[Any]:
    little_endian = np.dtype(output["type"]).newbyteorder("<")
    return np.frombuffer(base64.b64decode(output["data"]), little_endian).reshape(output["dims"])


def _cpu_time(before: dict[int, float], after: dict[int, float]) -> CpuTime | None:
    """Return what a page's threads ran between two readings; None where the system did not count."""
    spent = [seconds - before.get(thread, 0.0) for thread, seconds in after.items()]
    return CpuTime(sum(spent), max(spent)) if sum(spent) > 0 else None


def data_files(model: Path) -> dict[str, Path]:
    """Return the files beside *model* that hold its weights, by the name the graph calls them.

    One that is missing, or lies elsewhere, is left out: the runtime will tell.
    """
    try:
        names = graph.data_files(graph.read(model))
    except DecodeError:  # no ONNX at all
        return {}
    folder = model.parent.resolve()
    files = ((name, (folder / name).resolve()) for name in names)
    return {name: file for name, file in files if file.is_file() and file.is_relative_to(folder)}


def _data_url(index: int) -> str:
    return f"/data/{index}"


def configuration(data_files: Sequence[str] = ()) -> dict[str, Any]:
    """Return what the page is asked to open, and how; *data_files* are called as the graph calls them."""
    return {
        "bundle": f"/ort/{BUNDLE}",
        "wasmPaths": {"wasm": f"/ort/{BINARY}"},
        "model": MODEL,
        "dataFiles": [{"path": name, "data": _data_url(index)} for index, name in enumerate(data_files)],
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
