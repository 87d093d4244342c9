"""The time of an inference on each machine and device."""

from collections.abc import Iterator, Sequence

from benchmarks.report.charts.dots import Dot, dots, in_words, sizes
from benchmarks.report.content import Chart, Table
from benchmarks.report.rows.groups import Group, by, meaning, parted, side_of
from benchmarks.report.rows.labels import by_machine
from benchmarks.report.sections.side_by_side.places import MOST_ROWS, Named, are_several, in_order
from benchmarks.results import Row, numbers
from benchmarks.results.engines import runtime_of

CLOCK = (
    "Inside the clock: an inference, until its outputs can be read on the host. Dots: medians over the starts (of a "
    "weak client means); lines: 95 % intervals."
)
HEAD = ("runtime", "machine or device", "platform", "side", "ms", "95 % interval", "p95", "samples", "file", "marks")


def times(group: Group) -> Iterator[Chart]:
    """Yield the times of a model, by runtime, as many rows in a chart as can be read."""
    kept = in_order(_by_runtime([row for row in group.rows if numbers.is_time(row.figure.value)]), _dot)
    for part, which in parted(sizes([dot for dot, _ in kept]), MOST_ROWS):
        rows, title = kept[part], f"Milliseconds: {group.title}{which}"
        shown = [dot for dot, _ in rows]
        yield Chart(title, CLOCK, in_words(shown), dots(shown, "ms, logarithmic"), _table(title, rows))


def _by_runtime(rows: Sequence[Row]) -> dict[str, list[Named]]:
    """Return *rows* by what ran, where it ran on several machines."""
    several = {name: some for name, some in by(rows, runtime_of).items() if are_several(some)}
    return {name: [*zip(by_machine(some), some, strict=True)] for name, some in several.items()}


def _dot(heading: str, label: str, row: Row) -> Dot:
    figure = row.figure
    low, high = (None if end is None else end * 1e3 for end in (figure.low, figure.high))
    note = "" if row.platform == heading or row.served_by else str(row.platform)  # a device's name has its engine
    return Dot(label, figure.value * 1e3, low, high, row.side, note, row.signs, heading, " ms")


def _table(title: str, rows: Sequence[tuple[Dot, Row]]) -> Table:
    cells = [
        [
            dot.heading,
            dot.label,
            str(row.platform),
            side_of(row),
            numbers.three(dot.value),
            numbers.between(dot.low, dot.high),
            numbers.three(None if row.p95 is None else row.p95 * 1e3),
            f"{len(row.result.samples):,}",
            row.run.file.name,
            meaning(row.marks),
        ]
        for dot, row in rows
    ]
    return Table(title, HEAD, cells, (4, 5, 6, 7))
