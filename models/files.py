"""Files that change all at once or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class ExportError(Exception):
    """The exported file does not compute what the trained model computes."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to; it takes *path*'s place when the block ends, and is gone if the block fails."""
    partial = path.with_name(f"{path.name}.part")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
