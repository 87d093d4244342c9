"""Data that is checked, training that can be stopped at any moment, and a command line that explains itself."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from helpers import ROOT

from models import MODELS, cifar100
from models.build import Data, build
from models.cifar100 import MEAN, RECORD_BYTES, STD, DataError, Split
from models.training import Job, Recipe, Trainer, TrainingError

# Data


def records(images):
    generator = np.random.default_rng(3)
    return generator.integers(0, 100, (images, RECORD_BYTES), np.uint8).tobytes()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data directory in the official layout, of few images, that the loader takes for the official one."""
    (tmp_path / cifar100.FOLDER).mkdir()
    for split, images in (("train", 300), ("test", 60)):
        content = records(images)
        (tmp_path / cifar100.FOLDER / f"{split}.bin").write_bytes(content)
        official = cifar100._File(images, hashlib.sha1(content).hexdigest())
        monkeypatch.setitem(cifar100.FILES, split, official)
    return tmp_path


def test_records_are_split_into_planes_and_fine_labels(folder):
    split = cifar100.load("test", folder, folder)
    raw = np.frombuffer(records(60), np.uint8).reshape(60, RECORD_BYTES)
    assert split.images.shape == (60, 3, 32, 32)
    np.testing.assert_array_equal(split.labels, raw[:, 1])
    np.testing.assert_array_equal(split.images[5, 2, 31], raw[5, -32:])


def test_the_official_checksums_are_the_published_ones():
    assert cifar100.FILES["train"] == (50_000, "e207cd2e05b73b1393c74c7f5e7bea451d63e08e")
    assert cifar100.FILES["test"] == (10_000, "8fb6623e830365ff53cf14adec797474f5478006")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.unlink(), "no such file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "184,439 bytes, but the official file has 184,440"),
        (lambda path: path.write_bytes(b"\1" + path.read_bytes()[1:]), "SHA-1"),
    ],
    ids=["missing", "short", "altered"],
)
def test_a_damaged_file_is_named_with_the_remedy(folder, damage, words):
    path = folder / cifar100.FOLDER / "test.bin"
    damage(path)
    with pytest.raises(DataError) as caught:
        cifar100.load("test", folder, folder)
    for part in (str(path), words, "--data-dir"):
        assert part in str(caught.value)


def test_a_failed_download_names_the_way_out(tmp_path, monkeypatch):
    def no_network(*_args, **_options):
        raise OSError("Name or service not known")

    monkeypatch.setattr("torchvision.datasets.CIFAR100", no_network)
    with pytest.raises(DataError, match=r"Name or service not known.*--data-dir \(CIFAR100_DIR for tox\)"):
        cifar100.load("test", None, tmp_path)


def test_a_download_comes_in_the_same_form(tmp_path, monkeypatch):
    class Downloaded:
        def __init__(self, root, train, download):
            self.data = np.arange(2 * 32 * 32 * 3, dtype=np.uint8).reshape(2, 32, 32, 3)
            self.targets = [7, 99]

    monkeypatch.setattr("torchvision.datasets.CIFAR100", Downloaded)
    split = cifar100.load("train", None, tmp_path)
    assert split.images.shape == (2, 3, 32, 32)
    assert split.images[0, :, 0, 1].tolist() == [3, 4, 5]
    assert split.labels.tolist() == [7, 99]


def test_normalising_gives_zero_mean_and_unit_deviation():
    grey = np.full((1, 3, 32, 32), 255, np.uint8)
    expected = (1 - np.array(MEAN)) / np.array(STD)
    np.testing.assert_allclose(cifar100.normalise(grey)[0, :, 0, 0], expected, rtol=1e-6)


# Training


@pytest.fixture(autouse=True)
def one_thread():
    """Keep parallel tests out of each other's way; one thread is also what makes sums repeatable."""
    torch.set_num_threads(1)


def some_data(images=256):
    generator = np.random.default_rng(5)
    labels = generator.integers(0, 100, images)
    pixels = generator.integers(0, 256, (images, 3, 32, 32), np.uint8)
    return Split(pixels, labels.astype(np.int64))


def job(folder, **changes):
    return Job("resnet8", 8, Recipe(epochs=3, batch_size=64, **changes), folder / "resnet8.pt", folder / "log.jsonl")


def weights(model):
    return torch.cat([value.flatten().float() for value in model.state_dict().values()])


def test_a_resumed_training_ends_where_an_unbroken_one_ends(tmp_path):
    (tmp_path / "whole").mkdir()
    (tmp_path / "broken").mkdir()
    whole = Trainer(job(tmp_path / "whole"), some_data()).run()
    stopped = Trainer(job(tmp_path / "broken"), some_data())
    stopped._train_epoch()
    stopped.epoch = 1
    stopped._save()
    stopped._train_epoch()  # lost with the process
    resumed = Trainer(job(tmp_path / "broken"), some_data())
    assert resumed.epoch == 1
    assert torch.equal(weights(resumed.run()), weights(whole))


