"""From the catalogue to ONNX files: screen the candidates, choose, train the chosen, export in every precision.

A short round in which every candidate takes part comes before a long one for the best: successive halving (K. Jamieson,
A. Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", 2016).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from models import ModelSpec, manifest
from models.cifar100 import Split, accuracy, hold_out, load
from models.export import ExportError, export_onnx, file_facts, manifest_row, training_facts
from models.precisions import METHODS, to_fp16, to_int8
from models.resnet import multiply_adds
from models.training import Job, Recipe, Trainer, logits_of

CHOSEN = 3
# Shares of the training images. The screening decides by what it holds out; the long training keeps a fifth of those
# out still, for its curve and for the calibration of int8.
SCREENING_HELD_OUT = 0.1
TRAINING_HELD_OUT = 0.02
INT8_LOSS = 1.0  # points of top-1 that int8 may lose against float32


@dataclass(frozen=True)
class Data:
    """CIFAR-100, both parts."""

    train: Split
    test: Split

    @classmethod
    def load(cls, data_dir: Path | None, download_dir: Path) -> Self:
        """Read or download both parts; raises DataError."""
        return cls(*(load(split, data_dir, download_dir) for split in ("train", "test")))


@dataclass(frozen=True)
class Workshop:
    """Where things are made: checkpoints in *work_dir*, files and logs beside the *manifest*."""

    work_dir: Path
    manifest: Path = manifest.MANIFEST

    def screening(self, spec: ModelSpec, recipe: Recipe) -> Job:
        """Return the short training of a candidate."""
        return self._job(spec, recipe, f"{spec.name}.screening")

    def training(self, spec: ModelSpec, recipe: Recipe) -> Job:
        """Return the long training of a model."""
        return self._job(spec, recipe, spec.name)

    def _job(self, spec: ModelSpec, recipe: Recipe, name: str) -> Job:
        log = self.manifest.parent / "training" / f"{name}.jsonl"
        for folder in (self.work_dir, log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        return Job(spec, recipe, self.work_dir / f"{name}.pt", log)


def screen(spec: ModelSpec, recipe: Recipe, data: Data, workshop: Workshop) -> None:
    """Train a candidate for the short round and write down its accuracy on the held-out images."""
    job = workshop.screening(spec, recipe)
    learned, held_out = hold_out(data.train, SCREENING_HELD_OUT)
    model = Trainer(job, learned, held_out).run()
    found = {"images": len(held_out.labels), **accuracy(logits_of(model, held_out), held_out.labels)}
    row = {
        "architecture": spec.architecture(),
        "parameters": sum(p.numel() for p in model.parameters()),
        "multiply_adds": multiply_adds(model),
        "screening": training_facts(job),
        "held_out": found,
    }
    manifest.write_candidate(spec.name, row, workshop.manifest)
    print(f"{spec.name}: top-1 {found['top1']} % of {found['images']:,} held-out images")


def train(spec: ModelSpec, recipe: Recipe, data: Data, workshop: Workshop) -> None:
    """Train a model for the long round, export it in float32 and write its row."""
    job = workshop.training(spec, recipe)
    learned, held_out = hold_out(data.train, TRAINING_HELD_OUT)
    model = Trainer(job, learned, held_out).run()
    onnx_file = workshop.manifest.parent / f"{spec.name}.onnx"
    export_onnx(model, onnx_file)
    row = manifest_row(job, model, onnx_file, data.test) | {"stand_in": workshop.manifest == manifest.STAND_INS}
    manifest.write_row(spec.name, row, workshop.manifest)
    _tell(onnx_file, row)


def export(name: str, data: Data, workshop: Workshop) -> None:
    """Write a trained model's int8 and fp16 forms beside it, with their rows.

    Raises ModelError where the float32 file is absent or altered, ExportError where int8 loses more than INT8_LOSS.
    """
    source = manifest.load(name, workshop.manifest)
    _, held_out = hold_out(data.train, TRAINING_HELD_OUT)
    for precision, method in METHODS.items():
        target = source.path.with_name(f"{manifest.variant(name, precision)}.onnx")
        to_int8(source.path, target, held_out) if precision == "int8" else to_fp16(source.path, target)
        facts = file_facts(target, data.test)
        lost = source.row["test"]["top1"] - facts["test"]["top1"]
        if precision == "int8" and lost > INT8_LOSS:
            raise ExportError(f"{target}: int8 loses {lost:.2f} points of top-1, more than {INT8_LOSS}")
        made = {"from": name, "method": method.format(images=len(held_out.labels))}
        manifest.write_row(manifest.variant(name, precision), {**source.row, **facts, "made": made}, workshop.manifest)
        _tell(target, facts)


def _tell(path: Path, row: manifest.Row) -> None:
    test = row["test"]
    print(f"{path}: top-1 {test['top1']} %, top-5 {test['top5']} % of {test['images']:,} test images")
