"""What an ONNX file says of itself: inputs, precision, size, and the data files that belong to it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import EncodeError
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper
from onnx.external_data_helper import uses_external_data

from models.manifest import ModelError
from models.names import shown

WITH_GRAPHS = (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS)
# How the names of operators begin and end that only a quantised graph has.
QUANTISED_BEGIN = ("QuantizeLinear", "DequantizeLinear", "QLinear", "QGemm", "QAttention", "DynamicQuantize")
QUANTISED_END = ("Integer", "NBits", "Bnb4", "BlockQuantized", "QMoE")
# Contrib operators whose weights are packed into bytes: the attribute with their bits, and what it is where not given.
PACKED = {"MatMulNBits": ("bits", 4), "GatherBlockQuantized": ("bits", 4), "QMoE": ("expert_weight_bits", 4)}
BNB4 = ("fp4", "nf4")  # the types of MatMulBnb4, by its attribute
# Narrowest first. Of integers, weights are stored in these; wider ones are shapes and indices.
NARROW = ("int2", "uint2", "float4e2m1", "fp4", "nf4", "int4", "uint4", "float6e2m3", "float6e3m2")
BYTES = ("float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "float8e8m0")
FLOATS = ("bfloat16", "fp16", "float32", "float64")
INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
NUMBERS = (*FLOATS[1:], *INTEGERS, "bool")  # that numpy, the runtimes and a page all have
UNTOLD = ("undefined", "none")  # whoever opens such a file will tell
SMALL = 1 << 16  # bytes of a weight that may be a shape, or a number that is added
QUANTISED = {"int8": {"int8", "uint8"}, **{name: {name} for name in BYTES}, "int16": {"int16", "uint16"}}
USUAL = {"float": "float32", "double": "float64", "float16": "fp16"}  # where a type's own name is not the one in use


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


def without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Clear what is large in a model: no shape is read from it, and all that is left is copied several times."""
    for weight in weights(model):
        if len(weight.raw_data) > SMALL:
            weight.ClearField("raw_data")
    return model


def with_shapes(model: onnx.ModelProto, shapes: Mapping[str, tuple[int, ...]]) -> onnx.ModelProto:
    """Return *model* with the shapes of its inputs fixed; those of the values behind them are left to be inferred."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    for value in fixed.graph.input:
        for dim, length in zip(value.type.tensor_type.shape.dim, shapes.get(value.name, ()), strict=False):
            dim.dim_value = length
    for graph in graphs(fixed):  # what was said of a free length would contradict the one there is now
        del graph.value_info[:]
    for output in fixed.graph.output:
        for dim in output.type.tensor_type.shape.dim:
            dim.ClearField("dim_param")
    return fixed


def _length(dim: onnx.TensorShapeProto.Dimension) -> int | str | None:
    """Return a declared length, 0 included, or a free dimension's name; old exporters wrote free ones as -1."""
    if dim.HasField("dim_value") and dim.dim_value >= 0:
        return int(dim.dim_value)
    return dim.dim_param or None


def type_name(data_type: int) -> str:
    """Return what a type of ONNX is called, such as ``uint4``; its number where onnx does not know it."""
    known = TensorProto.DataType.values()
    name = TensorProto.DataType.Name(data_type).lower() if data_type in known else f"type {data_type}"
    return USUAL.get(name, name)


def kind_of(value: onnx.TypeProto) -> str:
    """Return what a type of inputs and outputs is called, such as ``sequence(float32)``."""
    which = value.WhichOneof("value")
    if which == "tensor_type":
        return type_name(value.tensor_type.elem_type)
    if which == "map_type":
        return f"map({type_name(value.map_type.key_type)}, {kind_of(value.map_type.value_type)})"
    if which in ("sequence_type", "optional_type"):
        return f"{which.removesuffix('_type')}({kind_of(getattr(value, which).elem_type)})"
    return str(which).lower().removesuffix("_type").replace("_", " ")


def unusual(model: onnx.ModelProto) -> Iterator[str]:
    """Yield which inputs cannot be fed, and which outputs cannot be compared, by their types' names."""
    stored = {weight.name for weight in model.graph.initializer}
    for value in model.graph.input:
        if value.name not in stored and (kind := kind_of(value.type)) not in (*NUMBERS, *UNTOLD):
            yield f"input {value.name} is of type {kind}, which cannot be fed"
    for value in model.graph.output:
        kind = kind_of(value.type)
        if kind.removeprefix("optional(").removesuffix(")") not in (*NUMBERS, *UNTOLD):
            yield f"output {value.name} is of type {kind}, which cannot be compared"


def types(model: onnx.ModelProto) -> list[str]:
    """Return the types of the graph's inputs, outputs and weights by their names."""
    values = (*model.graph.input, *model.graph.output)
    return sorted(
        {kind_of(value.type) for value in values} | {type_name(weight.data_type) for weight in weights(model)}
    )


def first_types(model: onnx.ModelProto, operator: str, name: str = "") -> list[str]:
    """Return the types that an operator's nodes, or those of a *name*, are given first; none where that is not told."""
    with suppress(onnx.shape_inference.InferenceError, EncodeError, ValueError):  # then it tells what the file does
        model = onnx.shape_inference.infer_shapes(model)
    known = {
        value.name: kind_of(value.type)
        for graph in graphs(model)
        for value in (*graph.input, *graph.output, *graph.value_info)
    }
    known |= {weight.name: type_name(weight.data_type) for weight in weights(model)}
    asked = [node for node in nodes(model) if node.op_type == operator and node.input[:1] and node.input[0] in known]
    return sorted({f"{known[node.input[0]]}{_cast_to(node)}" for node in asked if not name or node.name == name})


