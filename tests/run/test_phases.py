"""Phases are kept apart, share their openings, and are swept over what the docs say."""

from dataclasses import asdict

import pytest
from helpers import FAKE_PLATFORMS, Suite

from benchmarks.protocol import Blocking

PHASES = ("latency", "load", "first_inference", "memory", "scaling", "energy", "device")


@pytest.fixture
def suite(pytester, outside_xdist):
    return Suite(pytester, phases=PHASES)


def run(suite, phase, *options, platform="slow"):
    return suite.run("-m", phase, "--benchmark-json=out.json", *options, platform=platform)


def names(suite):
    return [benchmark["name"] for benchmark in suite.benchmarks()]


@pytest.mark.parametrize("name", ["resnet50", "resnet50.int8"])
def test_what_nobody_trained_is_not_scored(pytester, outside_xdist, name):
    result = Suite(pytester, phases=("accuracy", "latency")).run("-m", "accuracy", "--model=resnet8", model=name)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    words = (
        f"ERROR: -m accuracy: {name} is untrained, and its answers mean nothing; leave it out, or choose from resnet8,*"
    )
    result.stderr.fnmatch_lines([words])


def test_load_is_of_cold_and_warm_caches(suite):
    run(suite, "load").assert_outcomes(passed=2)
    assert names(suite) == [f"test_load[resnet8-slow-b1-{caches}]" for caches in ("cold", "warm")]
    for benchmark, caches in zip(suite.benchmarks(), ("cold", "warm"), strict=True):
        assert benchmark["stats"]["data"] == [0.5] * 5
        assert benchmark["extra_info"]["caches"] == benchmark["params"]["caches"] == caches


def test_a_second_inference_within_a_step_of_its_clock_took_a_step_at_most_and_is_doubted(suite, monkeypatch):
    monkeypatch.setenv("FAKE_SECOND", "0")
    monkeypatch.setenv("FAKE_CLOCK_STEP", "0.01")
    result = run(suite, "first_inference", platform="fake")
    result.assert_outcomes(passed=2)
    _, second = suite.benchmarks()
    assert second["stats"]["data"] == [0.01, 0.001, 0.002, 0.003, 0.004]
    result.stdout.fnmatch_lines(
        ["unstable 2 of 2: a sample is 0 to 20 steps of its clock (first_inference*, second_inference*)"]
    )


def test_first_and_second_inference_are_apart(suite):
    run(suite, "first_inference", platform="fake").assert_outcomes(passed=2)
    first, second = suite.benchmarks()
    assert (first["name"], second["name"]) == (
        "test_first_inference[resnet8-fake-b1-process]",
        "test_second_inference[resnet8-fake-b1-process]",
    )
    assert first["stats"]["data"] == [0.2] * 5
    assert second["stats"]["data"] == pytest.approx([0.1, 0.101, 0.102, 0.103, 0.104])


def test_memory_is_told_in_bytes(suite):
    result = run(suite, "memory", "--memory-budget=1.5MB", "--platform=fake")
    line = "*test_memory[[]resnet8-slow-b1-cold] before 1.0 MB, peak 3.0 MB, wasm 0.5 MB; takes 2 MB over its start, *"
    result.stdout.fnmatch_lines([line, "budget   2 of 2 pages take more than 1.5 MB: *", "budget   it is of pages: *"])
    info = {benchmark["params"]["platform"]: benchmark["extra_info"] for benchmark in suite.benchmarks()}
    page = {name: info["slow"][f"memory_{name}"] for name in ("before", "peak", "wasm", "budget")}
    assert page == {"before": 1_000_000, "peak": 3_000_004, "wasm": 500_000, "budget": 1_500_000}
    assert (info["slow"]["over_budget"], "memory_budget" in info["fake"]) == (True, False)


def test_one_opening_serves_all_phases(suite):
    run(suite, "load or first_inference or memory", "--benchmark-min-rounds=3", platform="fake").assert_outcomes(
        passed=4
    )
    assert len(suite.calls("opening")) == 3


def test_an_opening_with_a_wrong_answer_leaves_nothing(suite):
    result = run(suite, "load", platform="drifting")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["drifting: logits differ from the reference's by *"])
    assert not (suite.folder / "out.json").exists()


def test_openings_are_checked_without_timing_too(suite):
    suite.run("-m", "load", "--benchmark-disable", platform="slow").assert_outcomes(passed=2)
    assert len(suite.calls("opening")) == 2


