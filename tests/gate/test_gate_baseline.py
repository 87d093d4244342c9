"""Saved runs against saved runs: which files are none, what may not differ, and what is said of the rest."""

import copy
import itertools
import json
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from gate_helpers import measurements
from helpers import ROOT

from benchmarks.gate import baseline, checkouts, compare
from benchmarks.gate.baseline import (
    SavedError,
    base_commit,
    confirmed,
    load,
    refusals,
    rows,
    suspicions,
)
from benchmarks.gate.checkouts import CheckoutError
from benchmarks.gate.decide_starts import LogRatio, Rules
from benchmarks.gate.options import Options
from benchmarks.gate.pair import Match, Matched
from benchmarks.gate.verdicts import Verdict
from benchmarks.results import Result, Run, alike, keys
from benchmarks.results.saved import Commit

RULES = Rules()
NAME = "benchmarks/test_latency.py::test_latency[resnet8-server-cpu-b1]"
MACHINE = {
    "node": "here",
    "cpu": {"brand_raw": "Abacus 9", "family": 6, "model": 9, "count": 4, "hz_actual": [1, 0]},
    "cores": 4,
    "cores_usable": 2,
    "simd_flags": ["avx2"],
    "system": "Linux",
    "release": "6.1",
    "machine": "x86_64",
    "python_implementation": "CPython",
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
    "inputs": {"input": [1, 3, 32, 32]},
    "slowdown": {"asked": 4, "obtained": 4.1},
    "calibration": {"workload": "matmul", "p10": 1e-3},
}


OPTIONS = {"timer": "perf_counter", "warmup": 50, "disable_gc": False, "max_time": 1.0, "min_rounds": 5}
MOMENTS = itertools.count()  # no two runs begin in the same


def moment():
    return f"2026-11-25T03:00:00.{next(MOMENTS):06}+00:00"


def result(seconds=1e-3, name=NAME, **extra):
    samples = [seconds * (1 + step / 1000) for step in range(20)]
    info = {**EXTRA, **extra}
    return {"fullname": name, "name": name, "stats": {"data": samples}, "options": OPTIONS, "extra_info": info}


def content(*results, **more):
    commit = {"id": "c0ffee", "dirty": False}
    whole = {"exit_status": 0, "machine_info": MACHINE, "commit_info": commit, "datetime": moment()}
    return copy.deepcopy({**whole, "benchmarks": [*results] or [result()], **more})


def run(*results, number=0, machine=MACHINE, commit="c0ffee", is_changed=False):
    measured = tuple(map(Result.of, results or [result()]))
    return Run(f"run-{number}.json", keys.SCHEMA_NUMBER, 0, machine, Commit(commit, is_changed), moment(), measured)


def runs(slower=0.0, name=NAME, **extra):
    """Return five runs of a benchmark on a machine whose state, the calibration tells, differs by a fifth."""
    made = []
    for number, (scatter, state) in enumerate(zip((-2, -1, 0, 1, 3), (1, 1.2, 0.9, 1, 1.1), strict=True)):
        seconds = 1e-3 * (1 + slower) * (1 + scatter / 1000) * state
        more = {"calibration": {"workload": "matmul", "p10": 1e-3 * state}, **extra}
        made.append(run(result(seconds, name, **more), number=number))
    return made


def verdict_on(base, head, can_confirm=False):
    return rows(base, head, RULES, can_confirm)[NAME]


# Files


def test_a_whole_run_is_read(tmp_path):
    file = tmp_path / "run.json"
    file.write_text(json.dumps(content(result(), result(name="other"), datetime="2026-11-25")))
    loaded = load(file)
    assert (loaded.file, loaded.machine, [*loaded.by_name]) == (file, MACHINE, [NAME, "other"])
    assert (loaded.saved, loaded.commit.id, loaded.commit.is_changed) == ("2026-11-25", "c0ffee", False)


def without(*keys):
    def changed():
        saved = copy.deepcopy(result())
        *path, last = keys
        del (saved[path[0]] if path else saved)[last]
        return json.dumps(content(saved))

    return changed


def lacking(name):
    def changed():
        whole = content()
        del whole[name]
        return json.dumps(whole)

    return changed


