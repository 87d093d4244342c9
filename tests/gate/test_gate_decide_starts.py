"""What the gate says of starts: exact where it can be worked out, and as often right as it claims where it cannot."""

import itertools
import math
import random

import numpy as np
import pytest
from scipy import stats

from benchmarks.gate.decide_starts import (
    MOST_STARTS,
    LogRatio,
    Rules,
    Suspicion,
    decide,
    effect_of,
    fresh_pairs,
    holm,
    log_ratio_of_turns,
    more_starts,
    suspects,
)
from benchmarks.gate.verdicts import Verdict
from benchmarks.measuring.starts import Estimate, degrees, estimate

RULES = Rules()
SCREENED = [-0.002, -0.001, -0.001, -0.001, 0.0, 0.0, 0.001, 0.001, 0.001, 0.002]
FRESH = [step / 1000 for step in (-3, -2, -2, -1, -1, -1, 0, 0, 0, 1, 1, 1, 2, 2, 3)]
SLOW_PAGE = 0.7  # the log of twice as long
NAN, INFINITE = LogRatio(math.nan, math.nan), LogRatio(0.0, math.inf)


def starts(noise, slower=0.0, mean=None):
    """Starts of that noise, in logs, around that slowdown, of the mean as well unless told otherwise."""
    quartile, mean = math.log1p(slower), math.log1p(slower if mean is None else mean)
    return [LogRatio(quartile + value, mean + value) for value in noise]


def verdict_on(screened, confirmed=(), rules=RULES):
    return decide({"one": screened}, {"one": confirmed} if confirmed else {}, rules)["one"]


# log ratios of turns


def near(quartile, mean):
    return LogRatio(pytest.approx(quartile), pytest.approx(mean))


def test_turns_of_a_few_samples_are_taken_together():
    base = [[1.0, 1.0], [1.0, 3.0], [1.0, 3.0], [1.0, 3.0], [1.0, 3.0]]
    head = [[1.0, 1.1], [1.0, 9.0], [1.0, 9.0], [1.0, 9.0], [1.0, 9.0]]
    fast = math.log(np.quantile([1.1, 9, 9, 9, 9], 0.1) / np.quantile([1.0, 3, 3, 3, 3], 0.1))
    assert log_ratio_of_turns(base, head).quartile == pytest.approx(fast)


def test_the_value_of_a_start_is_the_median_over_neighbouring_turns():
    base = [[9.0, *[1.0] * 8]] * 5
    head = [[1.0, *[value] * 8] for value in (1.1, 1.2, 1.3, 5.0, 0.2)]
    middle = np.mean([math.log(value) for value in (1.1, 1.2, 1.3, 5.0, 0.2)])  # a tenth of five is none
    assert log_ratio_of_turns(base, head) == near(math.log(1.2), middle)


def test_the_lower_quartile_is_not_moved_by_what_the_mean_sees():
    value = log_ratio_of_turns([[1.0] * 9] * 4, [[1.0] * 8 + [5.0]] * 4)
    assert value == near(0.0, math.log(12 / 8))


@pytest.mark.parametrize(
    ("length", "share", "factor"), [(12, 1 / 30, 10), (1, 0.4, 2), (3, 0.15, 5)], ids=["rare", "long", "some"]
)
def test_the_guard_sees_what_only_some_inferences_pay(length, share, factor):
    generator = np.random.default_rng(3)

    def turns(slow):
        drawn = generator.normal(1, 0.01, (90, length))
        return (drawn * np.where(generator.random(drawn.shape) < slow, factor, 1)).tolist()

    drawn = [log_ratio_of_turns(turns(0), turns(share)) for _ in range(25)]
    row = decide({"one": drawn[:10]}, {"one": drawn[10:]}, RULES)["one"]
    assert (row.verdict, row.effect.statistic) == (Verdict.SLOWER, "mean")


@pytest.mark.parametrize(("statistic", "low"), [("quartile", 0.018), ("mean", 0.04)])
def test_what_is_slower_by_itself_but_not_among_so_many_is_not_the_same(statistic, low):
    spread = np.linspace(-0.006, 0.006, 15)
    quartile, mean = (low if statistic == name else 0.0 for name in ("quartile", "mean"))
    fresh = [LogRatio(quartile + step, mean + step) for step in spread]
    noise = {f"{number}": [LogRatio(0.02 + 0.3 * step, 0.0) for step in (-1, 1, -1, 1)] for number in range(14)}
    wild = {name: [LogRatio(0.3 * step, 0.0) for step in (-1, 1) * 5] for name in noise}
    rules = Rules(alpha=1e-6)
    row = decide({"one": fresh, **noise}, {"one": fresh, **wild}, rules)["one"]
    assert row.verdict is Verdict.UNDECIDED
    assert row.effect.statistic == statistic
    assert row.effect.low > (0.01 if statistic == "quartile" else 0.03)
    assert row.more_starts
    assert "slower by itself" in row.why


