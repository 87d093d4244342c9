"""The manifest: what each committed ONNX file is, which candidates it was chosen from, and the check of its bytes."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models import MODELS, NETWORKS, ModelSpec
from models.files import replacing

MODELS_DIR = Path(__file__).parent
MANIFEST = MODELS_DIR / "manifest.json"
# Short trainings made by --build-models: kept apart, never committed, labelled in every result.
STAND_INS = MODELS_DIR / "stand-ins" / "manifest.json"
STAND_IN_REMEDY = "or pass --build-models for a short stand-in"
# Timing networks, made by `tox run -e networks`: too large to be committed, and labelled in every result.
UNTRAINED = MODELS_DIR / "untrained" / "manifest.json"

Row = dict[str, Any]

PARTS: dict[str, type] = {"candidates": dict, "chosen": list, "models": dict}


class ModelError(Exception):
    """A model's file is absent, or is not what it should be; the message says what to do."""


@dataclass(frozen=True)
class Artefact:
    """An ONNX file on disk whose bytes are the ones its row names."""

    name: str
    path: Path
    row: Row = field(hash=False)
    is_own: bool = False  # a file of the user's own

    @property
    def is_stand_in(self) -> bool:
        """Whether the file is a short training made for want of the committed one."""
        return bool(self.row.get("stand_in", False))

    @property
    def is_untrained(self) -> bool:
        """Whether nobody trained it: its times are a network's, its answers mean nothing."""
        return bool(self.row.get("untrained", False))


def sha256(path: Path) -> str:
    """Return the file's SHA-256 as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def variant(model: str, precision: str) -> str:
    """Return the name of a model's file in a precision, such as ``resnet20.int8``; float32 goes without saying."""
    return model if precision == "float32" else f"{model}.{precision}"


def rows(manifest: Path = MANIFEST) -> dict[str, Row]:
    """Return the rows of the exported files by name; none where there is no manifest yet."""
    models: dict[str, Row] = _content(manifest)["models"]
    return models


def candidates(manifest: Path = MANIFEST) -> dict[str, Row]:
    """Return what the screening found of each candidate, the best on the held-out images first."""
    return _best_first(_content(manifest)["candidates"])


def chosen(manifest: Path = MANIFEST) -> list[str]:
    """Return the names of the models that the screening chose, best first; none where it has not chosen."""
    names: list[str] = _content(manifest)["chosen"]
    return names


def write_row(name: str, row: Row, manifest: Path = MANIFEST) -> None:
    """Put the row of an exported file into the manifest, replacing an earlier one.

    The rows of files that were made from the earlier one go with it: those files are to be made anew.
    """
    content = _content(manifest)
    content["models"][name] = row
    _write(content, manifest)


def write_derived(name: str, derived_rows: dict[str, Row], manifest: Path = MANIFEST) -> None:
    """Put the rows of files made from a model's float32 file into its own row, by file name, beside the others."""
    content = _content(manifest)
    row = content["models"][name]
    row["derived"] = row.get("derived", {}) | derived_rows
    _write(content, manifest)


def write_candidate(name: str, row: Row, manifest: Path = MANIFEST) -> None:
    """Put what the screening found of a candidate into the manifest, replacing an earlier screening."""
    content = _content(manifest)
    content["candidates"][name] = row
    _write(content, manifest)


def choose(number: int, manifest: Path = MANIFEST) -> list[str]:
    """Choose the *number* best candidates by top-1 on the held-out images, write down and return their names.

    Raises ModelError unless every candidate of the catalogue, as it is now, was screened with the same recipe.
    """
    content = _content(manifest)
    screened = {name: row for name, row in content["candidates"].items() if name in MODELS}
    if unlike := _not_comparable(screened):
        raise ModelError(
            f"{', '.join(unlike)}: not screened like the others; run `train_models.py screen {unlike[0]} …`"
        )
    content["candidates"] = screened
    names = content["chosen"] = [*_best_first(screened)][:number]
    _write(content, manifest)
    return names


def _best_first(screened: dict[str, Row]) -> dict[str, Row]:
    return dict(sorted(screened.items(), key=lambda item: -item[1]["held_out"]["top1"]))


def _not_comparable(screened: dict[str, Row]) -> list[str]:
    """Return the candidates that were not screened, were another network then, or had another recipe than most."""
    elsewhere = {
        "seconds": 0,
        "threads": 0,
        "device": "",
        "bfloat16": None,
        "replayed": None,
    }  # may differ between machines
    recipes = {name: json.dumps(row["screening"] | elsewhere) for name, row in screened.items()}
    usual = Counter(recipes.values()).most_common(1)

    def is_comparable(spec: ModelSpec) -> bool:
        row = screened.get(spec.name)
        return row is not None and row["architecture"] == spec.architecture() and recipes[spec.name] == usual[0][0]

    return [spec.name for spec in MODELS.values() if not is_comparable(spec)]


