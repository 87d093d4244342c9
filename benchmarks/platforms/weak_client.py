"""How much weaker a weak client really is."""

import math
import statistics
from collections.abc import Callable, Sequence

from browser_harness.host import Host

BLOCKS, SECONDS = 3, 0.3


def obtained_slowdown(time: Callable[[int], Sequence[float]], host: Host) -> float:
    """Return how many times slower inferences are while *host* slows them down, from blocks with and without in turn.

    *time* returns the seconds of so many inferences.
    """
    quick: list[float] = []
    slowed: list[float] = []
    host.run_freely()
    estimate = _settled(time)
    for _ in range(BLOCKS):
        host.run_freely()
        quick += time(math.ceil(SECONDS / estimate))
        host.slow_down()
        slowed += time(math.ceil(SECONDS / estimate / host.slowdown))
    return statistics.fmean(slowed) / statistics.fmean(quick)


def _settled(time: Callable[[int], Sequence[float]]) -> float:
    """Run until the browser has compiled what it runs, which would use up the quota; return seconds a time."""
    rounds = 2
    while not (mean := time(rounds)[-1]):  # shorter than a step of the clock
        rounds *= 2
    for _ in range(BLOCKS):
        mean = statistics.fmean(time(math.ceil(SECONDS / mean)))
    return mean
