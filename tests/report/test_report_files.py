"""The command: any file is shown as far as it goes, or refused with the reason; no other file is written over."""

import json
import os
from pathlib import Path

import pytest
from decide_runs_made_up import content, result, save

from benchmarks.report.place import fault, place
from benchmarks.report.reading import read
from benchmarks.results import keys

RESULTS = Path(__file__).parents[1] / "results"
LATENCY = result("latency", "resnet20", "server-cpu", 0.001, 1)
HUGE = 10**400


@pytest.fixture
def sound(tmp_path):
    return save(tmp_path / "sound.json", LATENCY)


def plain(**benchmark):
    """Return what pytest-benchmark saves alone."""
    about = {"name": "test_sort", "fullname": "test_sort.py::test_sort", "stats": {"median": 0.002, "mean": 0.002}}
    return {
        "machine_info": {"cpu": {"brand_raw": "Ryzen"}},
        "datetime": "2026-11-26",
        "benchmarks": [about | benchmark],
    }


# What a file holds


@pytest.mark.parametrize("schema", [1, 2])
def test_old_runs_are_shown(ended, tmp_path, schema):
    code, out, err = ended(RESULTS / f"schema-{schema}.json", "--out", tmp_path / "page.html")
    assert (code, out, err) == (0, f"report   {tmp_path}/page.html\n", "")
    names = [one["name"] for one in json.loads((RESULTS / f"schema-{schema}.json").read_text())["benchmarks"]]
    page = (tmp_path / "page.html").read_text()
    assert all(name in page for name in names)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "JSONDecodeError"),
        (b'{"benchmarks": [', "JSONDecodeError"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "UnicodeDecodeError"),
        (b"[" * 100_000, "RecursionError"),
        (b"{}", "KeyError 'benchmarks'"),
        (json.dumps({**plain(), "datetime": "soon"}).encode(), "Invalid isoformat string: 'soon'"),
        (json.dumps(content(LATENCY) | {"machine_info": {"gpus": 3}}).encode(), "of its machine_info: TypeError"),
    ],
    ids=["empty", "cut", "binary", "deep", "none", "no date", "machine"],
)
def test_what_is_no_run_is_refused_in_a_line_and_the_others_are_shown(ended, tmp_path, sound, text, why):
    (tmp_path / "bad.json").write_bytes(text)
    code, _out, err = ended(sound, tmp_path / "bad.json", "--out", tmp_path / "page.html")
    assert code == 1
    assert (err.startswith(f"refused  {tmp_path}/bad.json: "), why in err, err.count("\n")) == (True, True, 1)
    page = (tmp_path / "page.html").read_text()
    assert "bad.json" in page
    assert "test_latency[resnet20-server-cpu-b1]" in page


def damaged(**changes):
    """Return a latency of which *changes* are not what a run measures."""
    bad = json.loads(json.dumps(result("latency", "resnet8", "server-cpu", 0.002, 1)))
    for part, values in changes.items():
        bad[part] |= values
    return bad


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"stats": {"median": float("nan")}}, "its median is NaN, no time"),
        ({"stats": {"mean": float("inf")}}, "its mean is Infinity, no time"),
        ({"stats": {"min": -1.0}}, "its min is -1.0, no time"),
        ({"stats": {"data": [0.001, 0.0]}}, "a sample is 0.0, no time"),
        ({"stats": {"data": [0.001, HUGE]}}, "a sample is …, no time"),
        ({"stats": {"median": HUGE}}, "damaged: OverflowError"),
        ({"extra_info": {"figures": {"median": {"value": -2.0, "starts": 1}}}}, "its median is -2.0, no time"),
        ({"extra_info": {"figures": {"median": {"value": 2.0, "starts": 3, "high": 1e300}}}}, "is 1e+300, no time"),
        ({"extra_info": {"queries_per_second": {"value": 2.0, "starts": 3, "low": -1.0}}}, "its rate is -1.0, no rate"),
        ({"extra_info": {"figures": 5}}, "damaged: "),
        ({"extra_info": {"ratio_to_server_cpu": "fast"}}, "damaged: "),
        ({"extra_info": {"trust": [1]}}, "damaged: "),
        ({"extra_info": {"slowdown": True}}, "damaged: "),
        ({"extra_info": {keys.TAKEN: "much"}}, "damaged: "),
        ({"extra_info": {keys.TOP1: "many"}}, 'its top1 is "many", no share in per cent'),
        ({"extra_info": {keys.TOP5: 101.0}}, "its top5 is 101.0, no share in per cent"),
        (
            {"extra_info": {keys.LONGEST_TASK: {"value": "long", "starts": 3}}},
            "its longest_task, or an end of its inter",
        ),
        ({"extra_info": {keys.SERVER_SECONDS: 5}}, "damaged: "),
        ({"extra_info": {keys.JOULES: {"rapl package-0": "x"}}}, 'its joules_per_inference is "x", not a number'),
    ],
)
def test_a_result_that_holds_no_times_is_left_out_and_the_rest_of_its_run_shown(tmp_path, changes, why):
    file = save(tmp_path / "run.json", LATENCY, damaged(**changes))
    found = read([file])
    assert [one.name for one in found.runs[0].results] == ["test_latency[resnet20-server-cpu-b1]"]
    (refused,) = found.refused
    assert refused.file == f"{file}: test_latency[resnet8-server-cpu-b1]"
    assert why in refused.why


