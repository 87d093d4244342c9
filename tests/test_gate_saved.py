"""Saved runs against saved runs: which files are none, what may not differ, and what is said of the rest."""

import copy
import json
import math

import numpy as np
import pytest

from benchmarks.gate import saved
from benchmarks.gate.decide import Pair, Rules
from benchmarks.gate.saved import Run, SavedError, base_commit, confirmed, load, refusals, rows, suspicions
from benchmarks.gate.verdicts import Verdict

RULES = Rules()
NAME = "benchmarks/test_latency.py::test_latency[resnet8-server-cpu-b1]"
MACHINE = {
    "node": "here",
    "cpu": {"brand_raw": "Abacus 9"},
    "cores_usable": 2,
    "simd_flags": ["avx2"],
    "system": "Linux",
    "release": "6.1",
    "machine": "x86_64",
    "python_version": "3.11.7",
    "governor": None,
    "gpus": [],
    "versions": {"onnxruntime": "1.32.0", "chromium": "153"},
    "suite": "0123456789ab",
}
EXTRA = {
    "clock": "perf_counter",
    "execution_provider": "CPUExecutionProvider",
    "threads": 1,
    "batch_size": 1,
    "model_sha256": "ab",
    "precision": "float32",
    "own": False,
    "calibration": {"workload": "matmul", "p10": 1e-3},
}


def result(seconds=1e-3, name=NAME, **extra):
    samples = [seconds * (1 + step / 1000) for step in range(20)]
    return {"fullname": name, "name": name, "stats": {"data": samples}, "extra_info": {**EXTRA, **extra}}


def content(*results, **more):
    commit = {"id": "c0ffee", "dirty": False}
    found = {"exit_status": 0, "machine_info": MACHINE, "commit_info": commit, "benchmarks": [*results] or [result()]}
    return copy.deepcopy({**found, **more})


def run(*results, number=0, machine=MACHINE, commit="c0ffee"):
    return Run(f"run-{number}.json", machine, commit, {one["fullname"]: one for one in results or [result()]})


def runs(slower=0.0, name=NAME, **extra):
    """Return five runs of a benchmark on a machine whose state, the calibration tells, differs by a fifth."""
    found = []
    for number, (scatter, state) in enumerate(zip((-2, -1, 0, 1, 3), (1, 1.2, 0.9, 1, 1.1), strict=True)):
        seconds = 1e-3 * (1 + slower) * (1 + scatter / 1000) * state
        told = {"calibration": {"workload": "matmul", "p10": 1e-3 * state}, **extra}
        found.append(run(result(seconds, name, **told), number=number))
    return found


def verdict_on(base, head, can_confirm=False):
    return rows(base, head, RULES, can_confirm)[NAME]


# Files


def test_a_whole_run_is_read(tmp_path):
    file = tmp_path / "run.json"
    file.write_text(json.dumps(content(result(), result(name="other"))))
    found = load(file)
    assert (found.file, found.machine, found.commit, [*found.results]) == (file, MACHINE, "c0ffee", [NAME, "other"])


def without(name, key):
    def changed():
        one = result()
        del one[name][key]
        return json.dumps(content(one))

    return changed


def lacking(name):
    def changed():
        found = content()
        del found[name]
        return json.dumps(found)

    return changed


