"""What a model is fed: which dimension is the batch, how long the others are, and the values, given or made up.

The door is :func:`fed`, from a graph and a person's :class:`Wishes` to arrays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.protocol import Case, Feeds, Normalisation, Shapes, UnavailableError
from models.manifest import Artefact, ModelError

if TYPE_CHECKING:
    import onnx

    from benchmarks.inputs.dimensions import Dimensions
    from benchmarks.inputs.given import Arrays
    from benchmarks.inputs.hints import Hint
    from benchmarks.inputs.pixels import Picture
    from models.graph import Input

MADE_UP = "made up"
AS = ", as "  # and what of it a model is fed, where that is not the values themselves
SEVERAL = 8  # samples that are asked at once and one by one


@dataclass(frozen=True)
class Wishes:
    """What a person says of a file's inputs."""

    dims: tuple[tuple[str, int], ...] = ()  # lengths, by a dimension's name or input:axis
    batch_axes: tuple[str, ...] = ()  # input:axis
    values: tuple[tuple[str, str], ...] = ()  # by the input's name
    arrays: "Arrays | Picture | None" = None
    normalisation: Normalisation | None = None  # of pixels; None: scaled to 0…1 alone


@dataclass(frozen=True)
class Fed:
    """What a model is fed, and where it comes from."""

    feeds: Feeds
    batch_size: int | None  # None of a graph without a batch: nothing in it can be counted
    batch_axes: Mapping[str, int] = field(default_factory=dict)  # of the inputs that have the batch
    sources: Mapping[str, str] = field(default_factory=dict)  # of each input: made up, or what was given
    steering: tuple[str, ...] = ()  # inputs whose made-up values may choose what is computed
    # Where the input is made of pixels: the bytes behind its floats, what normalised them, and a picture's own file.
    pixels: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    normalisation: Normalisation | None = None  # with a number for each channel
    encoded: bytes | None = None

    @property
    def shapes(self) -> Shapes:
        """The shape of every input."""
        return {name: value.shape for name, value in self.feeds.items()}

    @property
    def made_up(self) -> list[str]:
        """The inputs whose values nobody chose."""
        return [name for name, source in self.sources.items() if source.partition(AS)[0] == MADE_UP]


def fed(model: Path, batch_size: int | None, wishes: Wishes | None = None) -> Fed:
    """Return an array for every declared input of *model*, in batches of *batch_size*.

    Raises ModelError, in one line and with the option that helps, where the graph has another batch or none, where a
    length is missing, and where what was given is not what the graph takes.
    """
    wishes = wishes or Wishes()
    try:
        return _fed(model, batch_size, wishes)
    except ModelError as error:
        raise ModelError(f"{model.name}: {error}") from error


def fed_pixels(model: Path, batch_size: int | None, wishes: Wishes | None = None) -> Fed:
    """Return the same made of whole pixels, with their bytes; see :func:`benchmarks.inputs.pixels.as_pixels`.

    Raises UnavailableError, too, where the model's input cannot be pixels.
    """
    from benchmarks.inputs.pixels import UNIT, as_pixels

    wishes = wishes or Wishes()
    given = fed(model, batch_size, wishes)
    try:
        return as_pixels(given, wishes.normalisation or UNIT)
    except (ModelError, UnavailableError) as error:
        raise type(error)(f"{model.name}: {error}") from error


def several(model: Path, wishes: Wishes) -> Fed | None:
    """Return made-up arrays for SEVERAL samples at once; None where the graph takes no other number than its own."""
    try:
        has_batch, only = only_batch(model, replace(wishes, arrays=None))
        return fed(model, SEVERAL, replace(wishes, arrays=None)) if has_batch and only is None else None
    except ModelError:  # a length that only the arrays told
        return None


def case_of(artefact: Artefact, batch_size: int | None = 1, threads: int = 1, slowdown: int = 1) -> Case:
    """Return a case whose inputs are made up."""
    return Case(artefact, batch_size or 1, threads, slowdown=slowdown, shapes=fed(artefact.path, batch_size).shapes)


def seeded_feeds(model: Path, batch_size: int, dims: Mapping[str, int] | None = None) -> Feeds:
    """Return made-up arrays for every declared input of *model*."""
    return fed(model, batch_size, Wishes(dims=tuple((dims or {}).items()))).feeds


