"""Weaker clients by the field's names."""

import argparse
from dataclasses import replace

import pytest

from benchmarks.clients import CLIENTS, SLOWDOWNS, called, client
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


@pytest.mark.parametrize(
    ("slowdown", "names"),
    [(None, {}), (Slowdown(4), {}), (Slowdown(2), {"clients": {"low-end-desktop": [1, 4], "high-end-mobile": [1, 4]}})],
    ids=["as it is", "by a number", "by two names"],
)
def test_only_who_was_asked_for_by_name_is_told_by_it(slowdown, names):
    asked = [CLIENTS[name] for name in ("low-end-desktop", "high-end-mobile", "low-end-mobile")]
    assert named(replace(FACTS, slowdown=slowdown), asked) == names
