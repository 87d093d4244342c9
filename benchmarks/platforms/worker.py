"""A fresh process that opens one case: ``python -m benchmarks.platforms.worker PARENT``.

It is told platform, case and settings, and then asked by the names of :class:`Answers`; it answers, also with an error
that the platform explained. Only :class:`benchmarks.platforms.fresh_process.Worker` talks to it.
"""

import gc
import os
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.apart import Requests
from benchmarks.protocol import (
    HAS_FOLDER,
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
    opening_rounds,
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

    def load(self) -> float:
        """Open, and return the seconds; what the platform looks for beforehand is not on the clock."""
        if reason := self.platform.unavailable(self.settings):
            raise UnavailableError(reason)
        start = time.perf_counter()
        self.open()
        return time.perf_counter() - start

    def opening(self, load: float, feeds: Feeds) -> Opening:
        """Run what took *load* seconds to open, and look at the memory."""
        (first,), (second,) = self.time(feeds, 1).seconds, self.time(feeds, 1).seconds
        outputs = self.time(feeds, opening_rounds(second)).outputs
        return Opening(load, first, second, outputs, Memory(self.before, memory("self", "VmHWM")), self._opened().facts)

    def _opened(self) -> Session:
        assert self.session is not None, "ask for open first"
        return self.session


def main() -> None:
    """Answer until nothing more can be asked."""
    requests = Requests()
    # What PyTorch compiles, the session's next process finds.
    os.environ |= {"TORCHINDUCTOR_CACHE_DIR": tempfile.gettempdir(), HAS_FOLDER: "1"}
    worker = Answers(*requests.first())
    if not worker.settings.collects_garbage:
        gc.disable()
    with worker.stack:
        requests.answer(worker, (PlatformError, UnavailableError))


if __name__ == "__main__":
    main()
