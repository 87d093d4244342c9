"""Saved runs as one HTML file that needs nothing else: answers first, charts with their tables, every mark kept.

The door is ``python -m benchmarks.report``; for the end of a run, :func:`write`.

``reading.py`` reads files and ``place.py`` tries where the page goes; ``content.py`` says what a section is made of;
``sections/`` makes them, a file or a folder each, of ``rows/`` (which belong together, what they are called) and
``charts/`` (what is drawn, and by whom); ``page.py`` puts them on the page, ``summary.py`` is its head.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.results import Run
    from benchmarks.results.reading import Refused


def write(file: Path, runs: "Sequence[Run]", refused: "Sequence[Refused]" = ()) -> list[str]:
    """Write a report of *runs*; *file* is whole or as it was. Return what of it could not be made."""
    from benchmarks.report import page  # a process that only draws needs none of it

    return page.write(file, runs, refused)
