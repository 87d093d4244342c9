"""pytest-benchmark's options keep their meaning on samples drawn by a platform, and ours mean what they say."""

import itertools
import json
import math
import statistics
import subprocess
import sys

import pytest
from helpers import LEAN, ROOT

from benchmarks.measuring.drift import Drift, widened
from benchmarks.measuring.starts import CONFIDENCE, Figure, figure, quantile
from browser_harness.processes import USABLE

PRESENT = ("fake", "wrong", "drifting", "contrary", "broken", "closing", "slow", "software")


LOOKED_AT = 6  # inferences, whether they are long enough for their clock, where none was run to warm up


def flat(lists):
    return list(itertools.chain.from_iterable(lists))


def test_every_raw_sample_is_in_the_json_bit_for_bit(suite):
    suite.run("--benchmark-json=out.json", "--benchmark-warmup=off").assert_outcomes(passed=1)
    (benchmark,) = suite.benchmarks()
    assert benchmark["stats"]["data"] == flat(suite.lines("samples.jsonl"))[LOOKED_AT:]
    assert benchmark["stats"]["iterations"] == 1
    assert benchmark["options"]["timer"] == "fake.clock"


def test_a_result_carries_its_identity(suite):
    warm_up = ("--benchmark-warmup=on", "--benchmark-warmup-iterations=3", "--benchmark-max-time=0.3")
    suite.run("--benchmark-json=out.json", *warm_up, "--batch-size=2")
    benchmark = next(b for b in suite.benchmarks() if b["params"]["batch_size"] == 2)
    assert benchmark["param"] == "resnet8-fake-b2"
    assert benchmark["params"] == {"model": "resnet8", "platform": "fake", "batch_size": 2}
    info, data = benchmark["extra_info"], sorted(benchmark["stats"]["data"])
    assert len(info["model_sha256"]) == 64
    assert (info["precision"], info["batch_size"], info["threads"]) == ("float32", 2, 1)
    assert (info["execution_provider"], info["clock"], info["clock_resolution"]) == ("FakeProvider", "fake.clock", 1e-7)
    assert 5 < info["warmup_rounds"] <= 5 * 3, "3 of each start, unless a busy machine takes the time for them"
    assert (info["parity"], info["stand_in"]) == (0.0, False)
    assert info["images_per_second"] == pytest.approx(2 * len(data) / sum(data))
    assert {info["p50"], info["p90"], info["p95"]} <= set(data)
    assert ("p99" in info) == (len(data) >= 100)
    assert "cpu_seconds_per_inference" not in info  # this platform does not tell


def test_the_machine_is_described(suite):
    suite.run("--benchmark-json=out.json")
    machine = json.loads((suite.folder / "out.json").read_text())["machine_info"]
    assert machine["cpu"]["count"]
    assert machine["cores"] >= machine["cores_usable"] >= 1
    assert isinstance(machine["simd_flags"], list)
    assert "governor" in machine
    assert len(machine["load_average"]["start"]) == len(machine["load_average"]["end"]) == 3
    assert machine["versions"] == dict.fromkeys(PRESENT, "1.0")


def test_disable_checks_the_answer_and_times_nothing(suite):
    suite.run("--benchmark-disable", "--benchmark-json=out.json").assert_outcomes(passed=1)
    assert len(suite.calls("run")) == 2  # parity, and the call that pytest-benchmark promises
    assert suite.calls("time") == []
    assert not (suite.folder / "out.json").exists()


def test_skip_opens_nothing(suite):
    result = suite.run("--benchmark-skip", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*Skipping benchmark (--benchmark-skip active)."])
    assert suite.lines("calls.jsonl") == []


def test_only_leaves_other_tests_out(suite):
    suite.pytester.makepyfile(test_other="def test_other(): pass")
    result = suite.run("--benchmark-only", "-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*test_other.py*Skipping non-benchmark (--benchmark-only active)."])


