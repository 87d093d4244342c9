"""Faults of the gate and of what it is given."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.figures.faults.place import ROOT, Ended, Place, Seen, Started

GATE = [sys.executable, "-m", "benchmarks.gate"]
LIMITS = "--benchmark-compare-fail=min:900%"


def clone(place: Place, *options: str) -> Path:
    """Clone the last commit into the place."""
    target = place.folder / "clone"
    subprocess.run(["git", "clone", "--quiet", *options, ROOT.as_uri(), target], check=True)
    return target


@contextmanager
def gate_at_work(place: Place, checkout: Path, command: Sequence[str] = (*GATE, "HEAD")) -> Iterator[Started]:
    """Start a gate, and wait until it holds the lock."""
    with place.started(*command, cwd=checkout) as first:
        lock, until = checkout / ".gate" / "lock", time.monotonic() + 30
        while not (lock.exists() and lock.read_text().strip()):
            if first.process.poll() is not None or time.monotonic() > until:
                raise AssertionError(first.out[-300:])
            time.sleep(0.05)
        yield first


def two_gates(place: Place) -> Seen:
    """Start a second gate while one works."""
    checkout = clone(place)
    with gate_at_work(place, checkout) as first:
        second = place.run_beside(*GATE, "HEAD", cwd=checkout)
        is_right = (
            second.code == 5 and f"process {first.process.pid} holds" in second.out and first.process.poll() is None
        )
    return Seen(f"exit {second.code}: {second.telling}", place.left(), is_right)


def a_killed_gate(place: Place) -> Seen:
    """Kill a gate, and start another."""
    checkout = clone(place)
    with gate_at_work(place, checkout) as first:
        first.process.kill()
        first.process.wait()
        words = f"took over the lock of process {first.process.pid}"
        with place.started(*GATE, "HEAD", cwd=checkout) as next_one:
            next_one.wait_for(words, 30)
            told = next(line for line in next_one.out.splitlines() if words in line)
    return Seen(told, place.left(), True)


def many_checkouts(place: Place) -> Seen:
    """Start a gate where earlier ones left seven checkouts."""
    checkout = clone(place)
    folder = checkout / ".gate" / "checkouts"
    for number in range(7):
        (folder / f"{number:040}").mkdir(parents=True)
        (folder / f"{number:040}" / "file").write_bytes(bytes(1_000_000))
    with place.started(*GATE, "HEAD", cwd=checkout) as gate:
        gate.wait_for("removed earlier checkouts", 60)
        told = next(line for line in gate.out.splitlines() if "removed earlier" in line)
        left = [path for path in folder.iterdir() if path.name.startswith("000")]
    return Seen(f"{len(left)} of 7 stay; {told[-70:]}", place.left(), len(left) == 3)


def gate_without_scipy(place: Place) -> Seen:
    """Run a gate whose environment lacks a package."""
    checkout, stub = clone(place), place.folder / "stub"
    stub.mkdir()
    (stub / "scipy.py").write_text("raise ModuleNotFoundError(\"No module named 'scipy'\", name='scipy')\n")
    ended = place.run(*GATE, "HEAD", cwd=checkout, env={"PYTHONPATH": str(stub)})
    return Seen(f"exit {ended.code}: {ended.telling}", place.left(), ended.code == 2 and not ended.has_traceback())


def interrupted_gate(place: Place) -> Seen:
    """Interrupt a gate five times within a tenth of a second."""
    checkout = clone(place)
    with gate_at_work(place, checkout) as gate:
        for _ in range(5):
            gate.interrupt()
            time.sleep(0.02)
        ended = gate.end(120)
    outcome = json.loads((checkout / ".gate" / "out" / "gate.json").read_text())
    is_right = (ended.code, outcome["exit"]) == (2, 2) and not ended.has_traceback()
    return Seen(f"exit {ended.code}, gate.json {outcome['exit']}: {ended.telling}", place.left(), is_right)


def interrupted_gate_behind_tox(place: Place) -> Seen:
    """Press Ctrl-C in a gate behind tox, which ends with a code of its own."""
    checkout = clone(place)
    with gate_at_work(place, checkout, place.behind_tox([*GATE, "HEAD"], "gate", checkout)) as gate:
        gate.interrupt()
        ended = gate.end(120)
    outcome = json.loads((checkout / ".gate" / "out" / "gate.json").read_text())
    is_right = ended.code != 0 and outcome["exit"] == 2 and not ended.has_traceback()
    return Seen(f"tox: exit {ended.code}, gate.json: {outcome['exit']}", place.left(), is_right)


def shallow_clone(place: Place) -> Seen:
    """Ask a shallow clone for an earlier commit."""
    ended = place.run(*GATE, "HEAD~1", cwd=clone(place, "--depth", "1"))
    is_right = ended.code == 4 and "git fetch --unshallow" in ended.out and not ended.has_traceback()
    return Seen(f"exit {ended.code}: {ended.telling}", place.left(), is_right)


def unreadable_git(place: Place) -> Seen:
    """Measure in a checkout that git takes for somebody else's."""
    environment = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    ended = place.suite("--platform", "server-cpu", f"--benchmark-json={place.file}", env=environment)
    commit = place.content()["commit_info"]
    refused = place.run(*GATE, "--baseline", *[str(place.file)] * 5, "--head-runs", str(place.file))
    is_right = (
        ended.out.count("safe.directory") == 1
        and commit["dirty"] is None
        and refused.code == 2
        and "tells no commit" in refused.out
    )
    return Seen(f"dirty {commit['dirty']}; gate: exit {refused.code}: {refused.telling}", place.left(), is_right)


