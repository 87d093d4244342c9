"""The commands that print the suite's own figures: what they read and how they judge, on numbers made up for it."""

import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.figures import cost, endurance, fidelity, gate_proof, gate_rates, soak, turn_cost
from benchmarks.hardware import CORES
from benchmarks.inputs import case_of
from benchmarks.measuring.parity import ParityError
from benchmarks.platforms import PLATFORMS, local
from benchmarks.platforms.native import NativeSession
from benchmarks.protocol import Block, Case, Facts, UnavailableError
from benchmarks.results import Result
from benchmarks.run.choices import Target
from models import manifest

FIGURES = Path(fidelity.__file__).parent


# fidelity


def test_every_platform_has_a_bare_loop_of_its_own():
    assert fidelity.BARE.keys() == {*local()}


def test_bare_loops_share_no_code_with_the_suite():
    scripts = [*FIGURES.glob("bare*.py"), *(FIGURES / "bare").iterdir()]
    assert len(scripts) == 10
    for script in scripts:
        text = script.read_text()
        assert not re.search(r"^\s*(from|import) (benchmarks|browser_harness)\b", text, re.MULTILINE), script
        assert "/browser_harness/" not in text.replace("/browser_harness/node_modules/", ""), script


@pytest.mark.parametrize("platform", sorted(fidelity.BARE))
def test_a_bare_loop_is_started_on_files_that_are_there(platform, monkeypatch, tmp_path):
    browser = fidelity.chromium.Browser(tmp_path / "chrome", "made up", "1", {"LD_LIBRARY_PATH": "made-up"})
    monkeypatch.setattr(fidelity.chromium, "find", lambda _named=None: browser)
    monkeypatch.setattr(fidelity, "find", lambda _engine: browser)
    monkeypatch.setattr(fidelity, "vulkan", fidelity.vulkan.__wrapped__)  # what this browser has must not be kept
    command = fidelity.BARE[platform](case_of(manifest.load("resnet20"), threads=2))
    script, *words = command.words
    assert (FIGURES / script).is_file()
    if script == "bare_linked.py":
        (page, query), (program,) = words[0].split("?"), [word for word in words if word == str(browser.path)]
        asked = dict(part.split("=") for part in query.split("&"))
        assert (FIGURES / "bare" / page).is_file()
        assert (fidelity.ROOT / asked["model"].removeprefix("/")).is_file()
        assert (words[words.index(program) + 1 :][-1], asked["threads"]) == ("URL", "2")
    elif script == "bare_page.py":
        page, query = words[1].split("?")
        asked = dict(part.split("=") for part in query.split("&"))
        assert (FIGURES / "bare" / page).is_file()
        assert (fidelity.ROOT / asked["model"].removeprefix("/")).is_file()
        assert (words[0], asked["threads"], command.environment["LD_LIBRARY_PATH"]) == (
            str(browser.path),
            "2",
            "made-up",
        )
    else:
        assert (Path(words[1]).is_file(), words[2]) == (True, "2")


def test_a_bare_loop_answers_with_as_many_samples_as_asked_for():
    case = case_of(manifest.load("resnet8"))
    with fidelity.bare_loop("server-cpu", case) as bare:
        for rounds in (1, 7):
            samples = bare.time(rounds)
            assert len(samples) == rounds
            assert all(0 < sample < 10 for sample in samples)


def test_a_bare_loop_that_breaks_is_told(capfd):
    no_model = Case(manifest.Artefact("absent", Path("absent.onnx"), {}), shapes={"input": (1, 3, 32, 32)})
    with fidelity.bare_loop("server-cpu", no_model) as bare, pytest.raises(RuntimeError, match="the bare loop ended"):
        bare.time(1)
    assert "absent.onnx" in capfd.readouterr().err


def test_a_start_divides_the_suite_by_the_bare_loop():
    bare = [1.0] * 2 + [2.0] * 18
    assert fidelity.Ratios.of([sample * 1.5 for sample in bare], bare) == fidelity.Ratios(1.5, 1.5)
    assert fidelity.Ratios.of([1.1] * 2 + [2.0] * 18, bare) == fidelity.Ratios(1.0, 1.1)