@pytest.mark.parametrize(("starts", "rounds"), [(1, 7), (5, 5 * 2)])
def test_min_rounds_are_split_among_the_starts(suite, starts, rounds):
    few = ("--benchmark-max-time=0.0000001", "--benchmark-min-rounds=7", f"--starts={starts}")
    suite.run("--benchmark-json=out.json", *few)
    assert suite.benchmarks()[0]["stats"]["rounds"] == rounds


def test_max_time(suite):
    for seconds in ("0.01", "0.04"):
        suite.run(f"--benchmark-json={seconds}.json", f"--benchmark-max-time={seconds}")
        assert float(seconds) <= suite.benchmarks(f"{seconds}.json")[0]["stats"]["total"] < 1


def test_max_time_yields_to_min_rounds(suite):
    suite.run("--benchmark-json=out.json", "--benchmark-max-time=0.005", "--benchmark-min-rounds=300")
    assert suite.benchmarks()[0]["stats"]["rounds"] >= 300


@pytest.mark.parametrize(
    ("options", "rounds"), [(["off"], 0), (["on", "--benchmark-warmup-iterations=9"], 9), (["auto"], 0)], ids=str
)
def test_warmup_rounds_are_run_and_discarded(suite, options, rounds):
    suite.run("--benchmark-json=out.json", f"--benchmark-warmup={options[0]}", *options[1:])
    (benchmark,) = suite.benchmarks()
    assert benchmark["extra_info"]["warmup_rounds"] == 5 * rounds  # of five starts
    assert suite.timed_rounds() == (5 * rounds or LOOKED_AT) + benchmark["stats"]["rounds"]


def test_a_warmup_has_an_end_before_its_iterations(suite, monkeypatch):
    monkeypatch.setenv("FAKE_SECONDS", "0.002")
    suite.run("--benchmark-json=out.json", "--benchmark-warmup=on", "--benchmark-warmup-iterations=100000")
    assert suite.benchmarks()[0]["extra_info"]["warmup_rounds"] < 1000


@pytest.mark.parametrize("disabled", [True, False], ids=["disabled", "enabled"])
def test_disable_gc(suite, disabled):
    suite.run(*(["--benchmark-disable-gc"] if disabled else []))
    assert [call["collects_garbage"] for call in suite.calls("open")] == [not disabled]


def test_precision_ends_the_drawing_early(suite):
    suite.run("--benchmark-json=out.json", "--benchmark-max-time=20", "--benchmark-precision=0.5")
    assert suite.benchmarks()[0]["stats"]["total"] < 10, "half of what it may take"


def test_autosave_keeps_the_samples_and_says_where(suite):
    result = suite.run("--benchmark-autosave", "--benchmark-save-data")
    (saved,) = (suite.folder / ".benchmarks").rglob("*.json")
    assert json.loads(saved.read_text())["benchmarks"][0]["stats"]["data"]
    result.stdout.fnmatch_lines(
        [f"results  {saved.relative_to(suite.folder)}", f"compare  * -m benchmarks.compare *{saved.name} OTHER.json"]
    )
    last = next(line for line in result.outlines if line.startswith("compare  "))
    suite.run("--benchmark-json=other.json")
    command = last.removeprefix("compare  ").replace("OTHER.json", "other.json")
    told = subprocess.run(command, shell=True, cwd=suite.folder, capture_output=True, text=True, check=True).stdout
    assert "B ÷ A" in told


def test_each_median_is_shown_as_it_is_measured(suite):
    number = r"\d+\.\d{3,4}"  # of less than 0.1 ms three digits that are not 0
    shown = rf".*test_latency\[resnet8-fake-b1\] median {number} ms"
    as_it_ends = rf"{shown}( \(unstable\))?\s*(\[.*)?$"  # how wide it is, is known at the end of the run
    row = rf"fake +{number} +{number} to {number} .*"
    suite.run().stdout.re_match_lines([as_it_ends, row])
    suite.run("--starts=1").stdout.re_match_lines([as_it_ends])


