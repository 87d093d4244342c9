"""What the command line chooses: models by name or file, platforms, batch sizes, and the cases they make."""

import argparse
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import DecodeError

from benchmarks.inputs import fixed_batch
from benchmarks.platforms import PLATFORMS
from benchmarks.reference import PRECISIONS
from models import MODELS, graph, manifest, own, stand_in
from models.graph import Input
from models.manifest import Artefact, ModelError, variant

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


def check(config: pytest.Config) -> None:
    """Raise UsageError for files whose results could not be told apart, and for dimensions that no file has."""
    own_files = _own_files(config)
    for path in _paths(config):
        if path.name in NAMES or not path.samefile(own_files[path.name]):
            raise pytest.UsageError(
                f"--model: more than one model is called {path.name}; results go by the file's name, rename the file"
            )
    dims = [name for name, _ in config.getoption("dim") or ()]
    free = {name for path in own_files.values() for name in graph.free_dimensions(_inputs(path))}
    if unknown := [name for name in dims if name not in free or dims.count(name) > 1]:
        known = ", ".join(sorted(free)) or "none"
        raise pytest.UsageError(
            f"--dim {unknown[0]}: not a free dimension, or given twice; the files' own are: {known}"
        )


def _paths(config: pytest.Config) -> list[Path]:
    return [path for path in config.getoption("model") or () if isinstance(path, Path)]


def _own_files(config: pytest.Config) -> dict[str, Path]:
    """Return the files of the user's own by the names that results go by."""
    return {path.name: path for path in _paths(config)}


@cache
def _inputs(file: Path) -> list[Input]:
    """Return what the file declares; nothing where that cannot be read, which is told when it is measured."""
    try:
        return graph.declared_inputs(graph.read(file))
    except (DecodeError, ModelError):
        return []


def cases(config: pytest.Config, test_set: bool) -> list[Any]:
    """Return a parameter set, with an id in words, for every model, platform and batch size.

    With *test_set* the models are those of the catalogue, in every precision, and there are no batch sizes.
    """
    platforms = dict.fromkeys(config.getoption("platform") or PLATFORMS)
    if test_set:
        models = [model for model in _models(config, PRECISIONS) if model in NAMES]
        return [_case(config, model, platform) for model in models for platform in platforms]
    return [
        _case(config, model, platform, size)
        for model in _models(config, ["float32"])
        for platform in platforms
        for size in _batch_sizes(config, model)
    ]


def _models(config: pytest.Config, precisions: Sequence[str]) -> list[str]:
    """Return the names asked for, else the chosen models in *precisions*; all candidates where none is chosen yet."""
    if asked_for := config.getoption("model"):
        return [*dict.fromkeys(getattr(model, "name", model) for model in asked_for)]
    return [variant(name, precision) for name in manifest.chosen() or MODELS for precision in precisions]


def _batch_sizes(config: pytest.Config, model: str) -> list[int]:
    """Return the sizes asked for, else the one that a file of the user's own has fixed, else the usual."""
    if asked_for := config.getoption("batch_size"):
        return [*dict.fromkeys(asked_for)]
    fixed = None if model in NAMES else fixed_batch(_inputs(_own_files(config)[model]))
    return [fixed] if fixed else [*BATCH_SIZES]


def _case(config: pytest.Config, model: str, platform: str, *size: int) -> Any:
    words = [_label(config, model), platform, *(f"b{number}" for number in size)]
    return pytest.param(model, platform, *size, id="-".join(words))


def _label(config: pytest.Config, model: str) -> str:
    """Return the model's name with what else decides its figures: a stand-in, the lengths of free dimensions."""
    if model in NAMES:
        return f"{model}.stand-in" if config.getoption("build_models") and manifest.is_absent(model) else model
    free = graph.free_dimensions(_inputs(_own_files(config)[model]))
    return ".".join([model, *(f"{name}={length}" for name, length in config.getoption("dim") or () if name in free)])


def artefact(config: pytest.Config, model: str) -> Artefact:
    """Return the file behind a case's *model*; with ``--build-models`` a stand-in where it is absent."""
    if model not in NAMES:
        return own.load(_own_files(config)[model])
    if config.getoption("build_models"):
        return stand_in.load_or_build(model, config.getoption("data_dir"))
    return manifest.load(model)
