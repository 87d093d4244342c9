"""The highest rate that is carried, found by bisection."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

STEP = 1.2  # from a first guess to the next rate, and more each time
MOST = 30  # trials


@dataclass
class Bracket:
    """What was seen of rates: each that was carried or failed, as often as it was tried."""

    carried: list[float] = field(default_factory=list)  # without those that a lower rate's failure calls luck
    failed: list[float] = field(default_factory=list)
    luckiest: float = 0.0  # the highest that was ever carried

    def note(self, rate: float, is_carried: bool) -> None:
        """Take in what came of a rate; where it failed, higher ones and it itself were carried by luck."""
        if is_carried:
            self.carried.append(rate)
            self.luckiest = max(self.luckiest, rate)
        else:
            self.failed.append(rate)
            self.carried = [lower for lower in self.carried if lower < rate]

    @property
    def low(self) -> float | None:
        """The highest rate that was carried and did not fail, nor did one below it; None where there is none."""
        return max(self.carried, default=None)

    @property
    def high(self) -> float | None:
        """The lowest rate that failed; None where none did."""
        return min(self.failed, default=None)

    @property
    def top(self) -> float | None:
        """The lowest rate that failed and above which none was carried, even by luck; None where there is none."""
        return min((rate for rate in self.failed if rate > self.luckiest), default=None)

    @property
    def is_contradictory(self) -> bool:
        """Whether a rate was carried, and it or a lower one was not."""
        return self.high is not None and self.high <= self.luckiest

    def is_within(self, precision: float) -> bool:
        """Whether low and high are no further apart than *precision*, as a share."""
        return self.low is not None and self.high is not None and self.high <= self.low * (1 + precision)


def highest(carries: Callable[[float], bool], first: float, least: float, precision: float) -> Bracket:
    """Find the highest rate that *carries* says is carried, up to *precision*, from a *first* guess.

    No rate below *least* is tried. What it says may be chance, so the rate that is found was carried twice.
    """
    bracket, rate, step = Bracket(), first, STEP
    for _ in range(MOST):
        bracket.note(rate, carries(rate))
        low, high = bracket.low, bracket.high
        if low is not None and bracket.is_within(precision):
            if bracket.carried.count(low) > 1:
                break
            rate = low
        elif low is not None and high is not None:
            rate, step = math.sqrt(low * high), STEP
        else:
            rate = (low or math.inf) * step if high is None else high / step
            step *= STEP
        if rate < least:
            break
    return bracket
