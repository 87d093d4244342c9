"""The run of one machine as it comes: each result goes to this disk when it is there, and the whole at the end."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_benchmark.storage.file import FileStorage

from benchmarks.results import keys
from benchmarks.results.machine import machine_name
from benchmarks.run import journal
from benchmarks.run.each.checking import safe
from benchmarks.run.each.words import BEGIN, KEPT, RESULT, RUN
from benchmarks.run.journal import Journal
from benchmarks.run.saving import (
    OTHER_FILE,
    OTHER_FOLDER,
    STORAGE,
    refuse_unwritable,
    save_next,
    unstable,
    whole_path,
    write_whole,
)
from benchmarks.run.storage import DEFAULT

Info = Mapping[str, Any]  # machine_info


@dataclass(frozen=True)
class Place:
    """Where the runs are saved: in the storage, each in a file of its own, or both."""

    storage: str  # a folder, as --benchmark-storage has it
    in_storage: bool
    json: Path | None  # of all machines; each has its name put in

    def storage_of(self, info: Info, machine_id: str) -> FileStorage:
        """Return the storage of a machine: its folder in the usual one, or the one that was named."""
        folder = self.storage.removeprefix("file://")
        if self.storage == DEFAULT:
            gpus = [gpu["name"] for gpu in info["gpus"]]
            folder += "/" + machine_name(info, info["cores_usable"], gpus, info[keys.QUOTA])
        return FileStorage(folder, None, safe(machine_id))

    def refuse_unwritable(self) -> None:
        """Refuse what could not be written to, before anything is measured."""
        if file := self.file_of("HOST"):
            refuse_unwritable("--benchmark-json", file, OTHER_FILE)
        if self.in_storage:
            refuse_unwritable(STORAGE, Path(self.storage.removeprefix("file://")) / "0000.json", OTHER_FOLDER)

    def file_of(self, machine: str) -> Path | None:
        """Return the file of its own."""
        return self.json and whole_path(self.json.with_name(f"{self.json.stem}-{safe(machine)}{self.json.suffix}"))


@dataclass
class Arriving:
    """A machine's run: what of it has come, and where it is kept.

    It is called in the thread that reads what the machine sends, and looked into once that is over.
    """

    machine: str
    place: Place
    answer: Callable[[str], None]  # to the machine
    over: threading.Event = field(default_factory=threading.Event)  # nothing more comes
    common: dict[str, Any] = field(default_factory=dict)
    results: list[dict[str, Any]] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)  # of what is saved
    told: list[str] = field(default_factory=list)  # of earlier runs that were killed
    problems: list[str] = field(default_factory=list)
    is_whole: bool = False  # it came to its own end, and says how that was
    name: str = ""
    _storage: FileStorage | None = None
    _journal: Journal | None = None

    def __call__(self, message: tuple[str, str] | None) -> None:
        """Take a message; None is the last."""
        if message is None:
            self.over.set()
            return
        kind, text = message
        with self._told():
            {BEGIN: self._begin, RESULT: self._add, RUN: self._keep}[kind](json.loads(text))

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell what goes wrong, whatever it is: raised, it would end the connection, or the others' run."""
        try:
            yield
        except Exception as error:
            words = error.strerror if isinstance(error, OSError) else f"{type(error).__name__} {error}"
            self.problems.append(f"{self.machine}: what it sent could not be kept: {words}")

    def _begin(self, told: dict[str, Any]) -> None:
        self.common, self.name = told["common"], f"{safe(self.machine)}_{safe(told['save'])}"
        self._storage = self.place.storage_of(self.common["machine_info"], told["machine_id"])
        self.told += journal.recover(self._storage)
        self._journal = Journal(self._storage.path, self.name, self.common)

    def _add(self, result: dict[str, Any]) -> None:
        self.results.append(result)
        if self._journal:
            self._journal.add(result)

    def _keep(self, content: dict[str, Any]) -> None:
        """Keep a whole run, and tell the machine that it is kept."""
        self.is_whole, self.results = True, content["benchmarks"]
        self._save(content, self.name)
        if self.files:
            self.say(KEPT)

    def say(self, word: str) -> None:
        """Say something to the machine, which may be gone."""
        with suppress(OSError):
            self.answer(word)

    def end(self) -> None:
        """Make a run of what has come, where no whole one has: it is one that was killed."""
        if not self.is_whole and self.results:
            with self._told():
                content = {**self.common, "benchmarks": self.results}
                self._save(content | {keys.UNSTABLE: unstable(content)}, f"{self.name}_killed")
        if self._journal and (self.files or not self.results):
            self._journal.remove()
        elif self._journal:
            self._journal.close()
            self.problems.append(f"{self.machine}: what came is in {self._journal}; its next run here saves it")
        self._journal = None

    def _save(self, content: dict[str, Any], name: str) -> None:
        """Write the files; one that cannot be written keeps not the other from it."""
        if (file := self.place.file_of(self.machine)) is not None:
            self._write(file, lambda: write_whole(file, content))
        storage = self._storage
        if self.place.in_storage and storage is not None:
            self._write(storage.path, lambda: save_next(storage, name, content))

    def _write(self, where: Path, write: Callable[[], Path]) -> None:
        try:
            self.files.append(write())
        except OSError as error:
            self.problems.append(f"{self.machine}: {where} could not be saved: {error.strerror}")