def test_one_start_says_nothing_of_another(suite):
    suite.run("--benchmark-json=out.json", "--starts=1", platform="slow").assert_outcomes(passed=1)
    info = suite.benchmarks()[0]["extra_info"]
    assert len(info["starts"]) == len(info["cores"]) == len(info["partner"]) == 1
    assert {figure["starts"] for figure in info["figures"].values()} == {1}
    assert not [figure for figure in (*info["figures"].values(), info["ratio_to_server_cpu"]) if "low" in figure]
    assert "margin" not in info["trust"]


def test_every_figure_is_of_five_starts(suite):
    suite.run("--benchmark-json=out.json", "--benchmark-max-time=0.6", platform="slow").assert_outcomes(passed=1)
    (benchmark,) = suite.benchmarks()
    info, samples = benchmark["extra_info"], iter(benchmark["stats"]["data"])
    assert (len(info["starts"]), info["surrounding"]) == (5, "page")
    assert sum(flat(info["starts"])) == benchmark["stats"]["rounds"]
    medians = [statistics.median(itertools.islice(samples, sum(start))) for start in info["starts"]]
    assert info["figures"]["median"] == figure(medians).to_json()
    assert {*info["figures"]} == {"median", "p10", "mean"}
    assert [len(start) for start in info["partner"]] == [len(start) for start in info["starts"]]
    assert {*info["partner"][0][0]} == {"p10", "median", "mean", "rounds"}
    assert info["ratio_to_server_cpu"]["starts"] == 5
    usable = {*USABLE} or {None}
    assert len(info["cores"]) == 5
    assert {*info["cores"]} <= usable


def test_both_sides_of_a_start_are_kept_on_its_core_and_let_go(suite):
    suite.run("--benchmark-json=out.json", platform="slow").assert_outcomes(passed=1)
    kept = [(call["platform"], call["core"]) for call in suite.calls("keep_on")]
    cores = [core for core in suite.benchmarks()[0]["extra_info"]["cores"] if core is not None]
    assert kept == flat([("fake", core), ("slow", core), ("fake", None), ("slow", None)] for core in cores)


def test_a_page_unlike_its_siblings_is_told_and_moves_nothing(suite, monkeypatch):
    monkeypatch.setenv("FAKE_ODD_START", "2")
    result = suite.run("--benchmark-json=out.json", "--benchmark-max-time=0.2", platform="slow")
    name = "test_latency[[]resnet8-slow-b1]"
    result.stdout.fnmatch_lines([f"starts   {name}: slow pages: 1 of 5 (* times as long)"])
    info = suite.benchmarks()[0]["extra_info"]
    assert {*info["trust"]["odd_starts"]} == {"2"}
    assert info["trust"]["odd_starts"]["2"] > 2
    assert info["figures"]["median"]["value"] < 2 * 3 * 5e-5


def test_histogram(suite):
    result = suite.run("--benchmark-histogram=drawn")
    result.stdout.fnmatch_lines(["*Name (time in us) * Min * Median * Mean * Max * IQR * OPS * Rounds*", "fake *"])
    assert "resnet8-fake-b1" in next(suite.folder.glob("drawn*.svg")).read_text()


ROWS = 32  # of 50 µs are longer than 125 steps of 10 µs


@pytest.fixture
def quick(suite, monkeypatch):
    """The suite, whose inferences take five steps of their clock."""
    monkeypatch.setenv("FAKE_CLOCK_STEP", "1e-5")
    monkeypatch.setenv("FAKE_SHARE", "1")
    return suite


def test_a_quick_graph_is_measured_in_rows_which_is_saved_and_told(quick):
    result = quick.run("--benchmark-json=out.json", "--benchmark-max-time=0.1")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"*median 0.05?? ms, in rows of {ROWS}*"])
    (benchmark,) = quick.benchmarks()
    stats, info = benchmark["stats"], benchmark["extra_info"]
    assert stats["iterations"] == ROWS
    assert 5e-5 <= stats["min"] < 1e-4
    assert sum(stats["data"]) * ROWS >= 0.1
    assert info["images_per_second"] == pytest.approx(1 / stats["mean"])
    assert info["cpu_seconds_per_inference"] == pytest.approx(stats["mean"])
    assert info["trust"]["clock_steps"] == pytest.approx(stats["median"] * ROWS / 1e-5)
    assert sum(map(sum, info["starts"])) == stats["rounds"] == len(stats["data"])
    asked = quick.calls("time")
    assert {call["iterations"] for call in asked if call["rounds"] > 5} >= {ROWS}
    assert len(asked) > 5