FILES = {
    "empty": (lambda: "", "no run of this suite: JSONDecodeError"),
    "not JSON": (lambda: "{", "no run of this suite: JSONDecodeError"),
    "a list": (lambda: "[]", "no run of this suite: TypeError"),
    "another's JSON": (lambda: "{}", "no run of this suite: KeyError 'exit_status'"),
    "pytest-benchmark's own": (lacking("exit_status"), "no run of this suite: KeyError 'exit_status'"),
    "no machine": (lacking("machine_info"), "no run of this suite: KeyError 'machine_info'"),
    "interrupted": (lambda: json.dumps(content(exit_status=2)), "the run ended with 2, not with 0; name whole runs"),
    "failed": (lambda: json.dumps(content(exit_status=1)), "the run ended with 1, not with 0; name whole runs"),
    "no benchmarks": (lambda: json.dumps(content(benchmarks=[])), "holds no benchmark; name whole runs"),
    "no samples": (without("stats", "data"), f"{NAME} has no samples or no calibration; measure it again"),
    "no calibration": (without("extra_info", "calibration"), f"{NAME} has no samples or no calibration; measure"),
    "no stats": (lambda: json.dumps(content({"name": NAME})), f"{NAME} has no samples or no calibration; measure"),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_no_whole_run_is_refused_by_name(tmp_path, kind):
    text, words = FILES[kind]
    (tmp_path / "run.json").write_text(text())
    with pytest.raises(SavedError) as raised:
        load(tmp_path / "run.json")
    assert str(raised.value).startswith(f"{tmp_path / 'run.json'}: {words}")


def test_a_file_that_does_not_exist_is_refused_by_name(tmp_path):
    with pytest.raises(SavedError, match=r"gone\.json: no run of this suite: FileNotFoundError"):
        load(tmp_path / "gone.json")


@pytest.mark.parametrize("info", [{"id": "c0ffee", "dirty": True}, {"dirty": False}, {"error": "no git"}, None])
def test_changed_files_are_of_no_commit(tmp_path, info):
    (tmp_path / "run.json").write_text(json.dumps(content(commit_info=info)))
    assert load(tmp_path / "run.json").commit is None


def test_runs_have_a_commit_to_confirm_with_where_all_are_of_one():
    assert base_commit([run(commit="a"), run(commit="a")]) == "a"
    assert base_commit([run(commit="a"), run(commit="b")]) is None
    assert base_commit([run(commit="a"), run(commit=None)]) is None
    assert base_commit([run(commit=None)] * 2) is None


# What may not differ

OTHER = {
    "node": ("there", "machine: here and there"),
    "cpu": ({"brand_raw": "Abacus 10"}, "processor: Abacus 9 and Abacus 10"),
    "cores_usable": (4, "cores: 2 and 4"),
    "simd_flags": (["avx2", "fma"], "instruction sets: ['avx2'] and ['avx2', 'fma']"),
    "release": ("6.2", "system: ('Linux', '6.1', 'x86_64') and ('Linux', '6.2', 'x86_64')"),
    "python_version": ("3.12.1", "Python: 3.11.7 and 3.12.1"),
    "governor": ("powersave", "governor: None and powersave"),
    "gpus": (["H100"], "GPUs: [] and ['H100']"),
    "versions": ({"onnxruntime": "1.33.0", "chromium": "153"}, "versions: onnxruntime 1.32.0 and 1.33.0"),
    "suite": ("ba9876543210", "suite: 0123456789ab and ba9876543210"),
}


@pytest.mark.parametrize("key", OTHER)
def test_runs_of_another_machine_or_suite_are_refused_with_what_differs(key):
    value, words = OTHER[key]
    other = run(number=9, machine={**MACHINE, key: value})
    for base, head in (([run()] * 5, [run(), other]), ([run(), other], [run()])):
        assert refusals(base, head) == [f"{words}, in run-0.json and run-9.json"]


def test_each_difference_is_told_once_and_what_is_not_told_is_one():
    there = {key: value for key, value in {**MACHINE, "node": "there"}.items() if key != "suite"}
    assert refusals([run()] * 2, [run(number=9, machine=there)] * 2) == [
        "machine: here and there, in run-0.json and run-9.json",
        "suite: 0123456789ab and not told, in run-0.json and run-9.json",
    ]
    assert refusals([run()] * 5, [run(number=number) for number in range(5)]) == []


def test_a_runtime_of_one_side_only_is_told():
    other = run(number=9, machine={**MACHINE, "versions": {"onnxruntime": "1.32.0"}})
    assert refusals([run()], [other]) == ["versions: chromium 153 and None, in run-0.json and run-9.json"]


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"clock": "sundial"}, "clock perf_counter and sundial"),
        ({"threads": 2}, "threads 1 and 2"),
        ({"execution_provider": "X"}, "execution provider CPUExecutionProvider and X"),
        ({"batch_size": 8}, "batch size 1 and 8"),
        ({"model_sha256": "cd"}, "model sha256 ab and cd"),
        ({"precision": "int8"}, "precision float32 and int8"),
        ({"own": True}, "own False and True"),
        ({"calibration": {"workload": "sum", "p10": 1e-3}}, "calibration workload matmul and sum"),
        ({"clock": "sundial", "threads": 2}, "clock perf_counter and sundial; threads 1 and 2"),
    ],
)
def test_a_benchmark_that_did_something_else_in_one_run_is_not_comparable(extra, words):
    for base, head in ((runs(), runs(1.0, **extra)), (runs(), [*runs(), *runs(**extra)[:1]])):
        for can_confirm in (True, False):
            row = verdict_on(base, head, can_confirm)
            assert (row.verdict, row.why, row.effect) == (Verdict.NOT_COMPARABLE, words, None)


