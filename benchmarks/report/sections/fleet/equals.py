"""How many such devices make up for one process of the server: measured on the job, beside what latencies say."""

from collections.abc import Iterator, Sequence

from benchmarks.decide.fleet import WITHIN, Equal, equal
from benchmarks.report.charts.dots import Dot, dots, in_words
from benchmarks.report.content import Chart, Part, Table, Words
from benchmarks.report.rows.groups import meaning
from benchmarks.report.rows.lines import shortened
from benchmarks.report.sections.fleet.jobs import WHY, Job
from benchmarks.results import numbers
from benchmarks.results.fleet import FleetDevice

MEASURED, COMPUTED = "measured on the job", "computed from latencies"
CLOCK = (
    "Measured: the server's images a second, of one process on one thread, over the device's. Computed, as decide "
    "does: an inference of the device over one of server-cpu, in turns; line: its 95 % interval."
)
HEAD = (
    *("device", "measured", "computed", "95 % interval", "measured / computed"),
    *("an image on the device, ms", "of that inferring", "an image on the server, ms", "why not compared", "marks"),
)
Found = tuple[FleetDevice, Equal]


def equals(job: Job) -> Iterator[Part]:
    """Yield what is known of how many devices equal a server, and of which it is not."""
    known = [(device, found) for device in job.fleet.devices if (found := equal(job.fleet, device))]
    if known:
        yield _chart(job, known)
    far = [device for device, found in known if found.agrees is False]
    if far:
        names = ", ".join(job.name(device) for device in far)
        yield Words([f"{job.title}: not within {WITHIN:.0%} of what latencies say: {names}."])
    if lost := [device for device in job.fleet.devices if device.images and not equal(job.fleet, device)]:
        names, why = ", ".join(map(job.name, lost)), "its rate, or the server's, is not known"
        yield Words([f"{job.title}: how many equal a server is not known of {names}: {why}."])


def _chart(job: Job, known: Sequence[Found]) -> Chart:
    title = f"Devices that equal a server: {job.title}"
    rows = [dot for device, found in known for dot in _dots(job, device, found)]
    picture = dots(rows, "devices that equal one process, logarithmic")
    return Chart(title, CLOCK, in_words(rows), picture, _table(title, job, known))


def _dots(job: Job, device: FleetDevice, found: Equal) -> Iterator[Dot]:
    name, signs = job.name(device), " ".join(mark.sign for mark in job.marks(device))
    yield Dot(MEASURED, found.measured, None, None, "client", "", signs, name)
    if found.decided:
        span = found.decided
        low, high = (span.low, span.high) if span.has_interval else (None, None)
        yield Dot(COMPUTED, span.value, low, high, "client", "", signs, name)


def _table(title: str, job: Job, known: Sequence[Found]) -> Table:
    return Table(title, HEAD, [_cells(job, *one) for one in known], (1, 2, 3, 4, 5, 6, 7))


def _cells(job: Job, device: FleetDevice, found: Equal) -> list[str]:
    decided, ours, theirs = found.decided, found.device, found.server
    ends = (decided.low, decided.high) if decided and decided.has_interval else (None, None)
    return [
        job.name(device),
        numbers.three(found.measured),
        numbers.three(decided.value if decided else None),
        numbers.between(*ends),
        numbers.three(found.quotient),
        numbers.milliseconds(ours.seconds if ours else None),
        numbers.milliseconds(ours.inferring if ours else None),
        numbers.milliseconds(theirs.seconds if theirs else None),
        shortened(device.no_latency, WHY),
        meaning(job.marks(device)),
    ]