def test_quick_graphs_are_profiled_drawn_and_compared_too(quick):
    result = quick.run("--benchmark-cprofile=cumtime", "--benchmark-histogram=drawn", "--benchmark-save=base")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*conftest.py:*(run)*"])
    assert "resnet8-fake-b1" in next(quick.folder.glob("drawn*.svg")).read_text()
    same = quick.run("--benchmark-compare=0001", "--benchmark-compare-fail=median:400%")
    assert same.ret == 0
    quick.run("--benchmark-disable").assert_outcomes(passed=1)


def in_rows_against_single_ones(quick, monkeypatch, *options):
    """Save a run of single inferences; return one against it whose samples are of several."""
    limit = ("--benchmark-compare=0001", "--benchmark-compare-fail=median:400%")
    monkeypatch.setenv("FAKE_CLOCK_STEP", "1e-7")
    quick.run("--benchmark-save=base", "--benchmark-max-time=0.05", *options).assert_outcomes(passed=1)
    monkeypatch.setenv("FAKE_CLOCK_STEP", "1e-5")
    return quick.run(*limit, "--benchmark-json=out.json", "--benchmark-max-time=0.05")


def test_runs_whose_samples_are_of_more_or_fewer_inferences_are_compared_in_rows_of_as_many(quick, monkeypatch):
    same = in_rows_against_single_ones(quick, monkeypatch, "--benchmark-save-data")
    assert same.ret == 0
    same.stdout.fnmatch_lines(["compared 1 benchmarks with 0001: all within the limits"])
    assert quick.benchmarks()[0]["stats"]["iterations"] == ROWS


def test_without_samples_only_the_mean_of_more_inferences_can_be_compared_with_that_of_fewer(quick, monkeypatch):
    refused = in_rows_against_single_ones(quick, monkeypatch)
    assert refused.ret == pytest.ExitCode.TESTS_FAILED
    words = f"samples of 1 inferences, now of {ROWS}, have only their mean in common; measure again, or *"
    refused.stdout.fnmatch_lines([f"refused  *resnet8-fake-b1]: {words}"])


def test_cprofile_profiles_a_real_inference(suite):
    result = suite.run("--benchmark-cprofile=cumtime")
    result.stdout.fnmatch_lines(["*conftest.py:*(run)*"])


def test_compare_and_compare_fail(suite, monkeypatch):
    suite.run("--benchmark-save=base").assert_outcomes(passed=1)
    same = suite.run("--benchmark-compare=0001", "--benchmark-compare-fail=median:400%")
    assert same.ret == 0
    assert "machine_info is different" not in same.stdout.str() + same.stderr.str()
    monkeypatch.setenv("FAKE_SECONDS", "1e-3")
    slower = suite.run("--benchmark-compare=0001", "--benchmark-compare-fail=median:400%")
    assert slower.ret == pytest.ExitCode.TESTS_FAILED
    slower.assert_outcomes(passed=1)  # it is the comparison that fails
    slower.stdout.fnmatch_lines(
        [
            "*test_latency[[]resnet8-fake-b1]* (0001_base)*",
            "*test_latency[[]resnet8-fake-b1]* (NOW)*",
            "refused  test_latency.py::test_latency[[]resnet8-fake-b1]: slower: median was * ms, is * times that; *",
        ]
    )


def test_the_command_line_compares_by_model_and_batch(suite, monkeypatch):
    for name in ("a", "b"):
        suite.run(f"--benchmark-json={name}.json")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # the command imports ./conftest.py
    arguments = ["compare", "a.json", "b.json", "--group-by=param:model,param:batch_size", "--columns=median"]
    result = suite.pytester.run(sys.executable, "-m", "pytest_benchmark", *arguments)
    result.stdout.fnmatch_lines(["*model=resnet8 batch_size=1*"])
    result.stdout.fnmatch_lines_random(["*resnet8-fake-b1*(a)*", "*resnet8-fake-b1*(b)*"])


