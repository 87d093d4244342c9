"""Weaker clients by the field's names."""

import argparse
from dataclasses import replace

import pytest

from benchmarks.clients import CLIENTS, SLOWDOWNS, called, client, factor
from benchmarks.protocol import Facts, Slowdown
from benchmarks.run.weaker import named

FACTS = Facts("chromium-wasm", "wasm", 1, "performance.now", 5e-6)


def test_the_factors_are_lighthouses():
    factors = {one.name: (one.factor, one.low, one.high) for one in CLIENTS.values()}
    assert factors == {
        "low-end-desktop": (2, 1, 4),
        "high-end-mobile": (2, 1, 4),
        "mid-tier-mobile": (4, 2, 10),
        "low-end-mobile": (10, 5, 20),
    }
    assert SLOWDOWNS == (2, 4, 6, 10)


def test_a_factor_is_called_by_all_its_names():
    assert [*map(called, SLOWDOWNS)] == ["low-end desktop or high-end mobile", "mid-tier mobile", "", "low-end mobile"]


def test_an_unknown_client_is_answered_with_the_known():
    with pytest.raises(
        argparse.ArgumentTypeError, match=r"^unknown client 'pixel-5': choose from low-end-desktop \(2 "
    ):
        client("pixel-5")


def test_where_both_are_taken_a_name_is_its_factor():
    assert [*map(factor, ("10", "mid-tier-mobile"))] == [10, 4]
    for text, words in (("3", "'3' is not among 2, 4, 6, 10"), ("phone", "unknown client 'phone'")):
        with pytest.raises(argparse.ArgumentTypeError, match=words):
            factor(text)


@pytest.mark.parametrize(
    ("slowdown", "names"),
    [(None, {}), (Slowdown(4), {}), (Slowdown(2), {"clients": {"low-end-desktop": [1, 4], "high-end-mobile": [1, 4]}})],
    ids=["as it is", "by a number", "by two names"],
)
def test_only_who_was_asked_for_by_name_is_told_by_it(slowdown, names):
    asked = [CLIENTS[name] for name in ("low-end-desktop", "high-end-mobile", "low-end-mobile")]
    assert named(replace(FACTS, slowdown=slowdown), asked) == names
