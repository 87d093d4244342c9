"""Ratios to ``server-cpu`` as dots with their intervals, the models of a machine one below the other."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.measuring.ratio import Ratio
from benchmarks.report.charts.dots import Dot, dots, in_words
from benchmarks.report.content import Chart, Table
from benchmarks.report.rows.groups import SOFTWARE, Group, meaning, packed, side_of
from benchmarks.results import Row, numbers

MOST_ROWS = 21  # of a chart
FEW = 2  # models, so that a title can name them
CLOCK = (
    "Inside the clock: as of the latencies; in turns with server-cpu on one thread{}. Above 1 is slower, lines: 95 % "
    "intervals. Ratio of"
)


@dataclass(frozen=True)
class Held:
    """A row held against ``server-cpu``."""

    group: Group
    row: Row
    label: str
    ratio: Ratio


def ratios(ours: Sequence[Group]) -> list[Chart]:
    """Return the ratios of each machine and batch size, a model's in each precision below its own heading."""
    kinds: dict[tuple[object, ...], list[list[Held]]] = {}
    for group in ours:
        if held := _held(group):
            kind = group.machine, group.batch_size, group.is_software
            kinds.setdefault(kind, []).append(held)
    return [
        _ratios([one for held in several[part] for one in held])
        for several in kinds.values()
        for part in packed([*map(len, several)], MOST_ROWS)
    ]


def _models(held: Sequence[Held]) -> str:
    """Return which models are held in a chart: by name where they are few."""
    names = [*dict.fromkeys(one.group.model for one in held)]
    return ", ".join(names) if len(names) <= FEW else f"{names[0]} to {names[-1]} ({len(names)} models)"


def _held(group: Group) -> list[Held]:
    named = zip(group.rows, group.labels, strict=True)
    held = [
        Held(group, row, label, row.ratio) for row, label in named if row.ratio and numbers.is_time(row.ratio.value)
    ]
    return sorted(held, key=lambda one: one.ratio.value)


def _ratios(held: Sequence[Held]) -> Chart:
    """Return ratios as dots with their intervals, on an axis with a rule at 1."""
    group, rows = held[0].group, [_dot(one) for one in held]
    software = f", on {SOFTWARE}" if group.is_software else ""
    title = f"Times server-cpu: {_models(held)}, {group.batch}{software}"
    statistics = " and ".join(sorted({one.ratio.statistic for one in held}))
    picture = dots(rows, "times the time of server-cpu, logarithmic", beside=1.0)
    server = held[0].row.served_by
    clock = f"{CLOCK.format(f' of {server}' if server else '')} {statistics}."
    return Chart(title, clock, in_words(rows), picture, _table(title, held), group.machine)


def _dot(one: Held) -> Dot:
    ratio = one.ratio
    words = ["of means"] if ratio.statistic == "mean" else []
    words += [f"no interval: {numbers.counted(ratio.starts, 'start')}"] if ratio.low is None else []
    figure = ratio.value, ratio.low, ratio.high
    return Dot(one.label, *figure, one.row.side, ", ".join(words), one.row.signs, one.group.model)


def _table(title: str, held: Sequence[Held]) -> Table:
    head = ["model", "platform", "side", "times server-cpu", "95 % interval", "of", "starts", "marks"]
    return Table(title, head, [*map(_cells, held)], (3, 4, 6))


def _cells(one: Held) -> list[str]:
    ratio = one.ratio
    return [
        one.group.model,
        one.label,
        side_of(one.row),
        numbers.three(ratio.value),
        numbers.between(ratio.low, ratio.high),
        ratio.statistic,
        f"{ratio.starts}",
        meaning(one.row.marks),
    ]