def test_saved_files_are_compared_here_with_the_measuring_environment_alone(suite, monkeypatch):
    suite.run("--benchmark-json=a.json")
    (suite.folder / "torch.py").write_text("raise ImportError('not in the measuring environment')")
    monkeypatch.setenv("PYTHONPATH", str(suite.folder))
    command = [sys.executable, "-m", "pytest_benchmark", "compare", str(suite.folder / "a.json")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "resnet8-fake-b1" in result.stdout


def test_a_marker_on_the_function_does_not_shadow_the_clock(suite):
    source = (suite.folder / "test_latency.py").read_text()
    marked = source.replace(
        "def test_latency", "import pytest\n@pytest.mark.benchmark(min_rounds=11)\ndef test_latency"
    )
    (suite.folder / "test_latency.py").write_text(marked)
    suite.run("--benchmark-json=out.json", "--benchmark-max-time=0.0000001").assert_outcomes(passed=1)
    (benchmark,) = suite.benchmarks()
    assert (benchmark["stats"]["rounds"], benchmark["options"]["timer"]) == (15, "fake.clock")  # 3 of each start


def test_wrong_logits_leave_no_timings(suite):
    result = suite.run("--benchmark-json=out.json", platform="wrong")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["wrong: logits differ from the reference's by *"])
    assert suite.calls("time") == []
    assert not (suite.folder / "out.json").exists()


def test_logits_that_go_wrong_while_timing_leave_no_timings(suite):
    result = suite.run("--benchmark-json=out.json", platform="drifting")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["drifting: logits differ from the reference's by *"])
    assert suite.timed_rounds() > 0
    assert not (suite.folder / "out.json").exists()


def test_a_session_that_fails_when_it_is_closed_leaves_no_timings(suite):
    result = suite.run("--benchmark-json=out.json", platform="closing")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["closing: resnet8.onnx fell apart when it was closed"])
    assert suite.benchmarks() == []


def test_an_unstable_benchmark_is_marked_and_said_what_to_do_about(suite, monkeypatch):
    monkeypatch.setenv("FAKE_SHARE", "0.5")
    result = suite.run("--benchmark-json=out.json")
    words = "had a core for 50% of the time"
    result.stdout.fnmatch_lines(
        [
            "*test_latency[[]resnet8-fake-b1] median * (unstable)*",
            "fake  *  (!)",
            "trust    0 of 1 benchmarks were stable*",
            f"unstable 1 of 1: {words} (resnet8-fake-b1)",
            "advice   close other programs, *or read ratio, p10 and cpu_seconds_per_inference",
        ]
    )
    result.stdout.no_fnmatch_line("Legend:")  # of pytest-benchmark's own table, which nobody asked for
    told = [line for line in (*result.outlines, *result.errlines) if "out.json" in line]
    assert [line.split()[0] for line in told] == ["results", "compare"]  # and not a third time, by its logger
    result.stdout.no_fnmatch_line("benchmark: *defaults*")  # a line of its own that tells most of them wrong
    saved = json.loads((suite.folder / "out.json").read_text())
    assert words in saved["unstable"]["test_latency[resnet8-fake-b1]"]
    assert words in saved["benchmarks"][0]["extra_info"]["trust"]["doubts"].values()
    assert saved["benchmarks"][0]["name"] == "test_latency[resnet8-fake-b1]"  # the mark is of the table alone


def test_a_quiet_run_is_not_marked(suite, monkeypatch):
    monkeypatch.setenv("FAKE_SHARE", "1.0")
    prepend(
        suite, "from benchmarks.measuring import trust\ntrust.CHECKS = trust.CHECKS[1:2]\n"
    )  # whatever else runs here
    result = suite.run("--benchmark-json=out.json")
    result.stdout.fnmatch_lines(["trust    1 of 1 benchmarks were stable*"])
    result.stdout.no_fnmatch_line("*(!)*")
    assert json.loads((suite.folder / "out.json").read_text())["unstable"] == {}


