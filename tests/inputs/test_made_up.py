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
    return hints(onnx.load(path), {name: False})[name]


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
    assert hints(model, {"x": False})["x"] == Hint(below=9, is_index=True)


def whole(name, *values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


GATHER = make_node("Gather", ["table", "q"], ["y"])


@pytest.mark.parametrize(
    ("nodes", "kind", "below"),
    [
        ([make_node("Cast", ["x"], ["q"], to=7), GATHER], "FLOAT", 9),
        ([make_node("Add", ["x", "three"], ["q"]), GATHER], "INT64", 6),
        ([make_node("Add", ["offsets", "x"], ["q"]), GATHER], "INT64", 3),
        ([make_node("Sub", ["x", "three"], ["q"]), GATHER], "INT64", 12),
        ([make_node("Clip", ["x", "", "three"], ["q"]), GATHER], "INT64", 9),
        ([make_node("Max", ["three", "x"], ["q"]), GATHER], "INT64", 9),
        (
            [make_node("Greater", ["x", "three"], ["is"]), make_node("Where", ["is", "three", "x"], ["q"]), GATHER],
            "INT64",
            9,
        ),
        (
            [make_node("Gather", ["x", "none"], ["q"], axis=1), GATHER],
            "INT64",
            9,
        ),  # another's table, and itself an index
        ([make_node("Unsqueeze", ["x", "two"], ["q"]), make_node("ScatterND", ["table", "q", "z"], ["y"])], "INT64", 2),
        ([make_node("OneHot", ["x", "three", "onoff"], ["y"])], "INT64", 3),
    ],
    ids=["cast", "plus", "offsets", "minus", "clipped", "max", "where", "picked", "scattered", "one hot"],
)
def test_indices_are_known_behind_other_operators(tmp_path, nodes, kind, below):
    constants = [whole("three", 3), whole("two", 2), whole("none", 0), whole("offsets", 0, 2, 4, 6)]
    values = numpy_helper.from_array(np.float32([0, 1]), "onoff")
    declared = [("x", kind, ["batch", 4]), ("z", "FLOAT", ["batch", 4, 2])]
    model = make_graph(
        tmp_path / "a.onnx", nodes, declared, [("y", "FLOAT", None)], [weights("table", 9, 2), values, *constants]
    )
    fed = inputs.fed(model, 64)
    assert {*np.unique(fed.feeds["x"])} == {*range(below)}
    assert fed.steering == ()


@pytest.mark.parametrize("operator", ["Loop", "Scan"])
def test_a_table_in_a_loop_is_seen(tmp_path, operator):
    def value(name, kind, shape=None):
        return make_tensor_value_info(name, getattr(TensorProto, kind), shape)

    gather = make_node("Gather", ["table", "row"], ["r"])
    if operator == "Scan":
        body = subgraph([gather], "body", [value("row", "INT64", [4])], [value("r", "FLOAT")])
        node = make_node("Scan", ["x"], ["y"], body=body, num_scan_inputs=1)
    else:
        same = [make_node("Identity", ["go"], ["on"]), make_node("Identity", ["row"], ["next"])]
        given, answers = [("n", "INT64", []), ("go", "BOOL", []), ("row", "INT64")], [("on", "BOOL"), ("next", "INT64")]
        body = subgraph(
            [gather, *same],
            "body",
            [*(value(*one) for one in given)],
            [*(value(*one) for one in answers), value("r", "FLOAT")],
        )
        node = make_node("Loop", ["count", "", "x"], ["last", "y"], body=body)
    model = looked_up(tmp_path / "a.onnx", [node], weights("table", 9, 2), whole("count", 2))
    assert hint_of(model) == Hint(below=9, is_index=True)


def test_a_table_as_long_as_the_batch_is_indexed_within(tmp_path):
    declared = [("x", "INT64", [4]), ("table", "FLOAT", ["batch", 3])]
    gather = make_node("Gather", ["table", "x"], ["y"])
    model = make_graph(tmp_path / "a.onnx", [gather], declared, [("y", "FLOAT", None)])
    for size in (1, 8):
        assert inputs.fed(model, size).feeds["x"].max() < size


@pytest.mark.parametrize(
    ("nodes", "kind"),
    [
        ([make_node("Abs", ["x"], ["q"]), make_node("Mod", ["a", "q"], ["y"])], "INT64"),
        ([make_node("Max", ["none", "x"], ["q"]), make_node("Div", ["a", "q"], ["y"])], "INT64"),
        ([make_node("Mul", ["three", "x"], ["q"]), make_node("Div", ["a", "q"], ["y"])], "INT64"),
        ([make_node("Cast", ["x"], ["q"], to=7), make_node("Div", ["a", "q"], ["y"])], "FLOAT"),
        ([make_node("Cast", ["x"], ["q"], to=7), make_node("Div", ["a", "q"], ["y"])], "BOOL"),
    ],
)
def test_a_divisor_is_known_behind_other_operators(tmp_path, nodes, kind):
    declared = [("x", kind, ["batch", 8]), ("a", "INT64", ["batch", 8])]
    weights_ = [whole("none", 0), whole("three", 3)]
    model = make_graph(tmp_path / "a.onnx", nodes, declared, [("y", "INT64", None)], weights_)
    assert inputs.fed(model, 8).feeds["x"].min() >= 1


def test_nothing_is_resized_by_nothing(tmp_path):
    resize = make_node("Resize", ["z", "", "x"], ["y"], mode="nearest")
    declared = [("z", "FLOAT", ["batch", 1, 4, 4]), ("x", "FLOAT", [4])]
    model = make_graph(tmp_path / "a.onnx", [resize], declared, [("y", "FLOAT", None)])
    assert inputs.fed(model, 2).feeds["x"].tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(
    "node",
    [
        make_node("TopK", ["z", "x"], ["y", "i"]),
        make_node("Tile", ["z", "x"], ["y"]),
        make_node("ConstantOfShape", ["x"], ["y"]),
    ],
    ids=lambda node: node.op_type,
)
def test_of_what_is_counted_there_is_one(tmp_path, node):
    declared = [("z", "FLOAT", [9]), ("x", "INT64", [1])]
    model = make_graph(tmp_path / "a.onnx", [node], declared, [("y", "FLOAT", None)])
    fed = inputs.fed(model, None)
    assert (fed.feeds["x"].tolist(), fed.steering) == ([1], ("x",))


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
