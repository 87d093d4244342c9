"""What of a machine decides the figures, by which its runs are kept apart: the storage's folder and the fingerprint.

A device that joined by a link is asked about in the same way: :mod:`benchmarks.results.devices` answers for it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.results import devices, keys

Info = Mapping[str, Any]  # pytest-benchmark's machine_info

DEVICES_WAYS = (devices.short, devices.longer, devices.longest)
DECORATION = r"\((r|tm|c)\)|\b(cpu|processor|[0-9]+-core)\b|@"  # of processors' names


def machine_name(info: Info, cores: int, gpu_names: Sequence[str] = (), quota: float | None = None) -> str:
    """Return a folder's name made of what decides the figures: processor, usable cores, GPUs and quota.

    A container makes up its host name, and the clock changes from minute to minute: neither is in it. The model number
    is, where there is one, because clouds call processors of several generations ``Intel(R) Xeon(R) Processor``.
    """
    if devices.is_device(info):
        return devices.folder(devices.of_run(info))
    words = [_brand(info), _model(info), f"{cores} core{'s' if cores > 1 else ''}", *gpu_names]
    words += [f"quota {quota}"] if quota is not None else []
    return re.sub(r"[^a-z0-9.]+", "-", " ".join(words).lower()).strip("-.")


def fingerprint(info: Info) -> str:
    """Return in words what decides the figures: runs that differ in it share no series."""
    if devices.is_device(info):
        return devices.longest(devices.of_run(info))
    words = [
        _processor(info),
        _model(info),
        f"{info['cores_usable']} of {info['cores']} cores",
        f"quota of {info[keys.QUOTA]} cores" if info.get(keys.QUOTA) is not None else "",
        " ".join(info["simd_flags"] or ()),
        *(gpu["name"] for gpu in info["gpus"]),
        f"{info['system']} {info['machine']}",
        f"{info['python_implementation']} {info['python_version'].rsplit('.', 1)[0]}",
    ]
    return ", ".join(word for word in words if word)


def names(infos: Sequence[Info]) -> list[str]:
    """Return what each machine is called beside the others: alike where nothing told sets them apart.

    As short as does it: ``Intel Xeon, 2 cores``, then with the model and system, then with the name that it has for
    itself. What a run does not tell, as one of pytest-benchmark alone, is left out.
    """
    told = [tuple(way(info) for way in _ways(info)) for info in infos]
    return [_least_that_is_one(each, told) for each in told]


def _ways(info: Info) -> Sequence[Callable[[Info], str]]:
    """Return how it can be called, the shortest first."""
    if not devices.is_device(info):
        return _short, _longer, _longest
    return tuple(lambda info, way=way: way(devices.of_run(info)) for way in DEVICES_WAYS)


def _least_that_is_one(each: tuple[str, ...], told: Sequence[tuple[str, ...]]) -> str:
    """Return the first of a machine's names that no machine has whose longest name is another."""
    apart = (name for at, name in enumerate(each) if len({other[-1] for other in told if other[at] == name}) == 1)
    return next(apart)


def _short(info: Info) -> str:
    cores = info.get("cores_usable") or _cpu(info).get("count")
    gpus = [str(gpu["name"]) for gpu in info.get("gpus") or ()]
    words = [" ".join(_brand(info).split()), *gpus, f"{cores} core{'s' if cores != 1 else ''}" if cores else ""]
    words += [f"quota of {info[keys.QUOTA]} cores"] if info.get(keys.QUOTA) is not None else []
    return ", ".join(word for word in words if word)


def _longer(info: Info) -> str:
    python = f"Python {info['python_version']}" if info.get("python_version") else ""
    words = [_short(info), _model(info), str(info.get("system", "")), python]
    return ", ".join(word for word in words if word)


def _longest(info: Info) -> str:
    return ", ".join(word for word in (_longer(info), str(info.get("node", ""))) if word)


def circumstances(info: Info) -> dict[str, str]:
    """Return what may change on a machine without its being another: versions, kernel, governor, drivers."""
    if devices.is_device(info):
        return dict(info["versions"])
    drivers = {f"driver of {gpu['name']}": gpu["driver"] for gpu in info["gpus"]}
    own = {"Python": info["python_version"], "kernel": info["release"], "governor": f"{info['governor']}"}
    return {**own, **drivers, **info["versions"]}


def _cpu(info: Info) -> Info:
    cpu: Info = info.get("cpu") or {}
    return cpu


def _processor(info: Info) -> str:
    return str(_cpu(info).get("brand_raw") or info.get("machine") or "unknown processor")


def _brand(info: Info) -> str:
    return re.sub(DECORATION, " ", _processor(info), flags=re.IGNORECASE)


def _model(info: Info) -> str:
    cpu = _cpu(info)
    return f"model {cpu['family']}.{cpu['model']}" if {"family", "model"} <= cpu.keys() else ""
