"""A figure and the interval that it lies in, carried through sums and comparisons."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.measuring.starts import Figure


@dataclass(frozen=True)
class Span:
    """A value from low to high. Of a figure without an interval nothing is known: it reaches from 0 to infinity.

    Intervals are carried by their ends: the low of a sum is the sum of the lows. That is wider than chance would make
    it, and it can be checked by hand.
    """

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, figure: Figure) -> "Span":
        """Return a measured figure with its interval."""
        if figure.low is None or figure.high is None:
            return cls(figure.value, 0.0, math.inf)
        return cls(figure.value, figure.low, figure.high)

    @classmethod
    def exactly(cls, value: float) -> "Span":
        """Return a figure that is known."""
        return cls(value, value, value)

    @property
    def has_interval(self) -> bool:
        """Whether anything is known of how far it scatters."""
        return math.isfinite(self.high) or self.low == self.value

    def __add__(self, other: "Span") -> "Span":
        return Span(self.value + other.value, self.low + other.low, self.high + other.high)

    def less(self, other: "Span") -> "Span":
        """Return the difference to *other*, which is never below 0."""
        ends = (self.value - other.value, self.low - other.high, self.high - other.low)
        return Span(*(max(0.0, end) for end in ends))

    def times(self, factor: float) -> "Span":
        """Return it so many times."""
        return Span(self.value * factor, self.low * factor, self.high * factor)

    def widened(self, share: float) -> "Span":
        """Return it with an interval that is wider by a *share* at each end."""
        return Span(self.value, self.low / (1 + share), self.high * (1 + share))

    def is_below(self, other: "Span") -> bool | None:
        """Whether it is the lesser of the two; None where the intervals overlap."""
        if self.high < other.low:
            return True
        return False if other.high < self.low else None


NOTHING = Span.exactly(0.0)


def through(rising: Callable[..., float], *spans: Span) -> Span:
    """Return what a function that rises in each argument makes of *spans*, its ends of their ends."""
    return Span(
        rising(*(span.value for span in spans)),
        rising(*(span.low for span in spans)),
        rising(*(span.high for span in spans)),
    )
