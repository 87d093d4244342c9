"""Images a second of each device, of all together, and of the server on the same job."""

from collections.abc import Iterator

from benchmarks.report.charts.dots import Dot, dots, in_words
from benchmarks.report.content import Chart, Table
from benchmarks.report.rows.groups import meaning
from benchmarks.report.rows.lines import shortened
from benchmarks.report.sections.fleet.jobs import Job
from benchmarks.results import devices, numbers
from benchmarks.results.fleet import FleetDevice

ALL = "all devices together"
CLOCK = (
    "Inside the clock, of a device: from taking a chunk until its answer was checked, of chunks that count and were "
    "never hidden. Of all: from the first chunk until the last image counts. Of the server: its own loop over the same "
    "images, while no device works."
)
HEAD = ("who", "it says it is", "platform", "images/s", "images", "chunks", "lost", "seconds at work", "marks")


def rates(job: Job) -> Iterator[Chart]:
    """Yield the rates of a job, if there are any."""
    known = [dot for device in job.fleet.devices if (dot := _dot(job, device))]
    rows = [*sorted(known, key=lambda dot: dot.value), *_all(job), *_servers(job)]
    if rows:
        title = f"Images a second: {job.title}"
        yield Chart(title, CLOCK, in_words(rows), dots(rows, "images a second, logarithmic"), _table(title, job, rows))


def _dot(job: Job, device: FleetDevice) -> Dot | None:
    rate, signs = device.counted.rate, " ".join(mark.sign for mark in job.marks(device))
    if not numbers.is_time(rate) or rate is None:
        return None
    lost = sum(device.lost.values())
    note = f"{device.platform}, {device.images:,} images{f', {lost} chunks lost' if lost else ''}"
    return Dot(job.name(device), rate, None, None, "client", note, signs, "each device", "/s")


def _all(job: Job) -> Iterator[Dot]:
    if numbers.is_time(job.fleet.rate) and job.fleet.rate:
        number = numbers.counted(len(job.active), "device")
        yield Dot(ALL, job.fleet.rate, None, None, "client", number, "", "together", "/s")


def _servers(job: Job) -> Iterator[Dot]:
    for workers in dict.fromkeys(rate.workers for rate in job.fleet.servers):
        rate = job.fleet.server(workers)
        if rate and rate.seconds and numbers.is_time(rate.rate):
            each = " and ".join(one.when for one in job.fleet.servers if one.workers == workers)
            label = f"server-cpu, {f'{workers} processes' if workers > 1 else 'one process'}"
            yield Dot(label, rate.rate, None, None, "server", each, "", "the server alone", "/s")


def _table(title: str, job: Job, rows: list[Dot]) -> Table:
    told = {dot.label: dot for dot in rows}
    cells = [_cells(job, device) for device in job.fleet.devices]
    others = [dot for label, dot in told.items() if dot.heading != "each device"]
    cells += [[dot.label, "", "", numbers.three(dot.value), *[""] * 5] for dot in others]
    return Table(title, HEAD, cells, (3, 4, 5, 7))


def _cells(job: Job, device: FleetDevice) -> list[str]:
    lost = ", ".join(f"{number} {shortened(fate)}" for fate, number in device.lost.items())
    return [
        job.name(device),
        devices.short(device.about),
        shortened(device.platform),
        numbers.three(device.counted.rate),
        f"{device.images:,}",
        f"{device.chunks:,}",
        lost or "none",
        numbers.three(device.counted.seconds),
        meaning(job.marks(device)),
    ]
