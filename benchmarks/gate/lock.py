"""One gate at a time in a repository: two would share their reports, their checkouts and the cores they measure on.

All worktrees of a repository have the same lock. The kernel frees it when its holder dies, however it does.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from benchmarks.gate import checkouts
from benchmarks.gate.checkouts import CheckoutError
from browser_harness import system

NAME = "lock"
PATIENCE = 1.0  # seconds in which a holder writes who it is


class HeldError(Exception):
    """Another gate runs; the message names its process, and says what to do."""


@contextmanager
def held(root: Path) -> Iterator[None]:
    """Hold the lock of the repository at *root*; raise HeldError where another process does.

    A gate that a holder started, as the proof starts its own, runs under its holder's lock.
    """
    path = _path(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:  # of another holder nothing is cut
        try:
            system.lock(file.fileno(), waits=False)
        except BlockingIOError:
            if (holder := _holder(file)) != str(os.getppid()):
                raise HeldError(_held_words(holder, path)) from None
            yield
            return
        if stale := _holder(file, patience=0):
            sys.stderr.write(f"gate: took over the lock of process {stale}, which ended without giving it back\n")
        _write(file, str(os.getpid()))
        try:
            yield
        finally:
            _write(file, "")


def _path(root: Path) -> Path:
    """Return the file: in the folder of the repository's own checkout, else, where git cannot be read, in *root*'s."""
    try:
        common = Path(root, checkouts.git("rev-parse", "--git-common-dir", cwd=root))
    except CheckoutError:
        common = root / ".git"
    common = common.resolve()
    return (common.parent / checkouts.FOLDER if common.name == ".git" else common) / NAME


def _holder(file: TextIO, patience: float = PATIENCE) -> str:
    """Return the number of the process that holds the lock, or did; empty where it does not say."""
    deadline = time.monotonic() + patience
    while True:
        file.seek(0)
        if (holder := file.read().strip()) or time.monotonic() >= deadline:
            return holder
        time.sleep(0.05)


def _held_words(holder: str, path: Path) -> str:
    who, end = (f"process {holder}", f"end it with `kill {holder}`") if holder else ("a process", "end it")
    return f"another gate runs: {who} holds {path}, and two would disturb each other; wait for it, or {end}"


def _write(file: TextIO, text: str) -> None:
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()
