"""One gate at a time, what earlier ones left behind, and exit codes that are no slowdown's."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from helpers import ROOT
from test_gate_checkouts import checkout, git, of, repository  # noqa: F401  # a fixture

from benchmarks.gate import lock, tidy
from benchmarks.gate.lock import HeldError, held

HOLD = """
import sys
from pathlib import Path
from benchmarks.gate.lock import HeldError, held
try:
    with held(Path(sys.argv[1])):
        print("held", flush=True)
        sys.stdin.read()
except HeldError as error:
    print(error, flush=True)
"""


@pytest.fixture
def holder(root):
    """A process that holds the lock, until its input ends."""
    with held_elsewhere(root) as process:
        yield process
        process.kill()


def held_elsewhere(root):
    words = [sys.executable, "-c", HOLD, str(root)]
    process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_gate_is_refused_with_the_holders_pid_and_what_to_do(root, holder):
    end = rf"another gate runs: process {holder.pid} holds .*lock, .*wait for it, or end it with `kill {holder.pid}`$"
    with pytest.raises(HeldError, match=end), held(root):
        pytest.fail("two at once")
    holder.communicate()
    with held(root):
        pass


def test_all_worktrees_of_a_repository_have_one_lock(root, holder, tmp_path):
    git(root, "worktree", "add", "--quiet", "--detach", str(tmp_path / "other"))
    for folder in (tmp_path / "other", checkout("side", root).path):
        with pytest.raises(HeldError), held(folder):
            pytest.fail("two at once")


def test_the_lock_of_one_that_was_killed_is_taken_over_and_told(root, holder, capfd):
    holder.kill()
    holder.wait()
    with held(root):
        assert capfd.readouterr().err == (
            f"gate: took over the lock of process {holder.pid}, which ended without giving it back\n"
        )
    with held(root):
        assert capfd.readouterr().err == ""


def test_a_gate_that_the_holder_started_runs_under_its_lock(root):
    with held(root), held_elsewhere(root) as child:
        child.communicate()
    with held_elsewhere(root) as other:  # and the holder's lock is not given back by it
        other.communicate()


def gate(root, *words, **more):
    code = "import sys; from pathlib import Path; from benchmarks.gate import command, compare; "
    code += "compare.ROOT = Path(sys.argv.pop(1)); command.main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, str(root), "--out=out", *words],
        cwd=root, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True, **more,
    )  # fmt: skip


def test_a_refused_gate_ends_with_5_and_leaves_the_others_reports(root, holder):
    (root / "out").mkdir()
    (root / "out" / "gate.json").write_text("{}")
    second = gate(root, "side")
    _, told = second.communicate()
    assert (second.returncode, (root / "out" / "gate.json").read_text()) == (5, "{}")
    assert told.startswith(f"gate: another gate runs: process {holder.pid} holds ")
    assert told.count("\n") == 1


SLOW_TOX = """
import pathlib, time
pathlib.Path("begun").touch()
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_that_follow_the_first_do_not_keep_the_report_from_being_written(root, number):
    path = checkout("side", root).path
    (path / "tox.py").write_text(SLOW_TOX)
    git(path, "add", "tox.py")
    git(path, "commit", "--quiet", "--message", "slow")
    process = gate(root, git(path, "rev-parse", "HEAD"), stdout=subprocess.PIPE)
    begun = root / ".gate" / "checkouts"
    while not [*begun.glob("*/begun")]:
        assert process.poll() is None
        time.sleep(0.05)
    for _ in range(5):
        process.send_signal(number)
        time.sleep(0.02)
    out, _ = process.communicate()
    assert process.returncode == 2
    saved = json.loads((root / "out" / "gate.json").read_text())
    assert (saved["exit"], saved["problems"]) == (2, ["interrupted before anything was compared"])
    assert "gate: exit 2, incomplete" in out


def test_a_gate_without_scipy_is_no_slowdown_and_says_what_installs_it(tmp_path):
    (tmp_path / "scipy.py").write_text("raise ModuleNotFoundError(\"No module named 'scipy'\")")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gate", "HEAD"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == (
        "gate: nothing is compared: No module named 'scipy'; run it as `tox run -e gate -- …`, which installs that\n"
    )


# What earlier gates left


def old(path, hours):
    os.utime(path, (time.time() - 3600 * hours,) * 2)


def test_the_newest_checkouts_and_those_in_use_stay(root, capfd, monkeypatch):
    monkeypatch.setattr(tidy, "CHECKOUTS_KEPT", 1)
    paths = {name: checkout(name, root).path for name in ("main", "side", "v1.0")}
    (paths["side"] / "environment").write_bytes(bytes(3_000_000))
    for hours, name in enumerate(("v1.0", "side", "main")):
        old(paths[name], hours)
    tidy.remove_checkouts(root, [paths["main"]])
    assert {name for name, path in paths.items() if path.exists()} == {"main", "v1.0"}
    told = f"gate: removed earlier checkouts ({of(root, 'side')[:12]}), 3 MB; the newest 1 beside those in use stay\n"
    assert capfd.readouterr().err == told
    assert str(paths["side"]) not in git(root, "worktree", "list")
    tidy.remove_checkouts(root, [paths["main"]])
    assert capfd.readouterr().err == ""
    assert checkout("side", root).path == paths["side"]  # and is made again where it is asked for


def test_a_checkout_that_git_no_longer_knows_goes_too(root, monkeypatch):
    monkeypatch.setattr(tidy, "CHECKOUTS_KEPT", 0)
    path = checkout("side", root).path
    (path / ".git").write_text("gitdir: nowhere")
    tidy.remove_checkouts(root, [])
    assert not path.exists()
    assert git(root, "status", "--porcelain") == ""


def test_the_newest_runs_stay(root, capfd, monkeypatch):
    monkeypatch.setattr(tidy, "RUNS_KEPT", 2)
    for hours in range(4):
        (root / ".gate" / "runs" / f"{hours}").mkdir(parents=True)
        old(root / ".gate" / "runs" / f"{hours}", hours)
    tidy.remove_runs(root)
    assert {path.name for path in (root / ".gate" / "runs").iterdir()} == {"0", "1"}
    assert capfd.readouterr().err == "gate: removed earlier runs (2, 3), 0 MB; the newest 2 beside those in use stay\n"


def test_a_holder_that_has_not_written_its_number_yet_is_waited_for(root, holder, monkeypatch):
    monkeypatch.setattr(lock, "PATIENCE", 0.1)
    (root / ".gate" / "lock").write_text("")
    with pytest.raises(HeldError, match=r"another gate runs: a process holds .*; wait for it, or end it$"), held(root):
        pytest.fail("two at once")
