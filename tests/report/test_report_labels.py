"""Labels: what sets rows apart is told, what they share is not, and no two are alike."""

from decide_runs_made_up import content, result

from benchmarks.report.rows.labels import labels, run_names
from benchmarks.results import Run, rows_of


def run(tmp_path, *benchmarks, name="run.json", **about):
    return Run.of(content(*benchmarks, **about), tmp_path / name)


def told(*runs):
    return labels(rows_of(runs))


def test_what_all_rows_share_is_not_told(tmp_path):
    rows = [result("latency", "resnet20", name, 0.001, 1) for name in ("server-cpu", "chromium-wasm@4x")]
    assert told(run(tmp_path, *rows)) == ["server-cpu", "chromium-wasm@4x"]


def test_model_batch_caches_and_phase_are_told_where_they_differ(tmp_path):
    rows = [
        result("latency", "resnet20", "server-cpu", 0.001, 1),
        result("latency", "resnet8", "server-cpu", 0.001, 8, batch_size=8),
        result("load", "resnet8", "chromium-wasm", 0.3, "cold"),
    ]
    assert told(run(tmp_path, *rows)) == [
        "server-cpu, resnet20, batch 1, latency",
        "server-cpu, resnet8, batch 8, latency",
        "chromium-wasm, resnet8, batch 1, cold, load",
    ]


def test_machines_are_told_apart_and_two_runs_of_one_by_their_run(tmp_path):
    same = result("latency", "resnet20", "server-cpu", 0.001, 1)
    before, after = (run(tmp_path, same, name=f"{name}.json") for name in ("before", "after"))
    other = run(tmp_path, same, name="other.json", machine="Ryzen")
    assert told(before, after) == ["server-cpu, before", "server-cpu, after"]
    assert told(before, after, other) == [
        "server-cpu, Xeon, 2 cores, before",
        "server-cpu, Xeon, 2 cores, after",
        "server-cpu, Ryzen, 2 cores",
    ]


def test_two_files_of_one_models_name_are_told_apart(tmp_path):
    rows = [result("latency", "own.onnx", "server-cpu", 0.001, 1, model_sha256=digest * 20) for digest in "ab"]
    first, second = (run(tmp_path, row, name=name) for row, name in zip(rows, ("a.json", "b.json"), strict=True))
    assert told(first, second) == ["server-cpu, file aaaaaaaa", "server-cpu, file bbbbbbbb"]


def test_no_two_labels_are_alike_also_where_files_and_moments_are(tmp_path):
    same = result("latency", "resnet20", "server-cpu", 0.001, 1)
    runs = [run(tmp_path / folder, same) for folder in ("a", "b")]
    assert len({*told(*runs)}) == 2
    assert run_names([runs[0], Run.of(content(same), runs[0].file)]) == ["run 1", "run 2"]
    unnamed = [{"name": name, "stats": {"median": 1.0}} for name in ("test_a", "test_b")]
    plain = Run.of({"machine_info": {}, "datetime": "2026-11-26", "benchmarks": unnamed}, tmp_path / "plain.json")
    assert told(plain) == ["test_a", "test_b"]