@pytest.mark.parametrize(
    ("ratios", "within"),
    [
        ([0.981], True),
        ([1.019], True),
        ([0.979], False),
        ([1.021], False),
        ([0.5, 1.0, 1.0, 1.0, 2.0], True),
        ([1.0, 1.0, 1.0, 1.0, 9.0], True),
        ([1.0, 1.0, 1.04, 1.04, 1.04], False),
        ([0.97, 0.97, 0.99], False),
    ],
)
def test_the_middle_of_the_starts_must_lie_within_the_limits(ratios, within):
    passed, words = fidelity.verdict(ratios)
    assert passed is within
    assert ("outside 0.98 to 1.02" in words) is not within


def test_one_figure_outside_the_limits_fails_the_platform(monkeypatch, capsys):
    target = Target("server-cpu")
    for ratios, passed in (
        (fidelity.Ratios(1.0, 1.0), True),
        (fidelity.Ratios(1.0, 1.1), False),
        (fidelity.Ratios(0.9, 1.0), False),
    ):
        monkeypatch.setattr(fidelity, "time_afresh", lambda *_given, ratios=ratios: ratios)
        assert fidelity.compare(target, fidelity.Settings(), 7, 1.0) is passed
        told = capsys.readouterr().out
        assert [told.count(words) for words in (" start ", "suite / bare", "7 starts of")] == [7, 2, 2]


def test_every_platform_is_compared_unless_some_are_asked_for():
    labels = [target.label for target in fidelity.targets(None)]
    assert {*local()} <= {*labels}
    assert ("chromium-wasm-2t" in labels) is (CORES > 2)
    assert fidelity.targets(["server-cpu-2t"]) == [Target("server-cpu", 2)]
    with pytest.raises(argparse.ArgumentTypeError, match="unknown platform 'server-cp': choose from server-cpu, "):
        fidelity.label("server-cp")


def test_fidelity_names_what_cannot_be_measured(ended, monkeypatch):
    reasons = dict.fromkeys(PLATFORMS, "not here; buy one")
    for name, platform in PLATFORMS.items():
        monkeypatch.setattr(platform, "unavailable", lambda _settings, name=name: f"{name}: {reasons[name]}")
    code, told = ended(fidelity)
    assert code == 0
    assert told.count("not compared: ") == len(fidelity.targets(None))
    code, told = ended(fidelity, "--platform", "server-cuda")
    assert code == "outside the limits, or not compared: server-cuda"
    assert "not compared: server-cuda: not here; buy one" in told


def test_fidelity_fails_where_a_platform_does(ended, monkeypatch):
    monkeypatch.setattr(fidelity, "compare", lambda target, *_given: target.platform != "server-litert")
    asked_for = ["--platform", "server-cpu", "--platform", "server-litert"]
    assert ended(fidelity, *asked_for)[0] == "outside the limits, or not compared: server-litert"
    assert ended(fidelity, *asked_for[:2])[0] == 0


def test_a_start_times_both_sides():
    found = fidelity.time_afresh(Target("server-cpu"), fidelity.Settings(), 0.1)
    assert 0.3 < found.p10 < 3
    assert 0.3 < found.median < 3


def test_what_the_process_of_a_start_raises_is_raised_here():
    with pytest.raises(UnavailableError, match=r"^server-webgpu: resnet20\.onnx: 2 threads of the processor"):
        fidelity.time_afresh(Target("server-webgpu", 2), fidelity.Settings(allow_software_gpu=True), 0.1)


def test_fidelity_refuses_a_platform_without_a_bare_loop(ended, monkeypatch):
    monkeypatch.delitem(fidelity.BARE, "server-cpu")
    assert ended(fidelity)[0] == "server-cpu: no bare loop to compare with; write one, and name it in BARE"


