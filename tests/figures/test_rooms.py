"""The rooms of a checkout: floor by floor, each arrow once, and a circle told."""

import sys
from graphlib import CycleError

import pytest
from helpers import ROOT

from benchmarks.figures import rooms

HOUSE = {"roof": {"ground", "first"}, "first": {"ground"}, "ground": set(), "shed": set()}


def test_a_room_is_a_folder_of_the_suite_or_a_package_beside_it():
    names = {"benchmarks.run.replay", "benchmarks.protocol", "models.graph", "browser_harness", "benchmarks.gate"}
    assert {*map(rooms.room_of, names)} == {
        *("benchmarks.run", "benchmarks.protocol", "models", "browser_harness", "benchmarks.gate"),
    }


def test_rooms_stand_on_what_they_import_from():
    assert rooms.lines(HOUSE) == [
        "floor 3  roof",
        "floor 2  first",
        "floor 1  ground, shed",
        "4 rooms on 3 floors, 3 arrows between them",
    ]


def test_rooms_that_stand_on_each_other_are_told():
    with pytest.raises(CycleError, match="cycle"):
        rooms.lines(HOUSE | {"ground": {"roof"}})


def test_the_arrows_of_a_checkout_are_its_imports(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    arrows = rooms.arrows(ROOT)
    assert arrows["benchmarks.measuring"] >= {"benchmarks.protocol", "models"}
    assert "benchmarks.run" in arrows["benchmarks.gate"] | arrows["benchmarks.figures"]
    assert not any("test_" in room for room in arrows)
