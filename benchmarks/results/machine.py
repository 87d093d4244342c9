"""What of a machine decides the figures, by which its runs are kept apart: the storage's folder and the fingerprint."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.results import keys

Info = Mapping[str, Any]  # pytest-benchmark's machine_info

DECORATION = r"\((r|tm|c)\)|\b(cpu|processor|[0-9]+-core)\b|@"  # of processors' names


def machine_name(info: Info, cores: int, gpu_names: Sequence[str] = (), quota: float | None = None) -> str:
    """Return a folder's name made of what decides the figures: processor, usable cores, GPUs and quota.

    A container makes up its host name, and the clock changes from minute to minute: neither is in it. The model number
    is, where there is one, because clouds call processors of several generations ``Intel(R) Xeon(R) Processor``.
    """
    brand = re.sub(DECORATION, " ", _processor(info), flags=re.IGNORECASE)
    words = [brand, _model(info), f"{cores} core{'s' if cores > 1 else ''}", *gpu_names]
    words += [f"quota {quota}"] if quota is not None else []
    return re.sub(r"[^a-z0-9.]+", "-", " ".join(words).lower()).strip("-.")


def fingerprint(info: Info) -> str:
    """Return in words what decides the figures: runs that differ in it share no series."""
    words = [
        _processor(info),
        _model(info),
        f"{info['cores_usable']} of {info['cores']} cores",
        f"quota of {info[keys.QUOTA]} cores" if info.get(keys.QUOTA) is not None else "",
        " ".join(info["simd_flags"]),
        *(gpu["name"] for gpu in info["gpus"]),
        f"{info['system']} {info['machine']}",
        f"{info['python_implementation']} {info['python_version'].rsplit('.', 1)[0]}",
    ]
    return ", ".join(word for word in words if word)


def circumstances(info: Info) -> dict[str, str]:
    """Return what may change on a machine without its being another: versions, kernel, governor, drivers."""
    drivers = {f"driver of {gpu['name']}": gpu["driver"] for gpu in info["gpus"]}
    own = {"Python": info["python_version"], "kernel": info["release"], "governor": f"{info['governor']}"}
    return {**own, **drivers, **info["versions"]}


def _processor(info: Info) -> str:
    return str(info["cpu"].get("brand_raw") or info["machine"])


def _model(info: Info) -> str:
    cpu = info["cpu"]
    return f"model {cpu['family']}.{cpu['model']}" if {"family", "model"} <= cpu.keys() else ""
