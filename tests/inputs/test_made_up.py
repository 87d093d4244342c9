"""What is made up for inputs that nobody gives, and what the graph tells of it."""

import numpy as np
import onnx
import pytest
from helpers import make_graph
from onnx import TensorProto, numpy_helper
from onnx.helper import make_graph as subgraph
from onnx.helper import make_node, make_tensor_value_info

from benchmarks import inputs
from benchmarks.inputs.hints import Hint, hints
from benchmarks.inputs.made_up import may_steer, values
from benchmarks.measuring.parity import ParityError
from benchmarks.measuring.reference import ask
from models import own
from models.graph import Input


def weights(name, *shape):
    return numpy_helper.from_array(np.zeros(shape, np.float32), name)


def hint_of(path, name="x"):
    return hints(onnx.load(path), [name])[name]


def looked_up(path, nodes, *tables, kind="INT64"):
    return make_graph(path, nodes, [("x", kind, ["batch", 4])], [("y", "FLOAT", None)], [*tables])


@pytest.mark.parametrize(
    ("nodes", "below"),
    [
        ([make_node("Gather", ["table", "x"], ["y"])], 30),
        ([make_node("Cast", ["x"], ["c"], to=6), make_node("Gather", ["table", "c"], ["y"])], 30),
        ([make_node("Gather", ["table", "x"], ["y"], axis=1)], 7),
        ([make_node("Gather", ["table", "x"], ["y"], axis=-1)], 7),
        ([make_node("Gather", ["table", "x"], ["a"]), make_node("Gather", ["small", "x"], ["y"])], 5),
        ([make_node("Relu", ["table"], ["inferred"]), make_node("Gather", ["inferred", "x"], ["y"])], 30),
    ],
)
def test_indices_are_of_the_table_they_look_up(tmp_path, nodes, below):
    model = looked_up(tmp_path / "a.onnx", nodes, weights("table", 30, 7), weights("small", 5, 7))
    assert hint_of(model) == Hint(below=below, is_index=True)
    fed = inputs.fed(model, 64)
    assert (fed.feeds["x"].min(), fed.feeds["x"].max(), fed.steering) == (0, below - 1, ())


def test_a_table_in_a_branch_or_a_function_is_seen(tmp_path):
    inner = subgraph(
        [make_node("Gather", ["table", "x"], ["b"])], "then", [], [make_tensor_value_info("b", TensorProto.FLOAT, None)]
    )
    choice = make_node("If", ["chosen"], ["y"], then_branch=inner, else_branch=inner)
    declared = [("x", "INT64", ["batch"]), ("chosen", "BOOL", [])]
    branch = make_graph(tmp_path / "a.onnx", [choice], declared, [("y", "FLOAT", None)], [weights("table", 9, 2)])
    assert hint_of(branch).below == 9
    model = onnx.load(
        looked_up(tmp_path / "b.onnx", [make_node("Look", ["table", "x"], ["y"], domain="own")], weights("table", 9, 2))
    )
    opset = onnx.helper.make_opsetid("", 18)
    function = onnx.helper.make_function(
        "own", "Look", ["t", "i"], ["o"], [make_node("Gather", ["t", "i"], ["o"])], [opset]
    )
    model.functions.append(function)
    assert hints(model, ["x"])["x"].is_index


def test_what_is_divided_by_is_never_zero(tmp_path):
    model = make_graph(
        tmp_path / "a.onnx",
        [make_node("Div", ["a", "x"], ["y"])],
        [("a", "INT32", ["batch", 8]), ("x", "INT32", ["batch", 8])],
        [("y", "INT32", None)],
    )
    assert hint_of(model) == Hint(is_divisor=True)
    assert inputs.fed(model, 8).feeds["x"].min() == 1
    pixels = values(Input("x", np.dtype(np.uint8), (9, 9)), (9, 9), Hint(is_divisor=True), np.random.default_rng(0))
    assert pixels.min() >= 1
    assert pixels.max() > 200


@pytest.mark.parametrize(
    ("kind", "shape", "hint", "steers"),
    [
        ("float32", (), Hint(), True),
        ("bool", ("batch", 3), Hint(), True),
        ("int64", ("batch", 3), Hint(), True),
        ("int64", ("batch", 3), Hint(is_index=True), False),
        ("float32", ("batch", 3), Hint(), False),
        ("uint8", ("batch", 3, 8, 8), Hint(), False),
    ],
)
def test_values_that_may_choose_what_is_computed_are_known(kind, shape, hint, steers):
    assert may_steer(Input("x", np.dtype(kind), shape), hint) is steers


def test_a_graph_that_fails_on_a_made_up_value_says_so(tmp_path):
    node = make_node("Reshape", ["x", "shape"], ["y"])
    model = make_graph(
        tmp_path / "a.onnx", [node], [("x", "FLOAT", ["batch", 5]), ("shape", "INT64", [1])], [("y", "FLOAT", None)]
    )
    remedy = r"give real values with --input FILE\.npz or --input shape=VALUE"
    words = rf"a\.onnx: the reference cannot answer: .*; x, shape were made up: {remedy}"
    with pytest.raises(ParityError, match=words):
        ask(own.check(own.load(model)), inputs.fed(model, 1))
    given = inputs.fed(model, 1, inputs.Wishes(values=(("shape", "5"),)))
    assert given.feeds["shape"].tolist() == [5]
