"""What was tried to make a runtime smaller: builds that are made here, and words for those that could not be."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.platforms.page import PagePlatform
from benchmarks.platforms.tensorflow_js import ChromiumTfjs
from browser_harness import packages
from browser_harness.custom import tfjs
from models import manifest
from models.manifest import Artefact

Operations = Sequence[str]  # the kinds that a graph has


class CustomTfjs(ChromiumTfjs):
    """TensorFlow.js from one script that was made for a model, in a Chromium that is started for it."""

    scripts = ("/tfjs/custom.js",)

    def __init__(self, script: Path, *, threads: bool) -> None:
        self.script, self.has_threads = script, threads
        self.binary = f"tfjs-backend-wasm-{'threaded-' if threads else ''}simd.wasm"

    @property
    def runtime(self) -> Mapping[str, Path]:
        """The script and its WebAssembly."""
        binary = packages.dist("@tensorflow/tfjs-backend-wasm") / self.binary
        return {self.scripts[0]: self.script, f"/tfjs/{self.binary}": binary}


@dataclass(frozen=True)
class Build:
    """A smaller build of a runtime: how it is made for a graph's operations, in a folder."""

    of: str  # the platform whose runtime it is
    name: str
    lacks: str
    make: Callable[[Operations, Path], PagePlatform]


def _tfjs(folder: Path, operations: Operations, *, threads: bool) -> CustomTfjs:
    script = folder / f"tfjs-{'threads' if threads else 'one-thread'}.js"
    return CustomTfjs(tfjs.build(operations, script, threads=threads), threads=threads)


BUILDS = (
    Build(
        "chromium-tfjs",
        "custom modules",
        "functions and kernels that the graph does not call",
        lambda operations, folder: _tfjs(folder, operations, threads=True),
    ),
    Build(
        "chromium-tfjs",
        "custom modules, one thread",
        "the same, and threads",
        lambda operations, folder: _tfjs(folder, operations, threads=False),
    ),
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
