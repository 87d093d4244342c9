"""Data that is checked, training that can be stopped at any moment, and a command line that explains itself."""

import hashlib
import json
import os
import signal
import subprocess
import sys

import numpy as np
import onnx
import pytest
import torch
from helpers import ROOT, clean_environment

from models import MODELS, build, cifar100, manifest
from models.build import Data, Workshop
from models.cifar100 import MEAN, RECORD_BYTES, STD, DataError, Split, hold_out
from models.curves import plot
from models.export import ExportError, logits_of
from models.training import Job, Recipe, Trainer, TrainingError, _batches, _padded

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
    recipe = Recipe(**({"epochs": 3, "batch_size": 64} | changes))
    return Job(MODELS["resnet8"], recipe, folder / "resnet8.pt", folder / "log.jsonl")


def trainer(folder, **changes):
    return Trainer(job(folder, **changes), *hold_out(some_data(), 0.1))


def weights(model):
    return torch.cat([value.flatten().float() for value in model.state_dict().values()])


def test_a_resumed_training_ends_where_an_unbroken_one_ends(tmp_path):
    (tmp_path / "whole").mkdir()
    (tmp_path / "broken").mkdir()
    whole = trainer(tmp_path / "whole").run()
    killed = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "broken"], cwd=ROOT, env=path(), check=False)
    assert killed.returncode == -signal.SIGKILL
    resumed = trainer(tmp_path / "broken")
    assert resumed.epoch == 2
    assert torch.equal(weights(resumed.run()), weights(whole))
    logs = [without_seconds(read_log(tmp_path / folder)) for folder in ("whole", "broken")]
    assert logs[0] == logs[1]


# A training in a process of its own that is killed in the middle of the third epoch, as if it had died before when the
# second was in its checkpoint but not yet in its log.
KILLED = """
import os, signal, sys, torch
from pathlib import Path
from test_training import Trainer, job, trainer
torch.set_num_threads(1)
folder = Path(sys.argv[1])
step, steps = Trainer._train_step, []
def killed(self, *arguments):
    steps.append(1)
    if len(steps) == 2 * self.steps + 2:
        (folder / "log.jsonl").write_text((folder / "log.jsonl").read_text().splitlines(True)[0])
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, *arguments)
Trainer._train_step = killed
trainer(folder).run()
"""


def path():
    return clean_environment() | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}


def read_log(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def without_seconds(log):
    return [{name: value for name, value in line.items() if name != "seconds"} for line in log]


def test_the_same_seed_gives_the_same_model_and_another_another(tmp_path):
    models = []
    for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
        (tmp_path / folder).mkdir()
        models.append(weights(trainer(tmp_path / folder, seed=seed).run()))
    assert torch.equal(models[0], models[1])
    assert not torch.equal(models[0], models[2])


def test_the_log_has_a_line_an_epoch(tmp_path):
    trainer(tmp_path).run()
    lines = read_log(tmp_path)
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    columns = {"epoch", "loss", "train_accuracy", "held_out", "learning_rate", "image_size", "seconds"}
    assert set(lines[0]) == columns


def test_images_grow_to_full_size():
    recipe = Recipe(epochs=10)
    sizes = [recipe.image_size(epoch / 10) for epoch in range(10)]
    assert sizes == [20, 20, 24, 24, 28, 28, 32, 32, 32, 32]
    assert Recipe(epochs=1).image_size(0.99) == 32


def test_every_image_is_seen_from_both_sides_in_turn():
    data, recipe = some_data(64), Recipe(epochs=2, batch_size=64, crop_padding=0)
    padded, numbers = _padded(data, 0), torch.arange(64)
    seen = []
    for epoch in (0, 1):
        ((images, order),) = _batches(padded, numbers, recipe, epoch)
        seen.append(images[order.argsort()])
    assert torch.equal(seen[0], seen[1].flip(3))
    upright = torch.from_numpy(cifar100.normalise(data.images))
    assert 0 < sum(torch.allclose(a, b, atol=1e-5) for a, b in zip(seen[0], upright, strict=True)) < 64


def test_held_out_images_are_fixed_and_apart():
    numbered = Split(np.zeros((200, 3, 32, 32), np.uint8), np.arange(200))
    (learned, held), (_, fewer) = hold_out(numbered, 0.1), hold_out(numbered, 0.02)
    assert (len(learned.labels), len(held.labels), len(fewer.labels)) == (180, 20, 4)
    assert sorted([*learned.labels, *held.labels]) == [*range(200)]
    assert set(fewer.labels) < set(held.labels)
    assert [*hold_out(numbered, 0.1)[1].labels] == [*held.labels]


def test_no_step_sees_a_held_out_image(tmp_path):
    learned, held = hold_out(some_data(), 0.1)
    marked = Trainer(job(tmp_path), learned, held)
    assert len(marked.labels) == len(learned.labels) == 230


def test_a_model_learns_what_it_is_shown(tmp_path):
    data = some_data(64)
    changes = {"epochs": 40, "crop_padding": 0, "peak_learning_rate": 0.1, "label_smoothing": 0.0, "small_sizes": ()}
    Trainer(job(tmp_path, **changes), data, data).run()
    lines = read_log(tmp_path)
    assert lines[-1]["held_out"] > 0.1  # chance is 0.01
    assert lines[-1]["loss"] < 0.6 * lines[0]["loss"]


def test_a_loss_that_is_no_number_stops_and_keeps_the_checkpoint(tmp_path):
    started = trainer(tmp_path)
    started._save()
    before = (tmp_path / "resnet8.pt").read_bytes()
    with torch.no_grad():
        started.model.head.bias.fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"resnet8 epoch 1/3: the loss is nan in step 0"):
        started.run()
    assert (tmp_path / "resnet8.pt").read_bytes() == before