def _content(manifest: Path) -> dict[str, Any]:
    """Read a manifest, empty where there is none yet; raise ModelError where it is damaged."""
    content: dict[str, Any] = {"candidates": {}, "chosen": [], "models": {}}
    try:
        saved = json.loads(manifest.read_bytes()) if manifest.exists() else {}
        fault = next(_faults(saved, manifest.parent), "")
    except (OSError, ValueError) as error:
        fault = str(error.strerror if isinstance(error, OSError) else error)
    if fault:
        remedy = f"restore it with `git checkout -- {manifest}`"
        if manifest == STAND_INS:  # which git does not have
            remedy = f"delete it, and the stand-ins are trained again: `rm {manifest}`"
        if manifest == UNTRAINED:
            remedy = f"delete it, and make the networks again: `rm {manifest}`, `tox run -e networks`"
        raise ModelError(f"{manifest} is damaged ({fault}); {remedy}")
    return content | saved


def _faults(saved: Any, folder: Path) -> Iterator[str]:
    """Yield what a manifest says that none says: rows without a file's name and hash, and files elsewhere."""
    if not isinstance(saved, dict):
        yield f"it is a {type(saved).__name__}, not a dict"
        return
    for part, kind in PARTS.items():
        if not isinstance(saved.get(part, kind()), kind):
            yield f"its {part} are a {type(saved[part]).__name__}, not a {kind.__name__}"
            return
    for name, row in saved.get("models", {}).items():
        files = {name: row, **(row.get("derived") or {})} if isinstance(row, dict) else {name: row}
        for file, its_row in files.items():
            if not isinstance(its_row, dict) or not isinstance(its_row.get("sha256"), str):
                yield f"{file}: its row has no sha256"
        if isinstance(row, dict) and not _lies_in(folder, row.get("file")):
            yield f"{name}: its row's file is {row.get('file')!r}, not one in {folder}"


def _lies_in(folder: Path, file: Any) -> bool:
    return isinstance(file, str) and (folder / file).resolve().is_relative_to(folder.resolve())


def _write(content: dict[str, Any], manifest: Path) -> None:
    with replacing(manifest) as partial:
        partial.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


def is_absent(name: str, manifest: Path = MANIFEST) -> bool:
    """Whether the model has no row or no file; an altered file is not absent but wrong."""
    row = rows(manifest).get(name)
    return row is None or not (manifest.parent / row["file"]).is_file()


def base_of(name: str) -> str:
    """Return the name of a model's float32 file; see :func:`variant`."""
    return name.partition(".")[0]


def load(name: str, manifest: Path = MANIFEST) -> Artefact:
    """Return the model's checked file, which lies beside *manifest*; raise ModelError where it is absent or altered."""
    base = base_of(name)
    remedy = f"restore it with `git checkout -- models`, or train the model with `tox run -e train -- {base}`"
    if_absent = f"{remedy}, {STAND_IN_REMEDY}"
    if base in NETWORKS:
        remedy = if_absent = f"make it with `tox run -e networks -- {base}`"
    all_rows = rows(manifest)
    row = all_rows.get(name)
    if row is None:
        raise ModelError(f"{name}: {manifest} has no row for this model; {if_absent}")
    path = manifest.parent / row["file"]
    if not path.is_file():
        raise ModelError(f"{name}: {path} is missing; {if_absent}")
    if (digest := sha256(path)) != row["sha256"]:
        raise ModelError(f"{name}: {path} has SHA-256 {digest}, but its manifest row says {row['sha256']}; {remedy}")
    if (wanted := _architecture(base)) and row["architecture"] != wanted:
        raise ModelError(f"{name}: {path} is {row['architecture']}, but the catalogue says {wanted}; {remedy}")
    made, source = row.get("made"), all_rows.get(base)
    if made and source and made["sha256"] != source["sha256"]:
        again = remedy if base in NETWORKS else f"make it again with `tox run -e train -- export {base}`"
        raise ModelError(f"{name}: {path} was made from an earlier training of {base}; {again}")
    return Artefact(name, path, row)


def _architecture(base: str) -> Row | None:
    spec = MODELS.get(base) or NETWORKS.get(base)
    return spec.architecture() if spec else None


def derived(artefact: Artefact, suffix: str) -> Path | None:
    """Return the checked file beside the artefact that was made from it for a runtime without ONNX.

    *suffix* is ``tfjs.json`` or ``b8.tflite``, for example. None where the artefact's row names no such file: for a
    model of the user's own, another precision or batch size, or a training whose forms are not made yet. Raises
    ModelError where the file is missing, altered, or made from another training.
    """
    path = artefact.path.with_name(f"{artefact.name}.{suffix}")
    row = artefact.row.get("derived", {}).get(path.name)
    if row is None:
        return None
    make = "export-tflite --" if suffix.endswith("tflite") else "train -- export --form tfjs"
    again = f"restore it with `git checkout -- models`, or make it again with `tox run -e {make} {artefact.name}`"
    if artefact.is_untrained:
        again = f"make it again with `tox run -e networks -- {artefact.name}`"
    if not path.is_file():
        raise ModelError(f"{artefact.name}: {path} is missing; {again}")
    if (digest := sha256(path)) != row["sha256"]:
        raise ModelError(
            f"{artefact.name}: {path} has SHA-256 {digest}, but its manifest says {row['sha256']}; {again}"
        )
    if row["made_from"] != artefact.row["sha256"]:
        raise ModelError(f"{artefact.name}: {path} was made from an earlier training of {artefact.name}; {again}")
    return path
