"""A fresh process that opens one case: ``python -m benchmarks.platforms.worker``.

Reads (platform, case, feeds, settings) as a pickle from standard input, and writes the Opening, or the error that the
platform explained, to standard output. Only :class:`benchmarks.platforms.native.FreshProcesses` calls it.
"""

import os
import pickle
import sys
import time

from benchmarks.protocol import (
    OPENING_ROUNDS,
    Case,
    Feeds,
    Memory,
    Opening,
    Platform,
    PlatformError,
    UnavailableError,
)
from benchmarks.settings import Settings
from browser_harness.processes import memory


def open_once(platform: Platform, case: Case, feeds: Feeds, settings: Settings) -> Opening:
    """Open, run, and look at the memory; what the platform looks for beforehand is not on the clock."""
    before = memory("self", "VmRSS")
    if reason := platform.unavailable(settings):
        raise UnavailableError(reason)
    start = time.perf_counter()
    with platform.open(case, settings) as session:
        load = time.perf_counter() - start
        (first,), (second,) = session.time(feeds, 1).seconds, session.time(feeds, 1).seconds
        outputs = session.time(feeds, OPENING_ROUNDS).outputs
        return Opening(load, first, second, outputs, Memory(before, memory("self", "VmHWM")), session.facts)


def main() -> None:
    """Answer once; what a runtime prints goes to standard error."""
    answer = os.dup(1)
    os.dup2(2, 1)
    arguments = pickle.load(sys.stdin.buffer)  # noqa: S301 (our own parent's)
    try:
        result: Opening | Exception = open_once(*arguments)
    except (PlatformError, UnavailableError) as error:
        result = error
    with os.fdopen(answer, "wb") as channel:
        pickle.dump(result, channel)


if __name__ == "__main__":
    main()
