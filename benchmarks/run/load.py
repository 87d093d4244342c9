"""A server under load: put there once for each case, and reported by LoadGen's three scenarios apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks import loadgen
from benchmarks.inputs import Fed
from benchmarks.loadgen import COMPLIANCE, Carried, LoadError, Outcome, Plan, milliseconds
from benchmarks.measuring import trust
from benchmarks.measuring.parity import ParityError
from benchmarks.measuring.reference import Question, ask
from benchmarks.platforms import PLATFORMS
from benchmarks.protocol import Block, Case, Facts, PlatformError, UnavailableError
from benchmarks.remote.words import shown_url
from benchmarks.results import keys
from benchmarks.run.choices import PHASES, Target, phase_of
from benchmarks.run.identity import of_question
from benchmarks.run.replay import Record
from benchmarks.run.selection import selection_of
from benchmarks.settings import positive, settings_of
from models import own
from models.names import shown

PERMISSION = "--yes-load-that-server"
LATENESS = 0.1  # of the bound: by so much LoadGen may ask later than it meant to, in one query of a hundred
CLOCK_RESOLUTION = 1e-9  # seconds; LoadGen counts in nanoseconds


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what concerns the load alone."""
    group, usual = parser.getgroup("client or server"), Plan()
    group.addoption(
        "--p99",
        type=positive(float),
        default=usual.p99 * 1e3,
        metavar="MS",
        help="-m throughput: the bound that 99 of 100 queries keep to at the highest rate (default: %(default)g ms, of "
        "servers in this process and remote ones alike)",
    )
    group.addoption(
        "--workers",
        type=positive(int),
        metavar="N",
        help="-m throughput: that ask at once, each with a session or a connection of its own (default: as many as "
        f"there are cores for; {loadgen.ON_DEVICE} on a GPU, {loadgen.CONNECTIONS} to a remote server)",
    )
    group.addoption(
        "--trial-seconds",
        type=positive(float),
        default=usual.seconds,
        metavar="SECONDS",
        help=f"-m throughput: that a trial takes at least; each has {usual.queries:,} queries (default: %(default)g)",
    )
    group.addoption(
        PERMISSION,
        action="store_true",
        help="-m throughput: load the server of --server-url with all that it bears",
    )


@pytest.hookimpl(trylast=True)  # after -m and -k
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse to put somebody else's server under load without being told to."""
    url = config.getoption("server_url")
    if url and not config.getoption("yes_load_that_server") and any(map(_loads_that_server, items)):
        words = "-m throughput sends it all the queries that it bears"
        raise pytest.UsageError(f"--server-url {shown(shown_url(url))}: {words}; add {PERMISSION} if it is yours")


def _loads_that_server(item: pytest.Item) -> bool:
    """Whether a benchmark loads a server that the suite has not started."""
    label = item.callspec.params.get("platform") if phase_of(item) is PHASES["throughput"] else None  # type: ignore[attr-defined]
    return label is not None and getattr(PLATFORMS[Target.of(label).platform], "is_elsewhere", False)


@dataclass(frozen=True)
class Loaded:
    """What came of a case's load, and how far its times can be trusted."""

    question: Question
    workers: int
    plan: Plan
    facts: Facts
    parity: float  # the largest difference seen
    carried: Carried | None  # None where nothing is timed
    before: trust.Reading
    after: trust.Reading

    def group(self, words: str) -> str:
        """Return what pytest-benchmark's table is called: figures of LoadGen never stand alone."""
        return f"{self.question.artefact.name}, {words}, {self.question.batch} ({COMPLIANCE})"


# What was loaded in this run, by model, target's label and batch size; or why it could not be.
LOADED = pytest.StashKey[dict[tuple[str, str, int], Loaded | Exception]]()


@pytest.fixture
def loaded(case: Case, fed: Fed, target: Target, request: pytest.FixtureRequest) -> Loaded:
    """What the case carries; the trials of all scenarios are made when the first of them asks."""
    outcomes = request.config.stash.setdefault(LOADED, {})
    key = case.artefact.name, target.label, case.batch_size
    if key not in outcomes:
        with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():  # progress is seen
            try:
                outcomes[key] = _load(case, fed, target, request.config)
            except (PlatformError, UnavailableError, ParityError, LoadError) as error:  # the others need not try again
                outcomes[key] = error
    outcome = outcomes[key]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _load(case: Case, fed: Fed, target: Target, config: pytest.Config) -> Loaded:
    platform, settings = PLATFORMS[target.platform], settings_of(config)
    is_timed = not config.getoption("benchmark_disable")
    if is_timed and (reason := loadgen.unavailable()):
        raise UnavailableError(f"{target.label}: -m throughput: {reason}")
    artefact = own.check(case.artefact) if case.artefact.is_own else case.artefact
    question = ask(artefact, fed, selection_of(config).several(artefact), settings.timeout, platform.side)
    if artefact.is_own and platform.side == "server":
        loadgen.parity_alone(platform, case, settings, question.feeds, question.check)
    plan, workers = plan_of(config), config.getoption("workers") or loadgen.workers_of(platform, target.threads)
    before = trust.read()
    with loadgen.system_of(platform, case, settings, workers) as system:
        if not is_timed:
            facts, parity = loadgen.ask_only(system, question.feeds, question.check, plan)
            return Loaded(question, workers, plan, facts, parity, None, before, before)
        title = f"{artefact.name}, {target.label}, {_workers_words(workers)}"
        carried = loadgen.search(system, question.feeds, question.check, plan, _teller(config, title))
    after = trust.read()
    facts = replace(carried.facts, clock=f"LoadGen {loadgen.loadgen_version()}", clock_resolution=CLOCK_RESOLUTION)
    return Loaded(question, workers, plan, facts, carried.parity, carried, before, after)


