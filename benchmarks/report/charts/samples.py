"""What a chart shows of many samples: how they are spread, and how they came one after another. All are counted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.intp]
Numbers = NDArray[np.float64]


def checked(samples: Sequence[float] | Numbers) -> Numbers:
    """Return *samples* as an array; raise ValueError where one is no time: NaN, infinite, or not above zero."""
    array = np.asarray(samples, dtype=np.float64)
    if not (np.isfinite(array).all() and (array > 0).all()):
        raise ValueError(f"{count_no_times(samples)} of {len(array)} samples are no times")
    return array


def count_no_times(samples: Sequence[float] | Numbers) -> int:
    """Return how many of *samples* are no positive finite numbers."""
    array = np.asarray(samples, dtype=np.float64)
    return int((~(np.isfinite(array) & (array > 0))).sum())


def bin_width(places: Numbers, least: float, most: float) -> float:
    """Return how wide the bins of *places* are, a multiple of *least*, up to *most*.

    Twice the width of their middle half over the cube root of their number (D. Freedman, P. Diaconis, "On the histogram
    as a density estimator: L2 theory", Zeitschrift für Wahrscheinlichkeitstheorie 57, 1981, 453-476).
    """
    low, high = map(float, np.quantile(places, (0.25, 0.75)))
    wanted = 2 * (high - low) / math.cbrt(len(places))
    return min(max(1, math.ceil(wanted / least)) * least, most)


def histogram(places: Numbers, low: float, high: float, width: float) -> Counts:
    """Return how many of *places* lie in each bin of *width* from *low* to *high*, its ends included."""
    number = max(1, math.ceil((high - low) / width))
    bins = np.clip(np.floor((places - low) / width).astype(np.intp), 0, number - 1)
    return np.bincount(bins, minlength=number)


@dataclass(frozen=True)
class Bucket:
    """Neighbouring samples of one start."""

    number: int
    least: float
    median: float
    most: float


def buckets(starts: Sequence[Sequence[float] | Numbers], number: int) -> list[list[Bucket]]:
    """Return some *number* of buckets in the order that was drawn, those of each start together.

    A bucket never holds samples of two starts, and a start has one at least.
    """
    total = sum(map(len, starts))
    return [_buckets(checked(start), max(1, round(number * len(start) / total))) for start in starts if len(start)]


def _buckets(samples: Numbers, number: int) -> list[Bucket]:
    """Return so many buckets, as even as can be: the first have a sample more where it does not go up."""
    number = min(number, len(samples))
    size, longer = divmod(len(samples), number)
    parts = samples[: longer * (size + 1)].reshape(longer, size + 1), samples[longer * (size + 1) :].reshape(-1, size)
    return [
        Bucket(part.shape[1], *ends)
        for part in parts
        for ends in zip(part.min(1).tolist(), np.median(part, 1).tolist(), part.max(1).tolist(), strict=True)
        if len(part)
    ]


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return which of *points*, each a cost and a worth, no other dominates, by their cost: Pareto's front.

    One dominates another where it costs no more and is worth no less, and is better in one of the two. So of equal
    points all stay.
    """
    order = sorted(range(len(points)), key=lambda at: (points[at][0], -points[at][1]))
    kept: list[int] = []
    for at in order:
        if not kept or points[at][1] > points[kept[-1]][1] or points[at] == points[kept[-1]]:
            kept.append(at)
    return kept
