"""How long an inference takes in the steady state: every sample of each platform, and the ratio to ``server-cpu``."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import numpy as np

from benchmarks.measuring.ratio import percentile
from benchmarks.report.charts.drawing import DIM, INK
from benchmarks.report.charts.picture import (
    LEFT,
    RIGHT,
    Band,
    Bar,
    Shape,
    box,
    colour_of,
    sheet,
    spec,
)
from benchmarks.report.charts.samples import Numbers, bin_width, checked, count_no_times, histogram
from benchmarks.report.charts.scales import LogScale
from benchmarks.report.content import Chart, Material, Part, Section, Table, Words
from benchmarks.report.ends import ends
from benchmarks.report.rows.groups import SIDE_WORDS, Group, evenly, groups, is_ours, meaning, of_phase, side_of
from benchmarks.report.rows.lines import divided
from benchmarks.report.sections.latency.ratios import ratios
from benchmarks.results import Row, numbers

PIXELS, WIDEST = 2.0, 24.0  # px of a bin, at least and at most
ABOVE, HILL, BELOW = 3, 20, 9  # px above a distribution, of it, and of what lies below it
HEAD = (
    *("platform", "side", "figure", "of", "95 % interval", "p10", "median", "p95", "least", "most"),
    *("images/s", "samples", "starts", "marks"),
)
NUMBERS = (2, 4, 5, 6, 7, 8, 9, 10, 11, 12)
MOST_ROWS = 18  # of a chart
NO_SAMPLES = "no samples saved: least to most"
LEAD = (
    "Every sample, the fastest first. Upright line: their median. Thin line: their 10th to 95th percentile. Thick "
    "line: the 95 % interval of the figure at the right, which is a median over the starts (of a weak client a mean)."
)
CLOCK = "Inside the clock: an inference, until its outputs can be read on the host."
NETWORK = " Of a server that a page asks, the request and the network are inside, too."
UNTOLD = "What lies inside the clock nobody told: it is no benchmark of this suite."


def latency(material: Material) -> Section | None:
    """Return the distributions, a chart for each machine, model and batch size, and the ratios of each machine."""
    ours = groups(of_phase(material.rows, "latency"))
    others = _by_run([row for row in material.rows if not is_ours(row)])
    spreads = {id(row): Spread.of(row) for group in [*ours, *others] for row in group.rows}
    clocks = [*((group, CLOCK) for group in ours), *((group, UNTOLD) for group in others)]
    beside = [(group, clock) for group, clock in clocks if len(group.rows) > 1]
    drawn = beside or clocks
    charts = [chart for group, clock in drawn for chart in _spread(group, clock, spreads)]
    alone = _alone([group for group, _ in clocks if len(group.rows) == 1] if beside else [], spreads)
    lost = [row for group, _ in clocks for row in group.rows if not spreads[id(row)]]
    parts: list[Part] = [*charts, *ratios(ours), *alone, *_left_out(lost)]
    return Section("latency", "Latency", LEAD, parts) if parts else None


@dataclass(frozen=True)
class Spread:
    """What is drawn of a row, in seconds; without samples what its statistics tell."""

    samples: Numbers
    p10: float | None
    least: float
    median: float
    most: float

    @classmethod
    def of(cls, row: Row) -> "Spread | None":
        """Return what can be drawn; None where nothing can: a sample that is no time is none that is left out."""
        samples, told = row.result.samples, row.result.stats
        if samples:
            array = np.asarray(samples, dtype=np.float64)
            reach = float(array.min()), float(np.median(array)), float(array.max())
            return None if count_no_times(array) else cls(array, percentile(array, 10), *reach)
        saved = [told.get(name) for name in ("min", "median", "max")]
        known = [float(value) for value in saved if isinstance(value, int | float) and numbers.is_time(value)]
        return cls(np.empty(0), row.p10, *known) if len(known) == 3 else None

    @property
    def reach(self) -> tuple[float, float]:
        """The least and the most."""
        return self.least, self.most


def _left_out(lost: Sequence[Row]) -> list[Words]:
    """Return a sentence for each row that cannot be drawn."""
    told = [f"Not drawn: {row.name} ({row.run.file.name}): {_why(row)}." for row in lost]
    return [Words(told)] if told else []


def _why(row: Row) -> str:
    samples = row.result.samples
    if not samples:
        return "no samples were saved, and its statistics are no times"
    return f"{count_no_times(samples):,} of its {len(samples):,} samples are no times above zero"


def _by_run(rows: Sequence[Row]) -> list[Group]:
    """Return what this suite did not save by its file: nothing tells whether two of them mean the same."""
    runs = [[*of_run] for _, of_run in groupby(rows, lambda row: id(row.run))]
    return [Group(of[0].machine, of[0].run.file.name, None, None, is_software=False, rows=of) for of in runs]


def _spread(group: Group, clock: str, of: Mapping[int, Spread | None]) -> Iterator[Chart]:
    """Yield the distributions of a group on one scale, the fastest first; nothing where none can be drawn."""
    known = [(row, label) for row, label in zip(group.rows, group.labels, strict=True) if of[id(row)]]
    if not known:
        return
    named = sorted(known, key=lambda pair: _shown(pair[0]))
    spreads = [spread for row, _ in named if (spread := of[id(row)])]
    reach = [end for (row, _), spread in zip(named, spreads, strict=True) for end in _reach(row, spread)]
    factor, unit = numbers.time_unit(min(reach), max(reach))
    scale = LogScale.of([value * factor for value in reach], LEFT, RIGHT)
    shared, signs = divided([row.marks for row, _ in named])
    title = group.common if clock is UNTOLD else group.title
    untold = [sign for sign in shared if sign not in title]
    title += f" ({', '.join(untold)})" if untold else ""
    network = NETWORK if any(row.side == "remote" for row in group.rows) else ""
    rows = [*zip(named, signs, spreads, strict=True)]
    for part, whole in evenly(len(rows), MOST_ROWS):
        some = rows[part]
        bars = [_bar(row, label, own, spread, scale, factor) for (row, label), own, spread in some]
        words = ends([_words(row, label, own) for (row, label), own, _ in some], sum(bool(own) for _, own, _ in some))
        picture = spec(sheet(bars, ABOVE + HILL + BELOW), scale, f"{unit}, logarithmic")
        table = _table(f"{title}{whole}", [pair for pair, *_ in some], [spread for *_, spread in some])
        yield Chart(f"{title}{whole}", f"{clock}{network}", words, picture, table, group.machine)


def _alone(groups: Sequence[Group], of: Mapping[int, Spread | None]) -> list[Table]:
    """Return in a table what no other row of its model, machine and batch size stands beside."""
    known = [(group, row, spread) for group in groups for row in group.rows if (spread := of[id(row)])]
    rows = [
        [group.title, row.machine, *_cells(row, str(row.platform or row.name), spread)] for group, row, spread in known
    ]
    head, right = ["model", "machine", *HEAD], [at + 2 for at in NUMBERS]
    caption = "On one platform alone, in milliseconds; samples over time show the course of each"
    return [Table(caption, head, rows, right, is_folded=True)] if rows else []


def _reach(row: Row, spread: Spread) -> list[float]:
    """Return what an axis has to hold of a row."""
    ends = (row.figure.low, row.figure.high)
    return [*spread.reach, *(end for end in ends if end is not None and numbers.is_time(end))]


def _shown(row: Row) -> float:
    value = row.figure.value
    return value if numbers.is_time(value) else math.inf


def _words(row: Row, label: str, signs: str) -> str:
    return f"{label} {numbers.time(row.figure.value)}{f' {signs}' if signs else ''}"


def _bar(row: Row, label: str, signs: str, spread: Spread, scale: LogScale, factor: float) -> Bar:  # noqa: PLR0913
    draw = partial(_draw, row, spread, scale, factor)
    return Bar(label, numbers.time(row.figure.value), _note(row), draw, signs)


def _note(row: Row) -> str:
    """Return what a row is of: its side, its samples, and what is unusual of its figure."""
    result = row.result
    words = [SIDE_WORDS[row.side]] if row.side else []
    words.append(numbers.counted(len(result.samples), "sample") if result.samples else NO_SAMPLES)
    words += [f"in rows of {result.iterations}"] if result.iterations > 1 else []
    words += ["mean"] if row.run.is_of_this_suite and result.headline == "mean" else []
    return ", ".join(words)


def _draw(row: Row, spread: Spread, scale: LogScale, factor: float, band: Band) -> list[Shape]:
    """Draw a distribution, and below it the percentiles and the interval."""
    ground = band.bottom - BELOW
    shapes = _hill(spread.samples, scale, factor, colour_of(row.side), ground)
    low, high = (spread.p10, row.p95) if len(spread.samples) else spread.reach
    if low and high:
        shapes.append(Shape(box(scale.at(low * factor), scale.at(high * factor), ground + 4, ground + 5.2), DIM))
    figure = row.figure
    if figure.low is not None and figure.high is not None:
        left, right = scale.at(figure.low * factor), scale.at(figure.high * factor)
        shapes.append(Shape(box(left, right, ground + 2.6, ground + 6.6), INK))
    middle = scale.at(spread.median * factor)
    return [*shapes, Shape(box(middle - 0.8, middle + 0.8, band.top + ABOVE, ground + 8), INK)]


def _hill(samples: Numbers, scale: LogScale, factor: float, colour: str, ground: float) -> list[Shape]:
    """Return all *samples* as an area on the *ground*."""
    if not len(samples):
        return []
    places = scale.px(checked(samples) * factor)
    width = bin_width(places, PIXELS, WIDEST)
    counts = histogram(places, scale.left, scale.right, width)
    heights = np.where(counts, np.maximum(1.0, counts / counts.max() * HILL), 0.0)
    return [Shape(outline(heights.tolist(), scale.left, width, ground), colour, 0.75)]


def outline(heights: Sequence[float], left: float, width: float, ground: float) -> str:
    """Return the path around columns of these *heights*, px, which stand on the *ground* from *left* on."""
    path, before = [], 0.0
    for at, height in enumerate([*heights, 0.0]):
        if height != before:
            x = f"{left + at * width:g}"
            path.append(f"{'M' if not before else 'H'}{x}" + (f",{ground:g}" if not before else ""))
            path.append(f"V{ground - height:.4g}" + ("Z" if not height else ""))
        before = height
    return "".join(path)


def _table(title: str, named: Sequence[tuple[Row, str]], spreads: Sequence[Spread]) -> Table:
    rows = [_cells(row, label, spread) for (row, label), spread in zip(named, spreads, strict=True)]
    return Table(f"{title}, in milliseconds", HEAD, rows, NUMBERS)


def _cells(row: Row, label: str, spread: Spread) -> list[str]:
    figure, of = row.figure, row.result.headline if row.run.is_of_this_suite else "median"
    times = (spread.p10, spread.median, row.p95, *spread.reach)
    return [
        label,
        side_of(row),
        numbers.three(figure.value * 1e3),
        of,
        numbers.between(figure.low, figure.high, 1e3),
        *(numbers.three(None if value is None else value * 1e3) for value in times),
        numbers.three(row.images_per_second),
        f"{len(spread.samples):,}",
        f"{figure.starts}",
        meaning(row.marks),
    ]
