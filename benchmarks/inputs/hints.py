"""What a graph does with its inputs, as far as it tells which values can be made up for them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.protocol import Shapes

if TYPE_CHECKING:
    import onnx

    _Taker = tuple[onnx.NodeProto, int]  # a node, and which of its inputs a value is

# Operators whose first input is what comes out, in another shape or type, or some of it.
PASSING = {
    *("Cast", "Identity", "Unsqueeze", "Squeeze", "Reshape", "Flatten", "Expand", "Transpose", "Slice", "Tile"),
    *("Split", "Dropout", "Pad", "Gather", "GatherElements", "GatherND", "Clip", "Abs", "Neg"),
}
CHOOSING = {"Concat", "Max", "Min", "Where"}  # the same of any input
# Operators that look up a table: which input is the table, and which the indices.
TABLES = {
    "Gather": [(0, 1)],
    "GatherElements": [(0, 1)],
    "GatherBlockQuantized": [(0, 1)],
    "ScatterElements": [(0, 1)],
    "EmbedLayerNormalization": [(2, 0), (4, 1)],
    "RoiAlign": [(0, 2)],
}
ALONG_SEVERAL = ("GatherND", "ScatterND")  # with an index for each of several axes
DIVISORS = {"Div": 1, "Mod": 1, "Reciprocal": 0}
# What tells how many, how far or how large: of 0 nothing would be computed.
COUNTS = {"TopK": (1,), "Loop": (0,), "Range": (1, 2), "Tile": (1,), "Expand": (1,), "ConstantOfShape": (0,)}
COUNTS |= {"Resize": (2,), "Upsample": (1,)}
WHOLE = {2, 3, 4, 5, 6, 7, 12, 13}  # of onnx's types: the integers


@dataclass(frozen=True)
class Hint:
    """What an input is used as."""

    below: int | None = None  # as indices of a table of so many rows: of the smallest
    is_index: bool = False  # of a table, of however many rows
    is_divisor: bool = False
    is_count: bool = False


class _Value(NamedTuple):
    """An input on its way through the graph."""

    name: str
    is_whole: bool  # integers: a floating input once it is cast
    is_same: bool = True  # but for what was added; otherwise it is no 0 where the input is none, and no more is known


@dataclass
class _Use:
    tables: list[int] = field(default_factory=list)
    is_index: bool = False
    is_divisor: bool = False
    is_count: bool = False


@dataclass(frozen=True)
class _Graph:
    """A graph with its subgraphs, ready to be followed."""

    takers: "Mapping[str, Sequence[_Taker]]"  # of a value
    others: Mapping[str, Sequence[str]]  # what a value is called within a loop or a branch, or behind it
    shapes: Mapping[str, Sequence[int | None]]
    numbers: Mapping[str, tuple[int, int]]  # of integers in the file: the least and the largest

    @classmethod
    def of(cls, model: "onnx.ModelProto", shapes: Shapes) -> "_Graph":
        from models.graph import graphs

        there = _inferred(_inlined(model), shapes)
        takers: dict[str, list[_Taker]] = defaultdict(list)
        others: dict[str, list[str]] = defaultdict(list)
        for node in (node for graph in graphs(there) for node in graph.node):
            for position, name in enumerate(node.input):
                takers[name].append((node, position))
            for name, other in _other_names(node):
                others[name].append(other)
        return cls(takers, others, _shapes(there), _numbers(there))


def hints(model: "onnx.ModelProto", floating: Mapping[str, bool], shapes: Shapes | None = None) -> dict[str, Hint]:
    """Return what inputs are used as, in the graph, its subgraphs and its own functions: by name, whether it floats.

    With the *shapes* of all inputs the lengths of more tables are known.
    """
    graph = _Graph.of(model, shapes or {})
    return {name: _hint(graph, _Value(name, is_whole=not floats)) for name, floats in floating.items()}


def _hint(graph: _Graph, value: _Value) -> Hint:
    """Follow a value, and what is the same under another name; where it comes again, what was added is overlooked."""
    use, waiting, done = _Use(), [(value, 0)], set[_Value]()
    while waiting:
        value, added = waiting.pop()
        if value in done:
            continue
        done.add(value)
        waiting += [(value._replace(name=other), added) for other in graph.others.get(value.name, ())]
        for taker in graph.takers.get(value.name, ()):
            _note(taker, value, added, graph, use)
            waiting += _behind(taker, value, added, graph)
    return Hint(min(use.tables, default=None), use.is_index, use.is_divisor, use.is_count)


def _note(taker: "_Taker", value: _Value, added: int, graph: _Graph, use: _Use) -> None:
    """Note what a node uses a value as."""
    node, position = taker
    if value.is_same:
        use.is_count |= position in COUNTS.get(node.op_type, ())
    if not value.is_whole:
        return
    use.is_divisor |= DIVISORS.get(node.op_type) == position
    if value.is_same and (rows := [*_rows(node, position, graph)]):
        use.is_index = True
        use.tables += [max(known - added, 1) for known in rows if known]


def _rows(node: "onnx.NodeProto", position: int, graph: _Graph) -> Iterator[int | None]:
    """Yield along how many rows a node looks up what it is given as this input; None where that is not told."""
    for table, indices in TABLES.get(node.op_type, ()):
        if position == indices:
            axis = next((entry.i for entry in node.attribute if entry.name in ("axis", "gather_axis")), 0)
            shape = graph.shapes.get(node.input[table], ())
            yield shape[axis] if -len(shape) <= axis < len(shape) else None
    if node.op_type in ALONG_SEVERAL and position == 1:
        yield min((length for length in graph.shapes.get(node.input[0], ()) if length), default=None)
    if node.op_type == "OneHot" and position == 0:
        yield graph.numbers.get(node.input[1], (None,))[0]


def _behind(taker: "_Taker", value: _Value, added: int, graph: _Graph) -> Iterator[tuple[_Value, int]]:
    """Yield what becomes of a value, as far as something is known of that."""
    node, position = taker
    operator, is_whole, is_same = node.op_type, value.is_whole, value.is_same
    if operator == "Cast":
        is_whole |= any(entry.name == "to" and entry.i in WHOLE for entry in node.attribute)
    elif operator in ("Add", "Sub") and len(node.input) == 2:
        by = graph.numbers.get(node.input[1 - position])
        if by is None or (operator == "Sub" and position == 1):
            return
        added += by[1] if operator == "Add" else -by[0]
    elif operator == "Mul":
        is_same = False
    elif not (operator in CHOOSING or (operator in PASSING and position == 0)):
        return
    for name in node.output:
        yield _Value(name, is_whole, is_same), added


def _other_names(node: "onnx.NodeProto") -> Iterator[tuple[str, str]]:
    """Yield what values are called within a loop or a branch, and behind it."""
    bodies = [entry.g for entry in node.attribute if entry.HasField("g")]
    for body in bodies:
        given, answers = [value.name for value in body.input], [value.name for value in body.output]
        if node.op_type == "Loop":  # its first input counts, and its body's first answer is whether it goes on
            answers = answers[1:]
            yield from zip(answers, given[2:], strict=False)
        elif node.op_type == "Scan":
            yield from zip(answers, given, strict=False)
        yield from zip(node.input, given, strict=False)
        yield from zip(answers, node.output, strict=False)


def _inlined(model: "onnx.ModelProto") -> "onnx.ModelProto":
    """Return a model with its own functions written out, where onnx can."""
    if not model.functions:
        return model
    import onnx.inliner

    with suppress(Exception):  # of many kinds; without it less is known
        return onnx.inliner.inline_local_functions(model)
    return model


def _inferred(model: "onnx.ModelProto", shapes: Shapes) -> "onnx.ModelProto":
    import onnx

    from models.graph import with_shapes

    with suppress(Exception):  # of many kinds; without it fewer tables are known
        return onnx.shape_inference.infer_shapes(with_shapes(model, shapes), data_prop=True)
    return model


def _shapes(model: "onnx.ModelProto") -> dict[str, list[int | None]]:
    """Return the shapes of weights, and of what the graph declares or lets infer, with None for what is free."""
    from models.graph import graphs

    shapes: dict[str, list[int | None]] = {}
    for graph in graphs(model):
        for value in (*graph.input, *graph.value_info):
            if value.type.tensor_type.HasField("shape"):
                dims = value.type.tensor_type.shape.dim
                shapes[value.name] = [dim.dim_value if dim.HasField("dim_value") else None for dim in dims]
    return shapes | {name: [*weight.dims] for name, weight in _weights(model)}


def _numbers(model: "onnx.ModelProto") -> dict[str, tuple[int, int]]:
    """Return the least and the largest of the integers that the file has, by name."""
    from onnx import numpy_helper

    numbers: dict[str, tuple[int, int]] = {}
    for name, weight in _weights(model):
        if weight.data_type in WHOLE:
            with suppress(ValueError):  # of weights that were cleared, or lie in a file of their own
                values = numpy_helper.to_array(weight)
                numbers[name] = (int(values.min()), int(values.max()))
    return numbers


def _weights(model: "onnx.ModelProto") -> "Iterator[tuple[str, onnx.TensorProto]]":
    """Yield the weights by name, those of nodes, branches and loops included."""
    from models.graph import graphs

    for graph in graphs(model):
        yield from ((weight.name, weight) for weight in graph.initializer)
        nodes = (node for node in graph.node if node.op_type == "Constant")
        stored = ((node.output[0], entry) for node in nodes for entry in node.attribute)
        yield from ((name, entry.t) for name, entry in stored if entry.name == "value")
