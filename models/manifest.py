"""The manifest: what each committed ONNX file is, and the check that it still is that file."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models import MODELS

MODELS_DIR = Path(__file__).parent
MANIFEST = MODELS_DIR / "manifest.json"
# Short trainings made by --build-models: kept apart, never committed, labelled in every result.
STAND_INS = MODELS_DIR / "stand-ins" / "manifest.json"
STAND_IN_REMEDY = "or pass --build-models for a short stand-in"


class ModelError(Exception):
    """A model's file is absent or is not the one in the manifest; the message names the command to run."""


@dataclass(frozen=True)
class Artefact:
    """An ONNX file on disk whose bytes are the ones its manifest row names."""

    name: str
    path: Path
    row: dict[str, Any]

    @property
    def is_stand_in(self) -> bool:
        """Whether the file is a short training made for want of the committed one."""
        return bool(self.row.get("stand_in", False))


def sha256(path: Path) -> str:
    """Return the file's SHA-256 as hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def rows(manifest: Path = MANIFEST) -> dict[str, dict[str, Any]]:
    """Return the manifest's rows by model name; none where there is no manifest yet."""
    if not manifest.exists():
        return {}
    content: dict[str, dict[str, Any]] = json.loads(manifest.read_text())
    return content


def write_row(name: str, row: dict[str, Any], manifest: Path = MANIFEST) -> None:
    """Put one row into the manifest, replacing the model's earlier one; the file changes all at once or not at all."""
    content = json.dumps({**rows(manifest), name: row}, indent=2, sort_keys=True)
    partial = manifest.with_suffix(".part")
    partial.write_text(content + "\n")
    os.replace(partial, manifest)


def is_absent(name: str, manifest: Path = MANIFEST) -> bool:
    """Whether the model has no row or no file; an altered file is not absent but wrong."""
    row = rows(manifest).get(name)
    return row is None or not (manifest.parent / row["file"]).is_file()


def load(name: str, manifest: Path = MANIFEST) -> Artefact:
    """Return the model's checked file, which lies beside *manifest*; raise ModelError where it is absent or altered."""
    remedy = f"restore it with `git checkout -- models`, or train the model with `tox run -e train -- {name}`"
    row = rows(manifest).get(name)
    if row is None:
        raise ModelError(f"{name}: {manifest} has no row for this model; {remedy}, {STAND_IN_REMEDY}")
    path = manifest.parent / row["file"]
    if not path.is_file():
        raise ModelError(f"{name}: {path} is missing; {remedy}, {STAND_IN_REMEDY}")
    if (found := sha256(path)) != row["sha256"]:
        raise ModelError(f"{name}: {path} has SHA-256 {found}, but its manifest row says {row['sha256']}; {remedy}")
    if name in MODELS and row["depth"] != MODELS[name].depth:
        raise ModelError(f"{name}: {path} has {row['depth']} layers, the catalogue says {MODELS[name].depth}; {remedy}")
    return Artefact(name, path, row)
