"""The reference is held against itself: what is random is refused, what it cannot promise is asked of nobody."""

import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from helpers import make_graph, make_linear
from onnx import TensorProto
from onnx.helper import make_graph as graph_of
from onnx.helper import make_node, make_opsetid, make_tensor_value_info

from benchmarks import inputs
from benchmarks.inputs import Wishes, seeded_feeds
from benchmarks.measuring import reference
from benchmarks.measuring.as_written import AsWrittenApart
from benchmarks.measuring.parity import ParityError, proving_nothing
from benchmarks.measuring.promise import Promise
from benchmarks.measuring.reference import ask, own_tolerance, widened
from benchmarks.run.terminal.notes import differing_words, moving_words
from models import own
from models.random_nodes import name_of, random_nodes

ROW = ("FLOAT", ["batch", 16])
TRUE, FALSE = (onnx.numpy_helper.from_array(np.array(value), "mode") for value in (True, False))
RATIO = onnx.numpy_helper.from_array(np.float32(0.5), "ratio")


def make(path, *nodes, weights=(), output=ROW, axes=("batch", 16)):
    return make_graph(path / "g.onnx", nodes, [("x", "FLOAT", [*axes])], [("y", *output)], weights)


def asked(path, batch_size=2):
    return ask(own.check(own.load(path)), inputs.fed(path, batch_size), inputs.several(path, Wishes()))


def promise(path, feeds):
    """Return what a graph can promise, asked in this process."""
    found = Promise(path)
    found.run(feeds)
    return found


# Random outputs


def in_a_branch(node):
    """Return nodes that give x where it is not positive, and what *node* makes of it where it is."""
    result = make_tensor_value_info("taken", TensorProto.FLOAT, None)
    taken = graph_of([node, make_node("Add", ["x", "r"], ["taken"])], "then", [], [result])
    other = graph_of([make_node("Identity", ["x"], ["taken"])], "else", [], [result])
    return [
        make_node("ReduceMax", ["x"], ["largest"], keepdims=0),
        make_node("Greater", ["largest", "zero"], ["is"]),
        make_node("If", ["is"], ["y"], then_branch=taken, else_branch=other),
    ]


RANDOM = make_node("RandomNormalLike", ["x"], ["r"])
SEEDED = make_node("RandomUniform", [], ["r"], name="dice", shape=[1, 16], seed=3.0)
ADD = make_node("Add", ["x", "r"], ["y"])
ZERO = onnx.numpy_helper.from_array(np.float32(0), "zero")


@pytest.mark.parametrize(
    ("nodes", "weights", "words"),
    [
        ([RANDOM, ADD], [], "RandomNormalLike 'r'"),
        (
            [make_node("RandomUniform", [], ["r"], name="dice", shape=[1, 16], seed=3.0), ADD],
            [],
            "RandomUniform 'dice'",
        ),
        ([make_node("Sigmoid", ["x"], ["p"]), make_node("Bernoulli", ["p"], ["y"])], [], "Bernoulli 'y'"),
        ([make_node("Dropout", ["x", "ratio", "mode"], ["y"])], [RATIO, TRUE], "Dropout 'y'"),
        (in_a_branch(RANDOM), [ZERO], "RandomNormalLike 'r'"),
    ],
    ids=["like", "seeded", "Bernoulli", "Dropout in training", "in a branch"],
)
def test_random_outputs_are_refused_with_the_node(tmp_path, nodes, weights, words):
    with pytest.raises(ParityError) as raised:
        asked(make(tmp_path, *nodes, weights=weights))
    why = "there is no answer to hold a platform's against"
    assert str(raised.value) == f"g.onnx: its outputs are random (node {words}): {why}"


def test_an_input_that_may_have_made_them_random_is_named(tmp_path):
    declared = [("x", *ROW), ("training", "BOOL", [])]
    dropout = make_node("Dropout", ["x", "ratio", "training"], ["y"])
    path = make_graph(tmp_path / "g.onnx", [dropout], declared, [("y", *ROW)], [RATIO])
    with pytest.raises(
        ParityError, match=r"are random \(node Dropout 'y'\).*; training was made up: give real .*g=VALUE"
    ):
        asked(path)
    fed = inputs.fed(path, 2, Wishes(values=(("training", "false"),)))
    assert ask(own.check(own.load(path)), fed).differs["again"] == 0


def test_two_throws_alike_are_no_proof(tmp_path):
    """Of one number that is 0 or 1 every second pair of answers is the same."""
    nodes = [make_node("Mul", ["x", "zero"], ["p0"]), make_node("Sigmoid", ["p0"], ["p"])]
    path = make(
        tmp_path, *nodes, make_node("Bernoulli", ["p"], ["y"]), weights=[ZERO], axes=(1,), output=("FLOAT", [1])
    )
    for _ in range(5):
        with pytest.raises(ParityError, match="its outputs are random"):
            promise(path, {"x": np.ones(1, np.float32)}).again(1e-4)


