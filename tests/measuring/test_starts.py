"""What several starts say together: one in five may be anything, and the interval is of another start."""

import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.measuring import starts
from benchmarks.measuring.starts import CONFIDENCE, Figure, estimate, figure, odd_ones

SCATTER = 0.03  # of starts, in logs
SLOW = 3.0  # times as long as its siblings a slow start takes
ONE_IN = 20  # starts is slow, where some are


def drawn(generator, count, slow=False):
    """Return figures of *count* starts, whose middle is 1; some are slow where that is said."""
    logs = generator.normal(0, SCATTER, count)
    return np.exp(logs + math.log(SLOW) * (generator.random(count) < 1 / ONE_IN) * slow)


def of_all_starts(slow):
    """Return the figure of so many starts that no more would change it."""
    return math.exp(estimate(np.log(drawn(np.random.default_rng(1), 100_000, slow))).value)


# The figure


def test_the_figure_is_the_geometric_mean_of_the_starts_without_the_ends():
    assert figure([1.0, 2.0, 4.0, 8.0, 1000.0]).value == pytest.approx(4.0)
    assert figure([1.0, 2.0, 4.0, 8.0]).value == pytest.approx(8.0**0.5)  # of fewer than five none is left out
    assert figure([4.0]).to_json() == {"value": pytest.approx(4.0), "starts": 1}


def test_the_interval_is_students_where_no_start_is_odd():
    values = [1.0, 1.02, 1.03, 0.98, 0.99]
    found, logs = figure(values), np.log(values)
    half = stats.t.ppf(0.975, 4) * logs.std(ddof=1) / math.sqrt(5)
    middle = np.sort(logs)[1:4].mean()
    assert (found.low, found.high) == (pytest.approx(math.exp(middle - half)), pytest.approx(math.exp(middle + half)))
    assert (found.starts, found.confidence) == (5, CONFIDENCE)
    assert found.margin == pytest.approx(math.sinh(half), rel=1e-3)


def test_the_interval_is_yuens_where_a_start_is_odd():
    values = [1.0, 1.02, 3.0, 0.98, 0.99]
    logs = np.log([0.99, 1.02, 1.02, 0.99, 1.0])  # the ends are as their neighbours
    error = logs.std(ddof=1) * math.sqrt(4 / (3 * 2))
    low, high = figure(values).low, figure(values).high
    assert math.log(high / low) / 2 == pytest.approx(stats.t.ppf(0.975, 2) * error)


@pytest.mark.parametrize("count", [5, 8, 10, 20])
def test_yuens_error_is_that_of_a_trimmed_mean(count):
    values = np.random.default_rng(1).normal(0, 1, count)
    cut = count // 5
    winsorised = np.asarray(stats.mstats.winsorize(values, (cut / count, cut / count)))
    found = estimate(values)
    assert found.value == pytest.approx(stats.trim_mean(values, 0.2))
    assert found.error == pytest.approx(
        winsorised.std(ddof=1) * math.sqrt((count - 1) / ((count - 2 * cut) * (count - 2 * cut - 1)))
    )
    assert found.degrees == count - 2 * cut - 1
    t = (found.value - 0.1) / found.error
    assert found.p_value(0.1, 1) == pytest.approx(stats.t.sf(t, found.degrees))
    assert found.p_value(0.1, -1) == pytest.approx(stats.t.sf((-found.value - 0.1) / found.error, found.degrees))


def test_of_fewer_than_three_starts_nothing_is_said_of_another():
    assert estimate([0.0, 0.1]) is None
    for values in ([1.0], [1.0, 2.0]):
        assert (figure(values).low, figure(values).high, figure(values).margin) == (None, None, None)
    assert figure([1.0, 1.1, 1.2]).margin > 0


def test_equal_starts_are_a_coarse_clock_and_no_certainty():
    found = figure([0.001] * 5)
    assert found.value == pytest.approx(0.001)
    assert 0 < found.margin < 0.001


