"""What a graph does with its inputs, as far as it tells which values can be made up for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

# Operators whose first input is what comes out, in another shape or type.
PASSING = {
    *("Cast", "Identity", "Unsqueeze", "Squeeze", "Reshape", "Flatten", "Expand", "Transpose", "Slice", "Tile"),
    *("Split", "Dropout", "Concat", "Pad"),
}
# Operators that look up a table: which input is the table, and which the indices.
TABLES = {
    "Gather": [(0, 1)],
    "GatherElements": [(0, 1)],
    "GatherBlockQuantized": [(0, 1)],
    "ScatterElements": [(0, 1)],
    "EmbedLayerNormalization": [(2, 0), (4, 1)],
}
DIVISIONS = ("Div", "Mod")


@dataclass(frozen=True)
class Hint:
    """What an input is used as."""

    below: int | None = None  # as indices of a table of so many rows: of the smallest
    is_index: bool = False  # of a table, of however many rows
    is_divisor: bool = False


@dataclass
class _Use:
    """A value on its way through the graph: what is known of it so far."""

    tables: list[int] = field(default_factory=list)
    is_index: bool = False
    is_divisor: bool = False
    seen: set[str] = field(default_factory=set)


def hints(model: "onnx.ModelProto", names: list[str]) -> dict[str, Hint]:
    """Return what each of the inputs *names* is used as, in the graph, its subgraphs and its own functions."""
    from models.graph import graphs

    there = [*graphs(model)]
    lengths, nodes = _shapes(model, there), [node for graph in there for node in graph.node]
    functions = {(function.domain, function.name): function for function in model.functions}
    return {name: _hint(name, nodes, lengths, functions) for name in names}


def _hint(
    name: str,
    nodes: "list[onnx.NodeProto]",
    shapes: Mapping[str, list[int | None]],
    functions: "Mapping[tuple[str, str], onnx.FunctionProto]",
) -> Hint:
    use = _Use()
    _follow(name, nodes, shapes, functions, use)
    return Hint(min(use.tables, default=None), use.is_index, use.is_divisor)


def _follow(
    name: str,
    nodes: "list[onnx.NodeProto]",
    shapes: Mapping[str, list[int | None]],
    functions: "Mapping[tuple[str, str], onnx.FunctionProto]",
    use: _Use,
) -> None:
    """Note what becomes of the value *name*, and of what is the same value in another shape."""
    waiting, done = [name], set[str]()
    while waiting:
        current = waiting.pop()
        if current in done:
            continue
        done.add(current)
        for node in nodes:
            for position in [index for index, given in enumerate(node.input) if given == current]:
                _note(node, position, shapes, use)
                if node.op_type in PASSING and (position == 0 or node.op_type == "Concat"):
                    waiting += node.output
                if function := functions.get((node.domain, node.op_type)):
                    inner = function.input[position]
                    if (mark := f"{node.domain}.{node.op_type}.{inner}") not in use.seen:
                        use.seen.add(mark)
                        _follow(inner, [*function.node], shapes, functions, use)


def _note(node: "onnx.NodeProto", position: int, shapes: Mapping[str, list[int | None]], use: _Use) -> None:
    if node.op_type in DIVISIONS and position == 1:
        use.is_divisor = True
    for table, indices in TABLES.get(node.op_type, ()):
        if position == indices:
            use.is_index = True
            rows = _rows(node, node.input[table], shapes)
            use.tables += [rows] if rows else []
    if node.op_type == "GatherND" and position == 1:
        use.is_index = True
        known = [length for length in shapes.get(node.input[0], []) if length]
        use.tables += [min(known)] if known else []
    if node.op_type == "OneHot" and position == 0:
        use.is_index = True


def _rows(node: "onnx.NodeProto", table: str, shapes: Mapping[str, list[int | None]]) -> int | None:
    """Return along how many rows of *table* a node looks up; None where the graph does not tell."""
    axis = next((entry.i for entry in node.attribute if entry.name in ("axis", "gather_axis")), 0)
    shape = shapes.get(table, [])
    return shape[axis] if -len(shape) <= axis < len(shape) else None


def _shapes(model: "onnx.ModelProto", graphs: "list[onnx.GraphProto]") -> dict[str, list[int | None]]:
    """Return the shapes of weights, and of what the graph declares or lets infer, with None for what is free."""
    import onnx

    try:
        inferred = onnx.shape_inference.infer_shapes(model).graph
    except Exception:  # of its many kinds; without it fewer tables are known
        inferred = model.graph
    shapes: dict[str, list[int | None]] = {}
    for value in (*inferred.input, *inferred.value_info):
        if value.type.tensor_type.HasField("shape"):
            dims = value.type.tensor_type.shape.dim
            shapes[value.name] = [dim.dim_value if dim.HasField("dim_value") else None for dim in dims]
    constants = [node for graph in graphs for node in graph.node if node.op_type == "Constant"]
    for node in constants:
        for entry in node.attribute:
            if entry.name == "value":
                shapes[node.output[0]] = [*entry.t.dims]
    return shapes | {weight.name: [*weight.dims] for graph in graphs for weight in graph.initializer}
