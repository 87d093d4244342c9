"""onnxruntime-web's execution providers in a page: WebAssembly, WebNN and WebGPU."""

import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.platforms import claims, lacking
from benchmarks.platforms.graphs import data_files, fixed, has_int8_depthwise, precision_of
from benchmarks.platforms.page import PagePlatform
from benchmarks.platforms.page_runtime import InEffect, PageRuntime, Request, require
from benchmarks.platforms.vulkan_devices import LOADER, Shown, ask
from benchmarks.protocol import Case, Threading, UnavailableError
from benchmarks.settings import Settings
from browser_harness import chromium, headless_surface, packages
from browser_harness.channel import PageError
from models.refused import listed

# How the GPUs that are simulated on the processor call themselves, the vendor first: Chromium's, Mesa's and Windows'.
SOFTWARE = r"^(google|mesa)\b|swiftshader|llvmpipe|lavapipe|softpipe|software|basic render|\bwarp\b"

TAKES_GPU = ("win32", "darwin")  # where Chromium's WebNN has more than LiteRT on the processor


class OrtWeb(PageRuntime):
    """onnxruntime-web; what it is asked for and has to prove differs by execution provider."""

    engine, called = "ort", "onnxruntime-web"
    packages = ("onnxruntime-web",)
    bundle = "ort.webgpu.bundle.min.mjs"
    binary = "ort-wasm-simd-threaded.asyncify.wasm"

    @property
    def runtime(self) -> Mapping[str, Path]:
        """One bundle and its WebAssembly."""
        return {f"/ort/{name}": packages.dist("onnxruntime-web") / name for name in (self.bundle, self.binary)}

    def request(self, case: Case, settings: Settings) -> Request:
        """Take the ONNX file and the files of its weights."""
        return Request(
            {case.model_file.name: case.model_file, **data_files(case.model_file)}, self.configuration(case, settings)
        )

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

    def prove(self, case: Case, in_effect: InEffect, settings: Settings) -> dict[str, Any]:
        """Check the runtime's version."""
        require(in_effect, {"version": packages.pinned("onnxruntime-web")})
        return {}


class OrtWasm(OrtWeb):
    """onnxruntime-web's WebAssembly provider, with SIMD, on as many threads as asked for, cross-origin isolated."""

    provider = "wasm"
    # The bundle without JavaScript for WebGPU or WebNN: what it opens can only run in WebAssembly.
    bundle = "ort.wasm.bundle.min.mjs"
    binary = "ort-wasm-simd-threaded.wasm"


class ChromiumWasm(OrtWasm, PagePlatform):
    """WebAssembly in a Chromium that is started for it."""

    name = "chromium-wasm"


class Placed(OrtWeb):
    """A provider that leaves what it cannot run to WebAssembly in silence: its log must say that it has every node.

    It gets a graph with every dimension fixed: what computes a length would run in WebAssembly.
    """

    called = "this build of onnxruntime-web"  # it has fewer operators than the one for WebAssembly alone
    placement: str  # what the log calls the provider
    threading: Threading = "runtime"
    script_sources = ("'unsafe-eval'",)  # the bundle writes its bindings at run time
    elsewhere: str  # what to do where a browser of this machine has no such provider
    on_a_device: str  # the same of a device's

    def configuration(self, case: Case, settings: Settings) -> dict[str, Any]:
        """Tell what to do where the browser has no such provider, besides."""
        return super().configuration(case, settings) | {"remedy": self.remedy(settings)}

    def remedy(self, settings: Settings) -> str:
        """Say what to do where the browser has none."""
        if (about := claims.of_device(settings)) is None:
            return self.elsewhere
        return self.on_a_device if about.get("secure") else "a page over plain HTTP has none: have it join by --https"

    def session_options(self, case: Case) -> dict[str, Any]:
        """Log what is done when the session is opened, and tell the lengths; no inference logs more than warnings."""
        return {"logSeverityLevel": 0, "freeDimensionOverrides": {**fixed(case).overrides}}

    def request(self, case: Case, settings: Settings) -> Request:
        """Take the graph with its lengths written in, where they cannot be told by names."""
        asked = super().request(case, settings)
        copy = fixed(case).copy
        return replace(asked, files={**asked.files, case.model_file.name: copy}) if copy else asked

    def prove(self, case: Case, in_effect: InEffect, settings: Settings) -> dict[str, Any]:
        """Check that the log puts all nodes on this provider, besides the version."""
        details = super().prove(case, in_effect, settings)
        if any(f"All nodes placed on [{self.placement}]" in line for line in in_effect["placed"]):
            return details
        raise self._left_over(case, in_effect, settings.timeout)

    def _left_over(self, case: Case, in_effect: InEffect, timeout: float) -> Exception:
        """Return what is raised where nodes are placed elsewhere."""
        seen, left = in_effect["placed"], in_effect.get("left")
        words = f"not all nodes are placed on {self.placement}"
        words += f", it leaves {listed(left)}" if left else ""
        if case.artefact.is_own:
            in_wasm = any("All nodes placed on [CPUExecutionProvider]" in line for line in seen)
            return lacking.unavailable(self.name, case, words, "chromium-wasm" if in_wasm else None, timeout)
        words += f"; the log says: {'; '.join(seen) or 'nothing on where the nodes are'}"
        if (precision := precision_of(case)) != "float32":
            remedy = f"measure the float32 file, not {precision}"
            return UnavailableError(f"{self.name}: {case.model_file.name}: {words}; {remedy}")
        return PageError(words)


