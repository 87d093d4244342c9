"""What came of it: a table of models and devices, with the marks of each figure, and what they mean."""

import shutil
from collections.abc import Iterator, Sequence

from tabulate import tabulate

from benchmarks.results import Row, Run, devices, rows_of
from benchmarks.results.numbers import NONE, milliseconds, with_interval, within
from benchmarks.results.tidy import DOUBT
from benchmarks.run.screen import WIDEST, wrapped
from benchmarks.run.terminal.doubts import trust_lines
from models.names import shown

HEAD = ("", "on", "median", "× server-cpu", "")
NOTE = (
    "what a device is called is its own word; × is to server-cpu of this machine, in turns, by the p10 of both, which "
    "is another ratio than that of the medians; intervals of 95 %, where there were starts enough"
)


def groups(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return rows by what heads them: phase, model and batch."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        words = [row.phase, row.label or row.name, f"batch {row.batch_size}" if row.batch_size else ""]
        found.setdefault(shown(", ".join(word for word in words if word)), []).append(row)
    return found


def lines(runs: Sequence[Run]) -> Iterator[str]:
    """Yield who was measured, the tables, and what the marks mean."""
    rows = rows_of(runs)
    yield ""
    yield from dict.fromkeys(f"{_called(row)}  {shown(row.machine)}" for row in rows)
    for title, some in groups(rows).items():
        yield from ("", title)
        yield from tabulate([cells(row) for row in some], HEAD, tablefmt="plain", disable_numparse=True).splitlines()
    yield from _legend(rows)


def _called(row: Row) -> str:
    """Return what a device is called in the command that measured it."""
    return f"device {devices.of_run(row.run.machine).get('number', '')}".strip()


def cells(row: Row) -> list[str]:
    """Return the cells of a row."""
    ratio = row.ratio
    turns = with_interval(ratio.value, ratio.low, ratio.high) if ratio else NONE
    median = f"{milliseconds(row.median)}{within(row.figure.low, row.figure.high, 1e3)}"
    return [_called(row), shown(row.platform or row.name), median, turns, row.signs]


def _legend(rows: Sequence[Row]) -> Iterator[str]:
    yield ""
    width = shutil.get_terminal_size((WIDEST, 24)).columns
    yield from wrapped(NOTE, width, indent=0)
    for line in trust_lines([row.result for row in rows]):
        yield from wrapped(shown(line), width)
    others = {mark.sign: mark.words for row in rows for mark in row.marks if mark.sign != DOUBT}
    yield from (f"{sign}: {shown(words)}" for sign, words in others.items())
