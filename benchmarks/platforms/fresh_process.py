"""A case open in a process of its own: a session whose calls are answered there, and which can have a new process.

A process is as it is for as long as it lives (where its memory fell), so a benchmark draws from several. It also shares
nothing with pytest: no garbage, no threads, no other runtime.
"""

import os
import pickle
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any, Self, cast

from benchmarks.protocol import Block, Case, Facts, Feeds, Images, Opening, Outputs, Platform, PlatformError
from benchmarks.settings import Settings
from browser_harness.processes import keep_on
from browser_harness.scratch import Scratch

PATIENCE = 10  # an opening may take so many times as long as one call: it imports, compiles, and runs
LAST_WORDS = 2000  # characters of what a process said before it ended


class Worker:
    """A fresh process that opens one case and answers calls, until it is closed; *scratch* has its temporary files."""

    def __init__(self, platform: Platform, case: Case, settings: Settings, scratch: Scratch) -> None:
        self._platform, self._case, self._settings = platform, case, settings
        self.failure: Exception | None = None  # after which nothing more is asked of it
        self._errors = TemporaryFile()  # noqa: SIM115 (close() does)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.platforms.worker", str(os.getpid())],
            stdin=PIPE,
            stdout=PIPE,
            stderr=self._errors,
            cwd=Path(__file__).parents[2],
            env=os.environ | scratch.variables,
            start_new_session=True,  # a Ctrl-C is ours, and ends it with the session
        )
        self.ask(platform, case, settings)

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def ask(self, *request: Any) -> None:
        """Ask for something, and do not wait for the answer."""
        if self.failure:  # what it still answers is not what is asked now
            raise self.failure
        with suppress(BrokenPipeError):  # it has ended, which is told when the answer is waited for
            pickle.dump(request, cast(IO[bytes], self._process.stdin))
            cast(IO[bytes], self._process.stdin).flush()

    def answer(self, patience: float = 1.0) -> Any:
        """Wait for the answer; raise what was raised there, PlatformError where the process hangs or has ended."""
        if self.failure:
            raise self.failure
        limit, answers = patience * self._settings.timeout, cast(IO[bytes], self._process.stdout)
        if not select.select([answers], [], [], limit)[0]:
            times = f", of which this is {patience:g} times" if patience != 1 else ""
            raise self._failed(f"did not answer within {limit:g} s; raise --inference-timeout{times}")
        try:
            result = pickle.load(answers)  # noqa: S301 (our own worker's)
        except (EOFError, pickle.UnpicklingError):
            raise self._failed(f"ended with {self._process.wait()}: {self._last_words()}") from None
        if isinstance(result, Exception):
            raise result
        return result

    def _failed(self, words: str) -> PlatformError:
        failure = PlatformError(f"{self._platform.name}: {self._case.model_file.name}: a fresh process {words}")
        self.failure = failure
        return failure

    def _last_words(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip()[-LAST_WORDS:]

    def close(self) -> None:
        """End it and all that it started: nobody needs what it still would do."""
        with suppress(ProcessLookupError, PermissionError):  # it has ended by itself, as macOS says it
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):  # what it did not read
                cast(IO[bytes], pipe).close()
        self._errors.close()


class FreshSession:
    """A case open in a worker; :meth:`renew` gives it another.

    A process that was started is not waited for until something is asked of it, so that two sides can start at once.
    What a runtime compiles into its temporary files, the next process finds: PyTorch takes half a minute for that.
    """

    def __init__(self, platform: Platform, case: Case, settings: Settings) -> None:
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
                self._facts = cast(Facts, worker.answer(PATIENCE))
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
        """Time an inference for every batch there; the answers come when all of them are there."""
        yield from self._call("classify", images, batch_size)

    def keep_on(self, core: int | None) -> None:
        """Keep all threads of the process on a core; None lets them go."""
        keep_on(core, [self._open_worker().pid])

    def obtained_slowdown(self, feeds: Feeds) -> float:
        """Refuse: nothing slows a server down, and its facts say so."""
        raise NotImplementedError

    def on_device(self) -> "OnDevice":
        """Return the session without copies; the process is the same."""
        return OnDevice(self)

    def _call(self, name: str, *arguments: Any) -> Any:
        self.facts  # noqa: B018 (waits until the case is open)
        self._open_worker().ask(name, *arguments)
        return self._open_worker().answer()

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


def openings(platform: Platform, case: Case, feeds: Feeds, settings: Settings) -> Iterator[Opening]:
    """Open *case* in one process after another; raises what opening it raises, PlatformError where that hangs."""
    while True:
        with Scratch() as scratch:
            worker = Worker(platform, case, settings, scratch)
            try:
                worker.ask("opening", feeds)
                yield worker.answer(PATIENCE)
            finally:
                worker.close()
