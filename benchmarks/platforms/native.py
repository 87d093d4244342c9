"""What all platforms in a process share: the timed loop, processor time, and how they are opened in a fresh one.

A runtime comes as an :class:`Engine`; outside the clock it makes its inputs ready and names its outputs.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

import numpy as np

from benchmarks.cpu_session import runtime_threads
from benchmarks.platforms import lacking
from benchmarks.platforms.batches import answered
from benchmarks.platforms.fresh_process import FreshSession, Patient, openings
from benchmarks.protocol import (
    THREADS_UNPROVED,
    Block,
    Case,
    CpuTime,
    Facts,
    Feeds,
    Images,
    Opening,
    Outputs,
    PlatformError,
    Side,
    Takes,
    Threading,
    UnavailableError,
    filled,
)
from benchmarks.settings import Settings
from browser_harness import system
from browser_harness.processes import USABLE
from models.cifar100 import normalised_batches
from models.words import in_a_line

CLOCK = "time.perf_counter"
# What the catalogue's files call theirs. Asked of the graph, they would bring onnx into a runtime's time and memory.
INPUT, OUTPUT = "input", "logits"


class Engine(Protocol):
    """A model open in a runtime of this process."""

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs, in the graph's order."""

    def prepare(self, feeds: Feeds) -> Any:
        """Return *feeds* as the runtime takes them from host memory; not timed."""

    def infer(self, prepared: Any) -> Any:
        """Run one inference until its outputs can be read on the host; this alone is timed."""

    def outputs(self, answer: Any) -> Outputs:
        """Return what :meth:`infer` answered as arrays by name; not timed."""


class NativeSession:
    """A case open in this process; samples are read from ``time.perf_counter``."""

    def __init__(self, case: Case, facts: Facts, engine: Engine) -> None:
        self.facts = facts
        self._model, self._engine = case.model_file, engine

    def run(self, feeds: Feeds) -> Outputs:
        """Run one inference."""
        return self.time(feeds, 1).outputs

    def time(self, feeds: Feeds, rounds: int, iterations: int = 1) -> Block:
        """Time *rounds* samples of *iterations* inferences in plain loops."""
        with self._explained():
            prepared = self._engine.prepare(feeds)
            block, answer = timed(self._engine.infer, prepared, rounds, iterations)
            return replace(block, outputs=self._engine.outputs(answer))

    def keep_on(self, core: int | None) -> None:
        """Keep this thread, which computes, on a core; None lets it go."""
        system.stay_on(USABLE if core is None else {core})

    def renew(self) -> None:
        """Refuse: this process is no fresh one, see :class:`FreshSession`."""
        raise NotImplementedError

    def obtained_slowdown(self, feeds: Feeds) -> float:
        """Refuse: nothing slows a server down, and its facts say so."""
        raise NotImplementedError

    def classify(self, images: Images, batch_size: int) -> Iterator[Block]:
        """Time one inference for every batch; zeros fill up the last."""
        name = self._engine.input_names[0]
        for batch in normalised_batches(images.pixels, batch_size, images.mean, images.std):
            yield answered(self.time({name: filled(batch, batch_size)}, 1), len(batch), batch_size)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # the runtimes' exceptions share no base class
            words = f"the inference failed: {in_a_line(error, self._model)}"
            raise PlatformError(f"{self.facts.platform}: {self._model.name}: {words}") from error


def timed(infer: Callable[[Any], Any], prepared: Any, rounds: int, iterations: int = 1) -> tuple[Block, Any]:
    """Return *rounds* samples of ``infer(prepared)``, without outputs yet, and the last answer."""
    samples = [0.0] * rounds
    before = system.processor_seconds()
    answer = (
        _one_by_one(infer, prepared, samples) if iterations == 1 else _in_rows(infer, prepared, samples, iterations)
    )
    return Block(samples, {}, _computed(before, system.processor_seconds()), iterations=iterations), answer


def _computed(before: tuple[float, float] | None, after: tuple[float, float] | None) -> CpuTime | None:
    """Return the processor time between two readings; None where the system does not tell."""
    return CpuTime(after[0] - before[0], after[1] - before[1]) if before and after else None


