"""Platforms on the client: three runtimes, and onnxruntime-web's providers, in a page of Chromium."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.platforms.exports import litert_file
from benchmarks.platforms.page import Found, PagePlatform, Request, require
from benchmarks.protocol import Case, UnavailableError
from benchmarks.settings import Settings
from browser_harness import packages
from browser_harness.page import PageError
from models import manifest

REFUSED = {
    "chromium-webgl": (
        "its logits were 30 % off the reference (onnxruntime-web 1.30.0, fixed batch, SwiftShader), it takes no free "
        "batch, and onnxruntime is about to remove it; use chromium-webgpu"
    )
}
# How the GPUs that are simulated on the processor call themselves, the vendor first: Chromium's, Mesa's and Windows'.
SOFTWARE = r"^(google|mesa)\b|swiftshader|llvmpipe|lavapipe|softpipe|software|basic render|\bwarp\b"
YOUNG = 400  # inferences of LiteRT.js; a page that slows down was never seen to do so before its 1,000th


def dist(package: str, *folders: str) -> Path:
    """Return the folder of a package's built files."""
    return packages.NODE_MODULES.joinpath(package, *(folders or ("dist",)))


class OrtWeb(PagePlatform):
    """onnxruntime-web; what it is asked for and has to prove differs by execution provider."""

    engine = "ort"
    packages = ("onnxruntime-web",)
    bundle = "ort.webgpu.bundle.min.mjs"
    binary = "ort-wasm-simd-threaded.asyncify.wasm"

    @property
    def runtime(self) -> Mapping[str, Path]:
        """One bundle and its WebAssembly."""
        return {f"/ort/{name}": dist("onnxruntime-web") / name for name in (self.bundle, self.binary)}

    def request(self, case: Case, settings: Settings) -> Request:
        """Take the ONNX file and the files of its weights."""
        return Request({case.file.name: case.file, **data_files(case.file)}, self.configuration(case, settings))

    def configuration(self, case: Case, settings: Settings) -> dict[str, Any]:
        """Ask for the provider alone, with outputs on the host."""
        providers = {"executionProviders": [self.execution_provider()], "preferredOutputLocation": "cpu"}
        return {
            "bundle": f"/ort/{self.bundle}",
            "wasmPaths": {"wasm": f"/ort/{self.binary}"},
            "threads": case.threads,
            "session": providers | self.session_options(case),
        }

    def execution_provider(self) -> dict[str, Any]:
        """Return what ``executionProviders`` is given."""
        return {"name": self.provider}

    def session_options(self, case: Case) -> dict[str, Any]:
        """Return further session options."""
        return {}

    def prove(self, case: Case, found: Found, settings: Settings) -> dict[str, Any]:
        """Check the runtime's version."""
        require(found, {"version": packages.pinned("onnxruntime-web")})
        return {}


class ChromiumWasm(OrtWeb):
    """onnxruntime-web's WebAssembly provider, with SIMD, on as many threads as asked for, cross-origin isolated."""

    name = "chromium-wasm"
    provider = "wasm"
    # The bundle without JavaScript for WebGPU or WebNN: what it opens can only run in WebAssembly.
    bundle = "ort.wasm.bundle.min.mjs"
    binary = "ort-wasm-simd-threaded.wasm"


