"""The tables are made of a saved run, of the current schema and of the first."""

import json
import sys

import pytest

from benchmarks.figures import tables
from benchmarks.results import Result

RATIO = {"statistic": "p10", "value": 2.5, "ours": 2e-3, "theirs": 8e-4, "pairs": 9}
INTERVAL = {"low": 2.4, "high": 2.6, "confidence": 0.95}


def benchmark(test, platform, median, batch_size=1, caches="process", **info):
    params = {"model": "resnet8", "platform": platform, "batch_size": batch_size, "caches": caches}
    name = f"test_{test}[resnet8-{platform}-b{batch_size}{'' if caches == 'process' else f'-{caches}'}]"
    stats = {"median": median, "mean": 2 * median}
    return {"name": name, "fullname": f"x.py::{name}", "params": params, "stats": stats, "extra_info": info}


LOADED = {"fetched_bytes": 14_700_000}


@pytest.fixture(params=[1, 2], ids=["schema 1", "schema 2"])
def saved(request, tmp_path):
    benchmarks = [
        benchmark("latency", "server-cpu", 8e-4),
        benchmark("latency", "chromium-wasm", 2e-3, ratio_to_server_cpu=RATIO | INTERVAL),
        benchmark("latency", "chromium-wasm", 16e-3, batch_size=8, ratio_to_server_cpu=RATIO),
        benchmark("latency", "chromium-wasm@4x", 4e-3, slowdown={"asked": 4, "obtained": 4.1}),
        benchmark("latency", "chromium-webgpu", 9.0, software_gpu=True),
        benchmark("device", "server-cuda", 5e-4, trust={"doubts": {"drift": "drifted by -30%"}}),
        benchmark("device", "server-cuda", 7e-4, batch_size=8),
        benchmark("load", "chromium-wasm", 0.3, caches="cold", **LOADED if request.param == 1 else {"details": LOADED}),
        benchmark("load", "chromium-wasm", 0.2, caches="warm"),
        benchmark("memory", "chromium-wasm", 0.5, caches="cold", memory_before=95_000_000, memory_peak=204_300_000),
    ]
    run = {"exit_status": 0, "datetime": "2026-08-01T00:00:00", "machine_info": {}, "benchmarks": benchmarks}
    file = tmp_path / "run.json"
    file.write_text(json.dumps(run | ({"schema": 2} if request.param == 2 else {})))
    return file


def rows(table):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "---" not in line]


