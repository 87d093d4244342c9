"""Series: one benchmark on one machine over commits, in milliseconds, told apart from the machine's own ups and downs.

A shared machine is some percent faster or slower from run to run. Each run therefore times a fixed piece of work
between the blocks of each benchmark; the figure is divided by what that took, and multiplied by what it usually takes.
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.history.runs import LeftOut, StoredRun
from benchmarks.results import Result, keys
from benchmarks.results.saved import WitnessTimes, in_rows_alike

RAW = "raw"  # where a run did not time the work
NO_WITNESS = WitnessTimes(RAW, 1.0)


@dataclass(frozen=True)
class Key:
    """What the points of a series have in common."""

    machine: str
    fingerprint: str
    name: str
    statistic: str  # ``p10``, or ``mean`` of a client that a quota stops now and then
    workload: str  # that the values were divided by; ``raw`` where by none


@dataclass(frozen=True)
class Point:
    """A benchmark in one run."""

    run: StoredRun
    value: float  # milliseconds
    notes: Sequence[str] = ()  # what else changed since the point before


@dataclass(frozen=True)
class Series:
    """A benchmark over commits."""

    key: Key
    points: Sequence[Point]

    @property
    def values(self) -> list[float]:
        """The values, in milliseconds."""
        return [point.value for point in self.points]


@dataclass(frozen=True)
class _Measured:
    run: StoredRun
    seconds: float
    witness: float  # seconds that the fixed work took meanwhile; 1 where nobody timed it
    model: str
    starts: int  # pages or processes that it was drawn from; until schema 2 one


def all_series(runs: Iterable[StoredRun]) -> tuple[list[Series], list[LeftOut]]:
    """Return a series for each benchmark of each machine, and results whose values are none; *runs* are in order."""
    by_key: defaultdict[Key, list[_Measured]] = defaultdict(list)
    left_out = []
    for key, found in _by_key(runs).items():
        # Of runs that made a sample of fewer inferences, samples are taken together as far.
        for (run, _), result in zip(found, in_rows_alike([result for _, result in found]), strict=True):
            measured = _of(run, result)
            if why := _why_not(result, measured):
                left_out.append(LeftOut(f"{run.file}: {key.name}", why))
            else:
                by_key[key].append(measured)
    usual = _usual_witness(by_key)
    machines = {key: (key.machine, key.fingerprint, key.workload) for key in by_key}
    ordered = sorted(by_key, key=lambda key: (key.machine, key.fingerprint, key.name, key.workload))
    return [Series(key, _points(by_key[key], usual[machines[key]])) for key in ordered], left_out


def _why_not(result: Result, measured: _Measured) -> str:
    """Return why a result is no speed; nothing where it is one."""
    if result.is_software:
        return "measured on a simulated GPU, which is no GPU's speed"
    if all(math.isfinite(value) and value > 0 for value in (measured.seconds, measured.witness)):
        return ""
    return f"{measured.seconds} s over a calibration of {measured.witness} s is no speed"


def _by_key(runs: Iterable[StoredRun]) -> dict[Key, list[tuple[StoredRun, Result]]]:
    found: defaultdict[Key, list[tuple[StoredRun, Result]]] = defaultdict(list)
    for run in runs:
        for result in run.results:
            workload = (result.witness or NO_WITNESS).workload
            found[Key(run.machine, run.fingerprint, result.fullname, result.statistic, workload)].append((run, result))
    return found


def _of(run: StoredRun, result: Result) -> _Measured:
    witness = result.witness or NO_WITNESS
    model = str(result.info.get(keys.MODEL_SHA256, ""))[:8]
    return _Measured(run, result.seconds(result.statistic), witness.p10, model, result.starts_wanted)


def _usual_witness(by_key: dict[Key, list[_Measured]]) -> dict[tuple[str, str, str], float]:
    """Return what the work usually takes on each machine, in seconds."""
    seconds: defaultdict[tuple[str, str, str], list[float]] = defaultdict(list)
    for key, measured in by_key.items():
        seconds[key.machine, key.fingerprint, key.workload] += [each.witness for each in measured]
    return {machine: statistics.median(values) for machine, values in seconds.items()}


def _points(measured: Sequence[_Measured], usual: float) -> list[Point]:
    before = [None, *measured]
    return [
        Point(each.run, each.seconds / each.witness * usual * 1e3, _notes(last, each) if last else ())
        for last, each in zip(before, measured, strict=False)
    ]


def _notes(before: _Measured, after: _Measured) -> list[str]:
    """Return what else changed from one run to the next."""
    old, new = (
        {"model": each.model, "pages or processes": each.starts, **each.run.circumstances} for each in (before, after)
    )
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return [f"{name} {old.get(name, 'none')} → {new.get(name, 'none')}" for name in changed]