def test_fidelity_refuses_too_few_starts(ended):
    code, told = ended(fidelity, "--starts", "6")
    assert code == 2
    assert "fewer than 7 says too little" in told


# cost


def saved(name, total, partner=0.0):
    info = {"partner_seconds": partner} if partner else {}
    return Result.of({"fullname": name, "name": name, "params": {}, "stats": {"total": total}, "extra_info": info})


@pytest.mark.parametrize(
    ("timed", "wall", "first", "code"),
    [
        (50.0, 100.0, 2.0, 0),
        (49.0, 100.0, 2.0, 1),
        (99.0, 181.0, 2.0, 1),
        (50.0, 100.0, 11.0, 1),
        (50.0, 100.0, 0.0, 1),
    ],
)
def test_half_of_a_sweep_must_be_timed_inference(ended, monkeypatch, timed, wall, first, code):
    results = [saved("test_latency[a]", timed - 20.0, 20.0), saved("test_load[a]", 40.0)]
    monkeypatch.setattr(cost, "run", lambda _sweep, _results: (first, wall))
    monkeypatch.setattr(cost, "load", lambda _file: SimpleNamespace(results=results))
    ending, told = ended(cost)
    assert ending == ("a limit is missed" if code else 0)
    assert f"{timed / wall:.0%} of the time inside timed inference (at least 50%)" in told


# soak

MB = 1_000_000


def seen(suite, browser, targets=2):
    """Make cycles of sessions in which a server holds no browser."""
    return [
        [soak.Held(own * MB, below * MB if number else 0) for number in range(targets)]
        for own, below in zip(suite, browser, strict=True)
    ]


@pytest.mark.parametrize(
    ("suite", "browser", "passed"),
    [
        ([50, 100, 100, 100, 100], [300] * 5, {"suite": True, "browser": True}),
        ([100, 100, 102, 109, 111], [300] * 5, {"suite": True, "browser": True}),
        ([100, 100, 110, 120, 130], [300] * 5, {"suite": False, "browser": True}),
        ([100] * 5, [300, 300, 330, 360, 390], {"suite": True, "browser": False}),
        ([100, 100, 100, 60, 60], [300] * 5, {"suite": True, "browser": True}),
    ],
)
def test_growth_is_detected(suite, browser, passed):
    found = [*soak.verdicts(seen(suite, browser))]
    assert {words.split(":")[0]: within for within, words in found} == passed


def test_of_many_cycles_the_first_tenth_is_left_out():
    settled = seen([10, 50, *[100] * 18], [300] * 20)
    assert [within for within, _ in soak.verdicts(settled)] == [True, True]
    growing = seen(range(100, 140, 2), [300] * 20)
    assert [within for within, _ in soak.verdicts(growing)] == [False, True]


def test_where_no_browser_was_open_only_the_suite_is_judged():
    assert [words.split(":")[0] for _, words in soak.verdicts(seen([100] * 5, [0] * 5))] == ["suite"]


def test_only_whole_cycles_count():
    held = [soak.Held(number, 0) for number in range(11)]
    assert [[one.suite for one in cycle] for cycle in soak.cycles(held, 5)] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not tell")


@linux
def test_what_is_left_behind_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(soak, "ENDING", 0.2)
    groups = tmp_path / "groups"
    monkeypatch.setattr(soak.cgroup, "version", lambda: soak.cgroup.Version(groups, is_v2=True))
    before = {*soak.left_behind(tmp_path)}  # what other tests have running
    for folder in (
        groups / f"client-or-server-{os.getpid()}-0",
        tmp_path / "harness-x",
        groups / "client-or-server-1-0",
    ):
        folder.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        remains = {*soak.left_behind(tmp_path)} - before
    words = sorted(remains)
    assert [word.split()[0] for word in words] == ["control", "folder", "process"]
    assert (words[0].endswith(f"-{os.getpid()}-0"), words[1].endswith("harness-x")) == (True, True)
    assert words[2] == f"process {child.pid}: {sys.executable} -c input()"


