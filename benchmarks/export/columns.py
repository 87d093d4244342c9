"""The tidy row that is exported: a benchmark of a run, in columns whose order stays; new ones come at the end.

Units stand in the names: ``_s`` seconds, ``_bytes``, ``_percent``, ``_per_second``. What is not known is None.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from benchmarks.measuring.ratio import Ratio
from benchmarks.measuring.starts import Figure
from benchmarks.results import Row, devices, keys
from benchmarks.results.damage import is_number
from benchmarks.results.machine import machine_name
from benchmarks.results.tidy import DOUBT
from models.names import tame

Value = str | int | float | bool | None
TYPICAL = "it, of an inference of a batch or an opening, in the middle of the starts"


class Column(NamedTuple):
    """A column: its name, what it holds (str, int, float or bool), how it is read from a row, and what it means."""

    name: str
    kind: type
    read: Callable[[Row], Any]
    words: str


def machine_id(info: Mapping[str, Any]) -> str:
    """Return the name that a machine always has, whatever is exported beside it: that of its folder in the storage."""
    cores = info.get("cores_usable") or (info.get("cpu") or {}).get("count") or 0
    return machine_name(info, cores, [gpu["name"] for gpu in info.get("gpus") or ()], info.get(keys.QUOTA))


def _served_by_id(row: Row) -> str | None:
    serving = devices.served_by(row.run.machine)
    return machine_id(serving) if serving else None


def compared(row: Row) -> Figure:
    """Return the figure by which two runs of a benchmark are compared: the p10, of a weak client the mean."""
    return row.result.figure(row.result.statistic)


def _info(name: str) -> Callable[[Row], Any]:
    return lambda row: row.result.info.get(name)


def _figure(name: str) -> Callable[[Row], Any]:
    """Return what reads a figure that extra_info has with its interval."""
    return lambda row: getattr(row.result.figure_beside(name), "value", None)


def _with_ends(name: str, unit: str, read: Callable[[Row], Figure | Ratio | None], words: str) -> Iterator[Column]:
    """Yield the columns of a figure and of its interval; of a row that has none they are empty."""
    yield Column(f"{name}{unit}", float, lambda row: getattr(read(row), "value", None), words)
    low, high = "the lower end of its interval of 95 %", "the upper end of it"
    yield Column(f"{name}_low{unit}", float, lambda row: getattr(read(row), "low", None), low)
    yield Column(f"{name}_high{unit}", float, lambda row: getattr(read(row), "high", None), high)


def _asked(row: Row) -> Any:
    return (row.result.info.get(keys.SLOWDOWN) or {}).get("asked")


def _joules(row: Row) -> str:
    """Return the joules of each counter, which are told apart: who adds up what may be counted twice makes it up."""
    told = row.result.info.get(keys.JOULES) or {}
    return ", ".join(f"{counter} {joules!r}" for counter, joules in told.items())


def _network(row: Row) -> Any:
    network = row.result.info.get(keys.NETWORK)
    return network["asked"]["name"] if network else None


def _meanings(row: Row) -> str:
    return "; ".join(mark.words for mark in row.marks if mark.sign != DOUBT)


COLUMNS = (
    Column(
        "machine",
        str,
        lambda row: row.machine,
        "what the machine is called beside the others of the export; of a device that joined, what it says it is",
    ),
    Column(
        "machine_id",
        str,
        lambda row: machine_id(row.run.machine),
        "the name of its folder in the storage, whatever is exported beside it",
    ),
    Column("file", str, lambda row: str(row.run.file), "the saved run"),
    Column("saved", str, lambda row: row.run.saved, "when, at its end, ISO 8601"),
    Column("commit", str, lambda row: row.run.commit.id, "that was measured, as git told it"),
    Column("commit_changed", bool, lambda row: row.run.commit.is_changed, "files were changed since that commit"),
    Column("benchmark", str, lambda row: row.result.fullname, "its full name"),
    Column("phase", str, lambda row: row.phase, "what was measured: latency, load, first_inference …"),
    Column("model", str, lambda row: row.model, "as the benchmark names it"),
    Column("model_sha256", str, lambda row: row.sha256, "of the model's file"),
    Column(
        "platform",
        str,
        lambda row: row.platform,
        "where it ran, with all that was asked for: chromium-wasm-2t@worker@4x",
    ),
    Column("batch_size", int, lambda row: row.batch_size, "images in a batch; empty of a graph without one"),
    Column("precision", str, lambda row: row.precision, "of the model's weights: float32, fp16, int8"),
    Column("caches", str, lambda row: row.caches, "what they held, of an opening: cold, warm, process"),
    Column(
        "threads",
        int,
        lambda row: row.result.threads,
        "that computed; empty where the platform takes as many as it likes",
    ),
    Column("slowdown", float, _asked, "times weaker than the machine, as it was asked for and emulated"),
    Column("network", str, _network, "that was emulated between page and server"),
    Column("provider", str, _info(keys.EXECUTION_PROVIDER), "the execution provider, by its own word"),
    Column(
        "marks",
        str,
        lambda row: ", ".join(mark.sign for mark in row.marks),
        "that must be read beside the figures: (!), untrained, emulated …, a comma between",
    ),
    Column(
        "doubts", str, lambda row: "; ".join(row.result.doubts.values()), "what makes the figures doubtful, in words"
    ),
    Column(
        "unknown",
        str,
        lambda row: "; ".join(row.result.unknown.values()),
        "what should be known of the circumstances and is not, in words",
    ),
    Column("meanings", str, _meanings, "of the other marks, in words"),
    Column(
        "statistic", str, lambda row: row.result.statistic, "by which two runs are compared: p10, of a weak client mean"
    ),
    *_with_ends("statistic", "_s", compared, TYPICAL),
    Column("headline", str, lambda row: row.result.headline, "what the suite shows: median, of a weak client mean"),
    *_with_ends("headline", "_s", lambda row: row.figure, TYPICAL),
    Column("p10_s", float, lambda row: row.p10, "the 10th percentile in the middle of the starts"),
    Column("median_s", float, lambda row: row.median, "the median in the middle of the starts"),
    Column("mean_s", float, lambda row: row.result.seconds("mean"), "the mean in the middle of the starts"),
    Column("p95_s", float, lambda row: row.p95, "the 95th percentile of all samples; empty of too few"),
    Column("rounds", int, lambda row: row.result.stats.get("rounds"), "samples"),
    Column("iterations", int, lambda row: row.result.iterations, "inferences of which a sample is the mean"),
    Column(
        "starts",
        int,
        lambda row: len(row.result.starts) if row.result.samples else None,
        "fresh pages or processes; empty without samples",
    ),
    Column("images_per_second", float, lambda row: row.images_per_second, "of all that was timed"),
    Column(
        "queries_per_second",
        float,
        _figure(keys.QUERIES_PER_SECOND),
        "that a server carries, by LoadGen; the times of phase server are those under that load",
    ),
    *_with_ends("ratio", "", lambda row: row.ratio, "how many times server-cpu's time, measured in turns with it"),
    Column("ratio_statistic", str, lambda row: getattr(row.ratio, "statistic", None), "of which times that ratio is"),
    Column("cpu_s", float, _info(keys.CPU_SECONDS), "processor time of an inference"),
    Column("server_s", float, _figure(keys.SERVER_SECONDS), "of the inference in the server, by its own word"),
    Column(
        "transfer_s",
        float,
        _figure(keys.TRANSFER_SECONDS),
        "of an inference in a worker, what the page waits for beside it",
    ),
    Column(
        "longest_task_s",
        float,
        _figure(keys.LONGEST_TASK),
        "for which a page was frozen, in the middle of the starts",
    ),
    Column(
        "memory_before_bytes", int, _info(f"{keys.MEMORY}before"), "of the page, or process, before it opened the model"
    ),
    Column("memory_peak_bytes", int, _info(f"{keys.MEMORY}peak"), "of the page, or process, at most"),
    Column("memory_wasm_bytes", int, _info(f"{keys.MEMORY}wasm"), "of WebAssembly's own memory"),
    Column(
        "memory_over_start_bytes",
        int,
        lambda row: row.result.taken,
        "taken over what was held before; by this a page is held to its budget",
    ),
    Column("memory_budget_bytes", int, _info(keys.MEMORY_BUDGET), "that a page might take over its start"),
    Column(
        "fetched_wire_bytes",
        int,
        lambda row: (_info(keys.DETAILS)(row) or {}).get(keys.FETCHED_WIRE_BYTES),
        "of all that a page loaded, as it was sent",
    ),
    Column(
        "joules_per_inference",
        str,
        _joules,
        "of each counter of the machine, in words: rapl package-0 0.0123, nvml gpu 0 0.0456",
    ),
    Column(
        "top1_percent",
        float,
        lambda row: row.top1,
        "of right answers, where they were counted (phase accuracy)",
    ),
    Column("top5_percent", float, _info(keys.TOP5), "of answers with the right one among five"),
    Column("as_reference_percent", float, _info(keys.AS_REFERENCE), "of answers that are the reference's"),
    Column(
        "served_by",
        str,
        lambda row: row.served_by,
        "of a device that joined, the machine whose server-cpu it is held against",
    ),
    Column("served_by_id", str, _served_by_id, "the name of that machine's folder"),
)


def explained() -> Iterator[str]:
    """Yield a line for each column: its name, what it holds, and what it means."""
    kinds = {str: "text", int: "integer", float: "number", bool: "yes or no"}
    yield from (f"{column.name:<24}{kinds[column.kind]:<11}{column.words}" for column in COLUMNS)


def records(rows: Iterable[Row]) -> list[dict[str, Value]]:
    """Return *rows* by the columns' names."""
    return [{column.name: _as(column.kind, column.read(row)) for column in COLUMNS} for row in rows]


def _as(kind: type, value: Any) -> Value:
    """Return a value as its column has it; what is empty, or no number where one belongs, is None."""
    if kind in (int, float):
        return kind(value) if is_number(value) and math.isfinite(value) else None
    if kind is bool:
        return bool(value)
    return tame(str(value)) if value not in (None, "") else None  # a half of a character is in no file of text
