"""What this machine is made of, as far as it decides figures: cores, quota, instruction sets, governor, GPUs."""

import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks import quota


def _reached() -> int:
    """Return how many cores this process may run on; on macOS, where that cannot be less, all."""
    if sys.platform == "win32":
        import psutil

        return len(psutil.Process().cpu_affinity())
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


REACHED = _reached()  # at the start, because a run keeps itself on a single one now and then
# What binds this process besides, as in a container; None where all those cores can be kept busy.
LIMIT = quota.binding(quota.tightest(quota.read()), REACHED)
QUOTA = LIMIT.cores if LIMIT else None
CORES = quota.usable(LIMIT, REACHED)
# Instruction sets that change what the runtimes execute.
SIMD_FLAGS = ("avx2", "fma", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "amx_int8", "asimd", "asimddp", "sve")
GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def simd_flags(flags: Sequence[str] | None) -> list[str] | None:
    """Return the instruction sets that matter, of all the flags that the processor tells; None where it tells none."""
    return [flag for flag in SIMD_FLAGS if flag in flags] if flags else None


def governor() -> str | None:
    """Return the policy that sets the processor's frequency; None where the system does not tell."""
    try:
        return GOVERNOR.read_text().strip()
    except OSError:  # a virtual machine has none, a container may hide it
        return None


def gpus() -> list[dict[str, Any]]:
    """Return name, driver and memory in bytes of each NVIDIA GPU; none without nvidia-ml-py or a driver."""
    try:
        version("nvidia-ml-py")
    except PackageNotFoundError:  # an older package of the same module tells otherwise
        return []
    import pynvml

    try:
        pynvml.nvmlInit()
    except (pynvml.NVMLError_LibraryNotFound, pynvml.NVMLError_DriverNotLoaded):
        return []
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        driver = pynvml.nvmlSystemGetDriverVersion()
        return [
            {
                "name": pynvml.nvmlDeviceGetName(handle),
                "driver": driver,
                "memory_bytes": pynvml.nvmlDeviceGetMemoryInfo(handle).total,
            }
            for handle in handles
        ]
    finally:
        pynvml.nvmlShutdown()
