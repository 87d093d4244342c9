"""Each version's own checkout and environment: a revision becomes a worktree, and tox makes what it says it needs."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gate.pair import Version
from benchmarks.run import lockstep

FOLDER = Path(".gate")  # in the project's root; git ignores it
# What the gate's own tox and Python tell their children, and would tell a version's.
OURS = ("TOX_", "VIRTUAL_ENV", "PYTHONPATH", "PYTEST_")
OVERRIDE = "TOX_OVERRIDE"  # what a person overrides, they override for the versions too
# What git tells a hook, and would make git take one worktree for another.
GITS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")


class CheckoutError(Exception):
    """A version cannot be had as it was named; the message names it and says what to do."""


@dataclass(frozen=True)
class Checkout:
    """A version's files."""

    path: Path
    words: str  # what it is: a revision and its commit, or a folder


def git(*words: str, cwd: Path) -> str:
    """Return what git answers; raise CheckoutError with its own words."""
    env = {name: value for name, value in os.environ.items() if name not in GITS}
    try:
        done = subprocess.run(["git", *words], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    except OSError as error:
        raise CheckoutError(f"git: {error.strerror}; install it, the gate asks it for every version") from error
    if done.returncode != 0:
        raise CheckoutError(f"git {' '.join(words)}: {' '.join(done.stderr.split())}")
    return done.stdout.strip()


def commit_of(text: str, root: Path) -> str | None:
    """Return the commit that a revision names; None where it names none."""
    try:
        return git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{text}^{{commit}}", cwd=root)
    except CheckoutError:
        return None


def merge_base(text: str, head: str, root: Path) -> str:
    """Return where *head* left the line of the revision *text*."""
    if unknown := [name for name in (text, head) if commit_of(name, root) is None]:
        raise CheckoutError(f"{unknown[0]}: no revision of {root}; {_how_to_fetch(root)}")
    try:
        return git("merge-base", text, head, cwd=root)
    except CheckoutError as error:  # git has no words for it
        raise CheckoutError(f"{text} and {head} have no commit in common here; {_how_to_fetch(root)}") from error


def _how_to_fetch(root: Path) -> str:
    """Say how a revision is had that is not there: most often a clone is too shallow for it."""
    if git("rev-parse", "--is-shallow-repository", cwd=root) == "true":
        return "the clone is shallow: fetch more with `git fetch --unshallow`, or some with `git fetch --deepen=100`"
    return "fetch it with `git fetch --all --tags`"


def working_tree(root: Path) -> Checkout:
    """Return the project as it lies there, changes included."""
    changed = ", with changes" if git("status", "--porcelain", "--untracked-files=no", cwd=root) else ""
    return Checkout(root, f"the working tree ({git('rev-parse', '--short', 'HEAD', cwd=root)}{changed})")


def checkout(text: str, root: Path) -> Checkout:
    """Return the version that *text* names: a revision of the project at *root*, else a folder with a checkout.

    Raises CheckoutError where it is neither.
    """
    if commit := commit_of(text, root):
        return Checkout(_worktree(commit, root), commit[:12] if commit.startswith(text) else f"{text} ({commit[:12]})")
    folder = Path(text).resolve()
    if (folder / "benchmarks").is_dir():
        return Checkout(folder, str(text))
    git("rev-parse", "--git-dir", cwd=root)  # where it cannot be read, its own words say more than these
    words = f"{text}: neither a revision of this repository nor a folder with a checkout of the suite"
    raise CheckoutError(f"{words}; {_how_to_fetch(root)}")


def _worktree(commit: str, root: Path) -> Path:
    """Return a worktree of *commit*, an earlier gate's where there is one, as clean as a new one."""
    path = root / FOLDER / "checkouts" / commit[:12]
    git("worktree", "prune", cwd=root)
    if (path / ".git").is_file():  # of a mere folder git would take the project itself
        git("reset", "--hard", "--quiet", commit, cwd=path)
        git("clean", "-d", "--force", "--quiet", cwd=path)  # not of what it ignores: the environment stays
    else:
        git("worktree", "add", "--detach", str(path), commit, cwd=root)
    os.utime(path)  # used now: those that were used last are kept
    return path


def prepare(side: str, source: Checkout, environment: str) -> Version:
    """Make the version's tox environment, and its browser where it can be had.

    Raises CheckoutError where that fails, or the version cannot take turns as this gate would have it.
    """
    _check_protocol(side, source)
    start = time.monotonic()
    command = [sys.executable, "-m", "tox", "run", "-q", "-e", environment, "--notest"]
    done = subprocess.run(command, cwd=source.path, env=_clean(), stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise CheckoutError(
            f"{side}: `tox run -e {environment} --notest` failed in {source.path}; its words stand above"
        )
    folder = source.path / ".tox" / environment
    python = next(path for path in (folder / "bin" / "python", folder / "Scripts" / "python.exe") if path.exists())
    # Without a browser the rest is still measured, and the reason is told.
    subprocess.run([python, "-m", "browser_harness"], cwd=source.path, env=_clean(), stdout=sys.stderr, check=False)
    print(f"{side}: {source.words}, ready after {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    return Version(side, source.path, python)


def _check_protocol(side: str, source: Checkout) -> None:
    """Raise CheckoutError for a version with which this gate has no words in common."""
    protocol, ours = lockstep.protocol_of(source.path), lockstep.PROTOCOL
    if protocol is None:
        raise CheckoutError(
            f"{side}: {source.words} is older than the gate: it cannot take turns; name a later revision"
        )
    if protocol != ours:
        raise CheckoutError(
            f"{side}: {source.words} takes turns by protocol {protocol} and this gate by {ours}: "
            f"name a revision of protocol {ours}, or run a gate of protocol {protocol}"
        )


def _clean() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if name == OVERRIDE or not name.startswith(OURS)}
