"""From an ONNX file to a graph for TensorFlow.js: a JSON of operations and a blob of their weights.

TensorFlow.js reads no ONNX, and its own converter no PyTorch. These networks have five kinds of operation, so the graph
is written out and the page calls the library's function for each, in the order of the list::

    {"input": NAME, "output": NAME, "operations": [
      {"op": "conv", "input", "output", "kernel": WEIGHT, "bias": WEIGHT, "stride": N, "pad": N, "activation": A},
      {"op": "relu", "input", "output"},
      {"op": "add", "input", "other", "output"},
      {"op": "mean", "input", "output"},
      {"op": "gemm", "input", "output", "kernel": WEIGHT, "bias": WEIGHT}]}

Images are [batch, height, width, channels], mean is over height and width. A is ``relu`` or ``linear``. WEIGHT is
``{"offset": N, "shape": […]}``: the offset counts float32 numbers, little-endian, from the start of the blob. Kernels
are [height, width, in, out] for conv and [in, out] for gemm.
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
    "Gemm": {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0},
    "ReduceMean": {"keepdims": 1},
}
ONLY: dict[str, Operation] = {
    "Conv": {"auto_pad": b"NOTSET", "dilations": [1, 1], "group": 1},
    "Gemm": {"alpha": 1.0, "beta": 1.0, "transA": 0},
    "ReduceMean": {"keepdims": 0},
}


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
        self.blob: list[bytes] = []
        self.written = 0  # float32 numbers

    def graph(self) -> dict[str, Any]:
        """Return what the JSON holds; the blob is full afterwards."""
        outputs = [value.name for value in self.model.output]
        if (len(self.inputs), len(outputs)) != (1, 1):
            raise self._error(f"{len(self.inputs)} inputs and {len(outputs)} outputs, not one of each")
        operations = _fuse_relu([self._operation(node) for node in self.model.node], outputs[0])
        return {"input": self.inputs[0], "output": outputs[0], "operations": operations}

    def _operation(self, node: onnx.NodeProto) -> Operation:
        translate = {
            "Conv": self._conv,
            "Relu": lambda _node: {"op": "relu"},
            "Add": self._add,
            "ReduceMean": self._mean,
            "Gemm": self._gemm,
        }.get(node.op_type)
        if translate is None or node.domain:
            raise self._error(f"the operator {node.op_type}")
        if node.input[0] in self.weights:
            raise self._error(f"{node.op_type} of the weight {node.input[0]}")
        return {"input": node.input[0], "output": node.output[0]} | translate(node)

    def _conv(self, node: onnx.NodeProto) -> Operation:
        attributes = self._attributes(node)
        kernel = self._weight(node, 1, axes=4)
        return {
            "op": "conv",
            "kernel": self._put(kernel.transpose(2, 3, 1, 0)),
            "bias": self._put(self._weight(node, 2, axes=1)),
            "stride": self._same(node, "strides", attributes["strides"]),
            "pad": self._same(node, "pads", attributes["pads"]),
            "activation": "linear",
        }

    def _add(self, node: onnx.NodeProto) -> Operation:
        if node.input[1] in self.weights:
            raise self._error(f"Add of the weight {node.input[1]}")
        return {"op": "add", "other": node.input[1]}

    def _mean(self, node: onnx.NodeProto) -> Operation:
        self._attributes(node)
        axes = self.weights[node.input[1]].tolist() if len(node.input) > 1 else None
        if axes != [2, 3]:
            raise self._error(f"ReduceMean over axes {axes}, not [2, 3]")
        return {"op": "mean"}

    def _gemm(self, node: onnx.NodeProto) -> Operation:
        kernel = self._weight(node, 1, axes=2)
        if self._attributes(node)["transB"]:
            kernel = kernel.T
        return {"op": "gemm", "kernel": self._put(kernel), "bias": self._put(self._weight(node, 2, axes=1))}

    def _attributes(self, node: onnx.NodeProto) -> Operation:
        """Return the node's attributes; refuse those whose value has no counterpart."""
        written = {entry.name: onnx.helper.get_attribute_value(entry) for entry in node.attribute}
        attributes = DEFAULTS[node.op_type] | written
        for name, only in ONLY[node.op_type].items():
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


def _fuse_relu(operations: list[Operation], output: str) -> list[Operation]:
    """Let a convolution do the Relu that follows it, where nothing else reads what comes between them."""
    reads = Counter(operation[key] for operation in operations for key in ("input", "other") if key in operation)
    convolutions = {operation["output"]: operation for operation in operations if operation["op"] == "conv"}
    fused = []
    for operation in operations:
        between = operation["input"]
        if operation["op"] == "relu" and between in convolutions and reads[between] == 1 and between != output:
            convolutions[between] |= {"activation": "relu", "output": operation["output"]}
        else:
            fused.append(operation)
    return fused
