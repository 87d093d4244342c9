"""A place of its own for each fault: folders, a marker on every process, and what is left of both afterwards."""

import configparser
import json
import os
import shlex
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

ROOT = Path(__file__).parents[3]
MARKER = "CLIENT_OR_SERVER_FAULT"  # in the environment of all that a fault starts
QUICK = ("--model", "resnet8", "--batch-size", "1", "--starts", "2", "--benchmark-max-time=0.2")
# Ctrl-C reaches who is in the foreground; a shell lets what it starts in the background ignore it.
LISTENING = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execvp(sys.argv[1], sys.argv[1:])"
ERRORS = ("ERROR", "E  ", "error", "problem")  # how lines begin that tell what was wrong
PATIENCE = 240.0  # seconds for a command
ENDING = 15.0  # seconds in which what was started may end


@dataclass(frozen=True)
class Seen:
    """What a fault left: what was kept or told, what stayed behind, and whether that is as it must be."""

    kept: str
    left: Sequence[str]
    is_right: bool | None  # None: this machine cannot have the fault

    @classmethod
    def not_here(cls, why: str) -> "Seen":
        """Return what is said where the fault cannot be injected."""
        return cls(why, (), None)

    @property
    def verdict(self) -> str:
        """The row's last word."""
        return "not here" if self.is_right is None else "right" if self.is_right and not self.left else "WRONG"


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str

    @property
    def telling(self) -> str:
        """The line that tells what was wrong: an error's, else the last that says something."""
        lines = [line.strip() for line in self.out.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith(ERRORS) or ": error: " in line]
        return (errors or lines or ["no words"])[-1]

    def has_traceback(self) -> bool:
        """Whether a person was shown one."""
        return "Traceback (most recent call last)" in self.out or "INTERNALERROR" in self.out


