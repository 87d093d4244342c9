"""A fleet as the report shows it: what it is called beside the others, and its devices by name."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.report.content import FleetFile
from benchmarks.report.rows.lines import shortened
from benchmarks.results.fleet import Fleet, FleetDevice
from benchmarks.results.machine import names
from benchmarks.results.numbers import NONE
from benchmarks.results.tidy import Mark

WHY = 200  # letters of a reason: it may be a device's own words


@dataclass(frozen=True)
class Job:
    """A fleet with its names."""

    fleet: Fleet
    title: str
    machine: str  # that gave the chunks out

    @property
    def active(self) -> Sequence[FleetDevice]:
        """The devices of which images count."""
        return [device for device in self.fleet.devices if device.images]

    @property
    def is_timed(self) -> bool:
        """Whether it took any time."""
        return self.fleet.seconds > 0

    @property
    def busy(self) -> str:
        """The share of the job's time that the process worked which gave the chunks out; a dash where nobody knows."""
        return f"{100 * self.fleet.busy / self.fleet.seconds:.0f} %" if self.is_timed and self.fleet.busy else NONE

    def name(self, device: FleetDevice) -> str:
        """What a device is called: its number sets it apart."""
        return shortened(device.name)

    def marks(self, device: FleetDevice) -> list[Mark]:
        """What must be read beside a device's figures."""
        words = f"a client {device.slowdown} times weaker, emulated by a quota on this processor"
        return [Mark("emulated", words)] if device.slowdown > 1 else []


def jobs(files: Sequence[FleetFile]) -> list[Job]:
    """Return what each fleet is called: by its model and devices, and its file where that is not enough."""
    told = [_title(one.fleet) for one in files]
    times = Counter(told)
    machines = names([one.fleet.machine for one in files])
    return [
        Job(one.fleet, title if times[title] == 1 else f"{title}, {shortened(one.file.stem)}", machine)
        for one, title, machine in zip(files, told, machines, strict=True)
    ]


def _title(fleet: Fleet) -> str:
    number = len([device for device in fleet.devices if device.images])
    precision = f", {fleet.precision}" if fleet.precision != "float32" else ""
    devices = f"{number} device{'' if number == 1 else 's'}"
    whole = "" if fleet.is_whole else " (not whole)"
    return f"{shortened(fleet.model)}{precision}, batch {fleet.batch}, {devices}{whole}"
