"""The paired ratio is of all samples of each side, and its interval covers about as often as it says."""

import numpy as np
import pytest

from benchmarks.measuring import ratio
from benchmarks.measuring.ratio import p10
from benchmarks.protocol import Block, CpuTime


def block(seconds, cpu=None):
    return Block(seconds, {}, None if cpu is None else CpuTime(cpu, cpu))


def paired(*arguments):
    return ratio.paired(*arguments).to_json()


def pairs(ratios):
    return [(block([value]), block([1.0])) for value in ratios]


def test_the_value_is_of_all_samples_and_few_pairs_have_no_interval():
    found = paired([(block([4.0, 2.0]), block([1.0])), (block([3.0]), block([2.0]))])
    assert found == {"statistic": "p10", "value": 2.0, "ours": 2.0, "theirs": 1.0, "pairs": 2}


def test_an_interval_is_within_what_was_seen_and_around_the_value():
    found = paired(pairs(np.linspace(2, 3, 15)), "mean")
    assert 2.0 < found["low"] < found["value"] < found["high"] < 3.0
    assert (found["value"], found["confidence"], found["pairs"]) == (pytest.approx(2.5), 0.95, 15)
    assert paired(pairs(np.linspace(2, 3, 15)), "mean") == found  # the same samples give the same interval


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    generator, covered = np.random.default_rng(3), 0
    for _ in range(60):
        noise = np.exp(generator.normal(0, 0.05, (15, 1)) + generator.normal(0, 0.05, (15, 60)))
        found = paired([(block(noise[row, :30]), block(noise[row, 30:])) for row in range(15)])
        covered += found["low"] <= 1.0 <= found["high"]
    assert 0.8 < covered / 60 <= 1


@pytest.mark.parametrize(("ours", "theirs"), [(30, 130), (4, 17), (1, 4)])
def test_a_side_of_fewer_samples_is_not_taken_for_slower(ours, theirs):
    generator = np.random.default_rng(3)

    def drawn(count):
        return block(np.exp(generator.normal(0, 0.05, count)))

    values = [paired([(drawn(ours), drawn(theirs)) for _ in range(9)])["value"] for _ in range(50)]
    assert np.mean(values) == pytest.approx(1.0, abs=0.02)


def test_disturbed_blocks_do_not_move_it():
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
