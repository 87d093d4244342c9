"""A case open in a process of its own: a session whose calls are answered there, and which can have a new process.

A process is as it is for as long as it lives (where its memory fell), so a benchmark draws from several. It also shares
nothing with pytest: no garbage, no threads, no other runtime.
"""

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Protocol, Self, cast

from benchmarks.apart import Apart
from benchmarks.platforms.batches import parts
from benchmarks.protocol import Block, Case, Facts, Feeds, Images, Opening, Outputs, Platform, PlatformError
from benchmarks.settings import Settings
from browser_harness.processes import keep_on
from browser_harness.scratch import Scratch

OPENING_CALLS = 3  # after it is open: the first inference, the second, and the rest, each with the limit of a call


class Patient(Platform, Protocol):
    """A platform in a process."""

    @property
    def patience(self) -> float:
        """How many times as long as one call an opening may take, where it has to compile."""


class Worker(Apart):
    """A fresh process that opens one case and answers calls, until it is closed; *scratch* has its temporary files."""

    def __init__(self, platform: Patient, case: Case, settings: Settings, scratch: Scratch) -> None:
        def failed(words: str) -> PlatformError:
            return PlatformError(f"{platform.name}: {case.model_file.name}: a fresh process {words}")

        super().__init__("benchmarks.platforms.worker", failed, scratch.variables)
        self._settings, self._patience = settings, platform.patience
        self.ask(platform, case, settings)

    def result(self, patience: float = 1.0) -> Any:
        """Wait for the answer; raise what was raised there, PlatformError where the process hangs or has ended."""
        return self.answer(self._settings.timeout, patience)

    def opened(self) -> Any:
        """Wait for what was asked of opening the case, as long as the platform needs for that."""
        return self.result(self._patience)


class FreshSession:
    """A case open in a worker; :meth:`renew` gives it another.

    A process that was started is not waited for until something is asked of it, so that two sides can start at once.
    What a runtime compiles into its temporary files, the next process finds: PyTorch takes half a minute for that.
    """

    def __init__(self, platform: Patient, case: Case, settings: Settings) -> None:
        self._arguments = platform, case, settings
        self._scratch = Scratch()
        self._worker: Worker | None = None
        self._facts: Facts | None = None  # None while its process has not said that the case is open

    def __enter__(self) -> Self:
        self.renew()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        self._scratch.remove()

    @property
    def facts(self) -> Facts:
        """What the process found in force when it opened the case."""
        if self._facts is None:
            worker = self._open_worker()
            try:
                self._facts = cast(Facts, worker.opened())
            except Exception as error:
                worker.failure = error
                raise
        return self._facts

    def renew(self) -> None:
        """Start a fresh process, in place of the one that there was, and have it open the case."""
        self._close()
        self._worker, self._facts = Worker(*self._arguments, self._scratch), None
        self._worker.ask("open")

    def run(self, feeds: Feeds) -> Outputs:
        """Run one inference there."""
        return self.time(feeds, 1).outputs

    def time(self, feeds: Feeds, rounds: int, iterations: int = 1) -> Block:
        """Time *rounds* samples of *iterations* inferences there."""
        block: Block = self._call("time", feeds, rounds, iterations)
        return block

    def time_on_device(self, feeds: Feeds, rounds: int, iterations: int = 1) -> Block:
        """Time *rounds* samples of *iterations* inferences there, without copies from and to the host."""
        block: Block = self._call("time_on_device", feeds, rounds, iterations)
        return block

    def classify(self, images: Images, batch_size: int) -> Iterator[Block]:
        """Time an inference for every batch there; images go there and answers come back some megabytes at a time."""
        for part in parts(images, batch_size):
            batches = len(part.pixels) / batch_size
            yield from self._call("classify", part, batch_size, patience=batches)

    def keep_on(self, core: int | None) -> None:
        """Keep all threads of the process on a core; None lets them go."""
        keep_on(core, [self._open_worker().pid])

    def obtained_slowdown(self, feeds: Feeds) -> float:
        """Refuse: nothing slows a server down, and its facts say so."""
        raise NotImplementedError

    def on_device(self) -> "OnDevice":
        """Return the session without copies; the process is the same."""
        return OnDevice(self)

    def _call(self, name: str, *arguments: Any, patience: float = 1.0) -> Any:
        self.facts  # noqa: B018 (waits until the case is open)
        self._open_worker().ask(name, *arguments)
        return self._open_worker().result(max(1.0, patience))

    def _open_worker(self) -> Worker:
        assert self._worker is not None, "enter the session first"
        return self._worker

    def _close(self) -> None:
        if self._worker:
            self._worker.close()
            self._worker = None


class OnDevice:
    """A session in a fresh process whose inputs and outputs stay on the device."""

    def __init__(self, session: FreshSession) -> None:
        self._session = session
        self.renew, self.keep_on, self.obtained_slowdown = session.renew, session.keep_on, session.obtained_slowdown
        self.time, self.classify = session.time_on_device, session.classify

    @property
    def facts(self) -> Facts:
        """The session's."""
        return self._session.facts

    def run(self, feeds: Feeds) -> Outputs:
        """Run one inference on the device."""
        return self.time(feeds, 1).outputs


def openings(platform: Patient, case: Case, feeds: Feeds, settings: Settings) -> Iterator[Opening]:
    """Open *case* in one process after another; raises what opening it raises, PlatformError where that hangs."""
    while True:
        with Scratch() as scratch:
            worker = Worker(platform, case, settings, scratch)
            try:
                worker.ask("load")
                load = worker.opened()
                worker.ask("opening", load, feeds)
                yield worker.result(OPENING_CALLS)
            finally:
                worker.close()