def test_the_first_sample_and_the_surplus_of_the_longer_side_are_left_out():
    base, head = [[50.0, 1.0, 1.0]] * 4 + [[7.0, 7.0]] * 3, [[1.0, 2.0, 2.0]] * 4
    expected = near(math.log(2), math.log(2))
    assert log_ratio_of_turns(base, head) == expected
    assert log_ratio_of_turns([[1.0]] * 4, [[2.0]] * 4) == expected  # a single sample is all there is


def test_turns_are_compared_over_as_many_samples_of_each():
    generator, base, head = np.random.default_rng(1), [], []
    for _ in range(400):  # the same times, of which one side draws twice as many
        base.append(list(np.exp(generator.normal(0, 0.2, 4))))
        head.append(list(np.exp(generator.normal(0, 0.2, 8))))
    assert log_ratio_of_turns(base, head).quartile == pytest.approx(0, abs=0.03)
    cold = [[1.5, 1.0]] * 4, [[1.5]] * 4  # nor is a cold sample compared with a warm one
    assert log_ratio_of_turns(*cold) == LogRatio(0.0, 0.0)


@pytest.mark.parametrize("bad", [[], [1.0, math.nan], [math.inf], [0.0], [1.0, -1.0]])
@pytest.mark.parametrize("side", ["base", "head"])
@pytest.mark.parametrize("where", [0, 4, 5])
def test_what_is_no_time_makes_the_start_nan(bad, side, where):
    sides = {"base": [[1.0, 1.0]] * 6, "head": [[1.0, 1.0]] * 5 + [[1.0]]}
    assert log_ratio_of_turns(**sides) == LogRatio(0.0, 0.0)
    sides[side] = [*sides[side][:where], bad, *sides[side][where + 1 :]]
    assert math.isnan(log_ratio_of_turns(**sides).quartile)


@pytest.mark.parametrize("sides", [([], []), ([[1.0]], []), ([], [[1.0]] * 9)])
def test_without_neighbouring_turns_a_start_is_nan(sides):
    value = log_ratio_of_turns(*sides)
    assert math.isnan(value.quartile)
    assert math.isnan(value.mean)


def test_a_single_turn_of_a_long_inference_is_a_value_and_the_other_starts_are_its_shelter():
    assert log_ratio_of_turns([[1.0]], [[2.0]]) == near(math.log(2), math.log(2))


# Holm


def named(**p_values):
    return {Suspicion(name, "quartile", Verdict.SLOWER): value for name, value in p_values.items()}


@pytest.mark.parametrize(
    ("p_values", "shown"),
    [
        ({"a": 0.002, "b": 0.004, "c": 0.02, "d": 0.9}, "a"),  # 0.002 <= 0.01 / 4; 0.004 > 0.01 / 3
        ({"a": 0.0025, "b": 0.0033, "c": 0.005, "d": 0.01}, "abcd"),  # each is as much as it may be
        ({"d": 0.0001, "a": 0.007, "b": 0.006, "c": 0.003}, "dc"),  # 0.006 > 0.01 / 2, and no 0.007 after it
        ({"a": 0.003, "b": 0.003, "c": 0.003, "d": 0.003}, ""),  # the first decides: 0.003 > 0.01 / 4
        ({"a": 0.01}, "a"),
        ({"a": math.nan, "b": 1.0}, ""),
        ({}, ""),
    ],
)
def test_holm(p_values, shown):
    assert {suspicion.benchmark for suspicion in holm(named(**p_values), 0.01)} == set(shown)


# the screen


def test_what_is_within_the_margins_is_no_suspect_and_the_same_by_the_screen():
    assert suspects({"one": starts(SCREENED, 0.009)}, RULES) == {}
    row = verdict_on(starts(SCREENED))
    assert (row.verdict, row.effect.starts, row.effect.statistic, row.why) == (Verdict.SAME, 10, "quartile", "")


