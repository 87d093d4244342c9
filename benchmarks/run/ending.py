"""A run that is stopped ends in order, once: what was finished is saved, and what was opened is closed.

Ctrl-C behind tox is two signals within a second, one from the terminal and one from tox; a second one that broke into
the ending would cost what was measured. So the first is obeyed, and those behind it are not, until the ending has
taken so long that something hangs.
"""

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Set
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import psutil
import pytest

SIGNALS = [signal.SIGINT, signal.SIGTERM]
if sys.platform != "win32":
    SIGNALS += [signal.SIGHUP]
PATIENCE = 20.0  # seconds of an ending that no signal breaks into; tox.ini's interrupt_timeout is longer
MOST_DESCRIPTORS = 64  # that are looked at where the system does not list those that are open
ENDING = pytest.StashKey["Ending"]()
Output = tuple[int, int]  # device and inode


class Ending:
    """What becomes of the signals that ask the run to end."""

    def __init__(self) -> None:
        self.was_asked = False  # by a signal, before all was measured
        self._began: float | None = None
        self._is_held = self._waits = False
        self._before: dict[int, Any] = {}
        self._outputs = {output for number in (1, 2) if (output := output_of(number))}

    def listen_to_kill(self) -> None:
        """Let SIGTERM be a Ctrl-C."""
        self._before[signal.SIGTERM] = signal.signal(signal.SIGTERM, signal.default_int_handler)

    def listen(self) -> None:
        """Obey the signals from now on, but for those that are ignored, as SIGHUP is behind `nohup`."""
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before = signal.signal(number, self._obey)
                self._before.setdefault(number, before)

    def let_go(self) -> None:
        """Leave the signals to whom they belonged; a stopped run has no use for another Ctrl-C."""
        for number, before in self._before.items():
            signal.signal(number, before)
        if self.was_asked:
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    def begin(self) -> None:
        """Begin to end, where nothing has asked for it: all is measured, and what comes now comes too late."""
        self._began = self._began or time.monotonic()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Finish what must not be broken into before a signal is obeyed."""
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
        if self._waits:
            self._waits = False
            raise KeyboardInterrupt

    def end_with(self, parent: int) -> None:
        """End this run when *parent* does. Nothing wakes up before that, so that no measurement is disturbed."""
        if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
            return
        try:
            watched = os.pidfd_open(parent)
        except OSError:  # it has ended, or a sandbox knows nothing of the call
            return
        poll = select.poll()
        poll.register(watched, select.POLLIN)

        def wait() -> None:
            poll.poll()
            drop_what_nobody_reads(self._outputs)
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=wait, name="parent", daemon=True).start()

    def _obey(self, _number: int, _frame: FrameType | None) -> None:
        now, is_first = time.monotonic(), self._began is None
        if self._began is not None and now - self._began < PATIENCE:
            return
        self._began = now  # first of all: the next signal may break into this
        drop_what_nobody_reads(self._outputs)
        self.was_asked = self.was_asked or is_first
        if is_first and self._is_held:
            self._waits = True
            return
        raise KeyboardInterrupt


def pytest_configure(config: pytest.Config) -> None:
    """Listen for the end of a tox that runs this; until something is measured, let a `kill` be a Ctrl-C."""
    config.stash[ENDING] = ending = Ending()
    if threading.current_thread() is threading.main_thread():
        ending.listen_to_kill()
        if is_run_by_tox(os.getppid()):
            ending.end_with(os.getppid())


def pytest_collection_finish(session: pytest.Session) -> None:
    """Listen to the signals where there are benchmarks: tests of the suite's own send and catch some themselves."""
    measures = any("benchmark" in getattr(item, "fixturenames", ()) for item in session.items)
    if measures and threading.current_thread() is threading.main_thread():
        session.config.stash[ENDING].listen()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Listen no longer."""
    if ending := config.stash.get(ENDING, None):
        ending.let_go()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Close what a stopped benchmark has opened, before anything is saved: pytest would only after, and fall over it.

    What closing has to tell is of no interest: a browser has got the Ctrl-C, too.
    """
    try:
        outcome = yield
        if item.config.stash[ENDING].was_asked:  # and whatever was running then has swallowed it
            raise KeyboardInterrupt
        return outcome
    except KeyboardInterrupt:
        with suppress(Exception):
            item.ihook.pytest_runtest_teardown(item=item, nextitem=None)
        # Another: where one signal broke into the handler of the other, the trace has a line that pytest cannot show.
        raise KeyboardInterrupt from None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Close what a benchmark has opened whole: pytest forgets what is left of a teardown that is broken into."""
    with item.config.stash[ENDING].held():
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Begin to end when the last benchmark has: from here on the run is saved and shown."""
    try:
        return (yield)
    finally:
        session.config.stash[ENDING].begin()


def is_run_by_tox(parent: int) -> bool:
    """Whether tox has started this process: then there is nobody left to wait for it when tox has ended.

    Of no other parent can that be told: a shell that has ended may have left its run behind on purpose.
    """
    try:
        words = psutil.Process(parent).cmdline() if "TOX_ENV_NAME" in os.environ else []
    except psutil.Error:  # it has just ended
        return False
    return any(Path(word).stem == "tox" for word in words)


def drop_what_nobody_reads(outputs: Set[Output]) -> None:
    """Write to nowhere what would go to one of *outputs* that is gone: failing to tell must not keep from saving."""
    for number in _open_descriptors():  # pytest has copies of them, too
        if output_of(number) in outputs and _is_gone(number):
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, number)
            os.close(nowhere)


def _open_descriptors() -> Iterable[int]:
    try:
        return [int(name) for name in os.listdir("/dev/fd")]
    except OSError:  # no such folder, or too many files are open to look into it
        return range(MOST_DESCRIPTORS)


def output_of(number: int) -> Output | None:
    """Return which file, pipe or terminal a descriptor is of; None where it is closed."""
    try:
        status = os.fstat(number)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_gone(number: int) -> bool:
    """Whether the terminal was closed, or nobody has the other end of the pipe; Windows does not tell."""
    if sys.platform == "win32":
        return False
    poll = select.poll()
    poll.register(number, select.POLLOUT)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
