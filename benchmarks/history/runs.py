"""The runs that pytest-benchmark's storage holds: when, of what commit, on what machine, and what was found."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

Result = dict[str, Any]  # a benchmark as pytest-benchmark stores it


@dataclass(frozen=True)
class Run:
    """A run that went to its end."""

    file: str  # in the storage
    machine: str  # the storage's folder that it lies in, which benchmarks/storage.py names after the machine
    fingerprint: str  # what of the machine decides the figures: runs that differ in it share no series
    commit: str  # shortened, and ``+`` where files were changed since
    time: datetime  # of the commit; of the run where the commit has none
    started: datetime
    circumstances: Mapping[str, str]  # what may explain a step: versions, kernel, governor
    results: Sequence[Result]

    @property
    def day(self) -> str:
        """The day of the commit."""
        return self.time.strftime("%Y-%m-%d")


@dataclass(frozen=True)
class LeftOut:
    """What is in no series, and why."""

    what: str
    why: str


def read(storage: Path) -> tuple[list[Run], list[LeftOut]]:
    """Return all whole runs under *storage* in the order of their commits, and what was left out."""
    runs, left_out = [], []
    for path in sorted(storage.rglob("*.json")):
        try:
            runs.append(run_of(json.loads(path.read_bytes()), path.relative_to(storage)))
        except UnfitError as error:
            left_out.append(LeftOut(f"{path.relative_to(storage)}", str(error)))
        except (ValueError, KeyError, TypeError) as error:
            why = f"not a run of this suite ({type(error).__name__}: {error})"
            left_out.append(LeftOut(f"{path.relative_to(storage)}", why))
    return sorted(runs, key=lambda run: (run.time, run.started)), left_out


class UnfitError(Exception):
    """A run that must not be in a series."""


def run_of(saved: dict[str, Any], file: Path) -> Run:
    """Read pytest-benchmark's JSON, stored in *file*; raise UnfitError for what is no whole run."""
    if saved["exit_status"] != 0:
        raise UnfitError(f"the run did not end well: pytest's exit code was {saved['exit_status']}")
    if not saved["benchmarks"]:
        raise UnfitError("the run has no benchmarks")
    commit, machine = saved["commit_info"], saved["machine_info"]
    started = datetime.fromisoformat(saved["datetime"])
    time = commit["time"] or commit["author_time"]
    return Run(
        file=f"{file}",
        machine=file.parts[0] if len(file.parts) > 1 else "",
        fingerprint=fingerprint(machine),
        commit=f"{commit['id'][:7]}{'+' if commit['dirty'] else ''}",
        time=datetime.fromisoformat(time) if time else started,
        started=started,
        circumstances=circumstances(machine),
        results=saved["benchmarks"],
    )


def fingerprint(machine: Mapping[str, Any]) -> str:
    """Return in words what of a machine decides the figures."""
    cpu, python = machine["cpu"], machine["python_version"].rsplit(".", 1)[0]
    model = [f"model {cpu['family']}.{cpu['model']}"] if {"family", "model"} <= cpu.keys() else []
    words = [
        cpu.get("brand_raw") or machine["machine"],
        *model,
        f"{machine['cores_usable']} of {machine['cores']} cores",
        " ".join(machine["simd_flags"]),
        *(gpu["name"] for gpu in machine["gpus"]),
        f"{machine['system']} {machine['machine']}",
        f"{machine['python_implementation']} {python}",
    ]
    return ", ".join(word for word in words if word)


def circumstances(machine: Mapping[str, Any]) -> dict[str, str]:
    """Return what may change on a machine without its being another."""
    drivers = {f"driver of {gpu['name']}": gpu["driver"] for gpu in machine["gpus"]}
    own = {"Python": machine["python_version"], "kernel": machine["release"], "governor": f"{machine['governor']}"}
    return {**own, **drivers, **machine["versions"]}
