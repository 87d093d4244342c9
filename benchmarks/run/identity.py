"""Who measured: what the saved JSON says of the machine, the platforms and the model behind a figure."""

import hashlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks import hardware
from benchmarks.measuring.parity import proving_nothing
from benchmarks.measuring.reference import Question
from benchmarks.platforms import PLATFORMS
from benchmarks.protocol import Facts
from benchmarks.results import keys
from benchmarks.results.saved import NO_COMMIT
from benchmarks.settings import Settings, settings_of
from browser_harness import system
from models import manifest
from models.manifest import Artefact, ModelError

ROOT = Path(__file__).parents[2]
MEASURES = (
    "conftest.py",
    "benchmarks/*.py",
    *(
        f"benchmarks/{room}/*.py"
        for room in ("run", "inputs", "measuring", "remote", "loadgen", "platforms", "results")
    ),
    *(f"browser_harness/{room}*.py" for room in ("", "network/", "encoding/", "joined/")),
    *(
        f"browser_harness/{pattern}"
        for pattern in ("*.mjs", "*.js", "*.html", "package.json", "engines/*.mjs", "joined/page/*")
    ),
)
GIT = pytest.StashKey[str]()  # why it cannot be read
LOAD_AT_START = pytest.StashKey[tuple[float, ...] | None]()


def pytest_configure(config: pytest.Config) -> None:
    """Remember how busy the machine was before the benchmarks made it so."""
    config.stash[LOAD_AT_START] = system.load_average()


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """Add what decides the figures: instruction sets, cores, governor, GPUs, load, and the version of all that runs."""
    machine_info |= of_machine(machine_info, settings_of(config), config.stash[LOAD_AT_START])


def machine_here(settings: Settings, load_at_start: tuple[float, ...] | None) -> dict[str, Any]:
    """Return the machine_info of this machine, for what is measured without pytest."""
    from pytest_benchmark.plugin import pytest_benchmark_generate_machine_info

    machine_info: dict[str, Any] = pytest_benchmark_generate_machine_info()
    return machine_info | of_machine(machine_info, settings, load_at_start)


def of_machine(
    machine_info: Mapping[str, Any], settings: Settings, load_at_start: tuple[float, ...] | None
) -> dict[str, Any]:
    """Return what the suite adds to pytest-benchmark's *machine_info*."""
    return {
        "simd_flags": hardware.simd_flags(machine_info["cpu"].get("flags")),
        "cores": os.cpu_count(),
        "cores_usable": hardware.CORES,
        keys.QUOTA: hardware.QUOTA,
        "governor": hardware.governor(),
        "gpus": hardware.gpus(),
        "load_average": {"start": load_at_start, "end": system.load_average()},
        "versions": _versions(settings),
        "suite": suite(),
    }


def pytest_benchmark_compare_machine_info(machine_info: dict[str, Any], compared_benchmark: dict[str, Any]) -> None:
    """Overlook what changes from minute to minute, so that pytest-benchmark warns of another machine only.

    Without a marker this comes before pytest-benchmark's own, which was there before the suite's plugins, and after
    compare_fail's (tryfirst), which reads the saved run as it is.
    """
    saved = compared_benchmark["machine_info"]
    saved["load_average"] = machine_info["load_average"]
    saved.setdefault(keys.QUOTA, None)  # nobody looked for one until 51a147d
    processor = saved.setdefault("cpu", {})
    for name in ("hz_actual", "hz_actual_friendly"):
        processor[name] = machine_info["cpu"].get(name)


def pytest_benchmark_update_commit_info(config: pytest.Config, commit_info: dict[str, Any]) -> None:
    """Where git cannot be read, say so: nobody knows then what was measured, nor that nothing was changed."""
    if "error" in commit_info or commit_info["id"] in NO_COMMIT:
        commit_info["dirty"] = None
        config.stash[GIT] = git_fault() or commit_info.get("error", "the commit has no name")


def git_fault() -> str:
    """Return in git's own words, and with its remedy, why it cannot be read here; nothing where it can."""
    try:
        asked = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    except OSError as error:
        return f"git: {error.strerror}; install it"
    return " ".join(asked.stderr.split()) if asked.returncode else ""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say once that the saved runs tell no commit."""
    if fault := config.stash.get(GIT, ""):
        words = f"the saved run tells no commit, and gate and history refuse it: {fault}"
        terminalreporter.write_line(f"git      {words}")


def pytest_sessionstart() -> None:
    """Refuse a damaged manifest before anything is measured."""
    try:
        manifest.rows()
    except ModelError as error:
        raise pytest.UsageError(str(error)) from error


def suite(root: Path = ROOT) -> str:
    """Return the first digits of the SHA-256 of all that measures: with other code a figure may mean something else."""
    digest = hashlib.sha256()
    files = (file.relative_to(root) for pattern in MEASURES for file in root.glob(pattern))
    for file in sorted(files, key=lambda file: file.parts):  # which is everywhere the same order
        digest.update(f"{file.as_posix()}\0".encode() + (root / file).read_bytes())
    return digest.hexdigest()[:12]


def _versions(settings: Settings) -> dict[str, str]:
    versions: dict[str, str] = {}
    for platform in PLATFORMS.values():
        versions |= platform.versions(settings)
    return versions


def of_question(question: Question, facts: Facts) -> dict[str, Any]:
    """Return what extra_info says of the model behind a figure, of what it was given, and of how it was checked."""
    given = question.fed
    info: dict[str, Any] = {
        keys.BATCH_SIZE: given.batch_size,
        "batch_axes": {**given.batch_axes},
        keys.INPUTS: question.shapes(),
        keys.FED: {**given.sources},
        keys.TOLERANCE: question.tolerance_for(facts),
    }
    info |= {keys.MAY_STEER: [*given.steering]} if given.steering else {}
    info |= {keys.REFERENCE_DIFFERS: dict(question.differs)} if question.differs else {}
    info |= {keys.UNPROVED: unproved} if (unproved := proving_nothing(question.expected)) else {}
    return of_model(question.artefact) | info


def of_model(artefact: Artefact) -> dict[str, Any]:
    """Return what extra_info says of the model behind a figure."""
    row = artefact.row
    info = {
        keys.MODEL_SHA256: row["sha256"],
        "model_bytes": row["bytes"],
        keys.PRECISION: row["precision"],
        "parameters": row["parameters"],
        "own": artefact.is_own,
    }
    if artefact.is_own:
        return info | {keys.DATA_SHA256: row["data_sha256"]}
    info |= {
        "multiply_adds": row["multiply_adds"],
        keys.STAND_IN: artefact.is_stand_in,
        keys.UNTRAINED: artefact.is_untrained,
    }
    if artefact.is_untrained:
        return info | {"training_epochs": 0, keys.TOP1: None}
    return info | {"training_epochs": row["training"]["epochs"], keys.TOP1: row["test"]["top1"]}