# Verdicts


@pytest.mark.parametrize(
    ("slower", "verdict"),
    [
        (0.0, Verdict.SAME),
        (0.02, Verdict.SAME),
        (0.04, Verdict.UNDECIDED),
        (0.1, Verdict.SLOWER),
        (-0.04, Verdict.UNDECIDED),
        (-0.1, Verdict.FASTER),
    ],
)
def test_a_slowdown_is_told_from_a_slow_machine(slower, verdict):
    row = verdict_on(runs(), runs(slower))
    assert (row.verdict, row.name) == (verdict, "test_latency[resnet8-server-cpu-b1]")
    assert row.effect.value == pytest.approx(slower, abs=1e-9)
    assert (row.effect.statistic, row.effect.pairs) == ("p10", 5)
    if verdict is not Verdict.SAME:
        assert verdict_on(runs(), runs(slower), can_confirm=True).verdict is Verdict.UNDECIDED


def test_the_value_is_p10_over_the_calibrations():
    one = run(result(2e-3, calibration={"workload": "matmul", "p10": 4e-3}))
    assert saved.values([one]) == {NAME: [pytest.approx(math.log(2e-3 * 1.001 / 4e-3))]}


def test_four_runs_are_too_few():
    row = verdict_on(runs()[:4], runs(0.5))
    assert (row.verdict, row.more_pairs) == (Verdict.UNDECIDED, 1)


def test_what_only_one_side_has_is_new_or_missing_also_where_it_is_slower():
    found = rows(runs(name="f.py::old"), runs(name="f.py::new"), RULES, can_confirm=False)
    assert [(row.name, row.verdict) for row in found.values()] == [("old", Verdict.MISSING), ("new", Verdict.NEW)]


def test_what_only_some_runs_of_a_side_have_is_undecided():
    base = [run(*[result(name=name) for name in ("a", NAME)[: 1 + bool(number)]], number=number) for number in range(5)]
    assert rows(base, base, RULES, can_confirm=False)[NAME].verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("bad", [math.nan, math.inf, 0.0, -1e-3])
def test_samples_that_are_no_times_fail(bad):
    broken = result()
    broken["stats"]["data"][3] = bad
    for other in (broken, result(calibration={"workload": "matmul", "p10": bad})):
        for base, head in ((runs(), [*runs(), run(other)]), ([*runs(), run(other)], runs(0.2))):
            assert verdict_on(base, head).verdict is Verdict.FAILED


def test_a_run_without_samples_fails():
    empty = result()
    empty["stats"]["data"] = []
    assert verdict_on(runs(), [*runs(), run(empty)]).verdict is Verdict.FAILED


# Lockstep has the last word


def pairs(slower):
    noise = np.random.default_rng(3).normal(0, 1e-3, 10)
    return [Pair(math.log1p(slower) + step, math.log1p(slower) + step) for step in noise]


@pytest.mark.parametrize(
    ("stored", "true", "verdict"),
    [
        (0.04, 0.0, Verdict.SAME),
        (0.04, 0.04, Verdict.SLOWER),
        (1.0, 0.0, Verdict.SAME),
        (-0.1, -0.1, Verdict.FASTER),
        (-0.1, 0.0, Verdict.SAME),
    ],
)
def test_what_the_runs_make_suspect_is_decided_by_fresh_pairs(stored, true, verdict):
    found = rows(runs(), runs(stored), RULES, can_confirm=True)
    suspected = suspicions(found, RULES)
    assert [*suspected] == [NAME]
    row = confirmed(found, suspected, {NAME: pairs(true)}, RULES)[NAME]
    assert (row.verdict, row.name) == (verdict, "test_latency[resnet8-server-cpu-b1]")


def test_what_is_the_same_or_cannot_be_compared_is_no_suspect():
    for head in (runs(0.01), runs(1.0, threads=2), runs(1.0)[:3], runs(1.0, name="other")):
        assert suspicions(rows(runs(), head, RULES, can_confirm=True), RULES) == {}


def test_a_suspect_that_no_fresh_pair_measured_does_not_pass():
    found = rows(runs(), runs(0.04), RULES, can_confirm=True)
    assert confirmed(found, suspicions(found, RULES), {}, RULES)[NAME].verdict is Verdict.FAILED
