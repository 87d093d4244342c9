"""What not every operating system has, behind one door: elsewhere it is unknown or is not done, and never a number.

Linux, macOS and Windows. What Linux alone has, ``/proc``, control groups and namespaces, is read in a few rooms that
say so elsewhere. ``tox run -e typing`` refuses what one of the three lacks, and ``tests/elsewhere`` hides the rest.
"""

import errno
import os
import select
import signal
import sys
import time
from collections.abc import Set as AbstractSet
from contextlib import suppress
from io import BufferedReader
from threading import Thread
from typing import IO, cast


def stay_on(cores: AbstractSet[int], thread: int = 0) -> None:
    """Keep a thread on *cores*, this one unless another is named; where none can be chosen, leave it where it is."""
    if sys.platform == "linux":
        os.sched_setaffinity(thread, cores)


def user() -> int | None:
    """Return the number of this process's user; None on Windows, where users have none."""
    if sys.platform == "win32":
        return None
    return os.geteuid()


def is_root() -> bool:
    """Whether this process may do anything: for such a one Chromium builds no sandbox. On Windows it does for all."""
    return user() == 0


def load_average() -> tuple[float, float, float] | None:
    """Return how many programs wanted to run in the last 1, 5 and 15 minutes; None where nobody counts them.

    psutil counts on Windows, but from its first call on, and says 0 until then.
    """
    if sys.platform == "win32":
        return None
    try:
        return os.getloadavg()
    except OSError:  # hidden from this user
        return None


def processor_seconds() -> tuple[float, float] | None:
    """Return how long this process's threads have computed, all together and this one; None where that is too coarse.

    Windows counts whole ticks of 16 ms, and says 0 of many a block.
    """
    if sys.platform == "win32":
        return None
    return time.process_time(), time.thread_time()


def lock(file: int, *, waits: bool = True) -> None:
    """Lock an open file or folder until it is closed, or its holder has ended; raise BlockingIOError where it is held.

    Raises another OSError where nothing is locked so: on Windows, and on some network's file systems.
    """
    if sys.platform == "win32":
        raise OSError(errno.ENOTSUP, "Windows has no locks that end with their holder")
    import fcntl

    fcntl.flock(file, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))


def answers(pipe: IO[bytes], seconds: float) -> bool:
    """Whether something, or the end, can be read from a process's pipe within *seconds*.

    Windows waits for nothing but sockets: there a thread looks, which ends with the pipe. Where nothing came it still
    does, and nobody else may read.
    """
    if sys.platform != "win32":
        return bool(select.select([pipe], [], [], seconds)[0])
    looking = Thread(target=cast(BufferedReader, pipe).peek, daemon=True)
    looking.start()
    looking.join(seconds)
    return not looking.is_alive()


def kill(process: int) -> None:
    """End a process at once; one that has ended already is passed over."""
    if sys.platform == "win32":
        with suppress(OSError):  # there of several kinds
            os.kill(process, signal.SIGTERM)  # at once, as with any signal but the keyboard's
        return
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