def test_a_checkpoint_that_cannot_be_written_is_named_and_the_last_one_kept(tmp_path, monkeypatch):
    started = trainer(tmp_path)
    started._save()
    before = (tmp_path / "resnet8.pt").read_bytes()

    def full_disk(_state, path):
        path.write_bytes(b"half")
        raise RuntimeError("No space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(TrainingError, match=r"resnet8\.pt: the checkpoint of epoch 1 .* No space left"):
        started.run()
    assert (tmp_path / "resnet8.pt").read_bytes() == before
    assert not list(tmp_path.glob("*.part"))


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path):
    trainer(tmp_path)._save()
    with pytest.raises(TrainingError, match="delete the file to begin again"):
        trainer(tmp_path, seed=9)


def test_the_learning_rate_rises_and_falls_once():
    recipe = Recipe(epochs=10)
    rates = [recipe.learning_rate(step / 100) for step in range(101)]
    peak = rates.index(max(rates))
    assert peak == 20
    assert rates[:21] == sorted(rates[:21])
    assert rates[20:] == sorted(rates[20:], reverse=True)
    assert rates[-1] < 1e-4 < rates[0] < 0.02


# From candidates to files


@pytest.fixture
def workshop(tmp_path):
    return Workshop(tmp_path / "work", tmp_path / "manifest.json")


DATA = Data(some_data(), some_data(128))
SHORT = Recipe(epochs=1, batch_size=64)


def test_screening_leaves_a_row_and_a_log(workshop):
    build.screen(MODELS["resnet8-half"], SHORT, DATA, workshop)
    row = manifest.candidates(workshop.manifest)["resnet8-half"]
    assert (row["parameters"], row["architecture"]["widths"]) == (22_924, [8, 16, 32])
    assert row["held_out"]["images"] == 26
    assert row["screening"]["epochs"] == 1
    assert (workshop.manifest.parent / "training" / "resnet8-half.screening.jsonl").exists()
    assert manifest.rows(workshop.manifest) == {}


@pytest.fixture
def trained(workshop):
    build.train(MODELS["resnet8"], SHORT, DATA, workshop)
    return workshop


