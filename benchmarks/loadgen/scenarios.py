"""What a server carries: one query after another, all at once, and as many as arrive by chance within a bound."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.loadgen.highest import Bracket, highest
from benchmarks.loadgen.plan import LoadError, Plan
from benchmarks.loadgen.systems import System
from benchmarks.loadgen.trial import Asking, Scenario, Trial, run
from benchmarks.loadgen.workers import Check, Worker, Workers
from benchmarks.measuring.starts import Figure, figure
from benchmarks.protocol import Facts, Feeds, UnavailableError

FIRST = 0.8  # of what Offline gives: the rate that is tried first
SLACK = 2.0  # LoadGen makes queries for so many times the time that they should take
TRIES = 5  # at an expectation of Offline that keeps it busy for long enough

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What came of a scenario."""

    trials: tuple[Trial, ...]
    samples: tuple[float, ...]  # seconds: latencies of queries; of Offline the mean time between answers of each trial
    rate: Figure | None = None  # queries a second that are carried, with their interval
    is_contradictory: bool = False  # a rate was carried once and not the next time


@dataclass(frozen=True)
class Carried:
    """What a system carries. Its trials are of the same workers: the intervals do not speak of another process."""

    facts: Facts
    workers: int
    parity: float  # the largest difference seen, before and under load
    single: Outcome
    offline: Outcome
    found: Outcome | UnavailableError  # of Server

    @property
    def server(self) -> Outcome:
        """The highest rate within the bound; raises UnavailableError where no rate is, or none that could be tried."""
        if isinstance(self.found, UnavailableError):
            raise self.found
        return self.found


def search(system: System, feeds: Feeds, check: Check, plan: Plan, tell: Tell) -> Carried:
    """Find what *system* carries, each query being *feeds*; *tell* is told of each trial in a line.

    Before any load each worker's answer is held against the expected one, and its last one after each trial. Raises
    what opening and asking raise, ParityError where an answer is wrong, LoadError where one does not come.
    """
    made = [Worker(system.opens, feeds, check) for _ in range(system.workers)]
    with Workers(system.name, made, plan.timeout) as workers, _without_old_garbage():
        asked = Search(workers, plan, tell)
        single = asked.single()
        offline = asked.offline(single.trials[-1].percentiles[50])
        assert offline.rate is not None
        try:
            found: Outcome | UnavailableError = asked.server(single.trials[-1], offline.rate.value)
        except UnavailableError as error:  # the other scenarios were measured all the same
            found = error
    facts = made[0].facts
    assert facts is not None
    return Carried(facts, len(made), max(worker.parity for worker in made), single, offline, found)


def ask_only(system: System, feeds: Feeds, check: Check, plan: Plan) -> tuple[Facts, float]:
    """Hold each worker's answer against the expected one without any load; return the facts and the parity."""
    made = [Worker(system.opens, feeds, check) for _ in range(system.workers)]
    with Workers(system.name, made, plan.timeout):
        pass
    facts = made[0].facts
    assert facts is not None
    return facts, max(worker.parity for worker in made)


