"""Inputs made from what a graph declares: the same on every platform and in every run."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.protocol import Feeds
from models.manifest import ModelError

if TYPE_CHECKING:
    from models.graph import Input

SEED = 20231
Dims = Mapping[str, int]  # length of each free dimension, by its name or as input:axis


def fixed_batch(inputs: "list[Input]") -> int | None:
    """Return the batch size that the graph fixes; None where it is free."""
    axis = _batch_axis(inputs)
    return axis if isinstance(axis, int) else None


def seeded_feeds(model: Path, batch_size: int, dims: Dims | None = None) -> Feeds:
    """Return an array for every declared input of *model*.

    The first axis of the first input is the batch, and so is every free dimension of the same name. Other free
    dimensions have the lengths in *dims*. Raises ModelError where the graph fixes another batch size, where a free
    dimension has no length, where *dims* sets the batch's as well, and where values of an input's type cannot be made.
    """
    from models import graph  # not above: a run that reads no file need not wait for onnx

    inputs, generator = graph.declared_inputs(graph.read(model)), np.random.default_rng(SEED)
    if (fixed := fixed_batch(inputs)) not in (None, batch_size):
        raise ModelError(f"{model.name}: the graph has a fixed batch of {fixed}; measure it with --batch-size {fixed}")
    batch, given_dims = _batch(inputs, batch_size), dict(dims or {})
    if twice := batch.keys() & given_dims:
        raise ModelError(f"{model.name}: {twice.pop()} is the batch; set it with --batch-size, not with --dim")
    lengths = batch | given_dims
    return {declared.name: _values(model, declared, _shape(model, declared, lengths), generator) for declared in inputs}


def seeded_batch(size: int) -> NDArray[np.float32]:
    """Return *size* images as the catalogue is fed, float32 [size, 3, 32, 32], distributed as normalised ones are."""
    return np.random.default_rng(SEED).standard_normal((size, 3, 32, 32), np.float32)


def _batch_axis(inputs: "list[Input]") -> int | str | None:
    """Return what the graph says of its batch: a number, a name, or None where it is free without a name."""
    return inputs[0].shape[0] if inputs and inputs[0].shape else 1


def _batch(inputs: "list[Input]", size: int) -> dict[str, int]:
    """Return the length of the batch dimension under its name, or under input:0 of each input where it has none."""
    axis = _batch_axis(inputs)
    if isinstance(axis, int):
        return {}
    if axis:
        return {axis: size}
    return {f"{declared.name}:0": size for declared in inputs if declared.shape and declared.shape[0] is None}


def _shape(model: Path, declared: "Input", lengths: Dims) -> tuple[int, ...]:
    return tuple(_length(model, declared, axis, lengths) for axis in range(len(declared.shape)))


def _length(model: Path, declared: "Input", axis: int, lengths: Dims) -> int:
    length = declared.shape[axis]
    if isinstance(length, int):
        return length
    key = length or f"{declared.name}:{axis}"
    if key not in lengths:
        raise ModelError(f"{model.name}: input {declared.name} has the free dimension {key}; set it with --dim {key}=N")
    return lengths[key]


def _values(model: Path, declared: "Input", shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[Any]:
    """Return values of the input's type that mean something to most models.

    Floating: normal. Bytes: all of them, as pixels. Other integers: 0 and 1, valid as token, mask and index alike.
    """
    kind = declared.dtype.kind
    if kind == "f":
        return generator.standard_normal(shape, np.float32).astype(declared.dtype)
    if kind in "iub":
        return generator.integers(0, 256 if declared.dtype == np.uint8 else 2, shape).astype(declared.dtype)
    raise ModelError(
        f"{model.name}: input {declared.name} is of type {declared.dtype}, for which no values can be made up"
    )