def test_another_seed_gives_another_model(tmp_path):
    first = Trainer(job(tmp_path), some_data()).run()
    (tmp_path / "resnet8.pt").unlink()
    assert not torch.equal(weights(first), weights(Trainer(job(tmp_path, seed=1), some_data()).run()))


def test_the_log_has_a_line_an_epoch(tmp_path):
    Trainer(job(tmp_path), some_data()).run()
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert set(lines[0]) == {"epoch", "loss", "train_accuracy", "learning_rate", "seconds"}


def test_a_model_learns_what_it_is_shown(tmp_path):
    data = some_data(64)
    recipe = Recipe(epochs=40, batch_size=64, crop_padding=0, peak_learning_rate=0.1, label_smoothing=0.0)
    Trainer(Job("resnet8", 8, recipe, tmp_path / "c.pt", tmp_path / "log.jsonl"), data).run()
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["loss"] < 0.6 * lines[0]["loss"]


def test_a_loss_that_is_no_number_stops_and_keeps_the_checkpoint(tmp_path):
    trainer = Trainer(job(tmp_path), some_data())
    trainer._save()
    before = (tmp_path / "resnet8.pt").read_bytes()
    with torch.no_grad():
        trainer.model.head.bias.fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"resnet8 epoch 1/3: the loss is nan in step 0"):
        trainer.run()
    assert (tmp_path / "resnet8.pt").read_bytes() == before


def test_a_checkpoint_that_cannot_be_written_is_named_and_the_last_one_kept(tmp_path, monkeypatch):
    trainer = Trainer(job(tmp_path), some_data())
    trainer._save()
    before = (tmp_path / "resnet8.pt").read_bytes()

    def full_disk(_state, path):
        path.write_bytes(b"half")
        raise RuntimeError("No space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(TrainingError, match=r"resnet8\.pt: the checkpoint of epoch 1 .* No space left"):
        trainer.run()
    assert (tmp_path / "resnet8.pt").read_bytes() == before
    assert not list(tmp_path.glob("*.part"))


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path):
    Trainer(job(tmp_path), some_data())._save()
    with pytest.raises(TrainingError, match="delete the file to begin again"):
        Trainer(job(tmp_path, seed=9), some_data())


def test_the_learning_rate_rises_and_falls_once():
    recipe = Recipe(epochs=10)
    rates = [recipe.learning_rate(step / 100) for step in range(101)]
    peak = rates.index(max(rates))
    assert peak == 20
    assert rates[:21] == sorted(rates[:21])
    assert rates[20:] == sorted(rates[20:], reverse=True)
    assert rates[-1] < 1e-4 < rates[0] < 0.02


def test_building_leaves_a_file_a_row_and_a_log(tmp_path):
    shelf = tmp_path / "manifest.json"
    build(
        MODELS["resnet8"], Recipe(epochs=1, batch_size=64), Data(some_data(), some_data(128)), tmp_path / "work", shelf
    )
    row = json.loads(shelf.read_text())["resnet8"]
    assert row["sha256"] == hashlib.sha256((tmp_path / "resnet8.onnx").read_bytes()).hexdigest()
    assert (row["depth"], row["parameters"], row["test"]["images"]) == (8, 83_892, 128)
    assert (row["training"]["epochs"], row["training"]["seed"]) == (1, 0)
    assert row["normalisation"] == {"mean": list(MEAN), "std": list(STD)}
    assert (row["opset"], row["ir_version"]) == (18, 10)
    assert set(row["versions"]) == {"python", "torch", "onnx", "onnxruntime"}
    assert (tmp_path / "training" / "resnet8.jsonl").exists()
    assert list((tmp_path / "work").iterdir()) == []


# The command line


def train_models(*arguments):
    command = [sys.executable, "train_models.py", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_catalogue_is_listed():
    listed = train_models("--list")
    assert listed.returncode == 0
    assert all(name in listed.stdout for name in MODELS)


def test_an_unknown_model_lists_the_known():
    refused = train_models("resnet1000")
    assert refused.returncode == 2
    assert "unknown model resnet1000: choose from resnet8, resnet14, resnet20" in refused.stderr


def test_missing_data_is_one_line(tmp_path):
    refused = train_models("--data-dir", tmp_path, "--work-dir", tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"train_models.py: {tmp_path / 'cifar-100-binary' / 'train.bin'}: no such file")
    assert len(refused.stderr.splitlines()) == 1


def test_unfinished_work_is_not_thrown_away(tmp_path):
    (tmp_path / "resnet8.pt").write_bytes(b"")
    refused = train_models("resnet8", "--work-dir", tmp_path)
    assert refused.returncode == 1
    assert "pass --resume to go on, or delete the file" in refused.stderr
