"""The main job's own command on the real platforms, shortened."""

import json
import subprocess
import sys

import pytest
from helpers import ROOT, clean_environment

from benchmarks.platforms import DEFAULT_SWEEP
from browser_harness.processes import USABLE
from models import manifest

# What a platform's results must say of it: clock, provider, and more; a new one of the default sweep adds its own.
PROVEN = {
    "server-cpu": ("time.perf_counter", "CPUExecutionProvider", {"spinning": False}),
    "chromium-wasm": ("performance.now", "wasm", {"cross_origin_isolated": True, "simd": True}),
    "chromium-tfjs": ("performance.now", "wasm", {"cross_origin_isolated": True, "backend": "wasm"}),
    "chromium-litert": ("performance.now", "wasm", {"cross_origin_isolated": True, "build": "litert_wasm_internal"}),
    "chromium-webnn": ("performance.now", "webnn", {"cross_origin_isolated": True}),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    options = [
        "--model=resnet8",
        "--batch-size=8",
        "--benchmark-max-time=0.5",
        "--benchmark-autosave",
        f"--benchmark-storage=file://{folder}",
    ]
    command = [sys.executable, "-m", "pytest", "benchmarks/", "--benchmark-only", "-p", "no:cacheprovider", *options]
    result = subprocess.run(command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    (saved,) = folder.rglob("*.json")
    return result.stdout, json.loads(saved.read_text())


def test_every_platform_has_its_samples_and_its_identity(run):
    _, saved = run
    assert [benchmark["params"]["platform"] for benchmark in saved["benchmarks"]] == [*DEFAULT_SWEEP]
    for benchmark in saved["benchmarks"]:
        info, stats = benchmark["extra_info"], benchmark["stats"]
        assert benchmark["param"] == f"resnet8-{benchmark['params']['platform']}-b8"
        clock, provider, details = PROVEN[benchmark["params"]["platform"]]
        assert (info["clock"], info["execution_provider"]) == (clock, provider)
        assert details.items() <= info["details"].items()
        assert benchmark["options"]["timer"] == info["clock"]
        assert len(stats["data"]) == stats["rounds"] >= 5
        assert sum(stats["data"]) >= 0.5
        assert info["model_sha256"] == manifest.load("resnet8").row["sha256"]
        is_webnn = benchmark["params"]["platform"] == "chromium-webnn"
        assert (info["threads"], info["batch_size"]) == (None if is_webnn else 1, 8)
        assert all((core is None) == (is_webnn or not USABLE) for core in info["cores"])
        assert len(info["cores"]) == 5
        assert 0 < info["warmup_rounds"] <= 5 * 200
        assert [sum(start) > 0 for start in info["starts"]] == [True] * 5
        assert sum(map(sum, info["starts"])) == stats["rounds"]
        for figure in info["figures"].values():
            assert figure["low"] < figure["value"] < figure["high"]
            assert figure["starts"] == 5
        assert 0 <= info["parity"] < 1e-5
        if sys.platform.startswith("linux"):
            assert is_webnn or 0.02 < info["trust"]["computing_share"] < 1.5
            assert info["trust"]["other_programs"] >= 0
        if benchmark["params"]["platform"] != "server-cpu":
            ratio = info["ratio_to_server_cpu"]
            assert 0 < ratio["low"] < ratio["value"] < ratio["high"]
            assert 0.3 < ratio["value"] < 100
            assert ratio["starts"] == len(info["partner"]) == 5
            assert info["details"]["fetched_bytes"] > 1e6


def test_a_whole_run_says_so(run):
    assert run[1]["exit_status"] == 0


def test_versions_of_all_that_takes_part_are_recorded(run):
    versions = run[1]["machine_info"]["versions"]
    assert {"onnxruntime", "onnxruntime-web", "playwright", "chromium", "chromium_source"} <= versions.keys()


def test_the_last_lines_say_where_the_results_lie_and_how_to_compare_them(run):
    *_, results, compare, _ = run[0].rstrip().splitlines()
    assert any(line.startswith("trust    ") for line in run[0].splitlines())
    assert results.startswith("results  ")
    assert results.endswith(".json")
    assert compare.startswith("compare  ")
    assert "-m benchmarks.compare " in compare
