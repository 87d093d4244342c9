"""Energy, where the machine counts it: the processor's package by RAPL, NVIDIA's GPUs by NVML.

A counter counts a whole package or GPU, with whatever else runs there, and with its idling. A counter that is not there
is left out; it is not 0.
"""

from collections.abc import Mapping
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
Counters = Mapping[str, tuple[float, float | None]]  # by name: joules, and where the counter starts again from 0


def read() -> Counters:
    """Read all counters that this machine has and this user may read."""
    return {**_rapl(POWERCAP), **_nvml()}


def _rapl(folder: Path) -> Counters:
    """Read the packages, as the kernel lists them; their parts (cores, memory) are in them already."""
    counters = {}
    for zone in sorted(folder.glob("*rapl:[0-9]")):
        try:
            name = f"rapl {(zone / 'name').read_text().strip()}"
            microjoules, limit = (int((zone / file).read_text()) for file in ("energy_uj", "max_energy_range_uj"))
        except OSError:  # since 2020 the kernel lets root alone read it (CVE-2020-8694)
            continue
        counters[name] = microjoules / 1e6, limit / 1e6
    return counters


def _nvml() -> Counters:
    """Read the GPUs' own counters, which Volta and later keep since the driver was loaded."""
    try:
        import pynvml
    except ImportError:  # the bench-gpu environment has it
        return {}
    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        readings = [pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1e3 for handle in handles]
    except pynvml.NVMLError:  # no driver, no GPU, or one that does not count
        return {}
    return {f"nvml gpu {index}": (joules, None) for index, joules in enumerate(readings)}


def spent(before: Counters, after: Counters) -> dict[str, float]:
    """Return joules by counter between two readings; a counter that is in one of them only is left out."""
    joules = {}
    for name in before.keys() & after.keys():
        (start, limit), (end, _limit) = before[name], after[name]
        joules[name] = end - start + (limit or 0.0) * (end < start)
    return dict(sorted(joules.items()))


def unavailable() -> str | None:
    """Why no energy can be told here, and what would change that; None where it can."""
    if read():
        return None
    hidden = any(POWERCAP.glob("*rapl:[0-9]"))
    why = "cannot be read by this user; run as root" if hidden else "is not there (a virtual machine has none)"
    return f"energy: RAPL below {POWERCAP} {why}, and NVML shows no GPU that counts"
