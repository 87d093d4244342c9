"""Files that change all at once or not at all."""

import os
from collections.abc import Iterator
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
