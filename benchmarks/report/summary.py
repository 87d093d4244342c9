"""What a report holds, in a line: its title, and how many benchmarks of what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from benchmarks.report.content import Material, Table
from benchmarks.results import Row
from benchmarks.results.numbers import counted
from benchmarks.results.tidy import DOUBT

EVERY = {DOUBT: "doubtful: what speaks against it stands with the machines, and beside each figure in the last table"}


@dataclass(frozen=True)
class Summary:
    """The head of a page."""

    title: str
    holds: str
    days: str
    marks: Table | None

    @classmethod
    def of(cls, material: Material) -> "Summary":
        """Sum up what is there."""
        rows = material.rows
        models, machines = {row.model for row in rows if row.model}, {row.machine for row in rows}
        sizes = [counted(len(models), "model")] * bool(models) + [counted(len(machines), "machine")]
        days = _days(run.started for run in material.runs)
        platforms = {row.platform for row in rows if row.platform}
        parts = [counted(len(rows), "benchmark"), *sizes, *[counted(len(platforms), "platform")] * bool(platforms)]
        holds = f"{', '.join(parts)}, in {counted(len(material.runs), 'run')}"
        return cls(f"Client or server? {', '.join(sizes)}, {days}", holds, days, _marks(rows))


def _days(moments: Iterable[str]) -> str:
    """Return the day on which the runs began, or the first and the last."""
    days = sorted({moment[:10] for moment in moments})
    return " to ".join(dict.fromkeys((days[0], days[-1]))) if days else "no run"


def _marks(rows: Sequence[Row]) -> Table | None:
    """Return what each mark means that a figure of this page has."""
    told = sorted({(mark.sign, mark.words) for row in rows for mark in row.marks})
    cells = [
        [sign, EVERY.get(sign) or "; ".join(words for _, words in some), str(_number(rows, sign))]
        for sign, some in groupby(told, key=lambda one: one[0])
    ]
    head = ["mark", "what it means", "benchmarks"]
    return Table("The marks beside figures", head, cells, (2,)) if cells else None


def _number(rows: Sequence[Row], sign: str) -> int:
    return sum(any(mark.sign == sign for mark in row.marks) for row in rows)