@pytest.mark.parametrize("weights", [[RATIO, FALSE], [RATIO]], ids=["switched off", "not asked for"])
def test_a_dropout_that_does_not_train_is_none(tmp_path, weights):
    inputs = ["x", *(weight.name for weight in weights)]
    path = make(tmp_path, make_node("Dropout", inputs, ["y"]), weights=weights)
    assert asked(path).differs["again"] == 0


def test_a_random_branch_that_is_not_taken_is_none(tmp_path):
    path = make(tmp_path, *in_a_branch(RANDOM), weights=[ZERO])
    assert promise(path, {"x": -np.ones((2, 16), np.float32)}).again(1e-4) == 0


def test_random_nodes_are_found_in_local_functions(tmp_path):
    function = onnx.helper.make_function("own", "Noise", ["x"], ["r"], [RANDOM], [make_opsetid("", 18)])
    model = onnx.load(make(tmp_path, make_node("Relu", ["x"], ["y"])))
    model.functions.append(function)
    assert [*map(name_of, random_nodes(model))] == ["RandomNormalLike 'r'"]


class Answering:
    """Gives one answer after another."""

    def __init__(self, *answers):
        self.answers = [*answers]

    def run(self, feeds):
        return self.answers.pop(0)


def again(path, *answers):
    found = Promise(path)
    found.__dict__["_opened"] = Answering(*({"y": np.array(answer)} for answer in answers))
    found.run({})
    return found.again(1e-4)


def test_what_threads_round_in_another_order_is_not_random(tmp_path):
    path, one = make(tmp_path, make_node("Relu", ["x"], ["y"])), np.float32([1.0, np.nan])
    assert again(path, one, one.copy()) == 0
    assert 0 < again(path, one, one + np.float32(1e-6)) < 1e-5
    for first, second in ((one, one + np.float32(0.1)), (np.array([1, 2]), np.array([1, 3]))):
        with pytest.raises(ParityError, match=r"^g\.onnx: its outputs differ from one call to the next: there is no"):
            again(path, first, second)


# Together and one by one


def test_samples_that_are_added_up_in_another_order_widen_the_tolerance(tmp_path):
    found = asked(make_linear(tmp_path / "linear.onnx"))
    assert found.differs.keys() == {"again", "nudge", "batch"}
    assert max(found.differs.values()) < 1e-5
    assert found.tolerance == own_tolerance("float32")
    assert widened(1e-4, {"batch": 3.749e-3}) == pytest.approx(1.1e-2)
    assert widened(1e-4, {"batch": 3e-2, "again": 0.0}) == reference.MOST  # and no more


@pytest.mark.parametrize("axis", [0, 1])
def test_samples_lie_along_any_axis(tmp_path, axis):
    axes = [16, 16]
    axes[axis] = "batch"
    softmax = make_node("Softmax", ["x"], ["y"], axis=1 - axis)
    path = make(tmp_path, softmax, axes=axes, output=("FLOAT", axes))
    feeds = {"x": np.random.default_rng(0).standard_normal((16, 8) if axis else (8, 16), np.float32)}
    assert 0 <= promise(path, feeds).batch(feeds, {"x": axis}) < 1e-6


def test_samples_that_depend_on_each_other_are_no_rounding(tmp_path):
    path = make(tmp_path, make_node("Softmax", ["x"], ["y"], axis=0))
    found = asked(path)
    assert found.differs["batch"] > reference.MOST
    assert found.tolerance == own_tolerance("float32")


def test_outputs_whose_samples_cannot_be_told_apart_are_left_out(tmp_path):
    """Integers, a length that data decide, and an output without the samples."""
    nodes = [
        make_node("NonZero", ["x"], ["where"]),
        make_node("Cast", ["where"], ["there"], to=TensorProto.FLOAT),
        make_node("ArgMax", ["x"], ["best"]),
        make_node("ReduceSum", ["x"], ["sum"], keepdims=0),
    ]
    outputs = [("there", "FLOAT", [2, "n"]), ("best", "INT64", ["batch", 1]), ("sum", "FLOAT", [])]
    path = make_graph(tmp_path / "g.onnx", nodes, [("x", *ROW)], outputs)
    feeds = {"x": np.random.default_rng(0).standard_normal((8, 16), np.float32)}
    assert promise(path, feeds).batch(feeds, {"x": 0}) is None


