"""What keeps a file of the user's own from being opened by anybody: told before anything is started."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from models.manifest import ModelError
from models.names import shown

if TYPE_CHECKING:
    from models.graph import Outside

HEAD = 64  # bytes that are enough to tell a file's kind
LFS = b"version https://git-lfs"
# How files begin that are often given in an ONNX file's place.
OTHERS = {
    b"PK\x03\x04": "a zip archive, as PyTorch's files are, too; unpack it, or export the network as ONNX",
    b"\x1f\x8b": "compressed with gzip; unpack it",
    b"\x89HDF": "an HDF5 file, as Keras writes; export the network as ONNX",
}
PAGE = (b"<!doctype", b"<html")  # in letters of any case, and behind empty lines
OTHERS_WITHIN = {b"ORTM": "in onnxruntime's own format", b"TFL3": "a .tflite file"}  # from the fifth byte on


def fault(model: Path) -> str | None:
    """Return in one line why the file at *model* cannot be opened, and what to do; None where it may be."""
    words = _of_file(model) or next(_of_weights(model), None) or _of_types(model)
    return f"--model {shown(str(model))}: {words}" if words else None


def _of_file(model: Path) -> str | None:
    from google.protobuf.message import DecodeError

    from models import graph

    try:
        with model.open("rb") as file:
            head = file.read(HEAD)
        if kind := kind_of(head):
            return f"this is {kind}"
        read = graph.read(model)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    except DecodeError:
        return "this is no ONNX file, or a part of one; download or export it again"
    if not read.HasField("graph"):
        return "this is no ONNX file: there is no graph in it"
    return None if read.graph.output else "its graph has no output, which could be compared"


def kind_of(head: bytes) -> str | None:
    """Return what else than an ONNX file begins with *head*, and what to do about it; None where nothing known does."""
    if not head:
        return "an empty file; download or export it again"
    if head.startswith(LFS):
        return "a pointer of Git LFS, not the file itself; run `git lfs pull`"
    if head.lstrip().lower().startswith(PAGE):
        return "a page of HTML; download the file itself"
    known = [words for begin, words in OTHERS.items() if head.startswith(begin)]
    known += [f"{words}; give the ONNX file" for begin, words in OTHERS_WITHIN.items() if head[4:8] == begin]
    return known[0] if known else None


def _of_types(model: Path) -> str | None:
    from models import graph

    if words := next(graph.unusual(graph.read(model)), None):
        return f"{shown(words)}; export the graph without it, or with a usual type of numbers there"
    return None


def _of_weights(model: Path) -> Iterator[str]:
    """Yield what is wrong with the files of the weights, each file once."""
    from models import graph

    try:
        outside = graph.outside_weights(graph.read(model))
    except ModelError as error:
        yield str(error)
        return
    for location in dict.fromkeys(weight.location for weight in outside):
        of_file = [weight for weight in outside if weight.location == location]
        if words := _of_location(model, location, of_file):
            yield words


def _of_location(model: Path, location: str, weights: "Sequence[Outside]") -> str | None:
    name = shown(location)
    if not is_beside(location):
        return f"weight {shown(weights[0].name)} is to lie in {_elsewhere(location)}"
    file = model.absolute().parent / location
    if not file.is_file():
        return f"{name}, with its weights, is {_absent(model, location)}"
    try:
        with file.open("rb") as opened:
            head, length = opened.read(HEAD), os.fstat(opened.fileno()).st_size
    except OSError as error:
        return f"{name}, with its weights, cannot be read: {error.strerror}"
    if head.startswith(LFS):
        return f"{name}, with its weights, is {kind_of(head)}"
    last = max(weights, key=lambda weight: weight.end)
    if last.end > length:
        words = f"{name} has {length:,} bytes, weight {shown(last.name)} ends at {last.end:,}"
        return f"{words}; the file is not whole, download or export it again"
    return None


def _elsewhere(location: str) -> str:
    """Say of a place that is none in the model's folder what is wrong with it."""
    if not location:
        return "a file that has no name; export the graph again"
    if os.path.isabs(location):
        words = "and is looked for in the model's folder alone"
        return f"{shown(location)}, {words}; write its location relative to that, as onnx.save does"
    return f"{shown(location)}, outside the model's folder, where none is read"


def is_beside(location: str) -> bool:
    """Whether the name of a file of weights stays in the model's folder; links are the user's own to make."""
    name = os.path.normpath(location)
    return bool(location) and not os.path.isabs(name) and name.split(os.sep)[0] != ".."


def _absent(model: Path, location: str) -> str:
    """Say how a file of weights is none, and what to do."""
    file = model.absolute().parent / location
    if file.is_symlink() and not file.exists():
        return f"a link to {shown(os.readlink(file))}, which is not there; fetch that"
    where = f"{'no file' if file.exists() else 'not'} in {shown(str(model.absolute().parent))}"
    return f"{where}; {_remedy(model, location)}"


def _remedy(model: Path, location: str) -> str:
    """Say what to do about a missing file: it may lie beside what the model's own name is a link to."""
    target = model.resolve()
    if target.parent != model.absolute().parent and (target.parent / location).is_file():
        return f"it lies beside {shown(str(target))}, which this is a link to: give that to --model"
    return "put it there, under this name"
