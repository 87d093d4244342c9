"""Engines held against Chromium on the same device: a ratio of ratios, each of which was measured in turns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measuring.ratio import over
from benchmarks.measuring.starts import Figure
from benchmarks.report.charts.dots import Dot, dots, in_words, sizes
from benchmarks.report.content import Chart, Part, Table, Words
from benchmarks.report.rows.groups import Group, by, meaning, parted
from benchmarks.report.sections.side_by_side.places import MOST_ROWS, Named, by_heading
from benchmarks.report.sections.side_by_side.served import ratio_of, server_of, with_ratio
from benchmarks.results import Row, devices, numbers

CHROMIUM = "chromium-"
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
    """A page held against one of Chromium."""

    heading: str
    label: str
    row: Row
    chromium: Row

    @property
    def factor(self) -> Figure:
        """How many times Chromium's ratio."""
        return over(ratio_of(self.row), ratio_of(self.chromium))

    @property
    def dot(self) -> Dot:
        """Its dot, with the marks of both."""
        signs = " ".join(dict.fromkeys(mark.sign for row in (self.row, self.chromium) for mark in row.marks))
        factor = self.factor
        figure = factor.value, factor.low, factor.high
        return Dot(self.label, *figure, self.row.side, f"over {self.chromium.machine}", signs, self.heading)


def engines(places: Sequence[Group]) -> Iterator[Part]:
    """Yield the ratios to Chromium's, and of whom there is none on the same device."""
    for batch, groups in by(places, lambda group: group.batch).items():
        named = by_heading(groups, [row for group in groups for row in with_ratio(group.rows)])
        held = [one for heading, rows in named.items() for one in _held(heading, rows)]
        for (server, statistic), some in by(held, _kind).items():
            yield from _charts(f"Times Chromium, by way of server-cpu of {server}: {batch}", statistic, some)
        yield from _without(named, held, batch)


def _kind(one: Held) -> tuple[str, str]:
    return server_of(one.row), ratio_of(one.row).statistic


def _held(heading: str, rows: Sequence[Named]) -> list[Held]:
    """Hold the pages of other engines against Chromium's, which joined rather than was driven; the least first."""
    chromium = sorted((row for _, row in rows if _is_chromium(row)), key=lambda row: row.served_by is None)
    found = [
        Held(heading, label, row, on_same[0])
        for label, row in rows
        if not _is_chromium(row) and (on_same := [one for one in chromium if _are_comparable(row, one)])
    ]
    return sorted(found, key=lambda one: one.factor.value)


def _is_chromium(row: Row) -> bool:
    return str(row.platform).startswith(CHROMIUM)


def _are_comparable(row: Row, one: Row) -> bool:
    is_alike = server_of(row) == server_of(one) and ratio_of(row).statistic == ratio_of(one).statistic
    return is_alike and _are_on_one_device(_told(row), _told(one))


@dataclass(frozen=True)
class Told:
    """Where a browser is, as far as it says that."""

    is_here: bool  # connected by the loopback of the machine that served, or driven there
    model: str | None = None
    system: str | None = None


def _told(row: Row) -> Told:
    if not row.served_by:
        return Told(is_here=True)
    about = devices.of_run(row.run.machine)
    return Told(about.get("transport") == "loopback", devices.model_of(about), devices.system_of(about)[0])


def _are_on_one_device(one: Told, other: Told) -> bool:
    """Whether two browsers that one machine served are on one device, as far as is known.

    Both are on the machine that served: connected by its loopback, and naming no models that differ, as a phone at the
    end of a cable would. Or both name the same model and system.
    """
    if one.is_here and other.is_here:
        return len({one.model, other.model} - {None}) < 2
    return one.model is not None and (one.model, one.system) == (other.model, other.system)


def _charts(title: str, statistic: str, held: Sequence[Held]) -> Iterator[Chart]:
    for part, which in parted(sizes([one.dot for one in held]), MOST_ROWS):
        some, whole = held[part], f"{title}{which}"
        shown = [one.dot for one in some]
        picture = dots(shown, "times Chromium, a ratio of ratios, logarithmic", beside=1.0)
        yield Chart(whole, f"{CLOCK} Ratios of {statistic}.", in_words(shown), picture, _table(whole, some))


def _table(title: str, held: Sequence[Held]) -> Table:
    cells = [
        [
            one.heading,
            one.label,
            str(one.row.platform),
            numbers.three(one.factor.value),
            numbers.between(one.factor.low, one.factor.high),
            numbers.three(ratio_of(one.row).value),
            numbers.three(ratio_of(one.chromium).value),
            one.chromium.machine,
            meaning([*one.row.marks, *one.chromium.marks]),
        ]
        for one in held
    ]
    return Table(title, HEAD, cells, (3, 4, 5, 6))


def _without(named: Mapping[str, Sequence[Named]], held: Sequence[Held], batch: str) -> Iterator[Words]:
    """Say who is held against no Chromium."""
    known = {id(one.row) for one in held}
    others = [row for rows in named.values() for _, row in rows if not _is_chromium(row) and id(row) not in known]
    if others:
        told = ", ".join(dict.fromkeys(row.machine for row in others))
        yield Words([f"Held against no Chromium ({batch}), for none is known to be on the same device: {told}."])
