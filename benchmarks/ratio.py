"""The ratio of two sessions that were measured in turns: what a shared machine cannot take away from a comparison."""

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.protocol import Block

CONFIDENCE = 0.95
Statistic = Callable[[Sequence[float]], float]


def percentile(ordered: Sequence[float], q: float) -> float:
    """Return the nearest-rank percentile of *ordered* values: always one that was observed."""
    return ordered[max(0, math.ceil(q / 100 * len(ordered)) - 1)]


def p10(samples: Sequence[float]) -> float:
    """Return the 10th percentile, of fewer than ten samples the least: what the machine does when it is let."""
    return percentile(sorted(samples), 10)


STATISTICS: dict[str, Statistic] = {"p10": p10, "mean": statistics.fmean}


def paired(pairs: Sequence[tuple[Block, Block]], statistic: str = "p10") -> dict[str, Any]:
    """Return the ratio of the first to the second side of *pairs* of neighbouring blocks, for extra_info.

    ``value`` is the median over pairs of the ratio of the two blocks' *statistic*; ``low`` and ``high`` bound it with
    the ``confidence`` that is told, by the ranks of the sign test (W. J. Conover, "Practical Nonparametric Statistics",
    1999, section 3.2), which supposes nothing of the noise. ``cpu`` is the ratio of processor seconds an inference.
    """
    of = STATISTICS[statistic]
    ratios = sorted(of(ours.seconds) / of(theirs.seconds) for ours, theirs in pairs)
    rank, confidence = _rank(len(ratios))
    found = {
        "statistic": statistic,
        "value": statistics.median(ratios),
        "low": ratios[rank],
        "high": ratios[-1 - rank],
        "confidence": confidence,
        "pairs": len(ratios),
    }
    sides = [_cpu([pair[side] for pair in pairs]) for side in (0, 1)]
    return found | ({"cpu": sides[0] / sides[1]} if sides[0] and sides[1] else {})


def _rank(count: int) -> tuple[int, float]:
    """Return how many ratios lie outside the interval on each side, and its confidence; all within if they are few."""
    below = 0.0
    rank, confidence = 0, 1 - 2 * 0.5**count
    for outside in range(count // 2):
        below += math.comb(count, outside) * 0.5**count
        if 1 - 2 * below < CONFIDENCE:
            break
        rank, confidence = outside, 1 - 2 * below
    return rank, confidence


def _cpu(blocks: Sequence[Block]) -> float | None:
    """Return the processor seconds of one inference; None where a block does not tell."""
    counted = [block.cpu.all_threads for block in blocks if block.cpu]
    inferences = sum(len(block.seconds) for block in blocks)
    return math.fsum(counted) / inferences if len(counted) == len(blocks) else None
