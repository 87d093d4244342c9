"""The files of a model of the user's own: links, what is missing, and what is no model at all."""

import os

import numpy as np
import onnx
import pytest
from helpers import make_graph, make_linear

from models import faults, manifest, own
from models.faults import fault


def make_apart(folder, location="weights.bin"):
    """Write a model with its weights in a file of their own; return the model."""
    folder.mkdir(parents=True, exist_ok=True)
    saving = {"save_as_external_data": True, "location": "weights.bin", "size_threshold": 0}
    path = make_linear(folder / "model.onnx", **saving)
    if location != "weights.bin":
        model = onnx.load(path, load_external_data=False)
        for entry in model.graph.initializer[0].external_data:
            if entry.key == "location":
                entry.value = location
        path.write_bytes(model.SerializeToString())
    return path


def in_hub(folder):
    """Lay a model out as a hub's cache does: names are links into a folder of blobs."""
    files, names = make_apart(folder / "made").parent, folder / "snapshots" / "main"
    names.mkdir(parents=True)
    (folder / "blobs").mkdir()
    for number, name in enumerate(("model.onnx", "weights.bin")):
        os.rename(files / name, folder / "blobs" / f"{number}f")
        (names / name).symlink_to(f"../../blobs/{number}f")
    return names / "model.onnx"


def run(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(os.fspath(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.ones((1, 64), np.float32)})[0]


def test_links_are_followed_to_files_that_every_runtime_takes(tmp_path):
    model = in_hub(tmp_path)
    artefact = own.check(own.load(model))
    assert (fault(model), artefact.name, artefact.row["parameters"]) == (None, "model.onnx", 64 * 8)
    assert artefact.row["sha256"] == manifest.sha256(model)
    assert artefact.row["data_sha256"] == {"weights.bin": manifest.sha256(tmp_path / "blobs" / "1f")}
    assert not any(file.is_symlink() for file in artefact.path.parent.iterdir())
    np.testing.assert_array_equal(run(artefact.path), run(make_apart(tmp_path / "plain")))
    assert own.load(model).path == artefact.path  # gathered once


def test_weights_behind_a_link_are_gathered_where_the_model_is_none(tmp_path):
    model = make_apart(tmp_path / "a")
    (tmp_path / "elsewhere").mkdir()
    os.rename(model.with_name("weights.bin"), tmp_path / "elsewhere" / "w")
    model.with_name("weights.bin").symlink_to(tmp_path / "elsewhere" / "w")
    assert run(own.check(own.load(model)).path).shape == (1, 8)


def test_another_disks_files_are_copied(tmp_path, monkeypatch):
    def refuse(*_names):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("models.gathered.os.link", refuse)
    assert run(own.load(in_hub(tmp_path)).path).shape == (1, 8)


def test_a_link_to_weights_that_are_not_there_is_told(tmp_path):
    model = in_hub(tmp_path)
    (tmp_path / "blobs" / "1f").unlink()
    assert "weights.bin, with its weights, is a link to ../../blobs/1f, which is not there; fetch" in fault(model)


def test_a_file_where_it_is_stays_there(tmp_path):
    model = make_apart(tmp_path / "a")
    os.link(model.with_name("weights.bin"), tmp_path / "second name")  # which onnx.checker alone would refuse
    assert own.check(own.load(model)).path == model
    (tmp_path / "link.onnx").symlink_to(make_linear(tmp_path / "linear.onnx"))
    assert own.load(tmp_path / "link.onnx").path == tmp_path / "link.onnx"


def test_a_model_behind_a_link_whose_weights_lie_beside_the_target_is_told(tmp_path):
    model = make_apart(tmp_path / "a")
    (tmp_path / "link.onnx").symlink_to(model)
    told = f"weights.bin, with its weights, is not in {tmp_path}; it lies beside {model}, which this is a link to"
    assert told in fault(tmp_path / "link.onnx")


@pytest.mark.parametrize("location", ["../b/weights.bin", "/etc/hostname", "sub/../../b/weights.bin", "", "/"])
def test_weights_outside_the_models_folder_are_refused_and_never_touched(tmp_path, location):
    make_apart(tmp_path / "b")
    model = make_apart(tmp_path / "a", location)
    words = {"": "a file that has no name", "/": "looked for in the model's folder alone; write its location relative"}
    assert words.get(location[:1], "outside the model's folder, where none is read") in fault(model)
    assert own.load(model).path == model
    assert not faults.is_beside(location)


def test_names_below_the_folder_are_weights_as_well(tmp_path):
    for location in ("sub/weights.bin", "./weights.bin", "sub/../weights.bin"):
        model = make_apart(tmp_path / "a", location)
        (tmp_path / "a" / "sub").mkdir(exist_ok=True)
        place = tmp_path / "a" / location
        if not place.exists():
            os.rename(tmp_path / "a" / "weights.bin", place)
        assert fault(model) is None
        assert own.check(own.load(model)).path == model


@pytest.mark.parametrize(("key", "text"), [("offset", "-4"), ("offset", "abc"), ("length", "12kB"), ("length", "-1")])
def test_places_in_a_file_of_weights_that_are_no_numbers_are_told(tmp_path, key, text):
    path = make_apart(tmp_path)
    model = onnx.load(path, load_external_data=False)
    entry = next(entry for entry in model.graph.initializer[0].external_data if entry.key == key)
    entry.value = text
    path.write_bytes(model.SerializeToString())
    assert f"weight weights has {text} for its {key} in a file of weights, which is no number of bytes" in fault(path)


def test_a_folder_as_the_place_of_weights_is_told(tmp_path):
    assert f"., with its weights, is no file in {tmp_path}" in fault(make_apart(tmp_path, "."))


def test_weights_that_are_not_there_or_not_whole_are_told(tmp_path):
    model, data = make_apart(tmp_path), tmp_path / "weights.bin"
    content = data.read_bytes()
    data.write_bytes(content[:1000])
    assert "weights.bin has 1,000 bytes, weight weights ends at 2,048; the file is not whole" in fault(model)
    data.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    assert "weights.bin, with its weights, is a pointer of Git LFS, not the file itself; run `git lfs" in fault(model)
    data.unlink()
    assert f"{model}: weights.bin, with its weights, is not in {tmp_path}; put it there" in fault(model)
    data.mkdir()
    assert f"weights.bin, with its weights, is no file in {tmp_path}" in fault(model)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "this is an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "this is a pointer of Git LFS, .*; run `git lfs pull`"),
        (b"PK\x03\x04rest", "this is a zip archive"),
        (b"\n<!doctype html><html>", "this is a page of HTML"),
        (b"\x1c\0\0\0TFL3", "this is a .tflite file; give the ONNX file"),
        (b"no model at all" * 9, "this is no ONNX file, or a part of one; download or export it again"),
        (b"\x08\x0a", "this is no ONNX file: there is no graph in it"),
    ],
    ids=["empty", "lfs", "zip", "html", "tflite", "text", "bare"],
)
def test_what_is_no_model_is_called_what_it_is(suite, tmp_path, content, words):
    (tmp_path / "a.onnx").write_bytes(content)
    result = suite.run(model=tmp_path / "a.onnx")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.re_match_lines([rf"ERROR: --model {tmp_path}/a\.onnx: {words}"])


