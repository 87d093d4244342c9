"""Train the catalogue's models on CIFAR-100: models/*.onnx in every precision, and models/manifest.json.

    train_models.py                     all four steps: every candidate is screened, the three best are trained
    train_models.py resnet20            all four steps, for this one
    train_models.py screen              train every candidate for a short round; the three best are chosen
    train_models.py train               train the chosen for a long round and export them as float32
    train_models.py export              int8, fp16 and the form for TensorFlow.js from the float32 files
    train_models.py export --form tfjs  only this form; tfjs, and tflite for LiteRT, need no data set
    train_models.py plot                draw the learning curves
    train_models.py train resnet14      one step for one model
    train_models.py --list              show the candidates and what is known of them
    train_models.py --resume            go on where an earlier run was stopped

A run that is stopped at any moment loses at most one epoch.
"""

import argparse
import os
import sys
from pathlib import Path

import torch

from benchmarks.settings import positive
from models import MODELS, WORK_DIR, ModelSpec, manifest
from models.build import (
    CHOSEN,
    PRECISIONS,
    TRAINING_HELD_OUT,
    Data,
    Workshop,
    export,
    export_tfjs,
    export_tflite,
    screen,
    train,
)
from models.cifar100 import DataError
from models.files import ExportError
from models.manifest import ModelError
from models.training import Recipe, TrainingError

SCREENING_EPOCHS = 5  # enough to tell the candidates apart by several points
EPOCHS = 72  # of the long round
STEPS = ("screen", "train", "export", "plot")
# The converter of tflite has an environment of its own: tox run -e export-tflite.
FORMS = (*PRECISIONS, "tfjs", "tflite")
USUAL_FORMS = (*PRECISIONS, "tfjs")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = f"steps ({', '.join(STEPS)}) and models ({', '.join(MODELS)}); default: all"
    parser.add_argument("words", nargs="*", metavar="STEP|MODEL", help=words)
    parser.add_argument("--list", action="store_true", help="show the candidates and what is known of them, then stop")
    parser.add_argument("--epochs", type=positive(int), default=EPOCHS, help="of the long round (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--threads", type=positive(int), help="of this training; several can run side by side")
    parser.add_argument(
        "--all-images", action="store_true", help="hold nothing out from the long round: no curve, more to learn from"
    )
    forms = f"of the export, repeatable (default: {', '.join(USUAL_FORMS)})"
    parser.add_argument("--form", action="append", choices=FORMS, dest="forms", help=forms)
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoints of an earlier run")
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=os.environ.get("CIFAR100_DIR") or None,
        help="directory holding cifar-100-binary/ (default: $CIFAR100_DIR; without it the data is downloaded)",
    )
    parser.add_argument("--work-dir", type=Path, default=WORK_DIR, help="checkpoints and downloads")
    options = parser.parse_intermixed_args(arguments)
    if unknown := [word for word in options.words if word not in (*STEPS, *MODELS)]:
        parser.error(
            f"unknown {', '.join(unknown)}: choose from the steps {', '.join(STEPS)}, the models {', '.join(MODELS)}"
        )
    options.steps = [step for step in STEPS if step in options.words] or [*STEPS]
    if options.forms and "export" not in options.steps:
        parser.error(f"--form is of the step export, but the steps are {', '.join(options.steps)}")
    if options.all_images and "train" not in options.steps:
        parser.error(f"--all-images is of the step train, but the steps are {', '.join(options.steps)}")
    options.forms = options.forms or [*USUAL_FORMS]
    options.named = [MODELS[word] for word in options.words if word in MODELS]
    options.candidates = options.named or [*MODELS.values()]
    return options


def print_candidates() -> None:
    """Print one line a candidate: what it is, how it did in the screening, what its file reaches."""
    screened, files, chosen = manifest.candidates(), manifest.rows(), manifest.chosen()
    for spec in MODELS.values():
        widths = "-".join(map(str, spec.widths))
        candidate = screened.get(spec.name)
        held_out = f"screening {candidate['held_out']['top1']:5.2f} %" if candidate else "not screened"
        row = files.get(spec.name) if spec.name in chosen else None
        state = f"{row['training']['epochs']} epochs, test top-1 {row['test']['top1']} %" if row else ""
        print(f"{spec.name:14} {spec.depth:2} layers, {widths:8} channels  {held_out}  {state}".rstrip())


def run(options: argparse.Namespace) -> None:
    """Go through the steps that were asked for."""
    if options.threads:
        torch.set_num_threads(options.threads)
    workshop = Workshop(options.work_dir, resume=options.resume)
    short = Recipe(epochs=SCREENING_EPOCHS, seed=options.seed)
    long = Recipe(epochs=options.epochs, seed=options.seed)
    if not options.resume:
        refuse_unfinished(options, workshop, short, long)
    data = Data.load(options.data_dir, options.work_dir) if needs_data(options) else None
    if data and "screen" in options.steps:
        for spec in options.candidates:
            screen(spec, short, data, workshop)
        choose(must=not options.named)
    for spec in wanted(options):
        if data and "train" in options.steps:
            train(spec, long, data, workshop, 0 if options.all_images else TRAINING_HELD_OUT)
        if "export" in options.steps:
            export_forms(spec.name, options.forms, data, workshop)
    if "plot" in options.steps:
        from models.curves import plot  # of all steps, only this one needs matplotlib

        print(plot(workshop.manifest))


def needs_data(options: argparse.Namespace) -> bool:
    """Whether a step that was asked for trains, or makes a file of fewer bits, which it scores."""
    steps, forms = {*options.steps}, {*options.forms}
    return bool(steps & {"screen", "train"} or ("export" in steps and forms & {*PRECISIONS}))


def export_forms(name: str, forms: list[str], data: Data | None, workshop: Workshop) -> None:
    """Write the forms of a trained model that were asked for."""
    if data:
        export(name, data, workshop, [form for form in PRECISIONS if form in forms])
    if "tfjs" in forms:
        export_tfjs(name, workshop)
    if "tflite" in forms:
        export_tflite(name, workshop)


def choose(must: bool) -> None:
    """Choose, once all candidates are screened alike; where *must* is false, it may be too early for that."""
    try:
        print(f"chosen: {', '.join(manifest.choose(CHOSEN))}")
    except ModelError as error:
        if must:
            raise
        print(f"not chosen anew: {error}")


def refuse_unfinished(options: argparse.Namespace, workshop: Workshop, short: Recipe, long: Recipe) -> None:
    """Stop before anything is begun where an unfinished training would be thrown away."""
    if "screen" in options.steps:
        for spec in options.candidates:
            workshop.screening(spec, short).refuse_unfinished()
    if "train" in options.steps:
        for spec in options.candidates if "screen" in options.steps else wanted(options):
            workshop.training(spec, long).refuse_unfinished()


def wanted(options: argparse.Namespace) -> list[ModelSpec]:
    """Return the models of the long round: those named, else the chosen."""
    if options.named or not {"train", "export"} & {*options.steps}:
        return list(options.named)
    if not (chosen := manifest.chosen()):
        raise ModelError("no model has been chosen yet: run `train_models.py screen` first, or name one")
    return [MODELS[name] for name in chosen]


def main() -> None:
    """Run the command line."""
    options = parse()
    try:
        print_candidates() if options.list else run(options)
    except (DataError, TrainingError, ExportError, ModelError, OSError) as error:
        sys.exit(f"train_models.py: {error}")
    except KeyboardInterrupt:
        sys.exit("\nstopped; the same command with --resume goes on from the last finished epoch")


if __name__ == "__main__":
    main()
