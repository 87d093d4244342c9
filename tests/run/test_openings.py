"""What is shown of openings, and which of them is told."""

import pytest

from benchmarks.measuring.starts import figure
from benchmarks.protocol import Facts, Memory, Opening
from benchmarks.run.openings import load_words, typical


def opening(load, **details):
    facts = Facts("chromium-wasm", "wasm", 1, "performance.now", 5e-6, details=details)
    return Opening(load, 0.0, 0.0, {}, Memory(None, None), facts)


@pytest.mark.parametrize(("loads", "which"), [([3.0, 1.0, 2.0], 2), ([4.0, 1.0, 3.0, 2.0], 3), ([1.0], 0)])
def test_the_opening_that_is_told_is_the_one_whose_load_is_the_median(loads, which):
    openings = [opening(load) for load in loads]
    assert typical(openings) is openings[which]


def test_a_load_is_shown_with_its_parts_where_a_platform_tells_them():
    told = opening(3.214, load_parts={"runtime": 2.1, "model": 0.9, "compile": 0.0502, "session": 0.1638})
    words = "runtime 2,100 ms, model 900 ms, compile 50 ms, session 164 ms"
    assert load_words([told, told, told]) == f"load 3,214 ms: {words}"
    of_the_table = 1e3 * figure([4.0, 3.214]).value
    assert load_words([opening(4.0), told]) == f"load {of_the_table:,.0f} ms, of one of 3,214 ms: {words}"
    assert load_words([opening(3.214)]) == ""
