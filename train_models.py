"""Train the catalogue's models on CIFAR-100: models/*.onnx in every precision, and models/manifest.json.

    train_models.py                     all four steps, for every candidate
    train_models.py resnet20            all four steps, for this one
    train_models.py screen              train every candidate for a short round; the three best are chosen
    train_models.py train               train the chosen for a long round and export them as float32
    train_models.py export              int8 and fp16 from the float32 files
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

from benchmarks.settings import positive
from models import MODELS, ModelSpec, manifest
from models.build import CHOSEN, Data, Workshop, export, screen, train
from models.cifar100 import DataError
from models.curves import plot
from models.export import ExportError
from models.manifest import ModelError
from models.training import Job, Recipe, TrainingError

SCREENING_EPOCHS = 5  # enough to tell the candidates apart by several points
EPOCHS = 72  # of the long round
ROOT = Path(__file__).parent
STEPS = ("screen", "train", "export", "plot")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = f"steps ({', '.join(STEPS)}) and models ({', '.join(MODELS)}); default: all"
    parser.add_argument("words", nargs="*", metavar="STEP|MODEL", help=words)
    parser.add_argument("--list", action="store_true", help="show the candidates and what is known of them, then stop")
    parser.add_argument("--epochs", type=positive(int), default=EPOCHS, help="of the long round (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoints of an earlier run")
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=os.environ.get("CIFAR100_DIR") or None,
        help="directory holding cifar-100-binary/ (default: $CIFAR100_DIR; without it the data is downloaded)",
    )
    parser.add_argument("--work-dir", type=Path, default=ROOT / ".training", help="checkpoints and downloads")
    options = parser.parse_args(arguments)
    if unknown := [word for word in options.words if word not in (*STEPS, *MODELS)]:
        parser.error(
            f"unknown {', '.join(unknown)}: choose from the steps {', '.join(STEPS)}, the models {', '.join(MODELS)}"
        )
    options.steps = [step for step in STEPS if step in options.words] or [*STEPS]
    options.named = [MODELS[word] for word in options.words if word in MODELS]
    return options


def print_candidates() -> None:
    """Print one line a candidate: what it is, how it did in the screening, what its file reaches."""
    screened, files, chosen = manifest.candidates(), manifest.rows(), manifest.chosen()
    for spec in MODELS.values():
        widths = "-".join(map(str, spec.widths))
        found = screened.get(spec.name)
        held_out = f"screening {found['held_out']['top1']:5.2f} %" if found else "not screened"
        row = files.get(spec.name) if spec.name in chosen else None
        state = f"{row['training']['epochs']} epochs, test top-1 {row['test']['top1']} %" if row else ""
        print(f"{spec.name:14} {spec.depth:2} layers, {widths:8} channels  {held_out}  {state}".rstrip())


def screen_candidates(specs: list[ModelSpec], recipe: Recipe, data: Data, workshop: Workshop) -> None:
    """Screen *specs*; once every candidate has been, choose."""
    for spec in specs:
        screen(spec, recipe, data, workshop)
    if set(MODELS) <= set(manifest.candidates(workshop.manifest)):
        print(f"chosen: {', '.join(manifest.choose(CHOSEN, workshop.manifest))}")


def begin(jobs: list[Job], resume: bool) -> None:
    """Stop before an unfinished training would be mixed up with a new one."""
    if not resume:
        for job in jobs:
            job.begin_anew()


def run(options: argparse.Namespace) -> None:
    """Go through the steps that were asked for."""
    workshop = Workshop(options.work_dir)
    short = Recipe(epochs=SCREENING_EPOCHS, seed=options.seed)
    long = Recipe(epochs=options.epochs, seed=options.seed)
    named = options.named or [*MODELS.values()]
    if "screen" in options.steps:
        begin([workshop.screening(spec, short) for spec in named], options.resume)
    if "train" in options.steps:
        begin([workshop.training(spec, long) for spec in named], options.resume)
    if options.steps != ["plot"]:
        data = Data.load(options.data_dir, options.work_dir)
    if "screen" in options.steps:
        screen_candidates(named, short, data, workshop)
    chosen = options.named or [MODELS[name] for name in manifest.chosen()]
    if "train" in options.steps:
        for spec in chosen:
            train(spec, long, data, workshop)
    if "export" in options.steps:
        for spec in chosen:
            export(spec.name, data, workshop)
    if "plot" in options.steps:
        print(plot(workshop.manifest))


def main() -> None:
    """Run the command line."""
    options = parse()
    if options.list:
        return print_candidates()
    try:
        run(options)
    except (DataError, TrainingError, ExportError, ModelError) as error:
        sys.exit(f"train_models.py: {error}")
    except KeyboardInterrupt:
        sys.exit("\nstopped; the same command with --resume goes on from the last finished epoch")


if __name__ == "__main__":
    main()
