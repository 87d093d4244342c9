"""Data that is checked, training that can be stopped at any moment, and a command line that explains itself."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from helpers import ROOT, clean_environment
from small_trainings import job, some_data, trainer

import train_models as train_models_module
from models import MODELS, build, cifar100, manifest
from models.build import Data, Workshop
from models.cifar100 import MEAN, RECORD_BYTES, STD, DataError, Split, hold_out
from models.curves import plot
from models.export import logits_of
from models.files import ExportError
from models.manifest import ModelError
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


def test_without_what_downloads_the_way_is_to_fetch_it_oneself(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision.datasets", None)
    with pytest.raises(DataError, match=r"nor torchvision.*; unpack https://.*binary\.tar\.gz .*CIFAR100_DIR") as error:
        cifar100.load("test", None, tmp_path)
    assert "No module" not in str(error.value)


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


def weights(model):
    return torch.cat([value.flatten().float() for value in model.state_dict().values()])


def test_a_resumed_training_ends_where_an_unbroken_one_ends(tmp_path):
    (tmp_path / "whole").mkdir()
    (tmp_path / "broken").mkdir()
    with subprocess.Popen([sys.executable, "-c", KILLED, tmp_path / "broken"], cwd=ROOT, env=path()) as killed:
        whole = trainer(tmp_path / "whole").run()
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
from small_trainings import Trainer, trainer
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
    return clean_environment() | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "models")])}


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


def test_no_step_sees_a_held_out_image(tmp_path, monkeypatch):
    data = some_data()
    data.images[:, 0] = 0  # black in one plane,
    marked = hold_out(data, 0.1)
    marked[1].images[:, 0] = 255  # white in the held-out ones
    step, seen = Trainer._train_step, []

    def watched(self, images, *rest):
        seen.append(images[:, 0].max().item())
        return step(self, images, *rest)

    monkeypatch.setattr(Trainer, "_train_step", watched)
    trained = Trainer(job(tmp_path), *marked)
    trained.run()
    assert max(seen) < 0
    assert len(trained.labels) == 230


def test_a_training_on_all_images_has_no_held_out_accuracy(tmp_path):
    trained = Trainer(job(tmp_path), *hold_out(some_data(), 0))
    trained.run()
    assert all("held_out" not in line for line in read_log(tmp_path))
    assert (trained.facts()["images"], trained.facts()["held_out_images"]) == (256, 0)
    with pytest.raises(TrainingError, match="--all-images"):
        trainer(tmp_path)


def test_the_draws_are_those_of_the_committed_models():
    """Of batches drawn one by one, as they once were: who trains again with the same seed sees the same images."""
    data, recipe = some_data(200), Recipe(epochs=2, batch_size=64, seed=3)
    padded, generator = _padded(data, 4), torch.Generator().manual_seed(3 * 100_003 + 1)
    order = torch.randperm(200, generator=generator)
    flips = torch.randint(0, 2, (200,), generator=torch.Generator().manual_seed(3))
    batches = [*_batches(padded, torch.arange(200), recipe, 1)]
    assert len(batches) == 3
    for number, (images, labels) in enumerate(batches):
        assert torch.equal(labels, order[64 * number : 64 * (number + 1)])
        tops, lefts = torch.randint(0, 9, (2, 64, 1), generator=generator)[:, :, 0]
        for image, label, top, left in zip(images, labels, tops, lefts, strict=True):
            crop = padded[label, top : top + 32, left : left + 32].permute(2, 0, 1)
            crop = crop.flip(2) if flips[label] == 0 else crop
            expected = torch.from_numpy(cifar100.normalise(crop[None].numpy()))[0]
            torch.testing.assert_close(image, expected, rtol=1e-5, atol=1e-5)


def test_a_model_learns_what_it_is_shown(tmp_path):
    data = some_data(32)
    changes = {"crop_padding": 0, "peak_learning_rate": 0.1, "label_smoothing": 0.0, "small_sizes": ()}
    Trainer(job(tmp_path, epochs=30, batch_size=32, **changes), data, data).run()
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


def test_weights_that_are_no_numbers_are_not_kept(tmp_path, monkeypatch):
    started = trainer(tmp_path)
    started._save()
    before = (tmp_path / "resnet8.pt").read_bytes()
    monkeypatch.setattr(
        Trainer, "_train_step", lambda self, *_: (self.model.head.bias.data.fill_(torch.inf), torch.ones(2))[1]
    )
    with pytest.raises(
        TrainingError, match=r"resnet8: epoch 1 left weights that are no numbers; lower peak_learning_rate"
    ):
        started.run()
    assert (tmp_path / "resnet8.pt").read_bytes() == before


def test_a_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / "resnet8.pt").write_bytes(b"no checkpoint")
    with pytest.raises(TrainingError, match=r"resnet8\.pt is damaged; delete the file to begin again"):
        trainer(tmp_path)


def test_a_log_that_was_cut_short_is_made_whole(tmp_path):
    trainer(tmp_path).run()
    whole = (tmp_path / "log.jsonl").read_text()
    (tmp_path / "log.jsonl").write_text(whole.splitlines(True)[0])
    assert trainer(tmp_path).epoch == 3
    assert (tmp_path / "log.jsonl").read_text() == whole


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path):
    trainer(tmp_path)._save()
    with pytest.raises(TrainingError, match=r"go on with the same options .* or delete the file"):
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


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory):
    """The folder of a workshop after a training, of which every test gets a copy: the export takes seconds."""
    folder = tmp_path_factory.mktemp("trained")
    torch.set_num_threads(1)
    build.train(MODELS["resnet8"], SHORT, DATA, Workshop(folder / "work", folder / "manifest.json"))
    return folder


@pytest.fixture
def trained(trained_once, workshop):
    shutil.copytree(trained_once, workshop.manifest.parent, dirs_exist_ok=True)
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
        raise AssertionError("trained again")

    monkeypatch.setattr(Trainer, "_train_epoch", repeated)
    before = manifest.rows(trained.manifest)
    build.train(MODELS["resnet8"], SHORT, DATA, replace(trained, resume=True))
    assert manifest.rows(trained.manifest) == before
    with pytest.raises(AssertionError, match=r"^trained again$"):  # without --resume it begins anew
        build.train(MODELS["resnet8"], SHORT, DATA, trained)


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


def test_a_form_that_loses_too_much_is_refused_and_the_old_one_kept(trained, monkeypatch):
    build.export("resnet8", DATA, trained)
    before = {path: path.read_bytes() for path in trained.manifest.parent.glob("*.*")}
    monkeypatch.setattr(build, "LOSS", -100)
    with pytest.raises(ExportError, match=r"resnet8\.int8\.onnx: loses .* points of top-1 against float32"):
        build.export("resnet8", DATA, trained)
    assert {path: path.read_bytes() for path in trained.manifest.parent.glob("*.*")} == before


def test_files_of_an_earlier_training_are_refused(trained):
    build.export("resnet8", DATA, trained)
    assert manifest.load("resnet8.int8", trained.manifest)
    build.train(MODELS["resnet8"], replace(SHORT, seed=7), DATA, trained)
    with pytest.raises(ModelError, match=r"resnet8\.int8\.onnx was made from an earlier training.* export resnet8"):
        manifest.load("resnet8.int8", trained.manifest)
    build.export("resnet8", DATA, trained)
    assert manifest.load("resnet8.int8", trained.manifest).row["training"]["seed"] == 7


def test_a_file_that_is_not_written_whole_leaves_the_old_one(trained, monkeypatch):
    before = (trained.manifest.parent / "resnet8.onnx").read_bytes()

    def full_disk(_model, path):
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(onnx, "save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        build.train(MODELS["resnet8"], replace(SHORT, seed=7), DATA, trained)
    assert (trained.manifest.parent / "resnet8.onnx").read_bytes() == before
    assert not list(trained.manifest.parent.rglob("*.part"))
    assert manifest.load("resnet8", trained.manifest)


def test_the_int8_form_is_of_unsigned_activations_and_signed_weights_per_channel(trained):
    build.export("resnet8", DATA, trained)
    model = onnx.load(trained.manifest.parent / "resnet8.int8.onnx")
    weights = {weight.name: weight for weight in model.graph.initializer}
    quantised = [node for node in model.graph.node if node.op_type == "QuantizeLinear"]
    assert quantised
    assert {weights[node.input[2]].data_type for node in quantised} == {onnx.TensorProto.UINT8}
    kernels = [
        (weights[node.input[0]], weights[node.input[1]])
        for node in model.graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] in weights and len(weights[node.input[0]].dims) == 4
    ]
    assert len(kernels) == 9
    for kernel, scale in kernels:
        assert kernel.data_type == onnx.TensorProto.INT8
        assert list(scale.dims) == [kernel.dims[0]]


def test_the_curves_are_drawn_from_the_logs(trained, monkeypatch):
    for name in ("resnet8", "resnet8-half"):
        build.screen(MODELS[name], SHORT, DATA, trained)
    monkeypatch.setattr(manifest, "chosen", lambda _manifest: ["resnet8"])
    picture = plot(trained.manifest)
    assert all(f"{name}, " in picture.read_text() for name in ("resnet8", "resnet8-half"))
    before = picture.read_bytes()
    assert plot(trained.manifest).read_bytes() == before


def test_a_training_without_a_curve_is_in_the_picture_by_its_training_accuracy(trained, monkeypatch):
    for name in ("resnet8", "resnet8-half"):
        build.screen(MODELS[name], SHORT, DATA, trained)
    build.train(MODELS["resnet8-half"], SHORT, DATA, trained, held_out_share=0)
    row = manifest.rows(trained.manifest)["resnet8-half"]
    assert (row["training"]["images"], row["training"]["held_out_images"]) == (256, 0)
    monkeypatch.setattr(manifest, "chosen", lambda _manifest: ["resnet8-half", "resnet8"])
    picture = plot(trained.manifest).read_text()
    assert f"resnet8-half, test {row['test']['top1']:.2f} %" in picture
    assert "top-1 on 5 held-out images" in picture


# The command line


def test_the_catalogue_is_listed(command_line):
    listed = command_line("--list")
    assert listed.returncode == 0
    assert all(name in listed.stdout for name in MODELS)


def test_an_unknown_model_lists_the_known(command_line):
    refused = command_line("resnet1000")
    assert refused.returncode == 2
    assert "unknown resnet1000: choose from the steps screen, train, export, plot, the models resnet8" in refused.stderr


def test_missing_data_is_one_line(tmp_path):
    command = [sys.executable, "train_models.py", "--data-dir", tmp_path, "--work-dir", tmp_path]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"train_models.py: {tmp_path / 'cifar-100-binary' / 'train.bin'}: no such file")
    assert len(refused.stderr.splitlines()) == 1


def test_nothing_is_thrown_away_before_all_is_known_to_be_finished(command_line, tmp_path):
    finished, stopped = (
        trainer(tmp_path, epochs=0),
        Trainer(
            Job(MODELS["resnet14"], Recipe(epochs=3, batch_size=64), tmp_path / "resnet14.pt", tmp_path / "log.jsonl"),
            *hold_out(some_data(), 0.1),
        ),
    )
    finished._save()
    stopped._save()
    refused = command_line("train", "resnet8", "resnet14", "--work-dir", tmp_path)
    assert refused.returncode == 1
    assert "resnet14.pt is of an unfinished run: pass --resume to go on, or delete the file" in refused.stderr
    assert (tmp_path / "resnet8.pt").exists()


@pytest.fixture
def small_world(folder, tmp_path, monkeypatch):
    """The command line on a few images, three candidates and one epoch, in this process."""
    monkeypatch.setattr(manifest, "MANIFEST", tmp_path / "manifest.json")
    for function in (manifest.rows, manifest.candidates, manifest.chosen, manifest.load, manifest.is_absent):
        monkeypatch.setattr(function, "__defaults__", (tmp_path / "manifest.json",))
    monkeypatch.setattr(manifest.choose, "__defaults__", (tmp_path / "manifest.json",))
    monkeypatch.setattr(train_models_module, "SCREENING_EPOCHS", 1)
    monkeypatch.setattr(train_models_module, "CHOSEN", 1)
    monkeypatch.setattr(build, "LOSS", 100)
    monkeypatch.setattr(
        train_models_module, "Workshop", lambda work_dir, resume: Workshop(work_dir, tmp_path / "manifest.json", resume)
    )
    for name in [name for name in MODELS if name not in ("resnet8", "resnet8-half")]:
        monkeypatch.delitem(MODELS, name)

    def run(*words):
        options = ["--epochs=1", f"--data-dir={folder}", f"--work-dir={tmp_path / 'work'}"]
        train_models_module.run(train_models_module.parse([*options, *words]))
        return json.loads((tmp_path / "manifest.json").read_text())

    return run


def test_the_whole_way_from_candidates_to_curves(small_world, tmp_path, capsys):
    with pytest.raises(ModelError, match=r"no model has been chosen yet: run `train_models\.py screen` first"):
        small_world("train")
    small_world("screen", "resnet8")
    assert "not chosen anew: resnet8-half: not screened like the others" in capsys.readouterr().out
    content = small_world()
    assert set(content["candidates"]) == {"resnet8", "resnet8-half"}
    (best,) = content["chosen"]
    assert set(content["models"]) == {best, f"{best}.int8", f"{best}.fp16"}
    assert all((tmp_path / row["file"]).is_file() for row in content["models"].values())
    assert (tmp_path / "training" / "learning-curves.svg").is_file()
    assert content["models"][best]["training"]["images"] == 294
    assert small_world("--resume") == content
    small_world("screen", "resnet8", "--seed=1")
    with pytest.raises(ModelError, match=r"^resnet8(-half)?: not screened like the others"):
        manifest.choose(1)


def test_the_long_round_learns_from_all_images_where_it_is_told_to(small_world):
    content = small_world("train", "resnet8", "--all-images")
    training = content["models"]["resnet8"]["training"]
    assert (training["images"], training["held_out_images"]) == (300, 0)
    made = small_world("export", "resnet8", "--form=int8")["models"]["resnet8.int8"]["made"]
    assert "6 held-out training images" in made["method"]


def test_all_images_without_a_training_is_refused(command_line):
    refused = command_line("plot", "--all-images")
    assert refused.returncode == 2
    assert "--all-images is of the step train, but the steps are plot" in refused.stderr


def test_drawing_nothing_says_what_to_do_first(small_world):
    with pytest.raises(ModelError, match="nothing to draw before a screening and a training"):
        small_world("plot")
