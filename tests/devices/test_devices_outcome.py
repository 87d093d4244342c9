"""How a run for a device ended, from its exit code and what it printed; and what would be measured at all."""

from pathlib import Path

import pytest
from made_up_runs import benchmark, save

from benchmarks.devices.outcome import read
from benchmarks.devices.plan import Plan, PlanError, plan

LATENCY = "benchmarks/test_latency.py::test_latency"
LOG = Path(".devices/device-1.log")


@pytest.fixture
def saved(tmp_path):
    return save(tmp_path / "0001_run.json", benchmark(platform="firefox-wasm"))


def test_a_whole_run_has_nothing_to_explain(saved):
    outcome = read(0, ["1 passed", f"results  {saved}"], LOG)
    assert (outcome.why, outcome.file, outcome.skipped) == ("", saved, [])


def test_what_was_left_out_is_told_once_and_fails_nothing(saved):
    skip = "SKIPPED [1] benchmarks/test_latency.py:12: webkit-tfjs: resnet8.onnx: could not start its backend"
    outcome = read(0, [skip, skip.replace("[1]", "[2]"), f"results  {saved}"], LOG)
    assert outcome.why == ""
    assert outcome.skipped == ["webkit-tfjs: resnet8.onnx: could not start its backend"]


@pytest.mark.parametrize(
    ("code", "lines", "lost", "words"),
    [
        (1, [f"FAILED {LATENCY}[resnet8-firefox-wasm-b1] - Exception: firefox-wasm: logits differ",
             f"ERROR {LATENCY}[resnet8-firefox-wasm-b8] - Exception: too"], "",
         "2 benchmarks failed: latency[resnet8-firefox-wasm-b1], and 1 more: firefox-wasm: logits differ"),
        (1, [f"FAILED {LATENCY}[a b-firefox-wasm-b1] - Failed: no"], "",
         "1 benchmark failed: latency[a b-firefox-wasm-b1]: no"),
        (2, ["!!!!!!!!! _pytest.outcomes.Exit: the device left, or hid its page, and did not come back !!!!!!!!"], "",
         "the device left, or hid its page, and did not come back"),
        (2, ["!!!! KeyboardInterrupt !!!!"], "it left, and was not back within 120 s",
         "it left, and was not back within 120 s; it was stopped in the midst"),
        (3, [], "", "the run ended with 3"),
    ],
    ids=["failed", "a name with a space", "left", "given up", "pytest broke"],
)  # fmt: skip
def test_what_is_not_whole_says_why_and_where_more_is_told_and_is_kept(code, lines, lost, words, saved):
    outcome = read(code, [*lines, f"results  {saved}"], LOG, lost)
    assert outcome.why == f"{words} ({LOG})"
    assert outcome.file == saved


def test_what_gave_no_file_says_so():
    usage = "ERROR: --platform chromium-wasm: the browser of the device that this run is for is firefox; choose …"
    assert read(4, [usage], LOG).why == f"nothing was measured; {usage.removeprefix('ERROR: ')} ({LOG})"
    assert read(0, [], LOG).run is None


def test_a_file_that_could_not_be_saved_or_read_is_told(tmp_path):
    problem = "problem  .benchmarks/x.json could not be saved: No space left on device"
    assert "No space left on device" in read(3, [problem], LOG).why
    assert "no run of this suite" in read(0, [f"results  {tmp_path / 'gone.json'}"], LOG).why


def test_a_plan_is_offered_in_words():
    offer = Plan([f"latency resnet20-wasm-b{number}" for number in range(10)]).offer
    assert offer["minutes"] == 2
    assert offer["what"][0] == "10 measurements of neural networks in this browser, on made-up images:"
    assert len(offer["what"]) == 8
    assert offer["what"][-1] == "and 4 more"


def test_a_mistake_is_told_before_anybody_comes(monkeypatch):
    asked = []

    def collected(engine, words):
        asked.append(engine)
        usage = "ERROR: usage: python -m pytest [options] [file_or_dir]"
        return 4, [
            usage,
            "python -m pytest: error: argument --model: unknown model 'x': choose from resnet8",
            "  inifile",
        ]

    monkeypatch.setattr("benchmarks.devices.plan._collected", collected)
    with pytest.raises(PlanError, match=r"^argument --model: unknown model 'x': choose from resnet8$"):
        plan(["--model", "x"])
    assert len(asked) == 3


def test_what_another_engine_runs_is_a_plan(monkeypatch):
    def collected(engine, words):
        if engine != "firefox":
            return 4, [f"ERROR: the browser is {engine}"]
        return 0, ["benchmarks/test_latency.py::test_latency[resnet8-firefox-wasm-b1]", "", "1/7 tests collected"]

    monkeypatch.setattr("benchmarks.devices.plan._collected", collected)
    assert plan(["--platform", "firefox-wasm"]).cases == ["latency resnet8-wasm-b1"]  # whatever browser comes
