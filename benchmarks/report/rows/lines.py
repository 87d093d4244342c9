"""The lines of a chart: what each is called, and the marks; what all of them bear stands in the title."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from benchmarks.report.rows.labels import labels
from benchmarks.results import Row
from benchmarks.results.tidy import DOUBT, Mark

LETTERS = 56  # of a line in a chart, as wide letters as those of names are on the whole


def shortened(name: str) -> str:
    """Return a name as it fits into a line: what is left out is in its middle, for the marks stand at its end."""
    half = LETTERS // 2
    return name if len(name) <= LETTERS else f"{name[: half - 1]}…{name[-half:]}"


class Marked(Protocol):
    """What bears marks."""

    @property
    def marks(self) -> Sequence[Mark]:
        """What must be read beside it."""


Of = TypeVar("Of", bound=Marked)  # a row, or what was made of one


@dataclass(frozen=True)
class Lines(Generic[Of]):
    """The lines of a chart of a model on a machine, by what they are called."""

    title: str  # ``{}`` is what the chart shows
    named: Sequence[tuple[str, Of]]
    marks: str  # what they mean

    @classmethod
    def of(cls, lines: Sequence[Of], rows: Sequence[Row], file: str, *, over: str = "", several: bool) -> "Lines[Of]":
        """Return *lines*, each of one of *rows*; *file* and, of *several*, the machine stand in the title."""
        shared, own = _divided([line.marks for line in lines])
        names = [f"{label} {signs}".strip() for label, signs in zip(labels(rows), own, strict=True)]
        precision = [row.precision for row in rows[:1] if row.precision and row.precision != "float32"]
        notes = ", ".join([*precision, *shared])
        where = f", on {rows[0].machine}" if several else ""
        title = f"{rows[0].model}{file}{f' ({notes})' if notes else ''}: {{}}{over}{where}"
        return cls(title, [*zip(names, lines, strict=True)], _meaning(mark for line in lines for mark in line.marks))

    def titled(self, what: str) -> str:
        """Return the title of a chart that shows *what* of them."""
        return self.title.replace("{}", what)

    def explained(self, words: str) -> str:
        """Return *words* of what is seen, with what the marks mean behind them."""
        return f"{words} {self.marks}".strip()


def _divided(marks: Sequence[Sequence[Mark]]) -> tuple[list[str], list[str]]:
    """Return the signs that all lines bear, and those of each line. A doubt stays there: its reasons are its own."""
    signs = [[*dict.fromkeys(mark.sign for mark in of_one)] for of_one in marks]
    shared = [sign for sign in (signs[0] if signs else []) if sign != DOUBT and all(sign in one for one in signs)]
    return shared, [" ".join(sign for sign in one if sign not in shared) for one in signs]


def _meaning(marks: Iterable[Mark]) -> str:
    """Say what each mark means; a doubt's reasons are many, and stand in the table."""
    told = dict.fromkeys(
        f"{mark.sign}: {'doubtful, for the reasons in the table' if mark.sign == DOUBT else mark.words}"
        for mark in marks
    )
    return f"{'. '.join(told)}." if told else ""
