"""The server's own rate on the same job: ``server-cpu`` in processes of its own, each on one thread."""

from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.apart import Apart
from benchmarks.fleet.job import NUMBER, Job
from benchmarks.inputs import case_of
from benchmarks.platforms.native import INPUT
from benchmarks.protocol import PlatformError
from benchmarks.results.fleet import ServerRate
from benchmarks.settings import Settings

LEAST = 3.0  # seconds of work, however few the images are
PATIENCE = 20.0  # times the limit of an answer: this is many inferences


@dataclass(frozen=True)
class Served:
    """Images that a server classified. Times in seconds."""

    images: int
    seconds: float  # all of it
    inferring: float
    logits: NDArray[Any]  # [images, classes], of the first time round


def measure(job: Job, workers: int, settings: Settings, when: str) -> ServerRate:
    """Have so many processes do the job at once, each a part; raise PlatformError where one's answers are wrong."""
    case = case_of(job.artefact, job.batch)
    with ExitStack() as stack:
        processes = [stack.enter_context(closing(Apart("benchmarks.fleet.serving", _failed))) for _ in range(workers)]
        for process in processes:
            process.ask(case, settings)
            process.ask("open")
        for process in processes:
            process.answer(settings.timeout)
        spans = _spans(job.count, workers)
        for process, (start, stop) in zip(processes, spans, strict=True):
            process.ask("serve", replace(job.images, pixels=job.images.pixels[start:stop]), INPUT, LEAST)
        served = [process.answer(settings.timeout, PATIENCE) for process in processes]
    for one, span in zip(served, spans, strict=True):
        _check(job, one, *span)
    # Each at its own rate: one that is done early would leave the others a machine that is less busy.
    seconds = sum(one.images for one in served) / sum(one.images / one.seconds for one in served)
    inferring = sum(one.inferring for one in served)
    return ServerRate(when, workers, sum(one.images for one in served), seconds, inferring)


def _spans(images: int, workers: int) -> list[tuple[int, int]]:
    """Return a part for each worker; where there are fewer images than workers, all of them have all."""
    if images < workers:
        return [(0, images)] * workers
    ends = [images * worker // workers for worker in range(workers + 1)]
    return [*pairwise(ends)]


def _check(job: Job, served: Served, start: int, stop: int) -> None:
    content = np.ascontiguousarray(served.logits, NUMBER).tobytes()
    if fault := job.answer(start, stop, content).fault:
        raise PlatformError(f"server-cpu: {job.artefact.name}: {fault}")


def _failed(words: str) -> PlatformError:
    return PlatformError(f"server-cpu: the process that does the job {words}")
