"""A run that is stopped ends in order, once: however often it is asked to, by whom, and whoever has gone away."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from helpers import FAKE_PLATFORMS, Suite, clean_environment, make_linear

from benchmarks.run import ending
from benchmarks.run.ending import Ending

# The run is stopped in its second benchmark, and asked again and again while it saves.
STOPPED = """
import os, signal
from contextlib import suppress
asked = [signal.SIGINT]

def pytest_benchmark_update_json():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(os.getpid(), number)

"""
IN_TIME = """
time_of = FakeSession.time

def time_or_stop(session, feeds, rounds, iterations=1):
    if session.case.batch_size == 2 and asked:
        os.kill(os.getpid(), asked.pop())
    return time_of(session, feeds, rounds, iterations)

FakeSession.time = time_or_stop
"""
IN_TEARDOWN = """
@contextmanager
def open_fresh(platform, case, settings):
    yield FakeSession(platform, case)
    if case.batch_size == 2 and asked:
        os.kill(os.getpid(), asked.pop())
    (open("closed.txt", "a")).write("closed ")

FakePlatform.open_fresh = open_fresh
"""
SWALLOWED = IN_TIME.replace(
    "os.kill(os.getpid(), asked.pop())",
    "\n        with suppress(KeyboardInterrupt):\n            os.kill(os.getpid(), asked.pop())",
)
OWN = """
import os, signal
import pytest

def test_that_catches_its_own():
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)

def test_that_follows():
    pass
