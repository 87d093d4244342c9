"""Whether a page freezes: in each of several fresh pages inferences run while it draws an animation."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.measuring import trust
from benchmarks.measuring.reference import Question
from benchmarks.measuring.sampler import Plan, check, readable, warm_up
from benchmarks.measuring.starts import figure
from benchmarks.protocol import FRAMES_A_SECOND, AnimatedSession, Block, Blocking, Facts
from benchmarks.results import keys
from benchmarks.run.identity import of_question
from benchmarks.run.measure import Option, obtained_slowdown, option_of, plan
from benchmarks.run.replay import Record

WINDOW = 2.0  # seconds of inferences beside the animation, in each start
GLIMPSE = 0.1  # seconds of them where nothing is timed
# The share by which a page at rest may draw other than FRAMES_A_SECOND, and the two sights of a task differ.
TOLERATED = 0.1


@dataclass
class Drawn:
    """What was drawn beside the animation, and what that suffered, from each start."""

    warm_up: int = 0  # inferences
    parity: float = 0.0  # the largest difference seen
    blocks: list[Block] = field(default_factory=list)
    suffered: list[Blocking] = field(default_factory=list)


@dataclass(frozen=True)
class Animate:
    """Draws inferences beside an animation and reports them; what the fixture ``animate`` gives."""

    record: Record
    benchmark: BenchmarkFixture
    option: Option

    def __call__(self, session: AnimatedSession, question: Question) -> None:
        """Report what *session* does to its page, as long as its answers to *question* are right."""
        if self.benchmark.disabled:
            self.record(session.facts, [], 0, lambda: _checked(session, question, GLIMPSE))
            return
        before = trust.read()
        drawn = draw_beside(session, question, plan(self.option))
        after = trust.read()
        slowdown = obtained_slowdown(session, question)
        trusted = trust.assess(drawn.blocks, session.facts, before, after, slowdown)
        trusted[keys.DOUBTS] |= doubts(drawn.suffered)
        told = _told(drawn)
        info = of_question(question, session.facts) | told | {keys.TRUST: trusted}
        self.benchmark.extra_info.update(info | ({keys.SLOWDOWN_OBTAINED: slowdown} if slowdown else {}))
        images, worst = question.images(drawn.blocks), most_frozen(drawn.suffered)
        words = headline(told[keys.LONGEST_TASK]["value"], worst)
        self.record(session.facts, drawn.blocks, images, lambda: session.run(question.feeds), words)


@pytest.fixture
def animate(record: Record, benchmark: BenchmarkFixture, request: pytest.FixtureRequest) -> Animate:
    """Draw beside an animation, with the options of the command line, or the test's own."""
    return Animate(record, benchmark, option_of(request))


def draw_beside(session: AnimatedSession, question: Question, plan: Plan) -> Drawn:
    """Draw from all starts that *plan* wants, each warmed up before; raise what wrong answers raise."""
    drawn = Drawn()
    for start in range(plan.starts):
        if start:
            session.renew()
        warm = warm_up(session, question.feeds, plan)
        drawn.warm_up += len(warm)
        block, suffered, parity = _checked(session, question, _seconds(session.facts, warm))
        drawn.blocks.append(replace(block, start=start))
        drawn.suffered.append(suffered)
        drawn.parity = max(drawn.parity, parity)
    return drawn


def _seconds(facts: Facts, warm: Sequence[float]) -> float:
    """Return the length of a window, in which no page becomes older than its *facts* let it."""
    if not facts.lifetime or not warm:
        return WINDOW
    return min(WINDOW, (facts.lifetime - len(warm)) * min(warm))


def _checked(session: AnimatedSession, question: Question, seconds: float) -> tuple[Block, Blocking, float]:
    """Return samples without outputs, what the animation suffered, and the difference of the last answer."""
    began = time.perf_counter()
    block, suffered = session.blocking(question.feeds, seconds)
    check(block, suffered.inferences, time.perf_counter() - began, session.facts, busy=False)
    parity = question.check(session.facts, block.outputs)
    return readable(replace(block, outputs={}), session.facts), suffered, parity


def _told(drawn: Drawn) -> dict[str, Any]:
    return {
        "warmup_rounds": drawn.warm_up,
        "parity": drawn.parity,
        keys.STARTS_WANTED: len(drawn.suffered),
        keys.BLOCKING: asdict(most_frozen(drawn.suffered)),
        keys.LONGEST_TASK: figure([suffered.longest_task for suffered in drawn.suffered]).to_json(),
    }


def most_frozen(suffered: Sequence[Blocking]) -> Blocking:
    """Return what the start tells whose page was blocked for the largest share of the time."""
    return max(suffered, key=lambda one: (one.blocked, one.longest_task))


def doubts(suffered: Sequence[Blocking]) -> dict[str, str]:
    """Say in words what makes the figures doubtful, by the name of the check."""
    found = {}
    farthest = max((one.frames_at_rest for one in suffered), key=lambda frames: abs(frames - FRAMES_A_SECOND))
    if abs(farthest / FRAMES_A_SECOND - 1) > TOLERATED:
        words = f"at rest the page drew {farthest:.0f} frames a second, not {FRAMES_A_SECOND}"
        found["frames_at_rest"] = f"{words}: so what it missed is not the inferences' doing alone"
    if disputed := [one.disagreement for one in suffered if _is_disputed(one)]:
        words = "over how long a task took"
        found["disagreement"] = f"page, browser and frames differ by up to {_milliseconds(max(disputed))} {words}"
    return found


def _is_disputed(one: Blocking) -> bool:
    """Whether page, browser and frames differ over a task by more than a frame, and than is tolerated."""
    return one.disagreement > max(1 / FRAMES_A_SECOND, TOLERATED * one.longest_task)


def headline(longest_task: float, worst: Blocking) -> str:
    """Say it in words: the longest task in the middle of the starts, and what else of the start that froze most."""
    words = f"longest task {_milliseconds(longest_task)}; at worst blocked {worst.blocked:.0%} of the time"
    return f"{words}, {worst.frames_missed} of {worst.frames_wanted} frames missed"


def _milliseconds(seconds: float) -> str:
    """Write the length of a task, of which a browser tells whole milliseconds."""
    return f"{seconds * 1e3:,.0f} ms" if seconds >= 0.01 else f"{seconds * 1e3:.1f} ms"
