"""Before anything is measured: whether each machine answers, has a checkout and what it needs, and is alike."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from benchmarks.run.each.specs import ROOT, Machine
from benchmarks.run.identity import MEASURES

MARK = "client-or-server:"  # what the answer begins with
SECONDS = 60.0  # that a machine may take to answer
GROUP = "machines"  # of pyproject.toml's dependencies
SET_UP = "tox run -e machines"
SCRIPT = Path(__file__).with_name("asked.py")
SHORT = 9  # digits of a commit
OLDEST = (3, 11)  # Python
NAMED = 4  # packages that are named of many

Told = Mapping[str, Any]  # by a machine of itself


@dataclass(frozen=True)
class Answer:
    """What came of asking a machine: what it told, or why it cannot measure."""

    machine: Machine
    told: Told
    fault: str = ""


def ask(machines: Sequence[Machine]) -> list[Answer]:
    """Ask all at once; each in the Python that is to measure there."""
    names = needed()
    with ThreadPoolExecutor(max(len(machines), 1)) as pool:
        return [*pool.map(lambda machine: _ask(machine, names), machines)]


def needed() -> list[str]:
    """Return the packages that a machine must have, but for those that are of some systems alone."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    found = map(Requirement, _requirements(groups, GROUP))
    return [*dict.fromkeys(one.name for one in found if one.marker is None)]


def _requirements(groups: Mapping[str, Any], name: str) -> Iterator[str]:
    for entry in groups[name]:
        yield from [entry] if isinstance(entry, str) else _requirements(groups, entry["include-group"])


def _ask(machine: Machine, names: Sequence[str]) -> Answer:
    arguments = json.dumps([machine.folder, names, MEASURES])
    script = f"{SCRIPT.read_text()}\nprint({MARK!r} + json.dumps(tell(*json.loads({arguments!r}))))\n"
    try:
        done = subprocess.run(
            machine.asking("-"),
            input=script,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(machine, {}, f"did not answer within {SECONDS:g} s; does `{_by_hand(machine)}` end by itself?")
    except OSError as error:
        return Answer(machine, {}, f"{error.filename}: {error.strerror}")
    return answer_of(machine, done.returncode, done.stdout, done.stderr)


def answer_of(machine: Machine, code: int, said: str, errors: str) -> Answer:
    """Read what came back: how the command ended, and what it wrote."""
    junk, mark, text = said.partition(MARK)
    if not mark:
        return Answer(machine, {}, _silence(machine, code, errors))
    told = json.loads(text)
    if junk.strip():
        words = f"its shell writes {junk.strip().splitlines()[0][:40]!r} before it obeys, which breaks the connection"
        return Answer(machine, told, f"{words}; let ~/.bashrc there write nothing where nobody looks on")
    return Answer(machine, told, _lack(machine, told))


def _silence(machine: Machine, code: int, errors: str) -> str:
    """Say why nothing came back, and what to do."""
    said = (errors.strip().splitlines() or [f"ended with {code}"])[-1].strip()
    if code == 255 and machine.ssh:  # ssh's own, of a connection that there is none of
        return f"does not answer: {said}; `{_by_hand(machine)}` must work, without a password"
    return f"has no Python that could measure: {said}; in {machine.folder} there: {SET_UP}"


def _by_hand(machine: Machine) -> str:
    config = f"-F {machine.ssh_config} " if machine.ssh_config else ""
    return f"ssh {config}{machine.ssh}" if machine.ssh else machine.python


def _lack(machine: Machine, told: Told) -> str:
    """Say what a machine that answers lacks; nothing where it can measure."""
    if not told["is_there"]:
        return f"has no checkout in {told['folder']}; clone it there, or name its folder: {machine.name}:FOLDER"
    if tuple(map(int, told["python"].split(".")[:2])) < OLDEST:
        return f"its Python is {told['python']}; the suite needs {'.'.join(map(str, OLDEST))}, there: {SET_UP}"
    missing = [name for name, version in told["versions"].items() if version is None]
    if missing:
        return f"its Python lacks {named(missing)}; in {told['folder']} there: {SET_UP}"
    return ""


def named(names: Sequence[str], most: int = NAMED) -> str:
    """Return names, the first of many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def differences(here: Told, there: Told) -> Iterator[str]:
    """Yield in what a machine's checkout and packages are not those of the head."""
    ours, theirs = commit_words(here), commit_words(there)
    if ours != theirs:
        yield f"{theirs}, here {ours}"
    if here["suite"] != there["suite"]:
        yield "the code that measures is not that here"
    if series(here["python"]) != series(there["python"]):
        yield f"Python {there['python']}, here {here['python']}"
    for name, version in there["versions"].items():
        if (ours := here["versions"].get(name)) and version and ours != version:
            yield f"{name} {version}, here {ours}"


def series(python: str) -> str:
    """Return a Python's version without what mends it: 3.11 of 3.11.7."""
    return ".".join(python.split(".")[:2])


def commit_words(told: Told) -> str:
    """Say which commit a checkout is at."""
    if told["commit"] is None:
        return "a commit that git does not tell"
    return f"commit {told['commit'][:SHORT]}{' with changes' if told['changes'] else ''}"


def lines(answers: Sequence[Answer], here: Told) -> list[str]:
    """Return a line for each machine."""
    return [f"machine  {answer.machine.name}: {_words(answer, here)}" for answer in answers]


def _words(answer: Answer, here: Told) -> str:
    if answer.fault:
        return f"cannot measure: {answer.fault}"
    told = answer.told
    place = f"{told['system']}, {cores_words(told)}, Python {told['python']}, {commit_words(told)}"
    apart = "; ".join(differences(here, told))
    return f"ready, and differs: {apart}" if apart else f"ready: {place}"


def cores_words(told: Told) -> str:
    """Say how many cores may be used."""
    return f"{len(told['cores'])} core{'s' if len(told['cores']) != 1 else ''}" if told["cores"] else "cores not told"


def shared(answers: Sequence[Answer]) -> Iterator[tuple[str, bool]]:
    """Yield which machines are one and the same, in a line; and whether they would disturb each other.

    Those of one kernel that may use no core together, as containers with cores of their own, are told and may measure.
    """
    able = [answer for answer in answers if not answer.fault]
    for at, one in enumerate(able):
        for other in able[at + 1 :]:
            if _identity(one.told) == _identity(other.told):
                yield _shared(one, other)


def _identity(told: Told) -> str:
    return str(told["kernel"] or told["node"])


def _shared(one: Answer, other: Answer) -> tuple[str, bool]:
    names = f"{one.machine.name} and {other.machine.name}"
    ours, theirs = one.told["cores"], other.told["cores"]
    if ours and theirs and not {*ours} & {*theirs}:
        return f"{names} are one machine with cores of their own: what else they share, each may find slower", False
    return (
        f"{names} are one and the same machine ({one.told['node']}): they would disturb each other; name it once",
        True,
    )


def safe(name: str) -> str:
    """Return a name that can be a file's."""
    return re.sub(r"[^\w.-]+", "_", name).strip(".") or "_"
