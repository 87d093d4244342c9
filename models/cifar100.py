"""CIFAR-100 (A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009) as arrays.

The data set is read from a directory that holds the official ``cifar-100-binary/``, each file checked against the
official SHA-1, or is downloaded through torchvision when no directory is named.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FOLDER = "cifar-100-binary"
RECORD_BYTES = 2 + 3 * 32 * 32  # coarse label, fine label, then the red, green and blue planes

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


def normalise(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Scale uint8 [n, 3, 32, 32] to 0…1, then to zero mean and unit deviation per channel, as float32."""
    mean, std = (np.array(value, np.float32).reshape(3, 1, 1) for value in (MEAN, STD))
    return (images.astype(np.float32) / np.float32(255) - mean) / std


def _download(split: str, download_dir: Path) -> Split:
    try:
        from torchvision.datasets import CIFAR100

        data = CIFAR100(str(download_dir), train=split == "train", download=True)
    except (ImportError, OSError, RuntimeError) as error:
        raise DataError(
            f"CIFAR-100 could not be downloaded into {download_dir}: {error}; check the network and torchvision, "
            f"or name a directory that holds {FOLDER}/ with --data-dir (CIFAR100_DIR for tox)"
        ) from error
    images = np.ascontiguousarray(np.asarray(data.data, np.uint8).transpose(0, 3, 1, 2))
    return Split(images, np.asarray(data.targets, np.int64))
