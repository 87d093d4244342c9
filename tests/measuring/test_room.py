"""What the outputs will take is foreseen from the graph and its inputs, and held against the memory that there is."""

import numpy as np
import pytest
from helpers import make_graph, make_many

from benchmarks import inputs
from benchmarks.measuring import room
from benchmarks.measuring.reference import ask
from benchmarks.protocol import UnavailableError
from models import own


def doubling(path, declared=("batch", None)):
    """Write a graph whose output is twice as wide as its input."""
    from onnx import helper

    nodes = [helper.make_node("Concat", ["x", "x"], ["y"], axis=1)]
    return make_graph(path, nodes, [("x", "FLOAT", ["batch", None])], [("y", "FLOAT", declared)])


def test_the_bytes_of_outputs_follow_from_the_inputs(tmp_path):
    feeds = {"x": np.zeros((3, 5), np.float32)}
    assert room.output_bytes(doubling(tmp_path / "a.onnx"), feeds) == {"y": 3 * 10 * 4}
    of_many = {
        "ids": np.zeros((2, 7), np.int64),
        "values": np.zeros((2, 7), np.float32),
        "mask": np.zeros((2, 7), bool),
        "pixels": np.zeros((3, 9), np.uint8),
        "half": np.zeros(2, np.float16),
    }
    found = {"scores": 2 * 7 * 4, "same": 3 * 9, "best": 2 * 8, "halved": 2 * 2}
    assert room.output_bytes(make_many(tmp_path / "b.onnx"), of_many) == found


def test_what_cannot_be_foreseen_counts_as_the_graph_declares_it_or_nothing(tmp_path):
    from onnx import helper

    def unknown(name, shape):
        node = helper.make_node("Strange", ["x"], ["y"], domain="elsewhere")
        return make_graph(tmp_path / name, [node], [("x", "FLOAT", [4])], [("y", "FLOAT", shape)])

    feeds = {"x": np.zeros(4, np.float32)}
    assert room.output_bytes(unknown("a.onnx", [6]), feeds) == {"y": 24}
    assert room.output_bytes(unknown("b.onnx", ["n"]), feeds) == {"y": 0}


@pytest.mark.parametrize(("side", "copies"), [("server", 6), ("client", 9)])
def test_a_case_whose_outputs_do_not_fit_is_unavailable_before_anything_is_computed(
    tmp_path, monkeypatch, side, copies
):
    artefact = own.check(own.load(doubling(tmp_path / "wide.onnx")))
    fed = inputs.fed(artefact.path, 2, inputs.Wishes(dims=(("x:1", 10),)))
    size = 2 * 20 * 4
    monkeypatch.setattr(room, "available", lambda: size * copies)
    ask(artefact, fed, side=side)
    monkeypatch.setattr(room, "available", lambda: size * copies - 1)
    words = rf"^wide\.onnx: its outputs take 0\.0 GB, of which {copies} copies .* take a smaller --batch-size or --dim"
    with pytest.raises(UnavailableError, match=words):
        ask(artefact, fed, side=side)


def test_a_page_has_its_own_limit(tmp_path, monkeypatch):
    model, feeds = doubling(tmp_path / "wide.onnx"), {"x": np.zeros((3, 5), np.float32)}
    monkeypatch.setattr(room, "IN_PAGE", 119)
    room.check_room(model, feeds, "server")
    with pytest.raises(UnavailableError, match=r"^wide\.onnx: y takes 0\.0 GB, and an array .* server-cpu$"):
        room.check_room(model, feeds, "client")
    monkeypatch.setattr(room, "IN_PAGE", 120)
    room.check_room(model, feeds, "client")


def test_control_groups_are_asked_too(monkeypatch):
    monkeypatch.setattr(room.quota, "free_memory", lambda: None)
    assert room.available() > 1000
    monkeypatch.setattr(room.quota, "free_memory", lambda: 1000)
    assert room.available() == 1000
