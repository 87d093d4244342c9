"""A fixed piece of work, timed between the blocks of every benchmark: the witness of the machine's state.

Under the same numpy it does the same on every version of the suite: where it takes longer, the machine is slower.
"""

import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from benchmarks.measuring.ratio import p10

Drawn = TypeVar("Drawn")
SIZE = 192
SHOTS = 5
# With the version: its library of linear algebra does the work.
# Apple's, which numpy has on macOS, is told no number of threads.
THREADS = "one thread" if ThreadpoolController().select(user_api="blas").lib_controllers else "threads unknown"
WORKLOAD = f"numpy {np.__version__}: product of two {SIZE}x{SIZE} float32 matrices, {THREADS}"


class Witness:
    """A product of two matrices: like a convolution, it is bound by multiplications that lie in the caches."""

    def __init__(self) -> None:
        self._matrix = np.random.default_rng(1).standard_normal((SIZE, SIZE), dtype=np.float32)
        self._controller = ThreadpoolController()
        self._seconds: list[float] = []

    def look(self) -> None:
        """Time it a few times, after a first run that only fills the caches."""
        matrix, clock = self._matrix, time.perf_counter
        with self._controller.limit(limits=1):
            matrix @ matrix
            for _ in range(SHOTS):
                start = clock()
                matrix @ matrix
                self._seconds.append(clock() - start)

    def look_after(self, blocks: Iterable[Drawn], every: int = 1) -> Iterator[Drawn]:
        """Pass *blocks* on as they are drawn, with a look after *every* so many, the first among them."""
        for number, block in enumerate(blocks):
            if number % every == 0:
                self.look()
            yield block

    def facts(self) -> dict[str, Any]:
        """Return what it saw, for extra_info; times in seconds."""
        seconds = self._seconds
        middle = float(np.median(seconds))
        return {"workload": WORKLOAD, "p10": p10(seconds), "median": middle, "rounds": len(seconds)}
