"""A saved fleet: many devices that drained one job. Plain data; not pytest-benchmark's, for nothing of it is a sample.

All times are seconds; those of chunks are since the job began. What nobody knows is None.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import datetime
from pathlib import Path
from types import UnionType
from typing import Any, get_args

from benchmarks.results.damage import DamagedError, check_mapping, is_number, shown
from models.files import replacing

SCHEMA, SCHEMA_NUMBER = "fleet_schema", 1
PARTS = ("fetching", "normalising", "inferring", "sending")  # of a chunk, by the device's own clock
NUMBERS = {int, float}
REMEDY = "name a file that `tox run -e fleet -- --json FILE` wrote"


class NotAFleetError(Exception):
    """A file holds no fleet; the message says why, and what does."""


@dataclass(frozen=True)
class ServerRate:
    """What ``server-cpu`` did of the same job, all its processes together, each on one thread."""

    when: str  # "before" the devices did it, or "after"
    workers: int
    images: int
    seconds: float
    inferring: float  # summed over the processes

    @property
    def rate(self) -> float:
        """Images a second."""
        return self.images / self.seconds


@dataclass(frozen=True)
class Latency:
    """An inference of a batch, of a device and of the server in turns."""

    statistic: str  # "median"; "mean" of a device that a quota stops now and then
    device: float
    server: float
    ratio: float
    low: float | None
    high: float | None
    device_mean: float
    server_mean: float
    starts: int


@dataclass(frozen=True)
class Counted:
    """The chunks of a device by which it is told how fast it is: rightly answered, and never hidden meanwhile."""

    chunks: int = 0
    images: int = 0
    seconds: float = 0.0  # from taking a chunk until its answer was checked
    parts: Mapping[str, float] | None = None  # of these seconds, by PARTS; None where the device did not tell of all

    @property
    def rate(self) -> float | None:
        """Images a second."""
        return self.images / self.seconds if self.seconds else None


@dataclass(frozen=True)
class FleetDevice:
    """A device, and what it did."""

    number: int
    about: Mapping[str, Any]  # what it says of itself
    platform: str
    slowdown: int  # by a quota; 1 of one that is as it is
    images: int  # that count
    chunks: int
    lost: Mapping[str, int]  # chunks, by what became of them
    counted: Counted
    latency: Latency | None = None
    no_latency: str = ""  # why there is none
    sent_home: str = ""  # why it was given nothing more

    @property
    def name(self) -> str:
        """What it is called: ``2 firefox 153 @4x``."""
        slowed = f" @{self.slowdown}x" if self.slowdown > 1 else ""
        return f"{self.number} {called(self.about)}{slowed}"


@dataclass(frozen=True)
class FleetChunk:
    """Images that were given to a device, and what became of them: see :data:`benchmarks.fleet.book.Fate`."""

    device: int
    start: int
    stop: int
    taken: float
    ended: float | None
    fate: str
    is_hidden: bool = False
    takes_over: int | None = None  # the number of the chunk of the same images


@dataclass(frozen=True)
class Fleet:
    """A job that many devices drained."""

    saved: str  # when, in ISO 8601
    suite: str  # the version that measured
    machine: Mapping[str, Any]  # machine_info of the server
    model: str
    model_sha256: str
    precision: str
    batch: int
    images: int
    drained: int  # of them
    seconds: float  # from the beginning until the last one counted
    right: int
    wanted: int  # to be right
    wanted_by: str
    allowed: int  # by how many they may differ
    busy: float | None = None  # processor seconds of the process that gave the chunks out
    servers: Sequence[ServerRate] = ()
    devices: Sequence[FleetDevice] = ()
    chunks: Sequence[FleetChunk] = field(default=(), repr=False)  # by number

    @property
    def is_whole(self) -> bool:
        """Whether all images were classified."""
        return self.drained == self.images

    @property
    def is_right(self) -> bool:
        """Whether as many are right as are to be; of a part nobody says how many."""
        return self.is_whole and abs(self.right - self.wanted) <= self.allowed

    @property
    def rate(self) -> float | None:
        """Images a second of all devices together."""
        return self.drained / self.seconds if self.seconds else None

    def server(self, workers: int) -> ServerRate | None:
        """Return what so many processes of the server did, before and after together; None where they did nothing."""
        found = [rate for rate in self.servers if rate.workers == workers]
        if not found:
            return None
        sums = (sum(rate.seconds for rate in found), sum(rate.inferring for rate in found))
        return ServerRate("both", workers, sum(rate.images for rate in found), *sums)


def called(about: Mapping[str, Any]) -> str:
    """Return the engine that a device says it has, with the first number of its version."""
    engine, version = about.get("engine", "unknown"), str(about.get("version", ""))
    return f"{engine} {version.partition('.')[0]}".strip()


def dump(fleet: Fleet, file: Path) -> None:
    """Write a fleet, whole or not at all."""
    with replacing(file) as partial:
        partial.write_text(json.dumps({SCHEMA: SCHEMA_NUMBER, **asdict(fleet)}, allow_nan=False), encoding="utf-8")


def load(file: Path) -> Fleet:
    """Read a fleet; raise NotAFleetError where the file holds none."""
    try:
        return _of(json.loads(file.read_bytes()))
    except OSError as error:
        raise NotAFleetError(f"{file}: {error.strerror}; {REMEDY}") from error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise NotAFleetError(f"{file}: no fleet: {type(error).__name__} {error}; {REMEDY}") from error


def is_one(content: Any) -> bool:
    """Whether what was read of a JSON file says that it is a fleet."""
    return isinstance(content, Mapping) and SCHEMA in content


def holds_one(file: Path) -> bool:
    """Whether a file says that it is a fleet, sound or not."""
    try:
        return is_one(json.loads(file.read_bytes()))
    except (OSError, ValueError, RecursionError):
        return False


def _of(content: Any) -> Fleet:
    schema = content[SCHEMA]
    if schema > SCHEMA_NUMBER:
        raise ValueError(f"it is of schema {schema}, and this version reads up to {SCHEMA_NUMBER}; update the suite")
    values = {name: value for name, value in content.items() if name != SCHEMA}
    values["servers"] = tuple(ServerRate(**rate) for rate in values["servers"])
    values["devices"] = tuple(map(_device, values["devices"]))
    values["chunks"] = tuple(FleetChunk(**chunk) for chunk in values["chunks"])
    fleet = Fleet(**values)
    check_mapping(fleet.machine, "its machine")
    datetime.fromisoformat(fleet.saved)
    _check_numbers(fleet)
    return fleet


def _device(saved: Mapping[str, Any]) -> FleetDevice:
    latency = Latency(**saved["latency"]) if saved["latency"] else None
    check_mapping(saved["about"], "what a device says of itself")
    return FleetDevice(**{**saved, "counted": Counted(**saved["counted"]), "latency": latency})


def _check_numbers(value: Any, what: str = "") -> None:
    """Raise ValueError for a number that is none, or below 0, in what is declared to be one."""
    for name, kind in type(value).__annotations__.items():
        part = getattr(value, name)
        if is_dataclass(part):
            _check_numbers(part, f"{what} {name}")
        elif isinstance(part, tuple):
            for number, one in enumerate(part, 1):
                _check_numbers(one, f"{name} {number}")
        elif not _is_sound(part, kind):
            raise DamagedError(f"{what} {name} is {shown(part)}, no number".strip())


def _is_sound(part: Any, kind: Any) -> bool:
    """Whether a part is a number where it is declared to be one, and 0 or more; or names and such numbers."""
    kinds = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    if part is None or kind is bool:
        return type(None) in kinds or isinstance(part, bool)
    if numbers := next((get_args(one)[1] for one in kinds if get_args(one) and get_args(one)[1] in NUMBERS), None):
        return isinstance(part, Mapping) and all(_is_sound(one, numbers) for one in part.values())
    return not NUMBERS & {*kinds} or (is_number(part) and math.isfinite(part) and part >= 0)
