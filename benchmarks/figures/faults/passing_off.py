"""Faults by which a figure would be something else than its name says."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures.faults.place import Place, Seen

PERIOD = 100_000  # microseconds


@contextmanager
def quota(cores: float) -> Iterator[Path | None]:
    """Make a control group of so many cores; None where this machine does not let us."""
    root = Path("/sys/fs/cgroup")
    is_unified = (root / "cgroup.controllers").is_file()
    group = (root if is_unified else root / "cpu") / f"fault-{os.getpid()}"
    microseconds = int(cores * PERIOD)
    try:
        group.mkdir()
        if is_unified:
            (group / "cpu.max").write_text(f"{microseconds} {PERIOD}")
        else:
            (group / "cpu.cfs_quota_us").write_text(str(microseconds))
    except OSError:
        yield None
        return
    try:
        yield group
    finally:
        for pid in (group / "cgroup.procs").read_text().split():
            (group.parent / "cgroup.procs").write_text(pid)
        group.rmdir()


def in_group(group: Path, command: list[str]) -> list[str]:
    """Return a command that puts itself into a group first."""
    return ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh", *command]


def a_quota_of_a_fifth(place: Place) -> Seen:
    """Measure on 0.2 cores."""
    with quota(0.2) as group:
        if group is None:
            return Seen.not_here("no control group can be made")
        ended = place.run(*in_group(group, place.pytest("--platform", "server-cpu", f"--benchmark-json={place.file}")))
    run = place.content()
    doubts = [name for row in run["benchmarks"] for name in row["extra_info"]["trust"]["doubts"]]
    is_right = (
        "throttled: the quota of 0.2 cores" in ended.out
        and "read ratio, p10" not in ended.out
        and run["machine_info"]["quota"] == 0.2
        and "stopped" in doubts
    )
    return Seen(f"doubts {doubts}, quota {run['machine_info']['quota']}", place.left(), is_right)


def threads_above_the_quota(place: Place) -> Seen:
    """Ask for two threads on a quota of one."""
    with quota(1) as group:
        if group is None:
            return Seen.not_here("no control group can be made")
        ended = place.run(*in_group(group, place.pytest("--platform", "server-cpu", "--threads", "2")))
    is_right = ended.code == 4 and "would be stopped by the quota of 1.0 cores" in ended.out
    return Seen(f"exit {ended.code}: {ended.telling}", place.left(), is_right and not place.saved())
