"""What an ONNX file has to be to classify images, and what it then takes and answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto

from models import graph
from models.image_folder import MODES, Size
from models.manifest import ModelError

FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)  # that answers come in
IMAGES = "[batch, 1 or 3 channels, height, width] in float32"


@dataclass(frozen=True)
class Classifier:
    """A graph from images to one number a class."""

    input: str
    size: Size
    batch: int | None  # None where it is free
    output: str
    classes: int | None  # None where the graph does not declare it


def read(path: Path, lengths: Mapping[str, int]) -> Classifier:
    """Return what the file takes and answers; raise ModelError where that is something else than images and classes.

    *lengths* are those of free dimensions, by their names or as INPUT:AXIS.
    """
    try:
        model = graph.read(path)
    except DecodeError:
        raise ModelError(f"{path.name}: this is no ONNX file, or a part of one") from None
    inputs = graph.declared_inputs(model)
    if len(inputs) != 1:
        names = ", ".join(declared.name for declared in inputs) or "none"
        raise ModelError(f"{path.name}: -m accuracy gives a graph images alone, and it has the inputs {names}")
    try:
        size = _size(inputs[0], lengths)
        output, classes = _answers(_with_shapes(model))
        return Classifier(inputs[0].name, size, _batch(inputs[0]), output, classes)
    except ModelError as error:
        raise ModelError(f"{path.name}: {error}") from None


def _size(declared: graph.Input, lengths: Mapping[str, int]) -> Size:
    """Return the size of the images; raise ModelError saying what else the input takes."""
    shape = [_length(declared, axis, lengths) for axis in range(len(declared.shape))]
    if (refused := _refused(declared, shape)) is not None:
        raise ModelError(f"the input {declared.name} {refused}; -m accuracy gives {IMAGES}")
    size = shape[1:]
    if free := [f"--dim {length}=N" for length in size if isinstance(length, str)]:
        words = f"the input {declared.name} has free dimensions beside the batch"
        raise ModelError(f"{words}; set them with {' '.join(dict.fromkeys(free))}")
    channels, height, width = (int(length) for length in size)
    return Size(channels, height, width)


def _length(declared: graph.Input, axis: int, lengths: Mapping[str, int]) -> int | str:
    """Return a dimension's length, or by which name to set it."""
    length, place = declared.shape[axis], f"{declared.name}:{axis}"
    if isinstance(length, int):
        return length
    return lengths.get(place) or lengths.get(length or place) or length or place


def _refused(declared: graph.Input, shape: list[int | str]) -> str | None:
    """Return what the input takes instead of images; None where it takes images."""
    if declared.dtype != np.float32:
        return f"takes {declared.dtype}"
    if len(shape) != 4:
        return f"has {len(shape)} dimensions"
    if isinstance(shape[1], str) or shape[1] in MODES:
        return None
    if shape[3] in MODES:
        return f"takes channels last, {_in_words(shape)}"
    return f"takes {shape[1]} channels, {_in_words(shape)}"


def _in_words(shape: list[int | str]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _batch(declared: graph.Input) -> int | None:
    length = declared.shape[0]
    return length if isinstance(length, int) else None


def _with_shapes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph with what can be told of its outputs' shapes; exporters leave that out."""
    try:
        return onnx.shape_inference.infer_shapes(model)
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError):  # a platform's opening tells what is wrong
        return model


def _answers(model: onnx.ModelProto) -> tuple[str, int | None]:
    """Return the name of the one output that can be the answers, and how many classes it has, where that is declared.

    A number for each class may have further dimensions of one, as those that are pooled have in older files.
    """
    found: list[tuple[str, int | None]] = []
    for value in model.graph.output:
        tensor = value.type.tensor_type
        if tensor.elem_type not in FLOATS:
            continue
        if not tensor.HasField("shape"):
            found.append((value.name, None))
            continue
        lengths = [dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim]
        if len(lengths) >= 2 and all(length == 1 for length in lengths[2:]):
            found.append((value.name, lengths[1] or None))
    if len(found) == 1:
        return found[0]
    names = ", ".join(value.name for value in model.graph.output)
    words = "several of them are" if found else "none of them is"
    raise ModelError(f"its outputs are {names}, and {words} [batch, classes] in floating point")
