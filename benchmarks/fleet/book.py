"""Which images are given to whom, and what became of each chunk: the book of a job that many devices drain.

Nothing here has a clock, a thread or a network: times are told, in seconds of any one clock. Each image counts once.
Whose time is over loses its chunk, and what it answers later is discarded.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from benchmarks.fleet.pace import Pace

# What became of a chunk. counted: its images count by this answer. beaten: another device's answer to the same images
# came first. late: answered after its time was over. left: its device went. hung: nothing came in time. lied: the
# answer was wrong. failed: the page broke. open: not answered when the job ended.
Fate = Literal["counted", "beaten", "late", "left", "hung", "lied", "failed", "open"]
LOST: tuple[Fate, ...] = ("late", "left", "hung", "lied", "failed")  # by a fault of the device
LATEST = 0.5  # weight of the latest chunk in a device's speed


@dataclass(frozen=True)
class Chunk:
    """Images that were given to a device, and until when it has time for them."""

    number: int
    device: int
    start: int
    stop: int
    taken: float
    expected: float | None  # when it will have answered, by its speed; None where that is not known
    due: float
    takes_over: int | None = None  # the chunk of the same images that another device is slow with

    @property
    def images(self) -> int:
        """How many."""
        return self.stop - self.start

    @property
    def span(self) -> tuple[int, int]:
        """From which image on, and before which one it ends."""
        return self.start, self.stop

    def left(self, now: float) -> float:
        """Return in how many seconds it is expected; what is late already is taken to be late as long again."""
        return now - self.taken if self.expected is None else abs(self.expected - now)


@dataclass(frozen=True)
class Entry:
    """What became of a chunk."""

    chunk: Chunk
    fate: Fate = "open"
    ended: float | None = None  # None where it has not
    is_hidden: bool = False  # its page was, at some time: it says nothing of the device's speed
    why: str = ""


class Book:
    """The images from 0 to *images*, all of them free at the beginning."""

    def __init__(self, images: int, batch: int = 1, pace: Pace | None = None) -> None:
        self.images, self.batch, self.pace = images, batch, pace or Pace()
        self.left = images  # that do not count yet
        self.entries: list[Entry] = []  # by the chunk's number
        self._free = [(0, images)] if images else []
        self._out: dict[int, Chunk] = {}  # by number
        self._counted = np.zeros(images, bool)
        self._rates: dict[int, float | None] = {}  # of the devices that are here

    @property
    def is_done(self) -> bool:
        """Whether all of them count."""
        return self.left == 0

    def rate(self, device: int) -> float | None:
        """Return the images a second of a device that is here, as its latest chunks went; None where nobody knows."""
        return self._rates.get(device)

    def come(self, device: int) -> None:
        """Note that a device is here, for the first time or again."""
        self._rates.setdefault(device, None)

    def leave(self, device: int, now: float, fate: Fate = "left", why: str = "") -> None:
        """Note that a device is gone; the chunk that it has is another's."""
        for chunk in [chunk for chunk in self._out.values() if chunk.device == device]:
            self._close(chunk, now, fate, why=why)
        self._rates.pop(device, None)

    def take(self, device: int, now: float) -> Chunk | None:
        """Give a device that has none a chunk; None where there is nothing for it to do now."""
        self.expire(now)
        if self._free:
            return self._give(device, now, self._cut(device))
        slow = self._slowest(device, now)
        return self._give(device, now, slow.span, slow.number) if slow else None

    def answer(self, number: int, now: float, *, is_hidden: bool = False, fault: str = "") -> Entry:
        """Note that a chunk was answered, rightly unless there is a *fault*; return what became of it."""
        self.expire(now)
        chunk = self._out.get(number)
        if chunk is None:
            return self._late(number, now, tells_speed=not (is_hidden or fault))
        if fault:
            return self._close(chunk, now, "lied", is_hidden, fault)
        if self._counted[chunk.start]:
            return self._close(chunk, now, "beaten", is_hidden)
        self._counted[chunk.start : chunk.stop] = True
        self.left -= chunk.images
        if not is_hidden:
            self._learn(chunk, now)
        return self._close(chunk, now, "counted", is_hidden)

    def fail(self, number: int, now: float, why: str) -> Entry:
        """Note that a chunk was not answered: its page broke, or nothing came in time."""
        chunk = self._out.get(number)
        return self.entries[number] if chunk is None else self._close(chunk, now, "failed", why=why)

    def expire(self, now: float) -> list[Entry]:
        """Take chunks whose time is over from their devices; return what became of them."""
        return [self._close(chunk, now, "hung") for chunk in [*self._out.values()] if now > chunk.due]

    def _cut(self, device: int) -> tuple[int, int]:
        """Take as many of the free images as the device is to have."""
        rate, free = self.rate(device), sum(stop - start for start, stop in self._free)
        start, stop = self._free.pop(0)
        end = start + min(stop - start, self.pace.size(rate, self._share(device), free, self.batch))
        if end < stop:
            self._free.insert(0, (end, stop))
        return start, end

    def _share(self, device: int) -> float:
        """Return a device's part of the speed of all that are here; one whose speed nobody knows has a mean one."""
        known = [rate for rate in self._rates.values() if rate]
        mean = sum(known) / len(known) if known else 1.0
        return (self.rate(device) or mean) / sum(rate or mean for rate in self._rates.values())

    def _give(self, device: int, now: float, span: tuple[int, int], takes_over: int | None = None) -> Chunk:
        rate, images = self.rate(device), span[1] - span[0]
        due, expected = now + self.pace.limit(rate, images), now + images / rate if rate else None
        chunk = Chunk(len(self.entries), device, *span, now, expected, due, takes_over)
        self._out[chunk.number] = chunk
        self.entries.append(Entry(chunk))
        return chunk

    def _slowest(self, device: int, now: float) -> Chunk | None:
        """Return the chunk that is expected last, where the device would be done with it much earlier."""
        if (rate := self.rate(device)) is None:
            return None
        found = [chunk for chunk in self._out.values() if self._is_alone(chunk) and not self._counted[chunk.start]]
        last = max(found, key=lambda chunk: chunk.left(now), default=None)
        return last if last and self.pace.is_worth(last.images / rate, last.left(now)) else None

    def _is_alone(self, chunk: Chunk) -> bool:
        """Whether no other chunk that is out has the same images."""
        return sum(other.start == chunk.start for other in self._out.values()) == 1

    def _close(self, chunk: Chunk, now: float, fate: Fate, is_hidden: bool = False, why: str = "") -> Entry:
        if fate not in ("counted", "beaten") and self._is_alone(chunk) and not self._counted[chunk.start]:
            self._free.insert(0, chunk.span)
        del self._out[chunk.number]
        entry = self.entries[chunk.number] = Entry(chunk, fate, now, is_hidden, why)
        return entry

    def _late(self, number: int, now: float, *, tells_speed: bool) -> Entry:
        """Note an answer to a chunk that was taken away; one that is slow has the time for its next that it needs."""
        entry = self.entries[number]
        if entry.fate == "hung":
            entry = self.entries[number] = replace(entry, fate="late", ended=now)
            if tells_speed:
                self._learn(entry.chunk, now)
        return entry

    def _learn(self, chunk: Chunk, now: float) -> None:
        """Note how fast a device that is here was with a chunk."""
        if chunk.device in self._rates:
            latest = chunk.images / max(now - chunk.taken, 1e-6)
            self._rates[chunk.device] = _smoothed(self.rate(chunk.device), latest)


def _smoothed(rate: float | None, latest: float) -> float:
    return latest if rate is None else LATEST * latest + (1 - LATEST) * rate
