"""What LoadGen finds of systems that are known: quick, slow, failing, saturated."""

import threading
import time

import numpy as np
import pytest
from systems import FEEDS, busy, check, system

pytest.importorskip("mlperf_loadgen", reason="it has wheels for some versions of Python only")

from benchmarks.loadgen import LoadError, Plan, ask_only, search
from benchmarks.loadgen.trial import Asking, Trial, run, verdict
from benchmarks.loadgen.workers import Worker, Workers
from benchmarks.measuring.parity import ParityError
from benchmarks.protocol import UnavailableError

QUICK = Plan(p99=0.05, seconds=0.05, queries=500, longest=2.0, precision=0.5, repeats=3, timeout=5.0)


def find(tried, plan=QUICK, told=None):
    return search(tried, FEEDS, check, plan, [].append if told is None else told.append)


@pytest.fixture
def workers():
    """Start one worker of a system, to be asked in single trials."""
    started = []

    def start(act=lambda number: None, timeout=5.0):
        started.append(Workers("made-up", [Worker(system(act).opens, FEEDS, check)], timeout))
        return started[-1].__enter__()

    yield start
    for one in started:
        one.__exit__(None, ValueError(), None)


def test_a_system_that_does_nothing_is_carried_by_all_scenarios():
    told, opened = [], []
    carried = find(system(workers=2, opened=opened), told=told)
    assert (carried.workers, carried.parity) == (2, 0)
    single, offline, server = carried.single, carried.offline, carried.server
    assert single.rate is None
    assert len(single.samples) == single.trials[0].queries >= QUICK.queries
    assert np.percentile(single.samples, 50, method="nearest") == pytest.approx(single.trials[0].percentiles[50], 0.1)
    rates = [trial.per_second for trial in offline.trials if trial.verdict == "valid"]
    assert [1 / sample for sample in offline.samples] == pytest.approx(rates)
    assert offline.rate.low <= offline.rate.value <= offline.rate.high
    assert server.rate.low == server.rate.value < server.rate.high
    assert len(told) == sum(len(outcome.trials) for outcome in (single, offline, server))
    # Opened and closed in the workers' own threads.
    assert len({thread for _, thread in opened}) == 2
    assert threading.get_ident() not in {thread for _, thread in opened}
    assert [opened.count(("close", thread)) for _, thread in opened] == [1] * 4


class MadeUp:
    """Trials of a server of a *capacity* that takes as long as *alone* for a query alone; no LoadGen, no time."""

    def __init__(self, capacity, alone=1e-4, enough=0):
        self.capacity, self.alone, self.enough, self.asked = capacity, alone, enough, []

    def __call__(self, workers, asking):
        self.asked.append(asking)
        queries, verdict = max(asking.queries, round(asking.expected * asking.seconds)), "valid"
        if asking.scenario == "Offline":
            verdict = "valid" if 1.1 * asking.expected >= self.capacity else "short"
        elif asking.scenario == "Server":
            verdict = "over" if asking.expected > self.capacity else "valid" if queries >= self.enough else "unproved"
        rate = asking.expected if asking.scenario == "Server" else None
        latencies = dict.fromkeys((50, 90, 99), self.alone)
        return Trial(asking.scenario, rate, verdict, queries, asking.seconds, False, latencies, self.capacity)


@pytest.fixture
def found(monkeypatch):
    """Search among trials that are made up."""

    def search_among(made_up, plan=QUICK, told=None):
        monkeypatch.setattr("benchmarks.loadgen.scenarios.run", made_up)
        return find(system(), plan, told)

    return search_among


def test_expectations_come_from_the_trials_before(found):
    made_up = MadeUp(1000.0)
    carried = found(made_up)
    single, *rest = made_up.asked
    assert single.expected < 1e-3, "of a system that does nothing, while it warmed up"
    offline = [asking for asking in rest if asking.scenario == "Offline"]
    assert offline[0].expected == 1 / made_up.alone
    first = next(asking for asking in rest if asking.scenario == "Server")
    assert first.expected == pytest.approx(800)
    assert carried.offline.rate.value == pytest.approx(1000)
    assert carried.server.rate.value <= 1000 < carried.server.rate.high <= carried.server.rate.value * 1.5


def test_a_trial_is_so_long_that_what_is_not_carried_shows():
    plan = Plan(p99=1.0, seconds=3.0, queries=1000, precision=0.05)
    assert plan.length(1000.0) == 20, "1,050 a second where 1,000 are answered: the last waits for the bound"
    assert (plan.length(10.0), Plan(p99=0.02, seconds=3.0).length(1000.0)) == (100, 3)


def test_an_offline_trial_that_was_too_short_is_made_again_and_told(found):
    told, made_up = [], MadeUp(1000.0, alone=0.01)
    carried = found(made_up, told=told)
    assert [trial.verdict for trial in carried.offline.trials] == ["short", "valid", "valid", "valid"]
    assert len(carried.offline.samples) == QUICK.repeats, "without figures of the one that ended early"
    assert told[1] == "Offline: 1,000.0/s, ended early, 5 queries"


