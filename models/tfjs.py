"""From an ONNX file to a graph for TensorFlow.js: a JSON of operations and a blob of their weights.

TensorFlow.js reads no ONNX, and its own converter no PyTorch. These networks have a dozen kinds of operation, so the
graph is written out and the page calls the library's function for each, in the order of the list::

    {"input": NAME, "output": NAME, "operations": [
      {"op": "conv", "input", "output", "kernel": WEIGHT, "bias": WEIGHT, "stride": N, "pad": N, "activation": A},
      {"op": "depthwise", …},                                     as conv
      {"op": "relu", "input", "output"},                          and relu6, sigmoid, hardSigmoid, hardSwish
      {"op": "add", "input", "other", "output"},                  and mul, each of which may stretch a side of length 1
      {"op": "maxPool", "input", "output", "size": N, "stride": N, "pad": N},
      {"op": "mean", "input", "output"},                          "keepDims": true where height and width stay, as 1
      {"op": "flatten", "input", "output"},
      {"op": "gemm", "input", "output", "kernel": WEIGHT, "bias": WEIGHT}]}

Images are [batch, height, width, channels], mean is over height and width. A is ``relu``, ``relu6``, ``sigmoid`` or
``linear``: what the library does in one with a convolution. WEIGHT is ``{"offset": N, "shape": […]}``: the offset
counts float32 numbers, little-endian, from the start of the blob. Kernels are [height, width, in, out] for conv,
[height, width, channels, 1] for depthwise, and [in, out] for gemm.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from models.files import ExportError, replacing
from models.graph import declared_inputs, numbers

Operation = dict[str, Any]

# The values that ONNX takes where a node names none; and the only ones that have a counterpart here.
DEFAULTS: dict[str, Operation] = {
    "Conv": {"auto_pad": b"NOTSET", "dilations": [1, 1], "group": 1, "pads": [0, 0, 0, 0], "strides": [1, 1]},
    "Flatten": {"axis": 1},
    "Gemm": {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0},
    "HardSigmoid": {"alpha": 0.2, "beta": 0.5},
    "MaxPool": {
        "auto_pad": b"NOTSET",
        "ceil_mode": 0,
        "dilations": [1, 1],
        "pads": [0, 0, 0, 0],
        "storage_order": 0,
        "strides": [1, 1],
    },
    "ReduceMean": {"keepdims": 1},
}
ONLY: dict[str, Operation] = {
    "Conv": {"auto_pad": b"NOTSET", "dilations": [1, 1]},
    "Gemm": {"alpha": 1.0, "beta": 1.0, "transA": 0},
    "HardSigmoid": {"alpha": float(np.float32(1 / 6)), "beta": 0.5},
    "MaxPool": {"auto_pad": b"NOTSET", "ceil_mode": 0, "dilations": [1, 1]},
}
FUSED = ("relu", "relu6", "sigmoid")  # with a convolution


def to_tfjs(source: Path, graph_file: Path, weights_file: Path) -> None:
    """Write the float32 network in *source* as a JSON, *graph_file*, and a blob, *weights_file*.

    Raises ExportError naming the operator, attribute or weight that has no counterpart.
    """
    translation = _Translation(onnx.load(source), source.name)
    graph = translation.graph()
    with replacing(graph_file) as partial_graph, replacing(weights_file) as partial_weights:
        partial_graph.write_text(json.dumps(graph, separators=(",", ":")) + "\n")
        partial_weights.write_bytes(b"".join(translation.blob))


class _Translation:
    """One graph on its way: its weights by name, and those that the operations so far have put into the blob."""

    def __init__(self, model: onnx.ModelProto, name: str) -> None:
        self.model, self.name = model.graph, name
        self.weights = numbers(model)
        self.inputs = [declared.name for declared in declared_inputs(model)]
        self.means: set[str] = set()  # with a height and a width of one
        self.blob: list[bytes] = []
        self.written = 0  # float32 numbers

    def graph(self) -> dict[str, Any]:
        """Return what the JSON holds; the blob is full afterwards."""
        outputs = [value.name for value in self.model.output]
        if (len(self.inputs), len(outputs)) != (1, 1):
            raise self._error(f"{len(self.inputs)} inputs and {len(outputs)} outputs, not one of each")
        operations = _fuse_activations([self._operation(node) for node in self.model.node], outputs[0])
        return {"input": self.inputs[0], "output": outputs[0], "operations": operations}

    def _operation(self, node: onnx.NodeProto) -> Operation:
        translate = {
            "Conv": self._conv,
            "Relu": lambda _node: {"op": "relu"},
            "Clip": self._relu6,
            "Sigmoid": lambda _node: {"op": "sigmoid"},
            "HardSigmoid": self._hard_sigmoid,
            "HardSwish": lambda _node: {"op": "hardSwish"},
            "Add": self._of_two,
            "Mul": self._of_two,
            "MaxPool": self._max_pool,
            "ReduceMean": self._mean,
            "GlobalAveragePool": self._mean_that_stays,
            "Flatten": self._flatten,
            "Reshape": self._flatten,
            "Gemm": self._gemm,
        }.get(node.op_type)
        if translate is None or node.domain:
            raise self._error(f"the operator {node.op_type}")
        if node.input[0] in self.weights:
            raise self._error(f"{node.op_type} of the weight {node.input[0]}")
        return {"input": node.input[0], "output": node.output[0]} | translate(node)

    def _conv(self, node: onnx.NodeProto) -> Operation:
        attributes = self._attributes(node)
        kernel, group = self._weight(node, 1, axes=4), attributes["group"]
        # One kernel a channel has the shape [channels, 1, height, width], and becomes [height, width, channels, 1].
        is_depthwise = group > 1 and group == kernel.shape[0] and kernel.shape[1] == 1
        if group > 1 and not is_depthwise:
            raise self._error(f"Conv with group {group} and a kernel {[*kernel.shape]}, not one kernel a channel")
        return {
            "op": "depthwise" if is_depthwise else "conv",
            "kernel": self._put(kernel.transpose((2, 3, 0, 1) if is_depthwise else (2, 3, 1, 0))),
            "bias": self._put(self._weight(node, 2, axes=1)),
            "stride": self._same(node, "strides", attributes["strides"]),
            "pad": self._same(node, "pads", attributes["pads"]),
            "activation": "linear",
        }

    def _of_two(self, node: onnx.NodeProto) -> Operation:
        if node.input[1] in self.weights:
            raise self._error(f"{node.op_type} of the weight {node.input[1]}")
        return {"op": node.op_type.lower(), "other": node.input[1]}

    def _relu6(self, node: onnx.NodeProto) -> Operation:
        limits = [self.weights[name].tolist() if name in self.weights else None for name in node.input[1:]]
        if limits != [0, 6]:
            raise self._error(f"Clip to {limits}, not [0, 6]")
        return {"op": "relu6"}

    def _hard_sigmoid(self, node: onnx.NodeProto) -> Operation:
        self._attributes(node)
        return {"op": "hardSigmoid"}

    def _max_pool(self, node: onnx.NodeProto) -> Operation:
        attributes = self._attributes(node)
        names = {"size": "kernel_shape", "stride": "strides", "pad": "pads"}
        return {"op": "maxPool", **{ours: self._same(node, name, attributes[name]) for ours, name in names.items()}}

    def _mean(self, node: onnx.NodeProto) -> Operation:
        attributes = self._attributes(node)
        axes = self.weights[node.input[1]].tolist() if len(node.input) > 1 else None
        if axes not in ([2, 3], [-1, -2], [-2, -1]):
            raise self._error(f"ReduceMean over axes {axes}, not [2, 3]")
        return self._mean_that_stays(node) if attributes["keepdims"] else {"op": "mean"}

    def _mean_that_stays(self, node: onnx.NodeProto) -> Operation:
        self.means.add(node.output[0])
        return {"op": "mean", "keepDims": True}

    def _flatten(self, node: onnx.NodeProto) -> Operation:
        """Take what leaves the channels alone, behind a mean: elsewhere their order is another one here."""
        if node.input[0] not in self.means:
            raise self._error(f"{node.op_type} of {node.input[0]}, which is no mean over height and width")
        if node.op_type == "Reshape":
            shape = self.weights[node.input[1]].tolist() if node.input[1] in self.weights else None
            if not shape or len(shape) != 2 or shape[0] > 0:
                raise self._error(f"Reshape to {shape}, not [batch, channels]")
        elif (axis := self._attributes(node)["axis"]) != 1:
            raise self._error(f"Flatten with axis {axis}, not 1")
        return {"op": "flatten"}

    def _gemm(self, node: onnx.NodeProto) -> Operation:
        kernel = self._weight(node, 1, axes=2)
        if self._attributes(node)["transB"]:
            kernel = kernel.T
        return {"op": "gemm", "kernel": self._put(kernel), "bias": self._put(self._weight(node, 2, axes=1))}

    def _attributes(self, node: onnx.NodeProto) -> Operation:
        """Return the node's attributes; refuse those whose value has no counterpart."""
        written = {entry.name: onnx.helper.get_attribute_value(entry) for entry in node.attribute}
        attributes = DEFAULTS[node.op_type] | written
        for name, only in ONLY.get(node.op_type, {}).items():
            if attributes[name] != only:
                raise self._error(f"{node.op_type} with {name} {attributes[name]}, not {only}")
        return attributes

    def _same(self, node: onnx.NodeProto, name: str, values: list[int]) -> int:
        if len({*values}) != 1:
            raise self._error(f"{node.op_type} with unequal {name} {values}")
        return values[0]

    def _weight(self, node: onnx.NodeProto, index: int, axes: int) -> NDArray[np.float32]:
        name = node.input[index] if len(node.input) > index else ""
        if (weight := self.weights.get(name)) is None:
            raise self._error(f"{node.op_type} whose input {index} is {f'{name}, no weight' if name else 'left out'}")
        if weight.dtype != np.float32 or weight.ndim != axes:
            raise self._error(f"{name}, {weight.dtype} {[*weight.shape]}, not float32 of {axes} axes")
        return weight

    def _put(self, weight: NDArray[np.float32]) -> dict[str, Any]:
        place = {"offset": self.written, "shape": [*weight.shape]}
        self.blob.append(weight.astype("<f4").tobytes())
        self.written += weight.size
        return place

    def _error(self, what: str) -> ExportError:
        return ExportError(f"{self.name}: no counterpart in the TensorFlow.js graph (models/tfjs.py) for {what}")


def _fuse_activations(operations: list[Operation], output: str) -> list[Operation]:
    """Let a convolution do the activation that follows it, where nothing else reads what comes between them."""
    reads = Counter(operation[key] for operation in operations for key in ("input", "other") if key in operation)
    convolutions = {operation["output"]: operation for operation in operations if "activation" in operation}
    fused = []
    for operation in operations:
        between, kind = operation["input"], operation["op"]
        if kind in FUSED and between in convolutions and reads[between] == 1 and between != output:
            convolutions[between] |= {"activation": kind, "output": operation["output"]}
        else:
            fused.append(operation)
    return fused
