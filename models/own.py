"""A model of the user's own: any ONNX file, named by its file name."""

from pathlib import Path

from models import faults
from models.gathered import gathered
from models.manifest import Artefact, ModelError, sha256
from models.names import shown


def name_of(path: Path) -> str:
    """Return the name that results go by."""
    return shown(path.name)


MOST_OF_A_GRAPH = 2**31 - 1  # bytes of one file; the weights that lie beside it may be more


def load(path: Path) -> Artefact:
    """Return the file at *path*, unchecked: :func:`check`, or a platform, says what is wrong with it.

    It is told by an absolute path, where no link and no name is in the way of a runtime: a process that is to open it
    may be started elsewhere.
    """
    if not path.is_file():
        raise ModelError(f"{shown(str(path))}: no such file")
    if path.stat().st_size > MOST_OF_A_GRAPH:
        size, most = path.stat().st_size / 1e9, MOST_OF_A_GRAPH / 1e9
        remedy = "save the weights beside the graph, with save_as_external_data=True of onnx.save"
        raise ModelError(f"{path}: the file has {size:.1f} GB, and a graph can have {most:.1f} GB; {remedy}")
    place = gathered(path, _data_files(path))
    return Artefact(name_of(path), place, {"file": name_of(path), "sha256": sha256(path)}, is_own=True)


def _data_files(path: Path) -> dict[str, Path]:
    """Return the files of the weights by the names that the graph calls them; those that are there.

    None of a file that is no ONNX: what opens it will tell.
    """
    from google.protobuf.message import DecodeError

    from models import graph

    try:
        names = graph.data_files(graph.read(path))
    except DecodeError:
        return {}
    files = {name: path.absolute().parent / name for name in names if faults.is_beside(name)}
    return {name: file for name, file in files.items() if file.is_file()}


def check(artefact: Artefact) -> Artefact:
    """Return *artefact* with what its graph says of itself; raise ModelError where it is no ONNX.

    Whether it can be computed is for the reference to say: ``onnx.checker`` refuses graphs that all runtimes take, such
    as those with outputs of no declared shape.
    """
    from google.protobuf.message import DecodeError

    from models import graph

    try:
        model = graph.read(artefact.path)
    except DecodeError:
        raise ModelError(f"{artefact.name}: it is no ONNX file") from None
    data = {name: artefact.path.parent / name for name in graph.data_files(model)}
    facts = {
        "bytes": sum(file.stat().st_size for file in (artefact.path, *data.values())),
        "data_sha256": {name: sha256(file) for name, file in data.items()},
        "precision": graph.precision(model),
        "parameters": graph.parameters(model),
    }
    return Artefact(artefact.name, artefact.path, artefact.row | facts, is_own=True)
