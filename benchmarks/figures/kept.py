"""Runs of the real command that are kept in a folder: what lies there already is not measured again.

So a long proof can be stopped and continued. Runs are only put together where the same code measured the same.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from benchmarks.results import NotARunError, Run, alike, load
from benchmarks.run.identity import suite

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".figures"


class KeptError(Exception):
    """A run is missing and could not be made, or what is kept cannot be put together; the message says why."""


def keep_option(parser: argparse.ArgumentParser, default: str) -> None:
    """Add ``--keep``: a folder of that name under FOLDER, unless another is named."""
    folder = FOLDER / default
    words = f"where the runs are kept; what lies there is not measured again (default: {folder.relative_to(ROOT)})"
    parser.add_argument("--keep", type=Path, default=folder, metavar="DIR", help=words)


def command_line() -> tuple[list[str], list[str]]:
    """Return the command's own words, and what lies behind ``--`` for the suite."""
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def read(file: Path) -> Run:
    """Return the whole run that *file* holds; raise KeptError where it holds none."""
    try:
        run = load(file)
    except NotARunError as error:
        raise KeptError(str(error)) from error
    if run.faults:
        raise KeptError(f"{file}: {', '.join(fault.value for fault in run.faults)}")
    return run


def measure(file: Path, words: Sequence[str]) -> Run:
    """Run the real command with *words*, keep what it saved as *file*, and what it said beside it.

    Raises KeptError where it fails. A Ctrl-C ends the command as a user's would, and leaves no file.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    partial, log = file.with_suffix(".partial"), file.with_suffix(".log")
    command = [sys.executable, "-m", "pytest", "benchmarks/", "--benchmark-only", "-q", *words]
    with log.open("w") as output:
        code = _run([*command, f"--benchmark-json={partial}"], output)
    if code != 0:
        raise KeptError(f"{log.read_text()}the command ended with {code}")
    partial.rename(file)
    return read(file)


def _run(command: Sequence[str], output: IO[str]) -> int:
    """Run a command out of reach of the terminal's Ctrl-C: it is told once, by us, and closes its browser."""
    with subprocess.Popen(
        command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.terminate()  # which the suite takes as a Ctrl-C, also where that is ignored
            raise


def check_alike(runs: Sequence[Run]) -> None:
    """Raise KeptError unless the same code measured the same benchmarks in the same way in all of *runs*."""
    for run in runs[1:]:
        if words := _difference(runs[0], run):
            raise KeptError(
                f"{run.file.name} and {runs[0].file.name} are no two of a kind: {words}; name another --keep"
            )


def check_continued(run: Run) -> None:
    """Raise KeptError unless the code here is what measured *run*."""
    if (then := run.machine.get("suite")) != (now := suite()):
        raise KeptError(
            f"{run.file} was measured by another version of the suite ({then}, not {now}): name another --keep"
        )


def _difference(first: Run, run: Run) -> str | None:
    """Return in words what another run did otherwise; None where it did the same."""
    if first.machine.get("suite") != run.machine.get("suite"):
        return "another version of the suite measured it"
    if first.by_name.keys() != run.by_name.keys():
        return f"it has other benchmarks, such as {min(first.by_name.keys() ^ run.by_name.keys())}"
    for name, result in run.by_name.items():
        for what, then, now in alike.differences(alike.of_benchmark(first.by_name[name]), alike.of_benchmark(result)):
            return f"{name}: {what} was {then}, is {now}"
    return None
