"""The estimate of several starts: Student's and Yuen's, as scipy has them."""

import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.measuring.starts import LEAST_SPREAD, estimate


@pytest.mark.parametrize("count", [3, 4])
def test_of_few_starts_it_is_students_t(count):
    values = np.random.default_rng(count).normal(0.01, 0.02, count)
    estimated, reference = estimate(values), stats.ttest_1samp(values, 0.01, alternative="greater")
    assert estimated.value == pytest.approx(values.mean())
    assert estimated.p_value(0.01, 1) == pytest.approx(reference.pvalue)
    assert estimated.interval(0.99) == pytest.approx(stats.ttest_1samp(values, 0).confidence_interval(0.99))


@pytest.mark.parametrize("count", [5, 8, 10, 25])
@pytest.mark.filterwarnings("ignore:Precision loss")
def test_of_more_starts_it_is_yuens_trimmed_t(count):
    values, share = np.random.default_rng(count).normal(0.01, 0.02, count), 0.2 + 1e-9
    assert estimate(values).value == pytest.approx(stats.trim_mean(values, share))
    # Against a side without any spread, Yuen's test for two sides is the one for one.
    margins = [0.005] * count
    reference = stats.ttest_ind(values, margins, equal_var=False, trim=share, alternative="greater")
    assert estimate(values).p_value(0.005, 1) == pytest.approx(reference.pvalue)
    assert estimate(-values).p_value(0.005, -1) == pytest.approx(reference.pvalue)


@pytest.mark.parametrize(("count", "wild"), [(5, 1), (8, 1), (10, 2), (15, 3)])
def test_one_wild_start_of_five_is_trimmed(count, wild):
    calm = [step / 1000 for step in range(count)]
    assert estimate([*calm[:-wild], *[0.5] * wild]).value == pytest.approx(estimate(calm).value, abs=0.001)
    assert estimate([*calm[: -wild - 1], *[math.log(2)] * (wild + 1)]).value > 0.03


def test_equal_values_are_no_certainty():
    estimated = estimate([0.0] * 10)
    assert estimated.spread == LEAST_SPREAD
    assert estimated.interval(0.99)[1] > 0
    assert estimate([0.0] * 2) is None
