"""The catalogue's files are what the manifest says, and export computes what was trained."""

import json

import numpy as np
import onnx
import pytest
import torch
from helpers import ROOT

from benchmarks.measuring.reference import PRECISIONS
from models import MODELS, ModelSpec, graph, manifest
from models.cifar100 import accuracy
from models.export import export_onnx, logits_of, strip_metadata
from models.files import ExportError
from models.manifest import ModelError
from models.resnet import ResNet, fold_batch_norm, multiply_adds


def used_model(name):
    """Return a model whose batch norms hold statistics of their own, as after a training."""
    torch.manual_seed(len(name))
    model = ResNet(MODELS[name])
    for norm in model.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
            torch.nn.init.normal_(norm.bias)
            torch.nn.init.normal_(norm.running_mean)
            torch.nn.init.uniform_(norm.running_var, 0.5, 1.5)
    return model.eval()


PARAMETERS = {
    "resnet8": 83_892,
    "resnet14": 181_108,
    "resnet20": 278_324,
    "resnet8-half": 22_924,
    "resnet14-half": 47_340,
    "resnet20-half": 71_756,
    "plain20": 275_572,
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_family_has_the_known_sizes(name):
    model = ResNet(MODELS[name])
    assert sum(p.numel() for p in model.parameters()) == PARAMETERS[name]
    convolutions = [
        layer for layer in model.modules() if isinstance(layer, torch.nn.Conv2d) and layer.kernel_size == (3, 3)
    ]
    assert len(convolutions) + 1 == MODELS[name].depth


def test_a_plain_net_has_no_shortcut():
    model = used_model("plain20")
    for block in model.blocks:
        torch.nn.init.zeros_(block.norm2.weight)
        torch.nn.init.zeros_(block.norm2.bias)
    with torch.no_grad():
        same = model(torch.randn(2, 3, 32, 32))
    assert torch.equal(same[0], same[1])  # what the two layers of a block leave out is lost


def test_resnet20_has_the_published_multiply_adds():
    model = ResNet(MODELS["resnet20"])
    assert multiply_adds(model) == pytest.approx(40.8e6, rel=0.001)
    assert model.training


@pytest.mark.parametrize("depth", [7, 2, 21])
def test_a_depth_outside_the_family_is_refused(depth):
    with pytest.raises(ValueError, match=f"odd: depth {depth}, but .*6n\\+2"):
        ResNet(ModelSpec("odd", depth))


@pytest.mark.parametrize("name", ["resnet14", "plain20"])
def test_folding_batch_norm_keeps_the_logits(name):
    model, images = used_model(name), torch.randn(3, 3, 32, 32)
    folded = fold_batch_norm(model)
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in folded.modules())
    with torch.no_grad():
        torch.testing.assert_close(folded(images), model(images), rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    model = used_model("resnet8")
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
    monkeypatch.setattr("models.export.fold_batch_norm", lambda model: used_model("resnet14"))
    with pytest.raises(ExportError, match=r"wrong\.onnx: logits differ"):
        export_onnx(used_model("resnet8"), tmp_path / "wrong.onnx")


FLOATING = {"Conv", "Relu", "Add", "ReduceMean", "Gemm"}
OPERATORS = {
    "float32": FLOATING,
    "fp16": FLOATING | {"Cast"},
    # Quantising to unsigned numbers from zero on is a Relu.
    "int8": FLOATING - {"Relu"} | {"QuantizeLinear", "DequantizeLinear"},
}


def assert_is_clean(path, precision="float32"):
    """Hold a graph to the contract of every committed file."""
    model = onnx.load(path)
    assert (model.opset_import[0].version, model.ir_version) == (18, 10)
    (given,), (answer,) = graph.declared_inputs(model), model.graph.output
    assert given == graph.Input("input", np.dtype("float32"), ("batch", 3, 32, 32))
    assert [d.dim_param or d.dim_value for d in answer.type.tensor_type.shape.dim] == ["batch", 100]
    assert (answer.name, answer.type.tensor_type.elem_type) == ("logits", onnx.TensorProto.FLOAT)
    assert {node.op_type for node in model.graph.node} == OPERATORS[precision]
    assert graph.precision(model) == precision
    assert not any(part.metadata_props or part.doc_string for part in (model, model.graph, *model.graph.node))
    for trace in (b"/home", b"/root", b"/work", b"/tmp", b"site-packages", b".py"):
        assert trace not in path.read_bytes()


def test_the_exported_file_is_clean(exported):
    assert_is_clean(exported[1])


def test_stripping_removes_paths():
    node = onnx.helper.make_node("Relu", ["input"], ["logits"], doc_string="made in /home/me")
    node.metadata_props.add(key="stack_trace", value="/home/me/model.py")
    graph = onnx.helper.make_graph([node], "g", [], [])
    assert b"/home/me" not in strip_metadata(onnx.helper.make_model(graph)).SerializeToString()


VARIANTS = [(name, precision) for name in manifest.chosen() for precision in PRECISIONS]


@pytest.mark.parametrize(("name", "precision"), VARIANTS)
def test_committed_files_are_the_manifests(name, precision):
    artefact = manifest.load(manifest.variant(name, precision))
    row = artefact.row
    assert_is_clean(artefact.path, precision)
    assert (artefact.path.stat().st_size, row["precision"], artefact.is_stand_in) == (row["bytes"], precision, False)
    assert row["test"]["images"] == 10_000
    assert 50 < row["test"]["top1"] < row["test"]["top5"] < 100  # chance is 1 %
    assert row["test"]["top1"] >= manifest.load(name).row["test"]["top1"] - 1.0


@pytest.mark.parametrize("name", manifest.chosen())
def test_committed_models_are_of_their_logs(name):
    row = manifest.load(name).row
    model = ResNet(MODELS[name])
    assert row["parameters"] == sum(p.numel() for p in model.parameters())
    norms = sum(c.num_features for c in model.modules() if isinstance(c, torch.nn.BatchNorm2d))
    # Folded, the two vectors of a norm are one.
    assert graph.parameters(graph.read(manifest.load(name).path)) == pytest.approx(row["parameters"] - norms, abs=8)
    log = read_log(f"{name}.jsonl")
    assert [line["epoch"] for line in log] == list(range(1, row["training"]["epochs"] + 1))
    assert log[-1]["loss"] < log[0]["loss"]
    assert row["training"]["seconds"] == round(sum(line["seconds"] for line in log))


def read_log(name):
    return [json.loads(line) for line in (manifest.MODELS_DIR / "training" / name).read_text().splitlines()]


def test_the_chosen_are_the_best_of_all_candidates_on_held_out_images():
    candidates = manifest.candidates()
    assert set(candidates) == set(MODELS)
    for name, row in candidates.items():
        log = read_log(f"{name}.screening.jsonl")
        assert row["architecture"] == MODELS[name].architecture()
        assert len(log) == row["screening"]["epochs"]
        assert log[-1]["held_out"] * 100 == pytest.approx(row["held_out"]["top1"])
    assert len({str(row["screening"] | {"seconds": 0}) for row in candidates.values()}) == 1  # one recipe for all
    ranked = sorted(candidates, key=lambda name: -candidates[name]["held_out"]["top1"])
    assert manifest.chosen() == ranked[:3]


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
    manifest.write_row("b", {"file": "b.onnx", "sha256": "00"}, shelf)
    manifest.write_row("a", {"file": "c.onnx", "sha256": "00"}, shelf)
    assert {name: row["file"] for name, row in manifest.rows(shelf).items()} == {"a": "c.onnx", "b": "b.onnx"}


def screened(name, top1, seed=0):
    recipe = {"seed": seed, "seconds": top1}
    return {"architecture": MODELS[name].architecture(), "screening": recipe, "held_out": {"top1": top1}}


@pytest.mark.parametrize(
    "other", [screened("resnet14", 90, seed=1), screened("resnet20", 90)], ids=["recipe", "architecture"]
)
def test_what_was_screened_otherwise_is_not_compared(shelf, other):
    for name in MODELS:
        manifest.write_candidate(name, screened(name, 10), shelf)
    manifest.write_candidate("resnet14", other, shelf)
    with pytest.raises(ModelError, match=r"^resnet14: not screened like the others; .*screen resnet14"):
        manifest.choose(3, shelf)
    assert manifest.chosen(shelf) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "Expecting property name"),
        ("", "Expecting value"),
        ("[]", "it is a list, not a dict"),
        ('{"name": "\xe9"}', "'utf-8' codec can't decode byte 0xe9"),
        ('{"models": []}', "its models are a list, not a dict"),
        ('{"chosen": "resnet8"}', "its chosen are a str, not a list"),
        ('{"models": {"a": {"file": "a.onnx"}}}', "a: its row has no sha256"),
        ('{"models": {"a": null}}', "a: its row has no sha256"),
        ('{"models": {"a": {"sha256": "00"}}}', "a: its row's file is None, not one in "),
        (
            '{"models": {"a": {"sha256": "00", "file": "../a.onnx"}}}',
            r"a: its row's file is '\.\./a\.onnx', not one in ",
        ),
        ('{"models": {"a": {"sha256": "00", "file": "/a.onnx"}}}', "a: its row's file is '/a.onnx', not one in "),
        (
            '{"models": {"a": {"sha256": "00", "file": "a.onnx", "derived": {"a.tfjs.json": {}}}}}',
            r"a\.tfjs\.json: its row has no sha256",
        ),
    ],
)
def test_a_damaged_manifest_is_named_with_the_remedy(shelf, text, words):
    shelf.write_bytes(text.encode("latin-1"))
    with pytest.raises(ModelError, match=rf"manifest\.json is damaged \({words}.*\); restore .*git checkout") as raised:
        manifest.rows(shelf)
    assert "\n" not in str(raised.value)


