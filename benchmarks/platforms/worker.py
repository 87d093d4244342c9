"""A fresh process that opens one case: ``python -m benchmarks.platforms.worker PARENT``.

Reads pickles from standard input, first (platform, case, settings), then requests, each a name of :class:`Answers` with
its arguments; writes to standard output what it answers, or the error that the platform explained. Ends when no request
can come any more, on Linux with PARENT also in the midst of a call. Only
:class:`benchmarks.platforms.fresh_process.Worker` talks to it.
"""

import ctypes
import gc
import os
import pickle
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.protocol import (
    HAS_FOLDER,
    OPENING_ROUNDS,
    Block,
    Case,
    DeviceSession,
    Facts,
    Feeds,
    Images,
    Memory,
    Opening,
    Platform,
    PlatformError,
    Session,
    UnavailableError,
)
from benchmarks.settings import Settings
from browser_harness.processes import memory

PR_SET_PDEATHSIG = 1  # of Linux's prctl


@dataclass
class Answers:
    """What can be asked for, by name."""

    platform: Platform
    case: Case
    settings: Settings
    stack: ExitStack = field(default_factory=ExitStack)  # closes the session when the process ends
    before: int | None = field(default_factory=lambda: memory("self", "VmRSS"))
    session: Session | None = None

    def open(self) -> Facts:
        """Open the case."""
        self.session = self.stack.enter_context(self.platform.open(self.case, self.settings))
        return self.session.facts

    def time(self, feeds: Feeds, rounds: int, iterations: int = 1) -> Block:
        """Time inferences."""
        return self._opened().time(feeds, rounds, iterations)

    def time_on_device(self, feeds: Feeds, rounds: int, iterations: int = 1) -> Block:
        """Time inferences without copies from and to the host."""
        session: DeviceSession = self._opened()  # type: ignore[assignment]  # asked of platforms with a device only
        return session.on_device().time(feeds, rounds, iterations)

    def classify(self, images: Images, batch_size: int) -> list[Block]:
        """Time an inference for every batch."""
        return [*self._opened().classify(images, batch_size)]

    def opening(self, feeds: Feeds) -> Opening:
        """Open, run, and look at the memory; what the platform looks for beforehand is not on the clock."""
        if reason := self.platform.unavailable(self.settings):
            raise UnavailableError(reason)
        start = time.perf_counter()
        facts = self.open()
        load = time.perf_counter() - start
        (first,), (second,) = self.time(feeds, 1).seconds, self.time(feeds, 1).seconds
        outputs = self.time(feeds, OPENING_ROUNDS).outputs
        return Opening(load, first, second, outputs, Memory(self.before, memory("self", "VmHWM")), facts)

    def _opened(self) -> Session:
        assert self.session is not None, "ask for open first"
        return self.session


def end_with(parent: int) -> None:
    """Have the kernel end this process when *parent* is gone, or its thread that started this; on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # gone before the kernel was asked
            sys.exit(1)


def main() -> None:
    """Answer until standard input ends; what a runtime prints goes to standard error."""
    end_with(int(sys.argv[1]))
    # What PyTorch compiles, the session's next process finds.
    os.environ |= {"TORCHINDUCTOR_CACHE_DIR": tempfile.gettempdir(), HAS_FOLDER: "1"}
    answers, requests = os.fdopen(os.dup(1), "wb"), sys.stdin.buffer
    os.dup2(2, 1)
    worker = Answers(*pickle.load(requests))  # noqa: S301 (our own parent's)
    if not worker.settings.collects_garbage:
        gc.disable()
    with worker.stack:
        while True:
            try:
                name, *arguments = pickle.load(requests)  # noqa: S301
            except EOFError:
                return
            try:
                result = getattr(worker, name)(*arguments)
            except (PlatformError, UnavailableError) as error:
                result = error
            pickle.dump(result, answers)
            answers.flush()


if __name__ == "__main__":
    main()
