"""What changed in saved runs from one schema to the next, so that old ones are read as new ones are."""

from collections.abc import Mapping
from typing import Any

from benchmarks.results import keys

Info = Mapping[str, Any]  # a benchmark's extra_info

# What a platform tells of itself, which schema 1 put beside the rest and not under a key of its own.
SPREAD_IN_1 = (
    *("adapter", "adapters", "backend", "build", "code_cache", "cross_origin_isolated", "fetched", "fetched_bytes"),
    *("file", "freezing", "gpu", "load_parts", "memory_format", "mode", "on_device", "shapes", "simd", "spinning"),
    "tf32",
)
OPENVINO = "OpenVINO"  # the provider whose own precision took the place of the model's in schema 1
WITNESS_IN_1 = "calibration"
TURNS_IN_2 = "turns"  # how many samples each turn of a gate drew, from one start
FEWER_BITS = ("int8", "fp16")  # as the names of the catalogue's models end


def upgraded(info: Info, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return a benchmark's extra_info as the current schema has it; *params* are the benchmark's.

    What is current already stays as it is, so that nobody needs to know the schema of a single benchmark.
    """
    details = {name: info[name] for name in SPREAD_IN_1 if name in info}
    rest = {name: value for name, value in info.items() if name not in details}
    if _is_the_providers(info):
        details[keys.PRECISION] = rest.pop(keys.PRECISION)
        rest |= _precision_by_name(info, params)
    if WITNESS_IN_1 in rest:
        rest[keys.WITNESS] = rest.pop(WITNESS_IN_1)
    if TURNS_IN_2 in rest:
        rest[keys.STARTS] = [rest.pop(TURNS_IN_2)]
    if not rest.get(keys.SOFTWARE_GPU, True):  # schema 1 also wrote false
        del rest[keys.SOFTWARE_GPU]
    statistic = "mean" if keys.SLOWDOWN in info else "p10"
    return {keys.STATISTIC: statistic, **rest, keys.DETAILS: _with_fetched({**info.get(keys.DETAILS, {}), **details})}


def _with_fetched(details: Info) -> dict[str, Any]:
    """Return details in which each fetched file tells how it was sent: in old runs all were sent as they are."""
    told = dict(details)
    if keys.FETCHED in details:
        told[keys.FETCHED] = {path: _as_it_is(size) for path, size in details[keys.FETCHED].items()}
    if keys.FETCHED_BYTES in details:
        told.setdefault(keys.FETCHED_WIRE_BYTES, details[keys.FETCHED_BYTES])
    return told


def _as_it_is(size: Any) -> Any:
    return {"wire": size, "decoded": size, "encoding": None, "level": None} if isinstance(size, int) else size


def _is_the_providers(info: Info) -> bool:
    return info.get(keys.PRECISION) == "f32" and str(info.get(keys.EXECUTION_PROVIDER)).startswith(OPENVINO)


def _precision_by_name(info: Info, params: Mapping[str, Any]) -> dict[str, str]:
    """Return the precision that the model's name tells; nothing of a file of the user's own, which was not kept."""
    if info.get("own") or "model" not in params:
        return {}
    ending = params["model"].partition(".")[2]
    return {keys.PRECISION: ending if ending in FEWER_BITS else "float32"}
