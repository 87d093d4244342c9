"""Which dimension is the batch, and where the lengths of the others come from."""

import numpy as np
import pytest

from benchmarks.inputs.dimensions import Dimensions, options
from benchmarks.inputs.expressions import computed
from models.graph import Input
from models.manifest import ModelError

FLOAT = np.dtype(np.float32)


def inputs(**shapes):
    return [Input(name, FLOAT, tuple(shape)) for name, shape in shapes.items()]


@pytest.mark.parametrize(
    ("shapes", "axes"),
    [
        ({"proj": [64, 10], "x": ["batch", 64]}, {"x": 0}),
        ({"s": [], "x": ["batch", 16]}, {"x": 0}),
        ({"x": ["seq", "batch", 16]}, {"x": 1}),
        ({"x": ["batch_size", 4], "h": [2, "batch_size", 8]}, {"x": 0, "h": 1}),
        ({"x": ["N", 3, "H", "W"]}, {"x": 0}),
        ({"x": ["n", "t"]}, {"x": 0}),
        ({"x": ["B", "N", 3]}, {"x": 0}),
        ({"boxes": ["N", 4], "x": ["batch", 3]}, {"x": 0}),
        ({"x": ["batchSize", 3]}, {"x": 0}),
        ({"x": ["batch*heads", 3], "y": ["batch", 3]}, {"y": 0}),
        ({"x": ["unk__214", 2048]}, {"x": 0}),
        ({"ids": ["unk__1", "unk__2"], "mask": ["unk__1", "unk__2"]}, {"ids": 0, "mask": 0}),
        ({"x": ["p2o.DynamicDimension.0", 3, "?", "p2o.DynamicDimension.1"]}, {"x": 0}),
        ({"x": ["input_dynamic_axes_1", 3]}, {"x": 0}),
        ({"x": ["s77", 3]}, {"x": 0}),
        ({"x": [None, 3, "?", "?"]}, {"x": 0}),
        ({"x": [None, 3], "z": [None]}, {"x": 0, "z": 0}),
        ({"x": ["batch", 3], "p": ["batch_seqlen", 2]}, {"x": 0}),
        ({"x": ["N", 3, 8, 8], "mean": [1, 3, 1, 1]}, {"x": 0}),
    ],
)
def test_the_batch_is_found_wherever_it_stands(shapes, axes):
    dimensions = Dimensions.of(inputs(**shapes))
    assert dimensions.batch is not None
    assert (dimensions.batch.axes, dimensions.batch.fixed) == (axes, None)


@pytest.mark.parametrize(
    "shapes",
    [
        {"x": ["sequence_length", 576], "h": [1, 1, 128]},
        {"x": ["height", "width", 3]},
        {"ids": ["unk__1", 4], "mask": ["unk__2", 4]},  # shared by nothing
        {"x": [None, None], "state": [2, None, 128]},
        {"x": ["batch_sequence", 4]},
        {"x": ["batch_nodes", 4]},
        {"x": [1, 3, 8, 8], "boxes": ["N", 4]},  # in one picture
        {"x": [0, 3, 8, 8]},
        {"x": [64, 10]},
        {"x": [16000]},
        {"x": [8, 64], "w": [64, 10]},
        {"rate": []},
        {},
    ],
)
def test_a_graph_without_one_has_no_batch(shapes):
    assert Dimensions.of(inputs(**shapes)).batch is None


@pytest.mark.parametrize(
    ("shapes", "fixed"),
    [({"x": [1, 3, 224, 224]}, 1), ({"x": [8, 3, 32, 32]}, 8), ({"x": [4, 32, 32, 1]}, 4), ({"x": [1, "seq"]}, 1)],
)
def test_a_batch_that_the_graph_fixes_is_known(shapes, fixed):
    batch = Dimensions.of(inputs(**shapes)).batch
    assert batch is not None
    assert batch.fixed == fixed


def test_who_names_the_batch_is_believed():
    unnamed = inputs(x=[None, None], state=[2, None, 128], sr=[])
    dimensions = Dimensions.of(unnamed, {"x:1": 512}, ["x:0", "state:1"])
    assert dimensions.batch is not None
    assert dimensions.batch.axes == {"x": 0, "state": 1}
    assert dimensions.shapes(3) == {"x": (3, 512), "state": (2, 3, 128), "sr": ()}
    by_name = Dimensions.of(inputs(x=["rows", 4], y=["rows"], n=["N"]), {"N": 7}, ["x:0"])
    assert by_name.shapes(2) == {"x": (2, 4), "y": (2,), "n": (7,)}
    fixed = Dimensions.of(inputs(x=[64, 10]), batch_axes=["x:0"]).batch
    assert fixed is not None
    assert fixed.fixed == 64
    with pytest.raises(ModelError, match=r"fixed at \[2, 3\], no one batch"):
        Dimensions.of(inputs(x=[2], y=[3]), batch_axes=["x:0", "y:0"])


