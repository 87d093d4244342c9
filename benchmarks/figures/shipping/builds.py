"""What was tried to make a runtime smaller: builds that are made here, and words for those that could not be."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.platforms.onnxruntime_web import ChromiumWebnn
from benchmarks.platforms.page import PagePlatform
from benchmarks.platforms.tensorflow_js import ChromiumTfjs
from browser_harness import packages
from browser_harness.custom import tfjs
from models import manifest
from models.manifest import Artefact

Operations = Sequence[str]  # the kinds that a graph has


class CustomTfjs(ChromiumTfjs):
    """TensorFlow.js from a folder with one script that was made for a model, in a Chromium that is started for it."""

    scripts = ("/tfjs/custom.js",)

    def __init__(self, folder: Path, *, threads: bool) -> None:
        self.folder, self.has_threads = folder, threads
        self.builds = (f"tfjs-backend-wasm-{'threaded-' if threads else ''}simd",)

    @property
    def runtime(self) -> Mapping[str, Path]:
        """The script and its WebAssembly."""
        urls = [*self.scripts, *(f"/tfjs/{build}.wasm" for build in self.builds)]
        return {url: self.folder / Path(url).name for url in urls}


class JspiWebnn(ChromiumWebnn):
    """onnxruntime-web's build for browsers whose WebAssembly can wait for a promise by itself (JSPI), from a folder."""

    bundle = "ort.jspi.bundle.min.mjs"
    binary = "ort-wasm-simd-threaded.jspi.wasm"

    def __init__(self, folder: Path) -> None:
        super().__init__("chromium-webnn", "cpu")
        self.folder = folder

    @property
    def runtime(self) -> Mapping[str, Path]:
        """The bundle and its WebAssembly."""
        return {f"/ort/{name}": self.folder / name for name in (self.bundle, self.binary)}


@dataclass(frozen=True)
class Build:
    """A smaller build of a runtime: how it is made for a graph's operations, in a folder of its own."""

    of: str  # the platform whose runtime it is
    name: str
    lacks: str
    make: Callable[[Operations, Path], PagePlatform]


def _tfjs(operations: Operations, folder: Path, *, threads: bool) -> CustomTfjs:
    platform = CustomTfjs(folder, threads=threads)
    (build,) = platform.builds
    shutil.copy(packages.dist("@tensorflow/tfjs-backend-wasm") / f"{build}.wasm", folder)
    tfjs.build(operations, folder / "custom.js", threads=threads)
    return platform


def _jspi(operations: Operations, folder: Path) -> JspiWebnn:
    platform = JspiWebnn(folder)
    for name in (platform.bundle, platform.binary):
        shutil.copy(packages.dist("onnxruntime-web") / name, folder)
    return platform


BUILDS = (
    Build("chromium-tfjs", "custom modules", "what the graph does not call", partial(_tfjs, threads=True)),
    Build("chromium-tfjs", "custom modules, one thread", "that, and threads", partial(_tfjs, threads=False)),
    Build("chromium-webnn", "its own JSPI build", "browsers without JSPI", _jspi),
)

# One line each: what the runtime documents, and what stands against it where there are npm, PyPI and Debian alone.
NOT_BUILT = {
    "chromium-wasm": "reduced operators and minimal builds (.ort files) are documented as builds from source; npm has "
    "neither such a build nor the source, PyPI no source, and Debian that of another version (1.21.0), which downloads "
    "its Emscripten and its libraries from elsewhere",
    "chromium-webnn": "the same, and its WebAssembly has the processor's operators, too, for what WebNN leaves over",
    "chromium-litert": "no reduced build is documented; a page fetches one of the two builds for one thread, whole",
}


def operations(artefact: Artefact) -> Operations:
    """Return the kinds of operation in a model's graph for TensorFlow.js. Raises LookupError where it has none."""
    graph = manifest.derived(artefact, "tfjs.json")
    if graph is None:
        raise LookupError(f"{artefact.name} has no TensorFlow.js export; the catalogue's float32 models have one")
    return sorted({operation["op"] for operation in json.loads(graph.read_text())["operations"]})
