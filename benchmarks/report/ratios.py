"""Ratios to ``server-cpu`` as dots with their intervals, the models of a machine one below the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from benchmarks.measuring.ratio import Ratio
from benchmarks.report import numbers
from benchmarks.report.content import Chart, Table
from benchmarks.report.groups import SOFTWARE, Group, meaning, packed
from benchmarks.report.picture import (
    DOTS,
    LEFT,
    RIGHT,
    SIDE_WORDS,
    Band,
    Bar,
    Shape,
    colour_of,
    dot,
    rule,
    sheet,
    spec,
    whisker,
)
from benchmarks.report.scales import LogScale
from benchmarks.results import Row

MOST_ROWS = 14  # of a chart
RATIO_CLOCK = (
    "Inside the clock as above. Each ratio was measured in turns with server-cpu on one thread, same model and batch: "
    f"above 1 is slower. Line: its 95 % interval. Logarithmic. {DOTS}"
)


@dataclass(frozen=True)
class Held:
    """A row held against ``server-cpu``."""

    group: Group
    row: Row
    label: str
    ratio: Ratio


def ratio_charts(ours: Sequence[Group]) -> list[Chart]:
    """Return the ratios of each machine, batch size and precision, the models one below the other."""
    kinds: dict[tuple[object, ...], list[list[Held]]] = {}
    for group in ours:
        if held := _held(group):
            kind = group.machine, group.batch_size, group.precision, group.is_software
            kinds.setdefault(kind, []).append(held)
    return [
        _ratios([one for held in several[part] for one in held])
        for several in kinds.values()
        for part in packed([*map(len, several)], MOST_ROWS)
    ]


def _held(group: Group) -> list[Held]:
    named = zip(group.rows, group.labels, strict=True)
    held = [
        Held(group, row, label, row.ratio) for row, label in named if row.ratio and numbers.is_time(row.ratio.value)
    ]
    return sorted(held, key=lambda one: one.ratio.value)


def _ratios(held: Sequence[Held]) -> Chart:
    """Return ratios as dots with their intervals, on an axis with a rule at 1."""
    ends = [end for one in held for end in (one.ratio.value, one.ratio.low, one.ratio.high) if numbers.is_time(end)]
    scale = LogScale.of([1.0, *(end for end in ends if end)], LEFT, RIGHT)
    page = sheet([_ratio_bar(one, scale, is_first=one is _first(one, held)) for one in held], 14)
    models, group = ", ".join(dict.fromkeys(each.group.model for each in held)), held[0].group
    software = f", on {SOFTWARE}" if group.is_software else ""
    title = f"Times server-cpu: {models}, {group.batch}, on {group.machine}{software}"
    statistics = " and ".join(sorted({each.ratio.statistic for each in held}))
    return Chart(
        title,
        f"{RATIO_CLOCK} Ratio of: {statistics}.",
        _ratio_words(held),
        spec(page, scale, "times the time of server-cpu"),
        _ratio_table(title, held),
    )


def _first(one: Held, held: Sequence[Held]) -> Held:
    """Return the first of those of its model."""
    return next(other for other in held if other.group is one.group)


def _ratio_bar(one: Held, scale: LogScale, *, is_first: bool) -> Bar:
    ratio, side = one.ratio, one.row.side
    words = ["of means"] if ratio.statistic == "mean" else []
    words += [f"no interval: {numbers.counted(ratio.starts, 'start')}"] if ratio.low is None else []

    def draw(band: Band) -> list[Shape]:
        shapes = [rule(scale.at(1.0), band), *whisker(scale, ratio.low, ratio.high, band.middle)]
        return [*shapes, Shape(dot(scale.at(ratio.value), band.middle, side), colour_of(side))]

    figure = numbers.with_interval(ratio.value, ratio.low, ratio.high)
    return Bar(one.label, figure, ", ".join(words), draw, one.row.signs, one.group.model if is_first else "")


def _ratio_words(held: Sequence[Held]) -> str:
    """Return the ratios of each model in a sentence."""
    models = groupby(held, lambda one: one.group.model)
    return " ".join(f"{model}: {'; '.join(map(_ratio_of, ones))}." for model, ones in models)


def _ratio_of(one: Held) -> str:
    ratio = one.ratio
    signs = f" {one.row.signs}" if one.row.signs else ""
    return f"{one.label} {numbers.with_interval(ratio.value, ratio.low, ratio.high)}{signs}"


def _ratio_table(title: str, held: Sequence[Held]) -> Table:
    head = ["model", "platform", "side", "times server-cpu", "95 % interval", "of", "starts", "marks"]
    rows = [
        [
            one.group.model,
            one.label,
            SIDE_WORDS[one.row.side] if one.row.side else numbers.NONE,
            numbers.three(one.ratio.value),
            numbers.between(one.ratio.low, one.ratio.high),
            one.ratio.statistic,
            f"{one.ratio.starts}",
            meaning(one.row),
        ]
        for one in held
    ]
    return Table(title, head, rows, (3, 4, 6))
