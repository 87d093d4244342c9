"""The steady state of an open session: warm it up, draw in turns with a partner, check every answer, report."""

import gc
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.measuring import energy, trust
from benchmarks.measuring.ratio import paired
from benchmarks.measuring.reference import Question
from benchmarks.measuring.sampler import Plan, check_slowdown, draw, draw_in_turns, warm_up
from benchmarks.measuring.witness import Witness
from benchmarks.protocol import AgeingSession, Block, Facts, Session, WeakSession
from benchmarks.run.identity import of_question
from benchmarks.run.replay import Record
from benchmarks.run.terminal import RATIO
from benchmarks.run.turns import Turns, turns_of

WITNESSED_TURNS = 20  # from one look at the witness to the next: a look takes a tenth of a turn


class Measure(Protocol):
    """What the fixture ``measure`` gives."""

    def __call__(
        self, session: Session, question: Question, partner: Session | None = None, name: str = "server_cpu"
    ) -> None:
        """Time *session* on *question*, in turns with *partner*, called *name* in the result, where there is one."""


@dataclass(frozen=True)
class Drawn:
    """What was drawn from a session, and from its partner in turns."""

    warm_up: list[float]
    blocks: list[Block]
    partner_blocks: list[Block]  # none without a partner
    witness: Witness


@pytest.fixture
def measure(record: Record, benchmark: BenchmarkFixture, request: pytest.FixtureRequest) -> Measure:
    """Time an open session on one question, hold every block against the answer, report to pytest-benchmark."""
    marker = request.node.get_closest_marker("benchmark").kwargs
    turns = turns_of(request.config)

    def option(name: str) -> Any:
        return marker.get(name, request.config.getoption(f"benchmark_{name}"))

    def measured(
        session: Session, question: Question, partner: Session | None = None, name: str = "server_cpu"
    ) -> None:
        if turns and isinstance(session, AgeingSession):
            session.allow_short_blocks()
        facts = session.facts
        parity = [question.check(facts, session.run(question.feeds))]
        if benchmark.disabled:
            return record(facts, [], 0, lambda: session.run(question.feeds))
        benchmark.extra_info.update(of_question(question))
        before = trust.read(), energy.read()
        with _no_garbage_collection() if option("disable_gc") else nullcontext():
            if turns:
                drawn = draw_in_lockstep(session, question, plan(option, turns.seconds), turns)
            else:
                drawn = draw_all(session, partner, question, plan(option))
        after = trust.read(), energy.read()
        slowdown = obtained_slowdown(session, question)
        parity += [question.check(facts, block.outputs) for block in drawn.blocks]
        benchmark.extra_info.update(parity=max(parity), warmup_rounds=len(drawn.warm_up))
        benchmark.extra_info.update(calibration=drawn.witness.facts())
        if turns:
            benchmark.extra_info.update(turns=[len(block.seconds) for block in drawn.blocks])
        benchmark.extra_info.update(_circumstances(drawn, facts, before, after, slowdown), **_ratio(drawn, facts, name))
        return record(facts, drawn.blocks, question.images(drawn.blocks), lambda: session.run(question.feeds))

    return measured


def obtained_slowdown(session: Session, question: Question) -> float | None:
    """Return how many times weaker a client is that was to be weaker; raise SampleError where it is not."""
    if not (isinstance(session, WeakSession) and "slowdown" in session.facts.details):
        return None
    obtained = session.obtained_slowdown(question.feeds)
    check_slowdown(session.facts, obtained)
    return obtained


def plan(option: Callable[[str], Any], block_seconds: float | None = None) -> Plan:
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
    found = Drawn(warm_up(session, question.feeds, plan), [], [], Witness())
    blocks = draw(session, question.feeds, plan, min(found.warm_up, default=None))
    turns.wait_for_turn()
    with turns.on_the_core(session):
        for block in found.witness.look_after(blocks, WITNESSED_TURNS):
            found.blocks.append(block)
            turns.wait_for_turn()
    turns.finish()
    return found


# The partner is warm after a moment, whatever was asked for the session.
PARTNER_WARM_UP = Plan(min_rounds=1, max_time=0.25, warmup_rounds=20)

Readings = tuple[trust.Reading, energy.Counters]


def _circumstances(
    drawn: Drawn, facts: Facts, before: Readings, after: Readings, slowdown: float | None
) -> dict[str, Any]:
    """Return how far the samples can be trusted, and the energy, where nothing but inferences was counted."""
    found: dict[str, Any] = {"trust": trust.assess(drawn.blocks, facts, before[0], after[0], slowdown)}
    joules = energy.spent(before[1], after[1])
    if joules and not drawn.partner_blocks and not facts.renewed:
        inferences = len(drawn.warm_up) + sum(len(block.seconds) for block in drawn.blocks)
        found["joules_per_inference"] = {name: value / inferences for name, value in joules.items()}
    return found | ({"slowdown_obtained": slowdown} if slowdown else {})


def _ratio(drawn: Drawn, facts: Facts, name: str) -> dict[str, Any]:
    """Return the ratio to the partner of that name.

    A quota slows a client by stopping it now and then, which a 10th percentile of short inferences does not see.
    """
    if not drawn.partner_blocks:
        return {}
    statistic = "mean" if "slowdown" in facts.details else "p10"
    seconds = math.fsum(value for block in drawn.partner_blocks for value in block.seconds)
    pairs = [*zip(drawn.blocks, drawn.partner_blocks, strict=True)]
    return {f"{RATIO}{name}": paired(pairs, statistic), "partner_seconds": seconds}


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
