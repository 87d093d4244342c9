"""A report in real browsers: what browsers/look.mjs sees there, for all tests and all of xdist's processes once."""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from helpers import ROOT

from browser_harness import chromium, packages

HOME = Path(__file__).with_name("browsers")
FAULTY = HOME / "faulty.html"  # a page with every fault that is looked for
LIMIT = 300  # s
SCREENSHOTS = "REPORT_SCREENSHOTS"  # the environment's variable with the folder that they are written to


class NoBrowserError(Exception):
    """A browser is not here; the message says what to do."""


def of_chromium(_aside):
    """Return how the suite's own Chromium is started."""
    found = chromium.find()
    flags = [*chromium.FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    return {"browser": "chrome", "executable": str(found.path), "environment": found.environment, "flags": flags}


def of_firefox(aside):
    """Return how a Firefox is started that was installed; root's refuses the home folder of somebody else."""
    home = {"HOME": str(aside)} if os.geteuid() == 0 else {}
    for name in ("firefox", "firefox-esr"):
        if (path := shutil.which(name)) and starts(path, os.environ | home):
            return {"browser": "firefox", "executable": path, "environment": home, "flags": []}
    raise NoBrowserError("no Firefox that starts: install firefox or firefox-esr")


def starts(path, environment):
    return subprocess.run([path, "--version"], env=environment, capture_output=True, check=False).returncode == 0


BROWSERS = {"chromium": of_chromium, "firefox": of_firefox}


def node():
    """Return the Node.js that the set-up left or found."""
    return str(packages.wheel_node() or shutil.which("node"))


def look(browser: str, pages: Mapping[str, Path], aside: Path):
    """Return what is seen of *pages* in a browser; *aside* is a folder for what it writes."""
    if not (HOME / "node_modules").exists():
        raise AssertionError(f"no driver: run `python -m browser_harness.packages {HOME.relative_to(ROOT)}`")
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
