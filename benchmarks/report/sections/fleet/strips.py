"""What became of each chunk, device by device over the time of a job."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from benchmarks.report.charts.drawing import DIM, DOUBT, LINE, SIDES, UNDECIDED
from benchmarks.report.charts.picture import LEFT, RIGHT, Band, Bar, Shape, box, plain, sheet
from benchmarks.report.content import Chart, Table
from benchmarks.report.sections.fleet.jobs import Job
from benchmarks.results import numbers
from benchmarks.results.fleet import FleetChunk, FleetDevice

BAND = 18  # px of a row
MOST_ROWS = 16  # of a chart
NARROW = 2.0  # px, below which neighbours run into each other
COUNTED, BEATEN, OPEN = "counted", "beaten", "open"
WORDS = {
    COUNTED: "count",
    BEATEN: "beaten",
    "late": "late",
    "left": "lost, for it left",
    "hung": "lost, for nothing came in time",
    "lied": "lost, for the answer was wrong",
    "failed": "lost, for the page broke",
    OPEN: "not answered at the end",
}
CLOCK = (
    "From the first chunk on, in seconds. Filled: chunks that count, pale where the page was hidden meanwhile. Half as "
    "high: beaten by another device's answer to the same images. Hollow: lost, with a line where the device left."
)
HEAD = ("device", "images", "seconds busy", "of the job", *WORDS.values(), "hidden")


def strips(job: Job) -> Iterator[Chart]:
    """Yield the chunks of a job's devices, in the order in which these came."""
    devices = [device for device in job.fleet.devices if _of(job, device)]
    end = max([job.fleet.seconds, *(chunk.ended or 0.0 for chunk in job.fleet.chunks)])
    for first in range(0, len(devices) if end > 0 else 0, MOST_ROWS):
        some = devices[first : first + MOST_ROWS]
        part = f", from device {some[0].number} on" if len(devices) > MOST_ROWS else ""
        title, bars = f"Chunks over time: {job.title}{part}", [_bar(job, device, end) for device in some]
        page = sheet(bars, BAND)
        page.write("0 s", DIM, right=f"{numbers.three(end)} s", right_colour=DIM)
        yield Chart(title, CLOCK, _words(job, some), plain(page), _table(title, job, some))


def _of(job: Job, device: FleetDevice) -> list[FleetChunk]:
    return [chunk for chunk in job.fleet.chunks if chunk.device == device.number]


def _bar(job: Job, device: FleetDevice, end: float) -> Bar:
    chunks = _of(job, device)
    signs = " ".join(mark.sign for mark in job.marks(device))
    draw = partial(_draw, chunks, end, job.fleet.seconds)
    return Bar(job.name(device), f"{device.images:,} images", _fates(chunks), draw, signs)


def _fates(chunks: Sequence[FleetChunk]) -> str:
    """Return how many chunks came to what: ``12 count, 1 lost, for it left``."""
    times = Counter(chunk.fate for chunk in chunks)
    return "; ".join(f"{times[fate]} {words}" for fate, words in WORDS.items() if times[fate])


def _draw(chunks: Sequence[FleetChunk], end: float, until: float, band: Band) -> list[Shape]:
    """Draw the chunks of a device between the beginning and the *end*; what is open lasts *until* the job is over."""

    def at(seconds: float) -> float:
        return LEFT + (RIGHT - LEFT) * min(seconds, end) / end

    spans = {
        fate: [(at(chunk.taken), at(max(chunk.taken, until if chunk.ended is None else chunk.ended))) for chunk in of]
        for fate, of in _by_look(chunks).items()
    }
    middle = (band.top + band.bottom) / 2
    shapes = [Shape(box(LEFT, RIGHT, band.bottom, band.bottom + 1), LINE)]
    for look, colour, opacity, top, is_line in (
        (COUNTED, SIDES["client"], 1.0, band.top, False),
        ("hidden", SIDES["client"], 0.4, band.top, False),
        (BEATEN, UNDECIDED, 1.0, middle, False),
        ("lost", DOUBT, 1.0, band.top, True),
        (OPEN, DIM, 1.0, middle, True),
    ):
        if found := spans.get(look):
            path = "".join(box(left, right, top, band.bottom) for left, right in merged(found))
            shapes.append(Shape(path, colour, opacity, is_line))
    leaves = [at(chunk.ended) for chunk in chunks if chunk.fate == "left" and chunk.ended is not None]
    rules = "".join(box(x - 0.6, x + 0.6, band.top - 2, band.bottom + 2) for x in leaves)
    return [*shapes, *([Shape(rules, DOUBT)] if rules else [])]


def _by_look(chunks: Sequence[FleetChunk]) -> dict[str, list[FleetChunk]]:
    found: dict[str, list[FleetChunk]] = {}
    for chunk in chunks:
        look = chunk.fate if chunk.fate in (COUNTED, BEATEN, OPEN) else "lost"
        found.setdefault("hidden" if look == COUNTED and chunk.is_hidden else look, []).append(chunk)
    return found


def merged(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return *spans* in px with gaps between them; narrow ones run into each other, for nobody could tell them."""
    found: list[tuple[float, float]] = []
    for left, right in sorted(spans):
        if found and left - found[-1][1] < 1 and right - left < NARROW:
            found[-1] = (found[-1][0], max(found[-1][1], right))
        else:
            found.append((left, right - 0.8 if right - left > NARROW else right))
    return found


def _busy(chunks: Sequence[FleetChunk], until: float) -> float:
    """Return how many seconds of the job they took: what is taken or lost after the last image counted is beyond it."""
    ends = [until if chunk.ended is None else min(chunk.ended, until) for chunk in chunks]
    return sum(max(0.0, end - chunk.taken) for chunk, end in zip(chunks, ends, strict=True))


def _words(job: Job, devices: Sequence[FleetDevice]) -> str:
    """Say how busy they were, and what was lost."""
    shares = [_busy(_of(job, device), job.fleet.seconds) / job.fleet.seconds for device in devices if job.is_timed]
    busy = f"busy for {100 * min(shares):.0f} to {100 * max(shares):.0f} % of the job; " if shares else ""
    lost = sum(len(_by_look(_of(job, device)).get("lost", ())) for device in devices)  # as they are drawn
    return f"{numbers.counted(len(devices), 'device')}, {busy}{numbers.counted(lost, 'chunk')} lost."


def _table(title: str, job: Job, devices: Sequence[FleetDevice]) -> Table:
    rows = [_cells(job, device) for device in devices]
    return Table(title, HEAD, rows, (*range(1, 5 + len(WORDS)),))


def _cells(job: Job, device: FleetDevice) -> list[str]:
    chunks, seconds = _of(job, device), job.fleet.seconds
    busy, times = _busy(chunks, seconds), Counter(chunk.fate for chunk in chunks)
    return [
        job.name(device),
        f"{device.images:,}",
        numbers.three(busy),
        f"{100 * busy / seconds:.0f} %" if seconds else numbers.NONE,
        *(f"{times[fate]:,}" for fate in WORDS),
        f"{sum(chunk.is_hidden for chunk in chunks):,}",
    ]
