"""How a run for a device ended, in words, from pytest's exit code and what it printed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.results import NotARunError, Run, load
from benchmarks.results.numbers import counted

WHOLE, FAILED, INTERRUPTED, REFUSED, EMPTY = 0, 1, 2, 4, 5  # pytest's exit codes
SAVED = "results  "  # what the suite's lines begin with that tell a saved file
UNSAVED = "problem  "
KILLED = "KeyboardInterrupt"  # in pytest's words, also of a SIGTERM
BROKEN = re.compile(r"(?:FAILED|ERROR) \S*?::test_(?P<name>.+?)(?: - (?:Exception: |Failed: )?(?P<why>.+))?$")
SKIPPED = re.compile(r"SKIPPED \[\d+\] \S+: (?P<why>.+)")
USAGE = re.compile(r"ERROR: (?P<why>.+)")
STOPPED = re.compile(r"!+ (?:_pytest\.outcomes\.Exit: )?(?P<why>[^!]+?) !+")


@dataclass(frozen=True)
class Outcome:
    """What a run for a device gave."""

    run: Run | None = None  # None where nothing was saved
    why: str = ""  # it is not whole, or nothing was measured; empty of a whole run
    skipped: Sequence[str] = field(default_factory=tuple)  # what was left out of it, and why

    @property
    def file(self) -> Path | None:
        """Where it is saved."""
        return self.run.file if self.run else None


def read(code: int, lines: Sequence[str], log: Path, lost: str = "") -> Outcome:
    """Return what a run gave that ended with *code* and printed *lines* into *log*; *lost* is why it was given up."""
    run, why = _saved(lines)
    problems = [line.removeprefix(UNSAVED) for line in lines if line.startswith(UNSAVED)]
    reasons = [lost, why, *problems, _ended(code, lines)]
    words = "; ".join(reason for reason in reasons if reason)
    if words:
        words = f"{words} ({log})"
    return Outcome(run, words, [*dict.fromkeys(found["why"] for line in lines if (found := SKIPPED.match(line)))])


def _saved(lines: Sequence[str]) -> tuple[Run | None, str]:
    """Return the run that was saved, as it is read; and why it cannot be."""
    files = [Path(line.removeprefix(SAVED)) for line in lines if line.startswith(SAVED)]
    if not files:
        return None, "nothing was measured"
    try:
        return load(files[-1]), ""
    except NotARunError as error:
        return None, str(error)


def _ended(code: int, lines: Sequence[str]) -> str:
    """Say how a run ended that is not whole; nothing of one that is."""
    broken = [found for line in lines if (found := BROKEN.match(line))]
    if broken:
        first = broken[0]
        more = f", and {len(broken) - 1} more" if len(broken) > 1 else ""
        return f"{counted(len(broken), 'benchmark')} failed: {first['name']}{more}: {first['why'] or 'see the log'}"
    patterns = {REFUSED: USAGE, INTERRUPTED: STOPPED}
    told = [found["why"] for line in lines if code in patterns and (found := patterns[code].match(line))]
    if told:
        return "it was stopped in the midst" if told[-1] == KILLED else str(told[-1])
    return "" if code == WHOLE else f"the run ended with {code}"
