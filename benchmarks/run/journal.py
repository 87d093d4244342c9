"""Each result goes to disk when it is there: of a run that is killed, at most the benchmark in progress is lost.

The journal is a file beside the saved runs, a line of JSON for what all results have in common, then one for each
result as it would be saved. A run that ends in order removes its own. One that was killed leaves it behind, and the
next run makes a saved run of it, which says of itself that it is none that ended.
"""

import json
import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import pytest
from pytest_benchmark.storage.file import FileStorage
from pytest_benchmark.utils import safe_dumps

from benchmarks.results import NotARunError, Run, keys
from benchmarks.run.ending import ENDING
from benchmarks.run.saving import SAVED, UNSAVED, save_next, unstable
from benchmarks.run.turns import turns_of
from browser_harness import system
from models.files import relative

PATTERN = "unfinished-*.jsonl"
RECOVERED = (
    "the run was killed, or could not save: its finished benchmarks are from its journal. "
    "No interval was widened by the machine's drift, which is known at the end of a run"
)
JOURNAL = pytest.StashKey["Journal"]()


class Journal:
    """The results of a run that goes on, on the disk.

    Its lock tells the living from the dead: the system takes it away however a process ends, and gives it to nobody
    else's file.
    """

    def __init__(self, folder: Path, name: str, common: dict[str, Any]) -> None:
        self.file = folder / PATTERN.replace("*", f"{os.getpid()}-{os.urandom(4).hex()}")
        folder.mkdir(parents=True, exist_ok=True)
        # It gets its name with its lock: without one it would pass for a dead run's.
        aside = self.file.with_name(f"{self.file.name}.part")
        self._lines: BinaryIO = aside.open("xb", buffering=0)
        try:
            system.lock(self._lines.fileno())
            self.add({"save": name, **common})
            aside.rename(self.file)
        except OSError:
            self._lines.close()
            aside.unlink()
            raise

    def __str__(self) -> str:
        return _short(self.file)

    def add(self, entry: dict[str, Any]) -> None:
        """Append a line; where the disk takes only half of it, none."""
        before = self._lines.tell()
        try:
            _write_all(self._lines, safe_dumps(entry).encode() + b"\n")
            os.fsync(self._lines.fileno())
        except OSError:
            self._lines.truncate(before)
            self._lines.seek(before)
            raise

    def close(self) -> None:
        """Leave it to the next run."""
        self._lines.close()

    def remove(self) -> None:
        """Remove it: what it holds is saved."""
        self.file.unlink(missing_ok=True)
        self.close()


def _write_all(file: BinaryIO, text: bytes) -> None:
    while text:  # without a buffer a write may take a part
        text = text[file.write(text) :]


class Keeper(Protocol):
    """What results are added to: a journal, or somebody elsewhere who keeps one."""

    def add(self, entry: dict[str, Any]) -> None:
        """Keep a result; raise OSError where that fails."""


class Writer:
    """Writes down what each test has measured, once nothing can fail it any more."""

    def __init__(self, config: pytest.Config, benchmarks: Any, journal: Keeper) -> None:
        self._config, self._benchmarks, self._journal = config, benchmarks, journal
        self._seen = 0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """Write down what is new."""
        outcome = yield
        new, self._seen = self._benchmarks.benchmarks[self._seen :], len(self._benchmarks.benchmarks)
        try:
            for entry in _content(self._config, [one for one in new if one], {}, {})["benchmarks"]:
                self._journal.add(entry)
        except OSError as error:
            _say(self._config, f"{self._journal}: {error.strerror}: a kill would lose what comes now")
        return outcome


