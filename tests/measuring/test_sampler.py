"""The sampler draws what the plan wants, yields between blocks, and refuses samples that cannot be true."""

import itertools
import math

import numpy as np
import pytest

from benchmarks.measuring import sampler
from benchmarks.measuring.ratio import percentile
from benchmarks.measuring.sampler import (
    BLOCK_SECONDS,
    PAGE_BLOCK_SECONDS,
    Plan,
    SampleError,
    check,
    draw,
    draw_in_turns,
    warm_up,
)
from benchmarks.protocol import Block, CpuTime, Facts
from benchmarks.run.replay import ReplayClock, describe

FACTS = Facts("test", "TestProvider", 1, "test.clock", 1e-9)
BATCH = {"input": np.zeros((1, 3, 32, 32), np.float32)}


def block(seconds, all_threads=None, busiest_thread=0.0):
    cpu = None if all_threads is None else CpuTime(all_threads, busiest_thread)
    return Block(seconds, {"logits": np.zeros((1, 100), np.float32)}, cpu)


class Scripted:
    """A session whose inferences take given seconds, without taking them: its facts allow for that."""

    def __init__(self, seconds, resolution=1e-9, computing=1.0, lifetime=None):
        self.seconds, self.drawn, self.resolution = itertools.cycle(seconds), [], resolution
        self.computing, self.lifetime, self.renewals = computing, lifetime, []

    @property
    def facts(self):
        return Facts("test", "TestProvider", 1, "test.clock", self.resolution, self.lifetime)

    def renew(self, batch):
        self.renewals.append(len(self.drawn))
        return 10

    def time(self, batch, rounds):
        self.drawn.append(rounds)
        seconds = list(itertools.islice(self.seconds, rounds))
        return block(seconds, self.computing * sum(seconds), sum(seconds))


@pytest.fixture(autouse=True)
def slow_wall(monkeypatch):
    """Let every call seem to have taken a second, so that scripted samples fit into it."""
    ticks = itertools.count()
    monkeypatch.setattr("benchmarks.measuring.sampler.time.perf_counter", lambda: float(next(ticks)))


def samples_of(blocks):
    return [value for block in blocks for value in block.seconds]


def test_draws_until_the_time_is_spent():
    session = Scripted([0.01])
    samples = samples_of(draw(session, BATCH, Plan(min_rounds=5, max_time=1.0), estimate=0.01))
    assert math.fsum(samples) == pytest.approx(1.0, abs=0.011)
    assert session.drawn == [10] * 10


def test_min_rounds_take_precedence_over_time():
    assert len(samples_of(draw(Scripted([0.2]), BATCH, Plan(min_rounds=9, max_time=0.1)))) == 9


def test_the_first_block_is_one_round_where_nothing_is_known():
    session = Scripted([0.001])
    list(draw(session, BATCH, Plan(min_rounds=5, max_time=0.5)))
    assert session.drawn[0] == 1
    assert max(session.drawn) == math.ceil(BLOCK_SECONDS / 0.001)


def test_control_comes_back_between_blocks():
    session = Scripted([0.01])
    blocks = draw(session, BATCH, Plan(min_rounds=5, max_time=1.0), estimate=0.01)
    assert session.drawn == []
    next(blocks)
    assert len(session.drawn) == 1


def test_two_sessions_take_turns_of_equal_length():
    ours, theirs = Scripted([0.01]), Scripted([0.002])
    pairs = list(draw_in_turns(ours, theirs, BATCH, Plan(min_rounds=5, max_time=1.0), (0.01, 0.002)))
    assert ours.drawn == [10] * 10
    assert theirs.drawn == [50] * 10
    assert all(math.fsum(mine.seconds) == pytest.approx(math.fsum(other.seconds)) for mine, other in pairs)


def test_a_partner_whose_samples_cannot_be_true_is_refused():
    ours, theirs = Scripted([0.01]), Scripted([0.01], computing=2.0)
    with pytest.raises(SampleError, match=r"1 thread\(s\) in force, but 2\.0 were computing"):
        list(draw_in_turns(ours, theirs, BATCH, Plan(min_rounds=5, max_time=1.5), (0.01, 0.01)))


def test_blocks_that_each_need_a_page_are_longer():
    session = Scripted([0.01], lifetime=400)
    list(draw(session, BATCH, Plan(min_rounds=5, max_time=1.0), estimate=0.01))
    assert session.drawn == [25] * 4
    assert session.renewals == [0, 1, 2, 3]
    assert PAGE_BLOCK_SECONDS > BLOCK_SECONDS


def test_a_block_of_one_inference_is_not_worth_a_page():
    session = Scripted([0.01], lifetime=400)
    list(draw(session, BATCH, Plan(min_rounds=5, max_time=0.5)))
    assert session.drawn[0] == 1
    assert session.renewals == [*range(1, len(session.drawn))]


def test_single_inferences_make_a_page_older_too():
    session = Scripted([0.01], lifetime=30)
    plan = Plan(min_rounds=5, max_time=0.5, block_seconds=0.01)
    page = sampler._Page(session, BATCH, plan)
    for rounds in (2, *[1] * 16, 2):
        page.make_young_for(rounds)
    assert len(session.renewals) == 1  # at 10 inferences; it is as old as it may be now
    page.make_young_for(2)
    assert len(session.renewals) == 2