@dataclass(frozen=True)
class Search:
    """The trials of one system."""

    workers: Workers
    plan: Plan
    tell: Tell
    made: list[Trial] = field(default_factory=list)  # all that there were, also those that told nothing

    def single(self) -> Outcome:
        """Ask one query after another."""
        plan, guess = self.plan, min(worker.seconds for worker in self.workers.workers)
        expected = max(guess / SLACK, 1e-6)  # fewer queries than it answers in that time would end the trial early
        asking = Asking("SingleStream", plan.seconds, plan.queries, expected, longest=plan.longest)
        trial = self._run(asking)
        return Outcome(self._of("SingleStream"), (*trial.latencies.tolist(),))

    def offline(self, latency: float) -> Outcome:
        """Ask all at once, several times; *latency* is what a query takes alone."""
        rates, expected = list[float](), 1 / latency
        for _ in range(self.plan.repeats):
            rates.append(self._long_enough(expected).per_second or 0.0)
            expected = max(expected, rates[-1])
        return Outcome(self._of("Offline"), tuple(1 / rate for rate in rates), figure(rates))

    def _long_enough(self, expected: float) -> Trial:
        """Ask so much at once that it takes the time that a trial is to take."""
        for _ in range(TRIES):
            trial = self._run(Asking("Offline", self.plan.seconds, 1, expected))
            if trial.verdict == "valid":
                return trial
            expected = max(expected, (trial.per_second or expected) * SLACK / 1.5)
        raise LoadError(f"{self.workers.name}: Offline ended early {TRIES} times: its rate is not to be foreseen")

    def server(self, alone: Trial, offline: float) -> Outcome:
        """Ask as queries arrive by chance, at rate after rate: the highest whose p99 is within the bound.

        *alone* is the trial of one query after another, *offline* the rate of all at once.
        """
        plan, last = self.plan, dict[float, Trial]()  # by their rates
        if alone.percentiles[90] > plan.p99:
            raise self._beyond(f"p90 of a query alone is {milliseconds(alone.percentiles[90])}")

        def carries(rate: float) -> bool:
            last[rate] = self._at(rate)
            return last[rate].verdict == "valid"

        least = plan.queries / plan.longest
        bracket = highest(carries, max(FIRST * offline, least), least, plan.precision)
        if bracket.low is None:
            words = f"not {min(last):,.1f}/s, and {plan.queries:,} queries at less take over {plan.longest:g} s"
            raise self._beyond(words)
        return self._outcome(bracket.low, bracket, last[bracket.low])

    def _at(self, rate: float) -> Trial:
        """Ask at a rate; where there were too few queries to tell, ask for longer."""
        seconds = self.plan.length(rate)
        for extension in range(self.plan.extensions + 1):
            length = seconds * 2**extension
            trial = self._run(Asking("Server", length, self.plan.queries, rate, self.plan.p99))
            if trial.verdict not in {"unproved", "short"}:
                break
        return trial

    def _outcome(self, rate: float, bracket: Bracket, trial: Trial) -> Outcome:
        """Return the highest rate that was carried; its interval ends where none above was, even by luck."""
        trials = self._of("Server")
        found = Figure(rate, len(trials), rate, bracket.top)
        return Outcome(trials, (*trial.latencies.tolist(),), found, bracket.is_contradictory)

    def _of(self, scenario: Scenario) -> tuple[Trial, ...]:
        return tuple(trial for trial in self.made if trial.scenario == scenario)

    def _beyond(self, why: str) -> UnavailableError:
        words = f"no rate is carried within p99 {milliseconds(self.plan.p99)}: {why}; raise --p99"
        return UnavailableError(f"{self.workers.name}: {words}")

    def _run(self, asking: Asking) -> Trial:
        self.made.append(trial := run(self.workers, asking))
        self.tell(words(trial, self.plan))
        return trial


def words(trial: Trial, plan: Plan) -> str:
    """Say in a line what came of a trial."""
    rate = f" {trial.rate:,.1f}/s" if trial.rate else ""
    return f"{trial.scenario}{rate}: {_figures(trial)}{_verdict_words(trial, plan)}, {trial.queries:,} queries"


def _figures(trial: Trial) -> str:
    if trial.is_given_up:
        return ""
    if trial.scenario == "Offline":
        return f"{trial.per_second:,.1f}/s"
    names = (50, 99) if trial.scenario == "Server" else (50, 90, 99)
    return ", ".join(f"p{name} {milliseconds(trial.percentiles[name])}" for name in names)


def _verdict_words(trial: Trial, plan: Plan) -> str:
    if trial.scenario != "Server":
        return "" if trial.verdict == "valid" else ", ended early"
    bound = milliseconds(plan.p99)
    if trial.is_given_up:
        return f"over {bound}, given up"
    return {
        "valid": f", within {bound}",
        "over": f", over {bound}",
        "unproved": f", within {bound} perhaps by chance",
        "short": ", ended early",
    }[trial.verdict]


def milliseconds(seconds: float) -> str:
    """Write a time as it is compared."""
    return f"{seconds * 1e3:,.3g} ms" if seconds < 1 else f"{seconds * 1e3:,.0f} ms"


@contextmanager
def _without_old_garbage() -> Iterator[None]:
    """Keep what was there before out of the garbage collector: a look through all of it holds every thread up."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
