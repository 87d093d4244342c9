"""Samples in the order in which they were drawn: a machine that drifts or throttles, a page that ages, shows."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.report.charts.drawing import DIM, INK, LINE
from benchmarks.report.charts.picture import LEFT, RIGHT, Band, Bar, Shape, box, colour_of, plain, sheet
from benchmarks.report.charts.samples import Bucket, buckets, count_no_times
from benchmarks.report.content import Chart, Material, Part, Section, Table, Words
from benchmarks.report.rows.groups import SOFTWARE, by, evenly, is_ours, meaning
from benchmarks.report.rows.labels import labels
from benchmarks.results import Row, numbers

BUCKETS, MOST_ROWS = 48, 14  # of a row; of a chart
BAND, ABOVE = 28, 3  # px of a row, and of it free above
CHANGE = 1.2  # from the first third of the samples to the last, from which on it is told
FEWEST = 10  # samples of a row: fewer show no course
LEAD = (
    f"Every sample, from left to right as drawn, in some {BUCKETS} buckets: the line is the median, shaded from least "
    "to most. Upright lines part the starts, each a fresh page or process. Each row has a scale of its own, "
    "whose ends stand at its right."
)
INFERENCE = "an inference, until its outputs can be read on the host"
NAMES = {
    "latency": "latency",
    "device": "latency on the device",
    "scaling": "latency on several threads",
    "load": "load",
    "first_inference": "first inference",
    "second_inference": "second inference",
    "memory": "memory",
    "blocking": "blocking",
    "energy": "energy",
    "accuracy": "accuracy",
    "single_stream": "LoadGen's SingleStream",
    "offline": "LoadGen's Offline",
    "server": "LoadGen's Server",
}
PHASES = {  # what lies inside the clock
    "latency": INFERENCE,
    "latency on the device": "an inference without the copies from and to the host",
    "latency on several threads": INFERENCE,
    "load": "from asking for the runtime until the session is open",
    "first inference": "the first of a fresh session",
    "second inference": "the second of a fresh session",
    "memory": "until the second answer of a fresh session",
    "blocking": "an inference while the page draws",
    "energy": INFERENCE,
    "accuracy": "a batch of test images",
    "LoadGen's SingleStream": "a query, one after another",
    "LoadGen's Offline": "of a trial, all queries at once, the mean time between answers",
    "LoadGen's Server": "a query as they arrive by chance, its waiting included",
}
ELSEWHERE = "what this suite did not measure"
UNTOLD = "nobody told"


def over_time(material: Material) -> Section | None:
    """Return the samples of each benchmark in a row of its own, the phases of a machine below each other."""
    known = [row for row in material.rows if _is_drawable(row)]
    drawn = [row for row in known if len(row.result.samples) >= FEWEST]
    parts: list[Part] = [chart for rows in _kinds(drawn) for chart in _charts(rows)]
    lost = [f"{row.name} ({row.run.file.name})" for row in material.rows if not _is_drawable(row)]
    if lost:
        parts.append(Words([f"Not drawn, for want of samples that are all times above zero: {', '.join(lost)}."]))
    if few := len(known) - len(drawn):
        without = numbers.counted(few, "benchmark")
        parts.append(Words([f"Not drawn, for want of {FEWEST} samples at least: {without} of all figures."]))
    return Section("over-time", "Samples over time", LEAD if drawn else "", parts) if parts else None


def _is_drawable(row: Row) -> bool:
    samples = row.result.samples
    return bool(samples) and not count_no_times(samples)


def _kinds(rows: Sequence[Row]) -> list[list[Row]]:
    """Return *rows* by machine, software adapters apart; what this suite did not save by its file."""
    kinds = by(rows, lambda row: (row.machine, row.result.is_software, "" if is_ours(row) else str(row.run.file)))
    return [*kinds.values()]


def _charts(rows: Sequence[Row]) -> Iterator[Chart]:
    """Yield the charts of a machine, latencies first, as even as can be, each of MOST_ROWS at most."""
    known = sorted(rows, key=lambda row: [*NAMES].index(row.phase) if row.phase in NAMES else len(NAMES))
    phases = [*by(known, lambda row: row.phase).values()] if is_ours(rows[0]) else [rows]
    tracks = [Track.of(row, label) for of in phases for row, label in zip(of, labels(of), strict=True)]
    for part, whole in evenly(len(tracks), MOST_ROWS):
        yield _chart(tracks[part], whole)


def _chart(tracks: Sequence["Track"], part: str) -> Chart:
    row = tracks[0].row
    phases = [*dict.fromkeys(track.phase for track in tracks)]
    file = "" if is_ours(row) else f", {row.run.file.name}"
    software = f", on {SOFTWARE}" if row.result.is_software else ""
    title = f"{_capital(', '.join(phases))}{file}{software}{part}"
    clock = "; ".join(f"{phase}: {PHASES.get(phase, UNTOLD)}" for phase in phases)
    bars = [_bar(track, begins=not at or track.phase != tracks[at - 1].phase) for at, track in enumerate(tracks)]
    clock = f"Inside the clock, of {clock}."
    return Chart(title, clock, _words(tracks), plain(sheet(bars, BAND)), _table(title, tracks), row.machine)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


@dataclass(frozen=True)
class Track:
    """The samples of a row as they came, in seconds."""

    row: Row
    label: str
    starts: Sequence[Sequence[Bucket]]
    number: int
    least: float
    most: float
    change: float | None  # median of the last third over that of the first; None of fewer than six samples

    @classmethod
    def of(cls, row: Row, label: str) -> "Track":
        """Read a row's samples, each of which is a time."""
        samples = np.asarray(row.result.samples)
        starts = [[value for block in start for value in block] for start in row.result.starts]
        if sum(map(len, starts)) != len(samples):  # its starts tell of other samples: none is lost for that
            starts = [samples.tolist()]
        third = len(samples) // 3
        change = float(np.median(samples[-third:]) / np.median(samples[:third])) if third > 1 else None
        ends = float(samples.min()), float(samples.max())
        return cls(row, label, buckets(starts, BUCKETS), len(samples), *ends, change)

    @property
    def phase(self) -> str:
        """What was measured, as the headings have it."""
        return NAMES.get(self.row.phase, self.row.phase) if is_ours(self.row) else ELSEWHERE

    @property
    def range(self) -> str:
        """The ends of its scale: ``0.571 to 1.32 ms``."""
        factor, unit = numbers.time_unit(self.least, self.most)
        return f"{numbers.between(self.least, self.most, factor)} {unit}"

    def share(self, value: float) -> float:
        """Return where a value lies between the ends, from 0 to 1."""
        return math.log(value / self.least) / math.log(self.most / self.least) if self.most > self.least else 0.5