def test_a_graph_without_a_batch_is_not_asked_for_several(tmp_path):
    path = make(tmp_path, make_node("Relu", ["x"], ["y"]), axes=(2, 16), output=("FLOAT", [2, 16]))
    assert "batch" not in asked(path, None).differs


# Moved by a rounding


def test_a_graph_that_amplifies_roundings_widens_the_tolerance(tmp_path):
    factor = onnx.numpy_helper.from_array(np.float32(1e3), "factor")
    path = make(tmp_path, make_node("Mul", ["x", "factor"], ["m"]), make_node("Sin", ["m"], ["y"]), weights=[factor])
    found = asked(path)
    assert 1e-4 < found.differs["nudge"] < 1e-3
    assert found.tolerance == pytest.approx(reference.TIMES * found.differs["nudge"], rel=0.05)


@pytest.mark.parametrize("kind", ["INT64", "FLOAT16"])
def test_what_no_runtime_rounds_is_not_moved(tmp_path, kind):
    relu = make_node("Identity", ["x"], ["y"])
    path = make_graph(tmp_path / "g.onnx", [relu], [("x", kind, ["batch"])], [("y", kind, ["batch"])])
    assert promise(path, seeded_feeds(path, 2)).nudge() is None


def test_a_scalar_is_moved_too(tmp_path):
    declared = [("s", "FLOAT", []), ("x", *ROW)]
    path = make_graph(tmp_path / "g.onnx", [make_node("Mul", ["s", "x"], ["y"])], declared, [("y", *ROW)])
    assert 0 < asked(path).differs["nudge"] < 1e-5


def truncated(path, factor, samples=64):
    """Write a product of matrices, cut to whole numbers: some lie so near to one that a rounding tips them over."""
    matrix = np.random.default_rng(0).standard_normal((16, samples)).astype(np.float32)
    weights = [onnx.numpy_helper.from_array(matrix, "W"), onnx.numpy_helper.from_array(np.float32(factor), "factor")]
    nodes = [
        make_node("MatMul", ["x", "W"], ["a"]),
        make_node("Mul", ["a", "factor"], ["b"]),
        make_node("Cast", ["b"], ["y"], to=TensorProto.INT32),
    ]
    return make(path, *nodes, weights=weights, output=("INT32", ["batch", samples]))


def test_whole_numbers_that_a_rounding_tips_over_may_differ_as_often(tmp_path):
    found = asked(truncated(tmp_path, 5e3, 512))
    assert 0 < found.differs["nudge_places"] < 0.05
    assert found.places == pytest.approx(reference.TIMES * found.differs["nudge_places"], rel=0.05)
    assert found.tolerance == own_tolerance("float32")  # of floating outputs, as ever
    facts = SimpleNamespace(platform="here", rounding=None)
    assert found.check(facts, {"y": one_more(found.expected["y"])}) == 0
    with pytest.raises(ParityError, match=r"here: y differ .* in 1024 places that must be equal, of which \d+ may"):
        found.check(facts, {"y": found.expected["y"] + 1})


def test_whole_numbers_that_stay_must_be_equal(tmp_path):
    found = asked(truncated(tmp_path, 1e-3))
    assert (found.differs["nudge_places"], found.places) == (0, 0)
    with pytest.raises(ParityError, match=r"in 1 places that must be equal$"):
        found.check(SimpleNamespace(platform="here", rounding=None), {"y": one_more(found.expected["y"])})


def test_whole_numbers_that_all_move_allow_nothing(tmp_path):
    found = asked(truncated(tmp_path, 2e8))
    assert found.differs["nudge_places"] > reference.MOST
    assert found.places == 0


def one_more(numbers):
    changed = numbers.copy()
    changed[0, 0] += 1
    return changed


# In a process of its own


def test_a_sweep_asks_once(tmp_path, monkeypatch):
    calls, call = [], AsWrittenApart.call
    monkeypatch.setattr(AsWrittenApart, "call", lambda apart, *asked: calls.append(asked[0]) or call(apart, *asked))
    path = make_linear(tmp_path / "linear.onnx")
    monkeypatch.setattr(reference, "_FOUND", {})
    first, second = asked(path), asked(path)
    assert calls == ["open", "run", "again", "nudge", "places", "batch", "places", "open", "run"]
    assert (first.differs, first.tolerance) == (second.differs, second.tolerance)
    asked(path, 3)  # of other inputs
    assert calls[9:] == ["open", "run", "again", "nudge", "places"]