class Placed(OrtWeb):
    """A provider that leaves what it cannot run to WebAssembly in silence: its log must say that it has every node."""

    placement: str  # what the log calls the provider
    one_thread = own_threads = True
    script_sources = ("'unsafe-eval'",)  # the bundle writes its bindings at run time

    def session_options(self, case: Case) -> dict[str, Any]:
        """Log what is done when the session is opened; no inference logs more than warnings."""
        return {"logSeverityLevel": 0}

    def prove(self, case: Case, found: Found, settings: Settings) -> dict[str, Any]:
        """Check that the log puts all nodes on this provider, besides the version."""
        details = super().prove(case, found, settings)
        if any(f"All nodes placed on [{self.placement}]" in line for line in found["placed"]):
            return details
        seen = "; ".join(found["placed"]) or "nothing on where the nodes are"
        words = f"not all nodes are placed on {self.placement}; the log says: {seen}"
        if (precision := precision_of(case)) != "float32":
            raise UnavailableError(f"{self.name}: {case.file.name}: {words}; measure the float32 file, not {precision}")
        if case.artefact.is_own:
            raise UnavailableError(f"{self.name}: {case.file.name}: {words}; measure this file on chromium-wasm")
        raise PageError(words)


class ChromiumWebnn(Placed):
    """onnxruntime-web's WebNN provider on a kind of device, with every dimension of the graph fixed."""

    provider = "webnn"
    placement = "WebNNExecutionProvider"
    fixed_batch = True

    def __init__(self, name: str, device: str) -> None:
        self.name, self.device = name, device
        quiet = ("--disable-gpu",) if device == "cpu" else ()
        self.flags = (*quiet, "--enable-features=WebMachineLearningNeuralNetwork")

    def unavailable(self, settings: Settings) -> str | None:
        """Refuse an NPU, and a GPU where Chromium's WebNN computes on the processor whatever it is asked for."""
        if self.device == "npu":
            return (
                f"{self.name}: nothing tells whether an NPU computed, for WebNN may take another device in silence; "
                "measure chromium-webnn"
            )
        if self.device == "gpu" and sys.platform not in ("win32", "darwin"):
            return (
                f"{self.name}: Chromium's WebNN on {sys.platform} is LiteRT on the processor, whatever device is asked "
                "for; measure it on Windows or macOS, or take chromium-webnn"
            )
        return super().unavailable(settings)

    def execution_provider(self) -> dict[str, Any]:
        """Return the provider with its device."""
        return {"name": self.provider, "deviceType": self.device}

    def session_options(self, case: Case) -> dict[str, Any]:
        """Fix the batch: a graph with a free dimension runs in WebAssembly."""
        return super().session_options(case) | {"freeDimensionOverrides": self._lengths(case)}

    def _lengths(self, case: Case) -> dict[str, int]:
        batch, others = free_dimensions(case.file)
        if others:
            raise UnavailableError(
                f"{self.name}: {case.file.name}: the free dimension {others[0]} cannot be fixed here; export the graph "
                "with a named batch as its only free dimension"
            )
        return {batch: case.batch_size} if batch else {}

    def configuration(self, case: Case, settings: Settings) -> dict[str, Any]:
        """Ask for a real adapter too, where the device is a GPU."""
        gpu = {"softwareGpu": software_gpu(settings)} if self.device == "gpu" else {}
        return super().configuration(case, settings) | gpu

    def prove(self, case: Case, found: Found, settings: Settings) -> dict[str, Any]:
        """Tell the adapter that the page found, where the device is a GPU: WebNN does not tell which it took."""
        details = super().prove(case, found, settings)
        return details | ({"adapter": found["pageAdapter"]} if self.device == "gpu" else {})

    def is_software(self, found: Found) -> bool:
        """Ask the adapter that the page found."""
        return self.device == "gpu" and is_software_adapter(found["pageAdapter"])


class ChromiumWebgpu(Placed):
    """onnxruntime-web's native WebGPU provider; what it computes is read back inside the clock."""

    name = "chromium-webgpu"
    provider = "webgpu"
    placement = "WebGpuExecutionProvider"
    flags = ("--enable-unsafe-webgpu",)

    def configuration(self, case: Case, settings: Settings) -> dict[str, Any]:
        """Ask for a real adapter before anything is loaded."""
        return super().configuration(case, settings) | {"softwareGpu": software_gpu(settings)}

    def prove(self, case: Case, found: Found, settings: Settings) -> dict[str, Any]:
        """Check the adapter of the device that the runtime took."""
        details = super().prove(case, found, settings)
        adapter = found["adapter"]
        if not adapter:
            raise PageError("the runtime has no WebGPU device, although its session is open")
        if is_software_adapter(adapter) and not settings.allow_software_gpu:
            raise PageError(f"the runtime took another adapter than the page found: {adapter}")
        return details | {"adapter": adapter}

    def is_software(self, found: Found) -> bool:
        """Ask the adapter of the runtime's device."""
        return is_software_adapter(found["adapter"])


