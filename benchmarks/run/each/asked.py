"""What a machine tells of itself before it measures.

This file's text is sent to the Python that is to measure there, which may be any and have nothing installed; the head
adds a line that prints what ``tell`` returns.
"""

from __future__ import annotations

import hashlib
import json  # noqa: F401 (of the line that is added)
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path


def tell(folder: str, needed: list[str], measures: list[str]) -> dict[str, object]:
    """Return what there is; None of what nobody knows.

    *needed* are packages; *measures* are patterns of files, as benchmarks/run/identity.py has them.
    """
    root = Path(os.path.abspath(os.path.expanduser(folder)))
    is_there = (root / "conftest.py").is_file()
    return {
        "node": platform.node(),
        "kernel": _kernel(),
        "cores": sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "folder": str(root),
        "is_there": is_there,
        "commit": _git(root, "rev-parse", "HEAD") if is_there else None,
        "changes": _git(root, "status", "--porcelain", "--untracked-files=no") if is_there else None,
        "suite": _digest(root, measures),
        "versions": {name: _version(name) for name in needed},
    }


def _kernel() -> str | None:
    """Return which start of which kernel this is: what runs on it at once shares a machine, whatever it is called."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None


def _git(root: Path, *words: str) -> str | None:
    try:
        return subprocess.check_output(["git", *words], cwd=root, stderr=subprocess.DEVNULL).decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _digest(root: Path, patterns: list[str]) -> str:
    """Return what identity.suite() does, where nothing of the suite can be imported."""
    digest = hashlib.sha256()
    files = (file.relative_to(root) for pattern in patterns for file in root.glob(pattern))
    for file in sorted(files, key=lambda file: file.parts):
        digest.update(f"{file.as_posix()}\0".encode() + (root / file).read_bytes())
    return digest.hexdigest()[:12]


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
