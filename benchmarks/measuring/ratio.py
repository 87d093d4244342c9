"""The ratio of two sessions that were measured in turns: what a shared machine cannot take away from a comparison."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.protocol import Block

CONFIDENCE = 0.95
RESAMPLES = 999
FEWEST_PAIRS = 4  # fewer do not tell how they scatter
Samples = NDArray[np.float64]


def percentile(samples: Sequence[float] | Samples, q: float) -> float:
    """Return the nearest-rank percentile: always a value that was observed."""
    return float(np.quantile(samples, q / 100, method="inverted_cdf"))


def p10(samples: Sequence[float] | Samples) -> float:
    """Return the 10th percentile, of fewer than ten samples the least: what the machine does undisturbed."""
    return percentile(samples, 10)


STATISTICS: dict[str, Callable[[Samples], float]] = {"p10": p10, "mean": lambda samples: float(samples.mean())}


@dataclass(frozen=True)
class Ratio:
    """The ratio of a session to its partner. Of few pairs there is no interval."""

    statistic: str  # a name in STATISTICS
    value: float
    ours: float  # the statistic of each side's samples, in seconds
    theirs: float
    pairs: int
    low: float | None = None
    high: float | None = None
    confidence: float | None = None  # of the interval
    cpu: float | None = None  # the ratio of processor seconds; None where the system does not tell

    def to_json(self) -> dict[str, Any]:
        """Return what is known of it, for extra_info."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def paired(pairs: Sequence[tuple[Block, Block]], statistic: str = "p10") -> Ratio:
    """Return the ratio of the first to the second side of *pairs* of neighbouring blocks.

    The value is the ratio of the *statistic* of all samples of each side. Its interval is made by resampling pairs (B.
    Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13): it speaks of the noise within this run.
    """
    sides = [[np.array(pair[side].seconds) for pair in pairs] for side in (0, 1)]
    ours, theirs = (STATISTICS[statistic](np.concatenate(side)) for side in sides)
    interval = _interval(sides, statistic) if len(pairs) >= FEWEST_PAIRS else {}
    cpu = [cpu_per_inference([pair[side] for pair in pairs]) for side in (0, 1)]
    cpu_ratio = cpu[0] / cpu[1] if cpu[0] and cpu[1] else None
    return Ratio(statistic, ours / theirs, ours, theirs, len(pairs), **interval, cpu=cpu_ratio)


def _interval(sides: list[list[Samples]], statistic: str) -> dict[str, float]:
    generator, compute, values = np.random.default_rng(0), STATISTICS[statistic], []
    for _ in range(RESAMPLES):
        chosen = generator.integers(0, len(sides[0]), len(sides[0]))
        ours, theirs = (compute(np.concatenate([side[index] for index in chosen])) for side in sides)
        values.append(ours / theirs)
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return {"low": float(low), "high": float(high), "confidence": CONFIDENCE}


def cpu_per_inference(blocks: Sequence[Block]) -> float | None:
    """Return the processor seconds of one inference; None where a block does not tell."""
    counted = [block.cpu.all_threads for block in blocks if block.cpu]
    inferences = sum(len(block.seconds) for block in blocks)
    return math.fsum(counted) / inferences if len(counted) == len(blocks) else None
