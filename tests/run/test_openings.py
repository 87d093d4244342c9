"""What is shown of openings, and which of them is told."""

import pytest

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
    told = opening(3.214, load_parts={"runtime": 2.1, "model": 0.9, "compile": 0.05, "session": 0.164})
    assert load_words(told) == "load 3.21 s: runtime 2.10 s, model 0.90 s, compile 0.05 s, session 0.16 s"
    assert load_words(opening(3.214)) == ""