@pytest.mark.parametrize(
    "screened",
    [
        starts(SCREENED, 0.011),
        starts(SCREENED, -0.011),
        starts(SCREENED, 0.0, mean=0.031),
        starts([25 * step for step in SCREENED]),  # 5 % slower is not excluded
        starts([0.0, 0.0]),  # nor by two starts
    ],
    ids=["slower", "faster", "mean slower", "noisy", "few"],
)
def test_suspects(screened):
    assert [*suspects({"calm": starts(SCREENED), "one": screened}, RULES)] == ["one"]


@pytest.mark.parametrize("mean", [-0.2, 0.029])
def test_a_faster_mean_or_one_within_its_margin_is_no_suspect(mean):
    assert suspects({"one": starts(SCREENED, 0.0, mean)}, RULES) == {}


def test_the_worst_suspects_come_first_whatever_their_order():
    screened = {
        "faster": starts(SCREENED, -0.2),
        "noisy": starts([30 * step for step in SCREENED]),
        "2 %": starts(SCREENED, 0.02),
        "mean 10 %": starts(SCREENED, 0.0, mean=0.1),
        "5 %": starts(SCREENED, 0.05),
    }
    expected = ["mean 10 %", "5 %", "2 %", "noisy", "faster"]
    assert all([*suspects(dict(order), RULES)] == expected for order in itertools.permutations(screened.items()))
    assert [*suspects(screened, Rules(max_suspects=2))] == expected[:2]
    assert [*suspects({name: starts(SCREENED, 0.02) for name in "bca"}, RULES)] == ["a", "b", "c"]


def test_what_is_beyond_the_margin_by_no_more_than_it_scatters_is_no_suspect():
    noise = [7 * step for step in SCREENED]  # a standard error of 0.3 %
    assert suspects({"one": starts(noise, 0.013)}, RULES) == {}
    assert [*suspects({"one": starts(noise, 0.017)}, RULES)] == ["one"]


@pytest.mark.parametrize("wild", [SLOW_PAGE, -SLOW_PAGE])
def test_a_slow_page_in_one_start_of_eight_is_no_suspicion(wild):
    noise = [*(3 * step for step in SCREENED[1:8]), wild]
    row = verdict_on(starts(noise), rules=Rules(starts=4))
    assert row.verdict is Verdict.SAME
    assert abs(row.effect.value) < RULES.margin


@pytest.mark.parametrize("slow", [1, 2, 3])
def test_a_slow_page_in_each_fifth_fresh_start_leaves_nothing_undecided(slow):
    row = verdict_on(starts(SCREENED, 0.02), starts([*FRESH[slow:], *[SLOW_PAGE] * slow]))
    assert row.verdict is Verdict.SAME
    assert verdict_on(starts(SCREENED, 0.02), starts([*FRESH[4:], *[SLOW_PAGE] * 4])).verdict is Verdict.UNDECIDED


# how many fresh starts


def scattered(spread, count=10):
    """Starts whose middle is 0, and whose winsorised standard deviation is that."""
    noise = np.random.default_rng(2).normal(0, 1, count)
    values = noise - estimate(noise).value
    return starts((values * spread / estimate(values).spread).tolist())


def test_what_scatters_more_gets_more_fresh_starts_within_bounds():
    pairs = [fresh_pairs(scattered(spread), 3, RULES) for spread in (0.001, 0.01, 0.015, 0.02, 0.1)]
    assert pairs == sorted(pairs)
    assert (pairs[0], pairs[-1]) == (RULES.least, RULES.confirm)
    assert len({*pairs}) > 3


def test_to_find_a_slowdown_among_more_tests_takes_more_and_to_exclude_it_less():
    noisy = scattered(0.018)
    only_excluded, found, among_many = (fresh_pairs(noisy, tests, RULES) for tests in (0, 1, 30))
    assert only_excluded < found < among_many


@pytest.mark.parametrize("spread", [0.01, 0.015])
def test_so_many_fresh_starts_exclude_and_find_a_slowdown_of_the_limit(spread):
    generator, wanted = np.random.default_rng(4), fresh_pairs(scattered(spread), 3, RULES) * RULES.starts
    assert wanted < RULES.confirm * RULES.starts
    true_spread = spread / estimate(generator.normal(0, 1, 100_000)).spread  # of a normal distribution
    for slower, right in ((0.0, Verdict.SAME), (RULES.limit, Verdict.SLOWER)):
        said = [
            verdict_on(starts(SCREENED, 0.02), starts(generator.normal(0, true_spread, wanted), slower)).verdict
            for _ in range(100)
        ]
        assert said.count(right) >= 95 - 6


