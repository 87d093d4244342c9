"""What must be alike for the figures of two saved runs to mean the same: one table for all that compare such runs.

It imports nothing of pytest's, which the gate's own environment does not have.
"""

from collections.abc import Iterable, Mapping
from typing import Any

# Of machine_info and its processor; a container makes up its node's name, and the clock changes from minute to minute.
MACHINE = (
    *("system", "release", "machine", "python_implementation", "python_version"),
    *("simd_flags", "cores", "cores_usable", "governor", "gpus"),
)
PROCESSOR = ("brand_raw", "family", "model", "count")
# Of a benchmark's extra_info, and of its options those that the suite's own sampler goes by, too.
IN_FORCE = (
    *("precision", "batch_size", "inputs"),
    *("execution_provider", "threads", "clock", "software_gpu", "slowdown"),
)
MEASURED = ("model_sha256", "data_sha256", *IN_FORCE)
OPTIONS = ("timer", "warmup", "disable_gc", "max_time", "min_rounds")
WORDS = {
    "release": "system's release",
    "machine": "architecture",
    "python_implementation": "Python",
    "python_version": "Python's version",
    "simd_flags": "instruction sets",
    "cores_usable": "usable cores",
    "gpus": "GPUs",
    "brand_raw": "processor",
    "family": "processor's family",
    "model": "processor's model",
    "count": "processor's count",
    "model_sha256": "model's SHA-256",
    "data_sha256": "data's SHA-256",
    "software_gpu": "software GPU",
}
NOT_TOLD = "not told"

Facts = dict[str, Any]  # by the words of a message


def of_machine(info: Mapping[str, Any]) -> Facts:
    """Return what of a run's machine_info must be alike."""
    return _facts(MACHINE, info) | _facts(PROCESSOR, info.get("cpu", {}))


def of_benchmark(saved: Mapping[str, Any]) -> Facts:
    """Return what of a benchmark, as pytest-benchmark saves it, must be alike; of a slowdown what was asked for."""
    info = saved["extra_info"]
    if "slowdown" in info:
        info = {**info, "slowdown": info["slowdown"]["asked"]}
    return _facts(MEASURED, info) | _facts(OPTIONS, saved["options"])


def _facts(names: Iterable[str], told: Mapping[str, Any]) -> Facts:
    return {WORDS.get(name, name.replace("_", " ")): told.get(name, NOT_TOLD) for name in names}
