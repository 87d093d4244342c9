"""A run of the suite for a device, in a process of its own, which ends as a person's would."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from benchmarks.devices.guests import Guest
from benchmarks.devices.outcome import Outcome, read
from browser_harness.channel import PageError
from browser_harness.joined.control import lent

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".devices"
ENDING = 30.0  # seconds in which a run that is stopped saves what it has; tox waits as long
WIDE = "1000"  # columns of what is printed: pytest cuts the reasons at the end of a line
CLOSING = 5.0  # seconds for a page to be left


class Measure(Protocol):
    """Measures a guest; the tests have one that needs no browser."""

    def __call__(self, guest: Guest, words: Sequence[str]) -> Outcome:
        """Return what a run with the suite's options *words* gave."""


def command(words: Sequence[str]) -> list[str]:
    """Return the suite's own command; failures and what is skipped are told in a line each."""
    folder = os.path.relpath(ROOT / "benchmarks")
    return [sys.executable, "-m", "pytest", folder, "--benchmark-only", "--color=no", "-rfEs", *words]


def measure(guest: Guest, words: Sequence[str]) -> Outcome:
    """Run the suite for a guest. A Ctrl-C ends it as a user's would, and is raised again when it has."""
    FOLDER.mkdir(exist_ok=True)
    log = FOLDER / f"device-{guest.number}-{os.getpid()}.log"
    with lent(guest.as_device()) as variables, log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command(["--benchmark-autosave", *words]),
            env={**os.environ, **variables, "COLUMNS": WIDE},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # out of reach of the terminal's Ctrl-C: it is told once, by us
        )
        try:
            code = process.wait()
        except BaseException:
            end(process)
            guest.outcome = _outcome(process.returncode, log, guest)
            raise
        finally:
            with suppress(PageError):
                guest.device.close(CLOSING)
    return _outcome(code, log, guest)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Have a run end in order, as far as it does in time."""
    process.send_signal(signal.SIGTERM)  # which the suite takes as a Ctrl-C, also where that is ignored
    try:
        process.wait(ENDING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _outcome(code: int, log: Path, guest: Guest) -> Outcome:
    lost = ""
    if guest.is_lost:
        away = "it left, or hid its page, and was not back in time"
        lost = f"it was sent home: {guest.device.dismissed}" if guest.device.dismissed else away
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    outcome = read(code, lines, Path(os.path.relpath(log)), lost)
    if not outcome.why:  # nothing in it is told nowhere else
        log.unlink()
        with suppress(OSError):  # of others, who keep theirs
            FOLDER.rmdir()
    return outcome
