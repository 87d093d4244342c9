"""A process that does the job as the server: ``python -m benchmarks.fleet.serving PARENT``.

It is told case and settings, and then asked by the names of :class:`Serving`; only :mod:`benchmarks.fleet.rates` talks
to it. What it does for an image is what a page does: pixels are normalised a chunk at a time, then inferred.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.apart import Requests
from benchmarks.fleet.rates import Served
from benchmarks.platforms import PLATFORMS
from benchmarks.protocol import Case, Facts, Images, PlatformError, Session, UnavailableError, filled
from benchmarks.settings import Settings
from models.cifar100 import normalise

CHUNK = 256  # images that are normalised at once
WARM_UP = 50  # inferences that nobody counts


@dataclass
class Serving:
    """What can be asked for, by name."""

    case: Case
    settings: Settings
    stack: ExitStack = field(default_factory=ExitStack)
    session: Session | None = None

    def open(self) -> Facts:
        """Open the case."""
        self.session = self.stack.enter_context(PLATFORMS["server-cpu"].open(self.case, self.settings))
        return self.session.facts

    def serve(self, images: Images, name: str, least: float) -> Served:
        """Classify *images*, and again until *least* seconds are over; *name* is the input's."""
        for _ in self._answers(replace(images, pixels=images.pixels[: WARM_UP * self.case.batch_size]), name):
            pass
        began, count, inferring, kept = time.perf_counter(), 0, 0.0, list[NDArray[Any]]()
        while not count or time.perf_counter() - began < least:
            is_first = not count
            for logits, seconds in self._answers(images, name):
                inferring += seconds
                count += len(logits)
                if is_first:
                    kept.append(logits)
        return Served(count, time.perf_counter() - began, inferring, np.concatenate(kept))

    def _answers(self, images: Images, name: str) -> Iterator[tuple[NDArray[Any], float]]:
        """Yield the logits of each batch, and the seconds of its inference."""
        assert self.session is not None, "ask for open first"
        size = self.case.batch_size
        step = CHUNK // size * size or size
        for start in range(0, len(images.pixels), step):
            values = normalise(images.pixels[start : start + step], images.mean, images.std)
            for first in range(0, len(values), size):
                batch = values[first : first + size]
                block = self.session.time({name: filled(batch, size)}, 1)
                (logits,) = block.outputs.values()
                yield logits[: len(batch)], block.seconds[0]


def main() -> None:
    """Answer until nothing more can be asked."""
    requests = Requests()
    serving = Serving(*requests.first())
    with serving.stack:
        requests.answer(serving, (PlatformError, UnavailableError))


if __name__ == "__main__":
    main()