FILES = {
    "empty": (lambda: "", "no run of this suite: JSONDecodeError"),
    "not JSON": (lambda: "{", "no run of this suite: JSONDecodeError"),
    "a list": (lambda: "[]", "no run of this suite: TypeError"),
    "another's JSON": (lambda: "{}", "no run of this suite: KeyError 'exit_status'"),
    "pytest-benchmark's own": (lacking("exit_status"), "no run of this suite: KeyError 'exit_status'"),
    "no machine": (lacking("machine_info"), "no run of this suite: KeyError 'machine_info'"),
    "no time": (lacking("datetime"), "no run of this suite: KeyError 'datetime'"),
    "killed": (lambda: json.dumps(content(exit_status=137)), "the run ended with 137, not with 0; name whole runs"),
    "interrupted": (lambda: json.dumps(content(exit_status=2)), "the run ended with 2, not with 0; name whole runs"),
    "failed": (lambda: json.dumps(content(exit_status=1)), "the run ended with 1, not with 0; name whole runs"),
    "stopped without a code": (
        lambda: json.dumps(content(exit_status=None)),
        "the run ended with None, not with 0; name",
    ),
    "a code that is none": (
        lambda: json.dumps(content(exit_status=False)),
        "the run ended with False, not with 0; name",
    ),
    "a benchmark twice": (
        lambda: json.dumps(content(result(), result())),
        f"no run of this suite: DamagedError it holds {NAME} 2 times, and one alone would count; name files",
    ),
    "text for a sample": (
        lambda: json.dumps(content({"name": NAME, "stats": {"data": ["fast"]}})),
        f'no run of this suite: DamagedError {NAME}: a sample is "fast", not a number; name files',
    ),
    "text for the machine": (
        lambda: json.dumps(content(machine_info="abacus")),
        'no run of this suite: DamagedError its machine_info is "abacus", not names and values; name files',
    ),
    "half a witness": (
        lambda: json.dumps(content(result(calibration={"workload": "matmul", "p10": None}))),
        f"no run of this suite: DamagedError {NAME}: its witness's p10 is null, not a number; name files",
    ),
    "no time of its own": (lambda: json.dumps(content(datetime=None)), "no run of this suite: TypeError"),
    "no benchmarks": (lambda: json.dumps(content(benchmarks=[])), "holds no benchmark; name whole runs"),
    "no samples": (without("stats", "data"), f"{NAME} has no samples, options or calibration; measure it again"),
    "no options": (without("options"), f"{NAME} has no samples, options or calibration; measure it again"),
    "no calibration": (without("extra_info", "calibration"), f"{NAME} has no samples, options or calibration; measure"),
    "no stats": (
        lambda: json.dumps(content({"name": NAME})),
        f"{NAME} has no samples, options or calibration; measure",
    ),
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


def test_changed_files_are_of_no_commit(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(content(commit_info={"id": "c0ffee", "dirty": True})))
    loaded = load(tmp_path / "run.json")
    assert (loaded.version, base_commit([loaded])) == ("c0ffee, with changes", None)


def test_runs_have_a_commit_to_confirm_with_where_all_are_of_one():
    assert base_commit([run(commit="a"), run(commit="a")]) == "a"
    assert base_commit([run(commit="a"), run(commit="b")]) is None
    assert base_commit([run(commit="a"), run(commit=None)]) is None
    assert base_commit([run(commit=None)] * 2) is None
    assert base_commit([run(commit="a", is_changed=True)] * 2) is None


VERSIONS = {
    "two commits": ({"commit": "deadbee"}, "deadbee"),
    "changes among none": ({"is_changed": True}, "c0ffee, with changes"),
    "no commit": ({"commit": None}, "no commit"),
}


@pytest.mark.parametrize("kind", VERSIONS)
def test_a_side_of_more_than_one_version_is_refused_with_files_and_commits(kind):
    more, words = VERSIONS[kind]
    mixed = [run(number=1), run(number=2), run(number=9, **more)]
    words = f"its runs are of more than one version: c0ffee in run-1.json, run-2.json; {words} in run-9.json"
    assert refusals(mixed, runs()) == [f"base: {words}"]
    assert refusals(runs(), mixed) == [f"head: {words}"]


def test_a_side_is_one_version_where_all_its_runs_have_changes():
    assert refusals(runs(), [run(is_changed=True), run(is_changed=True)]) == []
    assert refusals([run(commit="a")], [run(commit="b")]) == []


def test_a_run_counts_once_under_whatever_name():
    first, there = run(number=1), {**MACHINE, "node": "there"}
    copied = replace(first, file="copy.json")
    baseline.check_distinct([*runs(), first, *runs()])
    baseline.check_distinct([first, replace(first, file="there.json", machine=there)])
    with pytest.raises(SavedError, match=r"^run-1.json and copy.json hold the same run, of 2026-\S+; name "):
        baseline.check_distinct([first, *runs(), copied])


# What may not differ

OTHER = {
    "system": ("Minix", "system: Linux and Minix"),
    "release": ("6.2", "system's release: 6.1 and 6.2"),
    "machine": ("arm64", "architecture: x86_64 and arm64"),
    "python_implementation": ("PyPy", "Python: CPython and PyPy"),
    "python_version": ("3.12.1", "Python's version: 3.11.7 and 3.12.1"),
    "simd_flags": (["avx2", "fma"], "instruction sets: ['avx2'] and ['avx2', 'fma']"),
    "cores": (8, "cores: 4 and 8"),
    "cores_usable": (4, "usable cores: 2 and 4"),
    "quota": (1.5, "quota of cores: None and 1.5"),
    "governor": ("powersave", "governor: None and powersave"),
    "gpus": (["H100"], "GPUs: [] and ['H100']"),
    "versions": ({"onnxruntime": "1.33.0", "chromium": "153"}, "versions: onnxruntime 1.32.0 and 1.33.0"),
    "suite": ("ba9876543210", "suite: 0123456789ab and ba9876543210"),
}
PROCESSORS = {
    "brand_raw": ("Abacus 10", "processor: Abacus 9 and Abacus 10"),
    "family": (7, "processor's family: 6 and 7"),
    "model": (10, "processor's model: 9 and 10"),
    "count": (2, "processor's count: 4 and 2"),
}


def test_everything_that_is_in_the_table_is_tried_here():
    assert OTHER.keys() == {*alike.MACHINE, "versions", "suite"}
    assert PROCESSORS.keys() == {*alike.PROCESSOR}


@pytest.mark.parametrize("key", OTHER)
def test_runs_of_another_machine_or_suite_are_refused_with_what_differs(key):
    value, words = OTHER[key]
    other = run(number=9, machine={**MACHINE, key: value})
    for base, head in (([run()] * 5, [run(), other]), ([run(), other], [run()])):
        assert refusals(base, head) == [f"{words}, in run-0.json and run-9.json"]


@pytest.mark.parametrize("key", PROCESSORS)
def test_runs_of_another_processor_are_refused(key):
    value, words = PROCESSORS[key]
    other = run(number=9, machine={**MACHINE, "cpu": {**MACHINE["cpu"], key: value}})
    assert refusals([run()], [other]) == [f"{words}, in run-0.json and run-9.json"]


def test_a_container_may_name_its_node_and_the_processor_may_run_as_fast_as_it_likes():
    other = {**MACHINE, "node": "9f86d081884c", "cpu": {**MACHINE["cpu"], "hz_actual": [2, 0]}}
    assert refusals([run()], [run(machine=other)]) == []


def test_each_difference_is_told_once_and_what_is_not_told_is_one():
    there = {key: value for key, value in {**MACHINE, "cores": 8}.items() if key != "suite"}
    assert refusals([run()] * 2, [run(number=9, machine=there)] * 2) == [
        "cores: 4 and 8, in run-0.json and run-9.json",
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
        ({"model_sha256": "cd"}, "model's SHA-256 ab and cd"),
        ({"data_sha256": "cd"}, "data's SHA-256 cd and not told"),
        ({"inputs": {"input": [8]}}, "inputs {'input': [1, 3, 32, 32]} and {'input': [8]}"),
        ({"software_gpu": True}, "software GPU True and not told"),
        ({"slowdown": {"asked": 20, "obtained": 4.1}}, "slowdown 20 and 4"),
        ({"precision": "int8"}, "precision float32 and int8"),
        ({"calibration": {"workload": "sum", "p10": 1e-3}}, "calibration workload matmul and sum"),
        ({"clock": "sundial", "threads": 2}, "threads 1 and 2; clock perf_counter and sundial"),
    ],
)
def test_a_benchmark_that_did_something_else_in_one_run_is_not_comparable(extra, words):
    for base, head in ((runs(), runs(1.0, **extra)), (runs(), [*runs(), *runs(**extra)[:1]])):
        for can_confirm in (True, False):
            row = verdict_on(base, head, can_confirm)
            assert (row.verdict, row.why, row.effect) == (Verdict.NOT_COMPARABLE, words, None)