def test_a_saved_run_becomes_a_table_for_each_phase(saved, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tables", f"{saved}"])
    tables.main()
    overview, study, latency, device, opening = map(rows, capsys.readouterr().out.split("\n\n"))
    assert overview[1:] == [
        ["`server-cpu`", "0.800 ms", "–", "–", "–", "–", "–"],
        ["`chromium-wasm`", "2.00 ms", "2.50 (2.40 to 2.60)", "2.50", "300 ms", "–", "204.3 MB"],
        ["`chromium-wasm@4x`", "8.00 ms", "–", "–", "–", "–", "–"],  # a mean, of a client that a quota stops
    ]
    assert study == [
        ["model", "`server-cpu`", "`chromium-wasm`", "`chromium-wasm@4x`"],
        ["`resnet8`", "0.800 ms", "2.00 ms", "8.00 ms"],
    ]
    assert device[1:] == [["`resnet8`", "`server-cuda`", "0.500 ms (!)", "0.700 ms"]]  # the mark of a doubt
    assert latency[3][2:] == ["8.00 ms", "–", "–", "–"]
    assert not [row for row in (*overview, *latency) if "`chromium-webgpu`" in row]  # no GPU's speed
    assert opening[1:] == [
        ["`resnet8`", "`chromium-wasm`", "cold", "300 ms", "14.7 MB", "14.7 MB", "–", "–", "95.0 MB", "204.3 MB", "–"],
        ["`resnet8`", "`chromium-wasm`", "warm", "200 ms", *["–"] * 7],
    ]


def test_networks_that_are_only_timed_have_a_table_of_their_own(saved, monkeypatch, capsys):
    size = {"untrained": True, "model_bytes": 13_979_593, "multiply_adds": 300_774_272, "top1": None}
    timed = [
        benchmark("latency", "server-cpu", 8e-3, parity=6e-7, **size),
        benchmark("latency", "chromium-webnn", 2e-2, parity=2.4e-6, ratio_to_server_cpu=RATIO | INTERVAL, **size),
    ]
    for result in timed:
        result["params"]["model"], result["fullname"] = "mobilenet-v2", f"untrained {result['fullname']}"
    content = json.loads(saved.read_text())
    for benchmarks, tables_there in (([*timed, *content["benchmarks"]], 6), (timed, 1)):
        saved.write_text(json.dumps(content | {"benchmarks": benchmarks}))
        monkeypatch.setattr(sys, "argv", ["tables", f"{saved}"])
        tables.main()
        *others, last = capsys.readouterr().out.split("\n\n")
        assert len(others) == tables_there - 1
        assert "mobilenet" not in "".join(others)
        assert rows(last) == [
            ["untrained network", "batch", "file", "multiply-adds", "parity", "`server-cpu`", "`chromium-webnn`"],
            ["`mobilenet-v2`", "1", "14.0 MB", "301 M", "2e-06", "8.00 ms", "20.0 ms, × 2.50 (2.40 to 2.60)"],
        ]


def test_what_froze_has_a_table_whoever_trained_it(saved, monkeypatch, capsys):
    run = json.loads(saved.read_text())
    frozen = {"window": 2.0, "inferences": 6, "longest_task": 0.4, "total_blocking_time": 1.58, "frames": 12}
    frozen |= {"frames_missed": 108, "frames_at_rest": 60.0}
    told = {"blocking": frozen, "longest_task": {"value": 0.32, "starts": 5}}
    run["benchmarks"] = [
        benchmark("blocking", "chromium-wasm", 0.3, untrained=True, **told),
        benchmark("blocking", "chromium-webgpu", 0.3, software_gpu=True, **told),
    ]
    saved.write_text(json.dumps(run))
    monkeypatch.setattr(sys, "argv", ["tables", f"{saved}"])
    tables.main()
    assert rows(capsys.readouterr().out.strip())[1:] == [
        ["`resnet8`", "`chromium-wasm`", "1", "320 ms", "79%", "108 of 120", "300 ms"]
    ]


def test_what_takes_more_memory_than_its_budget_is_marked():
    told = {"memory_peak": 425_200_000, "memory_over_start": 345_100_000, "memory_budget": 200_000_000}
    opened = [
        benchmark("load", name, 0.3, caches="cold", details=LOADED) for name in ("chromium-wasm", "chromium-tfjs")
    ]
    within = benchmark("memory", "chromium-tfjs", 0.5, caches="cold", **told | {"memory_over_start": 1_000_000})
    over = benchmark("memory", "chromium-wasm", 0.5, caches="cold", **told, over_budget=True)
    table = rows(tables.opening_table([Result.of(saved) for saved in (*opened, over, within)]))
    peaks = [row[table[0].index("peak")] for row in table[1:]]
    assert peaks == ["425.2 MB (345.1 MB over its start, more than 200.0 MB)", "425.2 MB"]


def test_what_is_no_run_is_refused(tmp_path, monkeypatch):
    (file := tmp_path / "other.json").write_text("{}")
    monkeypatch.setattr(sys, "argv", ["tables", f"{file}"])
    with pytest.raises(SystemExit, match="no run of this suite"):
        tables.main()


def test_a_small_ratio_keeps_two_digits():
    assert [tables.times(value) for value in (2.504, 0.104, 0.0904, 0.00123)] == ["2.50", "0.10", "0.090", "0.0012"]


def test_a_run_that_ended_badly_is_shown_and_said(saved, monkeypatch, capsys):
    content = json.loads(saved.read_text())
    content["exit_status"] = 2
    saved.write_text(json.dumps(content))
    monkeypatch.setattr(sys, "argv", ["tables", f"{saved}"])
    tables.main()
    told = capsys.readouterr()
    assert "`server-cpu`" in told.out
    assert f"{saved}: " in told.err
    assert "what it has is shown" in told.err
