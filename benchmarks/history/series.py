"""Series: one benchmark on one machine over commits, in milliseconds, told apart from the machine's own ups and downs.

A shared machine is some percent faster or slower from run to run. Each run therefore times a fixed piece of work
between the blocks of each benchmark; the figure is divided by what that took, and multiplied by what it usually takes.
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.history.runs import LeftOut, Result, Run
from benchmarks.measuring.ratio import STATISTICS

RAW = "raw"  # where a run did not time the work


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

    run: Run
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
class _Found:
    run: Run
    seconds: float
    calibration: float  # seconds; 1 where there is none
    model: str


def all_series(runs: Iterable[Run]) -> tuple[list[Series], list[LeftOut]]:
    """Return a series for each benchmark of each machine, and results whose values are none; *runs* are in order."""
    found: defaultdict[Key, list[_Found]] = defaultdict(list)
    left_out = []
    for run in runs:
        for result in run.results:
            key, one = _of(run, result)
            if why := _why_not(result, one):
                left_out.append(LeftOut(f"{run.file}: {key.name}", why))
            else:
                found[key].append(one)
    usual = _usual_calibrations(found)
    machines = {key: (key.machine, key.fingerprint, key.workload) for key in found}
    ordered = sorted(found, key=lambda key: (key.machine, key.fingerprint, key.name, key.workload))
    return [Series(key, _points(found[key], usual[machines[key]])) for key in ordered], left_out


def _why_not(result: Result, found: _Found) -> str:
    """Return why a result is no speed; nothing where it is one."""
    if result["extra_info"].get("software_gpu"):
        return "measured on a simulated GPU, which is no GPU's speed"
    if all(math.isfinite(value) and value > 0 for value in (found.seconds, found.calibration)):
        return ""
    return f"{found.seconds} s over a calibration of {found.calibration} s is no speed"


def _of(run: Run, result: Result) -> tuple[Key, _Found]:
    info, statistic = result["extra_info"], "mean" if "slowdown" in result["extra_info"] else "p10"
    calibration = info.get("calibration", {"workload": RAW, "p10": 1.0})
    key = Key(run.machine, run.fingerprint, result["fullname"], statistic, calibration["workload"])
    model = f"{info.get('model_sha256', '')[:8]}"
    return key, _Found(run, _seconds(result, statistic), calibration["p10"], model)


def _seconds(result: Result, statistic: str) -> float:
    """Return the statistic of a result's samples; where these were not saved, as it was saved."""
    samples = result["stats"].get("data")
    if samples:
        return STATISTICS[statistic](np.array(samples))
    saved = {**result["stats"], **result["extra_info"]}.get(statistic, math.nan)
    return float(saved)


def _usual_calibrations(found: dict[Key, list[_Found]]) -> dict[tuple[str, str, str], float]:
    """Return what the work usually takes on each machine, in seconds."""
    seconds: defaultdict[tuple[str, str, str], list[float]] = defaultdict(list)
    for key, many in found.items():
        seconds[key.machine, key.fingerprint, key.workload] += [one.calibration for one in many]
    return {machine: statistics.median(values) for machine, values in seconds.items()}


def _points(found: Sequence[_Found], usual: float) -> list[Point]:
    before = [None, *found]
    return [
        Point(one.run, one.seconds / one.calibration * usual * 1e3, _notes(last, one) if last else ())
        for last, one in zip(before, found, strict=False)
    ]


def _notes(before: _Found, after: _Found) -> list[str]:
    """Return what else changed from one run to the next."""
    old = {"model": before.model, **before.run.circumstances}
    new: dict[str, Any] = {"model": after.model, **after.run.circumstances}
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return [f"{name} {old.get(name, 'none')} → {new.get(name, 'none')}" for name in changed]
