"""A model of the user's own: any ONNX file, named by its file name."""

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from models import graph
from models.manifest import Artefact, ModelError, sha256


def load(path: Path) -> Artefact:
    """Return the file at *path* as it lies there; what is wrong with it, :func:`check` or a platform tells."""
    if not path.is_file():
        raise ModelError(f"{path}: no such file")
    row = {"file": path.name, "sha256": sha256(path), "bytes": path.stat().st_size}
    return Artefact(path.name, path, row, is_own=True)


def check(artefact: Artefact) -> Artefact:
    """Return *artefact* with what its graph says of itself; raise ModelError with the words of ``onnx.checker``."""
    try:
        onnx.checker.check_model(str(artefact.path), full_check=True)
        model = graph.read(artefact.path)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, DecodeError) as error:
        raise ModelError(f"{artefact.name}: onnx.checker refuses the file: {error}") from error
    facts = {"precision": graph.precision(model), "parameters": graph.parameters(model)}
    return Artefact(artefact.name, artefact.path, artefact.row | facts, is_own=True)
