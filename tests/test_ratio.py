"""The paired ratio is the median of its pairs, and its interval covers as often as it says."""

import numpy as np
import pytest

from benchmarks.protocol import Block, CpuTime
from benchmarks.ratio import p10, paired


def block(seconds, cpu=None):
    return Block(seconds, {}, None if cpu is None else CpuTime(cpu, cpu))


def pairs(ratios):
    return [(block([ratio]), block([1.0])) for ratio in ratios]


def test_the_value_is_the_median_and_few_pairs_are_bounded_by_all_of_them():
    found = paired(pairs([2.0, 2.2, 2.1, 2.4]))
    assert (found["value"], found["low"], found["high"]) == (pytest.approx(2.15), 2.0, 2.4)
    assert (found["pairs"], found["confidence"]) == (4, 1 - 2 / 2**4)


def test_many_pairs_leave_the_outermost_out():
    found = paired(pairs([1.0, *np.linspace(2, 3, 13), 9.0]))
    assert 2.0 <= found["low"] < found["value"] == 2.5 < found["high"] <= 3.0
    assert 0.95 <= found["confidence"] < 1


def test_the_interval_covers_the_truth_as_often_as_it_says():
    generator, covered, told = np.random.default_rng(3), 0, 0.0
    for _ in range(1000):
        found = paired(pairs(np.exp(generator.standard_t(2, 15) / 10)))
        covered += found["low"] <= 1.0 <= found["high"]
        told = found["confidence"]
    assert covered / 1000 == pytest.approx(told, abs=0.02)


def test_a_disturbed_block_does_not_move_it():
    quiet = [(block([0.004] * 30), block([0.001] * 30))] * 9
    disturbed = [(block([0.004] * 3 + [0.02] * 27), block([0.001] * 30)), (block([0.04] * 30), block([0.001] * 30))]
    assert paired(quiet + disturbed)["value"] == pytest.approx(4.0)


def test_the_mean_is_taken_where_it_is_asked_for():
    sides = [(block([1.0, 3.0]), block([1.0, 1.0]))]
    assert (paired(sides)["value"], paired(sides, "mean")["value"]) == (1.0, 2.0)


def test_processor_time_is_of_an_inference_and_left_out_where_a_block_does_not_tell():
    assert paired([(block([1.0, 1.0], 3.0), block([1.0], 0.5))])["cpu"] == pytest.approx(3.0)
    assert "cpu" not in paired([(block([1.0], 3.0), block([1.0]))])


def test_the_tenth_percentile_is_a_value_that_was_seen():
    assert p10([float(value) for value in range(100, 0, -1)]) == 10.0
    assert p10([3.0, 2.0]) == 2.0
