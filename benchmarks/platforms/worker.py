"""A fresh process that opens one case: ``python -m benchmarks.platforms.worker``.

Reads (platform, case, feeds, settings) as a pickle from standard input, and writes the Opening, or the error that the
platform explained, to standard output. Only :class:`benchmarks.platforms.native.FreshProcesses` calls it.
"""

import os
import pickle
import sys
import time
from pathlib import Path

from benchmarks.protocol import Case, Feeds, Memory, Opening, Platform, PlatformError, UnavailableError
from benchmarks.settings import Settings

ROUNDS = 20  # after the first two inferences, so that memory has been grown into


def open_once(platform: Platform, case: Case, feeds: Feeds, settings: Settings) -> Opening:
    """Open, run, and look at the memory."""
    before = _status("VmRSS")
    start = time.perf_counter()
    with platform.open(case, settings) as session:
        load = time.perf_counter() - start
        (first,), (second,) = session.time(feeds, 1).seconds, session.time(feeds, 1).seconds
        outputs = session.time(feeds, ROUNDS).outputs
        return Opening(load, first, second, outputs, Memory(before, _status("VmHWM")), session.facts)


def _status(name: str) -> int | None:
    """Return a line of this process's memory figures, in bytes."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:  # Linux only
        return None
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


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
