"""What is made from the float32 files for runtimes without ONNX computes the same, and is of these very files."""

import json
import sys

import numpy as np
import pytest
import torch
from helpers import ROOT, make_graph, make_model
from onnx import helper, numpy_helper
from torch.nn import functional

import train_models
from models import MODELS, build, manifest, tflite
from models.build import Data, Workshop
from models.cifar100 import Split
from models.export import logits_of
from models.files import ExportError
from models.manifest import Artefact, ModelError
from models.resnet import restore
from models.tfjs import to_tfjs

IMAGES = np.random.default_rng(1).standard_normal((3, 3, 32, 32), np.float32)
SUFFIXES = ("tfjs.json", "tfjs.bin", "b1.tflite", "b8.tflite", "b64.tflite")


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def assert_alike(found, expected):
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


# From ONNX back to PyTorch


@pytest.mark.parametrize("name", manifest.chosen())
def test_a_restored_network_answers_like_the_file(name):
    path = manifest.load(name).path
    model = restore(path, MODELS[name])
    assert not model.training
    with torch.no_grad():
        assert_alike(model(torch.from_numpy(IMAGES)).numpy(), logits_of(path, IMAGES))


@pytest.mark.parametrize(
    ("name", "file", "words"),
    [
        ("plain20", "resnet20.onnx", "blocks.3.shortcut.weight is float32 [32, 16, 1, 1] in the file, absent in the"),
        ("resnet14", "resnet8.onnx", "blocks.1.conv1.weight is float32 [32, 16, 3, 3] in the file, float32 [16, 16,"),
        ("resnet8", "resnet8.fp16.onnx", "conv.weight is float16 [16, 3, 3, 3] in the file, float32 [16, 3, 3, 3] in"),
        ("resnet8", "resnet8.int8.onnx", "conv.weight is absent in the file, float32 [16, 3, 3, 3] in the network"),
    ],
)
def test_other_weights_than_the_networks_are_refused_by_name(name, file, words):
    with pytest.raises(ModelError) as caught:
        restore(ROOT / "models" / file, MODELS[name])
    assert words in str(caught.value)
    assert f"{file}: not the float32 weights of {name}: " in str(caught.value)


# TensorFlow.js


def evaluate(graph_file, weights_file, images):
    """Return what the exported graph computes of NCHW *images*, each operation as TensorFlow.js defines it."""
    graph, blob = json.loads(graph_file.read_text()), np.frombuffer(weights_file.read_bytes(), "<f4")

    def weight(place):
        size = int(np.prod(place["shape"]))
        return torch.tensor(blob[place["offset"] : place["offset"] + size].reshape(place["shape"]))

    def conv(x, step):
        kernel = weight(step["kernel"]).permute(3, 2, 0, 1)
        nchw = functional.conv2d(x.permute(0, 3, 1, 2), kernel, weight(step["bias"]), step["stride"], step["pad"])
        return {"relu": torch.relu, "linear": lambda y: y}[step["activation"]](nchw.permute(0, 2, 3, 1))

    values = {graph["input"]: torch.from_numpy(images).permute(0, 2, 3, 1)}
    calls = {
        "conv": conv,
        "relu": lambda x, _step: torch.relu(x),
        "add": lambda x, step: x + values[step["other"]],
        "mean": lambda x, _step: x.mean((1, 2)),
        "gemm": lambda x, step: x @ weight(step["kernel"]) + weight(step["bias"]),
    }
    for step in graph["operations"]:
        values[step["output"]] = calls[step["op"]](values[step["input"]], step)
    return values[graph["output"]].numpy()


@pytest.mark.parametrize("name", manifest.chosen())
def test_the_tensorflow_js_graph_answers_like_the_file(name):
    artefact = manifest.load(name)
    files = [manifest.derived(artefact, f"tfjs.{kind}") for kind in ("json", "bin")]
    assert_alike(evaluate(*files, IMAGES), logits_of(artefact.path, IMAGES))


