"""Temporary folders that say whose they are, so that the next run clears up after one that was killed.

Such a run leaves its folders, and where somebody stopped its browser or a runtime, processes too. A folder of a run
that lives is never touched, nor is another user's.
"""

import json
import os
import re
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from browser_harness import system
from browser_harness.processes import descendants, end, identified, started

if TYPE_CHECKING:
    from psutil import Process

PREFIX = "harness-"
OWNER = "owner.json"
MADE = re.compile(rf"{PREFIX}[a-z0-9_]{{8}}")  # as Python names a temporary folder; somebody may have a harness-results
UNTOLD = 86400.0  # seconds after which a folder is removed of which nobody here can tell whether its owner lives
ENDING = 5.0  # seconds that a browser may go on putting files back


@dataclass(frozen=True)
class Owner:
    """The process that a folder is for. Its number alone may be another's by now, or of another container."""

    pid: int
    started: float | None
    namespace: str

    @classmethod
    def this(cls) -> Self:
        """Return this process."""
        return cls(os.getpid(), started(os.getpid()), _namespace())

    def has_ended(self) -> bool | None:
        """Whether the process has ended; None where that cannot be told from here."""
        if self.started is None or self.namespace != _namespace():
            return None
        return started(self.pid) != self.started


class Scratch:
    """A temporary folder of this process, for what it starts: that has the folder as its TMPDIR."""

    def __init__(self) -> None:
        _clear_up_once(tempfile.gettempdir())
        self._folder = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
        self.path = Path(self._folder.name)
        with suppress(OSError):  # a full disk: what it leaves there is removed a day later
            (self.path / OWNER).write_text(json.dumps(asdict(Owner.this())))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables by which a process finds the folder, and is found."""
        names = ("TMPDIR", "TEMP", "TMP") if sys.platform == "win32" else ("TMPDIR",)
        return dict.fromkeys(names, str(self.path))

    def processes(self) -> dict[int, float]:
        """Return the processes that were started for the folder and still run, with when they started."""
        return processes_of(self.path)

    def remove(self) -> None:
        """Remove the folder; a browser that was killed and is still ending may put files back meanwhile."""
        self._folder.cleanup()
        until = time.monotonic() + ENDING
        while self.path.exists() and time.monotonic() < until:
            time.sleep(0.05)
            shutil.rmtree(self.path, ignore_errors=True)


def processes_of(folder: Path) -> dict[int, float]:
    """Return the processes that were started for *folder*, and all below them, with when they started.

    Chromium writes over the environment of the processes that it forks, so those are found below the browser's own.
    """
    import psutil  # half a megabyte, which a worker does not need

    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = {process.pid for process in psutil.process_iter() if _is_for(folder, process)} - spared
    return identified(found.union(*map(descendants, found)) - spared)


def _is_for(folder: Path, process: "Process") -> bool:
    """Whether a process was started with *folder* for its temporary files, or says so in an option, as a browser."""
    import psutil

    try:
        if not _is_ours(process):
            return False
        options = [word for word in process.cmdline() if word.startswith("--")]
        return any(f"={folder}{os.sep}" in word for word in options) or process.environ().get("TMPDIR") == str(folder)
    except (psutil.Error, OSError):  # ended meanwhile, or not for us to look at
        return False


def _is_ours(process: "Process") -> bool:
    """Whether a process is this user's."""
    if sys.platform == "win32":
        import psutil

        return process.username() == psutil.Process().username()
    return process.uids().effective == system.user()


def clear_up(temporary: Path) -> list[Path]:
    """End and remove what runs have left below *temporary* that were killed; return the folders."""
    left = [*_left(temporary)]
    for folder in left:
        end(processes_of(folder))
        shutil.rmtree(folder, ignore_errors=True)
    return left


_clear_up_once = cache(lambda temporary: clear_up(Path(temporary)))


def _left(temporary: Path) -> Iterator[Path]:
    """Find the folders of this user that nobody needs any more."""
    for folder in temporary.glob(f"{PREFIX}*"):
        with suppress(OSError):  # removed meanwhile, by another run
            status = folder.lstat()
            if stat.S_ISDIR(status.st_mode) and system.user() in (None, status.st_uid):
                owner = _owner(folder)
                has_ended = owner.has_ended() if owner else None
                if has_ended or (has_ended is None and _is_forgotten(folder, status)):
                    yield folder


def _is_forgotten(folder: Path, status: os.stat_result) -> bool:
    """Whether a folder whose owner is not known looks like one of ours, is old, and nobody seen from here is in it."""
    is_ours = MADE.fullmatch(folder.name) and stat.S_IMODE(status.st_mode) == stat.S_IRWXU
    return bool(is_ours) and time.time() - status.st_mtime > UNTOLD and not processes_of(folder)


def _owner(folder: Path) -> Owner | None:
    """Return whose a folder is; None of one that does not say, such as those of earlier versions."""
    try:
        return Owner(**json.loads((folder / OWNER).read_text()))
    except (OSError, ValueError, TypeError):
        return None


@cache
def _namespace() -> str:
    """Return where processes are numbered as here: the system since it started, and which of Linux's namespaces.

    The first namespace has the same name on every machine, and machines may share a folder for temporary files.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""