def test_a_manifest_that_cannot_be_read_is_named(shelf):
    shelf.unlink()
    shelf.mkdir()
    with pytest.raises(ModelError, match=r"manifest\.json is damaged \(Is a directory\); restore .*git checkout"):
        manifest.rows(shelf)


def test_the_best_on_held_out_images_are_chosen(shelf):
    assert manifest.chosen(shelf) == []
    for number, name in enumerate(MODELS):
        with pytest.raises(ModelError, match="not screened like the others"):
            manifest.choose(2, shelf)
        manifest.write_candidate(name, screened(name, top1=10 + number % 5), shelf)
    manifest.write_candidate("gone", screened("resnet8", top1=99), shelf)
    best, second = list(MODELS)[4], list(MODELS)[3]
    assert manifest.choose(2, shelf) == manifest.chosen(shelf) == [best, second]
    assert set(manifest.candidates(shelf)) == set(MODELS)
    assert set(manifest.rows(shelf)) == {"a"}


def test_a_file_of_another_architecture_is_refused(shelf):
    row = manifest.rows(shelf)["a"] | {"architecture": MODELS["resnet8"].architecture()}
    manifest.write_row("resnet14", row, shelf)
    with pytest.raises(ModelError, match=r"resnet14: .*a\.onnx is .*'depth': 8.*catalogue says .*'depth': 14"):
        manifest.load("resnet14", shelf)


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
