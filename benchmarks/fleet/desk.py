"""Where the devices' threads ask for chunks: the book with a lock and a clock, and what each answer is held against."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.fleet.book import Book, Chunk, Entry, Fate
from benchmarks.fleet.pace import Pace

LOOKS = 0.1  # seconds after which one that has nothing to do looks again whether another is slow


@dataclass(frozen=True)
class Answer:
    """What a device sent for a chunk."""

    classes: NDArray[np.intp]  # the highest of each image
    fault: str = ""  # why it is no right answer


class Desk:
    """Gives out chunks from :meth:`begin` on, until all images count or :meth:`close` is called."""

    def __init__(
        self, images: int, batch: int = 1, pace: Pace | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.book, self.clock = Book(images, batch, pace), clock
        self.classes: NDArray[np.intp] = np.full(images, -1)  # as they count
        self.began: float | None = None
        self.ended: float | None = None
        self._changed = threading.Condition()

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to do."""
        return self.ended is not None

    def begin(self) -> None:
        """Start the clock, and give out."""
        with self._changed:
            self.began = self.clock()
            self._changed.notify_all()

    def close(self) -> None:
        """Give out nothing more."""
        with self._changed:
            self._end()

    def come(self, device: int) -> None:
        """Note that a device is here."""
        with self._changed:
            self.book.come(device)

    def leave(self, device: int, fate: Fate, why: str = "") -> None:
        """Note that a device is gone, and why; what it has is another's."""
        with self._changed:
            self.book.leave(device, self.clock(), fate, why)
            self._changed.notify_all()

    def take(self, device: int) -> Chunk | None:
        """Wait for a chunk; None where there is none any more."""
        with self._changed:
            while not self.is_over:
                if self.began is not None and (chunk := self.book.take(device, self.clock())):
                    return chunk
                self._changed.wait(None if self.began is None else LOOKS)
        return None

    def answer(self, chunk: Chunk, answer: Answer, *, is_hidden: bool = False) -> Entry:
        """Book an answer."""
        with self._changed:
            if self.is_over:
                return self.book.entries[chunk.number]
            entry = self.book.answer(chunk.number, self.clock(), is_hidden=is_hidden, fault=answer.fault)
            if entry.fate == "counted":
                self.classes[chunk.start : chunk.stop] = answer.classes
            if self.book.is_done:
                self._end()
            self._changed.notify_all()
            return entry

    def fail(self, chunk: Chunk, why: str) -> Entry:
        """Book that there is no answer."""
        with self._changed:
            entry = self.book.fail(chunk.number, self.clock(), why)
            self._changed.notify_all()
            return entry

    def wait(self, seconds: float) -> bool:
        """Wait until it is over, or so long; return whether it is."""
        with self._changed:
            self.book.expire(self.clock())
            return self._changed.wait_for(lambda: self.is_over, seconds)

    def progress(self) -> tuple[int, float | None]:
        """Return how many images count, and in how many seconds all will; None where nobody knows."""
        done = self.book.images - self.book.left
        seconds = (self.ended or self.clock()) - self.began if self.began is not None else 0.0
        return done, self.book.left * seconds / done if done else None

    def entries(self) -> Sequence[Entry]:
        """Return what became of each chunk so far."""
        with self._changed:
            return [*self.book.entries]

    def _end(self) -> None:
        if self.ended is None:
            self.ended = self.clock()
            self._changed.notify_all()
