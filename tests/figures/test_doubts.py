"""Which share of made-up rows is marked, by which check, and what a second program is."""

import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest
from made_up import benchmark, save, trust

from benchmarks.figures import doubts, kept

FIVE = [[[1.0, 2.0]]] * 5
LOAD = {"other_programs": "other programs used 1.0 cores"}
DRIFT = {"drift": "drifted by +12%"}


def rows(*marks, others=0.0):
    """Return benchmarks with these doubts."""
    return [benchmark(f"{number}-server-cpu", FIVE, **trust(others, **mark)) for number, mark in enumerate(marks)]


def marked(folder, *marks, **rest):
    return doubts.Marked.of([kept.read(save(folder / "run.json", *rows(*marks, **rest)))])


def test_rows_are_counted_once_and_by_each_check(tmp_path):
    found = marked(tmp_path, {}, LOAD, LOAD | DRIFT, {}, others=0.3)
    assert (found.rows, found.marked, found.share) == (4, 2, 0.5)
    assert found.by_check == {"other_programs": 2, "drift": 1}
    assert [*found.lines("loaded", "at least 90%")] == [
        "loaded: 2 of 4 rows are marked (!) = 50% (wanted: at least 90%)",
        "  other_programs: 2",
        "  drift: 1",
        "  other programs used 0.30 cores in the middle, 0.30 at most",
    ]


def test_what_was_not_assessed_is_no_row(tmp_path):
    run = kept.read(save(tmp_path / "run.json", benchmark("a", FIVE), *rows(LOAD)))
    assert doubts.Marked.of([run]).rows == 1
    assert doubts.Marked.of([run, run]).marked == 2


@pytest.mark.parametrize(
    ("quiet", "loaded", "passed"), [(1, 9, True), (2, 9, False), (1, 8, False), (0, 10, True), (10, 10, False)]
)
def test_the_marks_mean_something_or_not(tmp_path, quiet, loaded, passed):
    sides = [marked(tmp_path, *[LOAD] * count, *[{}] * (10 - count)) for count in (quiet, loaded)]
    assert doubts.report(*sides)[0] is passed


@pytest.mark.parametrize(("others", "words"), [(0.19, False), (0.21, True)])
def test_a_quiet_run_on_a_busy_machine_is_told_to_be_none(tmp_path, others, words):
    _, told = doubts.report(marked(tmp_path, {}, {}, others=others), marked(tmp_path, LOAD, LOAD))
    assert ("the first run was not quiet" in told) is words


@pytest.fixture
def measured(monkeypatch):
    """Have runs saved and not measured: quiet ones unmarked, loaded ones marked; note beside how many programs."""
    state = SimpleNamespace(calls=[], programs=0, marks={"quiet": {}, "loaded": LOAD})

    def measure(file, words):
        state.calls.append((file.stem, state.programs, [*words]))
        return kept.read(save(file, *rows(*[state.marks[file.stem]] * 10)))

    class Program:
        def __init__(self, _command):
            state.programs += 1

        def kill(self):
            state.programs -= 1

        def wait(self):
            assert state.programs == 0  # all are told to end before any is waited for

    monkeypatch.setattr(kept, "measure", measure)
    monkeypatch.setattr(doubts.subprocess, "Popen", Program)
    monkeypatch.setattr(doubts.signal, "signal", lambda *_: None)
    return state


def test_the_job_runs_alone_and_beside_a_program_on_each_core(ended, measured, tmp_path):
    code, told = ended(doubts, "--keep", str(tmp_path), "--", "--platform", "server-cpu")
    options = ["--platform", "server-cpu"]
    assert measured.calls == [("quiet", 0, options), ("loaded", doubts.CORES, options)]
    assert (code, measured.programs) == (0, 0)
    assert "quiet: 0 of 10 rows are marked (!) = 0% (wanted: at most 10%)" in told
    assert "loaded: 10 of 10 rows are marked (!) = 100% (wanted: at least 90%)" in told


def test_a_run_that_is_kept_is_not_measured_again(ended, measured, tmp_path):
    save(tmp_path / "quiet.json", *rows(*[{}] * 10))
    assert ended(doubts, "--keep", str(tmp_path))[0] == 0
    assert [name for name, *_ in measured.calls] == ["loaded"]
    assert ended(doubts, "--keep", str(tmp_path))[0] == 0
    assert len(measured.calls) == 1


def test_runs_that_are_given_are_counted_together(ended, measured, tmp_path):
    quiet = [str(save(tmp_path / f"{number}.json", *rows({}, {}))) for number in range(2)]
    loaded = str(save(tmp_path / "9.json", *rows(LOAD, {})))
    code, told = ended(doubts, "--quiet", *quiet, "--loaded", loaded)
    assert (code, measured.calls) == (1, [])
    assert "quiet: 0 of 4 rows" in told
    assert "loaded: 1 of 2 rows are marked (!) = 50%" in told


def test_marks_that_say_nothing_end_with_1(ended, measured, tmp_path):
    measured.marks["quiet"] = DRIFT
    code, told = ended(doubts, "--keep", str(tmp_path))
    assert code == 1
    assert "  drift: 10" in told


def test_a_stop_ends_the_second_program_too(ended, measured, monkeypatch, tmp_path):
    save(tmp_path / "quiet.json", *rows({}))

    def stopped(*_given):
        assert measured.programs == doubts.CORES
        raise KeyboardInterrupt

    monkeypatch.setattr(kept, "measure", stopped)
    assert ended(doubts, "--keep", str(tmp_path))[0] == "stopped; the next call goes on"
    assert measured.programs == 0


def test_runs_without_an_assessed_row_say_nothing(ended, measured, tmp_path):
    file = str(save(tmp_path / "a.json", benchmark("a", FIVE)))
    assert ended(doubts, "--quiet", file, "--loaded", file)[0] == "no row was assessed"


def is_busy(process):
    try:
        return doubts.BUSY in process.cmdline()
    except psutil.ZombieProcess:  # another test's, not yet waited for
        return False


def test_the_second_program_keeps_every_core_busy_and_ends():
    with doubts.second_program():
        children = [child for child in psutil.Process().children() if is_busy(child)]
        assert len(children) == doubts.CORES
    assert not [child for child in children if child.is_running()]


def test_a_second_program_whose_command_was_killed_ends_too():
    done = subprocess.run([sys.executable, "-c", doubts.BUSY, "1234567"], timeout=30, check=False)
    assert done.returncode == 0  # its parent is another
