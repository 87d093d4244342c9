"""Browsers as people use them, driven from outside: how each is started, and a person who sits at one."""

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

from helpers import ROOT

from browser_harness import chromium, packages

HOME = ROOT / "tests/report/browsers"  # of the driver


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
    """Return the Node.js that the set-up left or found; AssertionError where the driver is missing."""
    if not (HOME / "node_modules").exists():
        raise AssertionError(f"no driver: run `python -m browser_harness.packages {HOME.relative_to(ROOT)}`")
    return str(packages.wheel_node() or shutil.which("node"))


class Person:
    """Somebody at a browser, who does what browsers/person.mjs can."""

    def __init__(self, process):
        self._process = process

    def __getattr__(self, deed):
        return lambda **argument: self._say({"do": deed, **argument})

    def _say(self, told):
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": "the person has gone"}
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["answer"]


@contextmanager
def person_at(browser: str, aside: Path, *flags: str):
    """Have a person at a browser, which is started with *flags*; *aside* is a folder for what that writes."""
    asked = BROWSERS[browser](aside)
    asked["flags"] = [*asked["flags"], *flags]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([node(), str(HOME / "person.mjs")], **pipes) as process:
        person = Person(process)
        person._say(asked)
        try:
            yield person
        finally:
            process.stdin.close()
