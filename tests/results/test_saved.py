"""A saved run is read once and for all: any schema so far, whole or not, and nothing that is none."""

import copy
import json
import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.measuring.ratio import STATISTICS, Ratio
from benchmarks.measuring.starts import Figure
from benchmarks.results import NotARunError, Result, Run, alike, keys, load
from benchmarks.results.machine import circumstances, fingerprint
from benchmarks.results.saved import Commit, Fault, SchemaError, WitnessTimes, in_rows_alike, short

SCHEMA_1 = Path(__file__).with_name("schema-1.json")  # written by 3f827d8; some of its benchmarks failed, as by name
OLD = json.loads(SCHEMA_1.read_text())
SCHEMA_2 = Path(__file__).with_name("schema-2.json")  # written by c76c85d: each benchmark drew from one start


@pytest.fixture
def old():
    """Return the results of the old run by the ids of their cases."""
    return {short(result.fullname): result for result in load(SCHEMA_1).results}


RATIO = {"statistic": "p10", "value": 2.0, "ours": 2.0, "theirs": 1.0, "pairs": 2}


def result(info=(), **stats):
    """Return a result of the current schema."""
    return Result.of({"fullname": "a.py::a", "name": "a", "params": {}, "stats": stats, "extra_info": dict(info)})


# An old run


def test_an_old_run_has_the_schema_that_nobody_wrote_down():
    run = load(SCHEMA_1)
    assert (run.file, run.schema, run.exit_status, run.faults) == (SCHEMA_1, 1, 1, [Fault.ENDED_BADLY])
    assert run.commit == Commit("3f827d85300d8b7051586d60bb75e098bfd7f049", False, "2026-11-25T04:39:05+00:00")
    assert run.versions["onnxruntime"] == "1.32.0"
    assert [*run.by_name] == [benchmark["fullname"] for benchmark in OLD["benchmarks"]]


def test_no_sample_of_an_old_run_is_lost(old):
    for benchmark in OLD["benchmarks"]:
        assert old[benchmark["name"]].samples == benchmark["stats"]["data"]
        assert old[benchmark["name"]].seconds("median") == benchmark["stats"]["median"]


def test_what_a_platform_told_of_itself_is_apart_from_the_rest(old):
    page = old["test_load[resnet8-chromium-tfjs@2x-b1-warm]"].info
    told = {"backend", "code_cache", "cross_origin_isolated", "fetched", "fetched_bytes", "load_parts", "simd"}
    assert page[keys.DETAILS].keys() == told | {"fetched_wire_bytes"}
    assert not told & page.keys()
    assert old["test_latency[resnet8-server-cpu-b1]"].info[keys.DETAILS] == {"spinning": False}


@pytest.mark.parametrize(("model", "precision"), [("resnet8", "float32"), ("resnet8.int8", "int8")])
def test_openvinos_own_precision_no_longer_hides_the_models(old, model, precision):
    openvino = old[f"test_latency[{model}-server-openvino-b1]"]
    assert openvino.info[keys.PRECISION] == precision
    assert openvino.info[keys.DETAILS] == {"precision": "f32", "shapes": "static"}
    assert old[f"test_latency[{model}-server-cpu-b1]"].info[keys.PRECISION] == precision


def test_the_hidden_precision_of_a_users_own_file_is_not_made_up():
    info = {"precision": "f32", "execution_provider": "OpenVINO CPU", "own": True}
    openvino = Result.of({"name": "a", "stats": {}, "params": {"model": "a.int8.onnx"}, "extra_info": info})
    assert keys.PRECISION not in openvino.info
    assert openvino.info[keys.DETAILS] == {"precision": "f32"}


def test_a_weak_client_and_a_simulated_gpu_of_an_old_run_are_known(old):
    weak, software = (old[f"test_latency[resnet8-{name}-b1]"] for name in ("chromium-tfjs@2x", "server-webgpu"))
    assert (weak.statistic, weak.headline, weak.is_software) == ("mean", "mean", False)
    assert weak.info[keys.SLOWDOWN] == {"asked": 2}
    assert (software.statistic, software.headline, software.is_software) == ("p10", "median", True)


def test_a_gpu_that_an_old_run_called_real_is_as_one_of_which_nothing_is_said():
    assert keys.SOFTWARE_GPU not in result({"software_gpu": False}).info


