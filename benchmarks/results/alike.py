"""What must be alike for the figures of two saved runs to mean the same: one table for all that compare such runs."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from benchmarks.results import devices, keys
from benchmarks.results.saved import Result

# Of machine_info and its processor; a container makes up its node's name, and the clock changes from minute to minute.
MACHINE = (
    *("system", "release", "machine", "python_implementation", "python_version"),
    *("simd_flags", "cores", "cores_usable", keys.QUOTA, "governor", "gpus"),
)
PROCESSOR = ("brand_raw", "family", "model", "count")
# Of a benchmark's extra_info; below, of its options, those that the suite's own sampler follows, too.
IN_FORCE = (
    *(keys.PRECISION, keys.BATCH_SIZE, keys.INPUTS, keys.FED),
    *(keys.EXECUTION_PROVIDER, keys.THREADS, keys.CLOCK, keys.SOFTWARE_GPU, keys.SLOWDOWN),
    *(keys.WORKERS, keys.P99_BOUND),
    *(keys.NETWORK, keys.SERVER, keys.UPLOAD),
)
ADAPTERS = ("adapter", "adapters")  # in details: of a GPU, with all that it tells
ENCODINGS = "encodings"  # of what an opening fetched, by name and level: what is sent compressed has to be unpacked
MEASURED = (keys.MODEL_SHA256, keys.DATA_SHA256, *IN_FORCE, ENCODINGS, keys.STARTS)
OPTIONS = ("timer", "warmup", "disable_gc", "max_time", "min_rounds")
WORDS = {
    "release": "system's release",
    "machine": "architecture",
    "python_implementation": "Python",
    "python_version": "Python's version",
    "simd_flags": "instruction sets",
    "cores_usable": "usable cores",
    keys.QUOTA: "quota of cores",
    "gpus": "GPUs",
    "brand_raw": "processor",
    "family": "processor's family",
    "model": "processor's model",
    "count": "processor's count",
    keys.MODEL_SHA256: "model's SHA-256",
    keys.DATA_SHA256: "data's SHA-256",
    keys.FED: "values fed",
    keys.SOFTWARE_GPU: "software GPU",
    keys.STARTS: "pages or processes",
    ENCODINGS: "encodings of what is fetched",
}
NOT_TOLD = "not told"

Facts = dict[str, Any]  # by the words of a message


def of_machine(info: Mapping[str, Any]) -> Facts:
    """Return what of a run's machine_info must be alike; of a device, what it says of itself."""
    if devices.is_device(info):
        return devices.identity(devices.of_run(info))
    # Nobody looked for a quota until 51a147d: what was saved before goes on as a run without one.
    return _facts(MACHINE, {keys.QUOTA: None, **info}) | _facts(PROCESSOR, info.get("cpu", {}))


def of_benchmark(result: Result) -> Facts:
    """Return what of a benchmark must be alike."""
    return _facts(MEASURED, _asked(result)) | _facts(OPTIONS, result.options)


def of_details(result: Result) -> Facts:
    """Return what a platform tells of how it ran: builds, adapters, modes; nothing that is measured, or counted."""
    details: Mapping[str, Any] = result.info.get(keys.DETAILS, {})
    told = {name: value for name, value in details.items() if isinstance(value, str | bool) or name in ADAPTERS}
    return {name.replace("_", " "): value for name, value in told.items()}


def in_force(result: Result) -> Facts:
    """Return what of a benchmark must be alike where two versions of the suite measured it side by side."""
    return _facts(IN_FORCE, _asked(result))


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield what *now* is not as it was *before*: its name and both values."""
    for name, value in now.items():
        then = before.get(name, NOT_TOLD)
        # Schema 1 lost the precision of a user's file where OpenVINO told its own; the file's hash tells it as well.
        if then != value and not (name == keys.PRECISION and NOT_TOLD in (then, value)):
            yield name, then, value


def _asked(result: Result) -> Mapping[str, Any]:
    """Return a benchmark's extra_info, with the number of starts, and the slowdown and network that were asked for.

    What is obtained differs each time. How a network was made does not: one kind has slow start, another has none.
    """
    made_up = dict.fromkeys(result.info.get(keys.INPUTS, ()), keys.MADE_UP)  # until somebody could give others
    info = {keys.FED: made_up, **result.info, keys.STARTS: result.starts_wanted}
    asked = {keys.SLOWDOWN: info[keys.SLOWDOWN]["asked"]} if keys.SLOWDOWN in info else {}
    if network := info.get(keys.NETWORK):
        made = {key: network.get(key) for key in ("kind", "congestion_control")}
        asked[keys.NETWORK] = {**network["asked"], **made}
    if keys.CACHES in info and (fetched := info.get(keys.DETAILS, {}).get(keys.FETCHED)):
        asked[ENCODINGS] = _encodings(fetched.values())
    return {**info, **asked}


def _encodings(files: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return how files were encoded, of those that did not come as they are."""
    return sorted({f"{file['encoding']} {file.get('level')}" for file in files if file["encoding"]})


def _facts(names: Iterable[str], values: Mapping[str, Any]) -> Facts:
    return {WORDS.get(name, name.replace("_", " ")): values.get(name, NOT_TOLD) for name in names}
