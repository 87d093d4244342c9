"""The steady state: from each of several starts draw in turns with a partner, check every answer, report."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.measuring import energy, trust
from benchmarks.measuring.held import Held
from benchmarks.measuring.ratio import STATISTICS, by_start, of_starts, paired
from benchmarks.measuring.reference import Question
from benchmarks.measuring.sampler import (
    Plan,
    Side,
    check_slowdown,
    check_whole,
    draw,
    draw_in_turns,
    while_young,
)
from benchmarks.measuring.witness import Witness
from benchmarks.protocol import Block, Facts, Session
from benchmarks.results import keys
from benchmarks.run.choices import BASE
from benchmarks.run.drift import STATES, States
from benchmarks.run.identity import of_question
from benchmarks.run.replay import Record
from benchmarks.run.turns import Turns, turns_of
from browser_harness import system
from browser_harness.processes import USABLE

WITNESSED_TURNS = 20  # from one look at the witness to the next: a look takes a tenth of a turn

ChooseCore = Callable[[Sequence[Session]], int | None]  # for all sides of a start; None leaves them free
Option = Callable[[str], Any]  # the value of pytest-benchmark's option of that name, or the suite's --starts


@dataclass
class Drawn:
    """What was drawn from all starts of a session, and from its partner in turns."""

    warm_up: int = 0  # inferences
    blocks: list[Block] = field(default_factory=list)
    partner_blocks: list[Block] = field(default_factory=list)  # none without a partner
    cores: list[int | None] = field(default_factory=list)  # where both sides of each start were kept
    joules: dict[str, float] = field(default_factory=dict)
    witness: Witness = field(default_factory=Witness)

    def add(self, block: Block) -> None:
        """Add a block of the latest start."""
        self.blocks.append(replace(block, start=len(self.cores) - 1))

    def add_pair(self, pair: tuple[Block, Block]) -> None:
        """Add neighbouring blocks of both sides."""
        self.add(pair[0])
        self.partner_blocks.append(replace(pair[1], start=len(self.cores) - 1))


@dataclass(frozen=True)
class Measure:
    """Times an open session and reports it to pytest-benchmark; what the fixture ``measure`` gives."""

    record: Record
    benchmark: BenchmarkFixture
    option: Option
    turns: Turns | None  # with another version's process
    states: States  # of the machine, seen during the run

    def __call__(
        self, session: Session, question: Question, partner: Session | None = None, partner_name: str = "server_cpu"
    ) -> None:
        """Time *session* on *question*, in turns with *partner*, where there is one; hold every block to the answer."""
        facts = session.facts
        held = Held(session, partial(question.check, facts))
        parity = question.check(facts, session.run(question.feeds))
        images, blocks = 0, list[Block]()
        if not self.benchmark.disabled:
            info, drawn = self._measured(held, partner and Held(partner), question)
            blocks, images = drawn.blocks, question.images(drawn.blocks)
            parity = max(parity, *held.parity)
            self.benchmark.extra_info.update(info, parity=parity, **_ratio(drawn, facts, partner_name))
            self._note_states(facts, question, drawn, partner_name)
        self.record(facts, blocks, images, lambda: session.run(question.feeds))

    def _note_states(self, facts: Facts, question: Question, drawn: Drawn, partner_name: str) -> None:
        """Note what was seen of the machine's state: the reference's figure, this platform's own or the partner's."""
        self.states.infos.append(self.benchmark.extra_info)
        is_reference = (facts.platform, facts.threads, drawn.partner_blocks) == (BASE.platform, BASE.threads, [])
        if seen := drawn.blocks if is_reference else drawn.partner_blocks if partner_name == "server_cpu" else []:
            what = question.artefact.row["sha256"], question.batch_size, str(question.shapes())
            self.states.visits.append((what, of_starts(seen, "p10")))

    def _measured(self, session: Session, partner: Session | None, question: Question) -> tuple[dict[str, Any], Drawn]:
        """Draw, and return what there is to say of the circumstances beside what was drawn."""
        wanted, before = plan(self.option, self.turns), trust.read()
        drawn = self._drawn(session, partner, question, wanted)
        after = trust.read()
        check_whole(drawn.blocks, session.facts)
        if partner:
            check_whole(drawn.partner_blocks, partner.facts)
        slowdown = obtained_slowdown(session, question)
        info = of_question(question, session.facts) | {
            "warmup_rounds": drawn.warm_up,
            keys.WITNESS: drawn.witness.facts(),
        }
        info |= {keys.CORES: drawn.cores, keys.STARTS_WANTED: wanted.starts}
        return info | _circumstances(drawn, session.facts, before, after, slowdown), drawn

    def _drawn(self, session: Session, partner: Session | None, question: Question, wanted: Plan) -> Drawn:
        if self.turns:
            return draw_in_lockstep(session, question, wanted, self.turns)
        return draw_all(session, partner, question, wanted)


@pytest.fixture
def measure(record: Record, benchmark: BenchmarkFixture, request: pytest.FixtureRequest) -> Measure:
    """Time an open session on one question, with the options of the command line, or the test's own."""
    return Measure(record, benchmark, option_of(request), turns_of(request.config), request.config.stash[STATES])


