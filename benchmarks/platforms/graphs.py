"""What adapters ask of an ONNX file; onnx is imported only where one is read."""

from pathlib import Path

from benchmarks.protocol import Case


def input_and_output(model: Path) -> tuple[str, str]:
    """Return the names of a graph's first input and first output."""
    from models import graph

    read = graph.read(model)
    return graph.declared_inputs(read)[0].name, read.graph.output[0].name


def data_files(model: Path) -> dict[str, Path]:
    """Return the files beside *model* that hold its weights, by the name the graph calls them.

    One that is missing, or lies elsewhere, is left out: the runtime will tell.
    """
    from google.protobuf.message import DecodeError

    from models import graph

    try:
        names = graph.data_files(graph.read(model))
    except DecodeError:  # no ONNX at all
        return {}
    folder = model.parent.resolve()
    files = ((name, (folder / name).resolve()) for name in names)
    return {name: file for name, file in files if file.is_file() and file.is_relative_to(folder)}


def free_dimensions(model: Path) -> tuple[str | None, list[str]]:
    """Return the name of the batch, where it is free, and the free dimensions that a runtime cannot be told to fix.

    The batch is the first axis of the first input. A dimension without a name is called input:axis. None of a file
    that is no ONNX: the runtime will tell.
    """
    from google.protobuf.message import DecodeError

    from models import graph

    try:
        inputs = graph.declared_inputs(graph.read(model))
    except DecodeError:
        return None, []
    first = inputs[0].shape[0] if inputs and inputs[0].shape else None
    batch = first if isinstance(first, str) else None
    return batch, sorted(graph.free_dimensions(inputs) - {batch})


def precision_of(case: Case) -> str:
    """Return the precision of the case's weights."""
    from models import graph

    return graph.precision(graph.read(case.model_file))


def has_int8_depthwise(model: Path) -> bool:
    """Whether a convolution in groups takes a weight that was quantised; not of a file that is no ONNX."""
    from google.protobuf.message import DecodeError

    from models import graph

    try:
        nodes = graph.read(model).graph.node
    except DecodeError:
        return False
    dequantised = {node.output[0] for node in nodes if node.op_type == "DequantizeLinear"}
    groups = [
        (node.input[1], entry.i)
        for node in nodes
        if node.op_type == "Conv"
        for entry in node.attribute
        if entry.name == "group"
    ]
    return any(weight in dequantised and number > 1 for weight, number in groups)
