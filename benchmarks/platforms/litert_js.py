"""LiteRT.js in a page; it runs the `.tflite` files that were made from the ONNX files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.platforms.exports import litert_file
from benchmarks.platforms.graphs import input_and_output
from benchmarks.platforms.page import PagePlatform
from benchmarks.platforms.page_runtime import InEffect, PageRuntime, Request, require
from benchmarks.protocol import Case, Threading
from benchmarks.settings import Settings
from browser_harness import packages
from browser_harness.channel import PageError

YOUNG = 800  # inferences of LiteRT.js; a page that slows down was never seen to do so before its 1,000th


class LiteRtJs(PageRuntime):
    """LiteRT.js on the processor, in pages that are renewed before they slow down, as they may when they age."""

    provider = "wasm"
    engine = "litert"
    packages = ("@litertjs/core", "@litertjs/wasm-utils")
    library, helper = "/litert/core.js", "/litert/wasm-utils.js"
    imports: ClassVar[Mapping[str, str]] = {"@litertjs/wasm-utils": helper}
    threading: Threading = "single"
    lifetime = YOUNG
    builds = ("litert_wasm_internal", "litert_wasm_compat_internal")  # relaxed SIMD, and plain

    @property
    def runtime(self) -> Mapping[str, Path]:
        """The library, its helper, and the two builds it picks from."""
        core = packages.dist("@litertjs/core", "wasm")
        builds = [f"{build}.{ending}" for build in self.builds for ending in ("js", "wasm")]
        return {
            self.library: packages.dist("@litertjs/core") / "index.js",
            self.helper: packages.dist("@litertjs/wasm-utils") / "index.js",
            **{f"/litert/wasm/{name}": core / name for name in builds},
        }

    def request(self, case: Case, settings: Settings) -> Request:
        """Take the file that was made for this batch size, and the names of the graph that it was made from."""
        file = litert_file(self.name, case)
        names = dict(zip(("input", "output"), input_and_output(case.model_file), strict=True))
        return Request({file.name: file}, {"library": self.library, "wasmPaths": "/litert/wasm", "graph": names})

    def needed(self, in_effect: InEffect) -> set[str]:
        """Return the library and the build that was loaded."""
        build = self._build(in_effect)
        return {self.library, self.helper} | {f"/litert/wasm/{build}.{ending}" for ending in ("js", "wasm")}

    def prove(self, case: Case, in_effect: InEffect, settings: Settings) -> dict[str, Any]:
        """Check that the loaded build has no threads and took the whole model; tell which build it is."""
        require(in_effect, {"sharedMemory": False, "isFullyAccelerated": True})
        return {"build": self._build(in_effect)}

    def _build(self, in_effect: InEffect) -> str:
        """Return the only build whose files the page loaded."""
        loaded = [build for build in self.builds if f"/litert/wasm/{build}.wasm" in in_effect["loaded"]]
        if len(loaded) != 1:
            raise PageError(
                f"{len(loaded)} builds of LiteRT were loaded; the page loaded {', '.join(in_effect['loaded'])}"
            )
        return loaded[0]


class ChromiumLitert(LiteRtJs, PagePlatform):
    """LiteRT.js in a Chromium that is started for it."""

    name = "chromium-litert"
