"""Networks that are only timed: tiny ones in the place of torchvision's, with each kind of layer that those have."""

import json
import shutil
import sys
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from benchmarks.inputs import case_of, seeded_feeds
from benchmarks.measuring import reference
from benchmarks.platforms.chromium import CHROMIUM_PLATFORMS
from benchmarks.platforms.exports import litert_file
from benchmarks.platforms.pytorch import ServerTorch
from benchmarks.protocol import UnavailableError
from benchmarks.run.identity import of_model
from benchmarks.settings import Settings
from models import NETWORKS, NetworkSpec, in_torch, manifest
from models.export import logits_of
from models.manifest import Artefact, ModelError
from models.networks import __main__, definition, make, weights
from models.precisions import to_int8
from models.tflite import _zero_padded

SPEC = NetworkSpec("tiny", "tiny", size=32)


class Excited(nn.Module):
    """Squeeze and excitation, as MobileNetV3 has it."""

    def __init__(self, channels):
        super().__init__()
        self.pool, self.less, self.more = nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, 4, 1), nn.Conv2d(4, channels, 1)

    def forward(self, x):
        return x * nn.functional.hardsigmoid(self.more(nn.functional.relu(self.less(self.pool(x)))))


class Around(nn.Module):
    """A shortcut around a convolution."""

    def __init__(self, channels):
        super().__init__()
        self.inside = nn.Sequential(nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        return x + self.inside(x)


def tiny():
    """Return a network with every operator of the five."""

    def convolution(channels_in, channels, **options):
        padded = {"padding": 1, "bias": False} | options
        return nn.Conv2d(channels_in, channels, 3, **padded), nn.BatchNorm2d(channels)

    return nn.Sequential(
        *convolution(3, 8, stride=2),
        nn.Hardswish(),
        *convolution(8, 8, groups=8),
        nn.ReLU6(),
        Excited(8),
        Around(8),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
        *convolution(8, 16),
        nn.SiLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(16, 10),
    )


@pytest.fixture(scope="module")
def catalogue():
    """A catalogue with the tiny network in it, which torchvision defines; what torchvision is asked for."""
    asked_for = []

    def get_model(name, weights):
        asked_for.append((name, weights))
        return tiny()

    with pytest.MonkeyPatch.context() as patch:
        torchvision = SimpleNamespace(models=SimpleNamespace(get_model=get_model))
        patch.setitem(sys.modules, "torchvision", torchvision)
        patch.setitem(NETWORKS, "tiny", SPEC)
        patch.setattr(make.importlib.util, "find_spec", lambda _name: None)  # LiteRT's converter
        yield asked_for


@pytest.fixture(autouse=True)
def known(catalogue):
    """What torchvision is asked for in this test."""
    catalogue.clear()
    return catalogue


@pytest.fixture(scope="module")
def made(catalogue, tmp_path_factory):
    """A folder with the tiny network in all forms but LiteRT's."""
    folder = tmp_path_factory.mktemp("made")
    *_, last = make.make("tiny", folder / "manifest.json")
    assert last == "tiny: not made for LiteRT: its converter is not in this environment; see `tox run -e networks`"
    return folder


@pytest.fixture
def shelf(made, tmp_path):
    """A manifest of one's own, beside which the tiny network lies."""
    return shutil.copytree(made, tmp_path / "untrained") / "manifest.json"


def images(count, seed=3):
    return np.random.default_rng(seed).standard_normal((count, 3, 32, 32), np.float32)


def test_its_weights_are_the_same_with_other_threads_and_other_seeds_of_pytorch(known):
    states = []
    for threads, seed in ((1, 0), (2, 1)):
        torch.set_num_threads(threads)
        torch.manual_seed(seed)
        states.append(make.settled(SPEC).state_dict())
    assert known == [("tiny", None)] * 2
    first, second = states
    assert all(torch.equal(first[name], second[name]) for name in first | second)
    torch.set_num_threads(1)


def test_its_answers_tell_images_apart(shelf):
    logits = logits_of(manifest.load("tiny", shelf).path, images(8))
    assert np.isfinite(logits).all()
    assert logits.std(0).mean() == pytest.approx(weights.OWN, rel=0.5)  # from image to image
    assert logits.mean(0).std() == pytest.approx(weights.SHARED, rel=0.5)


def test_no_batch_norm_is_left_and_every_channel_has_values(known):
    network, normed = definition.define(SPEC)
    assert not [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert len(normed) == 4
    weights.settle(network, normed, SPEC.size, SPEC.seed)
    seen = []
    for layer in normed:
        layer.register_forward_hook(lambda _layer, _given, answer: seen.append(answer.std((0, 2, 3))))
    network(torch.from_numpy(images(8)))
    assert all((deviations > 0.1).all() and (deviations < 4).all() for deviations in seen)


def test_rounding_hides_in_which_order_was_summed():
    values = np.random.default_rng(0).standard_normal(1000)
    assert np.array_equal(weights.rounded(values), weights.rounded(values * (1 + 1e-15)))
    assert np.abs(weights.rounded(values) / values - 1).max() < 2.0**-weights.BITS


def test_every_form_answers_like_the_network_and_any_batch_is_taken(shelf):
    source = manifest.load("tiny", shelf).path
    restored = in_torch.network_of("tiny", source)
    for batch in (1, 3):
        expected = logits_of(source, images(batch))
        assert expected.shape == (batch, 10)
        np.testing.assert_allclose(restored(torch.from_numpy(images(batch))).numpy(), expected, atol=1e-5)
    for precision, tolerance in (("fp16", 1e-2), ("int8", 0.2)):
        fewer = logits_of(manifest.load(f"tiny.{precision}", shelf).path, images(3))
        assert np.abs(fewer - expected).max() < tolerance * np.abs(expected).max()


def test_its_rows_tell_what_it_is(shelf):
    rows = manifest.rows(shelf)
    assert {*rows} == {"tiny", "tiny.int8", "tiny.fp16"}
    for row in rows.values():
        assert (row["untrained"], row["architecture"]) == (True, SPEC.architecture())
        assert row["bytes"] == (shelf.parent / row["file"]).stat().st_size
    assert rows["tiny"]["parameters"] == sum(weight.numel() for weight in definition.define(SPEC)[0].parameters())
    assert rows["tiny"]["multiply_adds"] > 3 * 8 * 9 * 16 * 16
    assert "16 made-up images" in rows["tiny.int8"]["made"]["method"]
    info = of_model(manifest.load("tiny.int8", shelf))
    assert (info["untrained"], info["top1"], info["stand_in"], info["precision"]) == (True, None, False, "int8")


def test_it_tells_nothing_of_the_machine_and_is_made_again_alike(shelf, tmp_path):
    again = tmp_path / "again" / "manifest.json"
    list(make.make("tiny", again))
    for name in ("tiny", "tiny.fp16"):
        file = manifest.load(name, shelf).path
        assert file.read_bytes() == manifest.load(name, again).path.read_bytes()
        assert not [trace for trace in (b"/tmp", b"site-packages", b".py") if trace in file.read_bytes()]


def test_its_tolerance_is_that_of_deep_networks():
    row = {"precision": "float32", "untrained": True}
    assert reference.tolerance_of(Artefact("tiny", None, row)) == reference.OWN_TOLERANCES["float32"]
    assert reference.tolerance_of(Artefact("resnet8", None, {"precision": "float32"})) == 1e-5


@pytest.mark.parametrize("name", ["tiny", "tiny.int8"])
def test_what_is_absent_or_altered_names_the_one_command(name, tmp_path):
    empty, remedy = tmp_path / "manifest.json", r"make it with `tox run -e networks -- tiny`$"
    with pytest.raises(ModelError, match=rf"^{name}: .* has no row for this model; {remedy}"):
        manifest.load(name, empty)
    (tmp_path / "file.onnx").write_bytes(b"altered")
    row = {"file": "file.onnx", "sha256": "0", "architecture": SPEC.architecture()}
    manifest.write_row(name, row, empty)
    with pytest.raises(ModelError, match=rf"has SHA-256 .*; {remedy}"):
        manifest.load(name, empty)


def test_another_definition_is_made_anew(shelf, monkeypatch):
    monkeypatch.setitem(NETWORKS, "tiny", NetworkSpec("tiny", "tiny", size=32, seed=1))
    with pytest.raises(ModelError, match=r"but the catalogue says .*'seed': 1.*; make it with `tox run -e networks"):
        manifest.load("tiny", shelf)


def test_a_missing_form_names_the_command(shelf):
    artefact = manifest.load("tiny", shelf)
    assert manifest.derived(artefact, "b1.tflite") is None
    manifest.derived(artefact, "tfjs.bin").unlink()
    with pytest.raises(ModelError, match=r"is missing; make it again with `tox run -e networks -- tiny`"):
        manifest.derived(artefact, "tfjs.bin")


def test_zeros_around_what_no_relu_let_below_zero_are_no_other_pooling(known):
    network, positive = nn.Sequential(nn.ReLU(), nn.MaxPool2d(3, 2, 1)), torch.from_numpy(images(2))
    expected = network(positive)
    padded = _zero_padded(network)
    assert torch.equal(padded(positive), expected)
    assert [layer.padding for layer in padded.modules() if isinstance(layer, nn.MaxPool2d)] == [0]


def test_the_ranges_of_int8_are_of_all_batches(shelf, tmp_path):
    source = manifest.load("tiny", shelf).path

    def scale_of(batches):
        to_int8(source, tmp_path / "some.onnx", batches)
        held = {weight.name: weight for weight in onnx.load(tmp_path / "some.onnx").graph.initializer}
        return float(onnx.numpy_helper.to_array(held["input_scale"]))

    assert scale_of([images(1), 10 * images(1)]) == pytest.approx(10 * scale_of([images(1)]), rel=0.01)


def test_what_its_environment_lacks_is_unavailable_and_told(shelf, monkeypatch):
    case = case_of(manifest.load("tiny", shelf), 1)
    with pytest.raises(
        UnavailableError, match=r"tiny\.onnx: no \.tflite file; make it with `tox run -e networks -- ti"
    ):
        litert_file("server-litert", case)
    fewer = case_of(manifest.load("tiny.fp16", shelf), 1)
    with pytest.raises(UnavailableError, match="only the catalogue's float32 models do"):
        litert_file("server-litert", fewer)
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with (
        pytest.raises(UnavailableError, match=r"^server-torch: tiny\.onnx: .*torchvision.*; .*install it$"),
        ServerTorch().open(case, Settings(timeout=60)),
    ):
        pass


def test_int8_depthwise_convolutions_are_not_put_to_a_webnn_that_they_end(shelf, monkeypatch):
    (webnn,) = [platform for platform in CHROMIUM_PLATFORMS if platform.name == "chromium-webnn"]
    case, settings = case_of(manifest.load("tiny.int8", shelf), 1), Settings(timeout=60)
    monkeypatch.setattr(sys, "platform", "linux")
    words = r"^chromium-webnn: tiny\.int8\.onnx: .* int8 depthwise convolutions; measure this file on chromium-wasm$"
    with pytest.raises(UnavailableError, match=words):
        webnn.request(case, settings)
    assert webnn.request(case_of(manifest.load("tiny", shelf), 1), settings)
    monkeypatch.setattr(sys, "platform", "darwin")  # another library computes there
    assert webnn.request(case, settings)


def test_pytorch_answers_like_the_file(shelf):
    case = case_of(manifest.load("tiny", shelf), 1)
    feeds = seeded_feeds(case.model_file, 1)
    with ServerTorch().open(case, Settings(timeout=60)) as session:
        answer = session.run(feeds)
    assert reference.check_parity("server-torch", answer, reference.reference(case.model_file, feeds), 1e-5) > 0


# The command


def test_those_asked_for_are_made_and_told(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(make, "make", lambda name, shelf: [f"{name} beside {shelf}"])
    monkeypatch.setattr(sys, "argv", ["networks", "--folder", str(tmp_path), "mobilenet-v2"])
    __main__.main()
    assert capsys.readouterr().out == f"mobilenet-v2 beside {tmp_path}/manifest.json\n"
    monkeypatch.setattr(sys, "argv", ["networks"])
    __main__.main()
    made = capsys.readouterr().out.splitlines()
    assert made == [f"{name} beside {manifest.UNTRAINED}" for name in NETWORKS]


def test_an_unknown_name_is_refused_before_anything_is_made(monkeypatch):
    monkeypatch.setattr(make, "make", None)
    monkeypatch.setattr(sys, "argv", ["networks", "resnet18", "vgg"])
    with pytest.raises(SystemExit, match=r"^unknown network vgg: choose from mobilenet-v3-small, .*resnet50"):
        __main__.main()


# In the page: each operation of the graph, by the library itself


def test_tensorflow_js_answers_like_the_file(shelf):
    (platform,) = [platform for platform in CHROMIUM_PLATFORMS if platform.name == "chromium-tfjs"]
    artefact = manifest.load("tiny", shelf)
    steps = json.loads(manifest.derived(artefact, "tfjs.json").read_text())["operations"]
    kinds = {
        "conv",
        "depthwise",
        "hardSwish",
        "hardSigmoid",
        "mul",
        "add",
        "relu",
        "maxPool",
        "mean",
        "flatten",
        "gemm",
    }
    assert {step["op"] for step in steps} == kinds | {"sigmoid"}
    assert [step["activation"] for step in steps if step["op"] == "depthwise"] == ["relu6"]
    case = case_of(artefact, 2)
    feeds = seeded_feeds(case.model_file, 2)
    with platform.open(case, Settings(timeout=60)) as session:
        answer = session.run(feeds)
    parity = reference.check_parity("chromium-tfjs", answer, reference.reference(case.model_file, feeds), 1e-5)
    assert parity > 0


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_that_was_made_gives_answers_that_can_be_told_apart(name):
    if manifest.is_absent(name, manifest.UNTRAINED):
        pytest.skip(f"{name} is not made here: tox run -e networks -- {name}")
    artefact = manifest.load(name, manifest.UNTRAINED)
    session = onnxruntime.InferenceSession(artefact.path)
    size = artefact.row["architecture"]["size"]
    noise = np.random.default_rng(4).standard_normal((2, 3, size, size), np.float32)
    (logits,) = session.run(None, {"input": noise})
    assert np.isfinite(logits).all()
    assert np.abs(logits[0] - logits[1]).mean() > 0.05 * np.abs(logits).mean()
