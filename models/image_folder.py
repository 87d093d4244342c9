"""Labelled images in a folder: a folder a class, as torchvision's ImageFolder lays them, or CIFAR-100's test images.

They are decoded by Pillow and brought to a network's size as torchvision's references do it: the shorter side is
resized, then the centre is cut out. All are held at once, as bytes.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
from numpy.typing import NDArray
from tqdm import tqdm

from models import cifar100
from models.cifar100 import DataError, Split

if TYPE_CHECKING:
    from PIL.Image import Image

ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")  # torchvision's
MODES = {1: "L", 3: "RGB"}  # what Pillow calls them, by channels
DEEP_MODES = ("I", "F")  # how those of Pillow begin that have more than 8 bits a channel
HOLDS = f"{cifar100.FOLDER}/, or a folder for each class of images"
SHOWN = 3  # classes that a message names


@dataclass(frozen=True)
class Size:
    """What a network takes an image as."""

    channels: int
    height: int
    width: int

    @property
    def bytes(self) -> int:
        """Of one image."""
        return self.channels * self.height * self.width


@dataclass(frozen=True)
class Listed:
    """The images of a folder, not yet decoded; the place of a class among the classes is its label."""

    folder: Path
    classes: tuple[str, ...]
    files: tuple[Path, ...]  # none of CIFAR-100
    labels: tuple[int, ...]

    @property
    def is_cifar100(self) -> bool:
        """Whether these are CIFAR-100's test images, which come in one file."""
        return not self.files

    def __len__(self) -> int:
        return len(self.files) or cifar100.FILES["test"].images


def listed(folder: Path) -> Listed:
    """Return what lies in *folder*; raise DataError where that is no class, or a class has no image."""
    if not folder.is_dir():
        raise DataError(f"--data-dir {folder}: no such folder")
    if (folder / cifar100.FOLDER).is_dir():
        return Listed(folder, tuple(map(str, range(cifar100.CLASSES))), (), ())
    classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    if not classes:
        raise DataError(f"--data-dir {folder}: nothing to classify; it has to hold {HOLDS}")
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = [*_images_below(folder / name)]
        if not found:
            words = f"the class {name} has no image: none of its files ends in {', '.join(ENDINGS)}"
            raise DataError(f"--data-dir {folder}: {words}")
        files += found
        labels += [label] * len(found)
    return Listed(folder, tuple(classes), tuple(files), tuple(labels))


def _images_below(folder: Path) -> Iterator[Path]:
    """Yield the images of a class in torchvision's order."""
    for root, _folders, names in sorted(os.walk(folder, followlinks=True)):
        yield from (Path(root, name) for name in sorted(names) if name.lower().endswith(ENDINGS))


def check_classes(found: Listed, model: str, classes: int) -> None:
    """Raise DataError unless the images are of as many classes as the *model* answers with."""
    if len(found.classes) != classes:
        names = ", ".join((*found.classes[:SHOWN], *(["…"] if len(found.classes) > SHOWN else [])))
        words = f"images of {len(found.classes):,} classes ({names}), but {model} answers with {classes:,}"
        raise DataError(f"--data-dir {found.folder}: {words}; name the folder that holds a folder for each of them")


def check_memory(found: Listed, size: Size, classes: int) -> None:
    """Raise DataError where the images, and the answers to them, do not fit into the memory that is free."""
    needed = len(found) * (size.bytes + 4 * classes)
    free = psutil.virtual_memory().available
    if needed > free:
        words = f"{len(found):,} images of {size.height} × {size.width} take {needed / 1e9:.1f} GB of memory"
        raise DataError(f"--data-dir {found.folder}: {words}, and {free / 1e9:.1f} GB are free; name fewer images")


def decode(found: Listed, size: Size, resize: int | None) -> Split:
    """Return all images as a network takes them, with a progress bar; raise DataError naming one that cannot be."""
    if resize is not None and resize < min(size.height, size.width):
        words = f"smaller than the {size.height} × {size.width} that the model takes"
        raise DataError(f"--resize {resize}: {words}; name at least {min(size.height, size.width)}")
    if found.is_cifar100:
        split = cifar100.load("test", found.folder, found.folder)
        labels, images = split.labels, _of_arrays(split.images)
    else:
        labels, images = np.array(found.labels, np.int64), _of_files(found.files)
    pixels = np.empty((len(labels), size.channels, size.height, size.width), np.uint8)
    bar = tqdm(images, "decoding images", len(labels), leave=False, unit=" images", mininterval=0.5, disable=None)
    for index, (name, image) in enumerate(bar):
        pixels[index] = _planes(_fitted(name, image, size, resize), size)
    return Split(pixels, labels)


def digest(split: Split) -> str:
    """Return the SHA-256 of pixels and labels: what was classified, whatever the folder is called."""
    content = hashlib.sha256(np.ascontiguousarray(split.images).data)
    content.update(np.ascontiguousarray(split.labels).data)
    return content.hexdigest()


def _of_files(files: Iterable[Path]) -> "Iterator[tuple[str, Image]]":
    import PIL.Image

    for file in files:
        with _named(file), PIL.Image.open(file) as image:
            image.load()
            if image.mode.startswith(DEEP_MODES):
                raise DataError(f"{file}: has more than 8 bits a channel ({image.mode}); convert it")
            yield str(file), image


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """Name the file that Pillow cannot read; a broken one raises whatever its format's reader ran into."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else " ".join(str(error).split())
        is_named = any(name in words for name in (str(file), repr(str(file))))  # by Pillow, which writes it as Python
        known = "" if is_named else f": {words}"
        raise DataError(f"{file}: not an image that can be read{known}; mend it, or take it away") from error


def _of_arrays(images: NDArray[np.uint8]) -> "Iterator[tuple[str, Image]]":
    import PIL.Image

    for number, image in enumerate(images):
        yield f"image {number}", PIL.Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))


def _fitted(name: str, image: "Image", size: Size, resize: int | None) -> "Image":
    """Return an image in a network's colours and size."""
    image = image.convert(MODES[size.channels])
    if resize is not None:
        image = _centre(_resized(image, resize), size)
    if (image.height, image.width) != (size.height, size.width):
        words = f"{image.height} × {image.width} (height × width), but the model takes {size.height} × {size.width}"
        shorter = min(size.height, size.width)
        if resize is None:
            words += f"; give --resize {shorter}, or more, for the shorter side: the centre is then cut out"
        else:
            words += f" and no less; give a larger --resize than {resize}"
        raise DataError(f"{name}: {words}")
    return image


def _resized(image: "Image", shorter: int) -> "Image":
    """Return *image* with its shorter side so long."""
    from PIL.Image import Resampling

    longer = int(shorter * max(image.size) / min(image.size))
    width, height = (shorter, longer) if image.width <= image.height else (longer, shorter)
    return image if image.size == (width, height) else image.resize((width, height), Resampling.BILINEAR)


def _centre(image: "Image", size: Size) -> "Image":
    """Return the centre, where the image is large enough for one."""
    if image.height < size.height or image.width < size.width:
        return image
    top, left = round((image.height - size.height) / 2), round((image.width - size.width) / 2)
    return image.crop((left, top, left + size.width, top + size.height))


def _planes(image: "Image", size: Size) -> NDArray[Any]:
    """Return an image's bytes as [channels, height, width]."""
    return np.asarray(image).reshape(size.height, size.width, size.channels).transpose(2, 0, 1)
