"""KServe's environment: apart from the suite's, as each holds the other's packages back.

It lies in the user's cache folder, by what it holds and for which Python. A virtual environment cannot be moved, so it
is built where it stays, under a lock, and is there when its stamp is: what a build that was stopped has left is
removed by the next.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from benchmarks.remote.words import RemoteError, cut
from browser_harness import system

ROOT = Path(__file__).parents[2]
GROUP = "kserve"  # of pyproject.toml's dependency groups
NAMED = "CLIENT_OR_SERVER_KSERVE"  # an interpreter that has the packages already, in place of the one made here
SET_UP = "python -m benchmarks.remote"
STAMP = "complete.json"
ASKING = 60.0  # seconds in which an interpreter says what it has
# Asked of an interpreter: the versions of the packages that are named, null of those that it lacks.
VERSIONS = """
import importlib.metadata, json, sys
def version(name):
    try: return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError: return None
print(json.dumps({name: version(name) for name in sys.argv[1:]}))
"""
NO_NETWORK = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ProxyError", "(from versions: none)")


def pinned() -> dict[str, str]:
    """Return what the environment has to have, package to version."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    return dict(requirement.split("==") for requirement in groups[GROUP])


def requirements() -> list[str]:
    """Return the same as pip reads it."""
    return [f"{package}=={version}" for package, version in sorted(pinned().items())]


def folder() -> Path:
    """Return where the environment is made, by what it holds, in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    python = f"{sys.implementation.cache_tag} {sys.base_prefix}"
    told = hashlib.sha256("\n".join([python, *requirements()]).encode()).hexdigest()[:12]
    return Path(base) / "client-or-server" / f"kserve-{pinned()['kserve']}-{told}"


def is_named() -> bool:
    """Whether somebody names an interpreter, which is then left as it is."""
    return bool(os.environ.get(NAMED))


def interpreter() -> Path:
    """Return the Python that has KServe, whether it is there or not."""
    return Path(os.environ[NAMED]) if is_named() else _python(folder())


def _python(environment: Path) -> Path:
    return environment / "bin" / "python"


def unavailable() -> str | None:
    """Why KServe cannot be started here, and what would change that; None where it can."""
    if sys.platform == "win32":
        return "KServe runs on uvloop, which Windows has not; ask a server elsewhere with --server-url"
    found, wanted = _found(), pinned()
    if found is None:
        if is_named():
            words = "is missing or does not start; name another, or"
            return f"{interpreter()}, which {NAMED} names, {words} run `{SET_UP}` without {NAMED}"
        return f"KServe's environment is missing or does not start; run `{SET_UP}`"
    for package, version in wanted.items():
        if found.get(package) != version:
            has = found.get(package) or "none"
            return f"{interpreter()} has {package} {has}, not {version}; run `{SET_UP}`, without {NAMED}"
    return None


def versions() -> dict[str, str]:
    """Return the versions of what takes part; empty where KServe cannot be started."""
    if unavailable() is not None:
        return {}
    return {package: version for package, version in (_found() or {}).items() if version}


def _found() -> dict[str, str | None] | None:
    """Return the packages that are there, by the stamp, or by the word of an interpreter that is named."""
    if is_named():
        return _asked(interpreter())
    try:
        stamped: dict[str, str | None] = json.loads((folder() / STAMP).read_text())
    except (OSError, ValueError):
        return None
    return stamped if interpreter().exists() else None


@cache
def _asked(python: Path) -> dict[str, str | None] | None:
    """Ask an interpreter for the versions of the packages; None where it does not start."""
    command = [os.fspath(python), "-I", "-c", VERSIONS, *pinned()]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASKING, check=True)
        told: dict[str, str | None] = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return told


def build() -> None:
    """Make the environment, unless it is there; raise RemoteError where that fails."""
    place = folder()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _alone(place):
            if not (place / STAMP).exists() or not _python(place).exists():
                shutil.rmtree(place, ignore_errors=True)
                _build(place)
    except OSError as error:
        words = f"{error.filename or place} cannot be written ({error.strerror or error}), where KServe is installed"
        raise RemoteError(f"{words}; name another folder with XDG_CACHE_HOME") from error


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Wait until nobody else builds there; the kernel frees the lock when its holder is gone."""
    with place.with_name(f"{place.name}.lock").open("a") as file:
        system.lock(file.fileno())
        yield


def _build(place: Path) -> None:
    print(f"installing {', '.join(requirements())} into {place}", flush=True)
    venv.create(place, symlinks=True)
    # The suite's own pip installs there: the environment needs none, nor the system's python3-venv.
    command = [sys.executable, "-m", "pip", "--python", os.fspath(_python(place)), "--disable-pip-version-check"]
    done = subprocess.run(
        [*command, "install", "--no-input", "--retries", "2", *requirements()],
        stderr=subprocess.PIPE,  # its progress is on standard output
        text=True,
        check=False,
    )
    if done.returncode != 0:
        shutil.rmtree(place, ignore_errors=True)
        raise RemoteError(f"KServe cannot be installed: {_in_a_line(done.stderr)}")
    if (found := _asked(_python(place))) is None:
        raise RemoteError(f"KServe was installed, and {_python(place)} does not start; remove {place}, run it again")
    (place / STAMP).write_text(json.dumps(found, indent=1))  # last: from now on it is there


def _in_a_line(output: str) -> str:
    """Return what pip said of its failure, and what helps where that is known."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if re.match("ERROR|error", line)] or lines[-1:]
    words = cut("; ".join(dict.fromkeys(errors[:2])))
    if any(sign in output for sign in NO_NETWORK):
        return f"{words}; the package index cannot be reached: run `{SET_UP}` again with a network"
    if "No space left" in output:
        return f"{words}; it takes 600 MB: free them, or name another folder with XDG_CACHE_HOME"
    return f"{words}; run `{SET_UP}` again"
