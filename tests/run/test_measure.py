"""The steady state is drawn from several starts: renewed, warmed up, kept on one core with the partner, and let go."""

import itertools
import os
from dataclasses import replace
from types import SimpleNamespace

import pytest

from benchmarks.measuring import energy
from benchmarks.measuring.sampler import Plan, SampleError
from benchmarks.protocol import Block, CpuTime, Facts
from benchmarks.run import measure
from benchmarks.run.measure import Measure, draw_all, draw_core
from browser_harness.processes import USABLE

FACTS = Facts("test", "TestProvider", 1, "test.clock", 1e-9)
QUESTION = SimpleNamespace(feeds={})
PLAN = Plan(min_rounds=5, max_time=1.0)  # 0.2 s of each of five starts: two blocks


class Scripted:
    """A session whose inferences take as long as they are said to; what is asked of it and of others is noted."""

    def __init__(self, name, asked, seconds=0.01, computing=1.0, broken=False, **facts):
        self.name, self.asked, self.seconds, self.computing = name, asked, seconds, computing
        self.facts, self.broken = replace(FACTS, platform=name, **facts), broken

    def renew(self):
        self.asked.append((self.name, "renew"))

    def keep_on(self, core):
        self.asked.append((self.name, "keep", core))

    def time(self, feeds, rounds, iterations=1):
        self.asked.append((self.name, "time", rounds))
        if self.broken and rounds > 1:
            raise SampleError("broken on purpose")
        spent = rounds * iterations * self.seconds
        return Block([self.seconds] * rounds, {}, CpuTime(self.computing * spent, spent), iterations=iterations)


@pytest.fixture
def asked():
    return []


@pytest.fixture(autouse=True)
def slow_wall(monkeypatch):
    """Let every call seem to have taken a second, so that scripted samples fit into it."""
    ticks = itertools.count()
    monkeypatch.setattr("benchmarks.measuring.sampler.time.perf_counter", lambda: float(next(ticks)))


@pytest.fixture
def cores(monkeypatch):
    """The cores that are drawn: 10, 11, and so on, on which nothing here is really kept."""
    drawn, kept = itertools.count(10), []
    monkeypatch.setattr(measure, "USABLE", {*range(10, 20)})
    monkeypatch.setattr(measure.random, "choice", lambda among: next(drawn))
    monkeypatch.setattr(measure.system, "stay_on", kept.append)
    return kept


def of(asked, *kinds):
    return [call for call in asked if call[1] in kinds]


def test_each_start_is_renewed_but_the_first_and_the_partner_before_the_session(asked, cores):
    draw_all(Scripted("ours", asked), Scripted("theirs", asked), QUESTION, replace(PLAN, warmup_rounds=3))
    first = asked[: asked.index(("theirs", "renew"))]
    assert of(asked, "renew") == [("theirs", "renew"), ("ours", "renew")] * 4
    assert len(asked) == 5 * len(first) + 8  # every start is as the first, and renewed
    warm_up = [("theirs", "time", 1), ("theirs", "time", 1), ("theirs", "time", 1)]
    assert first[:6] == warm_up + [("ours", *call[1:]) for call in warm_up]


def test_both_sides_are_on_the_same_core_while_they_are_drawn_from_and_free_before_the_next_is_opened(asked, cores):
    drawn = draw_all(Scripted("ours", asked), Scripted("theirs", asked), QUESTION, replace(PLAN, warmup_rounds=2))
    assert drawn.cores == [10, 11, 12, 13, 14]
    for core, start in zip(drawn.cores, of_starts(asked), strict=True):
        assert of(start, "keep") == [
            ("theirs", "keep", core),
            ("ours", "keep", core),
            ("theirs", "keep", None),
            ("ours", "keep", None),
        ]
        kept, free = start.index(("theirs", "keep", core)), start.index(("theirs", "keep", None))
        assert [*of(start[:kept], "time")] == [("theirs", "time", 1)] * 2 + [("ours", "time", 1)] * 2  # the warm-up
        assert of(start[kept:free], "time") == [("ours", "time", 10), ("theirs", "time", 10)] * 2
        assert of(start[free:], "time") == []
    usable = {*range(10, 20)}
    assert cores == [where for core in drawn.cores for where in ({core}, usable)]  # this thread, with its witness


def of_starts(asked):
    """Return what was asked in each start, without the renewal."""
    starts = [[]]
    for call in asked:
        if call[1] == "renew":
            starts += [[]] if starts[-1] else []
        else:
            starts[-1].append(call)
    return starts


def test_blocks_say_from_which_start_they_are_and_which_partners_block_is_beside_them(asked, cores):
    ours, theirs = Scripted("ours", asked), Scripted("theirs", asked, seconds=0.002)
    drawn = draw_all(ours, theirs, QUESTION, replace(PLAN, warmup_rounds=2))
    numbers = [number for number in range(5) for _block in range(2)]
    assert [block.start for block in drawn.blocks] == [block.start for block in drawn.partner_blocks] == numbers
    assert {len(block.seconds) for block in drawn.blocks} == {10}
    assert {len(block.seconds) for block in drawn.partner_blocks} == {50}  # as many seconds
    assert drawn.warm_up == 5 * 2  # of the session alone