def test_a_slowdown_may_be_obtained_not_quite_as_it_was_asked_for():
    assert verdict_on(runs(), runs(slowdown={"asked": 4, "obtained": 3.8})).verdict is Verdict.SAME


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("timer", "sundial", "timer perf_counter and sundial"),
        ("warmup", False, "warmup 50 and False"),
        ("disable_gc", True, "disable gc False and True"),
        ("max_time", 0.1, "max time 0.1 and 1.0"),
        ("min_rounds", 9, "min rounds 5 and 9"),
    ],
)
def test_a_benchmark_that_was_drawn_otherwise_is_not_comparable(option, value, words):
    other = run(result() | {"options": {**OPTIONS, option: value}})
    row = verdict_on(runs(), [*runs(), other])
    assert (row.verdict, row.why) == (Verdict.NOT_COMPARABLE, words)


def test_the_gates_environment_needs_no_pytest():
    words = "import sys; sys.modules.update(pytest=None, pytest_benchmark=None); import benchmarks.gate.compare"
    subprocess.run([sys.executable, "-c", words], cwd=ROOT, check=True)


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
    assert (row.effect.statistic, row.effect.starts) == ("p10", 5)
    if verdict is not Verdict.SAME:
        assert verdict_on(runs(), runs(slower), can_confirm=True).verdict is Verdict.UNDECIDED