def test_a_figure_is_saved_with_what_is_known_of_it():
    assert Figure(2.0, 1).to_json() == {"value": 2.0, "starts": 1}
    whole = figure([1.0, 1.1, 1.2])
    assert Figure(**whole.to_json()) == whole


def test_one_start_of_five_that_is_slow_moves_the_figure_by_less_than_the_others_scatter():
    generator = np.random.default_rng(3)
    for values in (drawn(generator, 5) for _ in range(100)):
        slow = [*values[:4], values[4] * SLOW]
        moved = abs(math.log(figure(slow).value / figure(values).value))
        assert moved < np.ptp(np.log(values))
    assert np.mean([*values[:4], values[4] * SLOW]) > 1.3  # a plain mean does not stand it


# Coverage


def bootstrapped(generator, samples, resamples=200):
    """Return the two-stage percentile interval: starts are drawn again, and in each of them its samples."""
    count, size = samples.shape
    chosen = generator.integers(0, count, (resamples, count))
    within = generator.integers(0, size, (resamples, count, size))
    again = np.sort(samples[chosen[:, :, None], within].mean(axis=2), axis=1)[:, 1:-1].mean(axis=1)
    return np.quantile(again, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))


@pytest.mark.parametrize("slow", [False, True], ids=["as clocks are", "one in twenty slow"])
def test_the_interval_holds_the_figure_of_all_starts_as_often_as_it_says_and_a_bootstraps_does_not(slow):
    """Drawn again, five starts scatter less than five others do, and the ends of what is drawn say too little."""
    generator, truth, trials = np.random.default_rng(7), of_all_starts(slow), 500
    ours = bootstraps = 0
    for _ in range(trials):
        values = drawn(generator, 5, slow)
        samples = np.log(values)[:, None] + generator.normal(0, 0.02, (5, 20))  # noise within a start
        found = figure(np.exp(samples.mean(axis=1)))
        ours += found.low <= truth <= found.high
        low, high = bootstrapped(generator, samples)
        bootstraps += low <= math.log(truth) <= high
    assert ours / trials >= 0.92
    assert bootstraps / trials < min(0.9, ours / trials - 0.05)


def test_ten_starts_have_a_narrower_interval_that_holds_as_often():
    generator, truth = np.random.default_rng(8), of_all_starts(slow=True)
    found = {count: [figure(drawn(generator, count, slow=True)) for _ in range(500)] for count in (5, 10)}
    for figures in found.values():
        assert np.mean([one.low <= truth <= one.high for one in figures]) >= 0.92
    assert np.median([one.margin for one in found[10]]) < 0.8 * np.median([one.margin for one in found[5]])


# Odd ones


@pytest.mark.parametrize("times", [SLOW, 1 / SLOW], ids=["slow", "fast"])
def test_an_odd_start_is_found_with_how_many_times_as_much_it_is(times):
    values = [1.0, 1.01, 0.99, 1.02, 1.0]
    values[3] *= times
    odd = odd_ones(values)
    assert {*odd} == {3}
    assert odd[3] == pytest.approx(1.02 * times, rel=1e-3)


def test_ordinary_scatter_is_called_odd_about_as_often_as_it_is_said_to_be():
    generator = np.random.default_rng(5)
    rate = np.mean([bool(odd_ones(np.exp(generator.normal(0, 0.5, 5)))) for _ in range(3000)])
    assert rate == pytest.approx(starts.ODD, abs=0.006)


def test_starts_that_hardly_differ_are_not_odd_however_alike_the_others_are():
    assert odd_ones([1.0, 1.0, 1.0, 1.0, 1.04]) == {}
    assert {*odd_ones([1.0, 1.0, 1.0, 1.0, 1.06])} == {4}


def test_of_three_starts_none_can_be_called_odd():
    assert odd_ones([1.0, 1.0, 5.0]) == odd_ones([1.0, 5.0]) == odd_ones([5.0]) == {}
    assert {*odd_ones([1.0, 1.0, 1.0, 5.0])} == {3}