@pytest.mark.parametrize("name", manifest.chosen())
def test_the_tensorflow_js_files_are_made_again_alike(name, tmp_path):
    made = [tmp_path / f"{name}.tfjs.json", tmp_path / f"{name}.tfjs.bin"]
    to_tfjs(manifest.load(name).path, *made)
    assert [path.read_bytes() for path in made] == [(ROOT / "models" / path.name).read_bytes() for path in made]


def weights(**shapes):
    generator = np.random.default_rng(2)
    return [numpy_helper.from_array(generator.standard_normal(s).astype("f4"), n) for n, s in shapes.items()]


def images(name, size, channels=3):
    return name, "FLOAT", ["batch", channels, size, size]


def export(folder, nodes, answer, shapes, axes=(2, 3)):
    """Translate a graph of *nodes* from images [batch, 3, 8, 8] to *answer*; return its path and the two files."""
    constants = [*weights(**shapes), numpy_helper.from_array(np.array(axes), "axes")]
    source = make_graph(folder / "some.onnx", nodes, [images("input", 8)], [answer], constants)
    files = folder / "some.json", folder / "some.bin"
    to_tfjs(source, *files)
    return source, files


def conv(given="input", out="c", **attributes):
    return helper.make_node("Conv", [given, "kernel", "bias"], [out], **({"pads": [1, 1, 1, 1]} | attributes))


CONV = {"kernel": (3, 3, 3, 3), "bias": (3,)}


def test_a_relu_is_fused_only_where_nothing_else_reads_the_convolution(tmp_path):
    nodes = [
        conv(),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Add", ["c", "r"], ["a"]),
        conv("a", "d"),
        helper.make_node("Relu", ["d"], ["s"]),
        helper.make_node("ReduceMean", ["s", "axes"], ["logits"], keepdims=0),
    ]
    source, files = export(tmp_path, nodes, ("logits", "FLOAT", ["batch", 3]), CONV)
    steps = json.loads(files[0].read_text())["operations"]
    assert [step["op"] for step in steps] == ["conv", "relu", "add", "conv", "mean"]
    assert [step["activation"] for step in steps if step["op"] == "conv"] == ["linear", "relu"]
    small = np.ascontiguousarray(IMAGES[:, :, :8, :8])
    assert_alike(evaluate(*files, small), logits_of(source, small))


def test_a_gemm_is_taken_either_way_round(tmp_path):
    for transposed, shape in ((0, (3, 5)), (1, (5, 3))):
        nodes = [
            helper.make_node("ReduceMean", ["input", "axes"], ["m"], keepdims=0),
            helper.make_node("Gemm", ["m", "matrix", "bias"], ["logits"], transB=transposed),
        ]
        answer = ("logits", "FLOAT", ["batch", 5])
        source, files = export(tmp_path, nodes, answer, {"matrix": shape, "bias": (5,)})
        small = np.ascontiguousarray(IMAGES[:, :, :8, :8])
        assert_alike(evaluate(*files, small), logits_of(source, small))


def test_an_unknown_operator_is_named_and_nothing_is_written(tmp_path):
    nodes = [conv(), helper.make_node("Tanh", ["c"], ["s"])]
    with pytest.raises(ExportError, match=r"^some\.onnx: no counterpart in the TensorFlow.* for the operator Tanh$"):
        export(tmp_path, nodes, images("s", 8), CONV)
    assert [path.name for path in tmp_path.iterdir()] == ["some.onnx"]


