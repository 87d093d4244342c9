"""A display in memory for a browser that cannot do without one: Xvfb, else the person's own."""

import os
import select
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from browser_harness.channel import PageError
from browser_harness.joined.found import XVFB

STARTING = 20.0  # seconds for Xvfb to have its display
# Over Linux's abstract sockets alone: no file lies in /tmp, which one that is killed would leave there.
WORDS = ("-screen", "0", "1280x800x24", "-nolock", "-nolisten", "tcp", "-nolisten", "unix")


@contextmanager
def display(variables: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Have a display while the context lasts; it is started with *variables*, by which it is found where it is left."""
    if not shutil.which(XVFB):
        yield {}  # the person's
        return
    read, write = os.pipe()
    with os.fdopen(read) as told:
        server = _started(write, variables)
        try:
            yield {"DISPLAY": f":{_number(told.fileno())}", "GDK_BACKEND": "x11"}
        finally:
            server.terminate()
            server.wait()


def _started(write: int, variables: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    quiet = subprocess.DEVNULL
    command = [XVFB, "-displayfd", str(write), *WORDS]
    try:
        return subprocess.Popen(
            command,
            env={**os.environ, **variables},
            pass_fds=[write],
            stdout=quiet,
            stderr=quiet,
            start_new_session=True,
        )
    finally:
        os.close(write)


def _number(read: int) -> str:
    """Return the number of the display, which ends with the server where that cannot start."""
    is_told, *_ = select.select([read], [], [], STARTING)
    number = os.read(read, 16).decode().strip() if is_told else ""
    if not number:
        raise PageError(f"{XVFB} gave no display within {STARTING:g} s; try `{XVFB} -displayfd 1`, or set DISPLAY")
    return number