def test_the_ratio_to_the_base_is_measured_in_turns(suite):
    result = suite.run("--benchmark-json=out.json", "--benchmark-max-time=1.2", platform="slow")
    result.assert_outcomes(passed=1)
    (benchmark,) = suite.benchmarks()
    ratio = benchmark["extra_info"]["ratio_to_server_cpu"]
    assert ratio["low"] <= ratio["value"] <= ratio["high"]
    assert 2 < ratio["value"] < 4
    starts = benchmark["extra_info"]["starts"]
    assert (ratio["statistic"], ratio["pairs"]) == ("p10", len(flat(starts)))
    calls = [(call["call"], call["platform"]) for call in suite.lines("calls.jsonl") if call["call"] != "keep_on"]
    # Of each side two looks whether it is long enough, and an estimate, as nothing was warmed up; the partner first.
    assert [platform for call, platform in calls if call == "time"][:6] == ["fake"] * 2 + ["slow"] * 2 + [
        "fake",
        "slow",
    ]
    first = 6 + calls.index(("time", "fake"))
    blocks = [("time", "slow"), ("time", "fake")]
    assert calls[first : first + 2 * len(starts[0])] == blocks * len(starts[0])
    renewals = [number for number, call in enumerate(calls) if call[0] == "renew"]
    assert [calls[number][1] for number in renewals] == ["fake", "slow"] * 4  # the partner first, none before the first
    result.stdout.fnmatch_lines(["latency of resnet8*; *measured in turns*", "*× server-cpu", "slow * (* to *)*"])


def test_the_base_has_no_ratio_to_itself(suite):
    suite.run("--benchmark-json=out.json")
    assert not [name for name in suite.benchmarks()[0]["extra_info"] if name.startswith("ratio")]


def test_a_software_gpu_is_labelled_and_in_no_table(suite):
    result = suite.run("--benchmark-json=out.json", platform="software")
    result.assert_outcomes(passed=1)
    assert suite.benchmarks()[0]["extra_info"]["software_gpu"] is True
    assert suite.benchmarks()[0]["group"] == "resnet8, batch 1, on a simulated GPU: no speed"
    result.stdout.fnmatch_lines(["software 1 of 1: on a simulated GPU, in no table (resnet8-software-b1)"])
    result.stdout.no_fnmatch_line("latency*")


def test_a_failure_after_measuring_leaves_no_timings(suite):
    with (suite.folder / "test_latency.py").open("a") as source:
        source.write("    assert partner is not None, 'after it was measured'\n")  # the base has no partner
    result = suite.run("--benchmark-json=out.json")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E       AssertionError: after it was measured"])
    assert suite.timed_rounds() > 0
    assert suite.benchmarks() == []


def test_a_platform_that_breaks_fails_alone(suite):
    result = suite.run("--platform=broken", "--benchmark-json=out.json")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["broken: resnet8.onnx was refused: broken on purpose"])
    assert [benchmark["params"]["platform"] for benchmark in suite.benchmarks()] == ["fake"]


