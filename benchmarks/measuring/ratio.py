"""The ratio of two sessions that were measured in turns: what a shared machine cannot take away from a comparison."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring.starts import Figure, figure
from benchmarks.protocol import Block

Samples = NDArray[np.float64]


def percentile(samples: Sequence[float] | Samples, q: float) -> float:
    """Return the nearest-rank percentile: always a value that was observed."""
    return float(np.quantile(samples, q / 100, method="inverted_cdf"))


def p10(samples: Sequence[float] | Samples) -> float:
    """Return the 10th percentile, of fewer than ten samples the least: what the machine does undisturbed."""
    return percentile(samples, 10)


STATISTICS: dict[str, Callable[[Samples], float]] = {
    "p10": p10,
    "median": lambda samples: float(np.median(samples)),
    "mean": lambda samples: float(samples.mean()),
}


def by_start(blocks: Sequence[Block]) -> list[list[Block]]:
    """Return the blocks of each start, in the order of the starts."""
    starts: dict[int, list[Block]] = {}
    for block in blocks:
        starts.setdefault(block.start, []).append(block)
    return [*starts.values()]


def of_starts(blocks: Sequence[Block], statistic: str) -> list[float]:
    """Return a statistic of the samples of each start, in seconds."""
    return [_of(start, statistic) for start in by_start(blocks)]


def _of(blocks: Sequence[Block], statistic: str) -> float:
    return STATISTICS[statistic](np.concatenate([np.array(block.seconds) for block in blocks]))


@dataclass(frozen=True)
class Ratio:
    """The ratio of a session to its partner. Of few starts there is no interval."""

    statistic: str  # a name in STATISTICS
    value: float
    ours: float  # the statistic of each side, in seconds
    theirs: float
    pairs: int  # of blocks
    starts: int = 1  # of each side; until schema 2 there was one
    low: float | None = None
    high: float | None = None
    confidence: float | None = None  # of the interval
    error: float | None = None  # standard error of its log, as far as the starts tell
    degrees: int | None = None  # of freedom, of that
    cpu: float | None = None  # the ratio of processor seconds; None where the system does not tell

    @property
    def margin(self) -> float | None:
        """The half width of the interval, as a share of the ratio."""
        return Figure(self.value, self.starts, self.low, self.high).margin

    def to_json(self) -> dict[str, Any]:
        """Return what is known of it, for extra_info."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def paired(pairs: Sequence[tuple[Block, Block]], statistic: str = "p10") -> Ratio:
    """Return the ratio of the first to the second side of *pairs* of neighbouring blocks.

    In each start it is the ratio of the *statistic* of both sides' samples; of all starts it is the figure in their
    middle, with its interval (:mod:`benchmarks.measuring.starts`).
    """
    sides = [[pair[side] for pair in pairs] for side in (0, 1)]
    ours, theirs = (of_starts(blocks, statistic) for blocks in sides)
    middle = figure([our / their for our, their in zip(ours, theirs, strict=True)])
    cpu = [cpu_per_inference(blocks) for blocks in sides]
    return Ratio(
        statistic,
        middle.value,
        figure(ours).value,
        figure(theirs).value,
        len(pairs),
        middle.starts,
        middle.low,
        middle.high,
        middle.confidence,
        middle.error,
        middle.degrees,
        cpu[0] / cpu[1] if cpu[0] and cpu[1] else None,
    )


def over(ours: Ratio, theirs: Ratio) -> Figure:
    """Return one ratio over another to the same partner, which were measured apart: a ratio of ratios.

    Its interval is made of both by G. Y. Zou, A. Donner ("Construction of confidence limits about effect measures: a
    general approach", Statistics in Medicine 27, 2008, 1693-1702), of logs: the distances to the ends that lie farthest
    apart add as squares. Where one has no interval there is none.
    """
    value, starts = ours.value / theirs.value, min(ours.starts, theirs.starts)
    if ours.low is None or ours.high is None or theirs.low is None or theirs.high is None:
        return Figure(value, starts)
    down = math.hypot(math.log(ours.value / ours.low), math.log(theirs.high / theirs.value))
    up = math.hypot(math.log(ours.high / ours.value), math.log(theirs.value / theirs.low))
    return Figure(value, starts, value * math.exp(-down), value * math.exp(up))


def cpu_per_inference(blocks: Sequence[Block]) -> float | None:
    """Return the processor seconds of one inference; None where a block does not tell."""
    counted = [block.cpu.all_threads for block in blocks if block.cpu]
    inferences = sum(block.inferences for block in blocks)
    return math.fsum(counted) / inferences if len(counted) == len(blocks) else None