def _bar(track: Track, *, begins: bool) -> Bar:
    has_changed = track.change and not 1 / CHANGE < track.change < CHANGE
    words = [numbers.counted(track.number, "sample"), numbers.counted(len(track.starts), "start")]
    words += [f"last third {numbers.change(track.change)}"] if has_changed else []
    heading = track.phase if begins else ""
    return Bar(track.label, track.range, ", ".join(words), partial(_draw, track), track.row.signs, heading)


def _draw(track: Track, band: Band) -> list[Shape]:
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
    colour = colour_of(track.row.side)
    return [
        *([Shape("".join(rules), LINE)] if rules else []),
        Shape("".join(shaded), colour, 0.4),
        Shape("".join(line), INK if track.row.side else DIM, is_line=True),
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
    path = [f"{begin}{places[0]:.0f},{heights[0]:.1f}H{places[1]:.0f}"]
    path += [f"V{height:.1f}H{place:.0f}" for height, place in zip(heights[1:], places[2:], strict=True)]
    return "".join(path)


def _words(tracks: Sequence[Track]) -> str:
    """Return what stands out: where the samples went, and how many rows are marked."""
    words = list[str]()
    if known := [(one.change, one) for one in tracks if one.change]:
        ends = [pick(known, key=lambda pair: pair[0]) for pick in (min, max)]
        shown = dict.fromkeys(f"{numbers.change(change)} ({one.phase} of {one.label})" for change, one in ends)
        words.append(f"From the first third of the samples to the last: {' to '.join(shown)}.")
    marked = sum(bool(one.row.signs) for one in tracks)
    rows, samples = len(tracks), numbers.counted(sum(one.number for one in tracks), "sample")
    words.append(f"{samples} in {numbers.counted(rows, 'row')}{f', {marked} of them marked' if marked else ''}.")
    return " ".join(words)


def _table(title: str, tracks: Sequence[Track]) -> Table:
    head = [
        "phase",
        "benchmark",
        "samples",
        "starts",
        "buckets",
        "least, ms",
        "most, ms",
        "last third to first",
        "marks",
    ]
    rows = [
        [
            track.phase,
            track.label,
            f"{track.number:,}",
            f"{len(track.starts)}",
            f"{sum(map(len, track.starts))}",
            numbers.three(track.least * 1e3),
            numbers.three(track.most * 1e3),
            numbers.change(track.change),
            meaning(track.row.marks),
        ]
        for track in tracks
    ]
    return Table(title, head, rows, (2, 3, 4, 5, 6, 7))
