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
from benchmarks.protocol import Case, Facts, UnavailableError
from benchmarks.settings import Settings
from browser_harness import chromium

PROVIDER, DEVICE = "WebGpuExecutionProvider", "webgpu"
ALLOW_SOFTWARE, DRIVERS = "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER", "VK_ICD_FILENAMES"
LOADER, SOFTWARE = "libvulkan.so.1", "vk_swiftshader_icd.json"
DEBIAN = Path("/usr/lib/chromium")  # where its chromium's files lie; the command on PATH is a script
CPU_TYPE = 4  # VK_PHYSICAL_DEVICE_TYPE_CPU


@dataclass(frozen=True)
class Vulkan:
    """A Vulkan that can be loaded: its loader, the driver to name to it, and the devices that it then shows."""

    loader: str
    driver: str | None  # None: the machine's own
    adapters: tuple[str, ...]
    software: bool

    @property
    def environment(self) -> dict[str, str]:
        """What the plugin and the loader read."""
        named = {DRIVERS: self.driver} if self.driver else {}
        return named | ({ALLOW_SOFTWARE: "1"} if self.software else {})


class ServerWebGpu(native.Installed):
    """onnxruntime's WebGpuExecutionProvider, all nodes on the GPU, or on a simulated one where that is allowed."""

    name, package = "server-webgpu", "onnxruntime-ep-webgpu"
    has_device = True

    def unavailable(self, settings: Settings) -> str | None:
        """Say whether the plugin is missing, or a GPU, or the leave to take a simulated one."""
        if (reason := super().unavailable(settings)) or not sys.platform.startswith("linux"):
            return reason
        found = vulkan(settings)
        if found is None:
            return f"{self.name}: no GPU that Vulkan knows; install the GPU's driver, check vulkaninfo"
        if found.software and not settings.allow_software_gpu:
            words = f"the only adapter is software ({', '.join(found.adapters)})"
            return f"{self.name}: {words}; use a machine with a GPU, or pass --allow-software-gpu"
        return None

    @contextmanager
    def open(self, case: Case, settings: Settings) -> Iterator[device.HostToHost]:
        """Open the file on the first adapter and check that all of it is there."""
        self.require(settings)
        device.refuse_threads(case, self.name)
        found = vulkan(settings) if sys.platform.startswith("linux") else None
        with self.explained(case):
            adapter, session = self._session(case, found)
        # synchronize_outputs does not wait on this device; reading an output does.
        facts = self._prove(case, session, adapter, found)
        yield device.HostToHost(case, facts, session, DEVICE, device.read_back)

    def _session(self, case: Case, found: Vulkan | None) -> tuple[Any, Any]:
        """Return the plugin's device and a session on it."""
        import onnxruntime

        with _environment(found.environment if found else {}):
            adapter = next((one for one in _devices(found) if one.ep_name == PROVIDER), None)
            if adapter is None:
                words = "the plugin finds no GPU"
                raise UnavailableError(f"{self.name}: {case.file.name}: {words}; check the GPU's driver")
            chosen = device.options()
            chosen.add_provider_for_devices([adapter], {})
            return adapter, onnxruntime.InferenceSession(os.fspath(case.file), chosen)

    def _prove(self, case: Case, session: Any, adapter: Any, found: Vulkan | None) -> Facts:
        from onnxruntime import OrtHardwareDeviceType

        device.prove_provider(case, self.name, session, PROVIDER)
        # A plugin's device of type CPU stands for a simulated GPU.
        software = adapter.device.type == OrtHardwareDeviceType.CPU
        native.prove(case, self.name, {"software GPU": software}, {"software GPU": bool(found and found.software)})
        adapters = [*found.adapters] if found else [adapter.device.vendor]
        details = {"adapters": adapters, "on_device": "outputs read back"}
        return replace(native.facts(self.name, PROVIDER, None, details), is_software=software)


@cache
def vulkan(settings: Settings) -> Vulkan | None:
    """Return the machine's own Vulkan where it shows a GPU, else the one that the browser's files simulate, if any."""
    own = _ask(LOADER, None)
    if own and not own.software:
        return own
    for folder in _browser_folders(settings):
        if (folder / SOFTWARE).is_file() and (found := _ask(str(folder / LOADER), str(folder / SOFTWARE))):
            return found
    return own


def _browser_folders(settings: Settings) -> list[Path]:
    try:
        return [chromium.find(settings.browser_path).path.resolve().parent, DEBIAN]
    except chromium.BrowserMissingError:  # then there is no simulated GPU of its either
        return []


def _ask(loader: str, driver: str | None) -> Vulkan | None:
    """Return what a loader shows; None where it cannot be loaded or shows nothing."""
    try:
        library = ctypes.CDLL(loader)
    except OSError:
        return None
    with _environment({DRIVERS: driver} if driver else {}):
        devices = _vulkan_devices(library)
    if not devices:
        return None
    real = [name for name, kind in devices if kind != CPU_TYPE]
    return Vulkan(loader, driver, tuple(real or (name for name, _ in devices)), not real)


def _vulkan_devices(library: ctypes.CDLL) -> list[tuple[str, int]]:
    """Return name and type of each device that Vulkan shows."""
    instance, count = ctypes.c_void_p(), ctypes.c_uint32()
    # VkInstanceCreateInfo without extensions: its type, 1, and zeros.
    information = (ctypes.c_uint64 * 8)(1)
    if library.vkCreateInstance(information, None, ctypes.byref(instance)):
        return []
    try:
        library.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None)
        handles = (ctypes.c_void_p * count.value)()
        library.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), handles)
        return [_properties(library, ctypes.c_void_p(handle)) for handle in handles]
    finally:
        library.vkDestroyInstance(instance, None)


def _properties(library: ctypes.CDLL, handle: ctypes.c_void_p) -> tuple[str, int]:
    # VkPhysicalDeviceProperties: four numbers, the type, the name in 256 bytes, and more; 824 bytes in all.
    properties = ctypes.create_string_buffer(1024)
    library.vkGetPhysicalDeviceProperties(handle, properties)
    kind = int.from_bytes(properties.raw[16:20], sys.byteorder)
    return properties.raw[20:276].split(b"\0")[0].decode(), kind


@cache
def _devices(found: Vulkan | None) -> list[Any]:
    """Register the plugin, once in a process, and return onnxruntime's devices."""
    import onnxruntime
    import onnxruntime_ep_webgpu

    if found:
        ctypes.CDLL(found.loader, ctypes.RTLD_GLOBAL)
    onnxruntime.register_execution_provider_library(DEVICE, onnxruntime_ep_webgpu.get_library_path())
    devices: list[Any] = onnxruntime.get_ep_devices()
    return devices


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
