"""Of a run that is killed at most the benchmark in progress is lost: the next run saves the rest, as what it is."""

import fcntl
import json

import pytest
from helpers import FAKE_PLATFORMS, Suite

from benchmarks.results import keys, load
from benchmarks.results.saved import Fault
from benchmarks.run.journal import Found, Journal

KILLED = """
import signal
time_of = FakeSession.time

def time_or_die(session, feeds, rounds, iterations=1):
    if session.case.batch_size == int(os.environ.get("FAKE_DEATH", 0)):
        os.kill(os.getpid(), signal.SIGKILL)
    return time_of(session, feeds, rounds, iterations)

FakeSession.time = time_or_die
"""
SIZES = ("--batch-size=2", "--batch-size=3")


@pytest.fixture
def suite(pytester, outside_xdist):
    return Suite(pytester, FAKE_PLATFORMS + KILLED)


def journals(suite):
    return [*suite.folder.rglob("unfinished-*")]


def recovered(suite):
    return [*suite.folder.rglob("*_killed.json")]


def kill(suite, monkeypatch, size=3, save="--benchmark-autosave"):
    monkeypatch.setenv("FAKE_DEATH", str(size))
    suite.run(save, *SIZES)
    monkeypatch.delenv("FAKE_DEATH")
    (journal,) = journals(suite)
    return journal


@pytest.mark.parametrize("save", ["--benchmark-autosave", "--benchmark-save=mine", "--benchmark-json=lost.json"])
def test_the_next_run_saves_what_a_killed_one_had_finished(suite, monkeypatch, save):
    kill(suite, monkeypatch, save=save)
    assert not recovered(suite)
    result = suite.run("--benchmark-autosave")
    (file,) = recovered(suite)
    name = file.relative_to(suite.folder)
    result.stdout.fnmatch_lines(
        [f"journal  the run of 20* was killed; what it had finished, 2 benchmarks, * {name}*137"]
    )
    run, content = load(file), json.loads(file.read_text())
    assert (run.exit_status, run.faults) == (137, [Fault.KILLED])
    assert [result.params["batch_size"] for result in run.results] == [1, 2]
    assert all(result.samples for result in run.results)
    assert "No interval was widened" in content["recovered"]
    assert journals(suite) == []
    assert f"results  {name}" not in result.outlines  # not this run's


def test_it_is_refused_as_a_baseline(suite, monkeypatch):
    kill(suite, monkeypatch)
    suite.run("--benchmark-autosave")
    (file,) = recovered(suite)
    result = suite.run(f"--benchmark-compare={file}", "--benchmark-compare-fail=min:1000%")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*it was killed: its exit_status is 137, not 0*"])


def test_a_run_that_was_killed_before_anything_was_finished_is_told(suite, monkeypatch):
    kill(suite, monkeypatch, size=1)
    result = suite.run("--benchmark-autosave")
    result.stdout.fnmatch_lines(["journal  the run of 20* was killed before a benchmark had finished"])
    assert (recovered(suite), journals(suite)) == ([], [])


def test_half_a_line_is_dropped_and_told(suite, monkeypatch):
    journal = kill(suite, monkeypatch)
    journal.write_bytes(journal.read_bytes()[:-40])
    suite.run("--benchmark-autosave").stdout.fnmatch_lines(["journal *; 1 cut line dropped"])
    assert [result.params["batch_size"] for result in load(recovered(suite)[0]).results] == [1]


def without_its_first_line(text):
    return text[200:]


def of_a_later_version(text):
    return text.replace(b'"schema": %d' % keys.SCHEMA_NUMBER, b'"schema": 99')


def whose_result_is_none(text):
    return text + b'{"fullname": 1, "extra_info": [1]}\n'


@pytest.mark.parametrize("damaged", [without_its_first_line, of_a_later_version, whose_result_is_none])
def test_a_journal_that_nobody_can_read_stays_is_told_and_keeps_nothing_from_being_measured(
    suite, monkeypatch, damaged
):
    journal = kill(suite, monkeypatch)
    text = damaged(journal.read_bytes())
    journal.write_bytes(text)
    result = suite.run("--benchmark-autosave")
    assert (result.ret, journal.read_bytes(), recovered(suite)) == (0, text, [])
    result.stdout.fnmatch_lines([f"journal  *{journal.name}, of a run that was killed, stays as it is: *; remove it *"])
    suite.run("--benchmark-autosave", *SIZES)
    assert journals(suite) == [journal]


STOPPED = """
import signal

def pytest_benchmark_generate_commit_info():
    os.kill(os.getpid(), signal.SIGINT)
    print("asked to the end")
    return {"id": "unversioned"}
"""


def test_a_run_that_is_stopped_while_it_looks_for_journals_looks_to_the_end_and_measures_nothing(
    pytester, outside_xdist, suite, monkeypatch
):
    kill(suite, monkeypatch)
    stopped = Suite(pytester, FAKE_PLATFORMS + STOPPED)
    result = stopped.run("--benchmark-autosave", "-s")
    assert (result.ret, len(recovered(stopped)), journals(stopped)) == (pytest.ExitCode.INTERRUPTED, 1, [])
    assert "asked to the end" in result.stdout.str()


def test_what_is_saved_in_one_of_two_files_leaves_no_journal(suite):
    suite.run("--benchmark-json=/dev/full", "--benchmark-autosave")
    assert journals(suite) == []


def test_the_journal_of_a_run_that_goes_on_is_left_alone(suite, monkeypatch):
    journal = kill(suite, monkeypatch)
    with journal.open() as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        assert "journal " not in suite.run("--benchmark-autosave").stdout.str()
    assert (journals(suite), recovered(suite)) == ([journal], [])


def test_what_failed_is_not_in_the_journal(suite, monkeypatch):
    monkeypatch.setenv("FAKE_DEATH", "1")
    suite.run("--benchmark-autosave", "--platform=closing", "--platform=slow", platform="fake")
    monkeypatch.setenv("FAKE_DEATH", "3")
    suite.run("--benchmark-autosave", *SIZES, platform="closing")
    assert [len(Found.of(file.read_bytes()).results) for file in journals(suite)] == [0]


@pytest.mark.parametrize("options", [(), ("--benchmark-disable", "--benchmark-autosave")], ids=["unsaved", "untimed"])
def test_a_run_that_saves_nothing_keeps_no_journal(suite, monkeypatch, options):
    monkeypatch.setenv("FAKE_DEATH", "2")
    suite.run(*options, *SIZES)
    assert journals(suite) == []


def test_a_line_that_the_disk_does_not_take_whole_is_taken_back(tmp_path, monkeypatch):
    journal = Journal(tmp_path, "name", {"datetime": "now"})
    journal.add({"number": 1})
    whole = journal.file.read_bytes()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("benchmarks.run.journal.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        journal.add({"number": 2})
    assert journal.file.read_bytes() == whole
    monkeypatch.undo()
    journal.add({"number": 3})
    found = Found.of(journal.file.read_bytes())
    assert (found.common["save"], found.results, found.lost) == ("name", [{"number": 1}, {"number": 3}], 0)