def test_without_a_partner_and_a_warm_up_there_are_the_same_starts(asked, cores):
    drawn = draw_all(Scripted("ours", asked), None, QUESTION, PLAN)
    assert of(asked, "renew") == [("ours", "renew")] * 4
    assert {block.start for block in drawn.blocks} == {*range(5)}
    assert (drawn.partner_blocks, drawn.warm_up) == ([], 0)
    assert next(call[2] for call in of(of_starts(asked)[0], "time")) == 1  # nothing is known of it yet


def test_a_partner_that_was_not_warmed_up_is_estimated_first(asked, cores):
    draw_all(Scripted("ours", asked), Scripted("theirs", asked, seconds=0.002), QUESTION, replace(PLAN, starts=1))
    assert of(asked, "time")[:6] == [
        *[("theirs", "time", 1), ("ours", "time", 1)] * 2,  # is it long enough for the clock, and how long is it?
        ("ours", "time", 10),
        ("theirs", "time", 50),
    ]


@pytest.mark.parametrize("side", ["ours", "theirs"])
@pytest.mark.parametrize("threads", [None, 2])
def test_a_runtime_with_threads_of_its_own_leaves_both_sides_free(asked, cores, side, threads):
    ours, theirs = (
        Scripted(name, asked, **({"threads": threads} if name == side else {})) for name in ("ours", "theirs")
    )
    drawn = draw_all(ours, theirs, QUESTION, PLAN)
    assert drawn.cores == [None] * 5
    assert of(asked, "keep") == cores == []
    assert len(drawn.blocks) == len(drawn.partner_blocks)


def test_a_system_that_keeps_nothing_on_a_core_is_not_asked_to(asked, monkeypatch):
    monkeypatch.setattr(measure, "USABLE", frozenset())
    assert draw_core([Scripted("ours", asked)]) is None


def test_the_core_is_drawn_among_those_that_may_be_used(asked):
    drawn = {draw_core([Scripted("ours", asked), Scripted("theirs", asked)]) for _ in range(100)}
    assert drawn == ({*USABLE} or {None})


def test_an_inference_that_fails_lets_everything_go(asked):
    broken = Scripted("ours", asked, broken=True)
    with pytest.raises(SampleError, match=r"^broken on purpose$"):
        draw_all(broken, Scripted("theirs", asked, threads=1), QUESTION, PLAN)
    if USABLE:
        with pytest.raises(SampleError, match=r"^broken on purpose$"):
            draw_all(broken, None, QUESTION, PLAN)
        assert of(asked, "keep")[-1] == ("ours", "keep", None)
        assert os.sched_getaffinity(0) == USABLE


def test_energy_is_counted_while_samples_are_drawn_alone(asked, cores, monkeypatch):
    """A joule for every inference: those that warm up, and what a page costs, are not among them."""
    monkeypatch.setattr(energy, "read", lambda: {"meter": (float(joules(asked)), None)})
    drawn = draw_all(Scripted("ours", asked), None, QUESTION, replace(PLAN, warmup_rounds=2))
    assert drawn.joules == {"meter": sum(len(block.seconds) for block in drawn.blocks)}
    assert joules(asked) == drawn.joules["meter"] + 5 * 2 + 4 * 1000


def joules(asked):
    return sum(1000 if call[1] == "renew" else call[2] if call[1] == "time" else 0 for call in asked)


def test_no_page_is_drawn_from_for_longer_than_it_stays_young(asked, cores):
    """The first neither, of which nothing was known before it was warmed up."""
    ours, theirs = Scripted("ours", asked, seconds=0.001, lifetime=60), Scripted("theirs", asked, seconds=0.001)
    drawn = draw_all(ours, theirs, QUESTION, replace(PLAN, warmup_rounds=10))
    assert len(drawn.cores) == 20  # 1,000 inferences, 50 of each
    for start in of_starts(asked):
        assert sum(call[2] for call in of(start, "time") if call[0] == "ours") <= 60
    assert sum(len(block.seconds) for block in drawn.blocks) == 1000


@pytest.mark.parametrize("busy", ["ours", "theirs"])
def test_a_side_on_more_threads_than_it_says_is_refused(asked, cores, busy):
    ours, theirs = (Scripted(name, asked, computing=2.0 if name == busy else 1.0) for name in ("ours", "theirs"))
    options = {"min_rounds": 5, "max_time": 1.5, "warmup": False, "precision": None, "confidence": 0.99, "starts": 5}
    with pytest.raises(SampleError, match=rf"^{busy}: 1 thread\(s\) in force, but 2\.0 were computing"):
        Measure(None, None, options.get, None, None)._measured(ours, theirs, QUESTION)
