"""A pair of processes in lockstep: base and head run the same benchmarks, one block at a time, and one only.

Both see the same states of the machine, which change within tenths of a second, so that what is left between them is
the versions' (L. Bulej et al., "Duet benchmarking", ICPE 2020, but in turns: two processes at once share caches and
cores, and slow each other down).
"""

import os
import random
import select
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.run import lockstep
from benchmarks.run.lockstep import Identity, Report, Schedule
from browser_harness.processes import end_session

PATIENCE = 900.0  # seconds until a side reports; it gives up by itself on one call into a page after 60
GRACE = 30.0  # seconds to save and to close the browser
IN_ORDER = (0, 1, 5)  # exit codes of pytest: benchmarks may fail, or be none, and are told one by one
LAST_WORDS = 5  # lines of a log that are told
SIDES = ("base", "head")


@dataclass(frozen=True)
class Version:
    """One of the two that are compared: a checkout, and the Python of its environment."""

    name: str  # of the side: base or head
    checkout: Path
    python: Path


@dataclass(frozen=True)
class Match:
    """A benchmark that both sides have; the names differ where it was renamed."""

    base: str
    head: str

    def name_in(self, side: str) -> str:
        """Return its name on a side."""
        return self.base if side == "base" else self.head


@dataclass(frozen=True)
class Matched:
    """What the two sides have in common, and what only one of them has."""

    both: Sequence[Match] = ()
    new: Sequence[str] = ()  # only the head has it
    missing: Sequence[str] = ()  # only the base has it


def match(base: Mapping[str, Identity], head: Mapping[str, Identity]) -> Matched:
    """Match the benchmarks of two sides by name, those left by what they do: the same file and parameters."""
    both = [Match(name, name) for name in base if name in head]
    left = [name for name in head if name not in base]
    missing = []
    for name in (name for name in base if name not in head):
        same = [other for other in left if lockstep.is_same(base[name], head[other])]
        if len(same) == 1:
            left.remove(same[0])
            both.append(Match(name, same[0]))
        else:
            missing.append(name)
    return Matched(both, left, missing)


def draw_core() -> int | None:
    """Draw the core on which both sides compute; None where the system does not let choose."""
    return random.choice([*os.sched_getaffinity(0)]) if hasattr(os, "sched_getaffinity") else None


class SideError(Exception):
    """A side ended, or hung, before it was through; the message says which, and its last words."""


class Side:
    """A running pytest that waits for its turns."""

    def __init__(self, version: Version, arguments: Sequence[str], results: Path) -> None:
        self.version, self.results, self.log = version, results, results.with_suffix(".log")
        answers, reports = os.pipe(), os.pipe()
        command = [
            *(str(version.python), "-m", "pytest", "benchmarks/", "--benchmark-only", "-p", "no:cacheprovider"),
            *(*lockstep.arguments(answers[0], reports[1]), f"--benchmark-json={results}", *arguments),
        ]
        self._answers, self._reports = os.fdopen(answers[1], "w", buffering=1), os.fdopen(reports[0])
        self.at: list[Any] | None = None  # its last report; None when it has ended
        self.reasons: dict[str, str] | None = None  # why benchmarks have no result; None until it is through
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
        return self.is_at(Report.BETWEEN_BLOCKS)

    def is_at(self, where: Report) -> bool:
        """Whether its last report said so."""
        return self.at is not None and self.at[0] == where

    def collected(self) -> Mapping[str, Identity]:
        """Return the benchmarks that it has, by name; raise SideError where it could not tell them."""
        if self.at is None or not self.is_at(Report.COLLECTED):
            raise self.error("collected nothing")
        identities: dict[str, Identity] = self.at[1]
        return identities

    def go(self, answer: Any = None) -> None:
        """Let it go on."""
        with suppress(BrokenPipeError):  # it has died, which is found when it is waited for
            lockstep.send(self._answers, answer)

    def wait(self) -> None:
        """Wait until it reports, or has ended; raise SideError where it hangs, or ended before it was through."""
        if not select.select([self._reports], [], [], PATIENCE)[0]:
            raise self.error(f"no report for {PATIENCE:g} s, last at {self.at}")
        try:
            self.at = lockstep.receive(self._reports)
        except EOFError:
            self.at = None
        if self.at is None and self.reasons is None:
            raise self.error(f"ended with {self.end()} before it was through")
        if self.at is not None and self.is_at(Report.END):
            self.reasons = self.at[1]

    def error(self, what: str) -> SideError:
        """Return an error with the last words of its log, once it has ended."""
        if self.is_at(Report.END):
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
            end_session(self.process)
            return self.process.wait()
        finally:
            self._reports.close()


@contextmanager
def started(versions: Sequence[Version], arguments: Sequence[str], folder: Path, name: str) -> Iterator[list[Side]]:
    """Start a side of each version, the first drawn by lot; both are ended in any case.

    What they save and print lies in *folder*, under the pair's *name*.
    """
    sides: list[Side] = []
    with ExitStack() as stack:
        for version in random.sample(versions, len(versions)):
            sides += [Side(version, arguments, folder / f"{name}-{version.name}.json")]
            stack.callback(sides[-1].end)
            sides[-1].wait()
        yield sorted(sides, key=lambda side: versions.index(side.version))


def run_pair(
    sides: Sequence[Side],
    wanted: Sequence[Match],
    schedule: Schedule,
    done: Callable[[], object],
    core: Callable[[], int | None] = draw_core,
) -> None:
    """Run *wanted* on both sides in lockstep, the order drawn by lot at every turn; *done* is called after each.

    *core* is asked before each start on which core both sides compute; None leaves it to the system. Raises
    SideError where a side does not follow, or did not end in order.
    """
    for side in sides:
        names = [benchmark.name_in(side.version.name) for benchmark in wanted]
        side.go(replace(schedule, names=names).to_json())
    for side in sides:
        side.wait()
    for benchmark in wanted:
        _run_benchmark(sides, benchmark, core)
        done()
    _go_together(sides)
    for side in sides:
        if (code := side.end()) not in IN_ORDER:
            raise side.error(f"ended with {code}")


def _run_benchmark(sides: Sequence[Side], benchmark: Match, core: Callable[[], int | None]) -> None:
    """Run a benchmark that both sides are about to begin; one that fails or skips it waits for the other."""
    for side in sides:
        name = benchmark.name_in(side.version.name)
        if side.at != [Report.TEST, name]:
            raise side.error(f"was to begin {name}, and is at {side.at}")
    _go_together(sides)  # opening, warming up and closing are not timed: at once
    while starting := [side for side in sides if side.is_at(Report.START)]:
        _go_together(starting, core())
        _take_turns(sides)
    _go_together([side for side in sides if side.is_at(Report.DONE)])


def _take_turns(sides: Sequence[Side]) -> None:
    """Let one side draw at a time, until all blocks of this start are drawn on both."""
    while drawing := [side for side in sides if side.is_drawing]:
        for side in random.sample(drawing, len(drawing)):
            side.go()
            side.wait()


def _go_together(sides: Sequence[Side], answer: Any = None) -> None:
    for side in sides:
        side.go(answer)
    for side in sides:
        side.wait()