def _cast_to(node: onnx.NodeProto) -> str:
    """Return into what a node casts: what it is given is half of what it is."""
    return f" to {type_name(_number(node, 'to', 0))}" if node.op_type == "Cast" else ""


def graphs(model: onnx.ModelProto) -> Iterator[onnx.GraphProto]:
    """Yield the graph and those in it and in its functions: branches, and the bodies of loops."""
    yield model.graph
    for nodes in (model.graph.node, *(function.node for function in model.functions)):
        yield from _inner(nodes)


def _inner(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.GraphProto]:
    for entry in (entry for node in nodes for entry in node.attribute if entry.type in WITH_GRAPHS):
        for graph in [entry.g] if entry.type == onnx.AttributeProto.GRAPH else entry.graphs:
            yield graph
            yield from _inner(graph.node)


def nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """Yield all nodes, wherever they stand."""
    for holder in (*graphs(model), *model.functions):
        yield from holder.node


def weights(model: onnx.ModelProto) -> list[TensorProto]:
    """Return the graph's weights, also those that are written as nodes, and those of branches and loops."""
    constants = (node for node in nodes(model) if node.op_type == "Constant")
    values = [entry.t for node in constants for entry in node.attribute if entry.name == "value"]
    stored = [tensor for graph in graphs(model) for tensor in graph.initializer]
    sparse = [tensor.values for graph in graphs(model) for tensor in graph.sparse_initializer]
    return [*stored, *sparse, *values]


def numbers(model: onnx.ModelProto) -> dict[str, NDArray[Any]]:
    """Return the initialisers' values by name, in the file's order."""
    return {weight.name: numpy_helper.to_array(weight) for weight in model.graph.initializer}


def precision(model: onnx.ModelProto) -> str:
    """Return the narrowest type of the graph's weights by its name, such as ``uint4`` or ``float32``.

    Bytes are weights in a quantised graph alone, which is called ``int8`` whether they have a sign or not.
    """
    names = {type_name(weight.data_type) for weight in weights(model)} | {*_packed_types(model)}
    if narrow := next((name for name in NARROW if name in names), None):
        return narrow
    operators = {node.op_type for node in nodes(model)}
    if any(name.startswith(QUANTISED_BEGIN) or name.endswith(QUANTISED_END) for name in operators):
        return next((name for name, stored in QUANTISED.items() if names & stored), "int8")
    return next((name for name in (*BYTES, *FLOATS) if name in names), "float32")


def _packed_types(model: onnx.ModelProto) -> Iterator[str]:
    """Yield the types of weights that contrib operators have packed into bytes."""
    for node in nodes(model):
        if bits := _packed_bits(node):
            yield f"int{bits}"
        elif node.op_type == "MatMulBnb4":
            yield BNB4[_number(node, "quant_type", 1)]


def _packed_bits(node: onnx.NodeProto) -> int | None:
    return _number(node, *PACKED[node.op_type]) if node.op_type in PACKED else None


def _number(node: onnx.NodeProto, name: str, usual: int) -> int:
    return next((int(entry.i) for entry in node.attribute if entry.name == name), usual)


def parameters(model: onnx.ModelProto) -> int:
    """Count the numbers in the graph's weights; several may be packed into a byte."""
    packed = {name: bits for node in nodes(model) if (bits := _packed_bits(node)) for name in node.input}
    packed |= {name: 4 for node in nodes(model) if node.op_type == "MatMulBnb4" for name in node.input}

    def in_one(weight: TensorProto) -> int:
        return 8 // packed.get(weight.name, 8) if weight.data_type == TensorProto.UINT8 else 1

    return int(sum(np.prod(weight.dims, dtype=np.int64) * in_one(weight) for weight in weights(model)))


def data_files(model: onnx.ModelProto) -> list[str]:
    """Return the names of the files that hold weights, relative to the graph's own."""
    return sorted({outside.location for outside in outside_weights(model)})


@dataclass(frozen=True)
class Outside:
    """A weight that lies in a file of its own."""

    name: str
    location: str  # the file, relative to the graph's own
    end: int  # how long the file must be at least


def outside_weights(model: onnx.ModelProto) -> list[Outside]:
    """Return the weights that lie in files of their own."""
    return [_outside(weight) for weight in weights(model) if uses_external_data(weight)]


def _outside(weight: TensorProto) -> Outside:
    entries = {entry.key: entry.value for entry in weight.external_data}
    offset, length = (_place(weight, key, entries.get(key) or "0") for key in ("offset", "length"))
    return Outside(weight.name, entries.get("location", ""), offset + (length or _bytes(weight)))


def _place(weight: TensorProto, key: str, text: str) -> int:
    """Return a number of bytes that says where a weight lies."""
    if not text.isdecimal():
        words = f"weight {shown(weight.name)} has {shown(text)} for its {key} in a file of weights"
        raise ModelError(f"{words}, which is no number of bytes; export the graph again")
    return int(text)


def _bytes(weight: TensorProto) -> int:
    """Return how many bytes a weight takes up: types of less than a byte are packed."""
    return -(-int(np.prod(weight.dims, dtype=np.int64)) * _bits(weight.data_type) // 8)


def _bits(data_type: int) -> int:
    """Return the width of a type; 0 where onnx does not know it."""
    try:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(data_type)
    except KeyError:
        return 0
    packed = re.match(r"(?:u?int|float)([246])(?:_|$)", dtype.name)
    return int(packed[1]) if packed else dtype.itemsize * 8