@linux
def test_resident_memory_is_that_of_all_processes_below():
    grandchild = "x = b'x' * 50_000_000; print(1, flush=True); input()"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {grandchild!r}])"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.read(1)
        found = [*soak.descendants(child.pid)]
        assert len(found) == 1
        assert found[0] in soak.descendants(os.getpid())
        assert 5e6 < soak.resident([child.pid]) < 40e6 < soak.resident(found) + soak.resident([child.pid]) < 200e6
        child.stdin.close()
    assert soak.resident([child.pid]) == 0


@linux
def test_soak_opens_what_was_asked_for_and_leaves_nothing():
    command = [sys.executable, "-m", "benchmarks.figures.soak", "--platform", "server-cpu", "--sessions", "30"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=fidelity.ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.findall(r"(\d+) sessions in", done.stdout) == ["20", "30"]
    assert "suite: " in done.stdout
    assert "browser: " not in done.stdout  # there was none to judge
    assert done.stdout.endswith("nothing left behind\n")


@linux
def test_soak_checks_the_answers(ended, monkeypatch):
    right = NativeSession.run
    wrong = lambda session, feeds: {name: values + 1 for name, values in right(session, feeds).items()}  # noqa: E731
    monkeypatch.setattr(NativeSession, "run", wrong)
    with pytest.raises(ParityError, match="differ from the reference's"):
        ended(soak, "--platform", "server-cpu", "--sessions", "5")


@linux
@pytest.mark.parametrize(("growing", "remains", "code"), [(False, [], 0), (True, [], 1), (False, ["process 1"], 1)])
def test_soak_ends_with_1_where_it_grows_or_leaves_something(ended, monkeypatch, growing, remains, code):
    levels = iter(range(100, 200, 10)) if growing else iter([100] * 10)
    monkeypatch.setattr(soak, "visit", lambda *_given: soak.Held(next(levels) * MB, 0))
    monkeypatch.setattr(soak, "left_behind", lambda _folder: remains)
    ending, told = ended(soak, "--platform", "server-cpu", "--sessions", "10")
    assert ending == code
    assert ("it grows" in told) is growing
    assert ("left behind: process 1" in told) is bool(remains)


@linux
def test_soak_refuses_too_few_sessions(ended):
    assert ended(soak, "--platform", "server-cpu", "--sessions", "4")[0] == "--sessions 4: 1 targets need at least 5"


# endurance


def windows(page, reference):
    return [endurance.Window([slow] * 20, [quick] * 20) for slow, quick in zip(page, reference, strict=True)]


@pytest.mark.parametrize(
    ("page", "reference", "seen"),
    [
        ([2.0, 2.0, 2.0, 2.0], [1.0] * 4, False),
        ([2.0, 2.0, 3.4, 3.4], [1.0] * 4, True),
        ([2.0, 2.2, 2.2, 2.2], [1.0] * 4, False),
        ([2.0, 3.4, 3.4, 2.0], [1.0] * 4, True),
        ([2.0, 2.0, 2.0, 3.4], [1.0] * 4, False),
        ([2.0, 2.0, 3.4, 3.4], [1.0, 1.0, 1.7, 1.7], False),
        ([2.0, 2.0, 3.4, 3.4], [2.0, 1.0, 1.0, 1.0], True),
    ],
)
def test_a_lasting_slow_down_of_the_page_alone_is_seen(page, reference, seen):
    courses = endurance.relative(windows(page, reference))
    assert endurance.seen(courses) is seen
    words = endurance.summary([courses, endurance.relative(windows([1, 1, 1], [1, 1, 1]))])
    assert words.startswith("seen: 1 of 2" if seen else "not seen: 0 of 2")


def test_a_course_is_relative_to_the_first_window():
    courses = endurance.relative(windows([2.0, 3.0], [1.0, 1.2]))
    assert courses[0] == endurance.Course(1, 1, 1, 1)
    assert courses[1] == endurance.Course(1.5, 1.5, 1.2, 1.2)
    assert courses[1].slower == pytest.approx(1.25)


def test_the_page_is_not_renewed(monkeypatch):
    class Ageing:
        """A session that says that it ages, and fails where it is renewed."""

        facts = Facts("test", "TestProvider", 1, "test.clock", 1e-7, lifetime=1)

        def time(self, feeds, rounds, iterations=1):
            return Block([1e-3] * rounds, {}, None)

    monkeypatch.setattr(endurance, "warm_up", lambda *_: [1e-3])
    question = SimpleNamespace(feeds={}, check=lambda _facts, _outputs: 0.0)
    assert PLATFORMS[endurance.PLATFORM].lifetime  # else there is nothing to look for
    assert len([*endurance.age(Ageing(), Ageing(), question, 2 * endurance.WINDOW)]) == 2


def test_endurance_refuses_too_few_runs(ended):
    code, told = ended(endurance, "--runs", "1199")
    assert code == 2
    assert "fewer than 1200 show no course" in told


# lockstep


@linux
@pytest.mark.parametrize(("code", "busy"), [("while True:\n pass", True), ("input()", False)])
def test_what_runs_in_a_pause_is_seen(code, busy):
    with subprocess.Popen(
        [sys.executable, "-c", f"print(1, flush=True)\n{code}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        child.stdout.read(1)
        used = turn_cost.share([turn_cost.pause(lambda: time.sleep(0.1), 0.3)])
        child.kill()
    assert (0.05 < used < 1.2) if busy else used < 0.05


def test_a_thread_that_has_ended_used_nothing_and_one_that_began_all_it_has():
    assert turn_cost.used({(1, 1): 5.0, (1, 2): 7.0}, {(1, 1): 5.5, (1, 3): 0.25}) == 0.75


def test_the_share_of_a_core_is_that_of_all_pauses_together():
    assert turn_cost.share([(0.5, 1.0), (0.0, 3.0)]) == 0.125


def test_each_round_has_every_condition_and_begins_with_another():
    orders = [turn_cost.in_order(number) for number in range(7)]
    assert all({*order} == {*turn_cost.CONDITIONS} for order in orders)
    assert [order[0] for order in orders] == [*turn_cost.CONDITIONS, turn_cost.CONDITIONS[0]]


@pytest.mark.parametrize("one_core", [True, False])
def test_a_condition_is_told_in_the_gates_words(one_core):
    condition = turn_cost.Condition(0.02, one_core)
    assert (condition.schedule().turn_seconds, condition.schedule().starts) == (0.02, 5)
    assert (condition.core() in os.sched_getaffinity(0)) if one_core else condition.core() is None


def test_the_table_has_a_line_for_each_platform_and_condition(monkeypatch):
    monkeypatch.setattr(turn_cost, "CONDITIONS", conditions := turn_cost.CONDITIONS[:2])
    found = {
        ("server-cpu", conditions[0]): (0.001, -0.003),
        ("server-cpu", conditions[1]): (0.02, 0.02),
        ("chromium-wasm", conditions[0]): (0.001, math.nan),
        ("chromium-wasm", conditions[1]): (-0.01, math.nan, 0.0, 0.02),
    }
    starts = [turn_cost.Measured(*case, value, 2.0) for case, values in found.items() for value in values]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in turn_cost.table(starts).splitlines()[2:]]
    assert cells == [
        ["server-cpu", "5 ms, one core", "2", "0", "0.28 %", "0.20 %", "0.30 %", "2.0"],
        ["server-cpu", "5 ms, any core", "2", "0", "0.00 %", "2.00 %", "2.00 %", "2.0"],
        ["chromium-wasm", "5 ms, one core", "2", "1", "–", "–", "–", "2.0"],
        ["chromium-wasm", "5 ms, any core", "4", "1", "1.53 %", "1.00 %", "2.00 %", "2.0"],
    ]
    assert turn_cost.pair_line(0, starts[:2]) == "round 1: 5 ms, one core: server-cpu -0.10 %"


@linux
def test_a_pair_of_this_checkout_with_itself_is_measured(outside_xdist, tmp_path):
    condition = turn_cost.CONDITIONS[0]
    found = turn_cost.measure_pair(condition, ["server-cpu"], "resnet8", tmp_path)
    assert [(start.platform, start.condition) for start in found] == [("server-cpu", condition)] * 5
    assert abs(statistics.median(start.quartile for start in found)) < 0.3
    assert len({start.seconds for start in found}) == 1


@linux
def test_a_pair_without_a_result_is_an_error(outside_xdist, monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.raises(turn_cost.SideError, match=r"base: .*server-cuda: .*; see .*pair-base\.log"):
        turn_cost.measure_pair(turn_cost.CONDITIONS[0], ["server-cuda"], "resnet8", tmp_path)


@linux
def test_lockstep_names_what_this_machine_lacks(ended, monkeypatch):
    monkeypatch.setattr(PLATFORMS["server-cpu"], "unavailable", lambda _settings: "server-cpu: not here; buy one")
    code, told = ended(turn_cost, "--platform", "server-cpu")
    assert (code, told) == ("there is nothing to measure", "left out: server-cpu: not here; buy one\n")


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("resnet20-server-cpu-b1", "server"),
        ("resnet20-server-torch-compiled-2t-b8", "server"),
        ("resnet20-chromium-webnn-gpu@4x-b1", "client"),
        ("resnet20-nowhere-b1", None),
    ],
)
def test_the_gates_power_is_told_by_the_side_where_a_model_computes(name, side):
    assert gate_proof.side(name) == side


def test_only_parts_of_gates_of_this_schema_are_added_up(monkeypatch, tmp_path):
    monkeypatch.setattr(gate_proof, "FOLDER", tmp_path)
    for schema in (1, gate_proof.SCHEMA):
        folder = tmp_path / "parts" / str(schema)
        folder.mkdir(parents=True)
        (folder / "gate.json").write_text(json.dumps({"schema": schema, "base": "heads/0123abc-0"}))
        (folder / "part.json").write_text(json.dumps({"kind": "aa"}))
    (part,) = gate_proof.finished_parts()
    assert (part["schema"], part["commit"]) == (gate_proof.SCHEMA, "0123abc")


def test_the_true_cost_is_of_all_starts_of_all_pairs_of_processes():
    starts = [{"quartile": math.log1p(0.02) + step / 1000} for step in (-1, 0, 1)]
    pairs = [{"pair": f"screen-{number}", "benchmark": "one", "log_ratios": starts} for number in (1, 2)]
    ((cost, words),) = gate_proof.true_costs([{"convolutions": 4, "details": {"pairs": pairs}}]).values()
    assert cost == pytest.approx(0.02)
    assert words.endswith("6 starts)")


def test_suspects_are_what_a_gate_measured_again():
    names = [("screen-1", "a"), ("screen-1", "b"), ("confirm-1", "b"), ("confirm-2", "b")]
    pairs = [{"pair": pair, "benchmark": name} for pair, name in names]
    words = gate_proof.wall_times([{"seconds": 500.0, "load": [1.0, 2.0], "details": {"pairs": pairs}}])
    assert words.endswith("load 1.0 to 2.0; suspects 1")


def test_a_simulated_gate_finds_what_is_slower_and_tells_how_long_it_would_take():
    rules = gate_rates.Options().rules
    seen = gate_rates.gates(4, 0.0, is_slower=True, rules=rules)
    assert seen.share("server", gate_rates.Verdict.SLOWER) == "100.0%"
    assert seen.verdicts.total() == 4 * 30
    one = gate_rates.Benchmark(0.01)
    assert min(seen.seconds) > 30 * rules.screen * gate_rates.Benchmark(0.003, side="server").seconds(rules.starts)
    assert one.seconds(10) - one.seconds(5) == pytest.approx(5 * (one.seconds(1) - one.seconds(0)))
    calm, odd = (gate_rates.gates(4, share, is_slower=False, rules=rules) for share in (0.0, 0.3))
    assert sum(calm.suspects) < sum(odd.suspects)
