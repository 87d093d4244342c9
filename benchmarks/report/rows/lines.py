"""The lines of a chart: what each is called, and the marks; what all of them bear stands in the title.

What the marks mean stands once, above all charts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from benchmarks.report.rows.labels import labels
from benchmarks.results import Row
from benchmarks.results.tidy import Mark, shared_signs

LETTERS = 56  # of a line in a chart, as wide letters as those of names are on the whole


def shortened(name: str, letters: int = LETTERS) -> str:
    """Return a name as it fits into a line: what is left out is in its middle, for the marks stand at its end."""
    half = letters // 2
    return name if len(name) <= letters else f"{name[: half - 1]}…{name[-half:]}"


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
    machine: str

    @classmethod
    def of(cls, lines: Sequence[Of], rows: Sequence[Row], file: str, *, over: str = "") -> "Lines[Of]":
        """Return *lines*, each of one of *rows*; *file* stands in the title."""
        shared, own = divided([line.marks for line in lines])
        names = [f"{label} {signs}".strip() for label, signs in zip(labels(rows), own, strict=True)]
        precision = [row.precision for row in rows[:1] if row.precision and row.precision != "float32"]
        notes = ", ".join([*precision, *shared])
        title = f"{rows[0].model}{file}{f' ({notes})' if notes else ''}: {{}}{over}"
        return cls(title, [*zip(names, lines, strict=True)], rows[0].machine)

    def titled(self, what: str) -> str:
        """Return the title of a chart that shows *what* of them."""
        return self.title.replace("{}", what)


def divided(marks: Sequence[Sequence[Mark]]) -> tuple[list[str], list[str]]:
    """Return the signs that all lines bear, and those of each line."""
    signs = [[*dict.fromkeys(mark.sign for mark in of_one)] for of_one in marks]
    shared = shared_signs(signs)
    return shared, [" ".join(sign for sign in one if sign not in shared) for one in signs]