def _one_by_one(infer: Callable[[Any], Any], prepared: Any, samples: list[float]) -> Any:
    """Fill *samples*, with nothing but the inference between two readings of the clock; return the last answer."""
    clock, answer = time.perf_counter, None
    for index in range(len(samples)):
        start = clock()
        answer = infer(prepared)
        samples[index] = clock() - start
    return answer


def _in_rows(infer: Callable[[Any], Any], prepared: Any, samples: list[float], iterations: int) -> Any:
    """Fill *samples* with means of *iterations* inferences in a row; return the last answer."""
    clock, answer, row = time.perf_counter, None, range(iterations)
    for index in range(len(samples)):
        start = clock()
        for _ in row:
            answer = infer(prepared)
        samples[index] = (clock() - start) / iterations
    return answer


def facts(platform: str, provider: str, threads: int | None, details: Mapping[str, Any] | None = None) -> Facts:
    """Return the facts of a session in this process."""
    return Facts(platform, provider, threads, CLOCK, clock_resolution(), details=details or {})


def clock_resolution() -> float:
    """Return the smallest step of ``time.perf_counter`` seen in a thousand, in seconds."""
    readings = [time.perf_counter() for _ in range(1001)]
    return min(later - earlier for earlier, later in itertools.pairwise(readings) if later > earlier)


def prove_started(case: Case, platform: str, before: set[int] | None) -> dict[str, Any]:
    """Raise PlatformError unless, since *before*, one thread fewer was started than the case asks for.

    The caller's own thread is one of those that compute. Nothing is proved where the system does not tell, as the
    details that are returned say then.
    """
    after = runtime_threads()
    if before is None or after is None:
        return {THREADS_UNPROVED: True}
    started, wanted = len(after - before), case.threads - 1
    if started != wanted:
        words = f"started {started} threads beside this one, wanted {wanted}"
        raise PlatformError(f"{platform}: {case.model_file.name}: {words}")
    return {}


class FreshProcesses:
    """Sessions and openings for platforms in a process: each in a Python that has loaded no runtime yet."""

    caches = ("process",)
    side: Side = "server"
    threading: Threading = "settable"
    has_device = False
    takes: Takes = "arrays"
    patience = 1.0  # an opening's limit is that of a call

    def openings(self: Patient, case: Case, feeds: Feeds, settings: Settings, caches: str) -> Iterator[Opening]:
        """Open *case* in one process after another; raises what opening it raises, PlatformError where that hangs."""
        return openings(self, case, {name: np.asarray(value) for name, value in feeds.items()}, settings)

    def open_fresh(self: Patient, case: Case, settings: Settings) -> FreshSession:
        """Open *case* in a process of its own; it is waited for when it is asked for something."""
        return FreshSession(self, case, settings)


class Installed(FreshProcesses):
    """A platform that is there where a package is installed."""

    name: str
    package: str  # as the registry calls it
    runtime = "onnxruntime"  # as it is called where it lacks something
    environment = "bench-full"  # the one of tox that installs it

    def unavailable(self, settings: Settings) -> str | None:
        """Say which package is missing."""
        if installed(self.package):
            return None
        return f"{self.name}: {self.package} is not installed; run `tox run -e {self.environment}`"

    def versions(self, settings: Settings) -> dict[str, str]:
        """The version of the package that runs the models."""
        return {} if self.unavailable(settings) else {self.package: version(self.package)}

    def require(self, settings: Settings) -> None:
        """Raise UnavailableError where the platform is unavailable."""
        if reason := self.unavailable(settings):
            raise UnavailableError(reason)

    @contextmanager
    def explained(self, case: Case) -> Iterator[None]:
        """Turn what the runtime raises into a PlatformError that names platform and model."""
        try:
            yield
        except (PlatformError, UnavailableError):
            raise
        except Exception as error:  # the runtimes' exceptions share no base class
            raise lacking.refusal(self.name, self.runtime, case, error) from error


def installed(package: str) -> bool:
    """Whether a package is installed; it is not imported."""
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def prove(case: Case, platform: str, actual: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise PlatformError where something *actual*, in force, is not what was *wanted*."""
    for name, value in wanted.items():
        if actual[name] != value:
            raise PlatformError(f"{platform}: {case.model_file.name}: {name} is {actual[name]!r}, wanted {value!r}")
