"""A run against a baseline: why a saved run is none, and how a benchmark differs from its baseline. It fails closed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from benchmarks.results import alike
from benchmarks.results.damage import is_number
from benchmarks.results.saved import Fault, Result, Run, in_rows_alike

OPTION = "--benchmark-compare-fail"
RENEW = f"save a new baseline with a run without {OPTION}"
TIMES = ("min", "median", "mean", "max")
NUMBERS, WORDS = ("stddev", "iqr", "ops", "rounds", "iterations"), ("outliers",)  # that a table shows besides


class Check(Protocol):
    """A limit, as pytest-benchmark reads it from the option: ``min:10%``."""

    field: str  # the statistic

    def fails(self, current: Mapping[str, float], compared: Mapping[str, float]) -> bool:
        """Whether *current* is above *compared* by more than the limit."""


def faults(baseline: Run) -> Iterator[str]:
    """Yield why a saved run is no baseline for anything."""
    words = {
        Fault.ENDED_BADLY: "it was refused, failed or interrupted, or is not this suite's: "
        f"its exit_status is {baseline.exit_status}, not 0",
        Fault.KILLED: f"it was killed: its exit_status is {baseline.exit_status}, not 0",
        Fault.EMPTY: "it holds no benchmarks",
    }
    yield from (words[fault] for fault in baseline.faults)
    yield from damages(baseline)


def damages(baseline: Run) -> Iterator[str]:
    """Yield which of its benchmarks cannot stand beside another, not even in a table."""
    for result in baseline.results:
        yield from (f"{result.fullname}: {fault}" for fault in _bad_times(result, TIMES))
        yield from (f"{result.fullname}: {fault}" for fault in _not_shown(result))
        if not result.has_told:
            yield f"{result.fullname}: it has no extra_info, which tells what was measured"


def _bad_times(result: Result, names: Sequence[str]) -> list[str]:
    bad = result.impossible(names)
    return [f"its {', '.join(bad)} cannot be compared: {result.stats.get(bad[0], 'absent')} s"] if bad else []


def _not_shown(result: Result) -> Iterator[str]:
    """Yield what pytest-benchmark's table would fall over, when all has been measured."""
    stats = result.stats
    wrong = [name for name in NUMBERS if not is_number(stats.get(name))]
    wrong += [name for name in WORDS if not isinstance(stats.get(name), str)]
    if wrong:
        yield f"its {', '.join(wrong)} cannot be shown: {stats.get(wrong[0], 'absent')}"


def changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield in words what *now* is not as it was *before*, with both values as they are saved."""
    as_saved = json.loads(json.dumps(now))
    yield from (f"{name} was {then}, is {value}" for name, then, value in alike.differences(before, as_saved))


def differences(before: Result, now: Result, checks: Sequence[Check]) -> Iterator[str]:
    """Yield how a benchmark differs from its baseline: in what was done, or in its times by more than the limits.

    Where the samples of one are of more inferences, the other's are taken together as far.
    """
    done = [*changed(alike.of_benchmark(before), alike.of_benchmark(now))]
    if not done:
        before, now = in_rows_alike([before, now])
    compared = [*dict.fromkeys((*TIMES, *(check.field for check in checks)))]
    bad = [*_bad_times(now, compared), *(f"the baseline: {fault}" for fault in _bad_times(before, compared))]
    if before.iterations != now.iterations and any(check.field != "mean" for check in checks):
        bad.append(
            f"samples of {before.iterations} inferences, now of {now.iterations}, have only their mean in common"
        )
    yield from (f"{difference}; measure the same, or {RENEW}" for difference in done)
    yield from (f"{fault}; measure again, or compare another statistic" for fault in bad)
    if not done and not bad:
        yield from _beyond(before.stats, now.stats, checks)


def _beyond(before: Mapping[str, float], now: Mapping[str, float], checks: Sequence[Check]) -> Iterator[str]:
    """Yield which limits are exceeded.

    They hold in both directions: against a baseline that is too slow, the next slowdown would pass.
    """
    for check in checks:
        then, value = before[check.field], now[check.field]
        figures = f"{check.field} was {then * 1e3:.4g} ms, is {value * 1e3:.4g} ms, {value / then:.3f} times that"
        if check.fails(now, before):
            yield f"slower: {figures}; find the cause, or {RENEW} where it is accepted"
        if check.fails(before, now):
            yield f"faster than the limit: {figures}; if the same was measured, {RENEW}"
