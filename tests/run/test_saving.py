"""Files are whole or not there: tried before anything is measured, written aside, and told where that fails."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers import FAKE_PLATFORMS, Suite
from pytest_benchmark.storage.file import FileStorage

from benchmarks.run.saving import save_next, storage_fault, write_whole

# The disk is full when the runs are saved.
FULL = """
def pytest_benchmark_update_json():
    def full(descriptor):
        raise OSError(28, "No space left on device")
    os.fsync = full
"""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--benchmark-json=nowhere/out.json"],
            "--benchmark-json: *nowhere/out.json cannot be written: No such file *",
        ),
        (["--benchmark-json=."], "--benchmark-json: * cannot be written: Is a directory; name one in a folder *"),
        (["--benchmark-storage=/proc/nowhere", "--benchmark-autosave"], "--benchmark-storage: /proc/nowhere/*"),
        (["--benchmark-storage=conftest.py", "--benchmark-autosave"], "--benchmark-storage: *: Not a directory; *"),
        ([f"--benchmark-save={'x' * 255}"], "--benchmark-storage: *: File name too long; *or a shorter name *"),
        (["--benchmark-storage=s3://runs", "--benchmark-autosave"], "--benchmark-storage: s3://runs is neither *"),
        (["--codspeed"], "--codspeed, or CODSPEED_ENV, *; leave it out"),
    ],
)
def test_what_could_not_be_saved_is_refused_before_anything_is_measured(suite, options, words):
    result = suite.run(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert suite.timed_rounds() == 0
    (line,) = [line for line in result.errlines if line]
    result.stderr.fnmatch_lines([f"ERROR: {words}"])
    assert "Traceback" not in line


def test_where_nothing_is_measured_one_line_says_that_nothing_is_saved(suite):
    result = suite.run("--benchmark-json=out.json", "--benchmark-autosave", platform="broken")
    assert result.ret != pytest.ExitCode.OK
    result.stderr.fnmatch_lines(["Nothing was measured: no file is saved"])
    assert "Warning" not in f"{result.stdout}{result.stderr}"
    assert not (suite.folder / "out.json").exists()


def test_only_folders_and_elasticsearch_keep_runs():
    assert [storage_fault(known) for known in ("folder", "file://folder")] == ["", ""]
    assert "name a folder" in storage_fault("s3://runs")
    assert "pip install" in storage_fault("elasticsearch+https://host/index/doctype")


def test_on_a_full_disk_the_tables_are_shown_and_nothing_cut_is_kept(pytester, outside_xdist):
    suite = Suite(pytester, FAKE_PLATFORMS + FULL)
    result = suite.run("--benchmark-json=out.json", "--benchmark-autosave")
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    result.stdout.fnmatch_lines(
        [
            "fake  *",
            "problem  out.json could not be saved: No space left on device",
            "problem  .benchmarks/*.json could not be saved: No space left on device",
            "problem  what was measured is in .benchmarks/*/unfinished-*, and the next run here saves it",
        ]
    )
    assert [*suite.folder.rglob("*.json"), *suite.folder.rglob("*.part")] == []
    Suite(pytester).run("--benchmark-json=out.json").stdout.fnmatch_lines(["journal *1 benchmark, is saved as *"])


def test_a_file_that_cannot_be_saved_does_not_keep_the_other_from_it(suite):
    result = suite.run("--benchmark-json=/dev/full", "--benchmark-autosave")
    result.stdout.fnmatch_lines(["results  .benchmarks/*", "problem  *dev/full could not be saved: No space left *"])
    (file,) = (suite.folder / ".benchmarks").rglob("*.json")
    assert json.loads(file.read_text())["exit_status"] == 0


def test_a_link_stays_a_link_and_a_device_a_device(suite):
    (suite.folder / "link.json").symlink_to("target.json")
    suite.run("--benchmark-json=link.json")
    assert (suite.folder / "link.json").is_symlink()
    assert len(suite.benchmarks("target.json")) == 1
    suite.run("--benchmark-json=/dev/stdout").stdout.fnmatch_lines(['*"exit_status": 0*'])


def test_two_runs_that_save_at_once_take_two_numbers(tmp_path):
    storage = FileStorage(tmp_path, None, "here")

    def save(number):
        return save_next(storage, "run", {"benchmarks": [number]})

    with ThreadPoolExecutor(8) as runs:
        files = [*runs.map(save, range(16))]
    assert sorted(file.name for file in files) == [f"{number:04}_run.json" for number in range(1, 17)]
    assert [json.loads(file.read_text())["benchmarks"] for file in files] == [[number] for number in range(16)]


def test_a_storage_that_vanished_meanwhile_is_made_again(pytester, outside_xdist):
    vanish = """
def pytest_benchmark_update_json():
    import shutil
    shutil.rmtree(".benchmarks", ignore_errors=True)
"""
    suite = Suite(pytester, FAKE_PLATFORMS + vanish)
    assert suite.run("--benchmark-autosave").ret == 0
    assert len([*(suite.folder / ".benchmarks").rglob("0001_*.json")]) == 1


def test_an_earlier_file_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    file = tmp_path / "out.json"
    file.write_text("before")
    monkeypatch.setattr(
        "benchmarks.run.saving.os.fsync", lambda _descriptor: (_ for _ in ()).throw(OSError(28, "full"))
    )
    with pytest.raises(OSError, match="full"):
        write_whole(file, {"benchmarks": []})
    assert (file.read_text(), [*tmp_path.iterdir()]) == ("before", [file])
    monkeypatch.undo()
    write_whole(file, {"benchmarks": []})
    assert json.loads(file.read_text()) == {"benchmarks": []}
    assert stat.S_ISREG(file.stat().st_mode)


def test_a_run_that_nobody_asked_to_save_says_so(suite):
    result = suite.run()
    result.stdout.fnmatch_lines(["results  are in no file: --benchmark-autosave saves them, or --benchmark-json FILE"])
    assert suite.run("--benchmark-disable").stdout.str().count("results  ") == 0
