"""What changed in a series: steps, by Apache Otava, and what the whole adds up to, which shows a creep.

Otava splits a series where two parts differ most (D. S. Matteson, N. A. James, "A Nonparametric Approach for Multiple
Change Point Analysis of Multivariate Data", 2014) and keeps a split that a t-test confirms. It makes steps of a creep,
too, where that has some twenty runs. The sum says it plainly, and needs nine.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from otava.analysis import compute_change_points
from scipy.stats import t as student

# How often these are wrong and what they see is printed by `python -m benchmarks.history.rates`.
MAX_P = 1e-4  # of a step: Otava tries every commit of every benchmark, so a thousandth is too often
LEAST_STEP = 0.01
WINDOW = 200  # runs that Otava looks at together: its own 50 cut a slow creep into pieces
CONFIDENCE = 0.999  # of the sum's interval
SHORTEST = 9  # runs, for a sum
MOST = 7  # runs at each end whose means are compared


@dataclass(frozen=True)
class Step:
    """The benchmark became slower or faster with one commit."""

    index: int  # of the first point after it
    before: float  # milliseconds, mean since the step before
    after: float
    p: float

    @property
    def change(self) -> float:
        """The relative change: 0.03 is 3 % slower."""
        return self.after / self.before - 1


@dataclass(frozen=True)
class Total:
    """How far the last runs are from the first: 0.03 is 3 % slower."""

    change: float
    low: float
    high: float
    runs: int  # at each end

    @property
    def is_change(self) -> bool:
        """Whether it is more than noise."""
        return not self.low <= 0 <= self.high and abs(self.change) >= LEAST_STEP


def steps(values: Sequence[float]) -> list[Step]:
    """Return the steps of a series, in order; a series of fewer than three values has none."""
    if len(values) < 3:
        return []
    points, _weak = compute_change_points([*values], window_len=WINDOW, max_pvalue=MAX_P, min_magnitude=LEAST_STEP)
    return [
        Step(int(point.index), float(point.stats.mean_1), float(point.stats.mean_2), float(point.stats.pvalue))
        for point in points
    ]


def total(values: Sequence[float]) -> Total | None:
    """Return the change from the first runs to the last; None of a series that is too short.

    The noise is estimated from neighbours' differences, into which neither a creep nor a step enters (J. von Neumann,
    "Distribution of the Ratio of the Mean Square Successive Difference to the Variance", 1941). So the interval is
    right where runs scatter independently; where neighbours resemble each other it is too narrow.
    """
    if len(values) < SHORTEST:
        return None
    logs, runs = [math.log(value) for value in values], min(MOST, len(values) // 3)
    change = statistics.fmean(logs[-runs:]) - statistics.fmean(logs[:runs])
    differences = [after - before for before, after in pairwise(logs)]
    deviation = math.sqrt(statistics.fmean(value**2 for value in differences) / 2)
    freedom = 2 * len(differences) ** 2 / (3 * len(differences) - 1)  # of such an estimate
    margin = student.ppf(0.5 + CONFIDENCE / 2, freedom) * deviation * math.sqrt(2 / runs)
    return Total(math.expm1(change), math.expm1(change - margin), math.expm1(change + margin), runs)
