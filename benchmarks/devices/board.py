"""Who has come, and how it stands with each: redrawn where there is a screen, a line for each change elsewhere."""

import shutil
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import TextIO

from benchmarks.devices.guests import Guest, Line
from models.names import shown

UP = "\x1b[{}F\x1b[J"  # to the beginning of a line so many above, and all below it away (ECMA-48)
MINUTE = 60
NOBODY = "nobody has come yet"


def state(guest: Guest, line: Line) -> str:
    """Say how it stands with a guest."""
    if guest.outcome is not None:
        return f"not whole: {guest.outcome.why}" if guest.outcome.why else "done"
    if guest.is_measured:
        return _measuring(guest)
    if guest.device.dismissed:
        return f"was sent home: {guest.device.dismissed}"
    if guest.state == "away":
        return "left before its turn; it may come back"
    before = line.waiting().index(guest) + sum(other.is_measured for other in line.guests)
    hidden = ", its page is hidden" if guest.state == "paused" else ""
    return f"waits for its turn, {before} before it{hidden}" if before else f"comes next{hidden}"


def _measuring(guest: Guest) -> str:
    if guest.state == "away":
        return "left in the midst; it may come back"
    if guest.state == "paused":
        return "paused: its page is hidden"
    told = guest.told
    if not told.get("of"):
        return "is measured: the run begins"
    number = min(told["done"] + 1, told["of"]) if told.get("words") else told["done"]
    words = [f"measuring {number} of {told['of']}", told.get("words"), _left(told.get("seconds_left"))]
    return ", ".join(word for word in words if word)


def _left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds / MINUTE:.0f} min left" if seconds > 2 * MINUTE else f"{seconds:.0f} s left"


def rows(line: Line) -> Iterator[tuple[int, str, str]]:
    """Yield of each guest its number, its name and its state; what it says of itself drives no terminal."""
    for guest in [*line.guests]:
        yield guest.number, shown(guest.name), shown(state(guest, line))


class Board:
    """The bottom of a screen, or a log."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._is_screen = self._stream.isatty()
        self._drawn = 0  # lines of the screen
        self._known: dict[int, str] = {}
        self._lock = threading.Lock()
        self._rows: Sequence[tuple[int, str, str]] | None = None  # None until they are drawn

    def draw(self, told: Sequence[tuple[int, str, str]]) -> None:
        """Show these rows in place of the ones before."""
        with self._lock:
            self._rows = told
            self._redraw() if self._is_screen else self._log()

    def say(self, *lines: str) -> None:
        """Write lines that stay, above the rows."""
        with self._lock:
            self._erase()
            for one in lines:
                print(one, file=self._stream)
            if self._is_screen:
                self._redraw()
            self._stream.flush()

    def end(self) -> None:
        """Leave the rows where they are."""
        with self._lock:
            self._drawn, self._is_screen = 0, False

    def _log(self) -> None:
        for number, name, words in self._rows or ():
            if self._known.get(number) != words:
                self._known[number] = words
                print(f"device {number}  {name}: {words}", file=self._stream, flush=True)

    def _redraw(self) -> None:
        self._erase()
        if self._rows is None:
            return
        width = shutil.get_terminal_size().columns - 1
        told = [f"{number:>3}  {name}: {words}"[:width] for number, name, words in self._rows] or [NOBODY]
        print("\n".join(told), file=self._stream)
        self._drawn = len(told)
        self._stream.flush()

    def _erase(self) -> None:
        if self._drawn:
            print(UP.format(self._drawn), end="", file=self._stream)
            self._drawn = 0
