"""Train the catalogue's models on CIFAR-100 and export them: models/*.onnx and their rows in models/manifest.json.

    train_models.py                     train and export every model
    train_models.py resnet20            one model
    train_models.py --list              show the catalogue
    train_models.py --resume            go on where an earlier run was stopped

A run that is stopped at any moment loses at most one epoch.
"""

import argparse
import os
import sys
from pathlib import Path

from benchmarks.settings import positive
from models import MODELS, ModelSpec
from models.build import Data, build, checkpoint
from models.cifar100 import DataError
from models.export import ExportError
from models.manifest import rows
from models.training import Recipe, TrainingError

# A short training: enough for weights that are no longer random, far from the published accuracies.
EPOCHS = 20
ROOT = Path(__file__).parent


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"any of: {', '.join(MODELS)} (default: all)")
    parser.add_argument("--list", action="store_true", help="show the catalogue and what is trained, then stop")
    parser.add_argument("--epochs", type=positive(int), default=EPOCHS, help="default: %(default)s")
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
    if unknown := [name for name in options.models if name not in MODELS]:
        parser.error(f"unknown model {', '.join(unknown)}: choose from {', '.join(MODELS)}")
    return options


def print_catalogue() -> None:
    """Print one line a model: what it is and how it was trained."""
    trained = rows()
    for spec in MODELS.values():
        row = trained.get(spec.name)
        state = f"{row['training']['epochs']} epochs, top-1 {row['test']['top1']} %" if row else "not trained"
        print(f"{spec.name:10} {spec.depth} layers  {state}")


def refuse_lost_work(specs: list[ModelSpec], work_dir: Path) -> None:
    """Stop before an unfinished training would be mixed up with a new one."""
    for spec in specs:
        if (path := checkpoint(spec, work_dir)).exists():
            raise TrainingError(f"{path} is of an unfinished run: pass --resume to go on, or delete the file")


def main() -> None:
    """Run the command line."""
    options = parse()
    if options.list:
        return print_catalogue()
    specs = [MODELS[name] for name in options.models or MODELS]
    recipe = Recipe(epochs=options.epochs, seed=options.seed)
    try:
        if not options.resume:
            refuse_lost_work(specs, options.work_dir)
        data = Data.load(options.data_dir, options.work_dir)
        for spec in specs:
            build(spec, recipe, data, options.work_dir)
    except (DataError, TrainingError, ExportError) as error:
        sys.exit(f"train_models.py: {error}")
    except KeyboardInterrupt:
        sys.exit("\nstopped; the same command with --resume goes on from the last finished epoch")


if __name__ == "__main__":
    main()
