"""Train, export and record: the steps that lead from a catalogue entry to a usable ONNX file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from models import ModelSpec
from models.cifar100 import Split, load
from models.export import export_onnx, manifest_row
from models.manifest import MANIFEST, STAND_INS, write_row
from models.training import Job, Recipe, Trainer


@dataclass(frozen=True)
class Data:
    """CIFAR-100, both parts."""

    train: Split
    test: Split

    @classmethod
    def load(cls, data_dir: Path | None, download_dir: Path) -> Self:
        """Read or download both parts; raises DataError."""
        return cls(*(load(split, data_dir, download_dir) for split in ("train", "test")))


def build(spec: ModelSpec, recipe: Recipe, data: Data, work_dir: Path, manifest: Path = MANIFEST) -> None:
    """Train one model, export it beside *manifest* and write its row; *work_dir* keeps the checkpoint until then."""
    log = manifest.parent / "training" / f"{spec.name}.jsonl"
    for folder in (work_dir, log.parent):
        folder.mkdir(parents=True, exist_ok=True)
    job = Job(spec.name, spec.depth, recipe, checkpoint(spec, work_dir), log)
    model = Trainer(job, data.train).run()
    onnx_file = manifest.parent / f"{spec.name}.onnx"
    export_onnx(model, onnx_file)
    row = manifest_row(job, model, onnx_file, data.test) | {"stand_in": manifest == STAND_INS}
    write_row(spec.name, row, manifest)
    job.checkpoint.unlink()
    print(f"{onnx_file}: top-1 {row['test']['top1']} %, top-5 {row['test']['top5']} % of {row['test']['images']:,}")


def checkpoint(spec: ModelSpec, work_dir: Path) -> Path:
    """Return where an unfinished training of the model lies."""
    return work_dir / f"{spec.name}.pt"
