"""Samples drawn elsewhere become pytest-benchmark rounds: drawn first, then replayed on a clock that reads them.

pytest-benchmark times a function with a timer. The function here is a replay and the timer a :class:`ReplayClock`,
so that statistics, table, JSON, histogram, ``compare`` and ``--benchmark-compare-fail`` work on raw samples wherever
they were measured, and nothing private of pytest-benchmark is touched.
"""

import gc
import math
import statistics
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Protocol

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.protocol import Block, Feeds, Session
from benchmarks.reference import Question, check_parity
from benchmarks.report import BUSY, TOLD, milliseconds
from benchmarks.sampler import Plan, draw, warm_up

# Below this share of processor time in the time measured, something else ran on the cores of the benchmark.
BUSY_SHARE = 0.9

Measure = Callable[[Session, Question], None]


class Record(Protocol):
    """What the fixture ``record`` gives."""

    def __call__(self, session: Session, feeds: Feeds, blocks: list[Block], images: int, told: str = "") -> None:
        """Report *blocks* of inferences of *feeds*, *images* in all; *told* is shown instead of their median."""


class ReplayClock:
    """A timer that reads 0 before a replayed call and the sample after it: end - start is the sample, bit for bit."""

    def __init__(self) -> None:
        self.__name__ = "unset"  # what pytest-benchmark stores as the benchmark's timer
        self._now = 0.0
        self._sample: float | None = None

    def __call__(self) -> float:
        """Return the time, in seconds."""
        return self._now

    def arm(self, sample: float | None) -> None:
        """Make *sample* the length of the next call; None when there is none left."""
        self._now, self._sample = 0.0, sample

    def fire(self) -> bool:
        """Let the armed sample pass; False where none was left."""
        if self._sample is None:
            return False
        self._now = self._sample
        return True


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


@pytest.fixture
def measure(record: Record, benchmark: BenchmarkFixture, request: pytest.FixtureRequest) -> Measure:
    """Time an open session on one question, hold every block against the answer, report to pytest-benchmark."""
    marker = request.node.get_closest_marker("benchmark").kwargs

    def option(name: str) -> Any:
        return marker.get(name, request.config.getoption(f"benchmark_{name}"))

    def measured(session: Session, question: Question) -> None:
        feeds, answer = question.feeds, (question.expected, question.tolerance)
        parity = [check_parity(session.facts.platform, session.run(feeds), *answer)]
        if benchmark.disabled:
            return record(session, feeds, [], 0)
        plan = _plan(option)
        with _no_garbage_collection() if option("disable_gc") else nullcontext():
            warm = warm_up(session, feeds, plan)
            blocks = list(draw(session, feeds, plan, estimate=min(warm, default=None)))
        parity += [check_parity(session.facts.platform, block.outputs, *answer) for block in blocks]
        benchmark.extra_info.update(parity=max(parity), warmup_rounds=len(warm))
        return record(session, feeds, blocks, question.batch_size * sum(len(block.seconds) for block in blocks))

    return measured


@pytest.fixture
def record(benchmark: BenchmarkFixture, request: pytest.FixtureRequest) -> Record:
    """Report blocks of samples to pytest-benchmark, with what they say about their own measurement."""
    clock = request.node.get_closest_marker("benchmark").kwargs["timer"]
    if benchmark.disabled and not request.config.getoption("benchmark_disable"):
        pytest.fail(
            "nothing is timed under pytest-xdist: leave out -n, or add --benchmark-disable to check answers only"
        )

    def recorded(session: Session, feeds: Feeds, blocks: list[Block], images: int, told: str = "") -> None:
        if benchmark.disabled:
            benchmark.pedantic(session.run, (feeds,))
            return
        benchmark.extra_info.update(describe(session, blocks, images))
        samples = [value for block in blocks for value in block.seconds]
        _replay(benchmark, clock, session, feeds, samples)
        request.node.user_properties.append((TOLD, told or f"median {milliseconds(statistics.median(samples))}"))
        if (share := benchmark.extra_info.get("computing_share", 1)) < BUSY_SHARE:
            request.node.user_properties.append((BUSY, f"{share:.0%}"))

    return recorded


def _plan(option: Callable[[str], Any]) -> Plan:
    return Plan(
        min_rounds=int(option("min_rounds")),
        max_time=float(option("max_time")),
        warmup_rounds=int(option("warmup_iterations")) if option("warmup") else 0,
        precision=float(option("precision")) if option("precision") else None,
        confidence=float(option("confidence")),
    )


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """``--benchmark-disable-gc`` while samples are drawn in this process; a page collects as it likes."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _replay(
    benchmark: BenchmarkFixture, clock: ReplayClock, session: Session, feeds: Feeds, samples: list[float]
) -> None:
    clock.__name__ = session.facts.clock
    left = iter(samples)

    def inference() -> None:
        if not clock.fire():  # --benchmark-cprofile calls once more: profile a real inference
            session.run(feeds)

    benchmark.pedantic(inference, setup=lambda: clock.arm(next(left, None)), rounds=len(samples))
    kept = benchmark.stats
    if kept is None or kept.stats.data != samples or kept.options["timer"] is not clock:
        raise RuntimeError("pytest-benchmark did not keep the samples: another marker or version changed its clock")


def describe(session: Session, blocks: list[Block], images: int) -> dict[str, Any]:
    """Return what a result says about its own measurement, for extra_info.

    Times in seconds. Percentiles are left out where the samples are too few to carry them, processor time where the
    system does not tell it.
    """
    samples = sorted(value for block in blocks for value in block.seconds)
    cpu = [block.cpu.all_threads for block in blocks if block.cpu]
    facts, total = session.facts, math.fsum(samples)
    info = {
        "execution_provider": facts.execution_provider,
        "threads": facts.threads,
        "clock": facts.clock,
        "clock_resolution": facts.clock_resolution,
        "blocks": len(blocks),
        "images_per_second": images / total,
        **{f"p{q}": percentile(samples, q) for q in (10, 50, 90, 95, 99) if len(samples) * min(q, 100 - q) >= 100},
        **facts.details,
    }
    if len(cpu) == len(blocks):
        cpu_total = math.fsum(cpu)
        info["cpu_seconds_per_inference"] = cpu_total / len(samples)
        info["computing_share"] = cpu_total / (total * facts.threads)
    return info


def percentile(ordered: list[float], q: float) -> float:
    """Return the nearest-rank percentile of *ordered* values: always one that was observed."""
    return ordered[max(0, math.ceil(q / 100 * len(ordered)) - 1)]
