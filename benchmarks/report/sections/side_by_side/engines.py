"""Engines held against Chromium on the same device: a ratio of ratios, each of which was measured in turns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.report.charts.dots import Dot, dots, in_words, sizes
from benchmarks.report.content import Chart, Part, Table, Words
from benchmarks.report.rows.groups import Group, by, meaning, parted
from benchmarks.report.sections.side_by_side.places import MOST_ROWS, Named, by_heading
from benchmarks.results import numbers
from benchmarks.results.engines import OverChromium, in_turns, is_chromium, over_chromium, ratio_of, server_of

CLOCK = (
    "A ratio of ratios: each browser was held against server-cpu of the machine that served it, in turns, and one of "
    "these ratios is over the other; the browsers took no turns with each other. Above 1 is slower than Chromium on "
    "what they say is the same device. Lines: 95 % intervals, of both ratios' own."
)
HEAD = (
    *("of", "device", "platform", "times Chromium's", "95 % interval"),
    *("its ratio", "Chromium's ratio", "Chromium is", "marks"),
)


@dataclass(frozen=True)
class Held:
    """A page held against one of Chromium, and what it is called."""

    heading: str
    label: str
    found: OverChromium

    @property
    def dot(self) -> Dot:
        """Its dot, with the marks of both."""
        factor, signs = self.found.factor, dict.fromkeys(mark.sign for mark in self.found.marks)
        figure, note = (factor.value, factor.low, factor.high), f"over {self.found.chromium.machine}"
        return Dot(self.label, *figure, self.found.row.side, note, " ".join(signs), self.heading)


def engines(places: Sequence[Group]) -> Iterator[Part]:
    """Yield the ratios to Chromium's, and of whom there is none on the same device."""
    for batch, groups in by(places, lambda group: group.batch).items():
        named = by_heading(groups, [row for group in groups for row in in_turns(group.rows)])
        held = [one for heading, rows in named.items() for one in _held(heading, rows)]
        for (server, statistic), some in by(held, _kind).items():
            yield from _charts(f"Times Chromium, by way of server-cpu of {server}: {batch}", statistic, some)
        yield from _without(named, held, batch)


def _kind(one: Held) -> tuple[str, str]:
    return server_of(one.found.row), ratio_of(one.found.row).statistic


def _held(heading: str, rows: Sequence[Named]) -> list[Held]:
    """Hold the pages of other engines against Chromium's, the least first."""
    others = [row for _, row in rows]
    held = [Held(heading, label, found) for label, row in rows if (found := over_chromium(row, others))]
    return sorted(held, key=lambda one: one.found.factor.value)


def _charts(title: str, statistic: str, held: Sequence[Held]) -> Iterator[Chart]:
    for part, which in parted(sizes([one.dot for one in held]), MOST_ROWS):
        some, whole = held[part], f"{title}{which}"
        shown = [one.dot for one in some]
        picture = dots(shown, "times Chromium, a ratio of ratios, logarithmic", beside=1.0)
        yield Chart(whole, f"{CLOCK} Ratios of {statistic}.", in_words(shown), picture, _table(whole, some))


def _table(title: str, held: Sequence[Held]) -> Table:
    return Table(title, HEAD, [_cells(one) for one in held], (3, 4, 5, 6))


def _cells(one: Held) -> list[str]:
    found, factor = one.found, one.found.factor
    return [
        one.heading,
        one.label,
        str(found.row.platform),
        numbers.three(factor.value),
        numbers.between(factor.low, factor.high),
        numbers.three(ratio_of(found.row).value),
        numbers.three(ratio_of(found.chromium).value),
        found.chromium.machine,
        meaning(found.marks),
    ]


def _without(named: Mapping[str, Sequence[Named]], held: Sequence[Held], batch: str) -> Iterator[Words]:
    """Say who is held against no Chromium."""
    known = {id(one.found.row) for one in held}
    others = [row for rows in named.values() for _, row in rows if not is_chromium(row) and id(row) not in known]
    if others:
        told = ", ".join(dict.fromkeys(row.machine for row in others))
        yield Words([f"Held against no Chromium ({batch}), for none is known to be on the same device: {told}."])
