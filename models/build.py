"""Train, export and record: the steps that lead from a catalogue entry to a usable ONNX file."""

from pathlib import Path

from models import MODELS, ModelSpec
from models.cifar100 import Split, load
from models.export import export_onnx, manifest_row
from models.manifest import STAND_INS, Artefact, write_row
from models.manifest import load as load_artefact
from models.training import Recipe, train


def build(
    spec: ModelSpec, recipe: Recipe, training_data: Split, test: Split, work_dir: Path, manifest: Path, **labels: bool
) -> None:
    """Train one model, export it beside *manifest* and write its row, with *labels* added to the row."""
    checkpoint = work_dir / f"{spec.name}.pt"
    log = manifest.parent / "training" / f"{spec.name}.jsonl"
    for path in (checkpoint, log):
        path.parent.mkdir(parents=True, exist_ok=True)
    model = train(spec.name, spec.depth, recipe, training_data, checkpoint, log)
    onnx_file = manifest.parent / f"{spec.name}.onnx"
    export_onnx(model, onnx_file)
    row = manifest_row(spec.depth, model, recipe, onnx_file, test)
    write_row(spec.name, {**row, **labels}, manifest)
    checkpoint.unlink()
    print(f"{onnx_file}: top-1 {row['test']['top1']} %, top-5 {row['test']['top5']} % of {row['test']['images']:,}")


def build_stand_in(name: str, data_dir: Path | None) -> Artefact:
    """Train the model for one epoch and keep it apart from the committed ones, labelled as a stand-in."""
    work_dir = STAND_INS.parent / "work"
    training_data, test = (load(split, data_dir, work_dir) for split in ("train", "test"))
    build(MODELS[name], Recipe(epochs=1), training_data, test, work_dir, STAND_INS, stand_in=True)
    return load_artefact(name, STAND_INS)
