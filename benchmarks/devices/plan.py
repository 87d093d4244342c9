"""What would be measured on a device: asked of the suite before anybody comes, so that a mistake is told at once."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.devices.outcome import USAGE
from benchmarks.devices.suite import command
from benchmarks.results.numbers import counted
from browser_harness.joined.browsers import ENGINES
from browser_harness.joined.control import lent
from models.names import shown

CASE = re.compile(r"\S*::test_(?P<phase>\w+)\[(?P<label>.+)\]")
WRONG = re.compile(r"\S.*: error: (?P<why>.+)")  # argparse's
SECONDS = 12.0  # that a benchmark takes about: five pages, each opened, warmed up and timed
SHOWN = 6  # cases that are named of many


class PlanError(Exception):
    """Nothing would be measured; the message says why."""


@dataclass(frozen=True)
class Plan:
    """What a device of some engine would be asked."""

    cases: Sequence[str]  # phase and case, as benchmarks are called, without the engine: whoever reads it has another

    @property
    def minutes(self) -> float:
        """How long it takes, about."""
        return max(1.0, round(len(self.cases) * SECONDS / 60))

    @property
    def time(self) -> str:
        """The same in words."""
        return counted(int(self.minutes), "minute")

    @property
    def offer(self) -> dict[str, Any]:
        """What a person reads before consenting."""
        more = len(self.cases) - SHOWN
        named = [*self.cases[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
        what = [f"{len(self.cases)} measurements of neural networks in this browser, on made-up images:", *named]
        return {"title": "How fast is this device?", "what": what, "minutes": self.minutes}


class _MadeUp:
    """A device that is asked for nothing but what it says of itself."""

    def __init__(self, engine: str) -> None:
        self._engine = engine

    def about(self) -> Mapping[str, Any]:
        return {"engine": self._engine, "version": "1", "cores": 1}


def plan(words: Sequence[str]) -> Plan:
    """Return what the suite's options *words* would measure, in the first engine that they can be meant for.

    Raises PlanError where they can be meant for none.
    """
    faults = []
    for engine in ENGINES:
        code, lines = _collected(engine, words)
        cases = [found for line in lines if (found := CASE.fullmatch(line))]
        if code == 0 and cases:
            return Plan([f"{case['phase']} {_anywhere(shown(case['label']), engine)}" for case in cases])
        told = [found["why"] for line in lines if (found := WRONG.match(line) or USAGE.match(line))]
        faults.append(told[-1] if told else (lines or [f"pytest ended with {code}"])[-1])
    raise PlanError(faults[0])


def _anywhere(label: str, engine: str) -> str:
    """Return a case as it is called in any engine: ``resnet20-wasm-b1``."""
    return label.replace(f"-{engine}-", "-")


def _collected(engine: str, words: Sequence[str]) -> tuple[int, list[str]]:
    quiet = ["--collect-only", "-q", "--no-header", "-o", "verbosity_test_cases=-1"]
    with lent(_MadeUp(engine)) as variables:  # type: ignore[arg-type]
        done = subprocess.run(
            command([*words, *quiet]), env={**os.environ, **variables}, capture_output=True, text=True, check=False
        )
    return done.returncode, [*filter(None, (done.stdout + done.stderr).splitlines())]
