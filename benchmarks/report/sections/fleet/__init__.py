"""Many devices that drained one job: how fast each and all were, how many equal a server, and what became of chunks."""

from collections.abc import Iterator, Sequence

from benchmarks.report.content import Material, Part, Section, Words
from benchmarks.report.rows.lines import shortened
from benchmarks.report.sections.fleet.equals import equals
from benchmarks.report.sections.fleet.jobs import WHY, Job, jobs
from benchmarks.report.sections.fleet.rates import rates
from benchmarks.report.sections.fleet.scaling import scaling
from benchmarks.report.sections.fleet.strips import strips
from benchmarks.results.numbers import NONE, counted, three

LEAD = "All devices classify the same images, in chunks that each takes when it is free. Each image counts once."


def fleet(material: Material) -> Section | None:
    """Return what each fleet did, and how it grows with the devices where several fleets tell that."""
    known = jobs(material.fleets)
    parts: list[Part] = [Words([*_told(job)]) for job in known]
    parts += [chart for job in known for chart in rates(job)]
    parts += scaling(known)
    parts += [part for job in known for part in equals(job)]
    parts += [chart for job in known for chart in strips(job)]
    return Section("fleet", "Many clients, one job", LEAD, parts) if parts else None


def _told(job: Job) -> Iterator[str]:
    """Yield what came out in all, and what stands against it."""
    fleet, devices = job.fleet, counted(len(job.active), "device")
    done = f"{fleet.drained:,} images" if fleet.is_whole else f"{fleet.drained:,} of {fleet.images:,} images"
    rate = f"{three(fleet.rate)} a second, given out by {job.machine}{_share(job)}"
    yield f"{job.title}: {done} in {three(fleet.seconds)} s by {devices}, {rate}; {_top1(job)}."
    yield from (f"{name} was given nothing more: {why}." for name, why in _sent_home(job))


def _top1(job: Job) -> str:
    fleet = job.fleet
    if not fleet.is_whole:
        return "how many of them are to be right nobody says, for the job is not whole"
    share = f"{fleet.right:,} are right ({100 * fleet.right / fleet.images:.2f} %)"
    if fleet.is_right:
        return share
    return f"{share}, but {fleet.wanted:,} are to be: some device answered what it should not, or the reference differs"


def _share(job: Job) -> str:
    return f" by a process that was busy for {job.busy} of the time" if job.busy != NONE else ""


def _sent_home(job: Job) -> Sequence[tuple[str, str]]:
    home = [device for device in job.fleet.devices if device.sent_home]
    return [(job.name(device), shortened(device.sent_home, WHY)) for device in home]
