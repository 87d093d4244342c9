"""A report in real browsers: what browsers/look.mjs sees there, for all tests and all of xdist's processes once."""

import fcntl
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from real_browsers import BROWSERS, HOME, node

FAULTY = HOME / "faulty.html"  # a page with every fault that is looked for
LIMIT = 300  # s
SCREENSHOTS = "REPORT_SCREENSHOTS"  # the environment's variable with the folder that they are written to


def look(browser: str, pages: Mapping[str, Path], aside: Path):
    """Return what is seen of *pages* in a browser; *aside* is a folder for what it writes."""
    asked = BROWSERS[browser](aside) | {"pages": {name: str(file) for name, file in pages.items()}}
    if folder := os.environ.get(SCREENSHOTS):
        Path(folder).mkdir(parents=True, exist_ok=True)
        asked["screenshots"] = folder
    done = subprocess.run(
        [node(), str(HOME / "look.mjs")],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def once(file: Path, make):
    """Return what *make* returns, from *file* where another process has made it already."""
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            file.write_text(json.dumps(make()))
    return json.loads(file.read_text())
