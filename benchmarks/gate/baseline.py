"""Saved runs of one machine, without a base to run: the 10th percentile over the calibration workload's, run by run."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.gate.decide_runs import Runs, decide_stored
from benchmarks.gate.decide_starts import Rules, Suspicion, judge
from benchmarks.gate.measurements import Measurements
from benchmarks.gate.pair import Match
from benchmarks.gate.screen import doubted, row_of
from benchmarks.gate.verdicts import Row, Verdict
from benchmarks.results import NotARunError, Result, Run, alike, devices
from benchmarks.results.saved import GIT_REMEDY, Fault, short


class SavedError(Exception):
    """A file is no whole run of this suite; the message names it and says what to do."""


def load(file: Path) -> Run:
    """Read a run; raise SavedError unless it is a whole one, of this suite, with samples and calibration."""
    try:
        run = results.load(file)
    except NotARunError as error:
        raise SavedError(f"{error}; name files that this suite saved") from error
    if {Fault.ENDED_BADLY, Fault.KILLED} & {*run.faults}:
        raise SavedError(f"{file}: the run ended with {run.exit_status}, not with 0; name whole runs only")
    if Fault.EMPTY in run.faults:
        raise SavedError(f"{file}: holds no benchmark; name whole runs")
    if devices.is_device(run.machine):
        words = "nobody watched what else it did, so that no difference can be called the code's"
        raise SavedError(f"{file}: of a device that joined by a link: {words}; see it beside others with -e compare")
    if run.commit.id is None:
        raise SavedError(f"{file}: tells no commit, so nobody knows what was measured; {GIT_REMEDY}")
    if lacking := [result.name for result in run.results if not result.is_complete]:
        raise SavedError(
            f"{file}: {lacking[0]} has no samples, options or calibration; measure it again with this suite"
        )
    return run


def check_distinct(runs: Sequence[Run]) -> None:
    """Raise SavedError where two files hold one run, which would count twice."""
    seen: dict[tuple[Any, str], Path] = {}
    for run in runs:
        key = run.machine.get("node"), run.saved
        if key in seen:
            raise SavedError(f"{seen[key]} and {run.file} hold the same run, of {run.saved}; name each run once")
        seen[key] = run.file


def refusals(base: Sequence[Run], head: Sequence[Run]) -> list[str]:
    """Say in what the runs differ, so that they are no runs of the same; nothing where they are alike."""
    versions = [*_versions("base", base), *_versions("head", head)]
    return [*versions, *_differences([*base, *head])]


def _versions(side: str, runs: Sequence[Run]) -> Iterator[str]:
    files: dict[str, list[str]] = {}
    for run in runs:
        files.setdefault(run.version, []).append(str(run.file))
    if len(files) > 1:
        versions = "; ".join(f"{version} in {', '.join(names)}" for version, names in files.items())
        yield f"{side}: its runs are of more than one version: {versions}"


def _differences(runs: Sequence[Run]) -> Iterator[str]:
    first = _facts(runs[0])
    for what, ours in first.items():
        for run in runs[1:]:
            if (theirs := _facts(run)[what]) != ours:
                yield f"{what}: {_difference(ours, theirs)}, in {runs[0].file} and {run.file}"
                break


def _facts(run: Run) -> alike.Facts:
    more = {name: run.machine.get(name, alike.NOT_TOLD) for name in ("versions", "suite")}
    return alike.of_machine(run.machine) | more


def _difference(first: Any, other: Any) -> str:
    """Say what differs; of mappings only that."""
    if isinstance(first, dict) and isinstance(other, dict):
        keys = sorted(key for key in {**first, **other} if first.get(key) != other.get(key))
        return ", ".join(f"{key} {first.get(key)} and {other.get(key)}" for key in keys)
    return f"{first} and {other}"


def values(runs: Sequence[Run], beside: Sequence[Run] = ()) -> Runs:
    """Return each benchmark's log of p10 over the calibration's p10, a number for each run that has it.

    Where another run, also of those *beside*, made its samples of more inferences, samples are taken together as far.
    """
    most: dict[str, int] = {}
    for result in (result for run in [*runs, *beside] for result in run.results):
        most[result.fullname] = max(result.iterations, most.get(result.fullname, 1))
    by_name: dict[str, list[float]] = {}
    for result in (result for run in runs for result in run.results):
        by_name.setdefault(result.fullname, []).append(_value(result.in_rows_of(most[result.fullname])))
    return by_name


def _value(result: Result) -> float:
    witness = result.witness.p10 if result.witness else math.nan
    if not (result.samples and all(math.isfinite(seconds) and seconds > 0 for seconds in [*result.samples, witness])):
        return math.nan
    return math.log(result.seconds("p10") / witness)


def unlike(name: str, base: Sequence[Run], head: Sequence[Run]) -> str:
    """Say what was in force in one run of a benchmark and not in another; nothing where all did the same."""
    of_runs = [_in_force(run.by_name[name]) for run in [*base, *head] if name in run.by_name]
    different = {what: {str(facts[what]) for facts in of_runs} for what in of_runs[0]}
    return "; ".join(f"{what} {' and '.join(sorted(texts))}" for what, texts in different.items() if len(texts) > 1)


def _in_force(result: Result) -> alike.Facts:
    return alike.of_benchmark(result) | {"calibration workload": result.witness and result.witness.workload}


def rows(base: Sequence[Run], head: Sequence[Run], rules: Rules, can_confirm: bool) -> dict[str, Row]:
    """Return the verdict on every benchmark by full name."""
    ours, theirs = values(head, base), values(base, head)
    decided = {}
    for name, row in decide_stored(theirs, ours, rules, can_confirm).items():
        if name not in theirs:
            decided[name] = Row(short(name), Verdict.NEW, why="only the head's runs have it")
        elif name not in ours:
            decided[name] = Row(short(name), Verdict.MISSING, why="only the baseline has it")
        elif words := unlike(name, base, head):
            decided[name] = Row(short(name), Verdict.NOT_COMPARABLE, why=words)
        else:
            doubts = [run.by_name[name].doubts for run in [*base, *head] if name in run.by_name]
            decided[name] = replace(row, name=short(name), doubts=doubted(doubts))
    return decided


def suspicions(stored: Mapping[str, Row], rules: Rules) -> dict[str, list[Suspicion]]:
    """Return what stored runs hold possible, and lockstep is to tell."""
    suspected: dict[str, list[Suspicion]] = {}
    for name, row in stored.items():
        if row.verdict is Verdict.UNDECIDED and row.effect:
            direction = Verdict.SLOWER if row.effect.value > -rules.stored_suspect else Verdict.FASTER
            suspected[name] = [Suspicion(name, "quartile", direction)]
    return suspected


def confirmed(
    stored: Mapping[str, Row], suspected: Mapping[str, Sequence[Suspicion]], measured: Measurements, rules: Rules
) -> dict[str, Row]:
    """Return the *stored* verdicts with what lockstep *measured* in place of the suspicions."""
    decided = judge(suspected, measured.confirmed, rules)
    matches = {name: Match(name, name) for name in suspected} | {match.head: match for match in measured.matched.both}
    return {**stored, **{name: _confirmed(matches[name], measured, decided) for name in suspected}}


def _confirmed(benchmark: Match, measured: Measurements, decided: Mapping[str, Row]) -> Row:
    row = row_of(benchmark, measured, decided)
    if row.verdict is Verdict.MISSING:  # skipped now, but both sides' runs have it: --allow-missing is not meant for it
        return replace(row, verdict=Verdict.FAILED, why=f"suspected, and no fresh start measured it: {row.why}")
    return row


def base_commit(runs: Sequence[Run]) -> str | None:
    """Return the one commit that has all that the runs measured; None where there is none."""
    commits = {None if run.commit.is_changed else run.commit.id for run in runs}
    return commits.pop() if len(commits) == 1 else None