def seeded_batch(size: int) -> NDArray[np.float32]:
    """Return *size* images as the catalogue is fed, float32 [size, 3, 32, 32], distributed as normalised ones are."""
    from benchmarks.inputs.made_up import SEED

    return np.random.default_rng(SEED).standard_normal((size, 3, 32, 32), np.float32)


def _fed(model: Path, batch_size: int | None, wishes: Wishes) -> Fed:
    from benchmarks.inputs import given, made_up

    dimensions, arrays = _dimensions(model, wishes), _arrays(model, wishes)
    known = {name: array.shape for name, array in arrays.items()}
    check_batch(dimensions, batch_size, batch_of(dimensions, known))
    shapes = dimensions.shapes(batch_size, known)
    by_value, uses = given.of_values(wishes.values), _hints(model, shapes)
    generator = np.random.default_rng(made_up.SEED)
    feeds: dict[str, NDArray[Any]] = {}
    sources: dict[str, str] = {}
    for one in dimensions.inputs:
        if one.name in arrays:
            assert wishes.arrays is not None, "who has arrays has their file"
            feeds[one.name], sources[one.name] = arrays[one.name], wishes.arrays.source
        elif one.name in by_value:
            sources[one.name] = by_value[one.name]
            feeds[one.name] = given.filled(one, by_value[one.name], shapes[one.name])
        else:
            sources[one.name] = MADE_UP
            feeds[one.name] = made_up.values(one, shapes[one.name], uses[one.name], generator)
    invented = [one for one in dimensions.inputs if sources[one.name] == MADE_UP]
    steering = tuple(one.name for one in invented if made_up.may_steer(one, uses[one.name]))
    given_fed = Fed(feeds, batch_size, dimensions.batch.axes if dimensions.batch else {}, sources, steering)
    return _of_picture(model, wishes, given_fed)


def _of_picture(model: Path, wishes: Wishes, given_fed: Fed) -> Fed:
    """Return the same with the bytes behind it, where a picture was given."""
    from benchmarks.inputs.pixels import Picture, of_pixels

    if not isinstance(wishes.arrays, Picture):
        return given_fed
    name, pixels, normalisation = _pictured(model, wishes, wishes.arrays)
    return replace(of_pixels(given_fed, name, pixels, normalisation), encoded=wishes.arrays.content)


def _pictured(model: Path, wishes: Wishes, picture: "Picture") -> "tuple[str, NDArray[np.uint8], Normalisation]":
    """Return the input that a picture is for, its pixels [1, channels, height, width], and what normalises them."""
    from benchmarks.inputs.pixels import UNIT, image_input, of_channels
    from models.image_folder import Size

    try:
        name, dimensions = image_input(declared(model)).name, _dimensions(model, wishes)
        batch, *size = dimensions.shapes(1 if dimensions.batch else None)[name]
        image_input(replace(one, shape=(batch, *size)) for one in declared(model))  # now that no length is free
    except UnavailableError as error:
        raise ModelError(f"--input {picture.path}: {error}") from error
    if batch != 1:
        words = f"one picture, and the graph has a fixed batch of {batch}; give FILE.npz"
        raise ModelError(f"--input {picture.path}: {words}")
    return name, picture.pixels(Size(*size)), of_channels(wishes.normalisation or UNIT, size[0])


def _arrays(model: Path, wishes: Wishes) -> dict[str, NDArray[Any]]:
    """Return the arrays that were given; refuse lengths and values that contradict them."""
    from benchmarks.inputs.pixels import Picture, normalised

    if wishes.arrays is None:
        return {}
    if isinstance(wishes.arrays, Picture):
        name, pixels, normalisation = _pictured(model, wishes, wishes.arrays)
        arrays: dict[str, NDArray[Any]] = {name: normalised(pixels, normalisation)}
    else:
        arrays = wishes.arrays.fitting(declared(model))
    if twice := [name for name, _ in wishes.values if name in arrays]:
        raise ModelError(f"--input {twice[0]}=…: {wishes.arrays.path.name} has {twice[0]} as well; leave out one")
    for one in _dimensions(model, wishes).contradicting({name: array.shape for name, array in arrays.items()}):
        raise ModelError(f"{one} in {wishes.arrays.path.name}; leave out --dim")
    return arrays