@pytest.mark.parametrize(
    ("node", "shapes", "words"),
    [
        (conv(pads=[1, 0, 1, 0]), CONV, "Conv with unequal pads [1, 0, 1, 0]"),
        (conv(strides=[1, 2]), CONV, "Conv with unequal strides [1, 2]"),
        (conv(dilations=[2, 2]), CONV, "Conv with dilations [2, 2], not [1, 1]"),
        (conv(group=3), {"kernel": (6, 1, 3, 3), "bias": (6,)}, "Conv with group 3 and a kernel [6, 1, 3, 3], not one"),
        (helper.make_node("Clip", ["input", "low", "high"], ["c"]), {"low": (), "high": ()}, "Clip to ["),
        (helper.make_node("HardSigmoid", ["input"], ["c"]), {}, "HardSigmoid with alpha 0.2, not 0.1666"),
        (helper.make_node("MaxPool", ["input"], ["c"], kernel_shape=[3, 2]), {}, "MaxPool with unequal kernel_shape"),
        (helper.make_node("MaxPool", ["input"], ["c"], kernel_shape=[3, 3], ceil_mode=1), {}, "MaxPool with ceil_mode"),
        (helper.make_node("Flatten", ["input"], ["c"]), {}, "Flatten of input, which is no mean over height and width"),
        (helper.make_node("Reshape", ["input", "axes"], ["c"]), {}, "Reshape of input, which is no mean"),
        (helper.make_node("Mul", ["input", "m"], ["c"]), {"m": (3, 1, 1)}, "Mul of the weight m"),
        (conv(auto_pad="VALID", pads=None), CONV, "Conv with auto_pad b'VALID'"),
        (helper.make_node("Conv", ["input", "kernel"], ["c"]), CONV, "Conv whose input 2 is left out"),
        (helper.make_node("Conv", ["input", "input", "bias"], ["c"]), CONV, "Conv whose input 1 is input, no weight"),
        (helper.make_node("Gemm", ["input", "m", "n"], ["c"], alpha=2.0), {"m": (3, 3)}, "Gemm with alpha 2.0"),
        (helper.make_node("Gemm", ["input", "m", "n"], ["c"]), {"m": (3, 3, 1)}, "m, float32 [3, 3, 1], not float32"),
        (helper.make_node("Add", ["input", "m"], ["c"]), {"m": (3, 1, 1)}, "Add of the weight m"),
        (helper.make_node("Relu", ["m"], ["c"]), {"m": (3, 1, 1)}, "Relu of the weight m"),
        (helper.make_node("ReduceMean", ["input"], ["c"], keepdims=0), {}, "ReduceMean over axes None, not [2, 3]"),
    ],
)
def test_what_has_no_counterpart_is_named(tmp_path, node, shapes, words):
    with pytest.raises(ExportError) as caught:
        export(tmp_path, [node], images("c", 8), shapes)
    assert f" (models/tfjs.py) for {words}" in str(caught.value)


def test_another_precision_is_refused(tmp_path):
    with pytest.raises(ExportError, match=r"^resnet8\.fp16\.onnx: no counterpart in .* for the operator Cast$"):
        to_tfjs(ROOT / "models" / "resnet8.fp16.onnx", tmp_path / "a.json", tmp_path / "a.bin")


# LiteRT


def test_without_the_converter_its_environment_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "litert_torch", None)
    target = tmp_path / "resnet8.b1.tflite"
    with pytest.raises(
        ExportError, match=r"^resnet8\.b1\.tflite: .*litert_torch.*; run `tox run -e export-tflite -- r"
    ):
        tflite.to_tflite(manifest.load("resnet8").path, "resnet8", 1, target)
    assert not [*tmp_path.iterdir()]


class FakeConverter:
    """Writes *content* in place of a network."""

    def __init__(self, content):
        self.content = content

    def convert(self, model, examples):
        assert isinstance(model, torch.nn.Module)
        assert examples[0].shape == (8, 3, 32, 32)
        return self

    def export(self, path):
        with open(path, "wb") as file:
            file.write(self.content)


def convert(folder, monkeypatch, content=b"network", offset=0.0):
    source, target = manifest.load("resnet8").path, folder / "resnet8.b8.tflite"
    monkeypatch.setitem(sys.modules, "litert_torch", FakeConverter(content))
    monkeypatch.setattr(tflite, "_litert_logits", lambda _path, images: logits_of(source, images) * (1 + offset))
    return target, lambda: tflite.to_tflite(source, "resnet8", 8, target)