def test_a_verdict_on_runs_tells_what_they_doubt_of_themselves():
    doubtful = runs(0.08, trust={"doubts": {"other_programs": "other programs used 1.2 cores"}})
    told, quiet = verdict_on(runs(), doubtful), verdict_on(runs(), runs(0.08))
    assert told.doubts == "5 of 10 results: other programs used 1.2 cores"
    assert replace(told, doubts="") == quiet


def test_runs_whose_samples_are_of_more_or_fewer_inferences_are_compared_in_rows_of_as_many():
    def scattered(iterations):
        inferences = [1e-3 * (1 + step % 7 / 20) for step in range(320)]
        rows = zip(*[iter(inferences)] * iterations, strict=True)
        stats = {"data": [sum(row) / iterations for row in rows], "iterations": iterations}
        return [
            run({**result(calibration={"workload": "matmul", "p10": 1e-3 + number * 1e-6}), "stats": stats})
            for number in range(5)
        ]

    assert verdict_on(scattered(1), scattered(8)).verdict is Verdict.SAME
    assert verdict_on(scattered(8), scattered(1)).verdict is Verdict.SAME


def test_the_value_is_p10_over_the_calibrations():
    measured = run(result(2e-3, calibration={"workload": "matmul", "p10": 4e-3}))
    assert baseline.values([measured]) == {NAME: [pytest.approx(math.log(2e-3 * 1.001 / 4e-3))]}


def test_four_runs_are_too_few():
    row = verdict_on(runs()[:4], runs(0.5))
    assert (row.verdict, row.more_starts) == (Verdict.UNDECIDED, 1)


def test_what_only_one_side_has_is_new_or_missing_also_where_it_is_slower():
    decided = rows(runs(name="f.py::old"), runs(name="f.py::new"), RULES, can_confirm=False)
    assert [(row.name, row.verdict) for row in decided.values()] == [("old", Verdict.MISSING), ("new", Verdict.NEW)]


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
            assert verdict_on(base, head).why == "p10 over calibration is not a number in 1 of 11 runs"


def test_a_run_without_samples_fails():
    empty = result()
    empty["stats"]["data"] = []
    assert verdict_on(runs(), [*runs(), run(empty)]).verdict is Verdict.FAILED
    assert "not a number in 1 of 11 runs" in verdict_on(runs(), [*runs(), run(empty)]).why


# Lockstep has the last word


def starts(slower, scatter=1e-3):
    noise = np.random.default_rng(3).normal(0, scatter, 15)
    return [LogRatio(math.log1p(slower) + step, math.log1p(slower) + step) for step in noise]


def fresh(starts, base=NAME, threads=1, **more):
    """Return what lockstep measured of the suspect."""
    confirmed = {NAME: starts} if starts else {}
    return measurements(Matched([Match(base, NAME)], [], []), confirmed=confirmed, threads={NAME: threads}, **more)


