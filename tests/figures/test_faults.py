"""The faults' own judgement: a row that cannot be wrong shows nothing."""

from pathlib import Path

import pytest

from benchmarks.figures.faults import gates
from benchmarks.figures.faults.place import Ended, Place, place

REFUSED, TAKEN = Ended(4, "ERROR: the baseline cannot be used: none"), Ended(0, "1 passed")
NO_RUN, SAME_RUN = (
    Ended(2, "problem  gone.json: no run"),
    Ended(2, "problem  gone.json and gone.json hold the same run"),
)


@pytest.mark.parametrize(
    ("suite", "gate", "is_right"),
    [(REFUSED, NO_RUN, True), (REFUSED, SAME_RUN, False), (TAKEN, NO_RUN, False), (TAKEN, SAME_RUN, False)],
)
def test_a_baseline_must_be_refused_for_what_it_is_by_the_suite_and_by_a_gate(monkeypatch, suite, gate, is_right):
    monkeypatch.setattr(Place, "suite", lambda *_, **__: suite)
    monkeypatch.setattr(Place, "run", lambda *_, **__: gate)
    with place() as where:
        assert gates.refused(where, Path("gone.json")).is_right is is_right


def test_whatever_stays_in_the_temporary_folder_is_left_behind(monkeypatch):
    monkeypatch.setattr("benchmarks.figures.faults.place.ENDING", 0)
    with place() as where:
        where.environment()
        assert where.left() == []
        (where.temporary / "anything").touch()
        (where.folder / "0001_run.json.part").touch()
        assert where.left() == ["anything", "0001_run.json.part"]
