"""Where a graph rolls dice: the operators whose outputs differ from one call to the next."""

from collections.abc import Iterable, Iterator

import onnx
from onnx import NodeProto, numpy_helper

from models import graph

RANDOM = ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli")
DROPOUT = "Dropout"  # random in training only
TRAINING_MODE = 2  # which of Dropout's inputs says so, since opset 12; before, since 7, it never is


def random_nodes(model: onnx.ModelProto) -> Iterator[NodeProto]:
    """Yield the random nodes of *model*, those in branches, loops and local functions included."""
    nodes = [*graph.nodes(model)]
    off = _switched_off(model, nodes)
    for node in nodes:
        if node.op_type in RANDOM or (node.op_type == DROPOUT and _trains(node, off)):
            yield node


def name_of(node: NodeProto) -> str:
    """Return what a person finds a node by: ``RandomNormalLike 'r'``, by its output where it has no name."""
    return f"{node.op_type} '{node.name or node.output[0]}'"


def _trains(node: NodeProto, off: set[str]) -> bool:
    """Whether a Dropout is, or may be, in training mode."""
    if any(attribute.name == "is_test" for attribute in node.attribute):  # until opset 7
        return not next(attribute.i for attribute in node.attribute if attribute.name == "is_test")
    mode = node.input[TRAINING_MODE] if len(node.input) > TRAINING_MODE else ""
    return bool(mode) and mode not in off


def _switched_off(model: onnx.ModelProto, nodes: Iterable[NodeProto]) -> set[str]:
    """Return the names of the constants that are false."""
    weights = [(weight.name, weight) for weight in model.graph.initializer]
    constants = [
        (node.output[0], attribute.t)
        for node in nodes
        if node.op_type == "Constant"
        for attribute in node.attribute
        if attribute.name == "value"
    ]
    return {
        name
        for name, tensor in weights + constants
        if tensor.data_type == onnx.TensorProto.BOOL and not numpy_helper.to_array(tensor).any()
    }