def last_word(measured):
    """Return the verdict on a suspect that lockstep *measured* so."""
    stored = rows(runs(), runs(0.04), RULES, can_confirm=True)
    return confirmed(stored, suspicions(stored, RULES), measured, RULES)[NAME]


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
def test_what_the_runs_make_suspect_is_decided_by_fresh_starts(stored, true, verdict):
    decided = rows(runs(), runs(stored), RULES, can_confirm=True)
    suspected = suspicions(decided, RULES)
    assert [*suspected] == [NAME]
    row = confirmed(decided, suspected, fresh(starts(true)), RULES)[NAME]
    assert (row.verdict, row.name) == (verdict, "test_latency[resnet8-server-cpu-b1]")


def test_what_is_the_same_or_cannot_be_compared_is_no_suspect():
    for head in (runs(0.01), runs(1.0, threads=2), runs(1.0)[:3], runs(1.0, name="other")):
        assert suspicions(rows(runs(), head, RULES, can_confirm=True), RULES) == {}


def test_a_suspect_that_no_fresh_start_measured_does_not_pass():
    for measured in (measurements(), fresh([])):
        row = last_word(measured)
        assert (row.verdict, row.why) == (Verdict.FAILED, "suspected, and no fresh start measured it")


def test_a_suspect_that_fails_in_some_fresh_starts_is_not_judged_on_the_others():
    row = last_word(fresh(starts(0.0)[:3], failures={NAME: ["head: failed: out of memory"] * 7}))
    assert (row.verdict, row.why) == (Verdict.FAILED, "head: failed: out of memory")


def test_a_suspect_that_lockstep_skips_is_not_let_pass_as_missing():
    row = last_word(fresh([], failures={NAME: ["on both sides: no browser"] * 10}))
    assert row.verdict is Verdict.FAILED
    assert row.why == "suspected, and no fresh start measured it: on both sides: no browser"


def test_a_suspect_whose_sides_did_not_do_the_same_in_lockstep_is_not_comparable():
    row = last_word(fresh(starts(0.0), unlike={NAME: "threads 1 and 2"}))
    assert (row.verdict, row.why) == (Verdict.NOT_COMPARABLE, "threads 1 and 2")


@pytest.mark.parametrize(("threads", "verdict"), [(1, Verdict.UNDECIDED), (2, Verdict.NOT_GATED)])
def test_a_suspect_is_told_what_lockstep_tells_of_its_threads(threads, verdict):
    row = last_word(fresh(starts(0.0, scatter=0.2), threads=threads))
    assert row.verdict is verdict


def test_a_suspect_that_lockstep_knows_under_another_name_is_renamed():
    row = last_word(fresh(starts(0.0), base="f.py::old"))
    assert (row.verdict, row.renamed_from) == (Verdict.RENAMED, "old")


# The flow


@pytest.fixture
def against(tmp_path, monkeypatch):
    """Compare runs, by their contents, as the command line would; without any of the head it is measured now."""
    monkeypatch.setattr(compare, "ROOT", tmp_path)

    def compared(base, head):
        files = {}
        for side, contents in {"base": base, "head": head}.items():
            files[side] = [tmp_path / f"{side}-{number}.json" for number in range(len(contents))]
            for file, saved in zip(files[side], contents, strict=True):
                file.write_text(json.dumps(saved))
        return compare.against_saved(Options(baseline=files["base"], head_runs=files["head"]))

    return compared


def test_a_run_that_is_named_on_both_sides_is_an_error_with_both_names(against, tmp_path):
    base = [content() for _ in range(5)]
    with pytest.raises(SavedError, match="hold the same run, of ") as raised:
        against(base, [content(), base[3]])
    assert str(raised.value).startswith(f"{tmp_path / 'base-3.json'} and {tmp_path / 'head-1.json'} ")


def test_a_side_of_two_commits_is_not_comparable(against):
    mixed = [content(), content(commit_info={"id": "deadbee", "dirty": False})]
    outcome = against(mixed, [content()])
    assert (outcome.exit, outcome.rows) == (3, [])
    assert "base: its runs are of more than one version: c0ffee in " in outcome.refusals[0]


def test_a_head_whose_environment_cannot_be_made_is_not_comparable(against, monkeypatch):
    def refused(name, *_):
        raise CheckoutError(f"{name}: `tox run` failed")

    monkeypatch.setattr(checkouts, "working_tree", lambda _: None)
    monkeypatch.setattr(checkouts, "prepare", refused)
    outcome = against([content()] * 5, [])
    assert (outcome.exit, outcome.refusals) == (3, ["head: `tox run` failed"])