class ChromiumTfjs(PagePlatform):
    """TensorFlow.js on its WebAssembly backend, with SIMD."""

    name = "chromium-tfjs"
    provider = "wasm"
    engine = "tfjs"
    packages = ("@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-wasm")
    scripts = ("/tfjs/tf-core.min.js", "/tfjs/tf-backend-wasm.min.js")
    # An isolated page always gets this build; a page that asks for another gets none.
    binary = "tfjs-backend-wasm-threaded-simd.wasm"
    script_sources = ("blob:",)  # its thread workers load the library from one

    @property
    def runtime(self) -> Mapping[str, Path]:
        """The library, the backend and its WebAssembly."""
        core, backend = self.scripts
        folder = dist("@tensorflow/tfjs-backend-wasm")
        return {
            core: dist("@tensorflow/tfjs-core") / "tf-core.min.js",
            backend: folder / "tf-backend-wasm.min.js",
            f"/tfjs/{self.binary}": folder / self.binary,
        }

    def request(self, case: Case, settings: Settings) -> Request:
        """Take the graph that was exported for it."""
        graph, weights = (manifest.derived(case.artefact, f"tfjs.{ending}") for ending in ("json", "bin"))
        if graph is None or weights is None:
            raise UnavailableError(
                f"{self.name}: {case.file.name}: no TensorFlow.js export; the catalogue's float32 models have one"
            )
        configuration = {"scripts": self.scripts, "wasmPaths": "/tfjs/", "threads": case.threads}
        return Request({"graph": graph, "weights": weights}, configuration)

    def prove(self, case: Case, found: Found, settings: Settings) -> dict[str, Any]:
        """Check backend, SIMD and versions; the library caps the threads in silence."""
        if found["threads"] != case.threads:
            raise UnavailableError(
                f"{self.name}: {case.file.name}: TensorFlow.js keeps to {found['threads']} thread(s), about half "
                f"of the {found['processors']} processors, where {case.threads} were asked for"
            )
        require(
            found,
            {
                "backend": "wasm",
                "librarySimd": True,
                "libraryThreads": True,
                "version": packages.pinned("@tensorflow/tfjs-core"),
                "backendVersion": packages.pinned("@tensorflow/tfjs-backend-wasm"),
            },
        )
        return {"backend": found["backend"]}