@pytest.mark.parametrize(
    ("rules", "pairs"),
    [(Rules(confirm=2), 2), (Rules(starts=1), 3), (Rules(starts=1, least=1), 3), (Rules(starts=2, least=1), 2)],
)
def test_fresh_pairs_are_never_more_than_allowed_nor_fewer_than_tell_a_spread(rules, pairs):
    assert fresh_pairs(starts([0.0] * 10), 0, rules) == pairs


def test_of_too_few_screened_starts_nobody_knows_how_they_scatter():
    assert fresh_pairs(starts([0.0, 0.0]), 1, RULES) == RULES.confirm


def test_what_only_scatters_in_the_screen_is_not_measured_as_often_as_what_looks_slower():
    noise = [25 * step for step in SCREENED]
    fresh = suspects({"open": starts(noise), "slower": starts(noise, 0.05)}, RULES)
    assert RULES.least < fresh["open"] < fresh["slower"] < RULES.confirm


# verdicts


@pytest.mark.parametrize("slower", [0.02, 0.05, 0.5])
def test_slower(slower):
    row = verdict_on(starts(SCREENED, slower), starts(FRESH, slower))
    assert (row.verdict, row.effect.statistic, row.effect.starts) == (Verdict.SLOWER, "quartile", 15)
    assert row.effect.value == pytest.approx(slower, rel=0.02)
    assert RULES.margin < row.effect.low < slower < row.effect.high


def test_slower_by_the_mean_only():
    row = verdict_on(starts(SCREENED, 0.0, mean=0.1), starts(FRESH, 0.0, mean=0.1))
    assert (row.verdict, row.effect.statistic) == (Verdict.SLOWER, "mean")
    assert row.why == "the mean is 10.0 % slower, the fast quarter is not"


def test_the_mean_is_held_against_its_own_margin():
    row = verdict_on(starts(SCREENED, 0.0, mean=0.04), starts(FRESH, 0.0, mean=0.027))
    assert row.verdict is Verdict.SAME


def test_faster_and_a_slower_mean_counts_more():
    row = verdict_on(starts(SCREENED, -0.03), starts(FRESH, -0.03))
    assert row.verdict is Verdict.FASTER
    assert row.effect.high < 0
    assert verdict_on(starts(SCREENED, -0.03, mean=0.1), starts(FRESH, -0.03, mean=0.1)).verdict is Verdict.SLOWER


def test_a_suspicion_that_fresh_starts_do_not_confirm_is_the_same():
    row = verdict_on(starts(SCREENED, 0.2), starts(FRESH))
    assert (row.verdict, row.effect.starts) == (Verdict.SAME, 15)
    assert row.effect.high < 0.01  # nothing of the screen's 20 %


def test_what_was_only_noisy_in_the_screen_is_found_slower_by_fresh_starts():
    assert verdict_on(starts([-0.05, 0.05, 0.0, 0.0]), starts(FRESH, 0.04)).verdict is Verdict.SLOWER


def test_fresh_starts_that_scatter_leave_it_undecided_and_say_how_many_would_decide():
    wide = starts([40 * value for value in FRESH])
    row = verdict_on(starts(SCREENED, 0.02), wide)
    assert row.verdict is Verdict.UNDECIDED
    assert "5.0 % cannot be excluded" in row.why
    assert 1 < row.more_starts < 10
    assert verdict_on(starts(SCREENED, 0.02), wide * 2).verdict is Verdict.SAME


def test_it_says_that_no_number_of_starts_would_decide():
    row = verdict_on(starts(SCREENED, 0.02), starts([-0.5, 0.5] * 8, 0.03))
    assert (row.verdict, row.more_starts) == (Verdict.UNDECIDED, None)
    assert f"nor would {MOST_STARTS} starts decide" in row.why


def test_overflowing_suspects_are_undecided_and_never_the_same():
    screened = {f"{number:02}": starts(SCREENED, 0.02 + number / 1000) for number in range(17)}
    chosen = suspects(screened, RULES)
    rows = decide(screened, {name: starts(FRESH) for name in chosen}, RULES)
    left = {name for name, row in rows.items() if row.verdict is Verdict.UNDECIDED}
    assert left == {"00", "01"} == screened.keys() - set(chosen)
    assert "17 suspects; raise --max-suspects, 15 now" in rows["00"].why
    assert {rows[name].verdict for name in chosen} == {Verdict.SAME}


