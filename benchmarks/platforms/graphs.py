"""What adapters ask of an ONNX file; onnx is imported only where one is read."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.protocol import Case
from models.gathered import place
from models.manifest import ModelError


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


@dataclass(frozen=True)
class Fixed:
    """How a runtime is told the lengths of a graph's free dimensions."""

    overrides: Mapping[str, int]  # by a dimension's name
    copy: bytes | None = None  # the graph with its lengths written in, where names cannot say them


def fixed(case: Case) -> Fixed:
    """Return how the case's shapes are told to a runtime; nothing of a file that is no ONNX: the runtime will tell."""
    from google.protobuf.message import DecodeError

    from models import graph

    try:
        model = graph.read(case.model_file)
        inputs = graph.declared_inputs(model)
    except (DecodeError, ModelError):
        return Fixed({})
    lengths = [
        (free, length)
        for declared in inputs
        for free, length in zip(declared.shape, case.shapes[declared.name], strict=True)
        if not isinstance(free, int)
    ]
    by_name = {free: {length for name, length in lengths if name == free} for free, _ in lengths}
    if all(isinstance(name, str) and len(values) == 1 for name, values in by_name.items()):
        return Fixed({str(name): length for name, length in lengths})
    return Fixed({}, graph.with_shapes(model, case.shapes).SerializeToString())


@contextmanager
def with_lengths(case: Case) -> Iterator[str | bytes]:
    """Give a graph whose lengths are all written in, its path where they are fixed anyway, with its weights beside it.

    Some runtimes read a graph before they can be told of lengths, and need more than its ranks.
    """
    from google.protobuf.message import DecodeError

    from models import graph

    try:
        model = graph.read(case.model_file)
        is_fixed = all(isinstance(length, int) for one in graph.declared_inputs(model) for length in one.shape)
    except (DecodeError, ModelError):  # the runtime will tell
        is_fixed = True
    if is_fixed:
        yield os.fspath(case.model_file)
        return
    copy, beside = graph.with_shapes(model, case.shapes).SerializeToString(), data_files(case.model_file)
    if not beside:
        yield copy
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, file in beside.items():
            place(file.resolve(), Path(folder, name))
        target = Path(folder, "model.onnx")
        target.write_bytes(copy)
        yield os.fspath(target)


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
