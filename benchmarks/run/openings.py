"""Load, first inferences and memory: what opening a model costs, in a fresh page or process each time.

One opening tells all of them, so these phases share what was opened once in a run, and report it apart.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.inputs import Fed
from benchmarks.measuring import trust
from benchmarks.measuring.parity import ParityError
from benchmarks.measuring.reference import Question, ask
from benchmarks.measuring.sampler import readable
from benchmarks.measuring.starts import figure
from benchmarks.platforms import PLATFORMS
from benchmarks.protocol import Block, Case, Opening, PlatformError, UnavailableError
from benchmarks.results import keys
from benchmarks.run.choices import Target
from benchmarks.run.identity import of_question
from benchmarks.run.replay import Record
from benchmarks.run.selection import selection_of
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


# What was opened in this run, by model, target's label, batch size and caches; or why it could not be.
OPENED = pytest.StashKey[dict[tuple[str, str, int, str], Opened | Exception]]()


@pytest.fixture
def opened(case: Case, fed: Fed, target: Target, caches: str, request: pytest.FixtureRequest) -> Opened:
    """As many openings as ``--benchmark-min-rounds`` says, one where nothing is timed; their answers are checked."""
    outcomes = request.config.stash.setdefault(OPENED, {})
    key = case.artefact.name, target.label, case.batch_size, caches
    if key not in outcomes:
        try:
            outcomes[key] = _open(case, fed, target, caches, request.config)
        except (PlatformError, UnavailableError, ParityError) as error:  # the other phases need not try again
            outcomes[key] = error
    outcome = outcomes[key]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _open(case: Case, fed: Fed, target: Target, caches: str, config: pytest.Config) -> Opened:
    artefact = own.check(case.artefact) if case.artefact.is_own else case.artefact
    settings, side = settings_of(config), PLATFORMS[target.platform].side
    question = ask(artefact, fed, selection_of(config).several(artefact), settings.timeout, side)
    rounds = 1 if config.getoption("benchmark_disable") else int(config.getoption("benchmark_min_rounds"))
    before = trust.read(others=True)
    source = PLATFORMS[target.platform].openings(case, question.feeds, settings_of(config), caches)
    openings, parity = list[Opening](), 0.0
    for opening in islice(source, rounds):
        parity = max(parity, question.check(opening.facts, opening.outputs))
        openings.append(replace(opening, outputs={}))  # which can be too large to be kept
    return Opened(question, openings, parity, before, trust.read(others=True))


@dataclass(frozen=True)
class Report:
    """Reports what was opened to pytest-benchmark; what the fixture ``report`` gives."""

    opened: Opened
    caches: str
    record: Record
    benchmark: BenchmarkFixture

    def __call__(self, seconds: Callable[[Opening], float], headline: str = "") -> None:
        """Report one figure of every opening, in seconds; *headline* is shown in place of their median."""
        opened, facts = self.opened, typical(self.opened.openings).facts
        blocks = [
            readable(Block([seconds(one)], one.outputs, None, number), facts)
            for number, one in enumerate(opened.openings)
        ]
        self.benchmark.extra_info.update(of_question(opened.question, facts), parity=opened.parity, caches=self.caches)
        self.benchmark.extra_info[keys.TRUST] = trust.assess_openings(blocks, facts, opened.before, opened.after)
        self.record(facts, blocks, 0, lambda: None, headline)


@pytest.fixture
def report(opened: Opened, caches: str, record: Record, benchmark: BenchmarkFixture) -> Report:
    """Report a figure of what was opened, once for each phase."""
    return Report(opened, caches, record, benchmark)


def typical(openings: Sequence[Opening]) -> Opening:
    """Return the opening whose load is the median; of an even number the lower one in the middle."""
    return sorted(openings, key=lambda opening: opening.load)[(len(openings) - 1) // 2]


def load_words(openings: Sequence[Opening]) -> str:
    """Say the load, as the table will have it, and the parts of the typical one; nothing where they are not told.

    What the parts add up to is told as well where it is another number: a figure is none of its samples.
    """
    one, whole = typical(openings), _rounded(figure([opening.load for opening in openings]).value)
    parts: Mapping[str, float] = one.facts.details.get(keys.LOAD_PARTS, {})
    words = ", ".join(f"{name} {_rounded(seconds)}" for name, seconds in parts.items())
    load = whole if whole == _rounded(one.load) else f"{whole}, of one of {_rounded(one.load)}"
    return f"load {load}: {words}" if parts else ""


def _rounded(seconds: float) -> str:
    return f"{seconds * 1e3:,.0f} ms"


def memory_facts(openings: Sequence[Opening]) -> dict[str, int]:
    """Return the memory of the opening that took most, in bytes, for extra_info; what is not told is left out."""
    most = max((opening.memory for opening in openings), key=lambda memory: memory.peak or 0)
    return {f"{keys.MEMORY}{name}": size for name, size in asdict(most).items() if size is not None}


def memory_words(facts: Mapping[str, int]) -> str:
    """Say it for the line of the benchmark."""
    words = [f"{name.removeprefix(keys.MEMORY)} {size / 1e6:,.1f} MB" for name, size in facts.items()]
    return ", ".join(words) or "not told by this system"
