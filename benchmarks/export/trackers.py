"""What trackers of benchmarks read: github-action-benchmark's own JSON, and Bencher's.

Both read of a pytest-benchmark file what moves most: operations a second of the mean, or the median and quartiles. Here
they get the figure by which two runs are compared, in the middle of the starts (p10, of a weak client the mean), and
the ratio to server-cpu, which knows nothing of how fast the machine just was. Of LoadGen's Server they get the rate
alone: its latencies are those under that rate, and each time of another.

A name is made of the machine's, which stays whatever else is exported, the benchmark's, and of every mark that tells
what it is of (untrained, emulated, software GPU …). A doubt is of the day, and so not in it; nor is the version of a
browser that joined, which renews itself every few weeks. The machine that served it is: its ratio is to that one.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.export.columns import compared, machine_id
from benchmarks.export.refusing import ExportError, check_once
from benchmarks.measuring.ratio import Ratio
from benchmarks.measuring.starts import Figure
from benchmarks.results import Row, devices
from benchmarks.results.damage import is_number
from benchmarks.results.numbers import between
from benchmarks.results.tidy import DOUBT, OF_THE_DAY
from browser_harness.about import UNKNOWN
from models.names import shown

LONGEST_NAME = 1024  # letters of a benchmark's name in Bencher
RATIO = "ratio-to-server-cpu"
# Of Bencher's: each project has these two, in ns and in operations a second; the rest is made as it comes.
LATENCY, THROUGHPUT = "latency", "throughput"
DOUBTS = "doubts"
NANO = 1e9  # nanoseconds in a second
IN_NAMES = str.maketrans({"`": "'", "|": "/", "<": "(", ">": ")"})  # both show names in Markdown and HTML


def github_action(rows: Sequence[Row]) -> str:
    """Return what github-action-benchmark reads with ``tool: customSmallerIsBetter``.

    An array of ``name``, ``unit``, ``value``, ``range`` and ``extra``: of each benchmark its statistic in ms and, where
    it has one, the ratio to server-cpu; a rate as the time for a query, since smaller is better there. ``range`` is the
    interval of 95 %, ``extra`` has a line for each other thing.
    """
    entries = [entry for row in rows for entry in _entries(row)]
    check_once(entry["name"] for entry in entries)
    return json.dumps(entries, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _entries(row: Row) -> Iterator[dict[str, Any]]:
    figure = checked(row)
    if row.is_at_own_rate:
        figure = Figure(1 / figure.value, figure.starts, _inverse(figure.high), _inverse(figure.low))
    yield _entry(named(row), "ms", 1e3, figure, row)
    if row.ratio:
        yield _entry(f"{name(row)} ratio to server-cpu", "×", 1.0, row.ratio, row)


def _inverse(rate: float | None) -> float | None:
    return 1 / rate if rate else None


def _entry(name: str, unit: str, factor: float, figure: Figure | Ratio, row: Row) -> dict[str, Any]:
    entry = {"name": name, "unit": unit, "value": figure.value * factor, "extra": "\n".join(_extra(row))}
    if figure.low is None or figure.high is None:
        return entry
    return {**entry, "range": f"{between(figure.low, figure.high, factor)} {unit} (95 %)"}


def _extra(row: Row) -> Iterator[str]:
    """Yield what must be read beside a figure, a line each."""
    result = row.result
    yield f"machine: {shown(row.machine)}"
    if row.served_by:
        yield f"served by: {shown(row.served_by)}"
    yield f"model's SHA-256: {row.sha256 or 'not told'}"
    yield f"samples: {len(result.samples)}, each of {result.iterations} in a row; starts: {compared(row).starts}"
    for mark in row.marks:
        yield f"{mark.sign} {'in doubt: ' if mark.sign == DOUBT else ''}{shown(mark.words)}"


def bencher(rows: Sequence[Row]) -> str:
    """Return Bencher Metric Format: by benchmark and measure a value, and the ends of its interval of 95 %.

    The measures: ``latency`` (the statistic of the name, in ns, as Bencher's own measure of that slug is),
    ``ratio-to-server-cpu``, ``throughput`` (queries a second that a server carries, likewise Bencher's own), and
    ``doubts`` (how many there are, 0 of a figure that nothing is known against): there is no room for their words.
    """
    names = [*map(named, rows)]
    check_once(names)
    if too_long := [one for one in names if len(one) > LONGEST_NAME]:
        raise ExportError(f"{too_long[0][:60]}…: Bencher takes names of {LONGEST_NAME} letters; call the model shorter")
    content = {one: _measures(row) for one, row in zip(names, rows, strict=True)}
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _measures(row: Row) -> dict[str, dict[str, float]]:
    figure = checked(row)
    measures = {} if row.is_at_own_rate else {LATENCY: _metric(figure, NANO)}
    if row.ratio:
        measures[RATIO] = _metric(row.ratio)
    if rate := row.result.rate:
        measures[THROUGHPUT] = _metric(rate)
    return {**measures, DOUBTS: {"value": float(len(row.result.doubts))}}


def _metric(figure: Figure | Ratio, factor: float = 1.0) -> dict[str, float]:
    ends = {"value": figure.value, "lower_value": figure.low, "upper_value": figure.high}
    return {end: value * factor for end, value in ends.items() if value is not None and math.isfinite(value * factor)}


def name(row: Row) -> str:
    """Return what a benchmark is called from commit to commit: machine, phase, case, and what it is of."""
    marks = [mark.sign for mark in row.marks if mark.sign not in OF_THE_DAY]
    words = [f"{_whose(row.run.machine)}/{row.name.removeprefix('test_')}", *(f"({sign})" for sign in marks)]
    return shown(" ".join(words)).translate(IN_NAMES)


def _whose(info: Mapping[str, Any]) -> str:
    if not devices.is_device(info):
        return machine_id(info)
    serving = devices.served_by(info)
    device = devices.folder({**devices.of_run(info), "version": None})
    return f"{device} served by {machine_id(serving) if serving else UNKNOWN}"


def named(row: Row) -> str:
    """Return the name with what is kept of it."""
    return f"{name(row)} {'time for a query' if row.is_at_own_rate else row.result.statistic}"


def checked(row: Row) -> Figure:
    """Return the figure that a tracker keeps; raise ExportError where it, or the ratio, is no number above zero."""
    figure, what = compared(row), row.result.statistic
    if row.is_at_own_rate:
        figure, what = row.result.rate or Figure(math.nan, 0), "rate"
    for one, value in ((what, figure.value), ("ratio", row.ratio.value if row.ratio else 1.0)):
        if not (is_number(value) and 0 < value * NANO < math.inf):
            words = f"its {one} is {value}, which is none; measure again"
            raise ExportError(f"{row.run.file}: {row.result.fullname}: {words}")
    return figure
