"""The tidy row that is exported: a benchmark of a run, in columns whose order stays.

Units stand in the names: ``_s`` seconds, ``_bytes``, ``_percent``, ``_per_second``. What is not known is None. The
columns, of all formats of rows:

- whose: ``machine`` (as it is called beside the others of the export), ``machine_id`` (the name of its folder in the
  storage, which stays), ``file``, ``saved`` (when, at its end, ISO 8601), ``commit``, ``commit_changed`` (files were
  changed since)
- what: ``benchmark`` (its full name), ``phase``, ``model``, ``model_sha256``, ``platform``, ``batch_size``,
  ``precision``, ``caches``, ``threads``, ``slowdown`` (times weaker than the machine), ``network``, ``provider``
- how far it is to be trusted: ``marks`` (``(!)``, ``untrained`` …, a comma between), ``doubts`` (in words),
  ``unknown`` (what should be known of the circumstances and is not, in words), ``meanings`` (of the other marks)
- times: ``statistic`` (``p10`` or ``mean``: by which two runs are compared), ``statistic_s`` with ``statistic_low_s``
  and ``statistic_high_s``; ``headline`` (``median`` or ``mean``: what the suite shows), ``headline_s``,
  ``headline_low_s``, ``headline_high_s``; ``p10_s``, ``median_s``, ``mean_s``, ``p95_s``. Each lies in the middle of
  the starts, p95 is of all samples; intervals are of 95 %
- how: ``rounds`` (samples), ``iterations`` (inferences of which a sample is the mean), ``starts``
- ``images_per_second``, ``queries_per_second``
- ``ratio`` to ``server-cpu`` in turns, ``ratio_low``, ``ratio_high``, ``ratio_statistic``
- what else was measured: ``cpu_s`` (of an inference), ``server_s``, ``transfer_s``, ``longest_task_s``,
  ``memory_before_bytes``, ``memory_peak_bytes``, ``memory_wasm_bytes``, ``memory_over_start_bytes`` (by which a page
  is held to its ``memory_budget_bytes``), ``fetched_wire_bytes``, ``joules_per_inference`` (in words, of each counter
  of the machine: ``rapl package-0 0.0123, nvml gpu 0 0.0456``),
  ``top1_percent``, ``top5_percent``, ``as_reference_percent``
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from benchmarks.measuring.starts import Figure
from benchmarks.results import Row, keys
from benchmarks.results.damage import is_number
from benchmarks.results.machine import machine_name
from benchmarks.results.tidy import DOUBT

Value = str | int | float | bool | None


class Column(NamedTuple):
    """A column: its name, what it holds (str, int, float or bool), and how it is read from a row."""

    name: str
    kind: type
    read: Callable[[Row], Any]


def machine_id(info: Mapping[str, Any]) -> str:
    """Return the name that a machine always has, whatever is exported beside it: that of its folder in the storage."""
    cores = info.get("cores_usable") or (info.get("cpu") or {}).get("count") or 0
    return machine_name(info, cores, [gpu["name"] for gpu in info.get("gpus") or ()], info.get(keys.QUOTA))


def compared(row: Row) -> Figure:
    """Return the figure by which two runs of a benchmark are compared: the p10, of a weak client the mean."""
    return row.result.figure(row.result.statistic)


def _info(name: str) -> Callable[[Row], Any]:
    return lambda row: row.result.info.get(name)


def _figure(name: str) -> Callable[[Row], Any]:
    """Return what reads a figure that extra_info has with its interval."""
    return lambda row: (row.result.info.get(name) or {}).get("value")


def _ratio(name: str) -> Callable[[Row], Any]:
    return lambda row: getattr(row.ratio, name, None)


def _asked(row: Row) -> Any:
    return (row.result.info.get(keys.SLOWDOWN) or {}).get("asked")


def _joules(row: Row) -> str:
    """Return the joules of each counter, which are told apart: who adds up what may be counted twice makes it up."""
    told = row.result.info.get("joules_per_inference") or {}
    return ", ".join(f"{counter} {joules!r}" for counter, joules in told.items())


def _network(row: Row) -> Any:
    network = row.result.info.get(keys.NETWORK)
    return network["asked"]["name"] if network else None


def _meanings(row: Row) -> str:
    return "; ".join(mark.words for mark in row.marks if mark.sign != DOUBT)


COLUMNS = (
    Column("machine", str, lambda row: row.machine),
    Column("machine_id", str, lambda row: machine_id(row.run.machine)),
    Column("file", str, lambda row: str(row.run.file)),
    Column("saved", str, lambda row: row.run.saved),
    Column("commit", str, lambda row: row.run.commit.id),
    Column("commit_changed", bool, lambda row: row.run.commit.is_changed),
    Column("benchmark", str, lambda row: row.result.fullname),
    Column("phase", str, lambda row: row.phase),
    Column("model", str, lambda row: row.model),
    Column("model_sha256", str, lambda row: row.sha256),
    Column("platform", str, lambda row: row.platform),
    Column("batch_size", int, lambda row: row.batch_size),
    Column("precision", str, lambda row: row.precision),
    Column("caches", str, lambda row: row.caches),
    Column("threads", int, lambda row: row.result.threads),
    Column("slowdown", float, _asked),
    Column("network", str, _network),
    Column("provider", str, _info(keys.EXECUTION_PROVIDER)),
    Column("marks", str, lambda row: ", ".join(mark.sign for mark in row.marks)),
    Column("doubts", str, lambda row: "; ".join(row.result.doubts.values())),
    Column("unknown", str, lambda row: "; ".join(row.result.unknown.values())),
    Column("meanings", str, _meanings),
    Column("statistic", str, lambda row: row.result.statistic),
    Column("statistic_s", float, lambda row: compared(row).value),
    Column("statistic_low_s", float, lambda row: compared(row).low),
    Column("statistic_high_s", float, lambda row: compared(row).high),
    Column("headline", str, lambda row: row.result.headline),
    Column("headline_s", float, lambda row: row.figure.value),
    Column("headline_low_s", float, lambda row: row.figure.low),
    Column("headline_high_s", float, lambda row: row.figure.high),
    Column("p10_s", float, lambda row: row.p10),
    Column("median_s", float, lambda row: row.median),
    Column("mean_s", float, lambda row: row.result.seconds("mean")),
    Column("p95_s", float, lambda row: row.p95),
    Column("rounds", int, lambda row: row.result.stats.get("rounds")),
    Column("iterations", int, lambda row: row.result.iterations),
    Column("starts", int, lambda row: len(row.result.starts) if row.result.samples else None),
    Column("images_per_second", float, lambda row: row.images_per_second),
    Column("queries_per_second", float, lambda row: getattr(row.result.rate, "value", None)),
    Column("ratio", float, _ratio("value")),
    Column("ratio_low", float, _ratio("low")),
    Column("ratio_high", float, _ratio("high")),
    Column("ratio_statistic", str, _ratio("statistic")),
    Column("cpu_s", float, _info(keys.CPU_SECONDS)),
    Column("server_s", float, _figure(keys.SERVER_SECONDS)),
    Column("transfer_s", float, _figure(keys.TRANSFER_SECONDS)),
    Column("longest_task_s", float, _figure(keys.LONGEST_TASK)),
    Column("memory_before_bytes", int, _info(f"{keys.MEMORY}before")),
    Column("memory_peak_bytes", int, _info(f"{keys.MEMORY}peak")),
    Column("memory_wasm_bytes", int, _info(f"{keys.MEMORY}wasm")),
    Column("memory_over_start_bytes", int, _info(keys.TAKEN)),
    Column("memory_budget_bytes", int, _info(keys.MEMORY_BUDGET)),
    Column("fetched_wire_bytes", int, lambda row: (_info(keys.DETAILS)(row) or {}).get(keys.FETCHED_WIRE_BYTES)),
    Column("joules_per_inference", str, _joules),
    Column("top1_percent", float, lambda row: _right(row, keys.TOP1)),
    Column("top5_percent", float, lambda row: _right(row, keys.TOP5)),
    Column("as_reference_percent", float, _info(keys.AS_REFERENCE)),
)


def _right(row: Row, name: str) -> Any:
    """Return a share of right answers where it was measured; elsewhere the same key is the manifest's."""
    return row.result.info.get(name) if row.phase == "accuracy" else None


def records(rows: Iterable[Row]) -> list[dict[str, Value]]:
    """Return *rows* by the columns' names."""
    return [{column.name: _as(column.kind, column.read(row)) for column in COLUMNS} for row in rows]


def _as(kind: type, value: Any) -> Value:
    """Return a value as its column has it; what is empty, or no number where one belongs, is None."""
    if kind in (int, float):
        return kind(value) if is_number(value) and math.isfinite(value) else None
    if kind is bool:
        return bool(value)
    return str(value) if value not in (None, "") else None
