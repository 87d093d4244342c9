"""What Vulkan shows; this file is also run alone, to ask in a process that ends afterwards."""

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LOADER = "libvulkan.so.1"
CPU_TYPE = 4  # VK_PHYSICAL_DEVICE_TYPE_CPU
NAMING = ("VK_ICD_FILENAMES", "VK_DRIVER_FILES")  # newer loaders read the second, and then not the first
ANSWER = "shown: "  # in front of the line that is the answer
ANSWERING = 60.0  # seconds that a driver may take to start


@dataclass(frozen=True)
class Shown:
    """What a loader shows: GPUs, none of them simulated, and the extensions of its instances."""

    gpus: Sequence[str] = ()
    extensions: Sequence[str] = ()


@cache
def ask(*loaders: str, driver: Path | None = None) -> Shown:
    """Ask the first of *loaders* to know a GPU, with all drivers or one alone, named by its file.

    They are asked in a process of their own: a driver stays where it was loaded, with its threads and its memory.
    """
    command = [sys.executable, __file__, *loaders]
    named = dict.fromkeys(NAMING, str(driver)) if driver else {}
    try:
        answer = subprocess.run(
            command, env=os.environ | named, capture_output=True, text=True, timeout=ANSWERING, check=False
        )
    except subprocess.TimeoutExpired:  # a driver that hangs is none to measure on
        return Shown()
    # A driver may print words of its own, before and, when its process ends, after; or take that down.
    told = [line for line in answer.stdout.splitlines() if line.startswith(ANSWER)]
    return Shown(**json.loads(told[-1].removeprefix(ANSWER))) if answer.returncode == 0 and told else Shown()


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


def extensions(loader: str) -> list[str]:
    """Return the extensions that instances of *loader* may have."""
    library, count = ctypes.CDLL(loader), ctypes.c_uint32()
    library.vkEnumerateInstanceExtensionProperties(None, ctypes.byref(count), None)
    # VkExtensionProperties: the name in 256 bytes, and a number.
    listed = ctypes.create_string_buffer(260 * count.value)
    library.vkEnumerateInstanceExtensionProperties(None, ctypes.byref(count), listed)
    return [listed.raw[260 * place :][:256].split(b"\0")[0].decode() for place in range(count.value)]


def _properties(library: ctypes.CDLL, handle: ctypes.c_void_p) -> tuple[str, int]:
    # VkPhysicalDeviceProperties: four numbers, the type, the name in 256 bytes, and more; 824 bytes in all.
    properties = ctypes.create_string_buffer(1024)
    library.vkGetPhysicalDeviceProperties(handle, properties)
    kind = int.from_bytes(properties.raw[16:20], sys.byteorder)
    return properties.raw[20:276].split(b"\0")[0].decode(), kind


def real(shown: list[tuple[str, int]]) -> list[str]:
    """Return the names of those that no processor simulates."""
    return [name for name, kind in shown if kind != CPU_TYPE]


def _first_with_gpus(loaders: Sequence[str]) -> dict[str, list[str]]:
    for loader in loaders:
        if found := real(devices(loader)):
            return {"gpus": found, "extensions": extensions(loader)}
    return {}


if __name__ == "__main__":
    sys.stdout.write(f"\n{ANSWER}{json.dumps(_first_with_gpus(sys.argv[1:]))}\n")
