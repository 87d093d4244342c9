"""A chart of figures with their intervals: a dot and a whisker a row, on a logarithmic axis."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.report.charts.picture import LEFT, RIGHT, Band, Bar, Shape, colour_of, dot, rule, sheet, spec, whisker
from benchmarks.report.charts.scales import LogScale
from benchmarks.results import numbers

BAND = 14  # px of a row
MANY = 10  # rows of a heading that are still told one by one


@dataclass(frozen=True)
class Dot:
    """A row: a figure above zero, with its interval where it has one."""

    label: str
    value: float
    low: float | None
    high: float | None
    side: str | None
    note: str = ""
    signs: str = ""
    heading: str = ""  # what it belongs to; written where it begins
    more: str = ""  # behind the figure: its unit

    @property
    def figure(self) -> str:
        """The figure in words."""
        return numbers.with_interval(self.value, self.low, self.high, self.more)

    @property
    def words(self) -> str:
        """The row in words, with its marks."""
        return f"{self.label} {self.figure}{f' {self.signs}' if self.signs else ''}"


def dots(rows: Sequence[Dot], title: str, beside: float | None = None) -> dict[str, Any]:
    """Return the chart of *rows*, its axis called *title*, with a rule at *beside*."""
    ends = [end for row in rows for end in (row.value, row.low, row.high) if end is not None and numbers.is_time(end)]
    scale = LogScale.of([*ends, *([beside] if beside else [])], LEFT, RIGHT)
    begins = [not at or row.heading != rows[at - 1].heading for at, row in enumerate(rows)]
    bars = [_bar(row, scale, beside, begins=first) for row, first in zip(rows, begins, strict=True)]
    return spec(sheet(bars, BAND), scale, title)


def _bar(row: Dot, scale: LogScale, beside: float | None, *, begins: bool) -> Bar:
    draw = partial(_draw, row, scale, beside)
    return Bar(row.label, row.figure, row.note, draw, row.signs, row.heading if begins else "")


def _draw(row: Dot, scale: LogScale, beside: float | None, band: Band) -> list[Shape]:
    middle = Shape(dot(scale.at(row.value), band.middle, row.side), colour_of(row.side))
    rules = [rule(scale.at(beside), band)] if beside else []
    return [*rules, *whisker(scale, row.low, row.high, band.middle), middle]


def in_words(rows: Sequence[Dot]) -> str:
    """Return *rows* in words, those of a heading in a sentence: of many the ends, and what is marked."""
    by_heading: dict[str, list[Dot]] = {}
    for row in rows:
        by_heading.setdefault(row.heading, []).append(row)
    return " ".join(f"{f'{heading}: ' if heading else ''}{_in_words(of)}." for heading, of in by_heading.items())


def _in_words(rows: Sequence[Dot]) -> str:
    if len(rows) <= MANY:
        return "; ".join(row.words for row in rows)
    least, most = (pick(rows, key=lambda row: row.value) for pick in (min, max))
    marked = [row.words for row in rows if row.signs and row not in (least, most)]
    rest = f"; marked between them: {'; '.join(marked)}" if marked else ""
    return f"{len(rows)} figures, from {least.words} to {most.words}{rest}"


def sizes(rows: Sequence[Dot]) -> list[int]:
    """Return how many rows each heading has: charts are parted between them."""
    return [*Counter(row.heading for row in rows).values()]
