"""What an ONNX file says of itself: inputs, precision, size, and the data files that belong to it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto
from onnx.external_data_helper import uses_external_data

# Operators that only a quantised graph has.
QUANTISED = {"QuantizeLinear", "DequantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"}
FLOATS = {TensorProto.FLOAT: "float32", TensorProto.FLOAT16: "fp16", TensorProto.BFLOAT16: "bf16"}


@dataclass(frozen=True)
class Input:
    """A declared input; a dimension is fixed (a number), free with a name, or free without one (None)."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | str | None, ...]


def read(path: Path) -> onnx.ModelProto:
    """Return the graph without the weights that lie in files of their own."""
    return onnx.load(path, load_external_data=False)


def declared_inputs(model: onnx.ModelProto) -> list[Input]:
    """Return the inputs that have to be fed: a weight that is also listed as an input has its value already."""
    weights = {weight.name for weight in model.graph.initializer}
    return [_input(value) for value in model.graph.input if value.name not in weights]


def _input(value: onnx.ValueInfoProto) -> Input:
    tensor = value.type.tensor_type
    shape = [dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None for dim in tensor.shape.dim]
    return Input(value.name, onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type), tuple(shape))


def precision(model: onnx.ModelProto) -> str:
    """Return ``int8`` for a quantised graph, else the narrowest floating type of its weights, such as ``float32``."""
    if any(node.op_type in QUANTISED for node in model.graph.node):
        return "int8"
    found = {weight.data_type for weight in model.graph.initializer}
    return next((name for kind, name in reversed(FLOATS.items()) if kind in found), "float32")


def parameters(model: onnx.ModelProto) -> int:
    """Count the numbers in the graph's weights."""
    return int(sum(np.prod(weight.dims, dtype=np.int64) for weight in model.graph.initializer))


def data_files(path: Path) -> list[str]:
    """Return the names of the files that hold weights, relative to the graph's own; none where that is no ONNX."""
    try:
        weights = read(path).graph.initializer
    except DecodeError:
        return []
    entries = [entry for weight in weights if uses_external_data(weight) for entry in weight.external_data]
    return sorted({entry.value for entry in entries if entry.key == "location"})
