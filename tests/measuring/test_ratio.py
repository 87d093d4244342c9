"""The paired ratio is of the starts' own ratios, and its interval is of another start."""

import math

import numpy as np
import pytest

from benchmarks.measuring import ratio
from benchmarks.measuring.ratio import Ratio, by_start, of_starts, over, p10
from benchmarks.measuring.starts import figure
from benchmarks.protocol import Block, CpuTime


def block(seconds, cpu=None, start=0):
    return Block(seconds, {}, None if cpu is None else CpuTime(cpu, cpu), start)


def paired(*arguments):
    return ratio.paired(*arguments).to_json()


def of_five(ours, theirs=(1.0,) * 5):
    """Return a pair of each of five starts."""
    return [
        (block([our], start=number), block([their], start=number))
        for number, (our, their) in enumerate(zip(ours, theirs, strict=True))
    ]


def test_blocks_are_told_apart_by_their_start():
    blocks = [block([1.0], start=0), block([3.0], start=0), block([2.0, 4.0], start=1)]
    assert by_start(blocks) == [blocks[:2], blocks[2:]]
    assert of_starts(blocks, "mean") == [2.0, 3.0]
    assert of_starts(blocks, "p10") == [1.0, 2.0]


def test_the_ratio_of_a_start_is_of_all_its_samples_and_one_start_has_no_interval():
    found = paired([(block([4.0, 2.0]), block([1.0])), (block([3.0]), block([2.0]))])
    assert found == {"statistic": "p10", "value": 2.0, "ours": 2.0, "theirs": 1.0, "pairs": 2, "starts": 1}
    assert ratio.paired([(block([1.0]), block([1.0]))]).margin is None


def test_the_ratio_of_several_is_the_figure_of_their_own_ratios():
    ours, theirs = [2.0, 6.0, 4.4, 4.2, 9.0], [1.0, 3.0, 2.0, 2.0, 1.5]
    found, middle = paired(of_five(ours, theirs)), figure([2.0, 2.0, 2.2, 2.1, 6.0])
    assert (found["value"], found["low"], found["high"]) == pytest.approx((middle.value, middle.low, middle.high))
    assert (found["pairs"], found["starts"], found["confidence"]) == (5, 5, 0.95)
    assert (found["ours"], found["theirs"]) == pytest.approx((figure(ours).value, figure(theirs).value))
    assert found["low"] < found["value"] < found["high"]
    assert ratio.paired(of_five(ours, theirs)).margin == pytest.approx(middle.margin)


def test_what_moves_both_sides_of_a_start_alike_moves_nothing():
    assert paired(of_five([2.0, 4.0, 20.0, 3.0, 1.0], [1.0, 2.0, 10.0, 1.5, 0.5]))["value"] == pytest.approx(2.0)


def test_a_slow_page_of_five_does_not_move_it():
    assert paired(of_five([2.0, 2.02, 6.0, 1.98, 2.0]))["value"] == pytest.approx(2.0, rel=0.01)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    generator, covered = np.random.default_rng(3), 0
    for _ in range(200):
        noise = np.exp(generator.normal(0, 0.05, (5, 1)) + generator.normal(0, 0.05, (5, 60)))
        pairs = [(block(row[:30], start=number), block(row[30:], start=number)) for number, row in enumerate(noise)]
        found = paired(pairs)
        covered += found["low"] <= 1.0 <= found["high"]
    assert 0.9 < covered / 200 <= 1


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


def test_a_ratio_of_ratios_is_as_uncertain_as_both():
    one, other = Ratio("p10", 4.0, 4.0, 1.0, 9, 5, 3.0, 5.0), Ratio("p10", 2.0, 2.0, 1.0, 9, 5, 1.8, 2.5)
    found = over(one, other)
    assert (found.value, found.starts) == (2.0, 5)
    assert found.low == pytest.approx(2 * math.exp(-math.hypot(math.log(4 / 3), math.log(2.5 / 2))))
    assert found.high == pytest.approx(2 * math.exp(math.hypot(math.log(5 / 4), math.log(2 / 1.8))))
    assert found.low < 2 * 3 / 4
    exact = Ratio("p10", 2.0, 2.0, 1.0, 9, 5, 2.0, 2.0)
    assert (over(one, exact).low, over(one, exact).high) == (pytest.approx(1.5), pytest.approx(2.5))


def test_a_ratio_of_ratios_without_an_interval_has_none():
    one, other = Ratio("p10", 4.0, 4.0, 1.0, 9, 5, 3.0, 5.0), Ratio("p10", 2.0, 2.0, 1.0, 9, 1)
    for found in (over(one, other), over(other, one)):
        assert (found.low, found.high, found.starts) == (None, None, 1)