def plan_of(config: pytest.Config) -> Plan:
    """Return the plan that the options make."""
    timeout = settings_of(config).timeout
    return Plan(p99=config.getoption("p99") / 1e3, seconds=config.getoption("trial_seconds"), timeout=timeout)


def _teller(config: pytest.Config, title: str) -> Callable[[str], None]:
    """Return what shows a trial as soon as it is over; they are dozens, so that without -v it is said once."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")

    def tell(line: str) -> None:
        if reporter:
            reporter.ensure_newline()
            reporter.write_line(f"load     {title}: {line}")

    if config.get_verbosity() > 0:
        return tell
    tell("looks for the rates that are carried; -v shows each trial")
    return lambda _line: None


@dataclass(frozen=True)
class ReportLoad:
    """Reports a scenario to pytest-benchmark; what the fixture ``report_load`` gives."""

    loaded: Loaded
    record: Record
    benchmark: BenchmarkFixture

    def __call__(self, outcome_of: Callable[[Carried], Outcome]) -> None:
        """Report one scenario; raises what it raises."""
        loaded = self.loaded
        self.benchmark.extra_info.update(of_question(loaded.question, loaded.facts), parity=loaded.parity)
        if loaded.carried is None:
            self.record(loaded.facts, [], 0, lambda: None)
            return
        outcome = outcome_of(loaded.carried)
        blocks = [Block(outcome.samples, {}, None)]
        self.benchmark.extra_info.update(_of_outcome(outcome, loaded))
        self.benchmark.extra_info[keys.TRUST] = _trust(outcome, loaded, blocks)
        self.record(loaded.facts, blocks, 0, lambda: None, headline(outcome, loaded))


@pytest.fixture
def report_load(loaded: Loaded, record: Record, benchmark: BenchmarkFixture) -> ReportLoad:
    """Report what one scenario says of what was loaded."""
    return ReportLoad(loaded, record, benchmark)


def _of_outcome(outcome: Outcome, loaded: Loaded) -> dict[str, Any]:
    info: dict[str, Any] = {
        keys.COMPLIANCE: COMPLIANCE,
        keys.SCENARIO: outcome.trials[0].scenario,
        keys.WORKERS: loaded.workers,
        keys.TRIALS: [trial.to_json() for trial in outcome.trials],
    }
    if outcome.rate:
        info[keys.QUERIES_PER_SECOND] = outcome.rate.to_json()
    return info | ({keys.P99_BOUND: loaded.plan.p99} if info[keys.SCENARIO] == "Server" else {})


def _trust(outcome: Outcome, loaded: Loaded, blocks: Sequence[Block]) -> dict[str, Any]:
    """Return how far the figure can be trusted; the machine was read around all trials of the case."""
    trust_info = trust.assess(blocks, loaded.facts, loaded.before, loaded.after)
    doubts = trust_info[keys.DOUBTS]
    latest = max((trial.lateness or 0.0 for trial in outcome.trials if trial.verdict == "valid"), default=0.0)
    if latest > LATENESS * loaded.plan.p99:
        doubts["lateness"] = f"LoadGen itself asked up to {milliseconds(latest)} late, which counts as latency"
    if outcome.is_contradictory:
        doubts["contradiction"] = "a rate was carried once, and it or a lower one was not in another trial"
    return trust_info


def headline(outcome: Outcome, loaded: Loaded) -> str:
    """Say what was found: ``1,189/s within p99 20 ms, 2 workers (shortened: not compliant with MLPerf's rules)``."""
    if outcome.rate is None:
        figures = ", ".join(f"p{name} {milliseconds(value)}" for name, value in outcome.trials[-1].percentiles.items())
        return f"{figures} ({COMPLIANCE})"
    bound = f" within p99 {milliseconds(loaded.plan.p99)}" if outcome.trials[0].scenario == "Server" else ""
    return f"{outcome.rate.value:,.0f}/s{bound}, {_workers_words(loaded.workers)} ({COMPLIANCE})"


def _workers_words(workers: int) -> str:
    return f"{workers} worker{'s' if workers > 1 else ''}"
