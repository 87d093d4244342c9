"""TensorFlow.js in a page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.platforms.page import PagePlatform
from benchmarks.platforms.page_runtime import InEffect, PageRuntime, Request, require
from benchmarks.protocol import Case, UnavailableError
from benchmarks.settings import Settings
from browser_harness import packages
from models import manifest


class TensorFlowJs(PageRuntime):
    """TensorFlow.js on its WebAssembly backend, with SIMD."""

    provider = "wasm"
    engine = "tfjs"
    packages = ("@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-wasm")
    scripts: tuple[str, ...] = ("/tfjs/tf-core.min.js", "/tfjs/tf-backend-wasm.min.js")
    # The first where threads can share memory, else the last; a page without SIMD asks for another, and gets none.
    builds: tuple[str, ...] = ("tfjs-backend-wasm-threaded-simd", "tfjs-backend-wasm-simd")
    has_threads = True  # in the first
    script_sources = ("blob:",)  # its thread workers load the library from one

    @property
    def runtime(self) -> Mapping[str, Path]:
        """The library, the backend and the builds of its WebAssembly that it picks from."""
        core, backend = self.scripts
        folder = packages.dist("@tensorflow/tfjs-backend-wasm")
        return {
            core: packages.dist("@tensorflow/tfjs-core") / "tf-core.min.js",
            backend: folder / "tf-backend-wasm.min.js",
            **{self._url(build): folder / f"{build}.wasm" for build in self.builds},
        }

    def needed(self, in_effect: InEffect) -> set[str]:
        """Return the scripts and the build that computes."""
        return {*self.scripts, self._url(self._build(in_effect))}

    def request(self, case: Case, settings: Settings) -> Request:
        """Take the graph that was exported for it."""
        graph, weights = (manifest.derived(case.artefact, f"tfjs.{ending}") for ending in ("json", "bin"))
        if graph is None or weights is None:
            raise UnavailableError(
                f"{self.name}: {case.model_file.name}: no TensorFlow.js export; the catalogue's float32 models have one"
            )
        configuration = {"scripts": self.scripts, "wasmPaths": "/tfjs/", "threads": case.threads}
        return Request({"graph": graph, "weights": weights}, configuration)

    def prove(self, case: Case, in_effect: InEffect, settings: Settings) -> dict[str, Any]:
        """Check backend, SIMD and versions; tell which build it is. The library caps the threads in silence."""
        if in_effect["threads"] != case.threads:
            raise UnavailableError(
                f"{self.name}: {case.model_file.name}: TensorFlow.js keeps to {in_effect['threads']} thread(s), about "
                f"half of the {in_effect['processors']} processors, where {case.threads} were asked for"
            )
        require(
            in_effect,
            {
                "backend": "wasm",
                "librarySimd": True,
                "libraryThreads": self.has_threads and in_effect["sharedArrayBuffer"],
                "version": packages.pinned("@tensorflow/tfjs-core"),
                "backendVersion": packages.pinned("@tensorflow/tfjs-backend-wasm"),
            },
        )
        return {"backend": in_effect["backend"], "build": self._build(in_effect)}

    def _build(self, in_effect: InEffect) -> str:
        """Return the build that a page like this gets: the last where the library knows of no threads."""
        return self.builds[0 if in_effect["libraryThreads"] else -1]

    def _url(self, build: str) -> str:
        return f"/tfjs/{build}.wasm"


class ChromiumTfjs(TensorFlowJs, PagePlatform):
    """TensorFlow.js in a Chromium that is started for it."""

    name = "chromium-tfjs"
