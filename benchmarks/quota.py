"""The run's own quota: the cores' worth of time and the memory that its groups leave it, and how often they stopped it.

A container's share of the processor is a quota in every period (the kernel's CPU bandwidth control, which makes weak
clients, too: browser_harness/cgroup.py). Whoever has used it up is stopped until the next period, for tens of
milliseconds. Few of many short inferences are hit by that: p10 and median do not see it, the mean does.
"""

import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

PROC = Path("/proc")
OF_WEAK_CLIENTS = "client-or-server-"  # how groups begin that are stopped on purpose, for --slowdown


@dataclass(frozen=True)
class Group:
    """What a control group allows its processes, and what it has done to them since it was made."""

    cores: float | None  # the quota; None where it has none
    stops: int  # periods in which they were stopped
    seconds: float  # for how long, all cores together


Groups = Mapping[str, Group]  # by folder


@dataclass(frozen=True)
class Limit:
    """The tightest quota of all that hold."""

    cores: float
    folder: str


@dataclass(frozen=True)
class _Mount:
    """Where a hierarchy of control groups is seen, and from which of its groups on."""

    root: PurePosixPath
    folder: Path
    is_v2: bool


def read(processes: Iterable[int] = (), proc: Path = PROC) -> Groups:
    """Return the groups of this process and of *processes*, and every group above them that can be seen here."""
    mounts = [*_mounts(proc)]
    own = {folder for name in ("self", *map(str, processes)) for folder in _folders(proc / name, mounts)}
    read = {str(folder): _group(folder) for folder in own if not folder.name.startswith(OF_WEAK_CLIENTS)}
    return {folder: group for folder, group in read.items() if group}


def free_memory(proc: Path = PROC) -> int | None:
    """Return the bytes that this process's groups still allow, the least of all levels; None where none has a limit.

    What they keep of files counts as free, for the kernel gives it back first.
    """
    folders = {*_folders(proc / "self", [*_mounts(proc, "memory")], "memory")}
    return min((free for folder in folders if (free := _free_memory(folder)) is not None), default=None)


def _free_memory(folder: Path) -> int | None:
    of_v2 = [*_lines(folder / "memory.max"), *_lines(folder / "memory.current")]
    told = of_v2 or [*_lines(folder / "memory.limit_in_bytes"), *_lines(folder / "memory.usage_in_bytes")]
    if len(told) < 2 or told[0] == "max":
        return None
    counted = dict(line.split() for line in _lines(folder / "memory.stat"))
    files = int(counted.get("total_inactive_file", counted.get("inactive_file", 0)))  # version 1's first: of all below
    return max(0, int(told[0]) - int(told[1]) + files)


def tightest(groups: Groups) -> Limit | None:
    """Return the quota that holds, the least of all levels; None where there is none."""
    quotas = [(group.cores, folder) for folder, group in groups.items() if group.cores is not None]
    return Limit(*min(quotas)) if quotas else None


@dataclass(frozen=True)
class Stops:
    """What a group did to its processes between two readings."""

    cores: float | None  # its quota
    group: str
    stops: int
    seconds: float  # all cores together


def stops(before: Groups, after: Groups) -> Stops | None:
    """Return what the group did that stopped its processes for longest; None where no group has a quota.

    A group that was not there before says nothing: what it did since it was made may be of another time.
    """
    both = {folder: (before[folder], after[folder]) for folder in before.keys() & after.keys()}
    found = [
        Stops(now.cores or then.cores, folder, now.stops - then.stops, now.seconds - then.seconds)
        for folder, (then, now) in both.items()
        if then.cores is not None or now.cores is not None
    ]
    return max(found, key=lambda each: (each.seconds, each.stops), default=None)


def binding(limit: Limit | None, cores: int) -> Limit | None:
    """Return a quota that is less than so many cores; None of one that stops nobody."""
    return limit if limit and limit.cores < cores else None


def usable(limit: Limit | None, cores: int) -> int:
    """Return how many of so many cores can be kept busy: whole ones, and one at least."""
    return min(cores, max(1, math.floor(limit.cores))) if limit else cores


def _mounts(proc: Path, controller: str = "cpu") -> Iterator[_Mount]:
    for line in _lines(proc / "self" / "mountinfo"):
        place, _dash, kind = line.partition(" - ")
        (root, folder), (system, _source, options) = place.split()[3:5], kind.split()[:3]
        if system == "cgroup2" or (system == "cgroup" and controller in options.split(",")):
            yield _Mount(PurePosixPath(_plain(root)), Path(_plain(folder)), system == "cgroup2")


def _plain(text: str) -> str:
    r"""Return a path of mountinfo with its blanks and backslashes, which are written as ``\040`` and ``\134``."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text)


def _folders(process: Path, mounts: Iterable[_Mount], controller: str = "cpu") -> Iterator[Path]:
    """Yield the folder of a process's group, and those above up to the mount's own: a container sees no further."""
    for line in _lines(process / "cgroup"):
        _number, controllers, path = line.split(":", 2)
        group, is_v2 = PurePosixPath(path), not controllers
        for mount in mounts:
            is_ours = mount.is_v2 == is_v2 and (is_v2 or controller in controllers.split(","))
            if is_ours and group.is_relative_to(mount.root) and ".." not in group.parts:
                inside = group.relative_to(mount.root)
                yield from (mount.folder / level for level in (inside, *inside.parents))


def _group(folder: Path) -> Group | None:
    """Read a group of version 2, or else of 1; None of one without the processor's controller, as version 2's root."""
    counted = dict(line.split() for line in _lines(folder / "cpu.stat"))
    stops = int(counted.get("nr_throttled", 0))
    if of_v2 := _lines(folder / "cpu.max"):
        quota, period = of_v2[0].split()
        cores = None if quota == "max" else int(quota) / int(period)
        return Group(cores, stops, int(counted.get("throttled_usec", 0)) / 1e6)
    of_v1 = [*_lines(folder / "cpu.cfs_quota_us"), *_lines(folder / "cpu.cfs_period_us")]
    if len(of_v1) < 2:
        return None
    cores = None if of_v1[0] == "-1" else int(of_v1[0]) / int(of_v1[1])
    return Group(cores, stops, int(counted.get("throttled_time", 0)) / 1e9)


def _lines(file: Path) -> list[str]:
    """Return a file's lines; none where it is not there, hidden, or its process or group has just ended."""
    try:
        return os.fsdecode(file.read_bytes()).splitlines()
    except OSError:
        return []