def batch_of(dimensions: "Dimensions", known: Shapes) -> int | None:
    """Return the batch that the graph fixes, or arrays of *known* shapes have; None where it is free, or there is none.

    Raises ModelError where two inputs have batches of different sizes.
    """
    if dimensions.batch is None:
        return None
    sizes = {name: known[name][axis] for name, axis in dimensions.batch.places if name in known}
    if len({*sizes.values()}) > 1:
        words = ", ".join(f"{size} of {name}" for name, size in sorted(sizes.items()))
        raise ModelError(f"--input: batches of different sizes, {words}")
    if 0 in sizes.values():
        raise ModelError(
            f"--input: the batch of {next(iter(sizes))} is 0, and nothing could be counted; give at least 1"
        )
    return next(iter(sizes.values()), dimensions.batch.fixed)


def check_batch(dimensions: "Dimensions", batch_size: int | None, only: int | None) -> None:
    """Raise ModelError where the graph cannot be fed batches of *batch_size*; *only* is the one size that it takes."""
    if dimensions.batch is None:
        if batch_size is not None:
            raise ModelError(
                "the graph has no batch; leave out --batch-size, or name the batch with --batch-axis INPUT:AXIS"
            )
    elif only not in (None, batch_size):
        words = "what was given has" if dimensions.batch.fixed is None else "the graph has a fixed"
        raise ModelError(f"{words} batch of {only}; measure it with --batch-size {only}")


def only_batch(model: Path, wishes: Wishes) -> tuple[bool, int | None]:
    """Return whether *model* has a batch, and the one size that it takes; None where it takes any."""
    dimensions = _dimensions(model, wishes)
    known = {name: array.shape for name, array in _arrays(model, wishes).items()}
    return dimensions.batch is not None, batch_of(dimensions, known)


def declared(model: Path) -> "list[Input]":
    """Return the inputs that *model* declares; raise ModelError where it is no ONNX, or an input is no tensor."""
    return _read(model, _stamp(model))[0]


def lengths_of_batch(model: Path, wishes: Wishes) -> list[str]:
    """Return the dimensions that were given a length by name, and are the batch."""
    names = _dimensions(model, wishes).batch_names()
    return [name for name, _ in wishes.dims if name in names]


def check_values(model: Path, wishes: Wishes) -> None:
    """Raise ModelError where a value, or an array, is not what its input takes."""
    from benchmarks.inputs import given

    _arrays(model, wishes)
    by_name = {one.name: one for one in declared(model)}
    for name, text in wishes.values:
        given.value(by_name[name], text)


def missing(model: Path, wishes: Wishes) -> list[str]:
    """Return the free dimensions of *model* that have no length yet."""
    known = {name: array.shape for name, array in _arrays(model, wishes).items()}
    return _dimensions(model, wishes).missing(known)


def _dimensions(model: Path, wishes: Wishes) -> "Dimensions":
    from benchmarks.inputs.dimensions import Dimensions

    return Dimensions.of(declared(model), dict(wishes.dims), wishes.batch_axes)


def _stamp(model: Path) -> tuple[int, int]:
    """Return what changes when a file does."""
    status = model.stat()
    return status.st_mtime_ns, status.st_size


@cache
def _read(model: Path, stamp: tuple[int, int]) -> "tuple[list[Input], onnx.ModelProto]":
    """Read a graph once: its inputs, and the graph without what is large in it."""
    from google.protobuf.message import DecodeError

    from models import graph  # not above: a run that reads no file need not wait for onnx

    try:
        proto = graph.read(model)
    except DecodeError:
        raise ModelError("it is no ONNX file") from None
    return graph.declared_inputs(proto), graph.without_weights(proto)


def _hints(model: Path, shapes: Shapes) -> "dict[str, Hint]":
    return _hints_of(model, _stamp(model), tuple(shapes.items()))


@cache
def _hints_of(
    model: Path, stamp: tuple[int, int], shapes: tuple[tuple[str, tuple[int, ...]], ...]
) -> "dict[str, Hint]":
    """Ask what a graph does with its inputs, once for each of their lengths."""
    from benchmarks.inputs.hints import hints

    inputs, proto = _read(model, stamp)
    return hints(proto, {declared.name: declared.dtype.kind == "f" for declared in inputs}, dict(shapes))
