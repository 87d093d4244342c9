"""The steady state of an open session: warm it up, draw in turns with a partner, check every answer, report."""

import gc
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.measuring import energy, trust
from benchmarks.measuring.ratio import paired
from benchmarks.measuring.reference import Question
from benchmarks.measuring.sampler import Plan, check_slowdown, draw, draw_in_turns, warm_up
from benchmarks.measuring.witness import Witness
from benchmarks.protocol import Block, Facts, Session
from benchmarks.results import keys
from benchmarks.run.identity import of_question
from benchmarks.run.replay import Record
from benchmarks.run.turns import Turns, turns_of

WITNESSED_TURNS = 20  # from one look at the witness to the next: a look takes a tenth of a turn
# The partner is warm after a moment, whatever was asked for the session.
PARTNER_WARM_UP = Plan(min_rounds=1, max_time=0.25, warmup_rounds=20)

Option = Callable[[str], Any]  # the value of pytest-benchmark's option of that name
Readings = tuple[trust.Reading, energy.Counters]


@dataclass(frozen=True)
class Drawn:
    """What was drawn from a session, and from its partner in turns."""

    warm_up: Sequence[float]
    blocks: Sequence[Block]
    partner_blocks: Sequence[Block]  # none without a partner
    witness: Witness


@dataclass(frozen=True)
class Measure:
    """Times an open session and reports it to pytest-benchmark; what the fixture ``measure`` gives."""

    record: Record
    benchmark: BenchmarkFixture
    option: Option
    turns: Turns | None  # with another version's process

    def __call__(
        self, session: Session, question: Question, partner: Session | None = None, partner_name: str = "server_cpu"
    ) -> None:
        """Time *session* on *question*, in turns with *partner*, where there is one; hold every block to the answer."""
        facts = session.facts
        parity = [question.check(facts, session.run(question.feeds))]
        images, blocks = 0, list[Block]()
        if not self.benchmark.disabled:
            info, drawn = self._measured(session, partner, question)
            blocks, images = [*drawn.blocks], question.images(drawn.blocks)
            parity += [question.check(facts, block.outputs) for block in blocks]
            self.benchmark.extra_info.update(info, parity=max(parity), **_ratio(drawn, facts, partner_name))
        self.record(facts, blocks, images, lambda: session.run(question.feeds))

    def _measured(self, session: Session, partner: Session | None, question: Question) -> tuple[dict[str, Any], Drawn]:
        """Draw, and return what there is to say of the circumstances beside what was drawn."""
        before = _readings()
        with _no_garbage_collection() if self.option("disable_gc") else nullcontext():
            drawn = self._drawn(session, partner, question)
        after = _readings()
        slowdown = obtained_slowdown(session, question)
        info = of_question(question) | {"warmup_rounds": len(drawn.warm_up), keys.WITNESS: drawn.witness.facts()}
        if self.turns:
            info[keys.TURNS] = [len(block.seconds) for block in drawn.blocks]
        return info | _circumstances(drawn, session.facts, before, after, slowdown), drawn

    def _drawn(self, session: Session, partner: Session | None, question: Question) -> Drawn:
        if self.turns:
            return draw_in_lockstep(session, question, plan(self.option, self.turns.seconds), self.turns)
        return draw_all(session, partner, question, plan(self.option))


@pytest.fixture
def measure(record: Record, benchmark: BenchmarkFixture, request: pytest.FixtureRequest) -> Measure:
    """Time an open session on one question, with the options of the command line, or the test's own."""
    own = request.node.get_closest_marker("benchmark").kwargs

    def option(name: str) -> Any:
        return own.get(name, request.config.getoption(f"benchmark_{name}"))

    return Measure(record, benchmark, option, turns_of(request.config))


def obtained_slowdown(session: Session, question: Question) -> float | None:
    """Return how many times weaker a client is that was to be weaker; raise SampleError where it is not."""
    if session.facts.slowdown is None:
        return None
    obtained = session.obtained_slowdown(question.feeds)
    check_slowdown(session.facts, obtained)
    return obtained


def plan(option: Option, block_seconds: float | None = None) -> Plan:
    """Return the plan that pytest-benchmark's options make."""
    return Plan(
        min_rounds=int(option("min_rounds")),
        max_time=float(option("max_time")),
        warmup_rounds=int(option("warmup_iterations")) if option("warmup") else 0,
        precision=float(option("precision")) if option("precision") else None,
        confidence=float(option("confidence")),
        block_seconds=block_seconds,
    )


def draw_all(session: Session, partner: Session | None, question: Question, plan: Plan) -> Drawn:
    """Warm up and draw until *plan* is met, in turns with a partner where there is one."""
    feeds, witness = question.feeds, Witness()
    warm = warm_up(session, feeds, plan)
    estimate = min(warm, default=None)
    if partner is None:
        return Drawn(warm, [*witness.look_after(draw(session, feeds, plan, estimate))], [], witness)
    known = estimate or session.time(feeds, 1).seconds[0], min(warm_up(partner, feeds, PARTNER_WARM_UP))
    pairs = [*witness.look_after(draw_in_turns(session, partner, feeds, plan, known))]
    return Drawn(warm, [ours for ours, _theirs in pairs], [theirs for _ours, theirs in pairs], witness)


def draw_in_lockstep(session: Session, question: Question, plan: Plan, turns: Turns) -> Drawn:
    """Warm up, and draw a block in each turn until *plan* is met."""
    warm, witness, drawn = warm_up(session, question.feeds, plan), Witness(), list[Block]()
    blocks = draw(session, question.feeds, plan, min(warm, default=None))
    turns.wait_for_turn()
    with turns.on_the_core(session):
        for block in witness.look_after(blocks, WITNESSED_TURNS):
            drawn.append(block)
            turns.wait_for_turn()
    turns.finish()
    return Drawn(warm, drawn, [], witness)


def _readings() -> Readings:
    return trust.read(), energy.read()


def _circumstances(
    drawn: Drawn, facts: Facts, before: Readings, after: Readings, slowdown: float | None
) -> dict[str, Any]:
    """Return how far the samples can be trusted, and the energy, where nothing but inferences was counted."""
    info: dict[str, Any] = {keys.TRUST: trust.assess(drawn.blocks, facts, before[0], after[0], slowdown)}
    joules = energy.spent(before[1], after[1])
    if joules and not drawn.partner_blocks and not facts.page_lifetime:
        inferences = len(drawn.warm_up) + sum(len(block.seconds) for block in drawn.blocks)
        info["joules_per_inference"] = {name: value / inferences for name, value in joules.items()}
    return info | ({"slowdown_obtained": slowdown} if slowdown else {})


def _ratio(drawn: Drawn, facts: Facts, partner_name: str) -> dict[str, Any]:
    if not drawn.partner_blocks:
        return {}
    seconds = math.fsum(value for block in drawn.partner_blocks for value in block.seconds)
    pairs = [*zip(drawn.blocks, drawn.partner_blocks, strict=True)]
    ratio = paired(pairs, facts.statistic).to_json()
    return {f"{keys.RATIO_TO}{partner_name}": ratio, keys.PARTNER_SECONDS: seconds}


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """``--benchmark-disable-gc`` while samples are drawn in this process; a page collects as it likes."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
