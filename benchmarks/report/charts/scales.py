"""A logarithmic axis: where a value lies on it, and the values that are written below it."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_SPAN = 1.3  # from end to end: equal values get an axis, too
ROOM = 0.04  # of the span, left free at each end
MOST_TICKS = 8
MOST_EVEN = 5  # steps


@dataclass(frozen=True)
class LogScale:
    """An axis from *low* to *high*, drawn from *left* to *right*, in px."""

    low: float
    high: float
    left: float
    right: float

    @classmethod
    def of(cls, values: Iterable[float], left: float, right: float) -> "LogScale":
        """Return the axis that holds all *values*, which are above zero."""
        known = [*values]
        low, high = min(known), max(known)
        room = max((high / low) ** ROOM, math.sqrt(max(1.0, LEAST_SPAN / (high / low))))
        return cls(low / room, high * room, left, right)

    def px(self, values: float | Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where *values* lie."""
        share = np.log(np.asarray(values, dtype=np.float64) / self.low) / math.log(self.high / self.low)
        return self.left + share * (self.right - self.left)

    def at(self, value: float) -> float:
        """Return where a value lies, no farther out than the axis."""
        return float(np.clip(self.px(value), self.left, self.right)) if value > 0 else self.left

    @property
    def ticks(self) -> list[float]:
        """The values that are written: of a few decades 1, 2 and 5, of many the decades, of a small span even steps."""
        for digits in ((1, 2, 5), (1, 3), (1,)):
            if 3 <= len(found := self._of_decades(digits)) <= MOST_TICKS:
                return found
        return even(self.low, self.high) if self.high / self.low < 10 else self._of_decades((1,))[:: self._every]

    def _of_decades(self, digits: Sequence[int]) -> list[float]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        all_ = [float(f"{digit}e{power}") for power in range(first, last + 1) for digit in digits]
        return [value for value in all_ if self.low <= value <= self.high]

    @property
    def _every(self) -> int:
        return math.ceil(math.log10(self.high / self.low) / MOST_TICKS)


def even(low: float, high: float) -> list[float]:
    """Return the multiples between *low* and *high* of the smallest round step that makes no more than five steps."""
    span = high - low
    power = 10.0 ** math.floor(math.log10(span / MOST_EVEN))
    step = next(step for digit in (1, 2, 5, 10) if span / (step := digit * power) <= MOST_EVEN)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [float(f"{number * step:.6g}") for number in range(first, last + 1)]
