"""The devices that Vulkan shows; this file is also run alone, to ask in a process that ends afterwards."""

import ctypes
import subprocess
import sys
from functools import cache

LOADER = "libvulkan.so.1"
CPU_TYPE = 4  # VK_PHYSICAL_DEVICE_TYPE_CPU
ANSWERING = 60.0  # seconds that a driver may take to start


@cache
def gpus(*loaders: str) -> tuple[str, ...]:
    """Return the GPUs that the first of *loaders* to know any shows, none of them simulated.

    They are asked in a process of their own: a driver stays where it was loaded, with its threads and its memory.
    """
    command = [sys.executable, __file__, *loaders]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=ANSWERING, check=False)
    except subprocess.TimeoutExpired:  # a driver that hangs is none to measure on
        return ()
    return tuple(answer.stdout.splitlines())


def devices(loader: str) -> list[tuple[str, int]]:
    """Return name and type of each device that *loader* shows; none where it cannot be loaded."""
    try:
        library = ctypes.CDLL(loader)
    except OSError:
        return []
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


def real(shown: list[tuple[str, int]]) -> list[str]:
    """Return the names of those that no processor simulates."""
    return [name for name, kind in shown if kind != CPU_TYPE]


if __name__ == "__main__":
    found = next(filter(None, (real(devices(named)) for named in sys.argv[1:])), [])
    sys.stdout.writelines(f"{name}\n" for name in found)
