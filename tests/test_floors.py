"""The rooms stand on floors: no import runs upwards, and one room alone reads saved runs."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ROOT, clean_environment

PACKAGES = ("benchmarks", "browser_harness", "models")
NO_CODE = shutil.ignore_patterns("node_modules", "__pycache__", "*.onnx", "*.tflite", "*.bin", "stand-ins", "training")
# Who parses JSON, and of what: saved runs are read in one place.
PARSERS = {
    "benchmarks/results/saved.py": "saved runs",
    "benchmarks/results/fleet.py": "a saved fleet, which is no run of pytest-benchmark",
    "benchmarks/decide/checks.py": "its own answers, for the cells that were checked",
    "benchmarks/run/journal.py": "what a run that was killed has left, to make a saved run of it",
    "benchmarks/run/reporting.py": "what it has just measured, to be drawn as it would be saved",
    "benchmarks/run/lockstep.py": "the other end of a pipe",
    "benchmarks/run/each/arriving.py": "what a machine has measured, as it sends it",
    "benchmarks/run/each/checking.py": "what a machine tells of itself before it measures",
    "benchmarks/figures/fleet/noop.py": "what the server asks of a client",
    "benchmarks/figures/fleet/__main__.py": "its own rows, kept from an earlier call",
    "benchmarks/results/regression.py": "what it has just written, so that values compare as they are saved",
    "benchmarks/loadgen/trial.py": "LoadGen's log",
    "benchmarks/figures/fidelity.py": "a bare loop's samples, from a pipe",
    "benchmarks/figures/shipping/builds.py": "a graph for TensorFlow.js",
    "benchmarks/figures/joined_devices.py": "what a server asks a made-up device",
    "benchmarks/figures/in_worker.py": "its own rows, kept from an earlier call",
    "benchmarks/figures/faults/place.py": "what a run saved that was meant to go wrong",
    "benchmarks/figures/faults/losing.py": "what was saved where saving was meant to fail",
    "benchmarks/platforms/vulkan_devices.py": "what a process that asked Vulkan printed",
    "benchmarks/figures/faults/gates.py": "the gate's own report, and files to damage",
    "benchmarks/figures/gate_proof.py": "the gate's own report",
    "benchmarks/kit/pack.py": "pip's report",
    "benchmarks/kit/parcels.py": "a kit's index",
    "benchmarks/remote/asking.py": "what a server says of itself",
    "benchmarks/remote/connection.py": "what a server says of an error",
    "benchmarks/remote/embedded.py": "what KServe's program says is in force",
    "benchmarks/remote/environment.py": "the stamp of KServe's environment, and what its Python says it has",
    "benchmarks/remote/kserve_server.py": "what the program is asked for",
    "benchmarks/remote/oip.py": "a server's answer",
}
LINT = Path(sys.executable).with_name("lint-imports")


def lint(folder):
    command = [LINT, "--config", ROOT / "pyproject.toml", "--no-cache"]
    return subprocess.run(command, cwd=folder, env=clean_environment(), capture_output=True, text=True, check=False)


def test_no_import_runs_upwards():
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("models/files.py", "import browser_harness", "The suite stands on the harness and the models"),
        ("benchmarks/measuring/ratio.py", "import benchmarks.run.replay", "No room imports from a floor above its own"),
        ("benchmarks/history/runs.py", "import benchmarks.gate.verdicts", "No room imports from a floor above its own"),
        ("benchmarks/results/keys.py", "import pytest", "Gate and history run where neither pytest nor a runtime"),
    ],
)
def test_an_import_that_runs_upwards_is_found(tmp_path, file, line, contract):
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=NO_CODE)
    with (tmp_path / file).open("a") as text:
        text.write(f"\n{line}\n")
    done = lint(tmp_path)
    assert done.returncode == 1
    assert re.search(rf"{re.escape(contract)}.* BROKEN", done.stdout)


def test_a_room_that_stands_on_no_floor_is_found(tmp_path):
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=NO_CODE)
    (tmp_path / "benchmarks" / "attic").mkdir()
    (tmp_path / "benchmarks" / "attic" / "__init__.py").touch()
    done = lint(tmp_path)
    assert (done.returncode, "attic" in done.stdout + done.stderr) == (1, True)


def test_one_place_alone_reads_saved_runs():
    sources = {str(file.relative_to(ROOT)): file.read_text() for file in (ROOT / "benchmarks").rglob("*.py")}
    assert {name for name, text in sources.items() if re.search(r"json\.loads?\(", text)} == PARSERS.keys()
