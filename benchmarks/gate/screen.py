"""Gate a head against a base: screen all benchmarks in lockstep, confirm the suspects, give each a verdict."""

import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from benchmarks.gate.decide_starts import LogRatio, Rules, decide, fresh_pairs, log_ratio_of_turns, suspects
from benchmarks.gate.measurements import CONFIRM, SCREEN, Comparison, Doubts, Failure, MachineInfo, Measurements
from benchmarks.gate.pair import SIDES, Match, Side, SideError, Version, match, run_pair, started
from benchmarks.gate.verdicts import Row, Verdict
from benchmarks.measuring.starts import FEWEST_STARTS
from benchmarks.results import Result, alike, keys, load
from benchmarks.results.gathered import in_ranges
from benchmarks.results.saved import in_rows_alike, short
from benchmarks.run.lockstep import Schedule

NO_RESULT = "no result, and no reason"
STATISTICS = ("min", "median", "mean", "rounds")
# Doubts that are none in lockstep: there the other side is the other program, and how far starts differ from one
# another is in the effect's interval.
TAKEN_CARE_OF = (keys.OTHER_PROGRAMS, "margin")


@dataclass(frozen=True)
class Saved:
    """What a side saved, and why it saved no more."""

    machine: MachineInfo  # empty where it has no result at all
    results: Mapping[str, Result]  # by the side's own names
    reasons: Mapping[str, str]  # by the name of what has no result

    def has(self, name: str) -> bool:
        """Whether a benchmark has a result."""
        return name in self.results


def gate(versions: Sequence[Version], arguments: Sequence[str], folder: Path, rules: Rules) -> Measurements:
    """Measure base and head: everything, then the suspects anew."""
    measuring = _Measuring(versions, arguments, folder, rules.starts)
    with measuring.noting_an_early_end():
        measuring.screen(rules.screen)
        if chosen := suspects(measuring.measured.screened, rules):
            measuring.confirm(chosen)
    return measuring.measured


def confirm(
    versions: Sequence[Version], arguments: Sequence[str], folder: Path, rules: Rules, only: set[str]
) -> Measurements:
    """Measure what something else made suspect: its screen only tells how many fresh starts to take."""
    measuring = _Measuring(versions, arguments, folder, rules.starts)
    with measuring.noting_an_early_end():
        measuring.screen(rules.screen, only)
        screened = measuring.measured.screened
        limit = math.log1p(rules.limit)
        if chosen := {name: fresh_pairs(starts, len(only), rules, limit) for name, starts in screened.items()}:
            measuring.confirm(chosen)
    return measuring.measured


