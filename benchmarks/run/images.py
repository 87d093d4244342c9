"""Whether a file of the user's own can be put to ``-m accuracy``, and the images that it is put to.

What speaks against it is told before anything is opened: by :func:`refusal` of the options and the file, which every
run can ask, and by :func:`prepare` of the images, which are decoded once.
"""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.measuring.accuracy import Examination
from benchmarks.protocol import Images, Normalisation
from benchmarks.settings import positive
from models import image_folder
from models.cifar100 import DataError, Split
from models.image_folder import Listed, Size
from models.manifest import ModelError
from models.names import shown

if TYPE_CHECKING:
    from models.classifier import Classifier

SCALING = ("--mean", "--std")  # of a network that is fed pixels, too, in any phase
OPTIONS = (*SCALING, "--resize")
HOW = "of pixels scaled to 0…1: one number, or one a channel, as in --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225"


@dataclass(frozen=True)
class Preparation:
    """How images become a model's input, by the command line."""

    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    resize: int | None = None
    data_dir: Path | None = None
    lengths: dict[str, int] = field(default_factory=dict)  # of free dimensions
    batch_sizes: tuple[int, ...] = ()  # asked for

    @property
    def normalisation(self) -> Normalisation | None:
        """What the pixels are normalised by that a platform is fed; None where nobody said so."""
        return Normalisation(self.mean, self.std) if self.mean and self.std else None

    @property
    def given(self) -> list[str]:
        """Which of the options were given that serve nothing else."""
        return [name for name, value in zip(OPTIONS, (self.mean, self.std, self.resize), strict=True) if value]


PREPARATION = pytest.StashKey[Preparation]()
EXAMINATIONS = pytest.StashKey[dict[Path, Examination]]()


def add_options(group: Any) -> None:
    """Add what ``-m accuracy`` has to be told of a file of the user's own."""
    group.addoption("--mean", nargs="+", type=_numbers, metavar="M", help=f"for -m accuracy of an ONNX file, {HOW}")
    group.addoption("--std", nargs="+", type=_numbers, metavar="S", help="as --mean")
    words = "for -m accuracy of an ONNX file: the images' shorter side, before the centre of its size is cut out"
    group.addoption("--resize", type=positive(int), metavar="N", help=words)


def _numbers(text: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(word) for word in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number, nor several with commas") from None
    if not all(0 <= number <= 1 for number in numbers):
        raise argparse.ArgumentTypeError(f"{text} is {HOW.partition(':')[0]}, and so from 0 to 1; divide by 255")
    return numbers


def preparation_of(config: pytest.Config) -> Preparation:
    """Return what the command line says of images; read when it is first asked for."""
    if PREPARATION not in config.stash:
        config.stash[PREPARATION] = Preparation(
            mean=tuple(number for word in config.getoption("mean") or () for number in word),
            std=tuple(number for word in config.getoption("std") or () for number in word),
            resize=config.getoption("resize"),
            data_dir=config.getoption("data_dir"),
            lengths=dict(config.getoption("dim") or ()),
            batch_sizes=tuple(config.getoption("batch_size") or ()),
        )
    return config.stash[PREPARATION]


def refusal(config: pytest.Config, file: Path) -> str | None:
    """Say why a file cannot be put to ``-m accuracy``, by the options and by what it declares; None where it can."""
    preparation = preparation_of(config)
    absent = [name for name in SCALING if name not in preparation.given]
    if absent:
        return f"{file.name}: -m accuracy has to be told {' and '.join(absent)}, {HOW}"
    try:
        _check(preparation, file, _classifier(preparation, file))
    except ModelError as error:
        return str(error)
    return None


def _classifier(preparation: Preparation, file: Path) -> "Classifier":
    from models import classifier  # not above: a run that reads no file need not wait for onnx

    return classifier.read(file, preparation.lengths)


def _check(preparation: Preparation, file: Path, model: "Classifier") -> None:
    for name, numbers in (("--mean", preparation.mean), ("--std", preparation.std)):
        if len(numbers) not in (1, model.size.channels):
            raise ModelError(
                f"{file.name}: {name} has {len(numbers)} numbers, the images {model.size.channels} channels"
            )
    if 0 in preparation.std:
        raise ModelError(f"{file.name}: --std 0 divides by zero; it is {HOW}")
    if model.batch and (other := [size for size in preparation.batch_sizes if size != model.batch]):
        words = f"the graph has a fixed batch of {model.batch}, not of {other[0]}; leave out --batch-size"
        raise ModelError(f"{file.name}: {words}")


def prepare(config: pytest.Config, files: Iterable[Path]) -> None:
    """Decode the images of all *files*; raise pytest.UsageError where one has none that it can be put to."""
    preparation, sets = preparation_of(config), dict[Path, Examination]()
    decoded: dict[Size, Split] = {}
    try:
        with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():  # progress is seen
            for file in files:
                model = _classifier(preparation, file)
                found = _found(preparation, file, model)
                if model.size not in decoded:
                    image_folder.check_memory(found, model.size, model.classes or 0)
                    decoded[model.size] = image_folder.decode(found, model.size, preparation.resize)
                sets[file] = _examination(preparation, model, found, decoded[model.size])
    except DataError as error:
        raise pytest.UsageError(shown(str(error))) from error
    config.stash[EXAMINATIONS] = sets


def _found(preparation: Preparation, file: Path, model: "Classifier") -> Listed:
    if preparation.data_dir is None:
        words = f"name a folder with --data-dir that holds {image_folder.HOLDS}"
        raise DataError(f"{file.name}: -m accuracy has no images; {words}")
    found = image_folder.listed(preparation.data_dir)
    if model.classes is not None:
        image_folder.check_classes(found, file.name, model.classes)
    return found


def _examination(preparation: Preparation, model: "Classifier", found: Listed, split: Split) -> Examination:
    mean, std = ([*numbers] * (model.size.channels // len(numbers)) for numbers in (preparation.mean, preparation.std))
    facts = {
        "mean": mean,
        "std": std,
        "resize": preparation.resize,
        "classes": len(found.classes),
        "images_sha256": image_folder.digest(split),
    }
    return Examination(model, split, Images(split.images, mean, std), facts)


def own_examination(config: pytest.Config, file: Path) -> Examination:
    """Return the images that a file of the user's own is put to."""
    return config.stash[EXAMINATIONS][file]
