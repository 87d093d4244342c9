"""A pair of processes in lockstep: base and head run the same benchmarks, one block at a time, and one only.

Both see the same states of the machine, which change within tenths of a second, so that what is left between them is
the versions' (L. Bulej et al., "Duet benchmarking", ICPE 2020, but in turns: two processes at once share caches and
cores, and slow each other down).
"""

import json
import os
import random
import select
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

PATIENCE = 900.0  # seconds until a side reports; it gives up by itself on one call into a page after 60
GRACE = 30.0  # seconds to save and to close the browser
IN_ORDER = (0, 1, 5)  # exit codes of pytest: benchmarks may fail, or be none, and are told one by one
LAST_WORDS = 5  # lines of a log that are told
Identity = Mapping[str, Any]


@dataclass(frozen=True)
class Version:
    """One of the two that are compared: a checkout, and the Python of its environment."""

    name: str  # base or head
    checkout: Path
    python: Path


@dataclass(frozen=True)
class Match:
    """A benchmark that both sides have; the names differ where it was renamed."""

    base: str
    head: str


@dataclass(frozen=True)
class Matched:
    """What the two sides have in common, and what only one of them has."""

    both: Sequence[Match]
    new: Sequence[str]
    missing: Sequence[str]


def match(base: Mapping[str, Identity], head: Mapping[str, Identity]) -> Matched:
    """Match the benchmarks of two sides by name, those left by what they do: the same file and parameters."""
    both = [Match(name, name) for name in base if name in head]
    left = [name for name in head if name not in base]
    missing = []
    for name in (name for name in base if name not in head):
        same = [other for other in left if head[other] == base[name] and base[name]["sha256"]]
        if len(same) == 1:
            left.remove(same[0])
            both.append(Match(name, same[0]))
        else:
            missing.append(name)
    return Matched(both, left, missing)


def _any_core() -> int | None:
    """Draw the core on which both sides compute; None where the system does not let choose."""
    return random.choice([*os.sched_getaffinity(0)]) if hasattr(os, "sched_getaffinity") else None


@dataclass(frozen=True)
class Schedule:
    """What both sides are told beside the names."""

    turn_seconds: float = 0.005  # of samples in a turn
    core: int | None = field(default_factory=_any_core)


class SideError(Exception):
    """A side ended, or hung, before it was through; the message says which, and its last words."""


class Side:
    """A running pytest that waits for its turns."""

    def __init__(self, version: Version, arguments: Sequence[str], results: Path) -> None:
        self.version, self.results, self.log = version, results, results.with_suffix(".log")
        answers, reports = os.pipe(), os.pipe()
        command = [
            *(str(version.python), "-m", "pytest", "benchmarks/", "--benchmark-only", "-p", "no:cacheprovider"),
            *(f"--lockstep={answers[0]},{reports[1]}", f"--benchmark-json={results}", *arguments),
        ]
        self._answers, self._reports = os.fdopen(answers[1], "w", buffering=1), os.fdopen(reports[0])
        self.at: list[Any] | None = None  # its last report; None when it has ended
        self.ended: dict[str, str] | None = None  # why a benchmark has no result; None until it is through
        try:
            with self.log.open("w") as log:
                self.process = subprocess.Popen(
                    command,
                    cwd=version.checkout,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=(answers[0], reports[1]),
                    start_new_session=True,  # a Ctrl-C is the gate's, which ends both
                )
        finally:
            os.close(answers[0])
            os.close(reports[1])

    @property
    def is_drawing(self) -> bool:
        """Whether it waits between two blocks."""
        return self.is_at("slice")

    def is_at(self, kind: str) -> bool:
        """Whether its last report was of that kind."""
        return self.at is not None and self.at[0] == kind

    def go(self, answer: Any = None) -> None:
        """Let it go on."""
        with suppress(BrokenPipeError):  # it has died, which is found when it is waited for
            self._answers.write(f"{json.dumps(answer)}\n")

    def wait(self) -> None:
        """Wait until it reports, or has ended; raise SideError where it hangs, or ended before it was through."""
        if not select.select([self._reports], [], [], PATIENCE)[0]:
            raise self.error(f"no report for {PATIENCE:g} s, last at {self.at}")
        line = self._reports.readline()
        self.at = json.loads(line) if line else None
        if self.is_at("end"):
            self.ended = self.at[1]  # type: ignore[index]  # what is_at said
        if self.at is None and self.ended is None:
            raise self.error(f"ended with {self.end()} before it was through")

    def error(self, what: str) -> SideError:
        """Return an error with the last words of its log, once it has ended."""
        if self.is_at("end"):
            self.go()  # it has yet to say what was wrong
            self.wait()
        self.end()
        words = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return SideError("\n".join([f"{self.version.name}: {what}; {self.log} ends with", *words[-LAST_WORDS:]]))

    def end(self) -> int:
        """Return how it ended; one that still runs is asked to, then made to."""
        with suppress(BrokenPipeError):  # what a dead one did not read
            self._answers.close()  # it ends at its next report
        if self.at is not None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            return self.process.wait()
        finally:
            self._reports.close()


@contextmanager
def started(versions: Sequence[Version], arguments: Sequence[str], folder: Path, number: str) -> Iterator[list[Side]]:
    """Start a side of each version, the first drawn by lot; both are ended in any case."""
    sides: list[Side] = []
    with ExitStack() as stack:
        for version in random.sample(versions, len(versions)):
            sides += [Side(version, arguments, folder / f"{number}-{version.name}.json")]
            stack.callback(sides[-1].end)
            sides[-1].wait()
        yield sorted(sides, key=lambda side: versions.index(side.version))


def run_pair(sides: Sequence[Side], wanted: Sequence[Match], schedule: Schedule, done: Callable[[], object]) -> None:
    """Run *wanted* on both sides in lockstep, the order drawn by lot at every turn; *done* is called after each.

    Raises SideError where a side does not follow, or did not end in order.
    """
    for side in sides:
        side.go({"names": [getattr(one, side.version.name) for one in wanted], **asdict(schedule)})
    for side in sides:
        side.wait()
    for one in wanted:
        _run_one(sides, one)
        done()
    _go_together(sides)
    for side in sides:
        if (code := side.end()) not in IN_ORDER:
            raise side.error(f"ended with {code}")


def _run_one(sides: Sequence[Side], one: Match) -> None:
    """Run a benchmark that both sides are about to begin; one that fails or skips it waits for the other."""
    for side in sides:
        if side.at != ["test", getattr(one, side.version.name)]:
            raise side.error(f"was to begin {getattr(one, side.version.name)}, and is at {side.at}")
    _go_together(sides)  # opening and closing are not timed: at once
    while drawing := [side for side in sides if side.is_drawing]:
        for side in random.sample(drawing, len(drawing)):
            side.go()
            side.wait()
    _go_together([side for side in sides if side.is_at("done")])


def _go_together(sides: Sequence[Side]) -> None:
    for side in sides:
        side.go()
    for side in sides:
        side.wait()
