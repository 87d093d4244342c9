"""A fresh process that opens one case: ``python -m benchmarks.platforms.worker``.

Reads pickles from standard input, first (platform, case, settings), then requests, each a name of :class:`Answers` with
its arguments; writes to standard output what it answers, or the error that the platform explained. Ends when no request
can come any more. Only :class:`benchmarks.platforms.fresh_process.Worker` talks to it.
"""

import gc
import os
import pickle
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

    def time(self, feeds: Feeds, rounds: int) -> Block:
        """Time inferences."""
        return self._opened().time(feeds, rounds)

    def time_on_device(self, feeds: Feeds, rounds: int) -> Block:
        """Time inferences without copies from and to the host."""
        session: DeviceSession = self._opened()  # type: ignore[assignment]  # asked of platforms with a device only
        return session.on_device().time(feeds, rounds)

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


def main() -> None:
    """Answer until standard input ends; what a runtime prints goes to standard error."""
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