def test_ratio_doubts_and_witness_of_an_old_run_are_read(old):
    weak = old["test_latency[resnet8-chromium-tfjs@2x-b1]"]
    saved = next(one for one in OLD["benchmarks"] if one["name"] == weak.name)["extra_info"]
    assert weak.ratios["server_cpu"].to_json() == saved["ratio_to_server_cpu"] | {"starts": 1}
    assert weak.doubts == saved["trust"]["doubts"]
    assert weak.witness == WitnessTimes(saved["calibration"]["workload"], saved["calibration"]["p10"])
    assert weak.threads == 1
    assert weak.is_complete


def test_what_is_current_is_read_as_it_is():
    info = {"precision": "float32", "statistic": "p10", "details": {"precision": "f32", "simd": True}}
    assert result(info).info == info
    assert result(result({"simd": True, "slowdown": {"asked": 4}}).info).info == {
        "slowdown": {"asked": 4},
        "statistic": "mean",
        "details": {"simd": True},
    }


def test_files_that_an_old_run_fetched_were_sent_as_they_are():
    new = {"wire": 2, "decoded": 7, "encoding": "br", "level": 10}
    old = {"fetched": {"/a": 5, "/b": new}, "fetched_bytes": 12}
    as_it_was = {"wire": 5, "decoded": 5, "encoding": None, "level": None}
    told = {"fetched": {"/a": as_it_was, "/b": new}, "fetched_bytes": 12, "fetched_wire_bytes": 12}
    assert result({"details": old}).info["details"] == result({"details": told}).info["details"] == told
    assert result({"details": told | {"fetched_wire_bytes": 7}}).info["details"]["fetched_wire_bytes"] == 7


def test_a_precision_that_is_not_told_is_no_difference():
    current = {"precision": "float32", "threads": 1}
    info = {"precision": "f32", "execution_provider": "OpenVINO CPU", "own": True, "threads": 1}
    before, now = (alike.in_force(result(own)) for own in (info, info | current))
    assert [*alike.differences(before, now)] == [*alike.differences(now, before)] == []
    other = alike.in_force(result(info | current | {"threads": 2, "precision": "int8"}))
    assert [*alike.differences(now, other)] == [("precision", "float32", "int8"), ("threads", 1, 2)]


# Starts


def test_a_run_of_one_start_is_read_as_such():
    for file, schema in ((SCHEMA_1, 1), (SCHEMA_2, 2)):
        run = load(file)
        assert run.schema == schema
        for one in run.results:
            is_opened = "caches" in one.info  # anew for each sample
            assert one.is_of_one_start is not is_opened
            assert one.starts == ([[[sample]] for sample in one.samples] if is_opened else [[list(one.samples)]])
            assert one.odd_starts == []
            for name in ("median", "p10", "mean"):
                assert one.figure(name) == Figure(STATISTICS[name](np.array(one.samples)), 1)
                assert one.figure(name).margin is None


def test_the_interval_of_blocks_of_one_page_is_kept_but_the_ratio_is_told_to_be_of_one():
    server, page = load(SCHEMA_2).results
    ratio = page.ratios["server_cpu"]
    assert (ratio.starts, ratio.pairs, ratio.confidence) == (1, 6, 0.95)
    assert ratio.low < ratio.value < ratio.high
    assert (server.ratios, server.surrounding, page.surrounding) == ({}, "start", "start")
    assert server.info[keys.DETAILS] == {"spinning": False}
    assert page.doubts["block_variation"] == "medians vary by 14%"


FIGURES = {"median": {"value": 2.5, "starts": 3, "low": 2.0, "high": 3.0, "confidence": 0.95}}
STARTS = {"starts": [[2, 1], [1], [2]], "surrounding": "page", "figures": FIGURES}
TRUST = {"trust": {"odd_starts": {"2": 2.9}, "doubts": {}}}


