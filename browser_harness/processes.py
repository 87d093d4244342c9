"""Processes, their threads and their memory; one that ends while it is read has nothing to tell.

Read by hand from Linux's ``/proc`` is what psutil does not tell: a peak of memory, a peak that starts anew, the
processor time of threads in nanoseconds, where psutil's is in ticks of 10 ms, and the core of each thread.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path

from browser_harness import system

Thread = tuple[int, int]  # process and thread
PROC = Path("/proc")
ENDING = 5.0  # seconds in which a process that was killed is gone, unless its system hangs
# Where this process may run, from the start: what is kept on one core for a while is let go to these.
USABLE: AbstractSet[int] = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else frozenset[int]()


def descendants(process: int) -> set[int]:
    """Return the processes below *process*, children and theirs, those that nobody has waited for included."""
    # Imported here because a process whose memory is measured imports this module: psutil takes half a megabyte.
    import psutil

    try:
        return {child.pid for child in psutil.Process(process).children(recursive=True)}
    except psutil.NoSuchProcess:
        return set()


def command_line(process: int) -> list[str]:
    """Return the words that a process was started with; none of one that has ended."""
    import psutil

    try:
        return psutil.Process(process).cmdline()
    except psutil.Error:
        return []


def started(process: int) -> float | None:
    """Return when a process started, by which it is told from a later one of its number; None where it has ended.

    On Linux in ticks since the system started, by hand: psutil's seconds move when somebody sets the clock.
    """
    if sys.platform == "linux":
        words = (_read(PROC / str(process) / "stat") or "").rpartition(")")[2].split()
        return float(words[19]) if words and words[0] not in "ZX" else None
    import psutil

    try:
        return psutil.Process(process).create_time()
    except psutil.Error:
        return None


def identified(processes: Iterable[int]) -> dict[int, float]:
    """Return which of *processes* run, with when they started."""
    return {process: start for process in processes if (start := started(process)) is not None}


def end(processes: Mapping[int, float]) -> None:
    """Kill *processes*, stopped ones too, and wait until they are gone; other ones of their numbers are let live.

    They are not waited for as children are: who started them wants to know how they ended.
    """
    until = time.monotonic() + ENDING
    while left := [process for process, start in processes.items() if started(process) == start]:
        for process in left:
            system.kill(process)
        if time.monotonic() > until:
            return
        time.sleep(0.01)


def end_session(process: "subprocess.Popen[bytes]") -> None:
    """End a process that was started in a session of its own, and all that it started, and wait for it.

    Windows has no sessions: there it is all that lies below it.
    """
    if sys.platform == "win32":
        for each in (*descendants(process.pid), process.pid):
            system.kill(each)
    else:
        with suppress(ProcessLookupError, PermissionError):  # it has ended by itself, as macOS says it
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def reap(child: int) -> None:
    """Wait for a *child* that has been ended, so that it leaves no zombie.

    One whose threads are still ending has ended for everybody but the one that waits for it.
    """
    if sys.platform == "win32":  # where nobody leaves one
        return
    until = time.monotonic() + ENDING
    with suppress(ChildProcessError):  # somebody else has waited for it
        while os.waitpid(child, os.WNOHANG) == (0, 0) and time.monotonic() < until:
            time.sleep(0.01)


def memory(process: int | str, name: str) -> int | None:
    """Return a figure of ``/proc/PROCESS/status``, such as VmRSS, in bytes; None where the system does not tell.

    *process* may be ``self``. Without psutil, which knows no VmHWM: a peak is held against what the same file told.
    """
    lines = (_read(PROC / str(process) / "status") or "").splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), None)


class MemoryWatch:
    """The resident memory of a process from now on, in bytes."""

    def __init__(self, process: int) -> None:
        self._process, self.before = process, memory(process, "VmRSS")
        self._peak_before = 0 if _forget_peak(process) else memory(process, "VmHWM") or 0

    def peak(self) -> int | None:
        """Return the most since then; None where the system does not tell, or tells of what was before only."""
        peak = memory(self._process, "VmHWM")
        return peak if peak and peak > self._peak_before else None


def _forget_peak(process: int) -> bool:
    """Make VmHWM start again at what is resident now; return whether this user may."""
    try:
        (PROC / str(process) / "clear_refs").write_text("5")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    return True


def thread_seconds(processes: Iterable[int], but: AbstractSet[str] = frozenset()) -> dict[Thread, float]:
    """Return how long each thread of *processes* has run so far, *but* those of such names.

    Empty where the system does not tell.
    """
    return dict(seconds for process in processes for seconds in _thread_seconds(process, but))


def _thread_seconds(process: int, but: AbstractSet[str]) -> Iterator[tuple[Thread, float]]:
    for folder in _threads(process, but):
        if counted := _read(folder / "schedstat"):  # the first number, in ns
            yield (process, int(folder.name)), int(counted.split()[0]) / 1e9


def keep_on(core: int | None, processes: Iterable[int], but: AbstractSet[str] = frozenset()) -> None:
    """Keep every thread of *processes* on a core, *but* those of such names, and those they start from then on.

    None lets them go.
    """
    cores = USABLE if core is None else {core}
    for process in processes:
        for folder in _threads(process, but):
            with suppress(ProcessLookupError):  # it has just ended
                system.stay_on(cores, int(folder.name))


def _threads(process: int, but: AbstractSet[str]) -> Iterator[Path]:
    for folder in _entries(PROC / str(process) / "task"):
        if not but or (_read(folder / "comm") or "").strip() not in but:
            yield folder


def _entries(folder: Path) -> list[Path]:
    try:
        return [*folder.iterdir()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _read(path: Path) -> str | None:
    """Return a file's text; None where its process has ended (its file is missing, or cannot be read any more)."""
    try:
        return path.read_text(errors="replace")  # a process may call itself anything
    except (FileNotFoundError, ProcessLookupError):
        return None