def test_where_queries_are_too_few_to_tell_a_trial_is_made_again_with_twice_as_many(found):
    told, made_up = [], MadeUp(1000.0, enough=1000)
    carried = found(made_up, told=told)
    assert {"unproved", "valid"} <= {trial.verdict for trial in carried.server.trials}, "those are told too"
    assert all(trial.queries >= 1000 for trial in carried.server.trials if trial.verdict == "valid")
    assert any("within 50 ms perhaps by chance, " in line for line in told)
    asked = [asking for asking in made_up.asked if asking.scenario == "Server"]
    assert asked[1].seconds == 2 * asked[0].seconds
    with pytest.raises(UnavailableError, match="no rate is carried"):
        found(MadeUp(1000.0, enough=10**9)).server  # noqa: B018


def test_where_a_query_alone_takes_longer_no_rate_is_carried_and_the_rest_is_measured(found):
    carried = found(MadeUp(1000.0, alone=0.06))
    assert carried.offline.rate.value == pytest.approx(1000)
    words = r"^made-up: no rate is carried within p99 50 ms: p90 of a query alone is 60 ms; raise --p99$"
    with pytest.raises(UnavailableError, match=words):
        carried.server  # noqa: B018


def test_a_rate_whose_queries_would_take_too_long_is_not_tried(found):
    made_up = MadeUp(100.0)  # 500 queries in at most 2 s are 250 a second
    words = r"^made-up: no rate is carried within p99 50 ms: not 250\.0/s, and 500 queries at less take over 2 s; raise"
    with pytest.raises(UnavailableError, match=words):
        found(made_up).server  # noqa: B018
    assert min(asking.expected for asking in made_up.asked if asking.scenario == "Server") == 250


def test_a_trial_far_beyond_saturation_is_given_up(workers):
    tried = workers(lambda number: busy(1e-3))
    start = time.perf_counter()
    trial = run(tried, Asking("Server", 0.5, 100, 20_000.0, 0.01))  # its 10,000 queries are 10 s of work
    assert time.perf_counter() - start < 5
    assert (trial.verdict, trial.is_given_up) == ("over", True)
    assert (trial.percentiles, trial.per_second) == ({}, None), "what was not computed has no figures"
    assert "p99" not in trial.to_json()
    assert run(tried, Asking("Server", 0.05, 100, 100.0, 5.0)).is_given_up is False, "the next trial begins anew"


def test_a_trial_of_few_queries_is_unproved_and_not_over(workers):
    trial = run(workers(), Asking("Server", 0.02, 50, 1000.0, 0.1))
    assert (trial.verdict, trial.is_given_up) == ("unproved", False)
    assert trial.percentiles[99] < 0.1


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"result_validity": "VALID"}, "valid"),
        ({"result_perf_constraints_met": False, "early_stopping_met": False}, "over"),
        ({"result_perf_constraints_met": False, "result_min_duration_met": False}, "over"),
        ({"result_perf_constraints_met": True, "early_stopping_met": False}, "unproved"),
        ({"result_perf_constraints_met": True, "result_min_queries_met": False}, "short"),
        ({"result_min_duration_met": False}, "short"),  # Offline and SingleStream have no constraint
    ],
)
def test_invalid_is_told_apart(told, expected):
    usual = {"result_validity": "INVALID", "result_min_duration_met": True, "result_min_queries_met": True}
    assert verdict(usual | told) == expected


def test_a_worker_that_fails_ends_the_trial_with_its_error():
    def act(number):
        if number == 300:
            raise OSError("the connection was closed")

    with pytest.raises(OSError, match="the connection was closed"):
        find(system(act, workers=2))


def test_a_worker_that_hangs_ends_the_trial_with_one_error():
    go_on = threading.Event()

    def act(number):
        if number == 300:
            go_on.wait(60)

    plan = Plan(seconds=0.05, queries=500, longest=2.0, timeout=0.2)
    with pytest.raises(
        LoadError, match=r"^made-up: did not answer under load within 0\.2 s; raise --inference-timeout"
    ):
        find(system(act), plan)
    go_on.set()


def test_an_interrupt_ends_the_trial_and_leaves_no_thread(monkeypatch, workers):
    def interrupt():
        raise KeyboardInterrupt

    tried = workers()
    monkeypatch.setattr(tried, "watch", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(tried, Asking("Server", 0.3, 100, 300.0, 0.05))
    assert "loadgen" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("number", [0, 150])
def test_a_wrong_answer_before_the_load_and_under_it_fails(number):
    wrong = {"x": FEEDS["x"] + 1}
    with pytest.raises(ParityError, match="made-up: x differ from the reference's"):
        find(system(lambda asked: wrong if asked >= number else None))


def test_what_cannot_be_opened_says_why():
    def act(number):
        raise UnavailableError("made-up: buy one")

    with pytest.raises(UnavailableError, match="buy one"):
        find(system(act))


def test_without_load_each_worker_is_asked_all_the_same():
    opened = []
    facts, parity = ask_only(system(workers=3, opened=opened), FEEDS, check, QUICK)
    assert (facts.platform, parity, len(opened)) == ("made-up", 0, 6)
