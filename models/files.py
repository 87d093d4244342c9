"""Files that change all at once or not at all."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class ExportError(Exception):
    """The exported file does not compute what the trained model computes."""


def try_out(path: Path) -> None:
    """Write nothing into a file beside *path*, as what replaces it will be written; raise OSError where that fails."""
    trial = path.with_name(f"{path.name}.try.part")
    trial.open("wb").close()
    trial.unlink()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to; it takes *path*'s place when the block ends, and is gone if the block fails."""
    partial = path.with_name(f"{path.name}.part")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def relative(path: Path) -> str:
    """Return a path from here, as a person writes it; whole where it lies on another of Windows' drives."""
    try:
        return os.path.relpath(path)
    except ValueError:
        return str(path)


def at_home(name: str | Path) -> Path:
    """Return a path with the home in place of ``~``, which no shell puts there behind ``--out=``."""
    return Path(os.path.expanduser(name))


def why_unwritable(path: Path, inputs: Sequence[Path] = ()) -> str:
    """Return why *path* cannot be replaced, or must not be since it is one of *inputs*; nothing where it can."""
    try:
        return _why_unwritable(path, inputs)
    except OSError as error:
        return f"{error.strerror}"


def _why_unwritable(path: Path, inputs: Sequence[Path]) -> str:
    if path.is_dir():
        return "it is a folder"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    if path.resolve() in {one.resolve() for one in inputs}:
        return "it is one of the files that are read"
    if path.exists() and not path.is_file():
        return "it is no file, but a pipe or a device"
    try_out(path)
    return ""
