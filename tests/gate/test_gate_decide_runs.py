"""What the gate says of stored runs, and that they never pass where they cannot tell."""

import math
import statistics

import numpy as np
import pytest
from scipy import stats

from benchmarks.gate.decide_runs import decide_stored
from benchmarks.gate.decide_starts import Rules
from benchmarks.gate.verdicts import Verdict

RULES = Rules()
SCATTER = [-0.010, -0.004, 0.0, 0.005, 0.009]


def runs(slower=0.0, scale=1.0):
    return [math.log1p(slower) + scale * value for value in SCATTER]


def verdict_on(base, head, can_confirm=False):
    return decide_stored({"one": base}, {"one": head}, RULES, can_confirm)["one"]


@pytest.mark.parametrize(
    ("slower", "confirmable", "alone"),
    [
        (0.0, Verdict.SAME, Verdict.SAME),
        (0.02, Verdict.SAME, Verdict.SAME),
        (-0.02, Verdict.SAME, Verdict.SAME),
        (0.031, Verdict.UNDECIDED, Verdict.UNDECIDED),
        (0.049, Verdict.UNDECIDED, Verdict.UNDECIDED),
        (0.051, Verdict.UNDECIDED, Verdict.SLOWER),
        (1.0, Verdict.UNDECIDED, Verdict.SLOWER),
        (1 / 1.031 - 1, Verdict.UNDECIDED, Verdict.UNDECIDED),
        (1 / 1.051 - 1, Verdict.UNDECIDED, Verdict.FASTER),
    ],
)
def test_verdicts(slower, confirmable, alone):
    for can_confirm, verdict in ((True, confirmable), (False, alone)):
        row = verdict_on(runs(), runs(slower), can_confirm)
        assert row.verdict is verdict
        assert ("lockstep" in row.why) == (verdict is Verdict.UNDECIDED)
        assert row.effect.value == pytest.approx(slower)


def test_the_effect_is_of_medians_and_the_interval_is_welchs():
    generator = np.random.default_rng(2)
    base, head = generator.normal(0, 0.01, 5).tolist(), generator.normal(0.1, 0.02, 7).tolist()
    effect = verdict_on(base, head).effect
    half = stats.t.ppf(0.995, stats.ttest_ind(head, base, equal_var=False).df)
    half *= math.sqrt(statistics.variance(base) / 5 + statistics.variance(head) / 7)
    middle = statistics.fmean(head) - statistics.fmean(base)
    assert effect.value == pytest.approx(math.expm1(statistics.median(head) - statistics.median(base)))
    assert (effect.low, effect.high) == pytest.approx((math.expm1(middle - half), math.expm1(middle + half)))
    assert (effect.starts, effect.statistic, effect.confidence) == (5, "p10", 0.99)


def test_runs_that_scatter_too_much_are_undecided():
    row = verdict_on(runs(), runs(0.0, scale=4))
    assert row.verdict is Verdict.UNDECIDED
    assert "5.0 % cannot be excluded: measure more runs" in row.why
    row = verdict_on(runs(scale=8), runs(0.08, scale=8))
    assert row.verdict is Verdict.UNDECIDED
    assert row.why == "8.0 % slower, above 3.0 %, and no more than the runs scatter: more runs would tell"


@pytest.mark.parametrize(("bases", "heads", "missing"), [(4, 5, 1), (5, 3, 2), (0, 5, 5), (5, 0, 5), (1, 1, 4)])
def test_too_few_runs_are_undecided_and_named(bases, heads, missing):
    row = verdict_on(runs()[:bases], runs(0.5)[:heads])
    assert (row.verdict, row.more_starts) == (Verdict.UNDECIDED, missing)
    assert row.why == f"{bases} runs of the base and {heads} of the head: each side needs 5"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("slower", [0.0, 0.2])
def test_nan_never_passes(bad, slower):
    for base, head in ((runs(), [*runs(slower), bad]), ([*runs(), bad], runs(slower)), ([bad], [bad])):
        row = verdict_on(base, head)
        assert (row.verdict, row.effect) == (Verdict.FAILED, None)
        assert "not a number in" in row.why


def test_one_run_given_five_times_fails():
    for base, head in (([0.0] * 5, runs()), (runs(), [0.0] * 5)):
        row = verdict_on(base, head)
        assert row.verdict is Verdict.FAILED
        assert "one file, given more than once" in row.why


def test_what_only_one_side_has_is_not_lost():
    rows = decide_stored({"old": runs(), "both": runs()}, {"new": runs(), "both": runs()}, RULES, can_confirm=True)
    verdicts = {name: row.verdict for name, row in rows.items()}
    assert verdicts == {"old": Verdict.UNDECIDED, "both": Verdict.SAME, "new": Verdict.UNDECIDED}


@pytest.mark.parametrize("slower", [0.0, 0.04, 0.06, 0.2])
def test_base_and_head_changing_places_mirrors_the_verdict(slower):
    there, back = verdict_on(runs(), runs(slower)), verdict_on(runs(slower), runs())
    mirror = {Verdict.SLOWER: Verdict.FASTER}
    assert back.verdict is mirror.get(there.verdict, there.verdict)
    assert 1 + back.effect.value == pytest.approx(1 / (1 + there.effect.value))


@pytest.mark.parametrize(("slower", "least", "most"), [(0.0, 0, 0), (0.1, 990, 1000)])
def test_slower_is_said_of_what_is_and_of_nothing_else(slower, least, most):
    generator, said = np.random.default_rng(4), 0
    for _ in range(1000):  # runs scatter as those of small networks did within an hour
        base, head = generator.normal(0, 0.013, 5), generator.normal(math.log1p(slower), 0.013, 5)
        said += verdict_on(base.tolist(), head.tolist()).verdict is Verdict.SLOWER
    assert least <= said <= most