def test_a_missing_platform_is_skipped_in_a_sweep(suite):
    result = suite.run("-rs", platform=None)
    result.assert_outcomes(passed=2, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*absent: no such thing; buy one"])


def test_a_missing_platform_fails_where_it_was_asked_for(suite):
    result = suite.run(platform="absent")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["absent: no such thing; buy one"])
    assert result.outlines.count("absent: no such thing; buy one") == 1


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--platform=abacus", "*unknown platform 'abacus': choose from fake, absent, wrong, *, or all"),
        (
            "--model=vgg",
            "*unknown model 'vgg': choose from resnet8, *plain20, *resnet50, with .fp16 or .int8 *or name an ONNX file",
        ),
        ("--model=no/such.onnx", "*argument --model: no/such.onnx: no such file*"),
        ("--dim=sequence", "*argument --dim: 'sequence' is not NAME=N*"),
        ("--dim=sequence=-1", "*argument --dim: 'sequence=-1' is not NAME=N*"),
        ("--batch-size=0", "*argument --batch-size: 0 is not positive*"),
        ("--starts=0", "*argument --starts: 0 is not positive*"),
        ("--starts=2.5", "*argument --starts: invalid int value: '2.5'*"),
        ("--platform=chromium-webgl", "*unknown platform 'chromium-webgl': *30 % off*; choose from fake, *"),
        ("--precision=int4", "*unknown precision 'int4': choose from float32, fp16, int8, or all"),
        ("--threads=0", "*argument --threads: '0' is not a number from 1 to *, this machine's cores, nor all*"),
        ("--threads=1000", "*argument --threads: '1000' is not a number from 1 to *"),
        ("--slowdown=3", "*argument --slowdown: '3' is not among 2, 4, 6, 10*"),
        (
            "--browser-path=no/browser",
            "*--browser-path: no/browser does not start: No such file or directory; name a *",
        ),
        ("--browser=opera", "*argument --browser: unknown browser 'opera': choose from chromium, firefox, webkit"),
        ("--server-url=http://h", "*--server-url has no effect: it is of --platform remote-url*"),
        ("--server-model=tiny", "*--server-model has no effect: it is of --platform remote-url*"),
        ("--slowdown=2", "*--slowdown has no effect: it is of clients*"),
        ("--inference-timeout=0", "*argument --inference-timeout: 0 is not positive*"),
        ("--inference-timeout=inf", "*argument --inference-timeout: inf is without end; name a number*"),
        ("--p99=inf", "*argument --p99: inf is without end; name a number*"),
        ("--benchmark-timer=time.time", "*--benchmark-timer has no effect here*"),
    ],
)
def test_bad_values_are_refused(suite, option, words):
    result = suite.run(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([words])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--platform=chromium-wasm", "--network=cable"), "--network has no effect: none of the cases goes over it"),
        (("--network=cable",), "--network has no effect: none of the cases goes over it"),
        (("-mthroughput", "--where=worker"), "--where has no effect: it is of clients, and none of the benchmarks"),
        (
            ("--platform=remote-url", "--server-url=me:hidden@h:1"),
            "--server-url cannot be read; write http://HOST:PORT",
        ),
    ],
    ids=["client", "usual", "servers", "url"],
)
def test_what_would_have_no_effect_here_is_refused(options, words):
    command = [sys.executable, "-m", "pytest", *LEAN, "benchmarks/", "--collect-only", "-q", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: {words}" in done.stderr
    assert "hidden" not in done.stdout + done.stderr


def test_a_precision_that_no_model_takes_is_refused(suite):
    result = suite.run("--precision=int8", model="resnet8.fp16")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--precision has no effect: every --model has a precision already*"])


def test_the_measuring_run_refuses_xdist(suite):
    result = suite.run("-n2", "--benchmark-only")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*benchmarks disturb each other under pytest-xdist: leave out -n*"])


def test_nothing_is_passed_off_as_timed_under_xdist(suite):
    result = suite.run("-n2")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*nothing is timed under pytest-xdist: leave out -n*"])


def test_correctness_runs_under_xdist(suite):
    suite.run("-n2", "--benchmark-disable").assert_outcomes(passed=1)


def test_choices_given_twice_are_measured_once(suite):
    suite.run("--platform=fake", "--batch-size=1", "--batch-size=3").assert_outcomes(passed=2)


def prepend(suite, lines):
    conftest = suite.folder / "conftest.py"
    conftest.write_text(lines + conftest.read_text())


def test_an_altered_model_fails_and_names_the_command(suite):
    (suite.folder / "manifest.json").write_text('{"models": {"resnet8": {"file": "resnet8.onnx", "sha256": "0"}}}')
    (suite.folder / "resnet8.onnx").write_bytes(b"altered")
    prepend(
        suite, "import pathlib, models.manifest\nmodels.manifest.load.__defaults__ = (pathlib.Path('manifest.json'),)\n"
    )
    result = suite.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["resnet8: resnet8.onnx has SHA-256 *tox run -e train -- resnet8*"])