def test_a_sound_result_stays_where_another_files_of_that_name_is_none(tmp_path):
    broken = damaged(stats={"min": -1.0})
    sound_one = {**damaged(), "fullname": broken["fullname"].replace("benchmarks/", "elsewhere/")}
    found = read([save(tmp_path / "run.json", broken, sound_one)])
    assert [one.fullname for one in found.runs[0].results] == [sound_one["fullname"]]


def test_a_plain_file_is_shown_as_such_and_one_without_samples_too(ended, tmp_path):
    (tmp_path / "plain.json").write_text(json.dumps(plain()))
    assert ended(tmp_path / "plain.json", "--out", tmp_path / "page.html")[0] == 0
    page = (tmp_path / "page.html").read_text()
    assert "nothing is answered: plain" in page
    assert "not this suite&#39;s" in page
    assert "2.00 ms" in page
    assert "not saved" in page  # the samples


@pytest.mark.parametrize(("status", "words"), [(137, "killed before it was saved"), (2, "interrupted, failed or")])
def test_a_run_that_did_not_end_well_is_shown_with_its_mark(ended, tmp_path, status, words):
    file = save(tmp_path / "run.json", LATENCY, exit_status=status)
    assert ended(file, "--out", tmp_path / "page.html")[0] == 0
    page = (tmp_path / "page.html").read_text()
    assert words in page
    assert "not whole" in page


# Which files


def test_a_folder_is_all_runs_in_it_and_the_same_run_counts_once(ended, tmp_path, sound):
    (tmp_path / "deep").mkdir()
    copy = tmp_path / "deep" / "copy.json"
    copy.write_bytes(sound.read_bytes())
    (tmp_path / "link.json").symlink_to(sound)
    code, _out, err = ended(tmp_path, sound, "--out", tmp_path / "page.html")
    assert (code, err.count("\n")) == (0, 1)
    assert err.startswith("once     ")
    page = (tmp_path / "page.html").read_text()
    assert "1 benchmark of 1 platform in 1 run" in page


def test_a_file_that_is_missing_and_a_folder_without_runs_are_refused(tmp_path, sound):
    (tmp_path / "none").mkdir()
    found = read([sound, tmp_path / "missing.json", tmp_path / "none"])
    assert {one.file: one.why.partition(";")[0] for one in found.refused} == {
        f"{tmp_path}/missing.json": "there is no such file",
        f"{tmp_path}/none": "a folder without any .json file",
    }
    assert len(found.runs) == 1


def test_home_is_known_and_many_files_are_told(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for number in range(51):
        save(tmp_path / f"{number}.json", LATENCY, started=f"2026-11-26T00:00:{number:02}")
    told = []
    assert len(read([Path("~")], told.append).runs) == 51
    assert told == ["50 of 51 files are read"]
    assert place("~/page.html") == tmp_path / "page.html"


def test_without_any_result_no_page_is_written(ended, tmp_path):
    code, out, err = ended(save(tmp_path / "empty.json"), "--out", tmp_path / "page.html")
    assert (code, out) == (2, "")
    assert err == "report: no file holds a result; name a run that --benchmark-json or --benchmark-autosave saved\n"
    assert not (tmp_path / "page.html").exists()


# Where it is written


def test_a_page_takes_the_place_of_a_page_and_of_nothing_else(tmp_path):
    files = {name: tmp_path / name for name in ("page.html", "empty.html", "run.json")}
    for file, text in zip(files.values(), ("\n<!DOCTYPE HTML>", "", '{"benchmarks": []}'), strict=True):
        file.write_text(text)
    assert [fault(file) for file in (files["page.html"], files["empty.html"], tmp_path / "new.html")] == ["", "", ""]
    assert "it is there, and no HTML page" in fault(files["run.json"])
    assert "it is one of the files that are read" in fault(files["page.html"], [files["page.html"]])
    assert sorted(tmp_path.iterdir()) == sorted(files.values())


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "it is a folder"),
        ("nowhere/page.html", "there is no folder "),
        ("file/page.html", "there is no folder "),
        ("pipe", "it is no file, but a pipe or a device"),
        (f"{'x' * 252}.html", "File name too long"),
    ],
)
def test_where_no_page_can_be_written_that_is_told_in_a_line(ended, tmp_path, sound, name, why):
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    code, out, err = ended(sound, "--out", tmp_path / name)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"report: {tmp_path}")
    assert err.endswith("; name one like report.html in a folder of yours\n")
    assert why in err


def test_a_page_is_never_written_over_a_run(ended, sound):
    before = sound.read_bytes()
    assert ended(sound, "--out", sound)[0] == 2
    assert sound.read_bytes() == before
