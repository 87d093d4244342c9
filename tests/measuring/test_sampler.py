"""The sampler draws what the plan wants, yields between blocks, and refuses samples that cannot be true."""

import itertools
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.measuring.ratio import percentile
from benchmarks.measuring.sampler import (
    BLOCK_SECONDS,
    CLOCK_STEPS,
    WARM_UP_SECONDS,
    Plan,
    SampleError,
    Side,
    check,
    check_slowdown,
    check_whole,
    draw,
    draw_in_turns,
    enough,
    readable,
    warm_up,
    while_young,
)
from benchmarks.protocol import Block, CpuTime, Facts, Slowdown
from benchmarks.run.replay import ReplayClock, describe

FACTS = Facts("test", "TestProvider", 1, "test.clock", 1e-9)
BATCH = {"input": np.zeros((1, 3, 32, 32), np.float32)}


def block(seconds, all_threads=None, busiest_thread=0.0):
    cpu = None if all_threads is None else CpuTime(all_threads, busiest_thread)
    return Block(seconds, {"logits": np.zeros((1, 100), np.float32)}, cpu)


class Scripted:
    """A session whose inferences take given seconds, without taking them: its facts allow for that."""

    def __init__(self, seconds, computing=1.0, surrounding="process"):
        self.seconds, self.drawn, self.computing = itertools.cycle(seconds), [], computing
        self.facts = replace(FACTS, surrounding=surrounding)

    def time(self, batch, rounds, iterations=1):
        self.drawn.append(rounds)
        rows = [list(itertools.islice(self.seconds, iterations)) for _ in range(rounds)]
        spent = sum(map(sum, rows))
        cpu = self.computing * spent, spent
        return replace(block([sum(row) / iterations for row in rows], *cpu), iterations=iterations)


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
    sides = Side(ours, BATCH, 1), Side(theirs, BATCH, 1)
    pairs = list(draw_in_turns(*sides, Plan(min_rounds=5, max_time=1.0), (0.01, 0.002)))
    assert ours.drawn == [10] * 10
    assert theirs.drawn == [50] * 10
    assert all(math.fsum(mine.seconds) == pytest.approx(math.fsum(other.seconds)) for mine, other in pairs)


def test_a_start_draws_its_share_of_the_whole():
    whole = Plan(min_rounds=7, max_time=1.0, warmup_rounds=50, precision=0.1, starts=5)
    assert whole.of_a_start == replace(whole, min_rounds=2, max_time=0.2)
    assert replace(whole, starts=1).of_a_start == replace(whole, starts=1)


@pytest.mark.parametrize(
    ("lifetimes", "estimate", "starts"),
    [
        ([None, None], 0.001, 5),
        ([500], None, 5),  # nothing is known yet
        ([500], 0.01, 5),  # a fifth of 100 inferences is no age
        ([500], 0.0001, 23),  # 10,000 inferences; of 500, 50 are the warm-up
        ([None, 500, 250], 0.0001, 50),
        ([40], 0.001, 50),  # a warm-up longer than its life leaves half of that
    ],
)
def test_there_are_as_many_starts_as_leave_no_page_to_grow_old(lifetimes, estimate, starts):
    whole, facts = (
        Plan(min_rounds=5, max_time=1.0, warmup_rounds=50),
        [replace(FACTS, lifetime=one) for one in lifetimes],
    )
    assert whole.for_sessions(facts, estimate) == replace(whole, starts=starts)


def test_rounds_that_have_to_be_are_counted_against_a_lifetime_too():
    assert Plan(min_rounds=10_000, max_time=0.1).for_sessions([replace(FACTS, lifetime=500)], 0.01).starts == 20


def test_precision_ends_early_but_not_before_min_rounds():
    plan = Plan(min_rounds=30, max_time=100, precision=0.5)
    assert 30 <= len(samples_of(draw(Scripted([0.01, 0.011]), BATCH, plan, 0.01))) < 100


def test_warm_up_runs_the_rounds_it_was_given():
    session = Scripted([0.0002, 0.0001, 0.00001])
    assert len(warm_up(session, BATCH, Plan(5, 10.0, warmup_rounds=50))) == 50
    assert session.drawn[:2] == [1, 1]


@pytest.mark.parametrize("surrounding", ["page", "process"])
def test_a_start_is_warmed_up_for_as_long_as_its_surrounding_needs(surrounding):
    seconds = WARM_UP_SECONDS[surrounding]
    session = Scripted([seconds / 64], surrounding=surrounding)
    warm_up(session, BATCH, Plan(5, 1.0, warmup_rounds=1000))
    assert session.drawn == [1, 1, 62]
    assert WARM_UP_SECONDS["page"] > WARM_UP_SECONDS["process"]


def test_a_warm_up_whose_inferences_become_shorter_goes_on():
    session = Scripted([*[WARM_UP_SECONDS["process"] / 4] * 2, *[WARM_UP_SECONDS["process"] / 8] * 20])
    warm_up(session, BATCH, Plan(5, 1.0, warmup_rounds=1000))
    assert session.drawn == [1, 1, 2, 2]


