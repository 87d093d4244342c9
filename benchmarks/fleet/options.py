"""The command line, and what of it cannot be: told in one line before anything is started."""

import argparse
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.fleet.crew import Browser, browser
from benchmarks.fleet.job import FOLDER, Job, job_of
from benchmarks.platforms.chromium import CHROMIUM_PLATFORMS
from benchmarks.settings import Settings, positive, writable
from browser_harness import cgroup
from browser_harness.joined import browsers
from browser_harness.joined.entrance import add_options
from models import WORK_DIR, manifest
from models.cifar100 import DataError, load

RUNTIME = "wasm"
RUNTIMES = [platform.name.partition("-")[2] for platform in CHROMIUM_PLATFORMS]
MINUTES = 5  # that a job may take, about: nobody knows yet who will do it


class FleetError(Exception):
    """The job cannot be done as it was asked for; the message says why, and what to do."""


def parser() -> argparse.ArgumentParser:
    """Return what the command understands."""
    found = argparse.ArgumentParser(
        prog="fleet",
        description="Have all who join by the link classify the test images, and tell how many equal a server.",
    )
    names = manifest.rows()
    found.add_argument(
        "--model", choices=[*names], default=manifest.chosen()[0], metavar="NAME", help="default: %(default)s"
    )
    found.add_argument("--images", type=positive(int), default=10_000, metavar="N", help="the first N (10,000)")
    found.add_argument("--batch-size", type=positive(int), default=1, metavar="N", help="of an inference (1)")
    words = "start a browser of this machine, N times weaker: chromium@4x (repeatable)"
    found.add_argument("--browser", action="append", default=[], type=browser, metavar="ENGINE[@Nx]", help=words)
    words = "begin when so many are ready; who comes later joins in (the browsers that are started, or 1)"
    found.add_argument("--devices", type=positive(int), metavar="N", help=words)
    words = "of pages: ENGINE-RUNTIME is the platform (%(default)s); others than the first three are Chromium's alone"
    found.add_argument("--runtime", choices=RUNTIMES, default=RUNTIME, help=words)
    words = "leave out one inference at a time, in turns with the server: then nothing is compared with decide"
    found.add_argument("--no-latency", action="store_true", help=words)
    words = "leave out the server's own rate: then nobody is told how many devices equal it"
    found.add_argument("--no-server", action="store_true", help=words)
    words = "holds cifar-100-binary/ (default: $CIFAR100_DIR)"
    found.add_argument("--data-dir", type=Path, default=os.environ.get("CIFAR100_DIR") or None, help=words)
    found.add_argument("--json", type=writable, metavar="FILE", help="save it there (default: in .fleet/)")
    add_options(found)
    return found


def offer(job: Job) -> dict[str, Any]:
    """Return what a person is told before the device takes part."""
    what = [
        f"It classifies images of the CIFAR-100 test set with {job.artefact.name}, together with other devices.",
        "It is given as many as it can do: a quick device does more of them.",
        "Nothing is installed, and what it computes goes to the machine that gave you this link.",
    ]
    return {"title": "Many devices do one job", "what": what, "minutes": MINUTES}


def check(options: argparse.Namespace) -> None:
    """Raise FleetError for browsers that cannot be started here."""
    for engine in dict.fromkeys(one.engine for one in options.browser):
        if words := browsers.missing(engine):
            raise FleetError(f"--browser {engine}: {words}")
    slowed: list[Browser] = [one for one in options.browser if one.slowdown > 1]
    if slowed and (words := cgroup.unavailable()):
        raise FleetError(f"--browser {slowed[0]}: {words}; leave @{slowed[0].slowdown}x out")


def job(options: argparse.Namespace) -> Job:
    """Return what is to be done; raise FleetError, DataError or ModelError where that is not there."""
    artefact = manifest.load(options.model)
    try:
        data = load("test", options.data_dir, WORK_DIR)
    except DataError as error:
        raise FleetError(str(error)) from error
    if options.images > len(data.labels):
        raise FleetError(f"--images {options.images:,}: the test set has {len(data.labels):,}")
    return job_of(artefact, data, options.images, options.batch_size)


def file_of(options: argparse.Namespace) -> Path:
    """Return where it is saved."""
    if options.json:
        return Path(options.json)
    FOLDER.mkdir(exist_ok=True)
    return FOLDER / f"{datetime.now():%Y%m%d_%H%M%S}_{options.model}.json"


def settings() -> Settings:
    """Return the settings of pages: they are devices' own, whoever the command is run for."""
    return replace(Settings(), device=None)
