"""Samples drawn elsewhere become pytest-benchmark rounds: drawn first, then replayed on a clock that reads them.

pytest-benchmark times a function with a timer. The function here is a replay and the timer a :class:`ReplayClock`,
so that statistics, table, JSON, histogram, ``compare`` and ``--benchmark-compare-fail`` work on raw samples wherever
they were measured, and nothing private of pytest-benchmark is touched.
"""

import math
import statistics
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.measuring.ratio import STATISTICS, by_start, cpu_per_inference, of_starts, percentile
from benchmarks.measuring.starts import figure
from benchmarks.protocol import Block, Facts
from benchmarks.results import keys
from benchmarks.run.selection import selection_of
from benchmarks.run.weaker import named

# Properties of a test: what is shown as it ends.
HEADLINE, IS_DOUBTFUL, MADE_UP = "headline", "is_doubtful", "made_up"
PERCENTILES = (10, 50, 90, 95, 99)
FEWEST_BEYOND = 100  # samples times per cent: of fewer beyond a percentile it says little


class ReplayClock:
    """A timer that is read around each round: 0 before it, and its length after: end - start is that, bit for bit."""

    def __init__(self) -> None:
        self.__name__ = "unset"  # what pytest-benchmark stores as the benchmark's timer
        self._rounds: Iterator[float] = iter(())
        self.is_in_round = False

    def __call__(self) -> float:
        """Return the time, in seconds."""
        self.is_in_round = not self.is_in_round
        return 0.0 if self.is_in_round else next(self._rounds)

    def wind_up(self, rounds: Iterable[float]) -> None:
        """Make *rounds* the lengths of the rounds to come."""
        self._rounds, self.is_in_round = iter(rounds), False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test that uses ``record`` a clock of its own.

    pytest-benchmark reads one marker only, the closest, so the markers of all levels are merged into one: a group
    set on a function must not shadow the clock.
    """
    for item in items:
        if "record" in getattr(item, "fixturenames", ()):
            options: dict[str, Any] = {}
            for marker in reversed(list(item.iter_markers("benchmark"))):
                options |= marker.kwargs
            item.add_marker(pytest.mark.benchmark(**options | {"timer": ReplayClock()}), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Drop the timings of a test that fails after it measured, in its body or while its session is closed."""
    report = yield
    benchmark = getattr(item, "funcargs", {}).get("benchmark")
    if benchmark is not None and report.failed:
        benchmark.has_error = True
    return report


@dataclass(frozen=True)
class Record:
    """Reports blocks of samples to pytest-benchmark; what the fixture ``record`` gives."""

    benchmark: BenchmarkFixture
    node: pytest.Item

    def __call__(
        self, facts: Facts, blocks: Sequence[Block], images: int, live: Callable[[], object], headline: str = ""
    ) -> None:
        """Report *blocks*, inferences of *images* images or something else of none.

        *live* is called where pytest-benchmark wants a real call: to be profiled, or when nothing is timed. *headline*
        is shown as the test ends, in place of the samples' own.
        """
        benchmark = self.benchmark
        if benchmark.disabled:
            benchmark.pedantic(live)
            return
        if facts.is_software:  # also where the saved file is read by pytest-benchmark alone
            benchmark.group = f"{benchmark.group}, on a simulated GPU: no speed"
        benchmark.extra_info.update(describe(facts, blocks, images))
        if names := named(facts, selection_of(self.node.config).clients):
            benchmark.extra_info[keys.SLOWDOWN] |= names
        self._replay(facts.clock, blocks, live)
        doubts = benchmark.extra_info.get(keys.TRUST, {}).get(keys.DOUBTS)
        self.node.user_properties += [(HEADLINE, headline or _headline(facts, blocks)), (IS_DOUBTFUL, bool(doubts))]
        self.node.user_properties.append((MADE_UP, benchmark.extra_info.get(keys.MAY_STEER, [])))

    def _replay(self, name: str, blocks: Sequence[Block], live: Callable[[], object]) -> None:
        marker = self.node.get_closest_marker("benchmark")
        assert marker is not None, "pytest_collection_modifyitems gives one to every test that uses this"
        clock, iterations = marker.kwargs["timer"], blocks[0].iterations
        samples = [seconds for block in blocks for seconds in block.seconds]
        clock.__name__ = name
        clock.wind_up(seconds * iterations for seconds in samples)  # of a power of two: divided by it, the same again

        def inference() -> None:
            # Outside of a round pytest-benchmark wants a result, or profiles with --benchmark-cprofile: a real one.
            if not clock.is_in_round:
                live()

        self.benchmark.pedantic(inference, rounds=len(samples), iterations=iterations)
        kept = self.benchmark.stats
        if kept is None or kept.stats.data != samples or kept.options["timer"] is not clock:
            raise RuntimeError("pytest-benchmark did not keep the samples: another marker or version changed its clock")


