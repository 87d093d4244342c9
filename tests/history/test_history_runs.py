"""Which saved runs are in no series: what is damaged is left out with the reason, and the rest is read."""

import json

import pytest

from benchmarks.history.runs import read

MACHINE = {
    "cpu": {"brand_raw": "Abacus 9"},
    "machine": "x86_64",
    "system": "Linux",
    "release": "6.8.0",
    "python_version": "3.11.7",
    "python_implementation": "CPython",
    "cores": 2,
    "cores_usable": 2,
    "simd_flags": [],
    "governor": None,
    "gpus": [],
    "versions": {},
}
BENCHMARK = {"fullname": "a.py::a", "stats": {"data": [1.0]}, "extra_info": {"clock": "sundial"}}
WHOLE = {
    "exit_status": 0,
    "datetime": "2026-11-25T03:00:00+00:00",
    "commit_info": {"id": "c0ffee", "time": "2026-11-24T03:00:00+00:00", "dirty": False},
    "machine_info": MACHINE,
    "benchmarks": [BENCHMARK],
}
NOT_ITS_OWN = "not a run of this suite"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"exit_status": 2}, "the run did not end well: pytest's exit code was 2"),
        ({"exit_status": False}, "the run did not end well: pytest's exit code was False"),
        ({"exit_status": None}, "the run did not end well: pytest's exit code was None"),
        ({"commit_info": {"id": "unknown", "dirty": None, "error": "dubious"}}, "the run tells no commit, "),
        ({"commit_info": {"id": "unversioned", "dirty": False}}, "the run tells no commit, "),
        ({"commit_info": {"id": "c0ffee", "time": "yesterday"}}, f"{NOT_ITS_OWN} (ValueError: "),
        ({"machine_info": []}, f"{NOT_ITS_OWN} (DamagedError: its machine_info is [], not names and values"),
        ({"machine_info": {**MACHINE, "cpu": []}}, f"{NOT_ITS_OWN} (DamagedError: its machine_info's cpu is "),
        ({"datetime": None}, f"{NOT_ITS_OWN} (TypeError: "),
        ({"benchmarks": [BENCHMARK] * 2}, f"{NOT_ITS_OWN} (DamagedError: it holds a.py::a 2 times, "),
    ],
)
def test_a_run_that_has_no_place_is_left_out_and_says_why(tmp_path, changes, why):
    (tmp_path / "whole.json").write_text(json.dumps(WHOLE))
    (tmp_path / "other.json").write_text(json.dumps({**WHOLE, **changes}))
    runs, (left_out,) = read(tmp_path)
    assert ([run.file for run in runs], left_out.what) == (["whole.json"], "other.json")
    assert left_out.why.startswith(why)
    assert "\n" not in left_out.why


def test_a_time_without_a_zone_has_its_place_among_the_others(tmp_path):
    for name, time in (("a", "2026-11-25T03:00:00+00:00"), ("b", "2026-11-24T03:00:00")):
        (tmp_path / f"{name}.json").write_text(json.dumps({**WHOLE, "commit_info": {"id": name, "time": time}}))
    runs, left_out = read(tmp_path)
    assert ([run.commit for run in runs], left_out) == (["b", "a"], [])
