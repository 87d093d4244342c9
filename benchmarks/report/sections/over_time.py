"""Samples in the order in which they were drawn: a machine that drifts or throttles, a page that ages, shows."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.report import numbers
from benchmarks.report.content import Chart, Material, Part, Section, Table, Words
from benchmarks.report.drawing import DIM, INK, LINE
from benchmarks.report.groups import SOFTWARE, is_ours, meaning, packed
from benchmarks.report.labels import labels
from benchmarks.report.picture import LEFT, RIGHT, Band, Bar, Shape, box, colour_of, plain, sheet
from benchmarks.report.samples import Bucket, buckets, count_no_times
from benchmarks.results import Row

BUCKETS, MOST_ROWS = 60, 14  # of a row; of a chart
BAND, ABOVE = 28, 3  # px of a row, and of it free above
CHANGE = 1.2  # from the first third of the samples to the last, from which on it is told
LEAD = (
    f"From left to right as drawn, in some {BUCKETS} buckets a row: shaded from the least to the most, the line is the "
    "median; every sample is in one of them. Upright lines part the starts, each a fresh page or process. Each row has "
    "a logarithmic scale of its own, whose ends stand at its right: heights of two rows are not alike."
)
INFERENCE = "an inference, from asking for it until its outputs can be read on the host"
PHASES = {  # what a chart is called, and what lies inside the clock
    "latency": ("Latency", INFERENCE),
    "device": ("On the device", "an inference without the copies from and to the host"),
    "scaling": ("Several threads", INFERENCE),
    "load": ("Load", "from asking for the runtime until the session is open"),
    "first_inference": ("First inference", f"of a fresh session the first: {INFERENCE}"),
    "second_inference": ("Second inference", f"of a fresh session the second: {INFERENCE}"),
    "memory": ("Memory", "until the second answer of a fresh session"),
    "blocking": ("Blocking", f"while the page draws: {INFERENCE}"),
    "energy": ("Energy", INFERENCE),
    "accuracy": ("Accuracy", "a batch of test images"),
    "single_stream": ("LoadGen's SingleStream", "a query, one after another"),
    "offline": ("LoadGen's Offline", "of a trial, all queries at once, the mean time between answers"),
    "server": ("LoadGen's Server", "a query as they arrive by chance, its waiting included"),
}
UNTOLD = "nobody told"


def over_time(material: Material) -> Section | None:
    """Return the samples of each benchmark in a row of its own, the phases of each machine apart."""
    drawn = [row for row in material.rows if _is_drawable(row)]
    parts: list[Part] = [chart for rows in _kinds(drawn) for chart in _charts(rows)]
    lost = [f"{row.name} ({row.run.file.name})" for row in material.rows if not _is_drawable(row)]
    if lost:
        parts.append(Words([f"Not drawn, for want of samples that are all times above zero: {', '.join(lost)}."]))
    return Section("over-time", "Samples over time", LEAD, parts) if parts else None


def _is_drawable(row: Row) -> bool:
    samples = row.result.samples
    return bool(samples) and not count_no_times(samples)


def _kinds(rows: Sequence[Row]) -> list[list[Row]]:
    """Return *rows* by machine and phase, software adapters apart; what this suite did not save by its file."""
    found: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        told = (row.phase, row.result.is_software) if is_ours(row) else (str(row.run.file),)
        found.setdefault((row.machine, *told), []).append(row)
    return [*found.values()]


def _charts(rows: Sequence[Row]) -> Iterator[Chart]:
    """Yield the charts of a machine's phase, each of MOST_ROWS at most."""
    named = [*zip(rows, labels(rows), strict=True)]
    parts = [*packed([1] * len(named), MOST_ROWS)]
    for number, part in enumerate(parts, 1):
        yield _chart(named[part], f" ({number} of {len(parts)})" if len(parts) > 1 else "")


def _chart(named: Sequence[tuple[Row, str]], which: str) -> Chart:
    row = named[0][0]
    phase, clock = PHASES.get(row.phase, (row.phase, UNTOLD)) if is_ours(row) else (row.run.file.name, UNTOLD)
    software = f", on {SOFTWARE}" if row.result.is_software else ""
    title = f"{phase} on {row.machine}{software}{which}"
    tracks = [Track.of(row) for row, _ in named]
    bars = [_bar(row, label, track) for (row, label), track in zip(named, tracks, strict=True)]
    clock = f"Inside the clock: {clock}. In milliseconds, logarithmic."
    return Chart(title, clock, _words(named, tracks), plain(sheet(bars, BAND)), _table(title, named, tracks))