def test_a_file_that_answers_alike_is_kept(tmp_path, monkeypatch):
    target, write = convert(tmp_path, monkeypatch, offset=1e-6)
    assert 0 < write() < 1e-5
    assert target.read_bytes() == b"network"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"offset": 1e-4}, "logits differ from onnxruntime's by 1.0e-04 of the largest; not kept"),
        ({"offset": float("nan")}, "logits differ from onnxruntime's by nan of the largest; not kept"),
        ({"content": f"made in {ROOT}/models".encode()}, f"the converter wrote the local path {ROOT} into the file"),
    ],
    ids=["wrong", "nan", "path"],
)
def test_a_wrong_or_telling_file_is_refused_and_the_old_one_kept(tmp_path, monkeypatch, changes, words):
    target, write = convert(tmp_path, monkeypatch, **changes)
    target.write_bytes(b"old")
    with pytest.raises(ExportError) as caught:
        write()
    assert str(caught.value).startswith(f"resnet8.b8.tflite: {words}")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


# The manifest


@pytest.mark.parametrize("name", manifest.chosen())
def test_every_chosen_model_has_its_committed_forms(name):
    artefact = manifest.load(name)
    assert set(artefact.row["derived"]) == {f"{name}.{suffix}" for suffix in SUFFIXES}
    for suffix in SUFFIXES:
        path = manifest.derived(artefact, suffix)
        row = artefact.row["derived"][path.name]
        assert (path.stat().st_size, row["made_from"]) == (row["bytes"], artefact.row["sha256"])
        assert row["versions"]
        assert row["bytes"] < 5_000_000
        for trace in (b"/home", b"/root", b"/work", b"/tmp", b"site-packages", b".py"):
            assert trace not in path.read_bytes()


@pytest.mark.parametrize(
    "name", [f"{name}.{precision}" for name in manifest.chosen() for precision in build.PRECISIONS]
)
def test_other_precisions_have_no_such_forms(name):
    artefact = manifest.load(name)
    assert "derived" not in artefact.row
    assert manifest.derived(artefact, "tfjs.json") is None


def test_an_own_file_and_another_batch_size_have_no_such_form(tmp_path):
    own = Artefact("tiny", make_model(tmp_path / "tiny.onnx"), {"sha256": "0"}, is_own=True)
    assert manifest.derived(own, "tfjs.json") is None
    assert manifest.derived(manifest.load("resnet8"), "b3.tflite") is None


@pytest.fixture
def shelf(tmp_path):
    """A workshop that holds one committed model and nothing made from it."""
    row = {key: value for key, value in manifest.rows()["resnet8"].items() if key != "derived"}
    (tmp_path / row["file"]).write_bytes((ROOT / "models" / row["file"]).read_bytes())
    manifest.write_row("resnet8", row, tmp_path / "manifest.json")
    return Workshop(tmp_path / "work", tmp_path / "manifest.json")


@pytest.fixture
def exported(shelf, monkeypatch):
    """The workshop after both exports, the converter of one replaced."""
    monkeypatch.setattr(build, "to_tflite", lambda _source, _name, size, target: target.write_text(f"{size}") / 1e9)
    monkeypatch.setattr(build, "version", lambda package: f"version of {package}")
    build.export_tfjs("resnet8", shelf)
    build.export_tflite("resnet8", shelf)
    return shelf


def test_what_is_made_is_written_into_the_models_row(exported):
    artefact = manifest.load("resnet8", exported.manifest)
    made = artefact.row["derived"]
    assert set(made) == {f"resnet8.{suffix}" for suffix in SUFFIXES}
    assert {row["made_from"] for row in made.values()} == {artefact.row["sha256"]}
    assert made["resnet8.b8.tflite"]["versions"]["litert-torch"] == "version of litert-torch"
    assert manifest.derived(artefact, "b8.tflite").read_text() == "8"