"""
SIZES = ("--batch-size=2", "--batch-size=3", "--benchmark-autosave", "--benchmark-json=out.json")


def saved(suite):
    """Return how each saved run ended, and the batch sizes that it has."""
    files = [*suite.folder.glob("*.json"), *(suite.folder / ".benchmarks").rglob("*.json")]
    runs = [json.loads(file.read_text()) for file in files]
    return [(run["exit_status"], [one["params"]["batch_size"] for one in run["benchmarks"]]) for run in runs]


@pytest.fixture
def hears_hang_ups():
    """Let SIGHUP be obeyed, also where these tests run behind `nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("stops", "sizes"),
    [(IN_TIME, [1]), (IN_TEARDOWN, [1, 2]), (SWALLOWED, [1, 2])],
    ids=["while measuring", "while closing", "swallowed"],
)
@pytest.mark.usefixtures("hears_hang_ups")
@pytest.mark.parametrize("kind", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_what_was_finished_is_saved_however_often_the_run_is_stopped(pytester, outside_xdist, stops, sizes, kind):
    suite = Suite(pytester, STOPPED.replace("SIGINT]", f"{kind}]") + FAKE_PLATFORMS + stops)
    result = suite.run(*SIZES)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert saved(suite) == [(2, sizes)] * 2
    assert not [*suite.folder.rglob("unfinished*")]
    result.stdout.fnmatch_lines(["results  out.json"])  # behind the tables
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


def test_what_a_benchmark_has_opened_is_closed_whole(pytester, outside_xdist):
    suite = Suite(pytester, STOPPED + FAKE_PLATFORMS + IN_TEARDOWN)
    suite.run(*SIZES)
    assert (suite.folder / "closed.txt").read_text() == "closed closed "


def obey(asked, number=signal.SIGINT):
    """Return whether a signal breaks into what the run does."""
    try:
        asked._obey(number, None)
    except KeyboardInterrupt:
        return True
    return False


def test_an_ending_that_hangs_is_broken_into(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(ending.time, "monotonic", lambda: now[0])
    asked = Ending()
    assert (obey(asked), obey(asked)) == (True, False)
    now[0] += ending.PATIENCE - 1
    assert not obey(asked)
    now[0] += 2
    assert (obey(asked, signal.SIGTERM), obey(asked)) == (True, False)


def test_an_interrupt_that_a_test_of_the_suites_own_has_caught_ends_nothing(pytester, outside_xdist):
    suite = Suite(pytester, FAKE_PLATFORMS)
    (suite.folder / "test_that_interrupts_itself.py").write_text(OWN)
    assert pytester.runpytest_subprocess(suite.folder / "test_that_interrupts_itself.py").ret == pytest.ExitCode.OK


def test_a_run_that_has_measured_all_is_none_that_was_interrupted():
    asked = Ending()
    asked.begin()
    assert (obey(asked), asked.was_asked) == (False, False)


def test_an_ignored_signal_stays_ignored():
    before = {number: signal.getsignal(number) for number in ending.SIGNALS}
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    asked = Ending()
    try:
        asked.listen()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) == asked._obey
        asked.let_go()
        assert signal.getsignal(signal.SIGTERM) == before[signal.SIGTERM]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_what_nobody_reads_any_more_is_written_to_nowhere():
    reading, writing = os.pipe()
    copy, outputs = os.dup(writing), {ending.output_of(writing)}
    ending.drop_what_nobody_reads(outputs)
    assert ending.output_of(copy) in outputs
    os.close(reading)
    ending.drop_what_nobody_reads(outputs)
    for number in (writing, copy):
        assert os.write(number, b"x") == 1
        os.close(number)


@pytest.mark.parametrize("reason", [24, 2], ids=["too many open files", "no such folder"])
def test_an_ending_needs_no_list_of_what_is_open(monkeypatch, reason):
    def denied(_folder):
        raise OSError(reason, os.strerror(reason))

    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setattr(ending.os, "listdir", denied)
    monkeypatch.setattr(ending, "MOST_DESCRIPTORS", writing + 1)
    ending.drop_what_nobody_reads({ending.output_of(writing)})
    assert os.write(writing, b"x") == 1
    os.close(writing)


# While a runtime is deaf

DEAF = """
import os, signal, threading
from pathlib import Path
from answering import Answering
from benchmarks import platforms

def stop():
    while not Path("deaf").exists():
        threading.Event().wait(0.01)
    os.kill(os.getpid(), signal.KIND)

platforms.PLATFORMS.clear()
platforms.PLATFORMS["fake"] = Answering((("deafen", os.path.abspath("deaf")),), name="fake")
platforms.DEFAULT_SWEEP = ("fake",)
from benchmarks.run import choices
choices.BASE = choices.Target("fake")
threading.Thread(target=stop, daemon=True).start()
"""


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    """A file of the user's own; made before pytester remembers which modules there are: onnx is not loaded twice."""
    return make_linear(tmp_path_factory.mktemp("own") / "linear.onnx")


@pytest.mark.parametrize("phase", ["latency", "load"])
@pytest.mark.parametrize("kind", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("options", [(), ("--benchmark-disable",)], ids=["timed", "not timed"])
def test_a_runtime_that_compiles_keeps_nobody_from_stopping(
    pytester, outside_xdist, monkeypatch, linear, phase, kind, options
):
    """It computes in a loop that is not Python's, and hears no signal; a file of the user's own is opened apart."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1] / "platforms"))
    Suite(pytester, DEAF.replace("KIND", kind), [phase])
    chosen = [f"--model={linear}", "--platform=fake", "--batch-size=1", "-m", phase, "-p", "no:cacheprovider"]
    result = pytester.runpytest_subprocess(*chosen, *options, timeout=60)  # in this process it would go on for ever
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


# Through tox

TOX = """
[tox]
no_package = true
[testenv:bench]
skip_install = true
allowlist_externals = *
pass_env = *
interrupt_timeout = 30
commands = {python} -m pytest --model=resnet8 --platform=fake --platform=slow -p no:cacheprovider {{posargs}}
"""


@pytest.fixture
def through_tox(suite, monkeypatch):
    """Run the suite through tox, in a group of its own, as a terminal does; return it and the run below it."""
    monkeypatch.setenv("FAKE_SECONDS", "1e-3")
    with (suite.folder / "tox.ini").open("a") as ini:
        ini.write(TOX.format(python=sys.executable))
    tox = [sys.executable, "-m", "tox", "run", "-e", "bench", "--"]
    options = ["--benchmark-autosave", "--benchmark-max-time=2", "--starts=1", "--batch-size=1"]
    # What is started in the background ignores SIGINT, and so would all below it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with (suite.folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*tox, *options], cwd=suite.folder, env=clean_environment(), stdout=log, stderr=log, start_new_session=True
        )
    signal.signal(signal.SIGINT, before)
    try:
        assert wait_until(lambda: " median " in (suite.folder / "log").read_text())
        (run,) = [child for child in psutil.Process(process.pid).children() if "pytest" in child.cmdline()]
        yield process, run
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_until(condition, seconds=60.0):
    end, pause = time.monotonic() + seconds, threading.Event()
    while not condition() and time.monotonic() < end:
        pause.wait(0.02)
    return condition()


def test_ctrl_c_of_tox_saves_what_was_finished(suite, through_tox):
    tox, run = through_tox
    os.killpg(tox.pid, signal.SIGINT)
    assert tox.wait(60) != 0
    assert not run.is_running()
    assert saved(suite) == [(2, [1])]
    assert "Traceback" not in (suite.folder / "log").read_text()


def test_a_run_whose_tox_has_ended_ends_in_order(suite, through_tox):
    tox, run = through_tox
    tox.terminate()
    assert tox.wait(60) == -signal.SIGTERM
    assert psutil.wait_procs([run], 60)[1] == []
    assert saved(suite) == [(2, [1])]


@pytest.mark.parametrize(
    ("name", "words", "is_tox"),
    [
        ("bench", ["python", "-m", "tox", "run"], True),
        ("bench", ["python3", "bin/tox", "run"], True),
        ("bench", ["bash"], False),
        (None, ["python", "-m", "tox"], False),
    ],
)
def test_only_a_run_that_tox_started_ends_with_its_parent(monkeypatch, name, words, is_tox):
    monkeypatch.delenv("TOX_ENV_NAME", raising=False)
    if name:
        monkeypatch.setenv("TOX_ENV_NAME", name)
    monkeypatch.setattr(ending.psutil.Process, "cmdline", lambda _process: words)
    assert ending.is_run_by_tox(os.getpid()) is is_tox


def test_tox_waits_longer_than_an_ending_is_patient():
    ini = (Path(__file__).parents[2] / "tox.ini").read_text()
    assert float(ini.partition("interrupt_timeout = ")[2].split()[0]) > ending.PATIENCE
