"""A weak client: a control group that lets its processes compute for a share of the time only.

The kernel's CPU bandwidth control (P. Turner, B. Rao, N. Rao, "CPU bandwidth control for CFS", 2010) gives the group a
quota in every period. Both are short, so that an inference is slowed and not merely interrupted now and then; page,
workers and threads share the quota alike, which DevTools' throttling does not manage.
"""

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

QUOTA = 1000  # microseconds a thread; the least that the kernel takes
ENDING, PAUSE = 5.0, 0.01  # seconds that a process may take to end, and between two looks
ROOT = Path("/sys/fs/cgroup")
_numbers = count()


@dataclass(frozen=True)
class Version:
    """Where control groups for the processor are made, and how their quota is written."""

    parent: Path
    is_v2: bool

    def limits(self, slowdown: int | None, threads: int = 1) -> dict[str, str]:
        """Return what to write into which file; no quota without a *slowdown*, else one for each of *threads*."""
        period, quota = QUOTA * (slowdown or 1), QUOTA * threads
        if self.is_v2:
            return {"cpu.max": f"{quota if slowdown else 'max'} {period}"}
        return {"cpu.cfs_period_us": str(period), "cpu.cfs_quota_us": str(quota if slowdown else -1)}


def version(root: Path = ROOT) -> Version | None:
    """Return the hierarchy with the processor's controller below *root*; None where there is none."""
    controllers = root / "cgroup.controllers"
    if controllers.is_file():
        return Version(root, is_v2=True) if "cpu" in controllers.read_text().split() else None
    return next((Version(root / name, is_v2=False) for name in ("cpu", "cpu,cpuacct") if (root / name).is_dir()), None)


@cache
def unavailable() -> str | None:
    """Why no process can be slowed down here, and what would change that; None where it can."""
    hierarchy = version()
    if hierarchy is None:
        return f"no control groups for the processor below {ROOT}; a weak client needs Linux with cgroup v1 or v2"
    try:
        with Quota(2, where=hierarchy):
            return None
    except OSError as error:
        remedy = "a weak client needs root, in a container a writable cgroup"
        return f"{hierarchy.parent} cannot be written ({error}); {remedy}"


class Quota:
    """A control group of its own for a browser, for as long as the context lasts; its processes must end before."""

    def __init__(self, slowdown: int, threads: int = 1, where: Version | None = None) -> None:
        self.slowdown, self._threads = slowdown, threads
        self._version = where or version()
        if self._version is None:
            raise OSError("no control groups for the processor")
        self._folder = self._version.parent / f"client-or-server-{os.getpid()}-{next(_numbers)}"

    def __enter__(self) -> Self:
        assert self._version is not None
        _remove_stale(self._version.parent)
        if self._version.is_v2:  # a group's controllers are those that its parent hands down
            (self._version.parent / "cgroup.subtree_control").write_text("+cpu")
        self._folder.mkdir()
        try:
            self.apply()
        except OSError:
            self._folder.rmdir()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A process that is still ending keeps the folder; it goes back to the parent, so that nothing stays behind. For
        # a moment it may be listed no more, and keep it all the same.
        until = time.monotonic() + ENDING
        while True:
            for process in (self._folder / "cgroup.procs").read_text().split():
                self._move(process, self._folder.parent)
            try:
                self._folder.rmdir()
                return
            except OSError as busy:
                if busy.errno != errno.EBUSY or time.monotonic() > until:
                    raise
                time.sleep(PAUSE)

    def adopt(self, processes: Iterable[int]) -> None:
        """Take *processes* in; what they start later comes in with them. One that has ended is passed over."""
        for process in processes:
            self._move(str(process), self._folder)

    def holds(self, process: int) -> bool:
        """Whether *process* is in the group."""
        return str(process) in (self._folder / "cgroup.procs").read_text().split()

    def _move(self, process: str, folder: Path) -> None:
        with contextlib.suppress(ProcessLookupError):
            try:
                (folder / "cgroup.procs").write_text(process)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                _make_ordinary(process)
                (folder / "cgroup.procs").write_text(process)

    def apply(self) -> None:
        """Slow the group down."""
        self._write(self.slowdown)

    def lift(self) -> None:
        """Let the group run at full speed."""
        self._write(None)

    def _write(self, slowdown: int | None) -> None:
        assert self._version is not None
        for name, value in self._version.limits(slowdown, self._threads).items():
            (self._folder / name).write_text(value)


def _make_ordinary(process: str) -> None:
    """Have no thread of a process run in real time, as WebKit's do that take messages: no quota holds for such a one.

    The kernel refuses to take a process with one into a group (``cpu_cgroup_can_attach``), with EINVAL.
    """
    if sys.platform != "linux":
        return
    for thread in Path(f"/proc/{process}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):
            if os.sched_getscheduler(int(thread.name)) & ~os.SCHED_RESET_ON_FORK in (os.SCHED_RR, os.SCHED_FIFO):
                os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))


def _remove_stale(parent: Path) -> None:
    """Remove the groups of runs that were killed before they could; one in use cannot be removed."""
    for folder in parent.glob("client-or-server-*"):
        if not Path(f"/proc/{folder.name.split('-')[3]}").exists():
            with contextlib.suppress(OSError):
                folder.rmdir()
