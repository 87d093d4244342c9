"""The highest rate, by bisection over made-up trials."""

import math

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.loadgen.highest import MOST, highest

RATES = st.floats(1.0, 1e5)


@given(capacity=RATES, first=RATES)
def test_the_border_is_found_to_five_per_cent_wherever_the_first_guess_was(capacity, first):
    tried = []
    found = highest(lambda rate: tried.append(rate) or rate <= capacity, first, 0.0, 0.05)
    assert found.low <= capacity < found.high <= found.low * 1.05 * (1 + 1e-9)
    assert tried.count(found.low) == 2, "a rate counts that was carried twice"
    assert (found.top, found.is_contradictory) == (found.high, False)
    assert len(tried) < MOST


@given(capacity=RATES, least=RATES)
def test_no_rate_below_the_least_is_tried(capacity, least):
    tried = []
    found = highest(lambda rate: tried.append(rate) or rate <= capacity, 2 * least, least, 0.05)
    assert min(tried) >= least
    assert (found.low is None) == (capacity < min(tried))


def test_what_was_carried_by_luck_does_not_count_but_widens_the_interval():
    lucky = iter([True])
    found = highest(lambda rate: rate <= 100 or next(lucky, False), 150.0, 0.0, 0.05)
    assert found.low <= 100 < found.high <= found.low * 1.05
    assert 150 < found.top <= 180, "that rate is not excluded"
    assert found.is_contradictory


@given(st.lists(st.booleans(), min_size=MOST, max_size=MOST))
def test_whatever_chance_says_it_ends_and_does_not_contradict_itself(answers):
    said = iter(answers)
    found = highest(lambda rate: next(said), 100.0, 0.0, 0.05)
    assert (found.low or 0.0) < (found.high or math.inf) <= (found.top or math.inf)
