"""What came of it: a table of models and devices, with the marks of each figure, and what they mean."""

from collections.abc import Iterator, Mapping, Sequence

from tabulate import tabulate

from benchmarks.results import Row, Run, rows_of
from benchmarks.results.numbers import NONE, milliseconds, with_interval, within
from models.names import shown

HEAD = ("device", "on", "median", "× server-cpu", "")
Groups = Mapping[str, Sequence[Row]]


def groups(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return rows by what heads them: phase, model and batch."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        words = [row.phase, row.label or row.name, f"batch {row.batch_size}" if row.batch_size else ""]
        found.setdefault(shown(", ".join(word for word in words if word)), []).append(row)
    return found


def lines(runs: Sequence[Run]) -> Iterator[str]:
    """Yield the tables, line by line, and what the marks mean."""
    rows = rows_of(runs)
    for title, some in groups(rows).items():
        yield from ("", title)
        yield from tabulate([cells(row) for row in some], HEAD, tablefmt="plain", disable_numparse=True).splitlines()
    yield from _legend(rows)


def cells(row: Row) -> list[str]:
    """Return the cells of a row."""
    ratio = row.ratio
    turns = with_interval(ratio.value, ratio.low, ratio.high) if ratio else NONE
    median = f"{milliseconds(row.median)}{within(row.figure.low, row.figure.high, 1e3)}"
    return [shown(row.machine), shown(row.platform or row.name), median, turns, row.signs]


def _legend(rows: Sequence[Row]) -> Iterator[str]:
    yield ""
    yield "what a device is called is its own word; × server-cpu is the machine's that serves, in turns; 95 % intervals"
    told: dict[str, dict[str, int]] = {}
    for mark in (mark for row in rows for mark in row.marks):
        seen = told.setdefault(mark.sign, {})
        seen[mark.words] = seen.get(mark.words, 0) + 1
    for sign, words in told.items():
        first, more = next(iter(words)), len(words) - 1
        yield f"{sign}  {shown(first)}{f'; and {more} other reasons' if more else ''}"
