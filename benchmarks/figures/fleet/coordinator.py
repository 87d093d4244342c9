"""How many chunks and images a second the coordinator gives out: with clients that compute nothing."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
import psutil

from benchmarks.fleet.crew import Crew
from benchmarks.fleet.desk import Answer, Desk
from benchmarks.fleet.job import Job
from benchmarks.fleet.member import Member
from benchmarks.fleet.pace import Pace
from benchmarks.measuring.accuracy import Expectation
from benchmarks.protocol import Images
from benchmarks.settings import Settings
from browser_harness.channel import PageError
from browser_harness.host import Host
from browser_harness.joined import AnyDevice, door
from browser_harness.joined.server import joining
from models import manifest

CLIENTS = (1, 2, 4, 8, 16, 32, 64)
SIZES = (1, 8, 64, 512)  # images of a chunk
SEED, IMAGES, CLASSES = 64, 4096, 100
MOST = 8_000_000  # images: more than anybody answers meanwhile
JOINING, WARM_UP = 60.0, 0.5  # seconds
ROOT = Path(__file__).parents[3]


class FixedPace(Pace):
    """Chunks of one size."""

    def size(self, rate: float | None, share: float, free: int, batch: int = 1) -> int:
        """Return it."""
        return min(free, self.first)


class Endless(Job):
    """A job of the same images again and again, of which nobody waits for the end."""

    def pixels(self, start: int, stop: int) -> bytes:
        """Return what a page is sent of some of them."""
        first = start % IMAGES
        return super().pixels(first, first + stop - start)

    def answer(self, start: int, stop: int, content: bytes | None) -> Answer:
        """Hold an answer against the expected one."""
        first = start % IMAGES
        return super().answer(first, first + stop - start, content)


@dataclass(frozen=True)
class Limit:
    """What the coordinator did. Shares are of one core, of processor time over the time that passed."""

    clients: int
    size: int
    chunks: float  # a second
    coordinator: float
    others: float  # the clients' process

    @property
    def images(self) -> float:
        """Images a second."""
        return self.chunks * self.size


def made_up() -> Job:
    """Return images and answers that nobody computed."""
    chance = np.random.default_rng(SEED)
    pixels = chance.integers(0, 256, (IMAGES, 3, 32, 32), np.uint8)
    logits = chance.standard_normal((IMAGES, CLASSES), np.float32)
    artefact = manifest.load(manifest.chosen()[0])
    images, nobody = Images(pixels, (0.5,) * 3, (0.5,) * 3), Expectation(IMAGES, 0, "nobody is right on")
    return Endless(artefact, images, logits.argmax(1), logits, 1e-5, 1, nobody)


def measure(clients: int, size: int, seconds: float, job: Job | None = None) -> Limit:
    """Have so many clients answer chunks of *size* images for some *seconds*; return how many there were."""
    job, desk = job or made_up(), Desk(MOST, pace=FixedPace(first=size))
    with _crew(clients, job, desk) as (crew, process):
        _wait_for(crew, clients)
        desk.begin()
        time.sleep(WARM_UP)
        before = _reading(desk, process)
        time.sleep(seconds)
        after = _reading(desk, process)
        desk.close()
    wall, chunks, ours, theirs = (then - now for now, then in zip(before, after, strict=True))
    return Limit(clients, size, chunks / wall, ours / wall, theirs / wall)


def _reading(desk: Desk, process: psutil.Process) -> tuple[float, float, float, float]:
    """Return the time, the chunks that count, and the processor seconds of both sides."""
    times = process.cpu_times()
    counted = sum(entry.fate == "counted" for entry in desk.entries())
    return time.perf_counter(), counted, time.process_time(), times.user + times.system


@contextmanager
def _crew(clients: int, job: Job, desk: Desk) -> Iterator[tuple[Crew, psutil.Process]]:
    """Have so many clients join, all in a process of their own."""

    def member(device: AnyDevice, number: int, host: Host | None) -> Member:
        return Member(device, number, job, desk, Settings(), host)

    crew = Crew(member)
    with _wide_door(), joining(on_join=crew.welcome) as server, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answers.npz"
        np.savez(file, pixels=job.images.pixels, logits=job.expected)
        command = [sys.executable, "-m", "benchmarks.figures.fleet.noop", server.url, str(clients), str(file)]
        with subprocess.Popen(command, cwd=ROOT) as process:
            try:
                yield crew, psutil.Process(process.pid)
            finally:
                desk.close()
                process.terminate()
    crew.join()


@contextmanager
def _wide_door() -> Iterator[None]:
    """Let a device ask as often as it likes: how often the door lets it is known, and not what is looked for."""
    with patch.object(door, "OF_DEVICE", (10**9, 1e9)):
        yield


def _wait_for(crew: Crew, clients: int) -> None:
    until = time.monotonic() + JOINING
    while len(crew.ready) < clients:
        if time.monotonic() > until:
            raise PageError(f"{len(crew.ready)} of {clients} clients have joined within {JOINING:g} s")
        time.sleep(0.1)
