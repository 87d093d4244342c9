"""What stored runs of the same machine say: a screen, for runs of different hours never saw the same machine."""

import math
import statistics
from collections.abc import Mapping, Sequence

from scipy import stats

from benchmarks.gate.decide_starts import Rules, percent
from benchmarks.gate.verdicts import Effect, Row, Verdict

FEWEST_RUNS = 5  # a side: the median of fewer follows a single bad one

Runs = Mapping[str, Sequence[float]]  # by benchmark: of each run the log of its p10 over that of its calibration


def decide_stored(base: Runs, head: Runs, rules: Rules, can_confirm: bool) -> dict[str, Row]:
    """Return the verdict on every benchmark of either side.

    The effect is the difference of the medians, its interval Welch's, of the means. What differs by more than
    ``stored_suspect`` stays undecided where lockstep *can_confirm* it; where it cannot, what differs by more than
    ``stored_slower``, and by more than the runs scatter, is slower or faster, and what is between stays undecided.
    """
    names = [*base, *(name for name in head if name not in base)]
    return {name: _row(name, base.get(name, ()), head.get(name, ()), rules, can_confirm) for name in names}


def _row(name: str, base: Sequence[float], head: Sequence[float], rules: Rules, can_confirm: bool) -> Row:
    if bad := [value for value in [*base, *head] if not math.isfinite(value)]:
        why = f"p10 over calibration is not a number in {len(bad)} of {len(base) + len(head)} runs"
        return Row(name, Verdict.FAILED, why=why)
    fewest = min(len(base), len(head))
    if fewest < FEWEST_RUNS:
        why = f"{len(base)} runs of the base and {len(head)} of the head: each side needs {FEWEST_RUNS}"
        return Row(name, Verdict.UNDECIDED, why=why, more_starts=FEWEST_RUNS - fewest)
    if len({*base}) == 1 or len({*head}) == 1:
        return Row(name, Verdict.FAILED, why="all runs of a side are equal: is it one file, given more than once?")
    effect = _effect(base, head, rules)
    return Row(name, *_verdict(effect, rules, can_confirm))


def _effect(base: Sequence[float], head: Sequence[float], rules: Rules) -> Effect:
    interval = stats.ttest_ind(head, base, equal_var=False).confidence_interval(rules.confidence)
    value, low, high = (
        math.expm1(log) for log in (statistics.median(head) - statistics.median(base), interval.low, interval.high)
    )
    return Effect(value, low, high, min(len(base), len(head)), "p10", rules.confidence)


def _verdict(effect: Effect, rules: Rules, can_confirm: bool) -> tuple[Verdict, Effect, str]:
    size, word = _size(effect)
    if size <= rules.stored_suspect:
        return _near(effect, rules)
    suspected = f"{percent(size)} {word}, above {percent(rules.stored_suspect)}"
    if can_confirm:
        return Verdict.UNDECIDED, effect, f"{suspected}: to be confirmed in lockstep"
    if size <= rules.stored_slower:
        why = f"{suspected} and not above {percent(rules.stored_slower)}: only lockstep with the base could tell"
        return Verdict.UNDECIDED, effect, why
    if effect.low <= 0 <= effect.high:
        return Verdict.UNDECIDED, effect, f"{suspected}, and no more than the runs scatter: more runs would tell"
    return word, effect, ""


def _size(effect: Effect) -> tuple[float, Verdict]:
    """Return how much slower the slower side is, and what that makes of the head: so the sides can change places."""
    if effect.value > 0:
        return effect.value, Verdict.SLOWER
    return 1 / (1 + effect.value) - 1, Verdict.FASTER


def _near(effect: Effect, rules: Rules) -> tuple[Verdict, Effect, str]:
    if effect.high < rules.limit:
        return Verdict.SAME, effect, ""
    why = f"it may be up to {percent(effect.high)} slower, and {percent(rules.limit)} cannot be excluded"
    return Verdict.UNDECIDED, effect, f"{why}: measure more runs, or in lockstep with the base"