def option_of(request: pytest.FixtureRequest) -> Option:
    """Return what reads an option: the test's own, else the command line's."""
    own = request.node.get_closest_marker("benchmark").kwargs

    def option(name: str) -> Any:
        return own.get(name, request.config.getoption("starts" if name == "starts" else f"benchmark_{name}"))

    return option


def obtained_slowdown(session: Session, question: Question) -> float | None:
    """Return how many times weaker a client is that was to be weaker; raise SampleError where it is not."""
    if session.facts.slowdown is None:
        return None
    obtained = session.obtained_slowdown(question.feeds)
    check_slowdown(session.facts, obtained)
    return obtained


def plan(option: Option, turns: Turns | None = None) -> Plan:
    """Return the plan that the options make, or the other end of the *turns*."""
    wanted = Plan(
        min_rounds=int(option("min_rounds")),
        max_time=float(option("max_time")),
        warmup_rounds=int(option("warmup_iterations")) if option("warmup") else 0,
        precision=float(option("precision")) if option("precision") else None,
        confidence=float(option("confidence")),
        starts=int(option("starts")),
    )
    return replace(wanted, block_seconds=turns.seconds, starts=turns.starts) if turns else wanted


def draw_all(
    session: Session, partner: Session | None, question: Question, plan: Plan, core: ChooseCore | None = None
) -> Drawn:
    """Draw from all starts that *plan* wants, in turns with a partner where there is one.

    *core* says for each start where all sides are kept, in place of :func:`draw_core`.
    """
    drawn, sides = Drawn(), [Side(one, question.feeds) for one in (partner, session) if one]
    sessions, ours = [side.session for side in sides], sides[-1]
    whole, estimate = plan, None
    while len(drawn.cores) < whole.starts:
        if drawn.cores:
            for one in sessions:  # the partner first: its process starts while the page is opened
                one.renew()
        warm = [side.warm_up(plan) for side in sides]
        if estimate is None:  # known before the first is drawn from, so that it does not outlive its share either
            estimate = min(warm[-1].samples, default=None)
            whole = plan.for_sessions([one.facts for one in sessions], estimate, ours.iterations)
        drawn.warm_up += warm[-1].inferences
        with kept_on((core or draw_core)(sessions), sessions, drawn), _counting(drawn):
            looks = drawn.witness.look_after
            if partner is None:
                for block in looks(draw(session, question.feeds, whole.of_a_start, estimate, ours.iterations)):
                    drawn.add(block)
            else:
                known = [side.estimate(seen) for side, seen in zip(sides, warm, strict=True)]
                for pair in looks(draw_in_turns(ours, sides[0], whole.of_a_start, (known[1], known[0]))):
                    drawn.add_pair(pair)
    return drawn


