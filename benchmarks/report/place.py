"""Where a report is written: tried before anything is measured or drawn, and never over what is no report."""

import os
from collections.abc import Sequence
from pathlib import Path

from models.files import try_out

REMEDY = "name one like report.html in a folder of yours"
HTML = b"<!doctype html"


def place(name: str | Path) -> Path:
    """Return the file that is meant: of ``~`` the home's, of a link the one that it leads to."""
    return Path(os.path.realpath(Path(name).expanduser()))


def fault(file: Path, inputs: Sequence[Path] = ()) -> str:
    """Return why no report can be written to *file*, in a line with the remedy; nothing where one can."""
    try:
        why = _why(file, inputs)
    except OSError as error:
        why = f"{error.strerror}"
    return f"{file} cannot be written: {why}; {REMEDY}" if why else ""


def _why(file: Path, inputs: Sequence[Path]) -> str:
    if file.is_dir():
        return "it is a folder"
    if not file.parent.is_dir():
        return f"there is no folder {file.parent}"
    if file in {one.resolve() for one in inputs}:
        return "it is one of the runs that are to be shown"
    if file.exists():
        return _why_kept(file)
    try_out(file)
    return ""


def _why_kept(file: Path) -> str:
    """Return why a file that is there stays: a report replaces pages alone."""
    if not file.is_file():
        return "it is no file, but a pipe or a device"
    with file.open("rb") as stream:
        begins = stream.read(64).lstrip().lower()
    if begins and not begins.startswith(HTML):
        return "it is there, and no HTML page"
    try_out(file)
    return ""
