"""onnxruntime's WebGPU provider outside a browser, a plugin; on Linux it computes through Vulkan."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.platforms import device, native
from benchmarks.platforms.threads import refuse_threads
from benchmarks.platforms.vulkan_devices import LOADER, devices, real
from benchmarks.protocol import Case, Facts, Threading, UnavailableError
from benchmarks.settings import Settings
from browser_harness import chromium

PROVIDER, DEVICE = "WebGpuExecutionProvider", "webgpu"
ALLOW_SOFTWARE = "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER"
# Newer loaders read the second, and then not the first: where somebody has set it, the first alone names nothing.
DRIVERS = ("VK_ICD_FILENAMES", "VK_DRIVER_FILES")
SOFTWARE = "vk_swiftshader_icd.json"
SIMULATORS = ("libvk_swiftshader", "libvulkan_lvp")  # as their files are called
DEBIAN = Path("/usr/lib/chromium")  # where its chromium's files lie; the command on PATH is a script


@dataclass(frozen=True)
class Vulkan:
    """A Vulkan that can be loaded: its loader, the driver to name to it, and the devices that it then shows."""

    loader: str
    driver: str | None  # None: the machine's own
    adapters: tuple[str, ...]
    software: bool
    pure: bool = False  # nothing simulated is shown beside the GPUs

    @property
    def environment(self) -> dict[str, str]:
        """What the plugin and the loader read.

        onnxruntime looks for GPUs in /sys, which some virtual machines keep empty, and the plugin then refuses; it may
        take what it likes where everything that Vulkan shows is a GPU.
        """
        return _naming(self.driver) | ({ALLOW_SOFTWARE: "1"} if self.software or self.pure else {})


class ServerWebGpu(native.Installed):
    """onnxruntime's WebGpuExecutionProvider, all nodes on the GPU, or on a simulated one where that is allowed."""

    name, package, runtime = "server-webgpu", "onnxruntime-ep-webgpu", "onnxruntime's WebGPU provider"
    threading: Threading = "runtime"
    has_device = True

    def unavailable(self, settings: Settings) -> str | None:
        """Say whether the plugin is missing, or a GPU, or the leave to take a simulated one."""
        if (reason := super().unavailable(settings)) or not sys.platform.startswith("linux"):
            return reason
        loaded = vulkan(settings)
        if loaded is None:
            return f"{self.name}: no GPU that Vulkan knows; install the GPU's driver, check vulkaninfo"
        if loaded.software and not settings.allow_software_gpu:
            words = f"the only adapter is software ({', '.join(loaded.adapters)})"
            return f"{self.name}: {words}; use a machine with a GPU, or pass --allow-software-gpu"
        return None

    @contextmanager
    def open(self, case: Case, settings: Settings) -> Iterator[device.HostToHost]:
        """Open the file on the first adapter and check that all of it is there."""
        self.require(settings)
        refuse_threads(self, case)
        loaded = vulkan(settings) if sys.platform.startswith("linux") else None
        with self.explained(case):
            adapter, session = self._session(case, loaded)
        # synchronize_outputs does not wait on this device; reading an output does.
        facts = self._prove(case, session, adapter, loaded)
        yield device.HostToHost(case, facts, session, DEVICE, device.read_back)

    def _session(self, case: Case, loaded: Vulkan | None) -> tuple[Any, Any]:
        """Return the plugin's device and a session on it."""
        import onnxruntime

        with _environment(loaded.environment if loaded else {}):
            adapter = next((listed for listed in _devices(loaded) if listed.ep_name == PROVIDER), None)
            if adapter is None:
                words = "the plugin finds no GPU"
                raise UnavailableError(f"{self.name}: {case.model_file.name}: {words}; check the GPU's driver")
            chosen = device.options()
            chosen.add_provider_for_devices([adapter], {})
            return adapter, onnxruntime.InferenceSession(device.model_of(case, chosen), chosen)

    def _prove(self, case: Case, session: Any, adapter: Any, loaded: Vulkan | None) -> Facts:
        from onnxruntime import OrtHardwareDeviceType

        device.prove_provider(case, self.name, session, PROVIDER)
        # A plugin's device of type CPU stands for a simulated GPU, or for one that onnxruntime did not find in /sys.
        unseen = adapter.device.type == OrtHardwareDeviceType.CPU
        software = unseen and not (loaded and loaded.pure and not _simulates())
        native.prove(case, self.name, {"software GPU": software}, {"software GPU": bool(loaded and loaded.software)})
        adapters = [*loaded.adapters] if loaded else [adapter.device.vendor]
        details = {"adapters": adapters, "listed_as": adapter.device.type.name, "on_device": "outputs read back"}
        return replace(native.facts(self.name, PROVIDER, None, details), is_software=software)


@cache
def vulkan(settings: Settings) -> Vulkan | None:
    """Return the machine's own Vulkan where it shows a GPU, else the one that the browser's files simulate, if any.

    A machine may have a GPU's driver and no loader: the browser's loader finds the driver, too.
    """
    folders = _browser_folders(settings)
    own = None
    for loader in (LOADER, *(str(folder / LOADER) for folder in folders if (folder / LOADER).is_file())):
        own = _ask(loader, None) or own
        if own and not own.software:
            return own
    for folder in folders:
        if (folder / SOFTWARE).is_file() and (loaded := _ask(str(folder / LOADER), str(folder / SOFTWARE))):
            return loaded
    return own


def _browser_folders(settings: Settings) -> list[Path]:
    try:
        return [chromium.find(settings.browser_path).path.resolve().parent, DEBIAN]
    except chromium.BrowserMissingError:  # then there is no simulated GPU of its either
        return []


def _ask(loader: str, driver: str | None) -> Vulkan | None:
    """Return what a loader shows; None where it cannot be loaded or shows nothing."""
    with _environment(_naming(driver)):
        shown = devices(loader)
    if not shown:
        return None
    gpus = real(shown)
    return Vulkan(loader, driver, tuple(gpus or (name for name, _ in shown)), not gpus, len(gpus) == len(shown))


def _simulates() -> bool:
    """Whether this process has loaded a simulated GPU, whatever the loader showed."""
    return any(name in Path("/proc/self/maps").read_text() for name in SIMULATORS)


def _naming(driver: str | None) -> dict[str, str]:
    return dict.fromkeys(DRIVERS, driver) if driver else {}


@cache
def _devices(loaded: Vulkan | None) -> list[Any]:
    """Register the plugin, once in a process, and return onnxruntime's devices."""
    import onnxruntime
    import onnxruntime_ep_webgpu

    if loaded:
        ctypes.CDLL(loaded.loader, ctypes.RTLD_GLOBAL)
    onnxruntime.register_execution_provider_library(DEVICE, onnxruntime_ep_webgpu.get_library_path())
    listed: list[Any] = onnxruntime.get_ep_devices()
    return listed


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set variables for libraries in this process, and take them back: a browser started later must not see them."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