class ChromiumWebnn(Placed, PagePlatform):
    """onnxruntime-web's WebNN provider on a kind of device, with every dimension of the graph fixed."""

    provider = "webnn"
    placement = "WebNNExecutionProvider"
    elsewhere = "name another with --browser-path: Google Chrome has it, and so has @sparticuz/chromium"
    on_a_device = "switch it on at chrome://flags/#web-machine-learning-neural-network, or take chromium-wasm"

    def __init__(self, name: str, device: str) -> None:
        self.name, self.device = name, device
        quiet = ("--disable-gpu",) if device == "cpu" else ()
        self.flags = (*quiet, "--enable-features=WebMachineLearningNeuralNetwork")

    def unavailable(self, settings: Settings) -> str | None:
        """Refuse a GPU where Chromium's WebNN computes on the processor whatever it is asked for."""
        if self.device == "gpu" and (system := claims.system(settings)) not in TAKES_GPU:
            return (
                f"{self.name}: Chromium's WebNN on {system} is LiteRT on the processor, whatever device is asked "
                "for; measure it on Windows or macOS, or take chromium-webnn"
            )
        return super().unavailable(settings)

    def request(self, case: Case, settings: Settings) -> Request:
        """Refuse what ends the process behind WebNN, so that the page would wait for its answer in vain."""
        if claims.system(settings) not in TAKES_GPU and has_int8_depthwise(case.model_file):
            words = "Chromium's WebNN loses its context over int8 depthwise convolutions; measure this file on"
            raise UnavailableError(f"{self.name}: {case.model_file.name}: {words} chromium-wasm")
        return super().request(case, settings)

    def execution_provider(self) -> dict[str, Any]:
        """Return the provider with its device."""
        return {"name": self.provider, "deviceType": self.device}

    def configuration(self, case: Case, settings: Settings) -> dict[str, Any]:
        """Ask for a real adapter too, where the device is a GPU."""
        gpu = {"softwareGpu": software_gpu(settings)} if self.device == "gpu" else {}
        return super().configuration(case, settings) | gpu

    def prove(self, case: Case, in_effect: InEffect, settings: Settings) -> dict[str, Any]:
        """Tell the adapter that the page found, where the device is a GPU: WebNN does not tell which it took."""
        details = super().prove(case, in_effect, settings)
        return details | ({"adapter": in_effect["pageAdapter"]} if self.device == "gpu" else {})

    def is_software(self, in_effect: InEffect) -> bool:
        """Ask the adapter that the page found."""
        return self.device == "gpu" and is_software_adapter(in_effect["pageAdapter"])


