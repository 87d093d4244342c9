"""The steps: how a total of seconds is shared, how each ends, and that nothing of it runs on. Pytest is a fake."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.kit import run as kit_run
from benchmarks.kit.run import STEPS, Step, chosen, fitting, of_models, run, telling
from benchmarks.platforms import PLATFORMS
from benchmarks.results import keys
from browser_harness import processes

STEP = Step("made-up", "nothing", ("-m", "latency"), 30)
FOREVER = "import signal\nwhile True: signal.pause()"
# Writes results as the suite does, one a word, wherever --benchmark-json says.
SAVE = f"""
import json, sys
def save(number):
    (file,) = [word.partition("=")[2] for word in sys.argv if word.startswith("--benchmark-json=")]
    results = [{{"fullname": str(each), "name": str(each), "stats": {{}}}} for each in range(number)]
    content = {{"benchmarks": results, {keys.EXIT_STATUS!r}: 0, "machine_info": {{}}, "datetime": "2026-01-01"}}
    open(file, "w").write(json.dumps(content))
"""
SAVES_WHEN_INTERRUPTED = f"""{SAVE}
import signal
print("begun", flush=True)
try:
    while True: signal.pause()
except KeyboardInterrupt:
    save(2)
    sys.exit(2)
"""


def fake(code):
    return (sys.executable, "-c", code)


def outcomes(code, out, step=STEP, seconds=float("inf"), words=()):
    return [*run([step], out, seconds, words, fake(code))]


@pytest.fixture
def hurried(tmp_path, monkeypatch):
    """A step's time is up as soon as it has printed something."""
    real, log = subprocess.Popen.wait, tmp_path / "made-up.log"

    def wait(process, timeout=None):
        if timeout != STEP.seconds * kit_run.SLACK:
            return real(process, timeout)
        until_printed(log)
        raise subprocess.TimeoutExpired("", timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", wait)


def until_printed(log):
    end = time.monotonic() + 10
    while not (log.exists() and log.stat().st_size) and time.monotonic() < end:
        os.sched_yield()


def test_results_are_counted(tmp_path, capsys):
    (outcome,) = outcomes(f"{SAVE}\nsave(3)", tmp_path)
    assert (outcome.is_done, outcome.results) == (True, 3)
    assert capsys.readouterr().out.endswith("s  made-up: done, 3 results\n")


def test_words_are_passed_on_after_the_steps_own(tmp_path):
    outcomes("import sys; print(*sys.argv[1:])", tmp_path, words=("-m", "device"))
    words = (tmp_path / "made-up.log").read_text().split()
    assert words == [
        "benchmarks", "--benchmark-only", f"--benchmark-json={tmp_path}/made-up.json", "-m", "latency", "-m", "device",
    ]  # fmt: skip


def test_a_test_is_given_no_words_and_counts_no_results(tmp_path):
    step = replace(STEP, words=("tests/gpu",), is_measured=False)
    (outcome,) = outcomes("import sys; print(*sys.argv[1:])", tmp_path, step, words=("--starts", "3"))
    assert (tmp_path / "made-up.log").read_text().split() == ["-q", "tests/gpu"]
    assert str(outcome) == "made-up: done"


def test_results_of_an_earlier_run_stay_and_are_not_counted_again(tmp_path):
    outcomes(f"{SAVE}\nsave(3)", tmp_path)
    (outcome,) = outcomes("pass", tmp_path)
    assert outcome.results == 0
    assert {file.name for file in tmp_path.iterdir()} == {"made-up.json", "made-up.log", "made-up-2.log"}


def test_an_empty_json_does_not_stay(tmp_path):
    outcomes(f"import sys; open({str(tmp_path / 'made-up.json')!r}, 'w')", tmp_path)
    assert not (tmp_path / "made-up.json").exists()


@pytest.mark.usefixtures("hurried")
def test_a_step_whose_time_is_up_saves(tmp_path):
    (outcome,) = outcomes(SAVES_WHEN_INTERRUPTED, tmp_path)
    assert str(outcome) == "made-up: interrupted after 60 s, 2 results"
    assert not outcome.is_done


@pytest.mark.usefixtures("hurried")
def test_a_step_that_does_not_end_is_killed_with_its_children(tmp_path, monkeypatch):
    monkeypatch.setattr(kit_run, "SAVING", 0.1)
    child = f"[{sys.executable!r}, '-c', {FOREVER!r}]"
    code = "import signal, subprocess; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    (outcome,) = outcomes(f"{code}print(subprocess.Popen({child}).pid, flush=True)\n{FOREVER}", tmp_path)
    assert outcome.words.startswith("killed, it did not end")
    is_gone((tmp_path / "made-up.log").read_text())


def test_children_that_a_step_leaves_behind_are_ended(tmp_path):
    child = f"[{sys.executable!r}, '-c', {FOREVER!r}]"
    (outcome,) = outcomes(f"import subprocess; print(subprocess.Popen({child}).pid, flush=True)", tmp_path)
    assert outcome.is_done
    is_gone((tmp_path / "made-up.log").read_text())


def is_gone(pid):
    end = time.monotonic() + 5
    while processes.started(int(pid)) is not None:  # where nobody reaps orphans, they stay as zombies
        if time.monotonic() > end:
            os.kill(int(pid), signal.SIGKILL)
            pytest.fail("still running")
        os.sched_yield()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_of_the_run_lets_the_step_save_and_ends_in_order(tmp_path, number):
    code = f"""
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does for what it starts in the background
from benchmarks.kit import run
run.PYTEST = ({sys.executable!r}, "-c", {SAVES_WHEN_INTERRUPTED!r})
sys.argv = ["run", "--out", {str(tmp_path)!r}, "--step", "study", "--step", "batches"]
run.main()
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=kit_run.ROOT, stdout=subprocess.PIPE, text=True)
    until_printed(tmp_path / "study.log")
    process.send_signal(number)
    told, _ = process.communicate(timeout=10)
    assert process.returncode == 130
    assert re.search(r"study: interrupted after \d+ s, 2 results\n0 of 2 steps done", told)
    assert not (tmp_path / "batches.log").exists()


def test_a_failure_is_told_by_its_reason(tmp_path):
    code = "print('E   ValueError: no GPU'); print('more'); raise SystemExit(1)"
    (outcome,) = outcomes(code, tmp_path)
    assert outcome.words == f"ended with 1: ValueError: no GPU (see {tmp_path}/made-up.log)"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "= ERRORS =\n____ ERROR at setup of test_latency[a] ____\nserver-cuda: no CUDA device\n\n"
            "During handling:\nserver-cuda: check nvidia-smi\n\n----- benchmark -----\nresults  r.json\n",
            "server-cuda: check nvidia-smi",
        ),
        ("____ test_a ____\n>   assert 1\nE   assert 1 == 2\n\ntest.py:3: Error\n=== 1 failed ===", "assert 1 == 2"),
        ("ERROR: usage: x\nx: error: unknown: --y\n  rootdir: z\n", "x: error: unknown: --y"),
        ("python3: No module named pytest\n", "python3: No module named pytest"),
        ("", "nothing was printed"),
    ],
    ids=["error", "assert", "usage", "module", "empty"],
)
def test_the_telling_line_of_a_log(tmp_path, text, reason):
    (tmp_path / "log").write_text(text)
    assert telling(tmp_path / "log") == reason


def steps(*seconds):
    return [replace(STEP, name=str(number), seconds=each) for number, each in enumerate(seconds)]


def test_what_fits_goes_first_those_worth_most_before_others():
    first, second, third, fourth = steps(50, 100, 40, 20)
    assert fitting([first, second, third, fourth], 100) == [first, third]
    assert fitting([first, second, third, fourth], float("inf")) == [first, second, third, fourth]


@pytest.mark.parametrize(
    ("seconds", "limits"),
    [
        (float("inf"), [("0", 100), ("1", 200), ("2", 80)]),
        # 50 and 40 fit into 100, the first may have the 10 that are over; what is then left goes to the other.
        (100, [("0", 60), ("2", 80), ("1", 100)]),
        (19, [("0", 19), ("1", 19), ("2", 19)]),
    ],
)
def test_a_total_of_seconds_is_shared(tmp_path, monkeypatch, seconds, limits):
    seen = []
    monkeypatch.setattr(kit_run.time, "monotonic", lambda: 0.0)  # steps that take no time
    monkeypatch.setattr(
        kit_run,
        "_begin",
        lambda step, _out, limit, *_: seen.append((step.name, limit)) or kit_run.Outcome(step, "done"),
    )
    assert len([*run(steps(50, 100, 40), tmp_path, seconds + kit_run.SAVING)]) == 3
    assert seen == limits


def test_without_time_a_step_is_not_begun(tmp_path):
    (outcome,) = outcomes("", tmp_path, seconds=kit_run.SAVING + kit_run.LEAST / 2)
    assert (str(outcome), outcome.is_done) == ("made-up: no time was left, 0 results", False)
    assert not [*tmp_path.iterdir()]


def test_accuracy_is_left_out_where_nobody_named_the_images(tmp_path, monkeypatch):
    monkeypatch.delenv("CIFAR100_DIR", raising=False)
    step = replace(STEP, needs_images=True)
    (without,) = outcomes("", tmp_path, step)
    assert "set CIFAR100_DIR" in without.words
    (named,) = outcomes("", tmp_path, step, words=("--data-dir=here",))
    assert named.is_done


def test_steps_are_chosen_by_their_names():
    assert chosen([]) == [*STEPS]
    assert [step.name for step in chosen(["webgpu", "study"])] == ["study", "webgpu"]  # "webgpu-contract" is another
    assert chosen([], has_models=True) == []
    assert [step.name for step in chosen(["study"], has_models=True)] == ["study"]


def test_a_file_of_ones_own_is_measured_at_its_place():
    step = of_models([Path("/a/net.onnx"), Path("/b/other.onnx")])
    assert (step.seconds, step.words.count("--model")) == (120, 2)


def test_the_steps_name_what_there_is():
    named = {step.words[number + 1] for step in STEPS for number, word in enumerate(step.words) if word == "--platform"}
    assert named <= PLATFORMS.keys()
    assert len({step.name for step in STEPS}) == len(STEPS)
    for step in STEPS:
        assert step.is_measured or (kit_run.ROOT / step.words[0]).exists()


def test_help_tells_what_each_step_measures(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["run", "--help"])
    with pytest.raises(SystemExit):
        kit_run.main()
    told = capsys.readouterr().out
    assert all(step.measures in told for step in STEPS)


def test_a_file_that_is_not_there_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["run", "--model", "nowhere.onnx"])
    with pytest.raises(SystemExit):
        kit_run.main()
    assert "nowhere.onnx: no such file; name an ONNX file" in capsys.readouterr().err
