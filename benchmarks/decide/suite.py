"""Runs of the real command, whose results are kept in a folder and whose progress is seen."""

import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TextIO

from benchmarks.results import NotARunError, Run, load
from browser_harness.network import PROFILES, Conditions

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".decide"
PROGRESS = "benchmarks/test_"  # what a line of pytest's begins with that tells of a benchmark
FAILED = 1  # pytest's exit code where a benchmark failed; the others are saved
TOLD = 20  # lines of a log that are shown of a run that gave nothing


class SuiteError(Exception):
    """A run gave no results; the message says why, and where its output lies."""


@dataclass(frozen=True)
class Asked:
    """A run of the suite: what for, and the command's words."""

    name: str
    words: Sequence[str]


@dataclass
class Kept:
    """What runs gave: results, and what failed, in pytest's lines."""

    runs: list[Run] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Measure(Protocol):
    """Runs the suite; the tests have one that measures nothing."""

    def __call__(self, asked: Asked) -> tuple[Run, Sequence[str]]:
        """Return what a run saved, and the lines of what failed in it."""


def measure_all(measure: Measure, plan: Iterable[Asked]) -> Kept:
    """Run one after another."""
    kept = Kept()
    for asked in plan:
        run, failures = measure(asked)
        kept.runs.append(run)
        kept.failures += failures
    return kept


def measure(asked: Asked) -> tuple[Run, Sequence[str]]:
    """Run the real command; show each benchmark as it ends. A Ctrl-C ends it as a user's would.

    Raises SuiteError where it saved nothing.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    file, log = FOLDER / f"{asked.name}.json", FOLDER / f"{asked.name}.log"
    file.unlink(missing_ok=True)  # an earlier run's would pass for this one's
    command = [sys.executable, "-m", "pytest", "benchmarks/", "--benchmark-only", *asked.words]
    print(f"measuring {asked.name}: pytest {' '.join(command[3:])}", flush=True)
    with log.open("w") as output:
        code, failures = _run([*command, f"--benchmark-json={file}"], output)
    if code not in (0, FAILED) or not file.is_file():
        said = "\n".join(log.read_text().splitlines()[-TOLD:])
        raise SuiteError(f"{asked.name}: the run ended with {code} and gave no results; {log} ends with\n{said}")
    try:
        return load(file), [f"{failure} ({log})" for failure in failures]
    except NotARunError as error:
        raise SuiteError(str(error)) from error


def _run(command: Sequence[str], output: TextIO) -> tuple[int, list[str]]:
    """Run a command out of reach of the terminal's Ctrl-C: it is told once, by us, and closes its browser."""
    failures = list[str]()
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                output.write(line)
                if line.startswith(PROGRESS):
                    print(line.rstrip(), flush=True)
                    failures += [line.split(" ")[0]] if " FAILED" in line or " ERROR" in line else []
            return process.wait(), failures
        except KeyboardInterrupt:
            process.send_signal(signal.SIGTERM)  # which the suite takes as a Ctrl-C, also where that is ignored
            process.wait()
            raise


def network_words(network: Conditions) -> str:
    """Return a network as ``--network`` takes it: a profile's name, or figures."""
    if network.name in PROFILES:
        return network.name
    rates = [f"{way}={rate / 1e3:.10g}kbit" for way, rate in (("down", network.down), ("up", network.up)) if rate]
    return ",".join([f"rtt={network.round_trip * 1e3:.10g}ms", *rates])


def each(option: str, values: Iterable[object]) -> list[str]:
    """Return an option once for each of its *values*."""
    return [word for value in values for word in (option, str(value))]