def _content(config: pytest.Config, benchmarks: list[Any], machine: dict[str, Any], commit: dict[str, Any]) -> Any:
    """Return what pytest-benchmark would save of these."""
    return config.hook.pytest_benchmark_generate_json(
        config=config, benchmarks=benchmarks, include_data=True, machine_info=machine, commit_info=commit
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Save what an earlier run has left, then keep a journal of this one."""
    config = session.config
    benchmarks: Any = config.pluginmanager.get_plugin("pytest-benchmark")
    if is_kept(config, benchmarks) and session.items:
        with config.stash[ENDING].held():  # else it would be saved twice; and to find a browser is not broken into
            for line in recover(benchmarks.storage):
                _say(config, line)
            _keep(config, benchmarks)
    return (yield)


@pytest.hookimpl(tryfirst=True)  # after pytest-benchmark's wrapper has saved, before anything is shown
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the journal when all that it holds is saved, be it in one of two files that were asked for."""
    stash = session.config.stash
    if journal := stash.get(JOURNAL, None):
        if stash[UNSAVED] and not stash[SAVED]:
            journal.close()
            stash[UNSAVED].append(f"what was measured is in {_short(journal.file)}, and the next run here saves it")
        else:
            journal.remove()


def is_kept(config: pytest.Config, benchmarks: Any) -> bool:
    """Whether this run saves what it measures, in files; a side of a gate is nothing without the other."""
    is_saved = any(config.getoption(f"benchmark_{name}") for name in ("json", "save", "autosave"))
    measures = not (benchmarks.disabled or benchmarks.skip or config.option.collectonly or turns_of(config))
    return is_saved and measures and isinstance(benchmarks.storage, FileStorage)


def common(config: pytest.Config, benchmarks: Any) -> dict[str, Any]:
    """Return what all results of a run have in common that has not ended, as it would be saved."""
    commit = config.hook.pytest_benchmark_generate_commit_info(config=config)
    config.hook.pytest_benchmark_update_commit_info(config=config, commit_info=commit)
    told: dict[str, Any] = _content(config, [], benchmarks.get_machine_info(), commit)
    told["machine_info"]["load_average"]["end"] = None
    return told | {keys.SCHEMA: keys.SCHEMA_NUMBER, keys.EXIT_STATUS: keys.KILLED, keys.RECOVERED: RECOVERED}


def _keep(config: pytest.Config, benchmarks: Any) -> None:
    name = benchmarks.save or benchmarks.autosave or config.getoption("benchmark_json").stem
    try:
        config.stash[JOURNAL] = journal = Journal(benchmarks.storage.path, name, common(config, benchmarks))
    except OSError as error:  # of a run that saves elsewhere, with --benchmark-json
        _say(config, f"{_short(benchmarks.storage.path)}: {error.strerror}: a kill would lose what was measured")
    else:
        config.pluginmanager.register(Writer(config, benchmarks, journal))


def _say(config: pytest.Config, line: str) -> None:
    if reporter := config.pluginmanager.get_plugin("terminalreporter"):
        reporter.ensure_newline()
        reporter.write_line(f"journal  {line}")


def _short(path: Path) -> str:
    return relative(path)


def recover(storage: FileStorage) -> Iterator[str]:
    """Make saved runs of the journals of dead ones; yield a line for each."""
    for file in sorted(storage.path.glob(PATTERN)):
        try:
            with file.open("rb") as lines:
                system.lock(lines.fileno(), waits=False)
                if os.fstat(lines.fileno()).st_nlink:  # else somebody has just saved it
                    yield _recovered(storage, Found.of(lines.read()), file)
                    file.unlink()
        except BlockingIOError:  # its run goes on
            continue
        except OSError as error:
            yield f"{_short(file)}, of a run that was killed, could not be saved: {error.strerror}"
        except NotARunError as error:  # of a later version, or damaged: no reason to measure nothing
            yield f"{_short(file)}, of a run that was killed, stays as it is: {error.why}; remove it if nobody needs it"


@dataclass(frozen=True)
class Found:
    """What a journal holds."""

    common: dict[str, Any]
    results: list[dict[str, Any]]
    lost: int  # lines that are cut

    @classmethod
    def of(cls, text: bytes) -> "Found":
        """Read it as far as it is whole; a result never takes the place of what all have in common."""
        first, *lines = text.split(b"\n")  # behind the last whole line there is nothing, or what was being written
        common, results = _read(first), [_read(line) for line in lines if line]
        whole = [result for result in results if result]
        return cls(common or {}, whole, len(results) - len(whole) + bool(first and not common))


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _recovered(storage: FileStorage, found: Found, journal: Path) -> str:
    """Save what was found in *journal*; return what to say about it. Raise NotARunError for what no run has written."""
    cut = f"; {found.lost} cut line{'s' if found.lost > 1 else ''} dropped" if found.lost else ""
    started = f"{found.common.get('datetime', '?')!s:.19}"
    if not found.results:
        return f"the run of {started} was killed before a benchmark had finished{cut}"
    content = {**found.common, "benchmarks": found.results}
    name = content.pop("save", "")
    Run.of(content, journal)
    file = save_next(storage, f"{name}_killed", content | {keys.UNSTABLE: unstable(content)})
    number = len(found.results)
    finished = f"what it had finished, {number} benchmark{'s' if number > 1 else ''}, is saved as {_short(file)}"
    return f"the run of {started} was killed; {finished}, with exit_status {keys.KILLED}{cut}"
