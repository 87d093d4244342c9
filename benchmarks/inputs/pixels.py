"""Inputs that are pixels: what is uploaded as bytes, and the floats that a server makes of them.

A platform that uploads uint8 has its server normalise them. So that the reference sees the same bits, its float input
is made of whole pixels here, by the one formula: (pixel / 255 - mean) / std.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks.protocol import Normalisation, UnavailableError
from models.graph import Input
from models.image_folder import MODES, Size
from models.manifest import ModelError

if TYPE_CHECKING:
    from benchmarks.inputs import Fed

Pixels = NDArray[np.uint8]

ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
LEVELS = 255
# Half a level is what rounding to pixels moves a value by; the little above is float32's own.
HALF = 0.5 + 1e-3
NEED = "uploads as uint8 need one float32 input [N, 3 or 1, H, W]"


UNIT = Normalisation((0.0,), (1.0,))  # pixels / 255, where nobody says more


def of_channels(normalisation: Normalisation, channels: int) -> Normalisation:
    """Return the same with a number for each channel; raise ModelError where there are others, or 0 divides."""
    for name, numbers in (("--mean", normalisation.mean), ("--std", normalisation.std)):
        if len(numbers) not in (1, channels):
            words = f"{name} has {len(numbers)} numbers, the input {channels} channels"
            raise ModelError(f"{words}; give 1" if channels == 1 else f"{words}; give 1 or {channels}")
    if 0 in normalisation.std:
        raise ModelError("--std 0 divides by zero; it is of pixels scaled to 0…1")
    mean, std = (numbers * (channels // len(numbers)) for numbers in (normalisation.mean, normalisation.std))
    return Normalisation(mean, std)


def normalised(pixels: Pixels, by: Normalisation) -> NDArray[np.float32]:
    """Return what a model is fed for uint8 [..., channels, height, width]; *by* has a number for each channel."""
    from benchmarks.remote import pictures

    return pictures.normalise(pixels, by.mean, by.std)


def nearest(values: NDArray[np.float32], by: Normalisation) -> Pixels:
    """Return the pixels that come nearest to *values*, float32 [..., channels, height, width].

    Raises ModelError where one lies further off than rounding to a pixel moves it: it is no picture's.
    """
    from benchmarks.remote import pictures

    levels = pictures.levels(values, by.mean, by.std)
    pixels = np.clip(np.rint(levels), 0, LEVELS)
    if not bool((np.abs(levels - pixels) <= HALF).all()):  # of what is no number neither
        least, most = (normalised(np.full((len(by.mean), 1, 1), level, np.uint8), by) for level in (0, LEVELS))
        words = f"its values are {_range(values, values)}, but {in_words(by)} are {_range(least, most)}"
        raise ModelError(f"{words}; say with --mean and --std how it was normalised")
    return pixels.astype(np.uint8)


def _range(least: NDArray[np.float32], most: NDArray[np.float32]) -> str:
    return f"{least.min():.3g} to {most.max():.3g}"


def in_words(normalisation: Normalisation) -> str:
    """Return what a result says of how pixels were fed."""
    if {*normalisation.mean} == {0.0} and {*normalisation.std} == {1.0}:
        return "pixels / 255"
    mean, std = (",".join(f"{number:g}" for number in numbers) for numbers in (normalisation.mean, normalisation.std))
    return f"(pixels / 255 - {mean}) / {std}"


@dataclass(frozen=True)
class Picture:
    """A file with a picture, to be fed to whatever takes pictures: decoded, resized to its size, normalised."""

    path: Path

    @property
    def name(self) -> str:
        """What a case that is fed it is called by."""
        return self.path.stem

    @property
    def names(self) -> list[str]:
        """No input is meant by name."""
        return []

    @cached_property
    def content(self) -> bytes:
        """The file's own bytes, read once; raises ModelError where it cannot be read."""
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise ModelError(f"--input {self.path}: {error.strerror}") from error

    @cached_property
    def source(self) -> str:
        """What a result says of it: the file's name and the first digits of its SHA-256."""
        return f"{self.path.name} {hashlib.sha256(self.content).hexdigest()[:12]}"

    def check(self) -> None:
        """Raise ModelError where it is no picture; of any size, here CIFAR's."""
        self.pixels(Size(3, 32, 32))

    def pixels(self, size: Size) -> Pixels:
        """Return it decoded and resized, uint8 [1, channels, height, width].

        Raises ModelError where it is no picture.
        """
        from benchmarks.remote.pictures import PictureError

        try:
            return _decoded(self.content, size)
        except PictureError as error:
            raise ModelError(f"--input {self.path}: {error}") from error


@cache
def _decoded(content: bytes, size: Size) -> Pixels:
    from benchmarks.remote import pictures

    pixels = pictures.decode(content, size.channels, size.height, size.width)[None]
    pixels.flags.writeable = False  # it is shared
    return pixels


def image_input(inputs: Iterable[Input]) -> Input:
    """Return the one input that pixels can be; raise UnavailableError where there is none, or others beside it.

    Lengths that are free yet may become what they have to be.
    """
    inputs = [*inputs]
    if len(inputs) == 1 and inputs[0].dtype == np.float32 and len(inputs[0].shape) == 4:
        channels = inputs[0].shape[1]
        if not isinstance(channels, int) or channels in MODES:
            return inputs[0]
    found = ", ".join(f"{one.name} {one.dtype} {_lengths(one)}" for one in inputs) or "none"
    raise UnavailableError(f"{NEED}; this has {found}")


def takes_pictures(inputs: Iterable[Input]) -> bool:
    """Whether a model's input can be pixels, by what it declares."""
    try:
        image_input(inputs)
    except UnavailableError:
        return False
    return True


def _lengths(declared: Input) -> str:
    return f"[{', '.join('?' if length is None else str(length) for length in declared.shape)}]"


def as_pixels(fed: "Fed", normalisation: Normalisation) -> "Fed":
    """Return what a model is fed as whole pixels: the bytes that are uploaded, and the floats that they become.

    What was made up is made up anew, each byte as likely as any other and the same in every run; what was given is
    rounded. Raises UnavailableError where the input cannot be pixels, ModelError where its values are no picture's.
    """
    from benchmarks.inputs.made_up import SEED

    declared = image_input(Input(name, value.dtype, value.shape) for name, value in fed.feeds.items())
    if fed.pixels:  # of a picture
        return fed
    name, values = declared.name, fed.feeds[declared.name]
    of_each = of_channels(normalisation, values.shape[1])
    if name in fed.made_up:
        pixels = np.random.default_rng(SEED).integers(0, LEVELS + 1, values.shape, np.uint8)
    else:
        pixels = nearest(values, of_each)
    return of_pixels(fed, name, pixels, of_each)


def of_pixels(fed: "Fed", name: str, pixels: Pixels, normalisation: Normalisation) -> "Fed":
    """Return *fed* with the one input *name* made of *pixels*, uint8 [N, channels, height, width]."""
    return replace(
        fed,
        feeds={name: normalised(pixels, normalisation)},
        sources={name: f"{fed.sources[name]}, as {in_words(normalisation)}"},
        pixels={name: pixels},
        normalisation=normalisation,
    )