def test_the_samples_of_each_block_are_told_apart_by_their_start():
    found = result(STARTS | TRUST, data=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert found.starts == [[[1.0, 2.0], [3.0]], [[4.0]], [[5.0, 6.0]]]
    assert (found.is_of_one_start, found.surrounding, found.odd_starts) == (False, "page", [2.9])


def test_a_figure_of_several_starts_is_read_with_its_interval():
    found = result(STARTS, data=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert found.figure("median") == Figure(2.5, 3, 2.0, 3.0, 0.95)
    assert (found.seconds("median"), found.figure("median").margin) == (2.5, pytest.approx(0.2))
    assert found.figure("mean") == Figure(3.5, 1)  # which was not saved
    (ratio,) = result({"ratio_to_server_cpu": RATIO | {"starts": 5, "low": 1.9, "high": 2.1}}).ratios.values()
    assert (ratio.starts, ratio.margin) == (5, pytest.approx(0.05))


def test_turns_of_a_gate_until_schema_2_are_blocks_of_one_start():
    found = result({"turns": [2, 1]}, data=[1.0, 2.0, 3.0])
    assert found.starts == [[[1.0, 2.0], [3.0]]]
    assert found.is_of_one_start
    assert "turns" not in found.info


def test_runs_of_another_number_of_starts_are_not_alike():
    samples = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    before, now, same = (result(info, data=samples) for info in ({}, STARTS, {"starts": [[1, 3], [1], [1]]}))
    assert [*alike.differences(alike.of_benchmark(before), alike.of_benchmark(now))] == [("pages or processes", 1, 3)]
    assert [*alike.differences(alike.of_benchmark(now), alike.of_benchmark(same))] == []  # blocks may differ
    assert [*alike.differences(alike.in_force(before), alike.in_force(now))] == []  # side by side the gate sees to it


# Statistics


def test_a_statistic_is_of_the_samples_or_as_it_was_saved_or_none():
    assert result(data=[3.0, 1.0, 2.0], mean=9.0).seconds("mean") == 2.0
    assert result(mean=9.0).seconds("mean") == 9.0
    assert result({"p10": 0.5}).seconds("p10") == 0.5
    assert math.isnan(result().seconds("p10"))
    assert result().samples == ()


def test_a_ratio_without_an_interval_has_none():
    assert result({"ratio_to_one_thread": RATIO}).ratios == {"one_thread": Ratio("p10", 2.0, 2.0, 1.0, 2)}


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_what_is_no_time_is_named(value):
    assert result(min=1.0, mean=value).impossible(["min", "mean"]) == ["mean"]


# Files that are none


def altered(tmp_path, **changes):
    content = {**copy.deepcopy(OLD), **changes}
    path = tmp_path / "run.json"
    path.write_text(json.dumps({name: value for name, value in content.items() if value is not ...}))
    return path


@pytest.mark.parametrize("missing", ["exit_status", "benchmarks", "machine_info", "datetime"])
def test_a_file_that_lacks_something_is_no_run_and_says_what(tmp_path, missing):
    path = altered(tmp_path, **{missing: ...})
    with pytest.raises(NotARunError, match=f"run.json: no run of this suite: KeyError '{missing}'"):
        load(path)


@pytest.mark.parametrize(
    ("text", "words"), [("", "JSONDecodeError"), ("[]", "TypeError"), ("3", "TypeError"), ('"a"', "TypeError")]
)
def test_what_is_no_json_of_a_run_is_none(tmp_path, text, words):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(NotARunError, match=words) as raised:
        load(tmp_path / "run.json")
    assert type(raised.value.cause).__name__ == words


def test_a_benchmark_without_a_name_is_none(tmp_path):
    with pytest.raises(NotARunError, match="KeyError 'name'"):
        load(altered(tmp_path, benchmarks=[{}]))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"machine_info": None}, "its machine_info is null, not names and values"),
        ({"benchmarks": [{"name": "a", "stats": None}]}, "a: its stats is null, not names and values"),
        ({"benchmarks": [{"name": "a", "extra_info": [1]}]}, r"a: its extra_info is \[1\], not names and values"),
        ({"benchmarks": [{"name": "a", "stats": {"data": [1.0, None]}}]}, "a: a sample is null, not a number"),
        ({"benchmarks": [{"name": "a", "stats": {"iterations": 0}}]}, "a: its iterations is 0, not a number from 1 on"),
        ({"benchmarks": [{"name": "a"}, {"name": "a"}]}, "it holds a 2 times, and one alone would count"),
    ],
)
def test_what_no_run_says_is_shown_with_its_place(tmp_path, changes, words):
    with pytest.raises(NotARunError, match=f"run.json: no run of this suite: DamagedError {words}$"):
        load(altered(tmp_path, **changes))


@pytest.mark.parametrize("value", [None, "fast", True])
def test_what_is_no_number_is_no_time(value):
    assert result(min=1.0, mean=value).impossible(["min", "mean", "max"]) == ["mean", "max"]
    assert math.isnan(result(mean=value).seconds("mean"))


@pytest.mark.parametrize("status", [False, None, "0", 0.0, 3])
def test_only_the_exit_code_0_is_that_of_a_whole_run(tmp_path, status):
    assert load(altered(tmp_path, exit_status=status)).faults == [Fault.ENDED_BADLY]


@pytest.mark.parametrize("name", ["unknown", "unversioned"])
def test_a_commit_that_git_did_not_tell_is_none(tmp_path, name):
    assert load(altered(tmp_path, commit_info={"id": name, "dirty": None})).commit == Commit()