def test_one_slow_inference_is_warm_up_enough():
    assert len(warm_up(Scripted([0.5]), BATCH, Plan(5, 1.0, warmup_rounds=50))) == 1


def test_no_warm_up_runs_nothing():
    assert warm_up(Scripted([0.5]), BATCH, Plan(5, 1.0)) == []


class Coarse(Scripted):
    """One whose clock steps, by default, 5 µs: it reads as many whole steps as fit between two readings."""

    def __init__(self, seconds, step=5e-6, **options):
        super().__init__([seconds] if isinstance(seconds, float) else seconds, **options)
        self.facts, self.asked, self.now = replace(self.facts, clock_resolution=step), [], 0.0

    def time(self, batch, rounds, iterations=1):
        self.asked.append((rounds, iterations))
        samples = []
        for _ in range(rounds):
            start, self.now = self.now, self.now + math.fsum(itertools.islice(self.seconds, iterations))
            steps = round((self.now - start) / 1e-12) * 1e-12 / self.facts.clock_resolution
            offset = start / self.facts.clock_resolution % 1
            samples.append(math.floor(steps + offset) * self.facts.clock_resolution / iterations)
        return replace(block(samples), iterations=iterations)


@pytest.mark.parametrize("warmup_rounds", [0, 200])
@pytest.mark.parametrize(
    ("seconds", "iterations"), [(3e-8, 32768), (1e-6, 1024), (4e-5, 32), (0.0005, 2), (0.0009, 1), (0.3, 1)]
)
def test_a_sample_of_a_quick_graph_is_of_so_many_inferences_that_its_clock_sees_it(seconds, iterations, warmup_rounds):
    side = Side(Coarse(seconds), BATCH)
    side.warm_up(Plan(5, 0.1, warmup_rounds=warmup_rounds))
    assert side.iterations == iterations
    (drawn, *_) = draw(side.session, BATCH, Plan(5, 0.1), side.estimate(side.warm_up(Plan(5, 0.1))), side.iterations)
    assert drawn.iterations == iterations
    assert drawn.duration / len(drawn.seconds) >= CLOCK_STEPS * 5e-6
    assert drawn.seconds[0] == pytest.approx(seconds, rel=0.01)


def test_what_is_long_for_its_clock_is_asked_nothing_more_than_its_warm_up():
    session = Coarse(0.01)
    warm = Side(session, BATCH).warm_up(Plan(5, 0.1, warmup_rounds=4))
    assert session.asked == [(1, 1), (1, 1), (2, 1)]
    assert (warm.samples, warm.inferences) == (pytest.approx([0.01] * 4, abs=5e-6), 4)


def test_a_graph_that_gets_faster_as_it_warms_up_is_looked_at_when_it_is_warm():
    side = Side(Coarse([*[5e-4] * 250, *[5e-5] * 5000], surrounding="page"), BATCH)
    side.warm_up(Plan(5, 0.1, warmup_rounds=200))
    assert side.iterations == 16


def test_a_graph_that_gets_faster_by_a_third_once_it_was_looked_at_is_still_long_enough():
    side = Side(Coarse(1e-5, surrounding="page"), BATCH)
    side.warm_up(Plan(5, 0.1, warmup_rounds=200))
    assert side.iterations * 1e-5 * 0.65 >= CLOCK_STEPS * side.session.facts.clock_resolution


def test_all_starts_make_a_sample_of_as_many_inferences():
    session = Coarse(2e-5)
    side = Side(session, BATCH)
    side.warm_up(Plan(5, 0.1, warmup_rounds=20))
    session.seconds, session.asked = itertools.cycle([0.01]), []
    warm = side.warm_up(Plan(5, 0.1, warmup_rounds=20))
    assert {iterations for _, iterations in session.asked} == {64}
    assert warm.inferences == 64 * len(warm.samples)


def test_a_plan_counts_the_seconds_of_all_inferences_of_a_sample():
    blocks = [*draw(Coarse(1e-5), BATCH, Plan(5, 0.1), 1e-5, 64)]
    assert math.fsum(one.duration for one in blocks) == pytest.approx(0.1, rel=0.02)
    assert sum(one.inferences for one in blocks) == pytest.approx(10_000, rel=0.02)


def test_a_partner_that_needs_more_inferences_takes_turns_of_equal_length():
    sides = Side(Coarse(0.001), BATCH, 1), Side(Coarse(1e-5), BATCH, 64)
    for ours, theirs in draw_in_turns(*sides, Plan(5, 1.0), (0.001, 1e-5)):
        assert ours.duration == pytest.approx(theirs.duration, rel=0.02)
        assert (ours.iterations, theirs.iterations) == (1, 64)


def test_a_page_ages_by_inferences():
    facts = replace(FACTS, lifetime=800)
    blocks = itertools.repeat(replace(block([0.001] * 5), iterations=32))
    assert len([*while_young(blocks, facts, 320)]) == 3
    assert Plan(40, 1e-9, warmup_rounds=1).for_sessions([facts], 1e-3, 128).starts == 8  # 5,120 / (800 - 128)