def test_a_process_that_dies_of_what_it_was_asked_is_told(tmp_path):
    path = make_linear(tmp_path / "linear.onnx")
    words = (
        r"^linear\.onnx: the reference cannot answer: its process was ended by SIGFPE, a division of integers by zero$"
    )
    with AsWrittenApart(path, 30) as apart:
        apart.call("open")
        os.kill(apart._process.pid, signal.SIGFPE)
        for _ in range(2):  # and nothing more is asked of it
            with pytest.raises(ParityError, match=words):
                apart.run(seeded_feeds(path, 1))


def test_a_reference_that_hangs_is_given_up(tmp_path):
    path = make_linear(tmp_path / "linear.onnx")
    words = r"its process did not answer within 0\.001 s; raise --inference-timeout$"
    with pytest.raises(ParityError, match=words):
        ask(own.check(own.load(path)), inputs.fed(path, 1), timeout=0.001)


def test_the_catalogues_files_are_asked_here(monkeypatch):
    from models import manifest

    monkeypatch.delattr(reference, "AsWrittenApart")
    assert ask(manifest.load("resnet8"), inputs.fed(manifest.load("resnet8").path, 1)).tolerance == 1e-5


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells it")
def test_where_memory_is_short_the_reference_goes_first(tmp_path):
    with AsWrittenApart(make_linear(tmp_path / "linear.onnx"), 30) as apart:
        apart.call("open")
        assert Path(f"/proc/{apart._process.pid}/oom_score_adj").read_text().strip() == "1000"


# What is told


def test_a_precision_that_is_not_listed_has_the_widest_tolerance():
    assert own_tolerance("float32") == 1e-4
    assert own_tolerance("float8e4m3fn") == own_tolerance("int8") == 1e-1


def test_what_a_reference_cannot_promise_is_told():
    said = "the reference differs from itself by"
    assert differing_words(1e-6, "twice", 1e-4) is None
    assert differing_words(1e-3, "twice", 1e-4) == f"{said} 1.0e-03 (twice); answers may differ by 3.0e-03, not 1e-04"
    assert differing_words(0.5, "twice", 1e-4) == (
        f"{said} 5.0e-01 (twice), more than rounding does; that is allowed to no platform"
    )


def test_whole_numbers_that_move_are_told():
    assert moving_words(0.0, "twice") is None
    assert moving_words(0.002, "twice") == "of the reference's whole numbers 0.20% differ (twice); 0.60% may differ"
    assert moving_words(0.5, "twice").endswith("(twice), more than rounding does; that is allowed to no platform")


def test_a_run_tells_whole_numbers_that_move(suite, tmp_path):
    result = suite.run(model=truncated(tmp_path, 5e3, 512))
    result.assert_outcomes(passed=1)
    words = "of the reference's whole numbers * differ (a batch of 1, its inputs moved by a rounding); * may differ"
    result.stdout.fnmatch_lines([f"parity   g.onnx: {words}"])


@pytest.mark.parametrize(
    ("value", "expected"),
    [([np.nan, np.inf], ["y"]), ([], ["y"]), ([np.nan, 0.0], []), (np.float32(1), [])],
)
def test_an_output_without_a_finite_number_proves_nothing(value, expected):
    assert proving_nothing({"y": np.asarray(value, np.float32)}) == expected
    assert proving_nothing({"y": np.array([3])}) == []


def test_a_run_tells_what_proves_nothing(suite, tmp_path):
    minus = onnx.numpy_helper.from_array(np.float32(-1), "minus")
    nodes = [make_node("Abs", ["x"], ["a"]), make_node("Mul", ["a", "minus"], ["m"]), make_node("Log", ["m"], ["y"])]
    result = suite.run("--benchmark-json=out.json", model=make(tmp_path, *nodes, weights=[minus]))
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["parity   g.onnx: y: empty, infinite or NaN throughout: no platform's answer is *"])
    assert suite.benchmarks()[0]["extra_info"]["unproved"] == ["y"]


def test_a_run_tells_and_stores_it(suite, tmp_path):
    model = make(tmp_path, make_node("Softmax", ["x"], ["y"], axis=0))
    result = suite.run("--benchmark-json=out.json", model=model)
    result.assert_outcomes(passed=1)
    (benchmark,) = suite.benchmarks()
    info = benchmark["extra_info"]
    assert (info["tolerance"], info["parity"]) == (1e-4, 0.0)
    assert info["reference_differs"].keys() == {"again", "nudge", "batch"}
    words = "the reference differs from itself by * (8 together against one by one), more than rounding does; *"
    result.stdout.fnmatch_lines([f"parity   g.onnx: {words}"])


def test_random_outputs_fail_a_run_in_one_line(suite, tmp_path):
    result = suite.run(model=make(tmp_path, RANDOM, ADD))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["g.onnx: its outputs are random (node RandomNormalLike 'r'): there is no answer *"])
