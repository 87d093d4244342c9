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
    # An isolated page always gets this build; a page that asks for another gets none.
    binary = "tfjs-backend-wasm-threaded-simd.wasm"
    has_threads = True  # in that build
    script_sources = ("blob:",)  # its thread workers load the library from one

    @property
    def runtime(self) -> Mapping[str, Path]:
        """The library, the backend and its WebAssembly."""
        core, backend = self.scripts
        folder = packages.dist("@tensorflow/tfjs-backend-wasm")
        return {
            core: packages.dist("@tensorflow/tfjs-core") / "tf-core.min.js",
            backend: folder / "tf-backend-wasm.min.js",
            f"/tfjs/{self.binary}": folder / self.binary,
        }

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
        """Check backend, SIMD and versions; the library caps the threads in silence."""
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
                "libraryThreads": self.has_threads,
                "version": packages.pinned("@tensorflow/tfjs-core"),
                "backendVersion": packages.pinned("@tensorflow/tfjs-backend-wasm"),
            },
        )
        return {"backend": in_effect["backend"]}


class ChromiumTfjs(TensorFlowJs, PagePlatform):
    """TensorFlow.js in a Chromium that is started for it."""

    name = "chromium-tfjs"
