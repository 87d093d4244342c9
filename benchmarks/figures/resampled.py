"""The interval that the literature would give: a percentile bootstrap in two stages, starts and then their blocks.

A. C. Davison, D. V. Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8; T. Kalibera, R. Jones,
"Rigorous benchmarking in reasonable time", ISMM 2013. The suite does not use it: of five starts that differ as by a
normal distribution, its 95 % interval holds the truth in 89 % of cases, Student's in 95 %. ``repeat`` counts what both
hold of real ones.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import trim_mean

from benchmarks.measuring.ratio import Samples
from benchmarks.measuring.starts import CONFIDENCE, TRIMMED, Figure

RESAMPLES = 2000
WAYS = 200  # that the blocks of a start are drawn; of three there are ten that differ

Blocks = Sequence[Sequence[float]]


def two_stages(starts: Sequence[Blocks], statistic: Callable[[Samples], float]) -> Figure:
    """Return the trimmed geometric mean of the starts' *statistic*, with the bootstrap's interval."""
    generator = np.random.default_rng(0)
    ways = np.log([_ways(blocks, statistic, generator) for blocks in starts])
    shape = RESAMPLES, len(starts)
    drawn = ways[generator.integers(0, len(starts), shape), generator.integers(0, WAYS, shape)]
    ends = np.quantile(trim_mean(drawn, TRIMMED, axis=1), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    own = [math.log(statistic(np.concatenate(blocks))) for blocks in starts]
    low, high = np.exp(ends)
    return Figure(math.exp(trim_mean(own, TRIMMED)), len(starts), float(low), float(high), CONFIDENCE)


def _ways(blocks: Blocks, statistic: Callable[[Samples], float], generator: np.random.Generator) -> list[float]:
    """Return the statistic of as many blocks, drawn with replacement, WAYS times; of the same blocks computed once."""
    drawn = np.sort(generator.integers(0, len(blocks), (WAYS, len(blocks))), axis=1)
    different, which = np.unique(drawn, axis=0, return_inverse=True)
    values = [statistic(np.concatenate([blocks[index] for index in row])) for row in different]
    return [values[index] for index in which.ravel()]
