"""Load, first inferences and memory: what opening a model costs, in a fresh page or process each time.

One opening tells all of them, so these phases share what was opened once in a run, and report it apart.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.measuring import trust
from benchmarks.measuring.reference import ParityError, Question, ask
from benchmarks.platforms import PLATFORMS
from benchmarks.protocol import Block, Case, Opening, PlatformError, UnavailableError
from benchmarks.run.choices import Target
from benchmarks.run.identity import of_question
from benchmarks.run.replay import Record
from benchmarks.settings import settings_of
from models import own


@dataclass(frozen=True)
class Opened:
    """What was opened of one case, and how far its times can be trusted."""

    question: Question
    openings: list[Opening]
    parity: float  # the largest difference seen
    before: trust.Reading
    after: trust.Reading


class Report(Protocol):
    """What the fixture ``report`` gives."""

    def __call__(self, seconds: Callable[[Opening], float], told: str = "") -> None:
        """Report one figure of every opening, in seconds."""


STORE = pytest.StashKey[dict[tuple[str, str, int, str], Opened | Exception]]()


def pytest_configure(config: pytest.Config) -> None:
    """Make room for what is opened in this run."""
    config.stash[STORE] = {}


@pytest.fixture
def opened(case: Case, platform: str, caches: str, request: pytest.FixtureRequest) -> Opened:
    """As many openings as ``--benchmark-min-rounds`` says, one where nothing is timed; their answers are checked."""
    store, key = request.config.stash[STORE], (case.artefact.name, platform, case.batch_size, caches)
    if key not in store:
        try:
            store[key] = _open(case, platform, caches, request)
        except (PlatformError, UnavailableError, ParityError) as error:  # the other phases need not try again
            store[key] = error
    outcome = store[key]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _open(case: Case, platform: str, caches: str, request: pytest.FixtureRequest) -> Opened:
    artefact = own.check(case.artefact) if case.artefact.is_own else case.artefact
    question = ask(artefact, case.batch_size, dict(request.config.getoption("dim") or ()))
    rounds = (
        1 if request.config.getoption("benchmark_disable") else int(request.config.getoption("benchmark_min_rounds"))
    )
    settings, before = settings_of(request.config), trust.read()
    source = PLATFORMS[Target.of(platform).platform].openings(case, question.feeds, settings, caches)
    openings = [*islice(source, rounds)]
    parity = max(question.check(opening.facts, opening.outputs) for opening in openings)
    return Opened(question, openings, parity, before, trust.read())


@pytest.fixture
def report(opened: Opened, caches: str, record: Record, benchmark: BenchmarkFixture) -> Report:
    """Report a figure of what was opened; the group is the model's, the caches' and the phase's."""

    def reported(seconds: Callable[[Opening], float], told: str = "") -> None:
        facts = opened.openings[-1].facts
        blocks = [Block([seconds(opening)], opening.outputs, None) for opening in opened.openings]
        benchmark.extra_info.update(of_question(opened.question), parity=opened.parity, caches=caches)
        benchmark.extra_info["trust"] = trust.assess_openings(blocks, facts, opened.before, opened.after)
        record(facts, blocks, 0, lambda: None, told)

    return reported


def memory_facts(openings: list[Opening]) -> dict[str, Any]:
    """Return the memory of the opening that took most, in bytes, for extra_info; what is not told is left out."""
    most = max((opening.memory for opening in openings), key=lambda memory: memory.peak or 0)
    found = {"memory_before": most.before, "memory_peak": most.peak, "memory_wasm": most.wasm}
    return {name: value for name, value in found.items() if value is not None}


def memory_words(found: dict[str, Any]) -> str:
    """Say what was found, for the line of the benchmark."""
    words = [f"{name.removeprefix('memory_')} {value / 1e6:,.1f} MB" for name, value in found.items()]
    return ", ".join(words) or "not told by this system"
