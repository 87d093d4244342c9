"""Has one device measured after the other: two at once would disturb each other, and the server's turns with both."""

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from typing import Any

from benchmarks.devices.board import Board, rows
from benchmarks.devices.guests import Guest, Line
from benchmarks.devices.suite import Measure
from browser_harness.channel import PageError
from browser_harness.joined.browsers import BrowserMissingError

JOINING = 60.0  # seconds in which a browser that was started here has joined
WHY = "Devices are measured one after the other, for two at once would disturb each other."
Start = Callable[[], AbstractContextManager[Any]]  # starts a browser of this machine at the link


@dataclass
class Host:
    """What is to be done with those who come."""

    line: Line
    board: Board
    measure: Measure
    words: Sequence[str] = ()  # the suite's options
    most: int | None = None  # ends after so many were measured
    seconds: float | None = None  # ends when nobody new came for so long
    problems: list[str] = field(default_factory=list)  # of what never came into the line
    is_busy: bool = False  # with a device, or was when it was stopped

    def serve(self, browsers: Iterable[tuple[str, Start]] = ()) -> None:
        """Measure all who come, first those browsers of this machine, by name, each while it runs."""
        for name, start in browsers:
            if self._is_enough():
                return
            try:
                with start():
                    self._serve_browser(name)
            except (BrowserMissingError, PageError) as error:
                self._fail(f"{name}: {error}")
        while not self._is_enough() and (guest := self.line.next(self.seconds)):
            self._have_measured(guest)

    def _serve_browser(self, name: str) -> None:
        """Measure a browser that was started, and who else came meanwhile: it is waited for, whoever else is there."""
        before = len(self.line.guests)
        self.line.touch()
        while not self._is_enough() and (guest := self.line.next(self._joining(before))):
            self._have_measured(guest)
        if not self._is_enough() and self._joining(before):
            self._fail(f"{name} has not joined within {JOINING:g} s")

    def _joining(self, before: int) -> float:
        """Return how long it is waited for who was started; not at all once there are more guests than *before*."""
        return JOINING if len(self.line.guests) == before else 0.0

    def _fail(self, words: str) -> None:
        self.problems.append(words)
        self.board.say(f"problem  {words}")

    def _is_enough(self) -> bool:
        return self.most is not None and len(self.line.measured()) >= self.most

    def _have_measured(self, guest: Guest) -> None:
        guest.begin()
        self.is_busy = True
        self.line.changed()
        try:
            guest.outcome = self.measure(guest, self.words)
            self.is_busy = False
        finally:
            guest.is_measured = False
            self.line.touch()
            self.line.changed()
        guest.device.show({**guest.told, "state": "done", "words": _farewell(guest)})


def _farewell(guest: Guest) -> str:
    assert guest.outcome is not None
    if guest.outcome.run is None:
        return "Nothing could be measured here. This page can be closed."
    return "Done, and saved. Thank you! This page can be closed."


class Usher:
    """Shows on the board what changes, and tells those who wait where they stand, while the context lasts."""

    def __init__(self, line: Line, board: Board) -> None:
        self._line, self._board = line, board
        self._said: dict[int, str] = {}
        self._thread = threading.Thread(target=self._go, name="usher", daemon=True)
        self._ends = False

    def __enter__(self) -> "Usher":
        self._board.draw([*rows(self._line)])
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends = True
        self._line.changed()
        self._thread.join()
        self._board.draw([*rows(self._line)])

    def _go(self) -> None:
        seen = 0
        with suppress(BrokenPipeError):  # nobody reads on, and the command ends of that
            while not self._ends:
                seen = self._line.wait_for_change(seen)
                self._board.draw([*rows(self._line)])
                self._tell()

    def _tell(self) -> None:
        busy = sum(guest.is_measured for guest in self._line.guests)
        for before, guest in enumerate(self._line.waiting()):
            words = waiting_words(before + busy)
            if self._said.get(guest.number) != words:
                self._said[guest.number] = words
                guest.device.show({"state": "waiting", "words": words})


def waiting_words(before: int) -> str:
    """Return what one reads who waits for so many."""
    if not before:
        return "This device comes next."
    who = "One device is" if before == 1 else f"{before} devices are"
    return f"{who} before this one. {WHY} Please keep this page open."