def test_a_run_of_a_later_schema_is_refused_with_the_remedy(tmp_path):
    later = keys.SCHEMA_NUMBER + 1
    words = f"SchemaError it is of schema {later}, and this version reads up to {keys.SCHEMA_NUMBER}; update the suite"
    with pytest.raises(NotARunError, match=words) as raised:
        load(altered(tmp_path, schema=later))
    assert isinstance(raised.value.cause, SchemaError)


def test_a_run_that_is_not_whole_is_read_and_says_why(tmp_path):
    assert load(altered(tmp_path, exit_status=0)).faults == []
    assert load(altered(tmp_path, exit_status=2)).faults == [Fault.ENDED_BADLY]
    assert load(altered(tmp_path, exit_status=137)).faults == [Fault.KILLED]
    assert load(altered(tmp_path, exit_status=0, benchmarks=[])).faults == [Fault.EMPTY]
    assert load(altered(tmp_path, benchmarks=[])).faults == [Fault.ENDED_BADLY, Fault.EMPTY]
    assert Run.of({**OLD, "exit_status": None}, SCHEMA_1).faults == [Fault.ENDED_BADLY]  # pytest-benchmark's own


def test_a_run_without_a_commit_has_none(tmp_path):
    assert load(altered(tmp_path, commit_info=...)).commit == Commit()
    assert load(altered(tmp_path, commit_info={"error": "no git"})).commit == Commit()


# The machine


def test_an_old_runs_machine_is_known():
    machine = load(SCHEMA_1).machine
    assert fingerprint(machine).startswith("Intel(R) Xeon(R) Processor, model 6.")
    assert circumstances(machine)["kernel"] == machine["release"]


# Samples of several inferences


def in_rows(seconds, starts, iterations=1, **info):
    return result({keys.STARTS: starts, keys.STATISTIC: "p10", **info}, data=seconds, iterations=iterations)


def test_a_sample_of_an_older_run_is_of_one_inference():
    assert (result(data=[1.0]).iterations, result(data=[1.0], iterations=4).iterations) == (1, 4)


def test_neighbours_of_a_block_are_taken_together_and_what_is_left_over_is_left_out():
    together = in_rows([1.0, 3.0, 5.0, 7.0, 9.0, 2.0, 4.0, 6.0], [[3, 2], [2, 1]]).in_rows_of(2)
    assert together.samples == [2.0, 8.0, 3.0, 6.0]  # a block too short for a row is one
    assert together.starts == [[[2.0], [8.0]], [[3.0], [6.0]]]
    assert (together.iterations, together.stats["rounds"], together.stats["max"]) == (2, 4, 8.0)
    assert together.seconds("median") == pytest.approx(math.sqrt(5.0 * 4.5))  # in the middle of the starts


def test_percentiles_are_of_rows_of_as_many_inferences_in_all_results():
    generator = np.random.default_rng(1)
    inferences = 1 + generator.exponential(0.1, 8000)
    single = in_rows([*inferences], [[8000]])
    rows = in_rows([*inferences.reshape(-1, 8).mean(1)], [[1000]], 8)
    assert rows.seconds("p10") > 1.04 * single.seconds("p10")  # as one and the same platform
    ours, theirs = in_rows_alike([single, rows])
    assert theirs == rows
    for statistic in STATISTICS:
        assert ours.seconds(statistic) == pytest.approx(theirs.seconds(statistic), rel=1e-12)


def test_rows_know_of_the_machine_as_the_samples_did_and_have_no_percentile_of_others():
    seconds = [1.0, 1.0, 1.1, 1.1, 0.9, 0.9]
    seen = {"spread": 0.2, "seen": 0.2, "degrees": 20}
    apart, aware = (in_rows(seconds, [[2], [2], [2]], p95=1.1, **info) for info in ({}, {keys.DRIFT: seen}))
    assert aware.in_rows_of(2).figure("median").margin > 1.5 * apart.in_rows_of(2).figure("median").margin
    assert math.isnan(apart.in_rows_of(2).seconds("p95"))


def test_what_has_no_samples_stays_as_it_is():
    kept = result({keys.FIGURES: {"p10": {"value": 2.0, "starts": 1}}}, median=2.0)
    for same in (kept, in_rows([1.0, 0.0], [[2]]), in_rows([1.0, math.nan], [[2]])):
        assert in_rows_alike([same, in_rows([1.0], [[1]], 2)])[0] is same


def test_samples_of_which_no_number_makes_as_many_stay_as_they_are():
    of_two, of_five = in_rows([1.0, 2.0, 3.0, 4.0], [[4]], 2), in_rows([1.0, 2.0], [[2]], 5)
    assert in_rows_alike([of_two, of_five]) == [of_two, of_five]
