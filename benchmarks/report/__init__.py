"""Saved runs as one HTML file that needs nothing else: answers first, charts with their tables, every mark kept.

The door is ``python -m benchmarks.report``; for the end of a run, :func:`write`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.report.content import Refused
    from benchmarks.results import Run


def write(file: Path, runs: "Sequence[Run]", refused: "Sequence[Refused]" = ()) -> list[str]:
    """Write a report of *runs*; *file* is whole or as it was. Return what of it could not be made."""
    from benchmarks.report import page  # a process that only draws needs none of it

    return page.write(file, runs, refused)
