"""What a person sees while a job is drained: a line a device, and the time left; what happens stays above them."""

import sys
import threading
from collections.abc import Iterator, Sequence
from typing import TextIO

from benchmarks.fleet.desk import Desk
from benchmarks.fleet.member import Member
from benchmarks.results.numbers import NONE, counted, three

UP, CLEAR = "\x1b[{}A", "\x1b[J"  # a terminal's: so many lines up; nothing from here to the end


class Board:
    """Lines that are drawn anew on a terminal, and written one below the other elsewhere."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self.is_redrawn = self._stream.isatty()
        self._drawn: list[str] = []
        self._lock = threading.Lock()

    def tell(self, words: str) -> None:
        """Write a line that stays."""
        with self._lock:
            self._write([words], self._drawn)

    def draw(self, lines: Sequence[str]) -> None:
        """Put *lines* in the place of those that were drawn last."""
        with self._lock:
            self._write([], lines)

    def end(self) -> None:
        """Let what is drawn stay."""
        with self._lock:
            self._drawn = []

    def _write(self, staying: Sequence[str], drawn: Sequence[str]) -> None:
        if self.is_redrawn:
            back = UP.format(len(self._drawn)) + CLEAR if self._drawn else ""
            self._stream.write(back + "".join(f"{line}\n" for line in [*staying, *drawn]))
            self._drawn = [*drawn]
        else:
            self._stream.write("".join(f"{line}\n" for line in staying or drawn))
        self._stream.flush()


def lines(desk: Desk, members: Sequence[Member], now: float) -> Iterator[str]:
    """Yield how far each device and the job are."""
    book, began = desk.book, desk.began or now
    for member in members:
        rate, work = book.rate(member.number), member.work
        lost = f", {work.lost} lost" if work.lost else ""
        yield (
            f"  {member.name:<26} {_rate(rate):>10}  {work.images:>7,} images in {counted(work.chunks, 'chunk')}{lost}"
            f"{'' if member.state in ('ready', 'works') else f'  ({member.state})'}"
        )
    (done, left), seconds = desk.progress(), now - began
    waits = f", {three(left)} s left" if left else ""
    together = _rate(done / seconds if seconds and done else None)
    yield f"  {'together':<26} {together:>10}  {done:>7,} of {book.images:,}{waits}"


def _rate(rate: float | None) -> str:
    return NONE if rate is None else f"{three(rate)}/s"