@pytest.mark.parametrize(("count", "verdict"), [(0, Verdict.FAILED), (1, Verdict.UNDECIDED), (2, Verdict.UNDECIDED)])
def test_a_suspect_without_enough_fresh_starts_is_never_the_same(count, verdict):
    row = verdict_on(starts(SCREENED, 0.02), starts(FRESH)[:count])
    assert row.verdict is verdict
    assert row.more_starts == (15 - count if count else None)
    assert "suspected, and" in row.why


@pytest.mark.parametrize(
    "bad", [NAN, INFINITE, LogRatio(math.nan, 0.0), LogRatio(0.0, math.nan), LogRatio(-math.inf, 0.0)]
)
@pytest.mark.parametrize("slower", [0.0, 0.2, -0.2])
def test_nan_never_passes(bad, slower):
    screened, fresh = starts(SCREENED, slower), starts(FRESH, slower)
    for first, then in (([*screened, bad], fresh), ([bad], fresh), (screened, [*fresh, bad]), (screened, [bad] * 3)):
        row = verdict_on(first, then)
        assert (row.verdict, row.effect) == (Verdict.FAILED, None)
        assert "not numbers" in row.why
    assert verdict_on([]).verdict is Verdict.FAILED


def test_a_failed_suspect_hides_no_other():
    screened = {"bad": starts(SCREENED, 0.3), "slow": starts(SCREENED, 0.02)}
    rows = decide(screened, {"bad": [NAN] * 10, "slow": starts(FRESH, 0.02)}, RULES)
    assert {name: row.verdict for name, row in rows.items()} == {"bad": Verdict.FAILED, "slow": Verdict.SLOWER}


@pytest.mark.parametrize("other", [[], [NAN] * 10, starts(FRESH)[:2]], ids=["none", "nan", "few"])
def test_what_could_not_be_tested_makes_the_others_no_easier(other):
    screened = {"other": starts(SCREENED, 0.02), "one": starts(SCREENED, 0.02)}
    fresh = starts(FRESH, 0.0112)
    p_value = estimate([pair.quartile for pair in fresh]).p_value(math.log1p(0.01), 1)
    assert 0.01 / 2 < p_value < 0.01  # enough for one suspicion, and not for two
    assert verdict_on(screened["one"], fresh).verdict is Verdict.SLOWER
    assert decide(screened, {"other": other, "one": fresh}, RULES)["one"].verdict is Verdict.SAME


def test_the_starts_that_are_said_to_be_missing_do_decide():
    wide = Estimate(value=0.0, spread=0.06, starts=15)
    more = more_starts(wide, RULES.margin, RULES, tests=1)
    ends = [effect_of(Estimate(0.0, 0.06, 15 + count), "quartile", 0.99).high for count in (more - 1, more)]
    assert ends[0] >= RULES.limit > ends[1]
    slow = Estimate(value=0.06, spread=0.08, starts=15)  # can only be shown to be slower
    for tests in (1, 30):
        starts_then = 15 + more_starts(slow, RULES.margin, RULES, tests)
        then, left = Estimate(0.06, 0.08, starts_then), degrees(starts_then)
        shift, needed = (0.06 - math.log1p(0.01)) / then.error, stats.t.isf(0.01 / tests, left)
        assert stats.nct.sf(needed, left, shift) == pytest.approx(0.95, abs=0.02)


# properties


def suite(seed, spread=0.004):
    generator = np.random.default_rng(seed)
    shifts = dict(zip("abcdefghij", generator.choice([0, 0, 0.03, -0.03, 0.06], 10), strict=True))

    def drawn(count):
        return {
            name: [LogRatio(value, 0.0) for value in shift + generator.normal(0, spread, count)]
            for name, shift in shifts.items()
        }

    return drawn(10), drawn(15)


def shuffled(mapping, seed):
    return dict(random.Random(seed).sample([*mapping.items()], len(mapping)))


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_names_and_starts_does_not_matter(seed):
    screened, confirmed = suite(seed)
    rows = decide(screened, confirmed, RULES)
    assert len({row.verdict for row in rows.values()}) > 1
    assert decide(shuffled(screened, seed), shuffled(confirmed, seed + 1), RULES) == rows
    turned = decide({n: p[::-1] for n, p in screened.items()}, {n: p[::-1] for n, p in confirmed.items()}, RULES)
    assert {name: row.verdict for name, row in turned.items()} == {name: row.verdict for name, row in rows.items()}


