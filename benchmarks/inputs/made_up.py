"""Values made up for inputs that nobody gives: the same on every platform and in every run."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs.hints import Hint
from models.graph import Input
from models.manifest import ModelError

SEED = 20231
PIXEL_AXES = 3  # bytes in as many or more are a picture's: any of them will do


def values(declared: Input, shape: tuple[int, ...], hint: Hint, generator: np.random.Generator) -> NDArray[Any]:
    """Return values of the input's type that mean something to most models.

    Floating: normal. Bytes: all of them, as pixels. Other integers, and what is cast to them: indices of the table that
    they look up, else 0 and 1, valid as token, mask and index alike; what is divided by is never 0, and of what is
    counted there is one. Raises ModelError for other types.
    """
    kind = declared.dtype
    if kind.kind == "f" and not (hint.is_index or hint.is_divisor or hint.is_count):
        return generator.standard_normal(shape, np.float32).astype(kind)
    if kind.kind in "fiub":
        low, high = _range(kind, hint)
        return generator.integers(low, high, shape).astype(kind)
    raise ModelError(
        f"input {declared.name} is of type {kind}, for which no values can be made up; give it with --input FILE.npz"
    )


def _range(kind: np.dtype[Any], hint: Hint) -> tuple[int, int]:
    """Return the least value, and the one above the largest."""
    least = int(hint.is_divisor or hint.is_count)
    if hint.below:
        most = int(np.iinfo(kind).max) if kind.kind in "iu" else 1 if kind.kind == "b" else hint.below
        return least, max(min(hint.below, most + 1), 1 + least)
    if hint.is_count:
        return 1, 2
    high = 256 if kind == np.uint8 else 2
    return (1, max(high, 3)) if hint.is_divisor else (0, high)


def may_steer(declared: Input, hint: Hint) -> bool:
    """Whether a made-up value may choose what is computed: scalars, booleans, integers that look up no table."""
    if not declared.shape or declared.dtype.kind == "b":
        return True
    is_picture = declared.dtype == np.uint8 and len(declared.shape) >= PIXEL_AXES
    return declared.dtype.kind in "iu" and not hint.is_index and not is_picture
