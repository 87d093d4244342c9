"""A machine of a run on several: it measures as it would alone, and sends the head each result as it is there."""

import os
import signal
import threading
from collections.abc import Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from pytest_benchmark.storage.file import FileStorage
from pytest_benchmark.utils import get_machine_id, get_tag, safe_dumps

from benchmarks.run import journal
from benchmarks.run.each.words import BEGIN, CHANNEL, KEPT, LEFT, PLACE, RESULT, RUN, STOP, Message
from benchmarks.run.progress import PROGRESS
from benchmarks.run.saving import save_next
from benchmarks.run.storage import DEFAULT

if TYPE_CHECKING:
    from execnet import Channel

PATIENCE = 60.0  # seconds until the head must have said that it keeps a run
ALONE = "PYTEST_XDIST_WORKER"


def take_part(config: pytest.Config) -> None:
    """Have this worker measure, as a run of its own: it is the only one on its machine."""
    os.environ.pop(ALONE, None)  # pytest-benchmark times nothing where it is set
    option = config.option
    option.benchmark_storage, option.benchmark_json = DEFAULT, None
    option.benchmark_autosave, option.benchmark_quiet = get_tag(), True  # its words would come here without a name
    config.pluginmanager.register(Part(config, Head(config.workerinput[CHANNEL])))  # type: ignore[attr-defined]


class Head:
    """The head, as a machine sees it; as a journal it keeps what is added."""

    def __init__(self, channel: "Channel") -> None:
        self._channel, self._kept = channel, threading.Event()
        channel.setcallback(self._hear)

    def _hear(self, word: object) -> None:
        if word == KEPT:
            self._kept.set()
        elif word == STOP:
            os.kill(os.getpid(), signal.SIGTERM)  # as a person would: what is finished is saved

    def add(self, entry: dict[str, Any]) -> None:
        """Send a result; a head that is gone will get none of the others either, and they are saved here."""
        self.send(RESULT, entry)

    def send(self, kind: str, content: dict[str, Any]) -> bool:
        """Send a message; return whether it could be."""
        try:
            self._channel.send(tuple(Message(kind, safe_dumps(content))))
        except OSError:
            return False
        return True

    def keeps(self, content: dict[str, Any]) -> bool:
        """Send a whole run; return whether the head has it on its disk."""
        return self.send(RUN, content) and self._kept.wait(PATIENCE)


class There:
    """A storage that is the head's; where that is gone, what is saved stays on this machine's disk."""

    def __init__(self, head: Head, here: FileStorage) -> None:
        self._head, self._here = head, here

    def save(self, output_json: dict[str, Any], name: str) -> None:
        """Save a run, as pytest-benchmark has its storages do."""
        if not self._head.keeps(output_json):
            with suppress(OSError):  # nobody is left who could be told
                save_next(self._here, name, output_json)


class Part:
    """What this process does for the run."""

    def __init__(self, config: pytest.Config, head: Head) -> None:
        self._config, self._head = config, head

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Have pytest-benchmark save at the head, with the samples."""
        benchmarks: Any = self._config.pluginmanager.get_plugin("pytest-benchmark")
        benchmarks.storage, benchmarks.save_data = There(self._head, benchmarks.storage), True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Tell what all results have in common, and from then on each as it is there."""
        benchmarks: Any = self._config.pluginmanager.get_plugin("pytest-benchmark")
        begin = {"save": benchmarks.save or benchmarks.autosave, "machine_id": get_machine_id()}
        self._head.send(BEGIN, begin | {"common": journal.common(self._config, benchmarks)})
        self._config.pluginmanager.register(journal.Writer(self._config, benchmarks, self._head))
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Tell how far this machine is: the head has the reports of all."""
        report = yield
        progress = self._config.stash[PROGRESS]
        done, number = len(progress.done) + 1, len(progress.done) + len(progress.cases)
        left = progress.left_after(item.nodeid) if report.when == "call" else None
        place = f"{done:>{len(str(number))}}/{number}"
        report.user_properties += [(PLACE, place), (LEFT, str(left or ""))]
        return report
