"""Pages of devices beside those of the machine that served them: times its ``server-cpu``, in turns."""

from collections.abc import Iterator, Sequence

from benchmarks.report.charts.dots import Dot, dots, in_words, sizes
from benchmarks.report.content import Chart, Table
from benchmarks.report.rows.groups import Group, by, meaning, parted
from benchmarks.report.sections.side_by_side.places import MOST_ROWS, Named, by_heading, in_order
from benchmarks.results import Row, numbers
from benchmarks.results.engines import in_turns, ratio_of, server_of

CLOCK = (
    "Inside the clock: an inference, until its outputs can be read on the host; of each device in turns with "
    "server-cpu on one thread of the machine that served it. Above 1 is slower, lines: 95 % intervals. Ratio of"
)
HEAD = ("of", "device", "platform", "times its server-cpu", "95 % interval", "statistic", "starts", "file", "marks")


def served(places: Sequence[Group]) -> Iterator[Chart]:
    """Yield the ratios of the pages that a machine served, where devices are among them."""
    for batch, groups in by(places, lambda group: group.batch).items():
        rows = [row for group in groups for row in in_turns(group.rows)]
        for server, some in by(rows, server_of).items():
            named = by_heading(groups, some)
            beside = {name: told for name, told in named.items() if any(row.served_by for _, row in told)}
            if beside:
                yield from _charts(f"Times server-cpu of {server}: {batch}", beside)


def _charts(title: str, named: dict[str, list[Named]]) -> Iterator[Chart]:
    kept = in_order(named, _dot)
    for part, which in parted(sizes([dot for dot, _ in kept]), MOST_ROWS):
        rows, whole = kept[part], f"{title}{which}"
        shown, statistics = [dot for dot, _ in rows], {ratio_of(row).statistic for _, row in rows}
        picture = dots(shown, "times the time of server-cpu, logarithmic", beside=1.0)
        yield Chart(
            whole, f"{CLOCK} {' and '.join(sorted(statistics))}.", in_words(shown), picture, _table(whole, rows)
        )


def _dot(heading: str, label: str, row: Row) -> Dot:
    ratio = ratio_of(row)
    note = [] if row.served_by else [f"{row.platform} on the machine that serves"]
    note += ["of means"] if ratio.statistic == "mean" else []
    return Dot(label, ratio.value, ratio.low, ratio.high, row.side, ", ".join(note), row.signs, heading)


def _table(title: str, rows: Sequence[tuple[Dot, Row]]) -> Table:
    cells = [
        [
            dot.heading,
            dot.label,
            str(row.platform),
            numbers.three(dot.value),
            numbers.between(dot.low, dot.high),
            ratio_of(row).statistic,
            f"{ratio_of(row).starts}",
            row.run.file.name,
            meaning(row.marks),
        ]
        for dot, row in rows
    ]
    return Table(title, HEAD, cells, (3, 4, 6))