def draw_in_lockstep(session: Session, question: Question, plan: Plan, turns: Turns) -> Drawn:
    """Draw a block in each turn, from starts that the other side opens at the same time."""
    drawn, side = Drawn(), Side(session, question.feeds)
    for number in range(plan.starts):
        core = turns.next_start()
        if number:
            session.renew()
        warm = side.warm_up(plan)
        drawn.warm_up += warm.inferences
        turns.wait_for_turn()
        # What is a little slower on one core is so on both sides, and they scatter less: WebNN's by two thirds.
        with kept_on(None if (session.facts.threads or 1) > 1 else core, [session], drawn):
            estimate = min(warm.samples, default=None)
            blocks = draw(session, question.feeds, plan.of_a_start, estimate, side.iterations)
            young = while_young(blocks, session.facts, warm.inferences)
            for block in drawn.witness.look_after(young, WITNESSED_TURNS):
                drawn.add(block)
                turns.wait_for_turn()
    turns.finish()
    return drawn


def draw_core(sides: Sequence[Session]) -> int | None:
    """Draw a core for all *sides*; None where more than one thread of a side computes, or the system has no choice.

    What computes outside its page, as WebNN does, waits for the page, and the page for it: on one core both are slower.
    """
    if not USABLE or not all(map(_computes_on_one_thread, sides)):
        return None
    return random.choice([*USABLE])  # noqa: S311 (by lot, and no secret)


def _computes_on_one_thread(session: Session) -> bool:
    facts = session.facts  # a page and its worker are two
    return facts.threads == 1 and facts.server is None and facts.where != "worker"


@contextmanager
def kept_on(core: int | None, sides: Sequence[Session], drawn: Drawn) -> Iterator[None]:
    """Keep *sides* and this thread, whose witness is to see the same, on a core, and let them go; note it as a start.

    What outlives a page, and the thread that opens the next one, must be free again before that.
    """
    drawn.cores.append(core)
    if core is None:
        yield
        return
    try:
        for side in sides:
            side.keep_on(core)
        system.stay_on({core})
        yield
    finally:
        system.stay_on(USABLE)
        for side in sides:
            side.keep_on(None)


@contextmanager
def _counting(drawn: Drawn) -> Iterator[None]:
    """Count the energy, without that of opening and warming up."""
    before = energy.read()
    yield
    for name, joules in energy.spent(before, energy.read()).items():
        drawn.joules[name] = drawn.joules.get(name, 0.0) + joules


def _circumstances(
    drawn: Drawn, facts: Facts, before: trust.Reading, after: trust.Reading, slowdown: float | None
) -> dict[str, Any]:
    """Return how far the samples can be trusted, and the energy, where nothing but inferences was counted."""
    info: dict[str, Any] = {keys.TRUST: trust.assess_steady(drawn.blocks, facts, before, after, slowdown)}
    if drawn.joules and not drawn.partner_blocks:
        inferences = sum(block.inferences for block in drawn.blocks)
        info[keys.JOULES] = {name: value / inferences for name, value in drawn.joules.items()}
    return info | ({keys.SLOWDOWN_OBTAINED: slowdown} if slowdown else {})


def _ratio(drawn: Drawn, facts: Facts, partner_name: str) -> dict[str, Any]:
    if not drawn.partner_blocks:
        return {}
    seconds = math.fsum(block.duration for block in drawn.partner_blocks)
    pairs = [*zip(drawn.blocks, drawn.partner_blocks, strict=True)]
    return {
        f"{keys.RATIO_TO}{partner_name}": paired(pairs, facts.statistic).to_json(),
        keys.PARTNER_SECONDS: seconds,
        keys.PARTNER_ITERATIONS: drawn.partner_blocks[0].iterations,
        keys.PARTNER: [[_figures(block) for block in start] for start in by_start(drawn.partner_blocks)],
    }


def _figures(block: Block) -> dict[str, float]:
    """Return what is kept of a partner's block, whose samples would double the file."""
    samples = np.array(block.seconds)
    return {name: compute(samples) for name, compute in STATISTICS.items()} | {"rounds": len(samples)}