@dataclass(frozen=True)
class Track:
    """The samples of a row as they came, in seconds."""

    starts: Sequence[Sequence[Bucket]]
    number: int
    least: float
    most: float
    change: float | None  # median of the last third over that of the first; None of fewer than six samples

    @classmethod
    def of(cls, row: Row) -> "Track":
        """Read a row's samples, each of which is a time."""
        samples = np.asarray(row.result.samples)
        starts = [[value for block in start for value in block] for start in row.result.starts]
        if sum(map(len, starts)) != len(samples):  # its starts tell of other samples: none is lost for that
            starts = [samples.tolist()]
        third = len(samples) // 3
        change = float(np.median(samples[-third:]) / np.median(samples[:third])) if third > 1 else None
        return cls(buckets(starts, BUCKETS), len(samples), float(samples.min()), float(samples.max()), change)

    @property
    def range(self) -> str:
        """The ends of its scale: ``0.571 to 1.32 ms``."""
        factor, unit = numbers.time_unit(self.least, self.most)
        return f"{numbers.between(self.least, self.most, factor)} {unit}"

    def share(self, value: float) -> float:
        """Return where a value lies between the ends, from 0 to 1."""
        return math.log(value / self.least) / math.log(self.most / self.least) if self.most > self.least else 0.5


def _bar(row: Row, label: str, track: Track) -> Bar:
    starts = numbers.counted(len(track.starts), "start")
    drift = (
        f", last third {numbers.change(track.change)}"
        if track.change and not 1 / CHANGE < track.change < CHANGE
        else ""
    )
    note = f"{numbers.counted(track.number, 'sample')}, {starts}{drift}"
    return Bar(label, track.range, note, partial(_draw, row, track), row.signs)


def _draw(row: Row, track: Track, band: Band) -> list[Shape]:
    """Draw a row: shaded from least to most, the median as a line, starts apart."""
    shaded, line, rules = list[str](), list[str](), list[str]()
    left = float(LEFT)
    for start in track.starts:
        width = (RIGHT - LEFT) * sum(bucket.number for bucket in start) / track.number
        rules += [box(left - 1, left, band.top, band.bottom)] if left > LEFT else []
        places = [left + 1 + (width - 3) * at / len(start) for at in range(len(start) + 1)]
        shaded.append(_shade(start, places, track, band))
        line.append(_steps([_y(bucket.median, track, band) for bucket in start], places, "M"))
        left += width
    colour = colour_of(row.side)
    return [
        *([Shape("".join(rules), LINE)] if rules else []),
        Shape("".join(shaded), colour, 0.4),
        Shape("".join(line), INK if row.side else DIM, is_line=True),
    ]


def _y(value: float, track: Track, band: Band) -> float:
    return band.bottom - 1 - track.share(value) * (band.bottom - band.top - ABOVE - 2)


def _shade(start: Sequence[Bucket], places: Sequence[float], track: Track, band: Band) -> str:
    """Return the path around the buckets of a start, a px high at least."""
    tops = [_y(bucket.most, track, band) - 0.5 for bucket in start]
    bottoms = [_y(bucket.least, track, band) + 0.5 for bucket in start]
    return _steps(tops, places, "M") + _steps(bottoms[::-1], places[::-1], "L") + "Z"


def _steps(heights: Sequence[float], places: Sequence[float], begin: str) -> str:
    """Return a path of steps, one of each height between two neighbouring places."""
    path = [f"{begin}{places[0]:.1f},{heights[0]:.1f}H{places[1]:.1f}"]
    path += [f"V{height:.1f}H{place:.1f}" for height, place in zip(heights[1:], places[2:], strict=True)]
    return "".join(path)


def _words(named: Sequence[tuple[Row, str]], tracks: Sequence[Track]) -> str:
    """Return what stands out: where the samples went, and what is marked."""
    known = [(track.change, label) for (_, label), track in zip(named, tracks, strict=True) if track.change]
    words = [f"{numbers.counted(sum(track.number for track in tracks), 'sample')}."]
    if known:
        least, most = min(known), max(known)
        ends = [f"{numbers.change(change)} ({label})" for change, label in dict.fromkeys((least, most))]
        words.append(f"From the first third of the samples to the last: {' to '.join(ends)}.")
    marked = [f"{label} {row.signs}" for row, label in named if row.signs]
    words += [f"Marked: {'; '.join(marked)}."] if marked else []
    return " ".join(words)


def _table(title: str, named: Sequence[tuple[Row, str]], tracks: Sequence[Track]) -> Table:
    head = ["benchmark", "samples", "starts", "buckets", "least, ms", "most, ms", "last third to first", "marks"]
    rows = [
        [
            label,
            f"{track.number:,}",
            f"{len(track.starts)}",
            f"{sum(map(len, track.starts))}",
            numbers.three(track.least * 1e3),
            numbers.three(track.most * 1e3),
            numbers.change(track.change),
            meaning(row),
        ]
        for (row, label), track in zip(named, tracks, strict=True)
    ]
    return Table(title, head, rows, (1, 2, 3, 4, 5, 6))
