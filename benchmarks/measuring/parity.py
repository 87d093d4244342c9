"""A platform's outputs against the reference's, piece by piece: they can be as large as memory allows."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.protocol import Outputs

PIECE = 1 << 20  # numbers compared at once; what is made of them takes some 30 MB


class ParityError(Exception):
    """A platform computes something else than the reference; its times would be of another model."""


def check_parity(platform: str, outputs: Outputs, expected: Outputs, tolerance: float, places: float = 0.0) -> float:
    """Return the largest difference relative to the output's largest expected value.

    Raises ParityError where that is above *tolerance*, where in more than a share of *places* whole numbers are not the
    reference's, where infinities or NaN are not, and for other names, shapes or types.
    """
    if [*outputs] != [*expected]:
        raise ParityError(f"{platform}: outputs {', '.join(outputs)}; the reference has {', '.join(expected)}")
    for name in expected:
        _check_kind(platform, name, outputs[name], expected[name])
    return max(_compare(f"{platform}: {name}", outputs[name], expected[name], tolerance, places) for name in expected)


def _check_kind(platform: str, name: str, output: NDArray[Any], expected: NDArray[Any]) -> None:
    if (output.shape, output.dtype) != (expected.shape, expected.dtype):
        kind, expected_kind = (f"{value.dtype} {list(value.shape)}" for value in (output, expected))
        raise ParityError(f"{platform}: {name} is {kind}, the reference's {expected_kind}")


def _compare(what: str, output: NDArray[Any], expected: NDArray[Any], tolerance: float, places: float) -> float:
    found = [_held(*piece) for piece in _pieces(output, expected)]
    allowed = int(places * expected.size) if expected.dtype.kind != "f" else 0
    if (unequal := sum(piece[0] for piece in found)) > allowed:
        but = f", of which {allowed} may differ" if allowed else ""
        raise ParityError(f"{what} differ from the reference's in {unequal} places that must be equal{but}")
    # numpy's maximum, which a NaN stays.
    farthest, largest = (float(np.max([piece[which] for piece in found], initial=0)) for which in (1, 2))
    difference = farthest / (largest or 1.0)
    if not difference <= tolerance:  # so that NaN fails
        raise ParityError(
            f"{what} differ from the reference's by {difference:.1e} of the largest, more than {tolerance}"
        )
    return difference


def _pieces(output: NDArray[Any], expected: NDArray[Any]) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Yield the numbers of both, which have one shape, in one order, however they lie in memory."""
    yield from np.nditer([output, expected], ["external_loop", "buffered", "zerosize_ok"], buffersize=PIECE)


def _held(output: NDArray[Any], expected: NDArray[Any]) -> tuple[int, float, float]:
    """Return how many places differ that must be equal, and of the others the largest difference and expected value."""
    exact = np.ones(expected.shape, bool) if expected.dtype.kind != "f" else ~np.isfinite(expected)
    unequal = np.sum((output != expected)[exact] & ~(np.isnan(output) & np.isnan(expected))[exact])
    output, expected = output[~exact].astype(np.float64), expected[~exact].astype(np.float64)
    return int(unequal), np.abs(output - expected).max(initial=0), np.abs(expected).max(initial=0)


def moved_places(outputs: Outputs, expected: Outputs) -> float | None:
    """Return in which share of its places the output of whole numbers differs that does so most; None without one."""
    shares = [
        float(np.mean(value != expected[name]))
        for name, value in outputs.items()
        if value.dtype.kind != "f" and value.shape == expected[name].shape and value.size
    ]
    return max(shares, default=None)


def proving_nothing(expected: Outputs) -> list[str]:
    """Return the outputs that hold no finite number: any platform that answers the same of them may be wrong."""
    return [
        name for name, value in expected.items() if not any(np.isfinite(piece).any() for piece in _one_by_one(value))
    ]


def _one_by_one(value: NDArray[Any]) -> Iterator[NDArray[Any]]:
    yield from np.nditer([value], ["external_loop", "buffered", "zerosize_ok"], buffersize=PIECE)