class _Measuring:
    """Runs pairs of processes, and adds what they measured."""

    def __init__(self, versions: Sequence[Version], arguments: Sequence[str], folder: Path, starts: int) -> None:
        self._versions, self._arguments, self._folder = versions, arguments, folder
        self._schedule = Schedule(starts=starts)
        self.measured = Measurements()

    def screen(self, number: int, only: set[str] | None = None) -> None:
        """Run *number* pairs of every benchmark, or of those *only*."""
        with self._stage(SCREEN) as bar:
            for index in range(1, number + 1):
                bar.total = number * self._run(SCREEN, index, only, bar.update)

    def confirm(self, pairs: Mapping[str, int]) -> None:
        """Run as many fresh pairs of each benchmark as *pairs* says."""
        with self._stage(CONFIRM) as bar:
            bar.total = sum(pairs.values())
            for index in range(1, max(pairs.values()) + 1):
                self._run(CONFIRM, index, {name for name, number in pairs.items() if number >= index}, bar.update)

    def _run(self, stage: str, index: int, only: set[str] | None, done: Callable[[], object]) -> int:
        """Run a pair of processes; return of how many benchmarks."""
        with started(self._versions, self._arguments, self._folder, f"{stage}-{index}") as sides:
            wanted = self._wanted(sides, only)
            run_pair(sides, wanted, self._schedule, done)
        self._add(stage, index, wanted, {side.version.name: read_saved(side) for side in sides})
        return len(wanted)

    def _wanted(self, sides: Sequence[Side], only: set[str] | None) -> list[Match]:
        collected = {side.version.name: side.collected() for side in sides}
        matched = match(collected["base"], collected["head"])
        self.measured = replace(self.measured, matched=matched)
        return [benchmark for benchmark in matched.both if only is None or benchmark.head in only]

    def _add(self, stage: str, index: int, wanted: Sequence[Match], saved: Mapping[str, Saved]) -> None:
        """Compare what both sides have a result of; the rest is a failure of this pair."""
        whole = [benchmark for benchmark in wanted if all(saved[side].has(benchmark.name_in(side)) for side in SIDES)]
        comparisons = [comparison(stage, index, benchmark, saved) for benchmark in whole]
        failures = [Failure(lost.head, failure(lost, saved)) for lost in wanted if lost not in whole]
        machines = {side: saved[side].machine for side in SIDES}
        self.measured = replace(
            self.measured,
            comparisons=[*self.measured.comparisons, *comparisons],
            failures=[*self.measured.failures, *failures],
            machines=machines if all(machines.values()) else self.measured.machines,
        )

    @contextmanager
    def noting_an_early_end(self) -> Iterator[None]:
        """Make what ends the measuring early a problem, so that what was measured before is told."""
        try:
            yield
        except SideError as error:
            self.measured = replace(self.measured, problems=[str(error)])
        except KeyboardInterrupt:
            self.measured = replace(self.measured, problems=["interrupted: not everything was measured"])

    @contextmanager
    def _stage(self, stage: str) -> "Iterator[tqdm[NoReturn]]":
        """Show how far a stage is, and note how long it takes."""
        start = time.monotonic()
        try:
            with tqdm(desc=stage, unit="benchmark", file=sys.stderr, mininterval=2) as bar:
                yield bar
        finally:
            seconds = {**self.measured.seconds, stage: time.monotonic() - start}
            self.measured = replace(self.measured, seconds=seconds)


# What the sides saved


def read_saved(side: Side) -> Saved:
    """Read what a side has left, once it has ended."""
    if not side.results.exists():  # pytest-benchmark writes no file without a result
        return Saved({}, {}, side.reasons or {})
    run = load(side.results)
    return Saved(run.machine, run.by_name, side.reasons or {})


def comparison(stage: str, index: int, benchmark: Match, saved: Mapping[str, Saved]) -> Comparison:
    """Compare both sides' results of a benchmark."""
    base, head = (saved[side].results[benchmark.name_in(side)] for side in SIDES)
    return Comparison(
        benchmark.head,
        stage,
        index,
        log_ratios(base, head),
        unlike(base, head),
        head.threads,
        [result.witness for result in (base, head) if result.witness],
        plain(base, head),
        [_left(result.doubts) for result in (base, head)],
    )


def _left(doubts: Doubts) -> Doubts:
    return {name: words for name, words in doubts.items() if name not in TAKEN_CARE_OF}


def failure(benchmark: Match, saved: Mapping[str, Saved]) -> str:
    """Say why a benchmark was not compared, from what each side said; both of them skip what this machine lacks."""
    reasons = {side: saved[side].reasons.get(benchmark.name_in(side), "") for side in SIDES}
    if reasons["base"] == reasons["head"]:
        return f"on both sides: {reasons['head'] or NO_RESULT}"
    return "; ".join(f"{side}: {reason}" for side, reason in reasons.items() if reason)


def plain(base: Result, head: Result) -> dict[str, dict[str, float]]:
    """Return the statistics that one run against one is compared by."""
    sides = zip(SIDES, (base, head), strict=True)
    return {side: {name: result.stats[name] for name in STATISTICS} for side, result in sides}


def log_ratios(base: Result, head: Result) -> list[LogRatio]:
    """Return the log ratio of each start in which both sides drew in turns.

    Each side chooses by itself how many inferences make a sample. At the border of two numbers equal versions may well
    differ in that: so the samples of the one with fewer are taken together first.
    """
    base, head = in_rows_alike([base, head])
    return [log_ratio_of_turns(*both) for both in zip(base.starts, head.starts, strict=False)]


