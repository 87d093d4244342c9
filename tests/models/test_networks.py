"""Networks that are only timed: torchvision's definition, here a tiny one in its place, as ONNX with a free batch."""

import sys
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from models import networks


@pytest.fixture
def asked_for(monkeypatch):
    """The names that torchvision is asked for, and with which weights."""
    names = []

    def get_model(name, weights):
        names.append((name, weights))
        return torch.nn.Sequential(
            torch.nn.AvgPool2d(56), torch.nn.Flatten(), torch.nn.Dropout(), torch.nn.Linear(48, 1000)
        )

    monkeypatch.setitem(sys.modules, "torchvision", SimpleNamespace(models=SimpleNamespace(get_model=get_model)))
    return names


def weights_of(file):
    return b"".join(sorted(weight.raw_data for weight in onnx.load(file).graph.initializer))


def test_it_is_untrained_and_seeded(asked_for, monkeypatch, tmp_path):
    written = []
    monkeypatch.setattr(torch.onnx, "export", lambda network, *_, **__: written.append(network.state_dict()))
    for _ in range(2):
        networks.write("resnet18", tmp_path / "unwritten.onnx")
        torch.rand(1)
    assert asked_for == [("resnet18", None)] * 2
    first, second = written
    assert all(torch.equal(first[name], second[name]) for name in first | second)


def test_it_takes_any_batch(asked_for, tmp_path):
    file = tmp_path / "network.onnx"
    networks.write("resnet18", file)
    assert len(weights_of(file)) > 48 * 1000 * 4  # in the file itself, whose name is all that travels
    session = onnxruntime.InferenceSession(file)
    for batch in (1, 3):
        (answer,) = session.run(["logits"], {"input": np.ones((batch, 3, 224, 224), np.float32)})
        assert answer.shape == (batch, 1000)
        np.testing.assert_array_equal(
            answer, session.run(None, {"input": np.ones((batch, 3, 224, 224), np.float32)})[0]
        )


def test_those_asked_for_are_written_and_told(monkeypatch, asked_for, tmp_path, capsys):
    monkeypatch.setattr(networks, "write", lambda name, file: file.write_text(name))
    monkeypatch.setattr(sys, "argv", ["networks", str(tmp_path / "new"), "mobilenet-v2"])
    networks.main()
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["mobilenet-v2.onnx"]
    assert capsys.readouterr().out == f"{tmp_path}/new/mobilenet-v2.onnx: 12 bytes, untrained, seed 0\n"
    monkeypatch.setattr(sys, "argv", ["networks", str(tmp_path / "all")])
    networks.main()
    assert {file.stem for file in (tmp_path / "all").iterdir()} == networks.NETWORKS.keys()


def test_an_unknown_name_is_refused_before_anything_is_written(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["networks", str(tmp_path / "new"), "resnet18", "vgg"])
    with pytest.raises(SystemExit, match=r"^unknown network vgg: choose from mobilenet-v3-small, .*resnet50$"):
        networks.main()
    assert not (tmp_path / "new").exists()