def test_a_partner_that_ages_is_renewed_too():
    session, partner = Scripted([0.01]), Scripted([0.01], lifetime=400)
    list(draw_in_turns(session, partner, BATCH, Plan(min_rounds=5, max_time=0.5), (0.01, 0.01)))
    assert (session.renewals, partner.renewals) == ([], [*range(len(partner.drawn))])


def test_in_turns_a_page_is_kept_while_it_is_young():
    session = Scripted([0.01], lifetime=30)
    list(draw(session, BATCH, Plan(min_rounds=5, max_time=0.4, block_seconds=0.08), estimate=0.01))
    assert session.drawn[:4] == [8, 8, 8, 6]
    assert session.renewals == [0, 2, 5]  # at 10 inferences, so that a third block would make more than 30


def test_what_does_not_age_is_never_renewed():
    session = Scripted([0.01])
    list(draw(session, BATCH, Plan(min_rounds=5, max_time=0.4, block_seconds=0.08), estimate=0.01))
    assert session.renewals == []


def test_precision_ends_early_but_not_before_min_rounds():
    plan = Plan(min_rounds=30, max_time=100, precision=0.5)
    assert 30 <= len(samples_of(draw(Scripted([0.01, 0.011]), BATCH, plan, 0.01))) < 100


def test_warm_up_runs_the_rounds_it_was_given():
    session = Scripted([0.02, 0.01, 0.001])
    assert len(warm_up(session, BATCH, Plan(5, 10.0, warmup_rounds=50))) == 50
    assert session.drawn[:2] == [1, 1]


def test_warm_up_stops_at_the_time_limit():
    assert len(warm_up(Scripted([0.5]), BATCH, Plan(5, 1.0, warmup_rounds=50))) == 2


def test_no_warm_up_runs_nothing():
    assert warm_up(Scripted([0.5]), BATCH, Plan(5, 1.0)) == []


def test_samples_too_short_for_their_clock_are_refused():
    with pytest.raises(SampleError, match=r"too short for test\.clock"):
        list(draw(Scripted([0.001], resolution=1e-4), BATCH, Plan(5, 0.05)))


@pytest.mark.parametrize(
    ("samples", "rounds", "wall", "words"),
    [
        ([0.1], 2, 1.0, "wanted 2 samples, got 1"),
        ([0.1, 0.0], 2, 1.0, "a sample of 0.0 s"),
        ([0.1, -0.1], 2, 1.0, "a sample of -0.1 s"),
        ([0.1, math.nan], 2, 1.0, "a sample of nan s"),
        ([math.inf, 0.1], 2, 1.0, "a sample of inf s"),
        ([400.0], 1, 0.5, "is its unit wrong"),
        ([0.0004], 1, 1.1, "is its unit wrong"),
    ],
    ids=str,
)
def test_impossible_samples_are_refused(samples, rounds, wall, words):
    with pytest.raises(SampleError, match=f"^test: .*{words}"):
        check(block(samples), rounds, wall, FACTS)


@pytest.mark.parametrize("wall", [0.301, 0.9], ids=["tight", "paused between samples"])
def test_possible_samples_pass(wall):
    check(block([0.1, 0.2]), 2, wall, FACTS)


def test_a_second_thread_at_work_is_refused():
    plan = Plan(min_rounds=5, max_time=1.5)
    list(draw(Scripted([0.01], computing=1.4), BATCH, plan, 0.01))
    with pytest.raises(SampleError, match=r"test: 1 thread\(s\) in force, but 1\.8 were computing"):
        list(draw(Scripted([0.01], computing=1.8), BATCH, plan, 0.01))


def test_threads_that_are_the_platforms_own_choice_are_not_counted(monkeypatch):
    free = Facts("test", "TestProvider", None, "test.clock", 1e-9)
    monkeypatch.setattr(Scripted, "facts", free)
    list(draw(Scripted([0.01], computing=1.8), BATCH, Plan(min_rounds=5, max_time=1.5), 0.01))


def test_percentiles_are_observed_values_and_need_enough_of_them():
    assert percentile([1.0, 2.0, 3.0, 4.0], 50) == 2.0
    info = describe(FACTS, [block([0.1] * 9 + [0.2] * 10, 0.19)], 8 * 19)
    assert {name for name in info if name[1:].isdigit()} == {"p10", "p50", "p90"}
    assert info["images_per_second"] == pytest.approx(8 * 19 / 2.9)
    assert info["cpu_seconds_per_inference"] == pytest.approx(0.01)


def test_processor_time_is_left_out_where_one_block_lacks_it():
    assert "cpu_seconds_per_inference" not in describe(FACTS, [block([0.1], 0.1), block([0.1])], 1)


def test_the_replay_clock_reads_each_sample_exactly():
    clock = ReplayClock()
    for sample in (0.1 + 0.2, 1e-9, 3.0):
        clock.arm(sample)
        start = clock()
        assert clock.fire()
        assert clock() - start == sample
    clock.arm(None)
    assert not clock.fire()
