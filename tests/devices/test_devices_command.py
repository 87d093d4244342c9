"""The command itself: a device that leaves in the midst, and two real browsers from one link."""

import io
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import psutil
import pytest
from helpers import ROOT, clean_environment, command_line
from made_up_browser import made_up_browser

from benchmarks.devices import suite
from benchmarks.devices.__main__ import _opening, parser
from benchmarks.devices.board import Board
from benchmarks.devices.guests import Line
from benchmarks.devices.host import Host, Usher
from benchmarks.devices.plan import Plan
from benchmarks.results import devices, keys, load
from browser_harness.joined.browsers import missing
from browser_harness.joined.entrance import entrance_of
from browser_harness.joined.server import joining

QUICK = ["--model=resnet8", "-k", "wasm", "--starts=2", "--benchmark-max-time=0.02", "--benchmark-warmup-iterations=5"]


def test_of_one_that_leaves_in_the_midst_is_saved_what_was_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(suite, "FOLDER", tmp_path / "logs")
    for name in [name for name in os.environ if name.startswith("PYTEST_")]:  # this run's, and its workers'
        monkeypatch.delenv(name)
    line, board = Line(), Board(io.StringIO())
    words = [*QUICK, "--starts=1", "--device-patience=0.3", f"--benchmark-storage=file://{tmp_path}/saved"]
    host = Host(line, board, suite.measure, words, most=1)
    with joining(on_join=line.came) as server, Usher(line, board):
        host.serve([("made up", partial(made_up_browser, server.url, stays=1))])
    (guest,) = line.guests
    outcome, run = guest.outcome, load(guest.outcome.file)
    assert outcome.why.startswith(
        "it left, or hid its page, and was not back in time; 1 benchmark failed: latency[resn"
    )
    assert [result.params["batch_size"] for result in run.results] == [1]
    assert [fault.value for fault in run.faults] == ["interrupted, failed or refused"]
    assert run.machine[keys.DEVICE]["story"]["left"] == 1
    assert guest.device.presence.state == "away"


def test_what_is_told_of_the_link_fits_the_screen_and_a_fingerprint_stays_whole(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    options = parser().parse_args(["--https"])
    with joining(entrance_of(options)) as server:
        told = [*_opening(server, Plan(["latency resnet8-wasm-b1"]), options)]
    (fingerprint,) = [line for line in told if line.count(":") == 31]
    assert all(len(line) < 80 or line == fingerprint for line in told)
    assert "only browsers of this machine reach it" in "\n".join(told)


@pytest.mark.skipif(bool(why := missing("firefox")), reason=why or "")
def test_two_browsers_of_this_machine_join_one_link(tmp_path):
    command = [sys.executable, "-m", "benchmarks.devices", "--browser=firefox", "--browser=chromium", "--devices=2"]
    environment = clean_environment() | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [*command, *QUICK, "--batch-size=1", f"--benchmark-storage=file://{tmp_path}/saved"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    files = [Path(line.split(maxsplit=1)[1]) for line in lines if line.startswith("results  ")]
    firefox, chromium = (load(file) for file in files)
    for run, engine in ((firefox, "firefox"), (chromium, "chromium")):
        about = devices.of_run(run.machine)
        assert (about["engine"], about["transport"], about["isolated"]) == (engine, "loopback", True)
        assert run.machine["node"] == "unknown"
        assert run.machine[keys.SERVED_BY]["node"] == os.uname().nodename
        assert [result.params["platform"] for result in run.results] == [f"{engine}-wasm"]
        assert run.results[0].ratios["server_cpu"].value > 0
        assert not run.faults
    assert any(line.startswith("device 1  firefox-wasm  ") for line in lines)
    assert any(line.startswith("device 2  chromium-wasm  ") for line in lines)
    assert any(line.startswith("times as long as Chromium ") for line in lines)
    assert f"next     tox run -e report -- {files[0]} {files[1]}" in lines
    assert [entry.name for entry in tmp_path.iterdir()] == ["saved"]
    assert not [process for process in psutil.process_iter() if str(tmp_path) in command_line(process.pid)]