def unlike(base: Result, head: Result) -> str:
    """Say what was in force on one side only; nothing where both did the same."""
    differences = alike.differences(alike.in_force(base), alike.in_force(head))
    return "; ".join(f"{name} {ours} and {theirs}" for name, ours, theirs in differences)


# Verdicts


def rows(measured: Measurements, rules: Rules) -> list[Row]:
    """Return the verdict on every benchmark of either side."""
    decided = decide(measured.screened, measured.confirmed, rules)
    return [
        *(row_of(benchmark, measured, decided) for benchmark in measured.matched.both),
        *(Row(short(name), Verdict.NEW, why="only the head has it") for name in measured.matched.new),
        *(Row(short(name), Verdict.MISSING, why="only the base has it") for name in measured.matched.missing),
    ]


def row_of(benchmark: Match, measured: Measurements, decided: Mapping[str, Row]) -> Row:
    """Return the verdict on a benchmark of both sides: what was *decided*, where it ran to its end and as it should."""
    name, before = short(benchmark.head), short(benchmark.base)
    row = replace(_verdict_on(benchmark.head, measured, decided), name=name)
    row = replace(row, doubts=doubted(measured.doubts_of(benchmark.head)))
    if benchmark.base == benchmark.head:
        return row
    return replace(row, renamed_from=before, verdict=Verdict.RENAMED if row.verdict is Verdict.SAME else row.verdict)


def doubted(doubts: Sequence[Doubts]) -> str:
    """Say what results doubt, and how many of them; nothing where none does."""
    by_name: dict[str, list[str]] = {}
    for name, words in (told for one in doubts for told in one.items()):
        by_name.setdefault(name, []).append(words)
    return "; ".join(f"{len(words)} of {len(doubts)} results: {in_ranges(words)}" for words in by_name.values())


def _verdict_on(name: str, measured: Measurements, decided: Mapping[str, Row]) -> Row:
    if reasons := measured.reasons_of(name):
        return Row(name, kind_of(reasons, bool(measured.comparisons_of(name))), why="; ".join(reasons))
    if words := measured.unlike(name):
        return Row(name, Verdict.NOT_COMPARABLE, why=words)
    row = decided.get(name) or Row(name, Verdict.FAILED, why="not measured")
    if row.verdict is Verdict.UNDECIDED and _is_spread_of_threads(name, measured):
        why = f"too much spread on several threads; {row.why}".rstrip("; ")
        return replace(row, verdict=Verdict.NOT_GATED, why=why)
    return row


def _is_spread_of_threads(name: str, measured: Measurements) -> bool:
    """Whether several threads computed, and fresh starts enough to tell left it open."""
    return (measured.threads(name) or 1) > 1 and len(measured.confirmed.get(name, ())) >= FEWEST_STARTS


def kind_of(reasons: Sequence[str], is_measured: bool) -> Verdict:
    """Tell what failed from what this machine lacks, which is skipped each time, on a side or both."""
    skipped = not is_measured and all(NO_RESULT not in reason and "failed: " not in reason for reason in reasons)
    return Verdict.MISSING if skipped else Verdict.FAILED


def notes(measured: Measurements) -> list[str]:
    """Return what a reader should know beside the verdicts."""
    stages = ", ".join(f"{stage} {seconds:.0f} s" for stage, seconds in measured.seconds.items())
    lines = [f"{len(measured.comparisons)} pairs of processes' benchmarks; {stages}", *_witness_notes(measured)]
    if measured.is_measured_otherwise:
        lines.append("the code that measures is another in the head: what is timed may be, too")
    changed = measured.changed_versions().items()
    return [*lines, *(f"{name}: {base} in the base, {head} in the head" for name, (base, head) in changed)]


def _witness_notes(measured: Measurements) -> Iterator[str]:
    if tenths := [seen.p10 for seen in measured.witness]:
        middle = statistics.median(tenths)
        words = f"p10 {middle * 1e6:.1f} µs, from {min(tenths) / middle - 1:+.0%} to {max(tenths) / middle - 1:+.0%}"
        yield f"witness: the calibration workload's {words} over the run"
