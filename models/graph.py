"""What an ONNX file says of itself: inputs, precision, size, and the data files that belong to it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper
from onnx.external_data_helper import uses_external_data

from models.manifest import ModelError

# How the names of operators begin and end that only a quantised graph has.
QUANTISED_BEGIN = ("QuantizeLinear", "DequantizeLinear", "QLinear", "QGemm", "QAttention", "DynamicQuantize")
QUANTISED_END = ("Integer", "NBits", "Bnb4")
# Narrowest first.
FLOATS = {
    TensorProto.BFLOAT16: "bf16",
    TensorProto.FLOAT16: "fp16",
    TensorProto.FLOAT: "float32",
    TensorProto.DOUBLE: "float64",
}


@dataclass(frozen=True)
class Input:
    """A declared input; a dimension is fixed (a number), free with a name, or free without one (None)."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | str | None, ...]


def read(path: Path) -> onnx.ModelProto:
    """Return the graph without the weights that lie in files of their own."""
    return onnx.load(path, format="protobuf", load_external_data=False)


def declared_inputs(model: onnx.ModelProto) -> list[Input]:
    """Return the inputs that have to be fed: a weight that is also listed as an input has its value already."""
    weights = {weight.name for weight in model.graph.initializer}
    return [_input(value) for value in model.graph.input if value.name not in weights]


def _input(value: onnx.ValueInfoProto) -> Input:
    tensor = value.type.tensor_type
    if not (value.type.HasField("tensor_type") and tensor.HasField("shape")):
        raise ModelError(f"input {value.name} is no tensor with a declared shape; such inputs cannot be made up")
    shape = [_length(dim) for dim in tensor.shape.dim]
    try:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    except KeyError:
        raise ModelError(f"input {value.name} is of an unknown type, {tensor.elem_type}") from None
    return Input(value.name, dtype, tuple(shape))


def with_shapes(model: onnx.ModelProto, shapes: Mapping[str, tuple[int, ...]]) -> onnx.ModelProto:
    """Return *model* with the shapes of its inputs fixed; those of the values behind them are left to be inferred."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    for value in fixed.graph.input:
        for dim, length in zip(value.type.tensor_type.shape.dim, shapes.get(value.name, ()), strict=False):
            dim.dim_value = length
    for graph in graphs_in(fixed.graph):  # what was said of a free length would contradict the one there is now
        del graph.value_info[:]
    for output in fixed.graph.output:
        for dim in output.type.tensor_type.shape.dim:
            dim.ClearField("dim_param")
    return fixed


def graphs_in(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """Yield a graph and those inside its nodes, such as the branches of an If."""
    yield graph
    for node in graph.node:
        for entry in node.attribute:
            for inner in [*([entry.g] if entry.HasField("g") else []), *entry.graphs]:
                yield from graphs_in(inner)


def _length(dim: onnx.TensorShapeProto.Dimension) -> int | str | None:
    """Return a declared length, 0 included, or a free dimension's name; old exporters wrote free ones as -1."""
    if dim.HasField("dim_value") and dim.dim_value >= 0:
        return int(dim.dim_value)
    return dim.dim_param or None


def _weights(model: onnx.ModelProto) -> list[TensorProto]:
    """Return the graph's weights, also those that are written as nodes."""
    constants = (node for node in model.graph.node if node.op_type == "Constant")
    values = [entry.t for node in constants for entry in node.attribute if entry.name == "value"]
    return [*model.graph.initializer, *values]


def numbers(model: onnx.ModelProto) -> dict[str, NDArray[Any]]:
    """Return the initialisers' values by name, in the file's order."""
    return {weight.name: numpy_helper.to_array(weight) for weight in model.graph.initializer}


def precision(model: onnx.ModelProto) -> str:
    """Return ``int8`` for a quantised graph, else the narrowest floating type of its weights, such as ``float32``."""
    operators = {node.op_type for node in model.graph.node}
    if any(name.startswith(QUANTISED_BEGIN) or name.endswith(QUANTISED_END) for name in operators):
        return "int8"
    types = {weight.data_type for weight in _weights(model)}
    return next((name for data_type, name in FLOATS.items() if data_type in types), "float32")


def parameters(model: onnx.ModelProto) -> int:
    """Count the numbers in the graph's weights."""
    return int(sum(np.prod(weight.dims, dtype=np.int64) for weight in _weights(model)))


def data_files(model: onnx.ModelProto) -> list[str]:
    """Return the names of the files that hold weights, relative to the graph's own."""
    entries = [entry for weight in _weights(model) if uses_external_data(weight) for entry in weight.external_data]
    return sorted({entry.value for entry in entries if entry.key == "location"})
