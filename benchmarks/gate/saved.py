"""Saved runs of one machine, without a base to run: the 10th percentile over the calibration workload's, run by run."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.gate.decide import Pair, Rules, Suspicion, judge
from benchmarks.gate.gating import IN_FORCE, short
from benchmarks.gate.stored import Runs, decide_stored
from benchmarks.gate.verdicts import Row, Verdict
from benchmarks.ratio import p10

# Of a run, by the words of a refusal: where one differs, so does what a figure means.
MACHINE: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "machine": lambda info: info["node"],
    "processor": lambda info: info["cpu"].get("brand_raw"),
    "cores": lambda info: info["cores_usable"],
    "instruction sets": lambda info: info["simd_flags"],
    "system": lambda info: (info["system"], info["release"], info["machine"]),
    "Python": lambda info: info["python_version"],
    "governor": lambda info: info["governor"],
    "GPUs": lambda info: info["gpus"],
    "versions": lambda info: info["versions"],
    "suite": lambda info: info["suite"],
}
SAME = (*IN_FORCE, "model_sha256", "precision", "own")  # of a benchmark, in its extra_info


class SavedError(Exception):
    """A file is no whole run of this suite; the message names it and says what to do."""


@dataclass(frozen=True)
class Run:
    """A saved run."""

    file: Path
    machine: Mapping[str, Any]
    commit: str | None  # None where files were changed, so that no revision has them
    results: Mapping[str, Mapping[str, Any]]  # by full name


def load(file: Path) -> Run:
    """Read a run; raise SavedError unless it is a whole one, of this suite, with samples and calibration."""
    try:
        content = json.loads(file.read_text())
        status, benchmarks, info = content["exit_status"], content["benchmarks"], content["machine_info"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SavedError(f"{file}: no run of this suite: {type(error).__name__} {error}") from error
    if status != 0:
        raise SavedError(f"{file}: the run ended with {status}, not with 0; name whole runs only")
    if not benchmarks:
        raise SavedError(f"{file}: holds no benchmark; name whole runs")
    if lacking := [one["name"] for one in benchmarks if not {"stats", "extra_info"} <= one.keys() or not _told(one)]:
        raise SavedError(f"{file}: {lacking[0]} has no samples or no calibration; measure it again with this suite")
    commit = content.get("commit_info") or {}
    known = commit.get("id") if not commit.get("dirty") else None
    return Run(file, info, known, {one["fullname"]: one for one in benchmarks})


def _told(result: Mapping[str, Any]) -> bool:
    return "data" in result["stats"] and "calibration" in result["extra_info"]


def refusals(base: Sequence[Run], head: Sequence[Run]) -> list[str]:
    """Say in what the runs differ, so that they are no runs of the same; nothing where they are alike."""
    return [words for what, of in MACHINE.items() for words in _differing(what, of, [*base, *head])]


def _differing(what: str, of: Callable[[Mapping[str, Any]], Any], runs: Sequence[Run]) -> Iterator[str]:
    first = _asked(of, runs[0])
    for run in runs[1:]:
        if (found := _asked(of, run)) != first:
            yield f"{what}: {_told_apart(first, found)}, in {runs[0].file} and {run.file}"
            return


def _asked(of: Callable[[Mapping[str, Any]], Any], run: Run) -> Any:
    try:
        return of(run.machine)
    except KeyError:
        return "not told"


def _told_apart(first: Any, other: Any) -> str:
    """Say what differs; of mappings only that."""
    if isinstance(first, dict) and isinstance(other, dict):
        keys = sorted(key for key in {**first, **other} if first.get(key) != other.get(key))
        return ", ".join(f"{key} {first.get(key)} and {other.get(key)}" for key in keys)
    return f"{first} and {other}"


def values(runs: Sequence[Run]) -> Runs:
    """Return each benchmark's log of p10 over the calibration's p10, a number for each run that has it."""
    found: dict[str, list[float]] = {}
    for run in runs:
        for name, result in run.results.items():
            found.setdefault(name, []).append(_value(result))
    return found


def _value(result: Mapping[str, Any]) -> float:
    samples, calibration = result["stats"]["data"], result["extra_info"]["calibration"]["p10"]
    if not (samples and all(math.isfinite(one) and one > 0 for one in [*samples, calibration])):
        return math.nan
    return math.log(p10(samples) / calibration)


def unlike(name: str, base: Sequence[Run], head: Sequence[Run]) -> str:
    """Say what was in force in one run of a benchmark and not in another; nothing where all did the same."""
    infos = [run.results[name]["extra_info"] for run in [*base, *head] if name in run.results]
    wanted = [*SAME, "calibration workload"]

    def of(info: Mapping[str, Any], what: str) -> Any:
        return info["calibration"]["workload"] if what == "calibration workload" else info.get(what)

    different = {what: {str(of(info, what)) for info in infos} for what in wanted}
    return "; ".join(
        f"{what.replace('_', ' ')} {' and '.join(sorted(told))}" for what, told in different.items() if len(told) > 1
    )


def rows(base: Sequence[Run], head: Sequence[Run], rules: Rules, can_confirm: bool) -> dict[str, Row]:
    """Return the verdict on every benchmark by full name."""
    ours, theirs = values(head), values(base)
    found = {}
    for name, row in decide_stored(theirs, ours, rules, can_confirm).items():
        if name not in theirs:
            found[name] = Row(short(name), Verdict.NEW, why="only the head's runs have it")
        elif name not in ours:
            found[name] = Row(short(name), Verdict.MISSING, why="only the baseline has it")
        elif words := unlike(name, base, head):
            found[name] = Row(short(name), Verdict.NOT_COMPARABLE, why=words)
        else:
            found[name] = replace(row, name=short(name))
    return found


def suspicions(found: Mapping[str, Row], rules: Rules) -> dict[str, list[Suspicion]]:
    """Return what stored runs hold possible, and lockstep is to tell."""
    suspected: dict[str, list[Suspicion]] = {}
    for name, row in found.items():
        if row.verdict is Verdict.UNDECIDED and row.effect:
            direction = Verdict.SLOWER if row.effect.value > -rules.stored_suspect else Verdict.FASTER
            suspected[name] = [Suspicion(name, "quartile", direction)]
    return suspected


def confirmed(
    found: Mapping[str, Row],
    suspected: Mapping[str, Sequence[Suspicion]],
    pairs: Mapping[str, Sequence[Pair]],
    rules: Rules,
) -> dict[str, Row]:
    """Return the verdicts with those that lockstep has given in place of the suspicions."""
    return {**found, **{name: replace(row, name=short(name)) for name, row in judge(suspected, pairs, rules).items()}}


def base_commit(runs: Sequence[Run]) -> str | None:
    """Return the one commit that all runs are of; None where there is none."""
    commits = {run.commit for run in runs}
    return commits.pop() if len(commits) == 1 else None
