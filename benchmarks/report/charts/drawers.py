"""Many charts, drawn by several processes: one draws a chart after another, and holds up all else while it does."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from queue import SimpleQueue
from typing import Any

from benchmarks.apart import Apart
from benchmarks.hardware import QUOTA, REACHED
from benchmarks.report.charts import drawing

Spec = Mapping[str, Any]
Begin = Callable[[Callable[[], Spec]], "Future[str]"]

MANY = 100  # benchmarks, from which on it is worth it: a process takes half a second to begin
MOST = 4
PATIENCE = 600.0  # seconds for a chart: one that takes so long is none


class DrawingError(Exception):
    """A process that draws has ended, or hangs."""


@contextmanager
def drawers(benchmarks: int) -> Iterator[Begin]:
    """Yield what begins to make a chart's spec, and to draw it, in a report of so many *benchmarks*."""
    number = min(MOST, int(QUOTA or REACHED)) if benchmarks >= MANY else 1
    with ExitStack() as stack:
        draw = drawing.drawn if number < 2 else _by_turns([stack.enter_context(_apart()) for _ in range(number)])
        threads = ThreadPoolExecutor(number)
        stack.callback(threads.shutdown, cancel_futures=True)
        yield lambda spec: threads.submit(lambda: draw(spec()))


def _apart() -> "closing[Apart]":
    return closing(Apart("benchmarks.report.charts.drawer", lambda words: DrawingError(f"what draws {words}")))


def _by_turns(apart: list[Apart]) -> Callable[[Spec], str]:
    """Return what has a chart drawn by the process that is free."""
    free = SimpleQueue[Apart]()
    for one in apart:
        free.put(one)

    def draw(spec: Spec) -> str:
        one = free.get()
        try:
            one.ask("drawn", spec)
            return str(one.answer(PATIENCE))
        finally:
            free.put(one)

    return draw
