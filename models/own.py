"""A model of the user's own: any ONNX file, named by its file name."""

from pathlib import Path

from models.manifest import Artefact, ModelError, sha256

MOST_OF_A_GRAPH = 2**31 - 1  # bytes of one file; the weights that lie beside it may be more


def load(path: Path) -> Artefact:
    """Return the file at *path*, unchecked: :func:`check`, or a platform, says what is wrong with it.

    It is told by its absolute path: a process that is to open it may be started elsewhere.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such file")
    if path.stat().st_size > MOST_OF_A_GRAPH:
        size, most = path.stat().st_size / 1e9, MOST_OF_A_GRAPH / 1e9
        remedy = "save the weights beside the graph, with save_as_external_data=True of onnx.save"
        raise ModelError(f"{path}: the file has {size:.1f} GB, and a graph can have {most:.1f} GB; {remedy}")
    return Artefact(path.name, path.absolute(), {"file": path.name, "sha256": sha256(path)}, is_own=True)


def check(artefact: Artefact) -> Artefact:
    """Return *artefact* with what its graph says of itself; raise ModelError with the words of ``onnx.checker``."""
    import onnx
    from google.protobuf.message import DecodeError

    from models import graph

    try:
        onnx.checker.check_model(str(artefact.path), full_check=True)
        model = graph.read(artefact.path)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, DecodeError) as error:
        raise ModelError(f"{artefact.name}: onnx.checker refuses the file: {error}") from error
    data = {name: artefact.path.parent / name for name in graph.data_files(model)}
    facts = {
        "bytes": sum(file.stat().st_size for file in (artefact.path, *data.values())),
        "data_sha256": {name: sha256(file) for name, file in data.items()},
        "precision": graph.precision(model),
        "parameters": graph.parameters(model),
    }
    return Artefact(artefact.name, artefact.path, artefact.row | facts, is_own=True)
