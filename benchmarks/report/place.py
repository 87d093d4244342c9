"""Where a report is written: tried before anything is measured or drawn, and never over what is no report."""

import os
from collections.abc import Sequence
from pathlib import Path

from models.files import at_home, why_unwritable

REMEDY = "name one like report.html in a folder of yours"
HTML = b"<!doctype html"


def place(name: str | Path) -> Path:
    """Return the file that is meant: of ``~`` the home's, of a link the one that it leads to."""
    return Path(os.path.realpath(at_home(name)))


def fault(file: Path, inputs: Sequence[Path] = ()) -> str:
    """Return why no report can be written to *file*, in a line with the remedy; nothing where one can."""
    try:
        why = why_unwritable(file, inputs) or _why_kept(file)
    except OSError as error:
        why = f"{error.strerror}"
    return f"{file} cannot be written: {why}; {REMEDY}" if why else ""


def _why_kept(file: Path) -> str:
    """Return why a file that is there stays: a report replaces pages alone."""
    if not file.exists():
        return ""
    with file.open("rb") as stream:
        begins = stream.read(64).lstrip().lower()
    return "it is there, and no HTML page" if begins and not begins.startswith(HTML) else ""