def test_training_leaves_a_file_a_row_and_a_log(trained):
    row, folder = manifest.rows(trained.manifest)["resnet8"], trained.manifest.parent
    assert row["sha256"] == hashlib.sha256((folder / "resnet8.onnx").read_bytes()).hexdigest()
    assert (row["architecture"]["depth"], row["parameters"], row["test"]["images"]) == (8, 83_892, 128)
    assert (row["training"]["epochs"], row["training"]["seed"]) == (1, 0)
    assert row["normalisation"] == {"mean": list(MEAN), "std": list(STD)}
    assert (row["opset"], row["ir_version"], row["precision"]) == (18, 10, "float32")
    assert set(row["versions"]) == {"python", "torch", "onnx", "onnxruntime"}
    assert (folder / "training" / "resnet8.jsonl").exists()


def test_a_finished_training_is_not_repeated(trained, monkeypatch):
    def repeated(*_arguments):
        raise AssertionError

    monkeypatch.setattr(Trainer, "_train_epoch", repeated)
    before = manifest.rows(trained.manifest)
    build.train(MODELS["resnet8"], SHORT, DATA, trained)  # with --resume
    assert manifest.rows(trained.manifest) == before
    finished = trained.training(MODELS["resnet8"], SHORT)
    finished.begin_anew()  # without
    assert not finished.checkpoint.exists()


def test_export_leaves_smaller_files_that_answer_alike(trained):
    build.export("resnet8", DATA, trained)
    rows = manifest.rows(trained.manifest)
    images = cifar100.normalise(DATA.test.images)
    folder, plain = trained.manifest.parent, logits_of(trained.manifest.parent / "resnet8.onnx", images)
    for precision, share, limit in (("int8", 0.5, 0.1), ("fp16", 0.6, 0.01)):
        row = rows[f"resnet8.{precision}"]
        assert (row["precision"], row["made"]["from"], row["training"]) == (
            precision,
            "resnet8",
            rows["resnet8"]["training"],
        )
        assert row["bytes"] < share * rows["resnet8"]["bytes"]
        difference = np.abs(logits_of(folder / row["file"], images) - plain).max()
        assert 0 < difference < limit * np.abs(plain).max()
    assert "5 held-out training images" in rows["resnet8.int8"]["made"]["method"]


def test_int8_that_loses_too_much_is_refused(trained, monkeypatch):
    monkeypatch.setattr(build, "INT8_LOSS", -100)
    with pytest.raises(ExportError, match=r"resnet8\.int8\.onnx: int8 loses .* points of top-1"):
        build.export("resnet8", DATA, trained)
    assert "resnet8.int8" not in manifest.rows(trained.manifest)


def test_the_int8_form_is_of_unsigned_activations_and_signed_weights_per_channel(trained):
    build.export("resnet8", DATA, trained)
    model = onnx.load(trained.manifest.parent / "resnet8.int8.onnx")
    weights = {weight.name: weight for weight in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "QuantizeLinear":
            assert weights[node.input[2]].data_type == onnx.TensorProto.UINT8
        if node.op_type == "DequantizeLinear" and node.input[0] in weights:
            weight = weights[node.input[0]]
            assert weight.data_type in (onnx.TensorProto.INT8, onnx.TensorProto.INT32)  # weights and biases
            assert list(weights[node.input[1]].dims) == [max(weight.dims[0], weights[node.input[1]].dims[0])]


def test_the_curves_are_drawn_from_the_logs(trained):
    for name in ("resnet8", "resnet8-half"):
        build.screen(MODELS[name], SHORT, DATA, trained)
    manifest.choose(1, trained.manifest)
    picture = plot(trained.manifest)
    assert all(f"{name}, " in picture.read_text() for name in ("resnet8", "resnet8-half"))
    before = picture.read_bytes()
    assert plot(trained.manifest).read_bytes() == before


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
    assert "unknown resnet1000: choose from the steps screen, train, export, plot, the models resnet8" in refused.stderr


def test_missing_data_is_one_line(tmp_path):
    refused = train_models("--data-dir", tmp_path, "--work-dir", tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"train_models.py: {tmp_path / 'cifar-100-binary' / 'train.bin'}: no such file")
    assert len(refused.stderr.splitlines()) == 1


def test_unfinished_work_is_not_thrown_away(tmp_path):
    trainer(tmp_path)._save()
    refused = train_models("train", "resnet8", "--work-dir", tmp_path)
    assert refused.returncode == 1
    assert "pass --resume to go on, or delete the file" in refused.stderr
