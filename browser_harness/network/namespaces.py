"""Network namespaces of Linux: rooms with devices, addresses and routes of their own, which a thread may enter.

A socket stays in the namespace that it was opened in, and a process begins in that of the thread that starts it.
"""

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

CLONE_NEWNET = 0x40000000
HERE = "/proc/thread-self/ns/net"  # /proc/self is of the first thread, wherever the others are


class LinkError(Exception):
    """A link cannot be made, or has broken; the message says why, and what to do."""


class Namespace:
    """A namespace of our own, there until it is closed and nothing lives in it any more.

    Raises LinkError where this system has none, or this user may not make one.
    """

    def __init__(self) -> None:
        self.descriptor = -1
        if sys.platform != "linux":
            raise LinkError("there are no network namespaces but in Linux")
        self._failure: OSError | None = None
        # In a thread that ends: the calling one never leaves its place.
        maker = Thread(target=self._make)
        maker.start()
        maker.join()
        if self._failure:
            raise LinkError(
                f"a network namespace cannot be made: {self._failure.strerror}; be root, with CAP_SYS_ADMIN"
            )

    def _make(self) -> None:
        try:
            _unshare()
            self.descriptor = os.open(HERE, os.O_RDONLY)
        except OSError as error:
            self._failure = error

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Have the calling thread in here while the context lasts, and where it was before after that."""
        before = os.open(HERE, os.O_RDONLY)
        try:
            _enter(self.descriptor)
            try:
                yield
            finally:
                _enter(before)
        finally:
            os.close(before)

    def close(self) -> None:
        """Let go of it."""
        os.close(self.descriptor)


def configure(*lines: str) -> None:
    """Have ``ip`` do each of *lines* in the calling thread's namespace; raise LinkError in its words."""
    for line in lines:
        command("ip", *line.split())


def command(*words: str) -> None:
    """Run a program in the calling thread's namespace; raise LinkError in its words."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise LinkError(f"{words[0]} is missing; install iproute2") from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        raise LinkError(f"{' '.join(words)}: {said[0]}")


def set_kernel(values: Sequence[tuple[str, str]]) -> None:
    """Set values of ``/proc/sys/net/ipv4`` in the calling thread's namespace; raise LinkError where one is refused."""
    for name, value in values:
        try:
            Path("/proc/sys/net/ipv4", name).write_text(value)
        except OSError as error:
            raise LinkError(f"{error.filename} cannot be set to {value}: {error.strerror}") from None


def _unshare() -> None:
    _check(_libc().unshare(CLONE_NEWNET))


def _enter(descriptor: int) -> None:
    _check(_libc().setns(descriptor, CLONE_NEWNET))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
