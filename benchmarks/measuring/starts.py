"""What several starts say together: the figure in their middle, and the interval that holds the figure of all starts.

A start is a fresh page or process. One can be fast or slow for as long as it lives (how its code was compiled, where
its memory fell), so the samples of one say nothing of the next, however many there are. What can be said of a figure
comes from how the starts differ (A. Georges et al., "Statistically rigorous Java performance evaluation", OOPSLA
2007; T. Kalibera, R. Jones, "Rigorous benchmarking in reasonable time", ISMM 2013: repeat the level that varies most,
and take the interval from its means).
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy.special import stdtr, stdtrit

CONFIDENCE = 0.95
TRIMMED = 0.2  # of the starts at each end: of five, one may be anything
FEWEST_STARTS = 3  # of fewer nothing can be said about how they scatter
LEAST_SPREAD = 5e-4  # of logs: equal values are a coarse clock, not certainty
ODD = 0.01  # probability that a start of a benchmark without odd ones is called odd
LEAST_ODD = 0.05  # nor is one that differs by less


@dataclass(frozen=True)
class Estimate:
    """The trimmed mean of logs, one of each start, and how far it can be trusted.

    The standard error is Yuen's, from the winsorised standard deviation (J. W. Tukey, D. H. McLaughlin, "Less
    vulnerable confidence and significance procedures for location based on a single sample", Sankhya A 25, 1963,
    331-352; K. K. Yuen, "The two-sample trimmed t for unequal population variances", Biometrika 61, 1974, 165-170). Of
    fewer than five values none is trimmed, and it is Student's.
    """

    value: float
    spread: float  # the winsorised standard deviation
    starts: int

    @property
    def degrees(self) -> int:
        """The degrees of freedom: one less than the values that are not trimmed."""
        return degrees(self.starts)

    @property
    def error(self) -> float:
        """The standard error."""
        return self.spread * error_of_one(self.starts)

    def p_value(self, margin: float, sign: int) -> float:
        """Return the one-sided p of no more than *margin*, in logs, in the direction of *sign*."""
        return float(stdtr(self.degrees, -(sign * self.value - margin) / self.error))

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the ends of the interval, in logs."""
        half = quantile((1 + confidence) / 2, self.degrees) * self.error
        return self.value - half, self.value + half


def estimate(logs: Sequence[float]) -> Estimate | None:
    """Return the estimate of *logs*, one of each start; None of fewer than FEWEST_STARTS."""
    if len(logs) < FEWEST_STARTS:
        return None
    ordered, cut = np.sort(logs), _trimmed(len(logs))
    middle = ordered[cut : len(ordered) - cut]
    spread = float(ordered.clip(middle[0], middle[-1]).std(ddof=1))
    return Estimate(float(middle.mean()), max(spread, LEAST_SPREAD), len(logs))


def _trimmed(starts: int) -> int:
    return math.floor(TRIMMED * starts + 1e-9)


def degrees(starts: int) -> int:
    """Return the degrees of freedom of so many starts."""
    return starts - 2 * _trimmed(starts) - 1


def error_of_one(starts: int) -> float:
    """Return the standard error of a spread of 1."""
    left = degrees(starts)
    return math.sqrt((starts - 1) / ((left + 1) * left))


@cache
def quantile(probability: float, degrees: float) -> float:
    """Return that quantile of Student's t."""
    return float(stdtrit(degrees, probability))


@dataclass(frozen=True)
class Figure:
    """A statistic of a benchmark, in the middle of its starts. Of few starts there is no interval."""

    value: float
    starts: int
    low: float | None = None
    high: float | None = None
    confidence: float | None = None  # that the figure of all the starts there could be lies in the interval
    error: float | None = None  # standard error of its log, as far as the starts tell
    degrees: int | None = None  # of freedom, of that

    @property
    def margin(self) -> float | None:
        """The half width of the interval, as a share of the figure."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2 / self.value

    def to_json(self) -> dict[str, Any]:
        """Return what is known of it, for extra_info."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def figure(values: Sequence[float]) -> Figure:
    """Return the figure of *values*, one of each start, all above zero: their trimmed geometric mean.

    Its interval is Student's, of the logs, and Yuen's where there are odd ones: of five starts Yuen's alone is half as
    wide again, for it leaves two degrees of freedom. How often it holds what it should, ``tox run -e repeat`` measures.
    """
    logs = [math.log(value) for value in values]
    estimated = estimate(logs)
    if estimated is None:
        return Figure(math.exp(math.fsum(logs) / len(logs)) if len(values) > 1 else values[0], len(values))
    error, left = estimated.error, estimated.degrees
    if not odd_ones(values):
        error, left = max(float(np.std(logs, ddof=1)), LEAST_SPREAD) / math.sqrt(len(logs)), len(logs) - 1
    half = quantile((1 + CONFIDENCE) / 2, left) * error
    low, high = math.exp(estimated.value - half), math.exp(estimated.value + half)
    return Figure(math.exp(estimated.value), len(values), low, high, CONFIDENCE, error, left)


def odd_ones(values: Sequence[float]) -> dict[int, float]:
    """Return the starts that differ from their siblings by more than these scatter: how many times as much they are.

    A value is odd where it lies outside what the others predict of one more (F. E. Grubbs, "Procedures for detecting
    outlying observations in samples", Technometrics 11, 1969, 1-21, in its form with Student's t), and by LEAST_ODD.
    """
    if len(values) <= FEWEST_STARTS:
        return {}
    logs = np.log(values)
    limit = quantile(1 - ODD / 2 / len(logs), len(logs) - 2)
    odd = {}
    for number, value in enumerate(logs):
        others = np.delete(logs, number)
        distance = abs(value - others.mean())
        scatter = max(others.std(ddof=1), LEAST_SPREAD) * math.sqrt(1 + 1 / len(others))
        if distance > max(limit * scatter, math.log1p(LEAST_ODD)):
            odd[number] = math.exp(value - others.mean())
    return odd