class ChromiumLitert(PagePlatform):
    """LiteRT.js on the processor; every block is timed in a page of its own, since a page may slow down as it ages."""

    name = "chromium-litert"
    provider = "wasm"
    engine = "litert"
    packages = ("@litertjs/core", "@litertjs/wasm-utils")
    library = "/litert/core.js"
    one_thread = fixed_batch = True
    page_lifetime = YOUNG
    builds = ("litert_wasm_internal", "litert_wasm_compat_internal")  # relaxed SIMD, and plain

    @property
    def runtime(self) -> Mapping[str, Path]:
        """The library, its helper, and the two builds it picks from."""
        core = dist("@litertjs/core", "wasm")
        builds = [f"{build}.{ending}" for build in self.builds for ending in ("js", "wasm")]
        return {
            self.library: dist("@litertjs/core") / "index.js",
            "/litert/wasm-utils.js": dist("@litertjs/wasm-utils") / "index.js",
            **{f"/litert/wasm/{name}": core / name for name in builds},
        }

    def request(self, case: Case, settings: Settings) -> Request:
        """Take the file that was made for this batch size, and the names of the graph that it was made from."""
        file = litert_file(self.name, case)
        names = dict(zip(("input", "output"), input_and_output(case.file), strict=True))
        return Request({file.name: file}, {"library": self.library, "wasmPaths": "/litert/wasm", "graph": names})

    def fetched(self, found: Found) -> set[str]:
        """Return the library and the build that was loaded."""
        build = self._build(found)
        helpers = {self.library, "/litert/wasm-utils.js"}
        return helpers | {f"/litert/wasm/{build}.{ending}" for ending in ("js", "wasm")}

    def prove(self, case: Case, found: Found, settings: Settings) -> dict[str, Any]:
        """Check that the loaded build has no threads and took the whole model; tell which build it is."""
        require(found, {"sharedMemory": False, "isFullyAccelerated": True})
        return {"build": self._build(found)}

    def _build(self, found: Found) -> str:
        """Return the only build whose files the page loaded."""
        loaded = [build for build in self.builds if f"/litert/wasm/{build}.wasm" in found["loaded"]]
        if len(loaded) != 1:
            raise PageError(f"{len(loaded)} builds of LiteRT were loaded; the page loaded {', '.join(found['loaded'])}")
        return loaded[0]


def software_gpu(settings: Settings) -> dict[str, Any]:
    """Return how the page tells a software adapter, and whether it may take one."""
    return {"pattern": SOFTWARE, "allowed": settings.allow_software_gpu}


def is_software_adapter(adapter: Mapping[str, Any]) -> bool:
    """Whether what an adapter says of itself is that of a GPU simulated on the processor."""
    words = " ".join(adapter[name] or "" for name in ("vendor", "architecture", "device", "description"))
    return bool(adapter["isFallbackAdapter"] or re.search(SOFTWARE, words, re.IGNORECASE))


def data_files(model: Path) -> dict[str, Path]:
    """Return the files beside *model* that hold its weights, by the name the graph calls them.

    One that is missing, or lies elsewhere, is left out: the runtime will tell.
    """
    from google.protobuf.message import DecodeError

    from models import graph

    try:
        names = graph.data_files(graph.read(model))
    except DecodeError:  # no ONNX at all
        return {}
    folder = model.parent.resolve()
    files = ((name, (folder / name).resolve()) for name in names)
    return {name: file for name, file in files if file.is_file() and file.is_relative_to(folder)}


def free_dimensions(model: Path) -> tuple[str | None, list[str]]:
    """Return the name of the batch, where it is free, and the free dimensions that a runtime cannot be told to fix.

    The batch is the first axis of the first input. A dimension without a name is called input:axis. None of a file
    that is no ONNX: the runtime will tell.
    """
    from google.protobuf.message import DecodeError

    from models import graph

    try:
        inputs = graph.declared_inputs(graph.read(model))
    except DecodeError:
        return None, []
    first = inputs[0].shape[0] if inputs and inputs[0].shape else None
    batch = first if isinstance(first, str) else None
    return batch, sorted(graph.free_dimensions(inputs) - {batch})


def input_and_output(model: Path) -> tuple[str, str]:
    """Return the names of a graph's first input and first output."""
    from models import graph

    read = graph.read(model)
    return graph.declared_inputs(read)[0].name, read.graph.output[0].name


def precision_of(case: Case) -> str:
    """Return the precision of the case's weights."""
    from models import graph

    return graph.precision(graph.read(case.file))


CHROMIUM_PLATFORMS = (
    ChromiumWasm(),
    ChromiumTfjs(),
    ChromiumLitert(),
    ChromiumWebnn("chromium-webnn", "cpu"),
    ChromiumWebnn("chromium-webnn-gpu", "gpu"),
    ChromiumWebnn("chromium-webnn-npu", "npu"),
    ChromiumWebgpu(),
)