@pytest.fixture
def record(benchmark: BenchmarkFixture, request: pytest.FixtureRequest) -> Record:
    """Report blocks of samples to pytest-benchmark, with what they say about their own measurement."""
    if benchmark.disabled and not request.config.getoption("benchmark_disable"):
        words = "nothing is timed under pytest-xdist: leave out -n, or add --benchmark-disable to check answers only"
        pytest.fail(words, pytrace=False)
    return Record(benchmark, request.node)


def _headline(facts: Facts, blocks: Sequence[Block]) -> str:
    """Return the figure that is shown as it is measured: the mean of a client that a quota stops now and then."""
    statistic = "mean" if facts.statistic == "mean" else "median"
    # Without an interval: what the machine did meanwhile is known at the end of the run.
    words = f"{statistic} {milliseconds(figure(of_starts(blocks, statistic)).value)}"
    return words if (number := blocks[0].iterations) == 1 else f"{words}, in rows of {number}"


def milliseconds(seconds: float) -> str:
    """Write a time as people compare it: three digits at least, in milliseconds."""
    return f"{digits(seconds)} ms"


def digits(seconds: float) -> str:
    """Write a time without its unit, which is milliseconds."""
    return f"{seconds * 1e3:,.3f}" if seconds >= 1e-4 else f"{seconds * 1e3:#.3g}"


def describe(facts: Facts, blocks: Sequence[Block], images: int) -> dict[str, Any]:
    """Return what a result says about its own measurement, for extra_info.

    Times in seconds. Percentiles are left out where the samples are too few to carry them, processor time where the
    system does not tell it.
    """
    samples = sorted(seconds for block in blocks for seconds in block.seconds)
    carried = (q for q in PERCENTILES if len(samples) * min(q, 100 - q) >= FEWEST_BEYOND)
    info = in_force(facts) | {f"p{q}": percentile(samples, q) for q in carried}
    info[keys.STARTS] = [[len(block.seconds) for block in start] for start in by_start(blocks)]
    info[keys.FIGURES] = {name: figure(of_starts(blocks, name)).to_json() for name in STATISTICS}
    if images:
        info["images_per_second"] = images / math.fsum(block.duration for block in blocks)
    if cpu := cpu_per_inference(blocks):
        info[keys.CPU_SECONDS] = cpu
    return info | _elsewhere(blocks, in_worker=facts.where == "worker")


def _computing(block: Block) -> Sequence[float]:
    return block.computing


def _transfer(block: Block) -> list[float]:
    """Return what each sample took beside the worker's own part."""
    return [max(0.0, whole - part) for whole, part in zip(block.seconds, block.computing, strict=True)]


def _elsewhere(blocks: Sequence[Block], *, in_worker: bool) -> dict[str, Any]:
    """Return what is known of an inference's part in a server, or of its way to a worker, and of bytes on the wire."""
    info: dict[str, Any] = {}
    if all(block.computing for block in blocks):
        key, seconds = (keys.TRANSFER_SECONDS, _transfer) if in_worker else (keys.SERVER_SECONDS, _computing)
        parts = [replace(block, seconds=seconds(block)) for block in blocks]
        info[key] = figure(of_starts(parts, "median")).to_json()
    if carried := [(block.wire, block.inferences) for block in blocks if block.wire]:
        ways = (("up", 0), ("down", 1))
        info[keys.WIRE_BYTES] = {way: statistics.median(wire[at] / n for wire, n in carried) for way, at in ways}
    return info


def in_force(facts: Facts) -> dict[str, Any]:
    """Return what a session proved, for extra_info."""
    info = {
        keys.EXECUTION_PROVIDER: facts.execution_provider,
        keys.THREADS: facts.threads,
        keys.CLOCK: facts.clock,
        "clock_resolution": facts.clock_resolution,
        keys.STATISTIC: facts.statistic,
        keys.SURROUNDING: facts.surrounding,
        keys.DETAILS: {**facts.details},
    }
    for key, part in ((keys.NETWORK, facts.network), (keys.SERVER, facts.server), (keys.UPLOAD, facts.upload)):
        info |= {key: asdict(part)} if part else {}
    if facts.slowdown:
        info[keys.SLOWDOWN] = {name: value for name, value in asdict(facts.slowdown).items() if value is not None}
    info |= {keys.WHERE: facts.where} if facts.where == "worker" else {}
    return info | ({keys.SOFTWARE_GPU: True} if facts.is_software else {})
