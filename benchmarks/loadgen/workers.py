"""Threads that answer what LoadGen asks, each by a session or a connection of its own.

LoadGen calls :meth:`Workers.issue` and must not be kept there: queries go to a queue, and workers tell of the answers.
LoadGen cannot be stopped either. Where a trial is lost, or a worker failed, whatever is still asked is answered at once
with nothing, and the trial ends when its queries do.
"""

import statistics
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Protocol, Self

from benchmarks.loadgen.plan import LoadError
from benchmarks.protocol import Facts, Feeds, Outputs

WARM_UP, WARM_UP_SECONDS = 100, 0.3  # inferences of a worker before it is asked, or as many as fit into that time
OPENING = 10  # times as long as an answer may take: PyTorch compiles


class Asked(Protocol):
    """What a worker asks: a session, or a connection to a server that is kept."""

    @property
    def facts(self) -> Facts:
        """What was found in force."""

    def run(self, feeds: Feeds) -> Outputs:
        """Return the outputs of one inference."""


Opens = Callable[[], AbstractContextManager[Asked]]
Check = Callable[[Facts, Outputs], float]  # raises ParityError; returns the largest difference


class Worker:
    """A thread with something to ask, opened and closed in it: part of what a runtime sets belongs to a thread."""

    def __init__(self, opens: Opens, feeds: Feeds, check: Check) -> None:
        self.facts: Facts | None = None
        self.seconds = 0.0  # an inference, while it warmed up
        self.parity = 0.0
        self.failure: Exception | None = None
        self.since: float | None = None  # when it began the inference that it is at
        self._asked: Asked | None = None
        self._last: Outputs | None = None
        self._opens, self._feeds, self._check = opens, feeds, check
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True, name="load")

    def start(self, serve: Callable[["Worker"], None], limit: float) -> bool:
        """Open, ask once, hold the answer against the expected one and warm up; then *serve*.

        Raises what all that raises; returns whether it was done within the *limit*, in seconds.
        """
        self._serve = serve
        self._thread.start()
        is_ready = self._is_ready.wait(limit)
        if self.failure:
            raise self.failure
        return is_ready

    def ask(self) -> None:
        """Run one inference, and keep its answer until somebody checks it."""
        assert self._asked is not None
        self.since = time.perf_counter()
        self._last = self._asked.run(self._feeds)
        self.since = None

    def check(self) -> None:
        """Hold the last answer against the expected one; raises ParityError."""
        assert self.facts is not None
        if self._last is not None:
            self.parity = max(self.parity, self._check(self.facts, self._last))

    def join(self, timeout: float) -> None:
        """Wait until it is closed, not for ever: a thread that hangs cannot be ended."""
        self._thread.join(timeout)

    def _live(self) -> None:
        try:
            with self._opens() as self._asked:
                self.facts = self._asked.facts
                self.ask()
                self.check()
                self._warm_up()
                self._is_ready.set()
                self._serve(self)
        except Exception as error:  # whatever it is: it is raised where somebody waits for this worker
            self.failure = error
        finally:
            self._is_ready.set()

    def _warm_up(self) -> None:
        taken, until = list[float](), time.perf_counter() + WARM_UP_SECONDS
        while not taken or (len(taken) < WARM_UP and time.perf_counter() < until):
            start = time.perf_counter()
            self.ask()
            taken.append(time.perf_counter() - start)
        self.seconds = statistics.median(taken)


class Workers:
    """All workers of a system, and the queries between LoadGen and them."""

    def __init__(self, name: str, workers: Iterable[Worker], timeout: float) -> None:
        self.name, self.workers = name, [*workers]
        self.failure: Exception | None = None  # of a worker, in this trial
        self.is_lost = False  # too many answers came late for the trial to be saved
        self._timeout = timeout
        self._bound, self._allowed, self._late = 0.0, 0.0, 0
        self._queries: SimpleQueue[tuple[int, float] | None] = SimpleQueue()
        self._open: dict[int, None] = {}  # queries that LoadGen waits for

    def __enter__(self) -> Self:
        limit = OPENING * self._timeout
        try:
            for worker in self.workers:  # one by one: platforms count the threads that they start
                if not worker.start(self._serve, limit):
                    times = f"raise --inference-timeout, of which this is {OPENING} times"
                    raise LoadError(f"{self.name}: was not open within {limit:g} s; {times}")
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        failure = next((worker.failure for worker in self.workers if worker.failure), None)
        if failure and error is None:
            raise failure

    def _close(self) -> None:
        for _ in self.workers:
            self._queries.put(None)
        for worker in self.workers:
            if worker.facts is not None:
                worker.join(0.0 if worker.since is not None else self._timeout)

    @property
    def is_given_up(self) -> bool:
        """Whether nothing is computed any more in this trial."""
        return self.is_lost or self.failure is not None

    def begin(self, bound: float = 0.0, allowed: float = 0.0) -> None:
        """Begin a trial that is lost when more than *allowed* answers took longer than *bound*; without one, never."""
        self._bound, self._allowed, self._late, self.is_lost = bound, allowed, 0, False

    def issue(self, samples: Iterable[Any]) -> None:
        """Take LoadGen's queries; it waits for nothing."""
        now = time.perf_counter()
        for sample in samples:
            number = sample.id
            self._open[number] = None
            if self.is_given_up:
                self._complete(number)
            else:
                self._queries.put((number, now))

    def watch(self) -> None:
        """Give up where a worker has not answered for too long."""
        now = time.perf_counter()
        # In this order: a worker may begin an inference between the two.
        if any((since := worker.since) and now - since > self._timeout for worker in self.workers):
            words = f"did not answer under load within {self._timeout:g} s; raise --inference-timeout"
            self.give_up(LoadError(f"{self.name}: {words}"))

    def give_up(self, failure: Exception) -> None:
        """Answer all that is open with nothing, and what comes too."""
        self.failure = self.failure or failure
        for number in [*self._open]:
            self._complete(number)

    def end(self) -> None:
        """End a trial: raise what failed, and hold each worker's last answer against the expected one."""
        if self.failure:
            raise self.failure
        for worker in self.workers:
            worker.check()

    def _serve(self, worker: Worker) -> None:
        while (query := self._queries.get()) is not None:
            number, issued = query
            if not self.is_given_up:
                try:
                    worker.ask()
                except Exception as error:  # it would end this thread alone, and LoadGen would wait for ever
                    worker.since = None
                    self.give_up(error)
                self._judge(time.perf_counter() - issued)
            self._complete(number)

    def _judge(self, seconds: float) -> None:
        if self._bound and seconds > self._bound:
            self._late += 1  # a few that are lost between two threads do not matter
            self.is_lost = self.is_lost or self._late > self._allowed

    def _complete(self, number: int) -> None:
        """Tell LoadGen of an answer, once; its bytes matter in accuracy mode alone, so there are none to keep alive."""
        import mlperf_loadgen

        if self._open.pop(number, self) is None:
            mlperf_loadgen.QuerySamplesComplete([mlperf_loadgen.QuerySampleResponse(number, 0, 0)])