def test_a_symbol_is_the_batch_wherever_it_stands_and_nowhere_another_length():
    square = Dimensions.of(inputs(x=["s77", 16], q=["s77", "s77"]))
    assert square.shapes(3) == {"x": (3, 16), "q": (3, 3)}
    state = inputs(x=["s1", "s77", 3], h=[1, "s77", 4])
    named = Dimensions.of(state, {"s1": 5}, ["x:1"])
    assert (named.shapes(2), named.batch_names()) == ({"x": (5, 2, 3), "h": (1, 2, 4)}, {"s77"})
    assert Dimensions.of(state, {"s77": 5}, ["x:1"]).batch_names() == {"s77"}  # to be refused, not to be overlooked
    assert Dimensions.of(state).shapes(None, {"x": (5, 2, 3)})["h"] == (1, 2, 4)
    with pytest.raises(ModelError, match="--batch-axis x:1: --dim x:1=4 says that it is none; leave out one"):
        Dimensions.of(state, {"x:1": 4}, ["x:1"])


def test_a_place_with_a_length_of_its_own_is_no_batch():
    dimensions = Dimensions.of(inputs(x=["batch", 4], mask=["batch"]), {"mask:0": 9})
    assert dimensions.shapes(2) == {"x": (2, 4), "mask": (9,)}
    assert Dimensions.of(inputs(x=["unk__1", 4]), {"unk__1": 50}).batch is None  # nobody chose that name
    assert Dimensions.of(inputs(x=[None, 4]), {"x:0": 50}).shapes(None) == {"x": (50, 4)}


def test_a_place_wins_over_a_name_and_zero_is_a_length():
    given = {"?": 128, "x:3": 96, "past": 0}
    dimensions = Dimensions.of(inputs(x=["N", 3, "?", "?"], past=["N", "past", 8]), given)
    assert dimensions.shapes(1) == {"x": (1, 3, 128, 96), "past": (1, 0, 8)}
    assert Dimensions.of(inputs(x=["batch", 0, 8])).shapes(2) == {"x": (2, 0, 8)}


def test_all_missing_lengths_are_asked_for_at_once():
    dimensions = Dimensions.of(inputs(x=["N", 3, "?", "?"], ids=["N", "sequence"], mask=["N", "sequence"]))
    assert dimensions.missing() == ["x:2", "x:3", "sequence"]
    with pytest.raises(ModelError, match=r"no length for x:2, x:3, sequence; add --dim x:2=N --dim x:3=N --dim seq"):
        dimensions.shapes(1)
    assert options(["a b"]) == "--dim 'a b=N'"


def test_lengths_that_follow_from_others_are_not_asked_for():
    both = inputs(ids=["batch", "seq"], mask=["batch", "past + seq"], keys=["2*batch", "past"])
    assert Dimensions.of(both).missing() == ["seq", "past"]
    dimensions = Dimensions.of(both, {"seq": 3, "past": 4})
    assert dimensions.missing() == []
    for size in (1, 8):
        assert dimensions.shapes(size) == {"ids": (size, 3), "mask": (size, 7), "keys": (2 * size, 4)}
    given = Dimensions.of(both, {"seq": 3, "past": 4, "past + seq": 9, "keys:0": 5})
    assert given.shapes(2) == {"ids": (2, 3), "mask": (2, 9), "keys": (5, 4)}
    known = Dimensions.of(both).shapes(2, {"ids": (2, 3), "keys": (4, 1)})
    assert known["mask"] == (2, 4)


@pytest.mark.parametrize("text", ["", "?", "a b", "f(a)", "a//none", "none", "a - 9", "a/2", "'a'", "-a", "a**9", "("])
def test_what_is_no_expression_of_known_lengths_has_no_length(text):
    assert computed(text, {"a": 3, "none0": 0}) is None
    assert computed("(a + 1)*2 // 3", {"a": 3}) == 2


def test_what_was_given_tells_the_lengths_of_what_was_not():
    dimensions = Dimensions.of(inputs(ids=["batch", "sequence"], mask=["batch", "sequence"], x=["batch", "?"]))
    known = {"ids": (2, 17), "x": (2, 5)}
    assert dimensions.shapes(2, known) == {"ids": (2, 17), "mask": (2, 17), "x": (2, 5)}
    assert dimensions.missing({"x": (2, 5)}) == ["sequence"]
