"""From the catalogue to ONNX files: screen the candidates, choose, train the chosen, export in every form.

A short round in which every candidate takes part comes before a long one for the best: successive halving (K. Jamieson,
A. Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", 2016).
"""

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Self

from models import WORK_DIR, ModelSpec, manifest
from models.cifar100 import MEAN, STD, Split, accuracy, hold_out, load, normalised_batches
from models.export import export_onnx, file_facts
from models.files import ExportError, replacing
from models.manifest import Artefact, sha256
from models.precisions import FP16_METHOD, INT8_METHOD, to_fp16, to_int8
from models.resnet import ResNet, multiply_adds
from models.tfjs import to_tfjs
from models.tflite import BATCH_SIZES, to_tflite
from models.training import Job, Recipe, Trainer, logits_of

CHOSEN = 3
PRECISIONS = ("int8", "fp16")  # of fewer bits, made and scored with the data set
# Shares of the training images. The screening chooses by the images that it holds out. The long training holds out a
# fifth of the same images, for its curve and for the calibration of int8; it may be told to learn from all.
SCREENING_HELD_OUT = 0.1
TRAINING_HELD_OUT = 0.02
LOSS = 1.0  # points of top-1 that a file of fewer bits may lose against float32


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

    work_dir: Path = WORK_DIR
    manifest: Path = manifest.MANIFEST
    resume: bool = False  # go on from checkpoints, finished or not; else delete finished ones, and begin again

    def screening(self, spec: ModelSpec, recipe: Recipe) -> Job:
        """Return the short training of a candidate."""
        return self._job(spec, recipe, f"{spec.name}.screening")

    def training(self, spec: ModelSpec, recipe: Recipe) -> Job:
        """Return the long training of a model."""
        return self._job(spec, recipe, spec.name)

    def _job(self, spec: ModelSpec, recipe: Recipe, name: str) -> Job:
        return Job(spec, recipe, self.work_dir / f"{name}.pt", self.manifest.parent / "training" / f"{name}.jsonl")

    def run(self, job: Job, data: Data, held_out_share: float) -> tuple[Trainer, ResNet]:
        """Train the job's model, *held_out_share* of the training images set apart."""
        if not self.resume:
            job.refuse_unfinished()
            job.checkpoint.unlink(missing_ok=True)
        for folder in (job.checkpoint.parent, job.log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        trainer = Trainer(job, *hold_out(data.train, held_out_share))
        return trainer, trainer.run()


def screen(spec: ModelSpec, recipe: Recipe, data: Data, workshop: Workshop) -> None:
    """Train a candidate for the short round and write down its accuracy on the held-out images."""
    trainer, model = workshop.run(workshop.screening(spec, recipe), data, SCREENING_HELD_OUT)
    held_out = trainer.held_out
    score = {"images": len(held_out.labels), **accuracy(logits_of(model, held_out), held_out.labels)}
    row = {**_network_facts(spec, model), "screening": trainer.facts(), "held_out": score}
    manifest.write_candidate(spec.name, row, workshop.manifest)
    print(f"{spec.name}: top-1 {score['top1']} % of {score['images']:,} held-out images")


def train(
    spec: ModelSpec, recipe: Recipe, data: Data, workshop: Workshop, held_out_share: float = TRAINING_HELD_OUT
) -> None:
    """Train a model for the long round, export it in float32 and write its row."""
    trainer, model = workshop.run(workshop.training(spec, recipe), data, held_out_share)
    onnx_file = workshop.manifest.parent / f"{spec.name}.onnx"
    export_onnx(model, onnx_file)
    row = {
        "file": onnx_file.name,
        **file_facts(onnx_file, data.test),
        **_network_facts(spec, model),
        "training": trainer.facts(),
        "normalisation": {"mean": MEAN, "std": STD},
        "stand_in": workshop.manifest == manifest.STAND_INS,
    }
    manifest.write_row(spec.name, row, workshop.manifest)
    _print_accuracy(onnx_file, row)


def _network_facts(spec: ModelSpec, model: ResNet) -> manifest.Row:
    return {
        "architecture": spec.architecture(),
        "parameters": sum(p.numel() for p in model.parameters()),
        "multiply_adds": multiply_adds(model),
    }


def export(name: str, data: Data, workshop: Workshop, precisions: Sequence[str] = PRECISIONS) -> None:
    """Write a trained model in fewer bits beside it, with rows of their own.

    Raises ModelError where the float32 file is absent or altered, ExportError where a form loses more than LOSS.
    """
    source = manifest.load(name, workshop.manifest)
    _, held_out = hold_out(data.train, TRAINING_HELD_OUT)
    methods: dict[str, tuple[Callable[[Path, Path], None], str]] = {
        "int8": (
            lambda source, target: to_int8(source, target, normalised_batches(held_out.images, 100)),
            INT8_METHOD.format(images=f"{len(held_out.labels):,} held-out training images"),
        ),
        "fp16": (to_fp16, FP16_METHOD),
    }
    # What was made from the float32 file for other runtimes is float32 too.
    inherited = {key: value for key, value in source.row.items() if key != "derived"}
    for precision in precisions:
        convert, method = methods[precision]
        target = source.path.with_name(f"{manifest.variant(name, precision)}.onnx")
        with replacing(target) as written:
            convert(source.path, written)
            facts = file_facts(written, data.test)
            _refuse_loss(target, source.row["test"]["top1"] - facts["test"]["top1"])
        made = {"from": name, "sha256": source.row["sha256"], "method": method}
        row = {**inherited, **facts, "file": target.name, "made": made}
        manifest.write_row(manifest.variant(name, precision), row, workshop.manifest)
        _print_accuracy(target, row)


def export_tfjs(name: str, workshop: Workshop) -> None:
    """Write a model's graph and weights for TensorFlow.js beside it; raises ModelError, ExportError."""
    source = manifest.load(name, workshop.manifest)
    graph, weights = (source.path.with_name(f"{name}.tfjs.{kind}") for kind in ("json", "bin"))
    to_tfjs(source.path, graph, weights)
    _write_derived(source, [graph, weights], ("onnx", "numpy"), workshop)


def export_tflite(name: str, workshop: Workshop, batch_sizes: Sequence[int] = BATCH_SIZES) -> None:
    """Write a model for LiteRT beside it, a file for each batch size; raises ModelError, ExportError."""
    source = manifest.load(name, workshop.manifest)
    for batch_size in batch_sizes:
        target = source.path.with_name(f"{name}.b{batch_size}.tflite")
        difference = to_tflite(source.path, name, batch_size, target)
        print(f"{target}: logits within {difference:.1e} of onnxruntime's largest")
        _write_derived(source, [target], ("torch", "litert-torch", "litert-converter", "ai-edge-litert"), workshop)


def _write_derived(source: Artefact, paths: list[Path], packages: tuple[str, ...], workshop: Workshop) -> None:
    versions = {"python": platform.python_version(), **{package: version(package) for package in packages}}
    rows = {
        path.name: {
            "sha256": sha256(path),
            "bytes": path.stat().st_size,
            "made_from": source.row["sha256"],
            "versions": versions,
        }
        for path in paths
    }
    manifest.write_derived(source.name, rows, workshop.manifest)
    for path, row in zip(paths, rows.values(), strict=True):
        print(f"{path}: {row['bytes']:,} bytes")


def _refuse_loss(target: Path, lost: float) -> None:
    if lost > LOSS:
        raise ExportError(f"{target}: loses {lost:.2f} points of top-1 against float32, more than {LOSS}; not kept")


def _print_accuracy(path: Path, row: manifest.Row) -> None:
    test = row["test"]
    print(f"{path}: top-1 {test['top1']} %, top-5 {test['top5']} % of {test['images']:,} test images")
