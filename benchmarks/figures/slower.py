"""A really slower version of the models: more small convolutions, which compute and change nothing.

Each multiplies by the identity, so that every answer, and with it every check of the suite, stays what it was. The
files for LiteRT stay as they were: what makes them is not at hand in every environment.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from models import manifest
from models.tfjs import to_tfjs


def make_slower(checkout: Path, convolutions: int, only: str | None = None) -> None:
    """Put so many *convolutions* more into the float32 models of a checkout, and into their forms for TensorFlow.js.

    Into *only* one of them, where it is named.
    """
    rows_file = checkout / "models" / "manifest.json"
    for name in [only] if only else manifest.chosen(rows_file):
        row = manifest.rows(rows_file)[name]
        file = checkout / "models" / row["file"]
        add_convolutions(file, convolutions)
        manifest.write_row(name, {**row, **_facts(file)}, rows_file)
        manifest.write_derived(name, _derived(file, row), rows_file)


def add_convolutions(file: Path, number: int) -> None:
    """Put *number* 1x1 convolutions behind the graph's first Relu; each multiplies the channels by the identity."""
    model = onnx.load(file)
    nodes = model.graph.node
    at, relu = next((index, node) for index, node in enumerate(nodes) if node.op_type == "Relu")
    weights = {weight.name: weight for weight in model.graph.initializer}
    channels = next(weights[node.input[1]].dims[0] for node in nodes if node.op_type == "Conv")
    kernel = numpy_helper.from_array(np.eye(channels, dtype=np.float32)[:, :, None, None], "identity.kernel")
    bias = numpy_helper.from_array(np.zeros(channels, np.float32), "identity.bias")
    model.graph.initializer.extend([kernel, bias])
    result, relu.output[0] = relu.output[0], f"{relu.output[0]}.0"
    for index in range(number):
        last = index == number - 1
        output = result if last else f"{result}.{index + 1}"
        node = helper.make_node("Conv", [f"{result}.{index}", kernel.name, bias.name], [output])
        nodes.insert(at + 1 + index, node)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, file)


def _derived(file: Path, row: manifest.Row) -> dict[str, manifest.Row]:
    """Make the form for TensorFlow.js anew; return the rows of all forms, as made from the file as it is now."""
    forms = {end: file.with_name(f"{file.stem}.tfjs.{end}") for end in ("json", "bin")}
    to_tfjs(file, forms["json"], forms["bin"])
    return {
        name: {**derived_row, **_facts(file.with_name(name)), "made_from": manifest.sha256(file)}
        for name, derived_row in row["derived"].items()
    }


def _facts(file: Path) -> manifest.Row:
    return {"sha256": manifest.sha256(file), "bytes": file.stat().st_size}
