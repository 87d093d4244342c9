"""What a person gives to be fed: arrays in a file of NumPy's, and single values."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs.pixels import ENDINGS, Picture
from models.graph import Input
from models.manifest import ModelError


@dataclass(frozen=True)
class Arrays:
    """Arrays by the name of an input, in a .npz file."""

    path: Path

    @property
    def name(self) -> str:
        """What a case that is fed them is called by."""
        return self.path.stem

    @cached_property
    def source(self) -> str:
        """What a result says of them: the file's name and the first digits of its SHA-256."""
        with self.path.open("rb") as file:
            return f"{self.path.name} {hashlib.file_digest(file, 'sha256').hexdigest()[:12]}"

    @cached_property
    def names(self) -> list[str]:
        """The names of the arrays; raises ModelError where the file cannot be read."""
        return [*self._arrays]

    @cached_property
    def _arrays(self) -> dict[str, NDArray[Any]]:
        try:
            file = np.load(self.path, allow_pickle=False)
            if isinstance(file, np.ndarray):
                raise ValueError("it is a single array, without a name")
            with file:
                return {name: file[name] for name in file.files}
        except Exception as error:  # of many kinds: what is damaged, locked, packed otherwise, or larger than memory
            words = " ".join(str(error).split())
            remedy = "write one with np.savez(FILE, INPUT=array)"
            raise ModelError(f"--input {self.path}: no file of NumPy's arrays by name ({words}); {remedy}") from error

    def fitting(self, inputs: Sequence[Input]) -> dict[str, NDArray[Any]]:
        """Return the arrays of *inputs*; raise ModelError where one is unknown, or is none that the input takes."""
        by_name = {declared.name: declared for declared in inputs}
        if unknown := [name for name in self.names if name not in by_name]:
            raise ModelError(f"--input {self.path}: no input is called {unknown[0]}; they are {', '.join(by_name)}")
        return {name: self._fitting(by_name[name], array) for name, array in self._arrays.items()}

    def _fitting(self, declared: Input, array: NDArray[Any]) -> NDArray[Any]:
        if array.dtype != declared.dtype:
            remedy = f"save it as .astype({str(declared.dtype)!r})"
            raise ModelError(
                f"--input {self.path}: {declared.name} is {array.dtype}, the graph's {declared.dtype}; {remedy}"
            )
        fixed = [length if isinstance(length, int) else None for length in declared.shape]
        fits = len(fixed) == array.ndim and all(
            wanted in (None, length) for wanted, length in zip(fixed, array.shape, strict=True)
        )
        if not fits:
            wanted = [length if length is not None else "?" for length in declared.shape]
            raise ModelError(f"--input {self.path}: {declared.name} is {[*array.shape]}, the graph's {wanted}")
        return np.ascontiguousarray(array).reshape(array.shape)  # the first makes a scalar a list


Given = Arrays | Picture | tuple[str, str]  # files, and a value by the input's name


def filled(declared: Input, text: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return an array of *shape* full of the value in *text*; raise ModelError where the input takes no such value."""
    return np.full(shape, value(declared, text), declared.dtype)


def value(declared: Input, text: str) -> Any:
    """Read ``--input NAME=VALUE`` as a number of the input's type."""
    kind = declared.dtype
    try:
        if kind.kind == "b":
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        number = int(text, 0) if kind.kind in "iu" else float(text)
        with np.errstate(over="ignore"):
            read = np.array(number).astype(kind)
        is_infinite = kind.kind == "f" and bool(np.isinf(read)) and "inf" not in text.lower()  # 1e400, too large
        if is_infinite or (kind.kind in "iu" and int(read) != number):
            raise OverflowError
    except (ValueError, KeyError, OverflowError, TypeError):
        raise ModelError(f"--input {declared.name}={text}: {text!r} is no {kind}, which {declared.name} is") from None
    return read


OTHER_PICTURES = (".gif", ".bmp", ".tif", ".tiff", ".heic", ".avif")  # by their files' endings


def parse(text: str) -> Given:
    """Read ``--input``: a .npz file, a picture, or NAME=VALUE; raise ValueError where it is none of them."""
    path = Path(text)
    is_picture = path.suffix.lower() in ENDINGS
    if path.suffix.lower() in OTHER_PICTURES:
        raise ValueError(f"{text}: no picture that every server decodes alike; save it as JPEG, PNG or WEBP")
    if path.is_file():
        return Picture(path) if is_picture else Arrays(path)
    name, equals, written = text.rpartition("=")
    if name and equals and written and path.suffix != ".npz":
        return name, written
    if is_picture or path.suffix in (".npz", ".npy") or len(path.parts) > 1:
        raise ValueError(f"{text}: no such file")
    raise ValueError(f"{text!r} is neither a file, FILE.npz or FILE.jpg, nor NAME=VALUE, such as sr=16000")


def of_values(values: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """Return the values by name; raise ModelError where one is given twice."""
    names = [name for name, _ in values]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ModelError(f"--input {twice[0]}=…: given twice")
    return dict(values)