def test_scaling_takes_turns_with_one_thread(suite):
    prelude = "from benchmarks import hardware\nhardware.CORES = 2\n"
    (suite.folder / "conftest.py").write_text(FAKE_PLATFORMS + prelude + (suite.folder / "conftest.py").read_text())
    result = run(suite, "scaling", "--benchmark-max-time=0.5", platform="fake")
    result.assert_outcomes(passed=1)
    (benchmark,) = suite.benchmarks()
    assert benchmark["name"] == "test_scaling[resnet8-fake-2t-b1]"
    assert benchmark["extra_info"]["threads"] == 2
    assert 0.3 < benchmark["extra_info"]["ratio_to_one_thread"]["value"] < 0.8
    result.stdout.fnmatch_lines(["*median ms *× one-thread*", "fake-2t *0.??? (0.* to *"])


def test_energy_is_skipped_with_the_reason_where_nothing_counts_it(suite):
    prelude = "import pathlib\nfrom benchmarks.measuring import energy\nenergy.POWERCAP = pathlib.Path('nowhere')\n"
    (suite.folder / "conftest.py").write_text(prelude + (suite.folder / "conftest.py").read_text())
    result = run(suite, "energy", "-rs", platform="fake")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*energy: RAPL below nowhere is not there*"])


def test_energy_is_told_by_counter_where_it_is_counted(suite):
    prelude = """
import itertools
from benchmarks.measuring import energy
readings = itertools.count(0, 5.0)
energy.read = lambda: {"rapl package-0": (next(readings), None)}
"""
    (suite.folder / "conftest.py").write_text(prelude + (suite.folder / "conftest.py").read_text())
    run(suite, "energy", platform="fake").assert_outcomes(passed=1)
    info = suite.benchmarks()[0]["extra_info"]
    inferences = suite.benchmarks()[0]["stats"]["rounds"]
    assert info["joules_per_inference"] == {"rapl package-0": pytest.approx(5 * 5.0 / inferences)}  # 5 J of each start
    assert not [name for name in info if name.startswith("ratio")]


def test_device_figures_are_of_platforms_with_a_device_alone(suite):
    result = run(suite, "latency or device", "-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(
        ["SKIPPED*--platform slow: the steady state without copies from and to the host is of*"]
    )
    prepared = Suite(suite.pytester, FAKE_PLATFORMS + "platforms.PLATFORMS['fake'].has_device = True\n", PHASES)
    run(prepared, "device", "--platform=slow", platform="fake").assert_outcomes(passed=1)
    assert names(prepared) == ["test_device[resnet8-fake-b1]"]


# Start 1 is blocked for the largest share of its window; in start 2 the longest task is longer, and its page is odd.
ANIMATED = """
from benchmarks.protocol import Blocking

def blocking(session, feeds, seconds):
    session.note(call="blocking", seconds=seconds)
    suffered = (
        Blocking(2.0, 3, 0.1, 0.05, 30, 90, 60.0, 0.001),
        Blocking(2.0, 3, 0.2, 1.5, 30, 90, 60.0, 0.001),
        Blocking(4.0, 3, 0.25, 2.0, 30, 210, 30.0, 0.03),
    )
    return session.time(feeds, 3), suffered[session.start]

FakeSession.blocking = blocking
"""


@pytest.fixture
def animated(pytester, outside_xdist):
    return Suite(pytester, FAKE_PLATFORMS + ANIMATED, (*PHASES, "blocking"))


def test_how_a_page_freezes_is_told_of_the_start_that_froze_most(animated):
    result = run(animated, "blocking", "--starts=3")
    words = "longest task 1?? ms; at worst blocked 75% of the time, 90 of 120 frames missed"
    result.stdout.fnmatch_lines([f"*test_blocking[[]resnet8-slow-b1] {words}*"])
    heads = "*longest task ms *blocked % *frames missed *median inference ms*"
    result.stdout.fnmatch_lines([heads, "slow  *  75 *90 of 120 *0.*"])
    (benchmark,) = animated.benchmarks()
    info = benchmark["extra_info"]
    assert benchmark["group"] == "resnet8, while the page draws, batch 1"
    assert info["blocking"] == asdict(Blocking(2.0, 3, 0.2, 1.5, 30, 90, 60.0, 0.001))
    assert 0.1 < info["longest_task"]["value"] < 0.25  # in the middle of the starts
    assert [*info["longest_task"]] == ["value", "starts", "low", "high", "confidence", "error", "degrees"]
    assert (info["starts"], len(benchmark["stats"]["data"])) == ([[3], [3], [3]], 9)
    assert {call["seconds"] for call in animated.calls("blocking")} == {2.0}
    assert info["trust"]["doubts"].keys() >= {"frames_at_rest", "disagreement"}
    words = "page, browser and frames differ by up to 30 ms over how long a task took"
    at_rest = "unstable 1 of 1: at rest the page drew 30 frames a second, *"
    result.stdout.fnmatch_lines([at_rest, f"unstable 1 of 1: {words} (resnet8-slow-b1)"])
    assert info["parity"] == 0