def test_a_file_of_fewer_bits_takes_no_form_of_the_float32_file_over(exported, monkeypatch):
    monkeypatch.setattr(build, "LOSS", 100)
    generator = np.random.default_rng(5)
    pixels, labels = generator.integers(0, 256, (100, 3, 32, 32), np.uint8), generator.integers(0, 100, 100)
    split = Split(pixels, labels)
    build.export("resnet8", Data(split, split), exported, ["fp16"])
    assert set(manifest.rows(exported.manifest)) == {"resnet8", "resnet8.fp16"}
    fewer = manifest.load("resnet8.fp16", exported.manifest)
    assert "derived" not in fewer.row
    assert manifest.derived(fewer, "tfjs.json") is None
    assert manifest.derived(manifest.load("resnet8", exported.manifest), "tfjs.json")


def drop(path):
    path.unlink()


def alter(path):
    path.write_bytes(path.read_bytes() + b"\n")


@pytest.mark.parametrize(("damage", "words"), [(drop, "is missing"), (alter, "has SHA-256")])
@pytest.mark.parametrize(
    ("suffix", "command"),
    [
        ("tfjs.bin", "`tox run -e train -- export --form tfjs resnet8`"),
        ("b64.tflite", "`tox run -e export-tflite -- resnet8`"),
    ],
)
def test_a_missing_or_altered_form_names_the_command(exported, damage, words, suffix, command):
    path = exported.manifest.parent / f"resnet8.{suffix}"
    damage(path)
    with pytest.raises(ModelError) as caught:
        manifest.derived(manifest.load("resnet8", exported.manifest), suffix)
    assert str(caught.value).startswith(f"resnet8: {path} {words}")
    assert command in str(caught.value)


def test_a_form_of_another_training_is_refused(exported):
    artefact = manifest.load("resnet8", exported.manifest)
    later = Artefact("resnet8", artefact.path, artefact.row | {"sha256": "0"})
    with pytest.raises(
        ModelError, match=r"resnet8\.tfjs\.json was made from an earlier training of resnet8; .*tox run"
    ):
        manifest.derived(later, "tfjs.json")


def test_a_new_training_forgets_the_forms_of_the_earlier(exported):
    row = manifest.rows(exported.manifest)["resnet8"]
    new = {key: value for key, value in row.items() if key != "derived"}
    manifest.write_row("resnet8", new, exported.manifest)
    assert manifest.derived(manifest.load("resnet8", exported.manifest), "tfjs.json") is None


# The command line


def test_forms_that_are_not_scored_need_no_data(exported, monkeypatch, tmp_path):
    monkeypatch.setattr(train_models, "Workshop", lambda _work_dir, resume: exported)
    manifest.write_row("resnet8", {**manifest.rows(exported.manifest)["resnet8"], "derived": {}}, exported.manifest)
    options = ["export", "--form", "tfjs", "--form", "tflite", "resnet8", f"--data-dir={tmp_path / 'nowhere'}"]
    train_models.run(train_models.parse(options))
    assert set(manifest.rows(exported.manifest)["resnet8"]["derived"]) == {f"resnet8.{suffix}" for suffix in SUFFIXES}


def test_without_a_form_all_but_that_of_an_environment_of_its_own_are_made():
    assert train_models.parse(["export"]).forms == ["int8", "fp16", "tfjs"]
    assert train_models.parse(["export", "--form", "fp16", "resnet8"]).forms == ["fp16"]


def test_a_form_without_the_export_is_refused(capsys):
    with pytest.raises(SystemExit, match=r"^2$"):
        train_models.parse(["train", "--form", "tfjs", "resnet8"])
    assert "--form is of the step export, but the steps are train" in capsys.readouterr().err


def test_scored_forms_still_need_data(command_line, tmp_path):
    refused = command_line("export", "--form", "fp16", "resnet8", f"--data-dir={tmp_path}")
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"train_models.py: {tmp_path / 'cifar-100-binary' / 'train.bin'}: no such file")
