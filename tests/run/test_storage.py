"""Where runs are kept: by machine, unless the user names a storage; pytest-benchmark still finds them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ROOT, clean_environment

from benchmarks import hardware
from benchmarks.results.machine import fingerprint, machine_name

XEON = {"brand_raw": "Intel(R) Xeon(R) CPU @ 2.90GHz", "family": 6, "model": 85}
EPYC = {"brand_raw": "AMD EPYC 7763 64-Core Processor", "family": 25, "model": 1}


@pytest.mark.parametrize(
    ("cpu", "cores", "gpus", "name"),
    [
        (XEON, 2, [], "intel-xeon-2.90ghz-model-6.85-2-cores"),
        (XEON | {"brand_raw": "Intel(R) Xeon(R) Processor"}, 2, [], "intel-xeon-model-6.85-2-cores"),
        (EPYC, 4, [], "amd-epyc-7763-model-25.1-4-cores"),
        ({"brand_raw": "Apple M3 Pro"}, 1, [], "apple-m3-pro-1-core"),
        ({}, 4, ["NVIDIA L4"], "aarch64-4-cores-nvidia-l4"),
        ({"brand_raw": "a/../b"}, 4, [], "a-..-b-4-cores"),
    ],
)
def test_a_machine_is_named_after_what_decides_its_figures(cpu, cores, gpus, name):
    assert machine_name({"cpu": cpu, "machine": "aarch64"}, cores, gpus) == name


def test_what_changes_from_run_to_run_is_not_in_the_name():
    volatile = {"hz_actual_friendly": "2.1 GHz", "hz_advertised_friendly": "2.2 GHz", "count": 64}
    assert machine_name({"cpu": XEON | volatile, "node": "f00d", "release": "6.8"}, 2) == machine_name({"cpu": XEON}, 2)


def test_runs_under_different_quotas_are_kept_apart():
    cpu = {"cpu": XEON, "machine": "x86_64"}
    assert machine_name(cpu, 1, quota=1.5) == "intel-xeon-2.90ghz-model-6.85-1-core-quota-1.5"
    rest = {"cores": 4, "simd_flags": [], "gpus": [], "system": "Linux"}
    info = cpu | rest | {"cores_usable": 1, "python_implementation": "CPython", "python_version": "3.11.7"}
    assert "1 of 4 cores, quota of 1.5 cores, " in fingerprint(info | {"quota": 1.5})
    assert fingerprint(info | {"quota": None}) == fingerprint(info)  # as saved before anybody looked for one


def saved(suite, storage=".benchmarks"):
    return sorted(path.relative_to(suite.folder / storage) for path in (suite.folder / storage).rglob("*.json"))


def test_runs_lie_in_the_machines_folder_and_are_found_there(suite):
    assert suite.run("--benchmark-autosave").ret == 0
    second = suite.run("--benchmark-save=second", "--benchmark-compare=0001")
    second.stdout.fnmatch_lines(["*resnet8-fake-b1]*(0001_*", "results  .benchmarks/*/0002*.json"])
    assert second.ret == 0
    machines, systems, names = zip(*(path.parts for path in saved(suite)), strict=True)
    (machine,) = {*machines}
    assert (len({*systems}), [name[:5] for name in names]) == (1, ["0001_", "0002_"])
    assert f"-{hardware.CORES}-core" in machine
    found = compared(suite, f"--storage=.benchmarks/{machine}", "compare", "0001", "0002")
    assert "resnet8-fake-b1" in found
    assert (found.count("(0001_"), found.count("(0002_")) == (1, 1)


def test_pytest_benchmark_compares_the_run_that_the_last_line_names(suite):
    ended = suite.run("--benchmark-autosave")
    (line,) = [line for line in ended.outlines if line.startswith("compare")]
    (path, _other) = [word for word in line.split() if word.endswith(".json")]
    assert "resnet8-fake-b1" in compared(suite, "compare", path)


def compared(suite, *words):
    program = Path(sys.executable).parent / "pytest-benchmark"
    environment = clean_environment() | {"PYTHONPATH": f"{ROOT}"}  # for the conftest, which pytest-benchmark reads
    ended = subprocess.run(
        [program, *words], cwd=suite.folder, capture_output=True, text=True, check=False, env=environment
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.parametrize("named", ["file://./mine", "mine"])
def test_a_storage_of_the_users_own_is_obeyed(suite, named):
    assert suite.run("--benchmark-autosave", f"--benchmark-storage={named}").ret == 0
    ((system, name),) = [path.parts for path in saved(suite, "mine")]
    assert (system.startswith("Linux-CPython"), name[:5]) == (True, "0001_")
    assert not (suite.folder / ".benchmarks").exists()


def test_another_machines_run_is_not_compared_with(suite):
    assert suite.run("--benchmark-autosave").ret == 0
    (path,) = saved(suite)
    other = suite.folder / ".benchmarks" / "another-machine-64-cores" / path.relative_to(path.parts[0])
    other.parent.mkdir(parents=True)
    (suite.folder / ".benchmarks" / path).rename(other)
    assert json.loads(other.read_text())["benchmarks"]
    ended = suite.run("--benchmark-compare")
    ended.stderr.fnmatch_lines(["*Can't compare. No benchmark files in *"])