def test_an_animation_is_drawn_once_without_timing_and_answers_are_checked(animated):
    animated.run("-m", "blocking", "--benchmark-disable", platform="slow").assert_outcomes(passed=1)
    assert [call["seconds"] for call in animated.calls("blocking")] == [0.1]


def test_a_page_alone_can_freeze(animated):
    words = "whether a page freezes while it computes is of platforms that compute in a page: slow"
    run(animated, "blocking", platform="fake").stderr.fnmatch_lines([f"ERROR: --platform fake: {words}"])


def test_threads_and_weakness_are_in_the_name(suite):
    options = ("-m", "latency", "--threads=2", "--slowdown=4", "--slowdown=2", "--platform=fake")
    assert listed(suite, *options, "--platform=slow", "--model=resnet8", "--batch-size=1") == [
        "test_latency[resnet8-fake-2t-b1]",  # a server is as strong as it is
        "test_latency[resnet8-slow-2t@4x-b1]",
        "test_latency[resnet8-slow-2t@2x-b1]",
    ]


def test_a_weak_clients_ratio_is_of_means_and_its_name_a_factor_with_a_range(suite):
    result = run(suite, "latency", "--client=mid-tier-mobile")
    result.stdout.fnmatch_lines(["*test_latency[[]resnet8-slow@4x-b1] mean 0.*"])
    result.stdout.fnmatch_lines(["latency *; all emulated; *ratio of means, *", "*mean ms *× server-cpu*", "slow@4x *"])
    info = suite.benchmarks()[0]["extra_info"]
    assert info["ratio_to_server_cpu"]["statistic"] == "mean"
    assert info["slowdown"] == {"asked": 4, "clients": {"mid-tier-mobile": [2, 10]}}
    words = "client   mid-tier-mobile: 4 times weaker (2 to 10) by Lighthouse's *: a factor of JavaScript, not of Web*"
    result.stdout.fnmatch_lines([words])


@pytest.mark.parametrize("platform", ["slow", None], ids=["asked for", "swept over"])
def test_what_a_platform_cannot_run_is_said_for_that_case_alone(suite, platform):
    result = suite.run("-m", "latency", "--batch-size=101", "-rs", platform=platform)
    if platform:
        result.assert_outcomes(passed=1, errors=1)
    else:
        result.assert_outcomes(passed=2, skipped=4)
        result.stdout.fnmatch_lines(["SKIPPED [[]2]*absent: no such thing; buy one"])
    result.stdout.fnmatch_lines(["*slow: resnet8.onnx: batches of 101 are too much*"])


def listed(suite, *options):
    output = suite.pytester.runpytest_subprocess("--collect-only", "-q", *options).stdout.str()
    return [line.partition("<Function ")[2].rstrip(">") for line in output.splitlines() if "<Function " in line]


def test_the_default_sweep_is_the_default_platforms_at_batch_1_and_8(suite):
    assert listed(suite, "-m", "latency") == [
        f"test_latency[{model}-{platform}-b{size}]"
        for model in ("resnet20", "resnet14", "resnet8")
        for platform in ("fake", "slow", "absent")
        for size in (1, 8)
    ]


def test_the_full_sweep_adds_platforms_sizes_and_precisions(suite):
    collected = listed(suite, "-m", "latency", "--full")
    assert len(collected) == 9 * 3 * (3 + 1 + 1)
    assert {"test_latency[resnet20-software-b64]", "test_latency[resnet8.int8-wrong-b1]"} <= {*collected}


def test_precisions_apply_to_models_that_were_named_without_one(suite):
    options = ("-m", "latency", "--platform=fake", "--batch-size=1", "--precision=int8", "--precision=float32")
    assert listed(suite, *options, "--model=resnet8", "--model=resnet14.fp16") == [
        "test_latency[resnet8.int8-fake-b1]",
        "test_latency[resnet8-fake-b1]",
        "test_latency[resnet14.fp16-fake-b1]",
    ]


def test_all_threads_are_a_scale_up_to_the_cores(suite):
    prelude = "from benchmarks import hardware\nhardware.CORES = 6\n"
    (suite.folder / "conftest.py").write_text(FAKE_PLATFORMS + prelude + (suite.folder / "conftest.py").read_text())
    options = ("--platform=fake", "--model=resnet8", "--batch-size=1")
    assert listed(suite, "-m", "latency", "--threads=all", *options) == [
        f"test_latency[resnet8-fake{threads}-b1]" for threads in ("", "-2t", "-4t", "-6t")
    ]
    assert len(listed(suite, "-m", "scaling", *options)) == 3
