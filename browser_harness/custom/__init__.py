"""Bundles of what one model needs of a runtime, made from the modules that the runtime ships: see tfjs.py.

What makes them is pinned by a package-lock.json of its own, and is installed when something is made for the first time.
The runtime's modules are those that the harness has installed already.
"""

import json
from pathlib import Path

from browser_harness import packages

HOME = Path(__file__).parent
BUNDLER = "rollup"


def bundle(entry: str, output: Path, name: str, left_out: str = "") -> Path:
    """Bundle the module *entry* (its text) into the script *output*, whose exports are the global *name*; return it.

    *left_out* is a pattern (of JavaScript) of modules that stay empty. Raises packages.SetUpError where Node.js or npm
    fails, or an import leads nowhere.
    """
    ensure_bundler()
    packages.run_node("custom/bundle.mjs", ENTRY=entry, OUTPUT=str(output), NAME=name, LEFT_OUT=left_out)
    return output


def ensure_bundler() -> None:
    """Make sure that the pinned packages are there. Raises packages.SetUpError where npm fails."""
    if _installed() != _locked():
        packages.install(optional=False, home=HOME)


def _locked() -> str | None:
    return _version(HOME / "package-lock.json")


def _installed() -> str | None:
    """Return the bundler's version in node_modules, by npm's own record of what it put there; None where it is not."""
    return _version(packages.node_modules(HOME) / ".package-lock.json")


def _version(lock: Path) -> str | None:
    if not lock.is_file():
        return None
    return str(json.loads(lock.read_text())["packages"][f"node_modules/{BUNDLER}"]["version"])
