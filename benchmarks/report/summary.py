"""What a report is, in a line: of which models and machines, how many benchmarks, when, by which version."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from benchmarks.report.content import Material, Table
from benchmarks.report.rows.lines import shortened
from benchmarks.results import Row, Run
from benchmarks.results.fleet import Fleet
from benchmarks.results.numbers import counted
from benchmarks.results.tidy import DOUBT

SIGNS = {"server": "● server", "client": "◆ client", "remote": "■ server that a page asks"}  # as charts have them
FEW = 3  # names that are still told one by one
EVERY = {DOUBT: "doubtful: what speaks against it stands with the machines, and beside each figure in the last table"}


@dataclass(frozen=True)
class Summary:
    """The head of a page."""

    heading: str
    title: str  # of the window
    holds: str
    sides: Mapping[str, str]  # what is measured on, with its sign
    marks: Table | None

    @classmethod
    def of(cls, material: Material) -> "Summary":
        """Sum up what is there."""
        rows, runs = material.rows, material.runs
        sides = {side: words for side, words in SIGNS.items() if any(row.side == side for row in rows)}
        fleets = [one.fleet for one in material.fleets]
        heading = "Client or server?" if sides or fleets else "Benchmarks"
        models = _named([*(row.model for row in rows if row.model), *(shortened(one.model) for one in fleets)], "model")
        machines = _named([row.machine for row in rows], "machine", " and ")
        what = " on ".join(filter(None, (models, machines)))
        days = _days([*(run.saved for run in runs), *(one.saved for one in fleets)])
        platforms = len({row.platform for row in rows if row.platform})
        of = f" of {counted(platforms, 'platform')}" if platforms else ""
        held = f"{counted(len(rows), 'benchmark')}{of} in {counted(len(runs), 'run')}"
        held += f" and {counted(len(fleets), 'fleet')}" if fleets else ""
        holds = f"{what}: {held}, measured {days} by {_versions(runs, fleets)}"
        return cls(heading, f"{heading} {what}, {days}", holds, sides, _marks(rows))


def _named(names: Iterable[str], noun: str, between: str = ", ") -> str:
    """Return the names where they are few, else how many there are; nothing of none."""
    known = [*dict.fromkeys(names)]
    return between.join(known) if len(known) <= FEW else counted(len(known), noun)


def _versions(runs: Sequence[Run], fleets: Sequence[Fleet]) -> str:
    """Return the commits of the suite; of a fleet what it says of its version."""
    told = [f"commit {run.commit.id[:12]}" if run.commit.id else "an unknown version" for run in runs]
    return _named([*told, *(f"suite {shortened(one.suite)}" for one in fleets)], "version")


def _days(moments: Iterable[str]) -> str:
    """Return the day on which the runs were saved, or the first and the last: ``26 to 28 November 2026``."""
    days = sorted({date.fromisoformat(moment[:10]) for moment in moments})
    if not days:
        return "on no day"
    first, last = days[0], days[-1]
    end = f"{last.day} {last:%B %Y}"
    if first == last:
        return f"on {end}"
    month, year = f" {first:%B}" * (first.month != last.month), f" {first.year}" * (first.year != last.year)
    return f"from {first.day}{month or f' {first:%B}' * bool(year)}{year} to {end}"


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
