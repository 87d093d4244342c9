"""Runs that are kept: measured once, whole, and put together only with their like."""

import subprocess
import sys

import pytest
from made_up import benchmark, save

from benchmarks.figures import kept

FIVE = [[[1.0, 2.0]]] * 5


@pytest.fixture
def saved(tmp_path):
    """Save runs by numbers, and read them."""

    def run(number, *benchmarks, **rest):
        return kept.read(save(tmp_path / f"{number}.json", *(benchmarks or [benchmark("a", FIVE)]), **rest))

    return run


def test_runs_of_a_kind_go_together(saved):
    runs = [saved(1), saved(2), saved(3)]
    assert kept.check_alike(runs) is kept.check_alike(runs[:1]) is kept.check_alike([]) is None


@pytest.mark.parametrize(
    ("other", "rest", "words"),
    [
        (benchmark("a", FIVE), {"suite": "xyz"}, "another version of the suite measured it"),
        (benchmark("b", FIVE), {}, r"it has other benchmarks, such as .*\[a\]"),
        (benchmark("a", FIVE[:4]), {}, "pages or processes was 5, is 4"),
        (benchmark("a", FIVE, threads=2), {}, "threads was not told, is 2"),
    ],
)
def test_runs_of_two_kinds_do_not(saved, other, rest, words):
    with pytest.raises(
        kept.KeptError, match=rf"^2.json and 1.json are no two of a kind: .*{words}.*; name another --keep"
    ):
        kept.check_alike([saved(1), saved(2, other, **rest)])


def test_only_the_version_that_began_goes_on(saved, monkeypatch):
    monkeypatch.setattr(kept, "suite", lambda: "abc")
    kept.check_continued(saved(1))
    with pytest.raises(kept.KeptError, match=r"another version of the suite \(xyz, not abc\): name another --keep"):
        kept.check_continued(saved(2, suite="xyz"))


def test_what_is_no_whole_run_is_told(saved, tmp_path):
    with pytest.raises(kept.KeptError, match=r"1\.json: interrupted, failed or refused$"):
        saved(1, exit_status=1)
    with pytest.raises(kept.KeptError, match=r"absent\.json: no run of this suite"):
        kept.read(tmp_path / "absent.json")


def test_the_real_command_is_run_and_kept(outside_xdist, tmp_path):
    words = ["-m", "latency", "--model", "resnet8", "--batch-size=1", "--starts=1", "--benchmark-max-time=0.05"]
    run = kept.measure(tmp_path / "new" / "a.json", [*words, "--platform=server-cpu", "--platform=server-litert"])
    assert [result.params["platform"] for result in run.results] == ["server-cpu", "server-litert"]
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == ["a.json", "a.log"]
    assert "2 passed" in (tmp_path / "new" / "a.log").read_text()
    assert run.machine["suite"] == kept.suite()


def test_why_the_command_failed_is_told_and_nothing_kept(outside_xdist, tmp_path):
    with pytest.raises(kept.KeptError, match=r"(?s)unknown model 'resnet9'.*the command ended with 4"):
        kept.measure(tmp_path / "a.json", ["--model=resnet9"])
    assert [file.name for file in tmp_path.iterdir()] == ["a.log"]


def test_a_stop_is_told_to_the_command_which_ends_as_it_does(monkeypatch, tmp_path):
    waits = iter([KeyboardInterrupt])
    wait = subprocess.Popen.wait

    def interrupted(process, *given):
        if error := next(waits, None):
            raise error
        return wait(process, *given)

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with (tmp_path / "log").open("w") as log, pytest.raises(KeyboardInterrupt):
        kept._run([sys.executable, "-c", "import time; time.sleep(60); print('not ended')"], log)
    assert (next(waits, "told"), (tmp_path / "log").read_text()) == ("told", "")


def test_what_lies_behind_the_dashes_is_the_suites(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["repeat", "--sweeps", "3", "--", "-m", "latency", "--", "x"])
    assert kept.command_line() == (["--sweeps", "3"], ["-m", "latency", "--", "x"])
    monkeypatch.setattr(sys, "argv", ["repeat", "--sweeps", "3"])
    assert kept.command_line() == (["--sweeps", "3"], [])