def _cut(run: dict[str, Any]) -> str:
    text = json.dumps(run)
    return text[: len(text) // 2]


def _changed(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], str]:
    def content(run: dict[str, Any]) -> str:
        change(run)
        return json.dumps(run)

    return content


# How a file came to be no baseline, and what it then holds.
DAMAGES: dict[str, Callable[[dict[str, Any]], str]] = {
    "cut in half": _cut,
    "that is a list": lambda run: "[]",
    "of 0 bytes": lambda run: "",
    "without machine_info": _changed(lambda run: run.pop("machine_info")),
    "without extra_info": _changed(lambda run: run["benchmarks"][0].pop("extra_info")),
    "whose time is null": _changed(lambda run: run["benchmarks"][0]["stats"].update(min=None, median=None)),
    "whose time is text": _changed(lambda run: run["benchmarks"][0]["stats"].update(min="x", median="x")),
    "with one name twice": _changed(lambda run: run["benchmarks"].append(run["benchmarks"][0])),
    "of an interrupted run": _changed(lambda run: run.update(exit_status=2)),
}


def a_whole_run(place: Place) -> dict[str, Any]:
    """Measure once."""
    place.suite("--platform", "server-cpu", f"--benchmark-json={place.file}")
    run: dict[str, Any] = place.content()
    return run


# Of these a gate refuses none: it reads the samples, and not what was computed of them.
OF_NO_CONCERN = ("whose time is null", "whose time is text")


def damaged_baseline(damage: str) -> Callable[[Place], Seen]:
    """Return what compares a run with a file that is no baseline."""

    def inject(place: Place) -> Seen:
        text = DAMAGES[damage](a_whole_run(place))
        (baseline := place.folder / "baseline.json").write_text(text)
        return refused(place, baseline, by_gate=damage not in OF_NO_CONCERN)

    return inject


def absent_baseline(place: Place) -> Seen:
    """Compare with a file that is not there."""
    return refused(place, place.folder / "gone.json")


def folder_as_baseline(place: Place) -> Seen:
    """Compare with a folder."""
    (folder := place.folder / "folder").mkdir()
    return refused(place, folder)


def unreadable_baseline(place: Place) -> Seen:
    """Compare with a file that cannot be opened, not even by root: a link to itself."""
    (file := place.folder / "loop.json").symlink_to(file)
    return refused(place, file)


def refused(place: Place, baseline: Path, by_gate: bool = True) -> Seen:
    """Compare with what is no baseline; a gate must refuse it for that, and not since it is the head as well."""
    ended = place.suite("--platform", "server-cpu", f"--benchmark-compare={baseline}", LIMITS)
    words, is_right = "", ended.code == 4 and "cannot be used" in ended.out and _measured_nothing(ended)
    if by_gate:
        gate = place.run(*GATE, "--baseline", str(baseline), "--head-runs", str(baseline))
        is_right = is_right and gate.code == 2 and not gate.has_traceback() and f"problem  {baseline}: " in gate.out
        words = f"; gate: exit {gate.code}"
    return Seen(f"exit {ended.code}{words}: {ended.telling}", place.left(), is_right)


def _measured_nothing(ended: Ended) -> bool:
    return " ms" not in ended.out and not ended.has_traceback()


MANIFESTS = {"a list": b"[]", "not UTF-8": b'{"files": "\xe9"}', "without a hash": None}


def damaged_manifest(damage: str) -> Callable[[Place], Seen]:
    """Return what measures with a manifest that cannot be read."""

    def inject(place: Place) -> Seen:
        checkout = clone(place)
        manifest = checkout / "models" / "manifest.json"
        content = MANIFESTS[damage]
        if content is None:
            rows = json.loads(manifest.read_text())
            rows["models"]["resnet8"].pop("sha256")
            content = json.dumps(rows).encode()
        manifest.write_bytes(content)
        ended = place.suite("--platform", "server-cpu", cwd=checkout)
        is_right = ended.code == 4 and _measured_nothing(ended) and "git checkout" in ended.out
        return Seen(f"exit {ended.code}: {ended.telling}", place.left(), is_right)

    return inject
