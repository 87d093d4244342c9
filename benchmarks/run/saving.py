"""Files are whole or not there: tried before anything is measured, written aside and renamed, told where that fails."""

import errno
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.storage.file import FileStorage
from pytest_benchmark.utils import safe_dumps

from benchmarks.results.saved import Result
from browser_harness import system
from models.files import relative, replacing, try_out

STORAGE = "--benchmark-storage"
OTHER_FILE = "name one in a folder that can be written to"
OTHER_FOLDER = "name another folder with --benchmark-storage=FOLDER, or a shorter name with --benchmark-save"
SAVED = pytest.StashKey[list[Path]]()  # what this run has written
UNSAVED = pytest.StashKey[list[str]]()  # what it could not write, and why


def pytest_configure(config: pytest.Config) -> None:
    """Begin with nothing written; refuse a storage that pytest-benchmark would answer with a traceback."""
    config.stash[SAVED], config.stash[UNSAVED] = [], []
    if fault := storage_fault(str(config.getoption("benchmark_storage"))):
        raise pytest.UsageError(f"{STORAGE}: {fault}")


def storage_fault(storage: str) -> str:
    """Return why runs cannot be kept there; nothing of a folder."""
    scheme, has_scheme, _ = storage.partition("://")
    if not has_scheme or scheme == "file":
        return ""
    if not scheme.startswith("elasticsearch+"):
        return f"{storage} is neither a folder nor Elasticsearch; name a folder: --benchmark-storage=file://FOLDER"
    if importlib.util.find_spec("elasticsearch") is None:
        return f"{storage} needs a package: pip install 'pytest-benchmark[elasticsearch]'; or name a folder"
    return ""


@pytest.hookimpl(trylast=True)  # after the refusal of what would measure nothing
def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse a run whose results could not be written, and have what pytest-benchmark saves written whole."""
    config = session.config
    benchmarks: Any = config.pluginmanager.get_plugin("pytest-benchmark")
    if benchmarks.disabled or config.option.collectonly:
        return
    if benchmarks.json:
        refuse_unwritable("--benchmark-json", whole_path(Path(benchmarks.json)), OTHER_FILE)
    name = benchmarks.save or benchmarks.autosave
    if name and isinstance(benchmarks.storage, FileStorage):
        refuse_unwritable(STORAGE, benchmarks.storage.get(f"0000_{name}.json"), OTHER_FOLDER)
    benchmarks.handle_saving = partial(_save, session, benchmarks, benchmarks.handle_saving)


def refuse_unwritable(option: str, file: Path, remedy: str) -> None:
    """Refuse a file that could not be written."""
    try:
        if file.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if option == STORAGE:
            file.parent.mkdir(parents=True, exist_ok=True)  # pytest-benchmark tries the same, and goes on without
        if _is_replaced(file):
            try_out(file)
    except OSError as error:
        raise pytest.UsageError(f"{option}: {file} cannot be written: {error.strerror}; {remedy}") from error


def _save(session: pytest.Session, benchmarks: Any, save: Callable[[], None]) -> None:
    """Let pytest-benchmark save; a file that cannot be written keeps neither the other nor the tables from it."""
    config = session.config
    if not benchmarks.benchmarks:  # of which pytest-benchmark would warn with a line of its own source
        if benchmarks.json or benchmarks.save or benchmarks.autosave:
            benchmarks.logger.info("Nothing was measured: no file is saved")
        return

    def write(where: Path, save: Callable[[], Path]) -> None:
        try:
            file = save()
        except OSError as error:
            config.stash[UNSAVED].append(f"{relative(where)} could not be saved: {error.strerror}")
        else:
            config.stash[SAVED].append(file)  # told at the end, with how it is compared

    def save_json(content: dict[str, Any]) -> None:
        file = whole_path(Path(benchmarks.json))
        write(file, lambda: write_whole(file, content))

    def save_in_storage(content: dict[str, Any], name: str) -> None:
        write(next_file(storage, name), lambda: save_next(storage, name, content))

    benchmarks.save_json = save_json
    storage = benchmarks.storage  # asked now: compare_fail may have put another in its place
    if isinstance(storage, FileStorage):
        storage.save = save_in_storage  # type: ignore[method-assign]
    save()
    if config.stash[UNSAVED] and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR


def whole_path(file: Path) -> Path:
    """Return the file that a link leads to: the link stays, and a pipe or a device is what it was named."""
    return Path(os.path.realpath(file)) if _is_replaced(file) else file


def _is_replaced(file: Path) -> bool:
    """Whether a new file takes its place; not of a pipe or a device, which is written to."""
    return file.is_file() or not file.exists()


def next_file(storage: FileStorage, name: str) -> Path:
    """Return the path of the next saved run, numbered as pytest-benchmark does."""
    numbers = [int(file.name.partition("_")[0]) for file in storage.query("[0-9][0-9][0-9][0-9]_*")]
    file: Path = storage.get(f"{max(numbers, default=0) + 1:04}_{name}.json")
    return file


def save_next(storage: FileStorage, name: str, content: dict[str, Any]) -> Path:
    """Save a run under the next number, also where another run does the same at this moment; return the file."""
    with _alone_in(storage.get("")):
        return write_whole(next_file(storage, name), content)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Let nobody else take a number meanwhile: two runs would take the same, and one replace the other.

    Windows and some network's file systems lock no folder; there, numbers are taken as they come.
    """
    if sys.platform == "win32":  # which opens no folder
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            system.lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def write_whole(file: Path, content: dict[str, Any]) -> Path:
    """Write a saved run so that the file is whole or not there; return it."""
    text = safe_dumps(content, ensure_ascii=True, indent=4).encode()
    if not _is_replaced(file):
        file.write_bytes(text)
        return file
    file.parent.mkdir(parents=True, exist_ok=True)  # it was there when the run began
    with replacing(file) as aside, aside.open("wb") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    return file


def unstable(content: dict[str, Any]) -> dict[str, list[str]]:
    """Return what is doubtful in a saved run, by the benchmark's name."""
    results = map(Result.of, content["benchmarks"])
    return {result.name: [*result.doubts.values()] for result in results if result.doubts}
