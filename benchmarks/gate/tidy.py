"""What earlier gates left behind: the newest stay, the rest goes, and what went is told in a line.

Only the holder of the lock tidies up, so nothing goes that another gate uses.
"""

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.gate import checkouts
from benchmarks.gate.checkouts import CheckoutError

# A checkout with its environment has 860 MB, and saves a minute or two: these are a branch, its base, and one more.
CHECKOUTS_KEPT = 3  # beside those in use
RUNS_KEPT = 20  # folders of some MB each, for who wants to look again at what a gate of this week measured


def remove_checkouts(root: Path, used: Iterable[Path]) -> None:
    """Remove the checkouts of the gates of *root*, except the newest, and except what is *used*."""
    _tidy("checkouts", root, {path.resolve() for path in used}, CHECKOUTS_KEPT)


def remove_runs(root: Path) -> None:
    """Remove what the gates of *root* measured and printed, except the newest."""
    _tidy("runs", root, set(), RUNS_KEPT)


def _tidy(what: str, root: Path, busy: set[Path], kept: int) -> None:
    """Remove the old folders of a kind, and tell it."""
    _tell(what, _removed(_old(root / checkouts.FOLDER / what, busy, kept), root), kept)


def _old(folder: Path, busy: set[Path], kept: int) -> list[Path]:
    """Return the folders that are not *busy*, the one used last first, without the *kept* newest."""
    there = [path for path in folder.glob("*") if path.is_dir() and path.resolve() not in busy]
    return sorted(there, key=lambda path: path.stat().st_mtime, reverse=True)[kept:]


def _removed(paths: Sequence[Path], root: Path) -> dict[str, int]:
    """Remove the folders; return by name how many bytes each had."""
    sizes = {path.name: _size(path) for path in paths}
    for path in paths:
        try:
            if (path / ".git").is_file():
                checkouts.git("worktree", "remove", "--force", "--force", str(path), cwd=root)
        except CheckoutError:
            pass  # git no longer knows it: a folder like any other
        shutil.rmtree(path, ignore_errors=True)
    return sizes


def _size(path: Path) -> int:
    files = (Path(folder, name) for folder, _, names in os.walk(path) for name in names)
    return sum(file.lstat().st_size for file in files)


def _tell(what: str, sizes: dict[str, int], kept: int) -> None:
    if sizes:
        names, megabytes = ", ".join(sizes), sum(sizes.values()) / 1e6
        words = f"removed earlier {what} ({names}), {megabytes:.0f} MB; the newest {kept} beside those in use stay"
        print(f"gate: {words}", file=sys.stderr, flush=True)