def test_a_graph_without_outputs_is_told(tmp_path):
    model = onnx.load(make_linear(tmp_path / "a.onnx"))
    del model.graph.output[:]
    onnx.save(model, tmp_path / "a.onnx")
    assert fault(tmp_path / "a.onnx").endswith(": its graph has no output, which could be compared")


def test_a_file_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    def refuse(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    model = make_linear(tmp_path / "a.onnx")
    monkeypatch.setattr("pathlib.Path.open", refuse)
    assert fault(model) == f"--model {model}: it cannot be read: Permission denied"


@pytest.mark.parametrize(
    ("given", "answered", "words"),
    [
        ("BFLOAT16", "FLOAT", "input x is of type bfloat16, which cannot be fed"),
        ("FLOAT8E4M3FN", "FLOAT", "input x is of type float8e4m3fn, which cannot be fed"),
        ("STRING", "FLOAT", "input x is of type string, which cannot be fed"),
        ("FLOAT", "INT4", "output y is of type int4, which cannot be compared"),
        ("FLOAT", "COMPLEX64", "output y is of type complex64, which cannot be compared"),
    ],
)
def test_types_that_no_platform_can_be_given_are_called_by_their_names(tmp_path, given, answered, words):
    node = onnx.helper.make_node("Cast", ["x"], ["y"], to=getattr(onnx.TensorProto, answered))
    assert words in fault(make_graph(tmp_path / "a.onnx", [node], [("x", given, [2])], [("y", answered, [2])]))


def test_sequences_and_maps_are_called_by_their_names(tmp_path):
    make, number = onnx.helper, onnx.TensorProto.FLOAT
    tensor = make.make_tensor_type_proto(number, [1])
    kinds = {
        "sequence(float32)": make.make_sequence_type_proto(tensor),
        "sequence(map(string, float32))": make.make_sequence_type_proto(
            make.make_map_type_proto(onnx.TensorProto.STRING, tensor)
        ),
    }
    node = make.make_node("Identity", ["x"], ["y"])
    for name, kind in kinds.items():
        model = onnx.load(make_graph(tmp_path / "a.onnx", [node], [("x", "FLOAT", [1])], [("y", "FLOAT", [1])]))
        model.graph.output[0].CopyFrom(make.make_value_info("y", kind))
        onnx.save(model, tmp_path / "a.onnx")
        assert f"output y is of type {name}, which cannot be compared" in fault(tmp_path / "a.onnx")
    model.graph.output[0].CopyFrom(make.make_value_info("y", make.make_optional_type_proto(tensor)))
    onnx.save(model, tmp_path / "a.onnx")
    assert fault(tmp_path / "a.onnx") is None  # onnxruntime answers with the tensor in it
