"""The ratio of two figures of independent runs, which no turns hold together."""

import math
from dataclasses import dataclass

from benchmarks.measuring.starts import Figure


@dataclass(frozen=True)
class Ratio:
    """How many times the reference's figure, with the interval of 95 % where both sides have theirs."""

    value: float
    low: float | None = None
    high: float | None = None


def of_independent(ours: Figure, theirs: Figure) -> Ratio | None:
    """Return *ours* over *theirs*; None where either is no time.

    The interval is made of both sides' own, in logs, by the method of variance estimates recovery (G. Zou, A. Donner,
    "Construction of confidence limits about effect measures: a general approach", Statistics in Medicine 27, 2008,
    1693-1702): the distances to the ends that pull the same way add as squares. So it knows of starts and of the
    machine as far as these do, and of nothing that both runs share.
    """
    if not (_is_a_time(ours.value) and _is_a_time(theirs.value)):
        return None
    value = ours.value / theirs.value
    if not all(_is_a_time(end) for end in (ours.low, ours.high, theirs.low, theirs.high)):
        return Ratio(value)
    down = math.hypot(_apart(ours.value, ours.low), _apart(theirs.high, theirs.value))
    up = math.hypot(_apart(ours.high, ours.value), _apart(theirs.value, theirs.low))
    return Ratio(value, value * math.exp(-down), value * math.exp(up))


def _is_a_time(value: float | None) -> bool:
    return value is not None and 0 < value < math.inf


def _apart(above: float | None, below: float | None) -> float:
    """Return the distance of two times, in logs."""
    return math.log(above / below) if above and below else math.nan
