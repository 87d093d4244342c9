"""Where runs are kept: in pytest-benchmark's storage, a folder for each machine, so that no two machines are compared.

``.benchmarks/intel-xeon-2.90ghz-model-6.85-2-cores/Linux-CPython-3.11-64bit/0001_….json``.
"""

import re
from collections.abc import Sequence
from typing import Any

import pytest

from benchmarks.platforms.cuda import gpus
from benchmarks.run.choices import CORES

DEFAULT = "file://./.benchmarks"  # pytest-benchmark's own; who writes it otherwise, or names another, is obeyed
DECORATION = r"\((r|tm|c)\)|\b(cpu|processor|[0-9]+-core)\b|@"  # of processors' names


def pytest_configure(config: pytest.Config) -> None:
    """Keep runs in this machine's folder, unless a storage was named; pytest-benchmark reads the option after this."""
    if config.getoption("benchmark_storage") == DEFAULT and _is_used(config):
        info = config.hook.pytest_benchmark_generate_machine_info(config=config)
        names = [gpu["name"] for gpu in gpus()]
        config.option.benchmark_storage = f"{DEFAULT}/{machine_name(info, CORES, names)}"


def _is_used(config: pytest.Config) -> bool:
    """Whether runs are saved or read: others need not wait while the processor is asked for its name."""
    return any(config.getoption(f"benchmark_{name}") for name in ("autosave", "save", "compare"))


def machine_name(machine_info: dict[str, Any], cores: int, gpu_names: Sequence[str] = ()) -> str:
    """Return a folder's name made of what decides the figures: processor, usable cores and GPUs.

    A container makes up its host name, and the clock changes from minute to minute: neither is in it. The model number
    is, where there is one, because clouds call processors of several generations ``Intel(R) Xeon(R) Processor``.
    """
    cpu = machine_info["cpu"]
    model = f"model {cpu['family']}.{cpu['model']}" if {"family", "model"} <= cpu.keys() else ""
    brand = re.sub(DECORATION, " ", cpu.get("brand_raw") or machine_info["machine"], flags=re.IGNORECASE)
    words = [brand, model, f"{cores} core{'s' if cores > 1 else ''}", *gpu_names]
    return re.sub(r"[^a-z0-9.]+", "-", " ".join(words).lower()).strip("-.")