@pytest.mark.parametrize("seed", range(5))
def test_base_and_head_changing_places_mirrors_the_verdicts(seed):
    sides = suite(seed)
    changed = [{name: [LogRatio(-p.quartile, 0.0) for p in drawn] for name, drawn in side.items()} for side in sides]
    mirror = {Verdict.SLOWER: Verdict.FASTER, Verdict.FASTER: Verdict.SLOWER, Verdict.SAME: Verdict.SAME}
    there, back = decide(*sides, RULES), decide(*changed, RULES)
    assert {name: mirror[row.verdict] for name, row in there.items()} == {n: row.verdict for n, row in back.items()}
    for name, row in there.items():
        assert back[name].effect.low == pytest.approx(1 / (1 + row.effect.high) - 1)


# how often it is right


def gaussian(generator, spread, count):
    return generator.normal(0, spread, count)


def heavy(generator, spread, count):
    """Like pages that had bad luck with their memory: a tenth of the starts scatter ten times as much."""
    return generator.normal(0, spread, count) * np.where(generator.random(count) < 0.1, 10, 1)


def gate(generator, draw, slowdowns, spreads):
    """Return the rows of a gate on benchmarks of those true slowdowns; the mean scatters half as much again."""

    def drawn(name, pairs):
        slower, spread, count = slowdowns[name], spreads[name], pairs * RULES.starts
        quartiles, means = (math.log1p(slower) + draw(generator, scale * spread, count) for scale in (1, 1.5))
        return [*map(LogRatio, quartiles.tolist(), means.tolist())]

    screened = {name: drawn(name, RULES.screen) for name in slowdowns}
    confirmed = {name: drawn(name, pairs) for name, pairs in suspects(screened, RULES).items()}
    return decide(screened, confirmed, RULES)


def most(trials, probability):
    """Return how often what has that probability happens at most, in all but 1 of 1,000 such tests."""
    return int(stats.binom.ppf(0.999, trials, probability))


def main_job(generator):
    """Return how the starts of the main job's 30 benchmarks scatter on a quiet machine: 6 of servers, 24 of clients."""
    return {str(number): 0.003 if number < 6 else generator.uniform(0.01, 0.03) for number in range(30)}


@pytest.mark.parametrize("draw", [gaussian, heavy])
@pytest.mark.parametrize("slower", [0.0, RULES.margin], ids=["unchanged", "at the margin"])
def test_false_alarms_are_as_rare_as_promised(draw, slower):
    generator, gates, alarms = np.random.default_rng(7), 120, 0
    for _ in range(gates):
        spreads = main_job(generator)
        rows = gate(generator, draw, dict.fromkeys(spreads, slower), spreads)
        alarms += any(row.verdict in {Verdict.SLOWER, Verdict.FASTER} for row in rows.values())
    assert alarms <= most(gates, RULES.alpha)


def test_an_unchanged_suite_has_few_suspects_and_nothing_undecided():
    generator, gates, suspected, undecided = np.random.default_rng(8), 60, 0, 0
    for _ in range(gates):
        spreads = main_job(generator)
        rows = gate(generator, gaussian, dict.fromkeys(spreads, 0.0), spreads)
        suspected += sum("suspected" in row.why for row in rows.values())
        undecided += any(row.verdict is Verdict.UNDECIDED for row in rows.values())
    assert 0.5 < suspected / gates < 3
    assert undecided <= most(gates, 0.02)


@pytest.mark.parametrize("draw", [gaussian, heavy])
@pytest.mark.parametrize(("slower", "spread"), [(0.02, 0.003), (0.05, 0.015), (0.05, 0.03)])
def test_slowdowns_are_found(draw, slower, spread):
    if draw is heavy and spread == 0.03:
        slower = 0.08  # of so wild starts 5 % is too much to ask
    generator, gates = np.random.default_rng(5), 120
    slowdowns = {"slow": slower} | {str(number): 0.0 for number in range(3)}
    spreads = {name: spread if name == "slow" else 0.01 for name in slowdowns}
    missed = sum(gate(generator, draw, slowdowns, spreads)["slow"].verdict is not Verdict.SLOWER for _ in range(gates))
    assert missed <= most(gates, 0.05)