def test_a_clock_that_stands_still_is_told():
    with pytest.raises(
        SampleError, match=r"^test: test\.clock gave a sample of 0\.0 s for 1,024 inferences; does it stand still\?$"
    ):
        enough(SimpleNamespace(facts=FACTS, time=lambda _feeds, rounds, many: still(rounds, many)), BATCH, [])


def still(rounds, iterations):
    return replace(block([0.0] * rounds), iterations=iterations)


def test_a_session_that_overlooks_the_iterations_is_refused():
    with pytest.raises(SampleError, match=r"^test: wanted samples of 4 inferences, got some of 1$"):
        [*draw(SimpleNamespace(facts=FACTS, time=lambda *_: block([0.1])), BATCH, Plan(5, 1.0), None, 4)]


def test_the_samples_of_a_call_are_held_against_it_with_all_their_inferences():
    with pytest.raises(SampleError, match="is its unit wrong"):
        check(replace(block([0.01] * 10), iterations=64), 10, 1.0, FACTS)


def test_what_reads_0_and_cannot_be_made_longer_took_a_step_at_most():
    facts = replace(FACTS, clock_resolution=5e-6)
    assert readable(block([0.0, 1e-5]), facts).seconds == [5e-6, 1e-5]
    check(block([0.0]), 1, 1.0, facts, busy=False)


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
    def drawn(computing, seconds=1.5):
        return [*draw(Scripted([0.01], computing=computing), BATCH, Plan(min_rounds=5, max_time=seconds), 0.01)]

    check_whole(drawn(1.4), FACTS)
    check_whole(drawn(1.8, seconds=0.5), FACTS)  # in its first second a page may still be compiling
    check_whole(drawn(1.8), replace(FACTS, threads=None))  # as many as the platform likes
    check_whole([*drawn(1.0), block([0.01])], FACTS)  # a block that does not tell
    with pytest.raises(SampleError, match=r"test: 1 thread\(s\) in force, but 1\.8 were computing"):
        check_whole(drawn(1.8), FACTS)


def test_the_page_may_compute_beside_its_worker_while_something_is_on_its_way_between_them():
    worker = replace(FACTS, where="worker")
    short, long = (replace(block([0.1] * 20, 1.9, 1.0), computing=[part] * 20, iterations=2) for part in (0.06, 0.099))
    check_whole([short], worker)
    for drawn, facts in (([long], worker), ([replace(short, computing=())], worker), ([short], FACTS)):
        with pytest.raises(SampleError, match=r"1 thread\(s\) in force, but 1\.9 were computing"):
            check_whole(drawn, facts)


def test_a_client_that_did_not_become_weaker_is_refused():
    weaker = replace(FACTS, slowdown=Slowdown(4))
    for facts, obtained in ((weaker, 2.9), (weaker, 8.0), (FACTS, 1.0)):
        check_slowdown(facts, obtained)
    for obtained in (2.7, math.nan):
        with pytest.raises(SampleError, match=rf"test: was to be 4 times slower, and is {obtained} times slower"):
            check_slowdown(weaker, obtained)


def test_percentiles_are_observed_values_and_need_enough_of_them():
    assert percentile([1.0, 2.0, 3.0, 4.0], 50) == 2.0
    info = describe(FACTS, [block([0.1] * 9 + [0.2] * 10, 0.19)], 8 * 19)
    assert {name for name in info if name[1:].isdigit()} == {"p10", "p50", "p90"}
    assert info["images_per_second"] == pytest.approx(8 * 19 / 2.9)
    assert info["cpu_seconds_per_inference"] == pytest.approx(0.01)


def test_the_starts_are_described_with_their_blocks_and_what_they_say_together():
    starts = [replace(block([value, 2 * value]), start=number // 2) for number, value in enumerate([1.0, 1.0] * 3)]
    info = describe(FACTS, starts[:-1], 1)
    assert (info["starts"], info["surrounding"]) == ([[2, 2], [2, 2], [2]], "process")
    assert {name: figure["value"] for name, figure in info["figures"].items()} == {
        "p10": pytest.approx(1.0),
        "median": pytest.approx(1.5),
        "mean": pytest.approx(1.5),
    }
    assert all(figure["starts"] == 3 and figure["low"] < figure["high"] for figure in info["figures"].values())


def test_processor_time_is_left_out_where_one_block_lacks_it():
    assert "cpu_seconds_per_inference" not in describe(FACTS, [block([0.1], 0.1), block([0.1])], 1)


def test_the_replay_clock_reads_each_round_exactly():
    clock, rounds = ReplayClock(), (0.1 + 0.2, 1e-9, 3.0)
    clock.wind_up(rounds)
    for seconds in rounds:
        assert not clock.is_in_round
        start = clock()
        assert clock.is_in_round
        assert clock() - start == seconds
    assert not clock.is_in_round