NEW_MODEL = """
import hashlib, pathlib
import numpy as np
import models.manifest
from models import MODELS, ModelSpec, cifar100
MODELS["novel"] = ModelSpec("novel", depth=8)
models.manifest.STAND_INS = pathlib.Path("stand-ins/manifest.json").absolute()
for split in ("train", "test"):
    content = np.random.default_rng(1).integers(0, 100, (256, cifar100.RECORD_BYTES), np.uint8).tobytes()
    pathlib.Path(cifar100.FOLDER).mkdir(exist_ok=True)
    pathlib.Path(cifar100.FOLDER, f"{split}.bin").write_bytes(content)
    cifar100.FILES[split] = cifar100._File(256, hashlib.sha1(content).hexdigest())
"""


def test_an_absent_model_fails_and_names_the_command(suite):
    prepend(suite, NEW_MODEL)
    result = suite.run(model="novel")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["novel: * has no row *tox run -e train -- novel*--build-models*"])


def test_a_stand_in_is_trained_once_with_its_progress_shown_and_labelled(suite):
    prepend(suite, NEW_MODEL)
    options = ("--build-models", "--data-dir=.", "--benchmark-json=out.json")
    built = suite.run(*options, model="novel")
    built.assert_outcomes(passed=1)
    built.stdout.fnmatch_lines(["*novel: epoch 1, loss *", "*novel.stand-in-fake-b1*"])
    (benchmark,) = suite.benchmarks()
    assert benchmark["param"] == "novel.stand-in-fake-b1"
    assert (benchmark["extra_info"]["stand_in"], benchmark["extra_info"]["training_epochs"]) == (True, 1)
    again = suite.run(*options, model="novel")
    again.assert_outcomes(passed=1)
    again.stdout.no_fnmatch_line("*novel: epoch 1, loss *")


def test_a_stand_in_without_data_says_what_is_missing(suite):
    prepend(suite, NEW_MODEL)
    result = suite.run("--build-models", "--data-dir=nowhere", model="novel")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["nowhere/cifar-100-binary/train.bin: no such file*"])


def test_a_stand_in_without_torch_says_where_there_is_one(suite):
    prepend(suite, NEW_MODEL + "import sys\nsys.modules['torch'] = None\n")
    result = suite.run("--build-models", "--data-dir=.", model="novel")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["novel: --build-models needs torch*tox run -e bench-build*"])


def test_how_the_machine_moved_is_in_the_intervals_of_a_run_that_saw_it(suite):
    sizes = [f"--batch-size={size}" for size in (2, 3, 4)]
    suite.run("--platform=slow", *sizes, "--benchmark-json=both.json").assert_outcomes(passed=8)
    infos = [benchmark["extra_info"] for benchmark in suite.benchmarks("both.json")]
    (drift,) = {json.dumps(info["machine_drift"]) for info in infos}
    seen = Drift(**json.loads(drift))
    assert seen.degrees == 4  # the base was timed alone, and beside the other, at four sizes
    ratios = [info["ratio_to_server_cpu"] for info in infos if "ratio_to_server_cpu" in info]
    assert len(ratios) == 4
    for each in [one for info in infos for one in info["figures"].values()] + ratios:
        after = widened(Figure(each["value"], 5, error=each["error"], degrees=each["degrees"]), seen)
        assert (each["low"], each["high"]) == pytest.approx((after.low, after.high))


def test_a_run_that_saw_too_little_of_the_machine_tells_of_starts_alone(suite):
    suite.run("--platform=slow", "--benchmark-json=out.json").assert_outcomes(passed=2)
    for info in (benchmark["extra_info"] for benchmark in suite.benchmarks()):
        assert "machine_drift" not in info
        median = info["figures"]["median"]
        half = quantile((1 + CONFIDENCE) / 2, median["degrees"]) * median["error"]
        assert median["high"] == pytest.approx(median["value"] * math.exp(half))
