"""The catalogue's files are what the manifest says, and export computes what was trained."""

import json

import numpy as np
import onnx
import pytest
import torch
from helpers import ROOT

from models import MODELS, manifest
from models.export import ExportError, accuracy, export_onnx, logits_of, precision, strip_metadata
from models.manifest import ModelError
from models.resnet import ResNet, fold_batch_norm, multiply_adds


def used_model(depth):
    """Return a model whose batch norms hold statistics of their own, as after a training."""
    torch.manual_seed(depth)
    model = ResNet(depth)
    for norm in model.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
            torch.nn.init.normal_(norm.bias)
            torch.nn.init.normal_(norm.running_mean)
            torch.nn.init.uniform_(norm.running_var, 0.5, 1.5)
    return model.eval()


@pytest.mark.parametrize(("depth", "parameters"), [(8, 83_892), (14, 181_108), (20, 278_324)])
def test_the_family_has_the_published_sizes(depth, parameters):
    model = ResNet(depth)
    assert sum(p.numel() for p in model.parameters()) == parameters
    convolutions = [
        layer for layer in model.modules() if isinstance(layer, torch.nn.Conv2d) and layer.kernel_size == (3, 3)
    ]
    assert len(convolutions) + 1 == depth


def test_resnet20_has_the_published_multiply_adds():
    model = ResNet(20)
    assert multiply_adds(model) == pytest.approx(40.8e6, rel=0.001)
    assert model.training


@pytest.mark.parametrize("depth", [7, 2, 21])
def test_a_depth_outside_the_family_is_refused(depth):
    with pytest.raises(ValueError, match=f"depth {depth}: .*6n\\+2"):
        ResNet(depth)


def test_folding_batch_norm_keeps_the_logits():
    model, images = used_model(14), torch.randn(3, 3, 32, 32)
    folded = fold_batch_norm(model)
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in folded.modules())
    with torch.no_grad():
        torch.testing.assert_close(folded(images), model(images), rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    model = used_model(8)
    export_onnx(model, path)
    return model, path


def test_the_exported_file_computes_what_torch_computes(exported):
    model, path = exported
    for size in (1, 7):
        images = np.random.default_rng(size).standard_normal((size, 3, 32, 32), np.float32)
        with torch.no_grad():
            expected = model(torch.from_numpy(images)).numpy()
        difference = np.abs(logits_of(path, images) - expected).max()
        assert difference <= 1e-5 * np.abs(expected).max()


def test_a_file_that_computes_something_else_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("models.export.fold_batch_norm", lambda model: used_model(14))
    with pytest.raises(ExportError, match=r"wrong\.onnx: logits differ"):
        export_onnx(used_model(8), tmp_path / "wrong.onnx")


def assert_is_clean(path):
    """Hold a graph to the contract of every committed file."""
    graph = onnx.load(path)
    assert (graph.opset_import[0].version, graph.ir_version) == (18, 10)
    ((given,), (answer,)) = graph.graph.input, graph.graph.output
    shapes = [[d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in (given, answer)]
    assert (given.name, answer.name) == ("input", "logits")
    assert shapes == [["batch", 3, 32, 32], ["batch", 100]]
    assert {node.op_type for node in graph.graph.node} == {"Conv", "Relu", "Add", "ReduceMean", "Gemm"}
    assert not any(part.metadata_props or part.doc_string for part in (graph, graph.graph, *graph.graph.node))
    for trace in (b"/home", b"/root", b"/work", b"/tmp", b"site-packages", b".py"):
        assert trace not in path.read_bytes()


def test_the_exported_file_is_clean(exported):
    assert_is_clean(exported[1])


def test_stripping_removes_paths():
    node = onnx.helper.make_node("Relu", ["input"], ["logits"], doc_string="made in /home/me")
    node.metadata_props.add(key="stack_trace", value="/home/me/model.py")
    graph = onnx.helper.make_graph([node], "g", [], [])
    assert b"/home/me" not in strip_metadata(onnx.helper.make_model(graph)).SerializeToString()


@pytest.mark.parametrize("name", MODELS)
def test_committed_files_are_the_manifests_and_trained(name):
    artefact = manifest.load(name)
    row = artefact.row
    assert_is_clean(artefact.path)
    assert artefact.path.stat().st_size == row["bytes"]
    assert (row["depth"], artefact.is_stand_in) == (MODELS[name].depth, False)
    assert row["precision"] == precision(onnx.load(artefact.path)) == "float32"
    weights = [np.prod(weight.dims) for weight in onnx.load(artefact.path).graph.initializer]
    norms = 2 * sum(c.num_features for c in ResNet(row["depth"]).modules() if isinstance(c, torch.nn.BatchNorm2d))
    assert row["parameters"] - norms / 2 == pytest.approx(sum(weights), abs=8)  # folded, a norm's two vectors are one
    log = [json.loads(line) for line in (manifest.MODELS_DIR / "training" / f"{name}.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in log] == list(range(1, row["training"]["epochs"] + 1))
    assert log[-1]["loss"] < log[0]["loss"]
    assert row["test"]["images"] == 10_000
    assert 50 < row["test"]["top1"] < row["test"]["top5"] < 100  # chance is 1 %


def test_accuracy_counts_the_top_answers():
    logits = np.eye(100, dtype=np.float32)[[3, 4, 5, 6]]
    logits[3, 7] = 2
    assert accuracy(logits, np.array([3, 4, 99, 6])) == {"top1": 50.0, "top5": 75.0}


@pytest.fixture
def shelf(tmp_path):
    """A manifest of one model, beside its file."""
    (tmp_path / "a.onnx").write_bytes(b"weights")
    path = tmp_path / "manifest.json"
    manifest.write_row("a", {"file": "a.onnx", "sha256": manifest.sha256(tmp_path / "a.onnx")}, path)
    return path


def test_a_checked_file_is_loaded(shelf):
    assert manifest.load("a", shelf).path == shelf.parent / "a.onnx"
    assert not manifest.is_absent("a", shelf)


def test_rows_are_added_and_replaced(shelf):
    manifest.write_row("b", {"file": "b.onnx"}, shelf)
    manifest.write_row("a", {"file": "c.onnx"}, shelf)
    assert {name: row["file"] for name, row in manifest.rows(shelf).items()} == {"a": "c.onnx", "b": "b.onnx"}


@pytest.mark.parametrize("name", ["a", "b"])
def test_an_absent_model_names_the_command(shelf, name):
    (shelf.parent / "a.onnx").unlink()
    assert manifest.is_absent(name, shelf)
    with pytest.raises(ModelError, match=f"^{name}: .*tox run -e train -- {name}"):
        manifest.load(name, shelf)


def test_an_altered_model_is_not_absent_but_wrong(shelf):
    (shelf.parent / "a.onnx").write_bytes(b"other weights")
    assert not manifest.is_absent("a", shelf)
    with pytest.raises(ModelError, match=r"a\.onnx has SHA-256 .* manifest row says"):
        manifest.load("a", shelf)


def test_no_committed_file_is_large():
    assert all(path.stat().st_size < 5_000_000 for path in (ROOT / "models").glob("*.onnx"))
