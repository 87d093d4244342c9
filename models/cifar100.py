"""CIFAR-100 (A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009) as arrays.

The data set is read from a directory that holds the official ``cifar-100-binary/``, each file checked against the
official SHA-1, or is downloaded through torchvision when no directory is named.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FOLDER = "cifar-100-binary"
ARCHIVE = "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz"  # the data set's own address
NAMED = "with --data-dir (CIFAR100_DIR for tox)"
RECORD_BYTES = 2 + 3 * 32 * 32  # coarse label, fine label, then the red, green and blue planes

CLASSES = 100
HELD_OUT_SEED = 100

# Per channel over the training images, of pixels scaled to 0…1.
MEAN = (0.5071, 0.4865, 0.4409)
STD = (0.2673, 0.2564, 0.2762)


class _File(NamedTuple):
    images: int
    sha1: str


FILES = {
    "train": _File(50_000, "e207cd2e05b73b1393c74c7f5e7bea451d63e08e"),
    "test": _File(10_000, "8fb6623e830365ff53cf14adec797474f5478006"),
}


class DataError(Exception):
    """The data set is absent or damaged; the message names the file and the remedy."""


class Split(NamedTuple):
    """Images, uint8 [n, 3, 32, 32], and their fine labels, int64 [n], 0…99."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


def load(split: str, data_dir: Path | None, download_dir: Path) -> Split:
    """Return the ``train`` or ``test`` split.

    Reads DATA_DIR/cifar-100-binary where *data_dir* is given, else downloads with torchvision into *download_dir*.
    Raises DataError where a file is absent, short or altered, or the download fails.
    """
    if data_dir is not None:
        return read_binary(split, data_dir / FOLDER / f"{split}.bin")
    return _download(split, download_dir)


def read_binary(split: str, path: Path) -> Split:
    """Read one official ``.bin`` file whole; raise DataError unless it is the official one, byte for byte."""
    remedy = f"give --data-dir a directory holding an intact {FOLDER}/, or leave the option out to download the data"
    expected = FILES[split]
    if not path.is_file():
        raise DataError(f"{path}: no such file; {remedy}")
    size, expected_size = path.stat().st_size, expected.images * RECORD_BYTES
    if size != expected_size:
        raise DataError(f"{path}: {size:,} bytes, but the official file has {expected_size:,}; {remedy}")
    content = path.read_bytes()
    if (sha1 := hashlib.sha1(content, usedforsecurity=False).hexdigest()) != expected.sha1:
        raise DataError(f"{path}: SHA-1 {sha1}, but the official file has {expected.sha1}; {remedy}")
    return decode(content)


def decode(content: bytes) -> Split:
    """Split records of the official binary layout into images and fine labels."""
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD_BYTES)
    return Split(records[:, 2:].reshape(-1, 3, 32, 32), records[:, 1].astype(np.int64))


def hold_out(data: Split, share: float) -> tuple[Split, Split]:
    """Divide the training images into those to learn from and a *share* to choose by.

    The division is the same on every machine, and a smaller share is always a part of a larger one.
    """
    order = np.random.default_rng(HELD_OUT_SEED).permutation(len(data.labels))
    images = round(share * len(order))
    held_out, rest = np.sort(order[:images]), np.sort(order[images:])
    return Split(data.images[rest], data.labels[rest]), Split(data.images[held_out], data.labels[held_out])


def normalise(
    images: NDArray[np.uint8], mean: Sequence[float] = MEAN, std: Sequence[float] = STD
) -> NDArray[np.float32]:
    """Scale uint8 [n, 3, h, w] to 0…1, then by *mean* and *std* per channel, every step rounded to float32.

    ``browser_harness/normalise.mjs`` does the same in a page, bit for bit.
    """
    means, deviations = (np.array(value, np.float32).reshape(-1, 1, 1) for value in (mean, std))
    return (images.astype(np.float32) / np.float32(255) - means) / deviations


def normalised_batches(
    images: NDArray[np.uint8], size: int, mean: Sequence[float] = MEAN, std: Sequence[float] = STD
) -> Iterator[NDArray[np.float32]]:
    """Yield *images* normalised, *size* at a time; the last batch may be shorter."""
    for start in range(0, len(images), size):
        yield normalise(images[start : start + size], mean, std)


def right(logits: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> tuple[int, int]:
    """Count the images whose label has the highest of *logits* [n, 100], and one of the highest five."""
    ranked = np.argsort(-logits, axis=1, kind="stable")[:, :5] == labels[:, None]
    return int(ranked[:, 0].sum()), int(ranked.any(1).sum())


def accuracy(logits: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> dict[str, float]:
    """Return top-1 and top-5 accuracy in per cent."""
    return {
        name: round(100 * hits / len(labels), 2)
        for name, hits in zip(("top1", "top5"), right(logits, labels), strict=True)
    }


def _download(split: str, download_dir: Path) -> Split:
    try:
        from torchvision.datasets import CIFAR100

        data = CIFAR100(str(download_dir), train=split == "train", download=True)
    except ImportError as error:
        remedy = f"unpack {ARCHIVE} into a directory, and name that {NAMED}"
        raise DataError(
            f"the images of CIFAR-100 are not here, nor torchvision, which fetches them; {remedy}"
        ) from error
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"CIFAR-100 could not be downloaded into {download_dir}: {error}; check the network, "
            f"or name a directory that holds {FOLDER}/ {NAMED}"
        ) from error
    images = np.ascontiguousarray(np.asarray(data.data, np.uint8).transpose(0, 3, 1, 2))
    return Split(images, np.asarray(data.targets, np.int64))
