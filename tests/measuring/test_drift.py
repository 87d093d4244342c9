"""How the machine moved between a run's benchmarks is in every interval, as far as the run could see it."""

import math

import numpy as np
import pytest

from benchmarks.measuring.drift import Drift, drift, widen, widened
from benchmarks.measuring.starts import Figure, figure

STARTS = 0.02  # scatter of logs
MACHINE = 0.04


def run(generator, machine=MACHINE, models=6, benchmarks=5):
    """Return what a run saw of its reference: each model beside several platforms, each time in another state."""
    return [
        (model, np.exp(model + generator.normal(0, machine) + generator.normal(0, STARTS, 5)))
        for model in range(models)
        for _ in range(benchmarks)
    ]


def test_what_visits_differ_by_beyond_their_starts_is_the_machines():
    steps = [0.0, 0.1, 0.2, 0.3, 0.4]  # of logs; each visit's two starts are 0.02 apart
    visits = [("a", np.exp([step - 0.01, step + 0.01])) for step in steps] + [("b", [7.0, 7.0])]  # b tells nothing
    between, within = np.var(steps, ddof=1), 0.02**2 / 2 / 2
    found = drift(visits)
    assert (found.spread, found.seen) == pytest.approx((math.sqrt(between - within), math.sqrt(between)))
    assert found.degrees == 4


def test_it_is_found_about_as_large_as_it_is_whatever_the_models_take():
    found = [drift(run(np.random.default_rng(seed))) for seed in range(20)]
    assert {each.degrees for each in found} == {24}
    assert np.mean([each.spread for each in found]) == pytest.approx(MACHINE, rel=0.1)


def test_a_machine_that_seemed_to_stand_still_moves_no_further_than_was_seen():
    still = drift([("a", [1.0, 1.2])] * 5)
    assert (still.spread, still.seen) == (0, pytest.approx(0, abs=1e-12))
    alone = figure([1.0, 1.01, 1.02, 1.03, 1.04])
    after = widened(alone, still)
    assert (after.low, after.high) == pytest.approx((alone.low, alone.high))


def test_there_are_no_fewer_degrees_of_freedom_than_the_poorer_part_has():
    alone = figure([1.0, 1.01, 1.02, 1.03, 1.04])
    hidden = widened(alone, Drift(0.0, 0.5, 24))  # its starts hide whether it moved
    assert hidden.high == pytest.approx(alone.high)


NOTHING = {
    "none": [],
    "one": [("a", [1.0, 1.1])],
    "one start": [("a", [1.0]), ("a", [1.1])] * 4,
    "few": [("a", [1.0, 1.1])] * 4,
}


@pytest.mark.parametrize("visits", NOTHING.values(), ids=NOTHING)
def test_what_was_seen_once_tells_nothing(visits):
    assert drift(visits) is None


def test_an_interval_holds_the_figure_of_all_runs_where_the_machine_moves_between_them():
    generator, plain, knowing = np.random.default_rng(5), 0, 0
    for _ in range(200):
        visits = run(generator)
        found = figure([*visits[0][1]])
        after = widened(found, drift(visits))
        plain += found.low <= 1.0 <= found.high
        knowing += after.low <= 1.0 <= after.high
    assert plain / 200 < 0.6
    assert 0.92 <= knowing / 200 <= 0.99


def test_a_saved_figure_is_widened_around_its_value_and_one_without_an_interval_stays():
    saved = figure([1.0, 1.01, 1.02, 1.03, 1.04]).to_json()
    wide = dict(saved)
    widen(wide, Drift(0.05, 0.06, 20))
    assert wide["low"] < saved["low"] < saved["value"] < saved["high"] < wide["high"]
    assert math.sqrt(wide["low"] * wide["high"]) == pytest.approx(saved["value"])
    assert {**wide, "low": 0, "high": 0} == {**saved, "low": 0, "high": 0}
    few = Figure(2.0, 1).to_json()
    widen(few, Drift(0.05, 0.06, 20))
    assert few == {"value": 2.0, "starts": 1}