class ChromiumWebgpu(Placed, PagePlatform):
    """onnxruntime-web's native WebGPU provider; what it computes is read back inside the clock."""

    name = "chromium-webgpu"
    provider = "webgpu"
    placement = "WebGpuExecutionProvider"
    flags = ("--enable-unsafe-webgpu",)
    elsewhere = "look at its page chrome://gpu, or name another with --browser-path"
    on_a_device = "look at its page chrome://gpu, or take chromium-wasm"
    # A headless Chromium on Linux keeps to its simulated GPU unless its own GL and compositor are on Vulkan, too; there
    # is no display to make a surface for. The last one lets an adapter tell the GPU's name.
    gpu_flags = (
        "--use-angle=vulkan",
        "--enable-features=Vulkan",
        "--disable-vulkan-surface",
        "--enable-webgpu-developer-features",
    )

    def unavailable(self, settings: Settings) -> str | None:
        """Say what a GPU's driver lacks, besides; where a simulated one may be taken, that is taken then."""
        if reason := super().unavailable(settings) or self._without(claims.of_device(settings), settings):
            return reason
        try:
            _added(settings)
        except headless_surface.ExtensionMissingError as error:
            return None if settings.allow_software_gpu else f"{self.name}: {error}"
        return None

    def _without(self, about: Mapping[str, Any] | None, settings: Settings) -> str | None:
        """Say that a device has no adapter, where it says so; one that says nothing is asked by its page."""
        if about is None or about.get("adapter", "") is not None:
            return None
        return f"{self.name}: the device has no WebGPU adapter; {self.remedy(settings)}"

    def browser_flags(self, settings: Settings) -> tuple[str, ...]:
        """Put all of the browser on the GPU where Linux has one; elsewhere its process would die of that first."""
        if not _vulkan(settings).gpus:
            return self.flags
        try:
            _added(settings)
        except headless_surface.ExtensionMissingError:
            return self.flags
        return (*self.flags, *self.gpu_flags)

    def browser_environment(self, settings: Settings) -> dict[str, str]:
        """Add what the browser asks of a GPU's driver, where that lacks it."""
        try:
            return _added(settings)
        except headless_surface.ExtensionMissingError:  # then it is not put on the GPU
            return {}

    def configuration(self, case: Case, settings: Settings) -> dict[str, Any]:
        """Ask for a real adapter before anything is loaded."""
        return super().configuration(case, settings) | {"softwareGpu": software_gpu(settings)}

    def prove(self, case: Case, in_effect: InEffect, settings: Settings) -> dict[str, Any]:
        """Check the adapter of the device that the runtime took."""
        details = super().prove(case, in_effect, settings)
        adapter = in_effect["adapter"]
        if not adapter:
            raise PageError("the runtime has no WebGPU device, although its session is open")
        if is_software_adapter(adapter) and not settings.allow_software_gpu:
            raise PageError(f"the runtime took another adapter than the page found: {adapter}")
        added = {"vulkan": headless_surface.ADDED} if self.browser_environment(settings) else {}
        return details | {"adapter": adapter} | added

    def is_software(self, in_effect: InEffect) -> bool:
        """Ask the adapter of the runtime's device."""
        return is_software_adapter(in_effect["adapter"])


def _vulkan(settings: Settings, driver: Path | None = None) -> Shown:
    """Ask for the GPUs of Linux, by the machine's loader or the one beside the browser; a device's are its own."""
    if settings.device is not None or not sys.platform.startswith("linux"):
        return Shown()
    beside = chromium.find(settings.browser_path).path.resolve().parent / LOADER
    return ask(LOADER, str(beside), driver=driver)


def _added(settings: Settings) -> dict[str, str]:
    """Return the variables that add what a GPU's driver lacks; raise ExtensionMissingError where it cannot be added."""
    shown = _vulkan(settings)
    if not shown.gpus or headless_surface.EXTENSION in shown.extensions:
        return {}
    return headless_surface.environment(lambda driver: bool(_vulkan(settings, driver).gpus))


def software_gpu(settings: Settings) -> dict[str, Any]:
    """Return how the page tells a software adapter, and whether it may take one."""
    return {"pattern": SOFTWARE, "allowed": settings.allow_software_gpu}


def is_software_adapter(adapter: Mapping[str, Any]) -> bool:
    """Whether what an adapter says of itself is that of a GPU simulated on the processor."""
    words = " ".join(adapter[name] or "" for name in ("vendor", "architecture", "device", "description"))
    return bool(adapter["isFallbackAdapter"] or re.search(SOFTWARE, words, re.IGNORECASE))
