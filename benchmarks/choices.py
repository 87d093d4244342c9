"""What the command line chooses: models by name or file, platforms, batch sizes, and the cases they make."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.platforms import PLATFORMS
from benchmarks.reference import PRECISIONS
from models import MODELS, manifest, own, stand_in
from models.manifest import Artefact, variant

BATCH_SIZES = (1, 8)
NAMES = [*MODELS, *(variant(name, precision) for name in MODELS for precision in PRECISIONS if precision != "float32")]


def model(text: str) -> str | Path:
    """Read ``--model``: a name of the catalogue, with a precision or without, or the path of an ONNX file."""
    if text in NAMES:
        return text
    path = Path(text)
    if path.is_file():
        return path
    if path.suffix == ".onnx" or len(path.parts) > 1:
        raise argparse.ArgumentTypeError(f"{text}: no such file")
    known, behind = ", ".join(MODELS), " or ".join(f".{precision}" for precision in PRECISIONS[1:])
    raise argparse.ArgumentTypeError(
        f"unknown model {text!r}: choose from {known}, with {behind} behind or without, or name an ONNX file"
    )


def dim(text: str) -> tuple[str, int]:
    """Read ``--dim``: the name of a free dimension, or input:axis where it has none, and its length."""
    name, equals, length = text.rpartition("=")
    if not (name and equals and length.isdecimal() and int(length) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=N with N above zero, such as sequence=128")
    return name, int(length)


def refuse_namesakes(config: pytest.Config) -> None:
    """Raise UsageError where two files have one name: their results could not be told apart."""
    files = {path.resolve() for path in config.getoption("model") or () if isinstance(path, Path)}
    names = [path.name for path in files]
    if twice := {name for name in names if names.count(name) > 1}:
        raise pytest.UsageError(
            f"--model: two files are called {twice.pop()}; results go by the file's name, rename one"
        )


def cases(config: pytest.Config, names: Sequence[str], every_precision: bool) -> list[Any]:
    """Return a parameter set for every combination of what *names* lists, with an id in words."""
    chosen = config.getoption
    models = [getattr(model, "name", model) for model in chosen("model") or _default_models(every_precision)]
    values = {
        "model": [(model, _label(model, chosen("build_models"))) for model in dict.fromkeys(models)],
        "platform": [(platform, platform) for platform in dict.fromkeys(chosen("platform") or PLATFORMS)],
        "batch_size": [(size, f"b{size}") for size in dict.fromkeys(chosen("batch_size") or BATCH_SIZES)],
    }
    combined: list[tuple[Any, ...]] = [()]
    for name in names:
        combined = [(*before, value) for before in combined for value in values[name]]
    return [pytest.param(*(value for value, _ in case), id="-".join(label for _, label in case)) for case in combined]


def _default_models(every_precision: bool) -> list[str]:
    chosen = manifest.chosen()
    if not every_precision:
        return chosen
    return [variant(name, precision) for name in chosen for precision in PRECISIONS]


def _label(model: str, build: bool) -> str:
    return f"{model}.stand-in" if build and model in NAMES and manifest.is_absent(model) else model


def artefact(config: pytest.Config, model: str) -> Artefact:
    """Return the file behind a case's *model*; with ``--build-models`` a stand-in where it is absent."""
    if model not in NAMES:
        return own.load(next(path for path in config.getoption("model") if getattr(path, "name", None) == model))
    if config.getoption("build_models"):
        return stand_in.load_or_build(model, config.getoption("data_dir"))
    return manifest.load(model)