@dataclass
class Place:
    """Folders that nothing else uses."""

    folder: Path
    marker: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def storage(self) -> Path:
        """Where runs are saved."""
        return self.folder / "runs"

    @property
    def file(self) -> Path:
        """A file for one saved run."""
        return self.folder / "run.json"

    def content(self) -> Any:
        """Return what that file holds."""
        return json.loads(self.file.read_text())

    @property
    def temporary(self) -> Path:
        """The folder for temporary files, profiles of browsers among them."""
        return self.folder / "tmp"

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return this environment without an outer tox's or pytest's, with the folders and the marker."""
        outer = ("TOX_", "VIRTUAL_ENV", "PYTEST_", "COV_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(outer)}
        self.temporary.mkdir(parents=True, exist_ok=True)
        # A cache that npm's own Node.js keeps among the temporary files is none of ours.
        ours = {"TMPDIR": str(self.temporary), MARKER: self.marker, "NODE_DISABLE_COMPILE_CACHE": "1"}
        return {**clean, **ours, **(more or {})}

    @contextmanager
    def started(self, *command: str, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> Iterator["Started"]:
        """Start a command in a session of its own; whatever is left of it is killed at the end."""
        log = self.folder / f"{uuid.uuid4().hex}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=self.environment(env),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield Started(process, log)
        finally:
            for left in self.processes():
                with suppress(psutil.Error):
                    left.kill()
            process.wait()

    def run(self, *command: str, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> Ended:
        """Run a command to its end."""
        with self.started(*command, cwd=cwd, env=env) as started:
            return started.end()

    def run_beside(self, *command: str, cwd: Path = ROOT) -> Ended:
        """Run a command to its end beside what runs already, which stays."""
        ended = subprocess.run(
            command, cwd=cwd, env=self.environment(), capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        return Ended(ended.returncode, ended.stdout + ended.stderr)

    def suite(self, *options: str, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> Ended:
        """Run the suite's pytest on one small model."""
        return self.run(*self.pytest(*options), cwd=cwd, env=env)

    def pytest(self, *options: str) -> list[str]:
        """Return the command that measures one small model quickly, with *options* more."""
        storage = (
            () if any("storage" in option for option in options) else (f"--benchmark-storage=file://{self.storage}",)
        )
        return [sys.executable, "-m", "pytest", "benchmarks/", "--benchmark-only", *QUICK, *storage, *options]

    def behind_tox(self, command: Sequence[str], of: str, cwd: Path = ROOT) -> list[str]:
        """Return a command behind a tox of its own, with this environment and the patience that *of* has in tox.ini."""
        suite = configparser.ConfigParser(interpolation=None, default_section="testenv")
        suite.read(ROOT / "tox.ini")
        patience = {name: suite[f"testenv:{of}"][name] for name in ("interrupt_timeout", "terminate_timeout")}
        tox = configparser.ConfigParser(interpolation=None)
        tox["tox"] = {"no_package": "true"}
        everything = {"skip_install": "true", "allowlist_externals": "*", "pass_env": "*", "change_dir": str(cwd)}
        tox[f"testenv:{of}"] = {**everything, **patience, "commands": shlex.join(command)}
        with (file := self.folder / "tox.ini").open("w") as written:
            tox.write(written)
        run = [sys.executable, "-m", "tox", "run", "-e", of, "-c", str(file), "--workdir", str(self.folder / "tox")]
        return [sys.executable, "-c", LISTENING, *run]

    def processes(self) -> list[psutil.Process]:
        """Return the processes that carry this place's marker or name its folder, and all that they started.

        A browser's own write their titles over their environment.
        """
        found = {process for process in psutil.process_iter() if self._is_ours(process)}
        for process in [*found]:
            with suppress(psutil.Error):
                found.update(process.children(recursive=True))
        return [process for process in found if _runs(process)]

    def titles(self) -> list[str]:
        """Return the command lines of these processes."""
        found = []
        for process in self.processes():
            with suppress(psutil.Error):
                found.append(" ".join(process.cmdline()))
        return found

    def _is_ours(self, process: psutil.Process) -> bool:
        with suppress(psutil.Error):
            return process.environ().get(MARKER) == self.marker or str(self.folder) in " ".join(process.cmdline())
        return False

    def left(self) -> list[str]:
        """Return what is left behind, after its time to end: processes, temporary files, files cut short."""
        until = time.monotonic() + ENDING
        while (processes := self.processes()) and time.monotonic() < until:
            time.sleep(0.1)
        temporary = [path.name for path in self.temporary.glob("*")]  # profiles of browsers, or anything else
        partial = [path.name for path in self.folder.rglob("*.part")]
        return [*(process.name() for process in processes if _runs(process)), *temporary, *partial]

    def saved(self) -> list[dict[str, Any]]:
        """Return what every saved run holds."""
        return [json.loads(file.read_text()) for file in sorted(self.storage.rglob("*.json"))]


@dataclass(frozen=True)
class Started:
    """A command that runs."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def out(self) -> str:
        """What it has said so far."""
        return self.log.read_text(errors="replace")

    def wait_for(self, words: str, seconds: float = PATIENCE) -> None:
        """Wait until it has said *words*."""
        until = time.monotonic() + seconds
        while words not in self.out:
            if self.process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"never said {words!r}: {self.out[-500:]}")
            time.sleep(0.05)

    def interrupt(self) -> None:
        """Press Ctrl-C: the terminal signals the whole group in the foreground."""
        if sys.platform == "win32":
            raise NotImplementedError
        os.killpg(self.process.pid, signal.SIGINT)

    def hang_up(self) -> None:
        """Close the terminal."""
        if sys.platform == "win32":
            raise NotImplementedError
        os.killpg(self.process.pid, signal.SIGHUP)

    def end(self, seconds: float = PATIENCE) -> Ended:
        """Wait for its end."""
        return Ended(self.process.wait(seconds), self.out)


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


@contextmanager
def place() -> Iterator[Place]:
    """Make a place, and remove it."""
    with TemporaryDirectory(prefix="fault-", ignore_cleanup_errors=True) as folder:
        yield Place(Path(folder))


def statuses(runs: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return how runs ended."""
    return [run.get("exit_status") for run in runs]
