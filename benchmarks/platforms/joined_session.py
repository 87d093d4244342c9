"""A case open in a page of a device that joined, which may leave and come back, or hide its page for a while.

What was measured then does not count. It is measured again from its beginning: in a page that is opened anew where that
was lost, and in one that is warm again in any case.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from numpy.typing import NDArray

from benchmarks.platforms.page_runtime import InEffect, PageCase
from benchmarks.platforms.page_session import DrivenSession
from benchmarks.protocol import Block, Blocking, Facts, Feeds
from browser_harness.host import Host
from browser_harness.joined import AwayError, JoinedPage, LeftError

MOST_CUTS = 10  # attempts at one thing: a page that hides each time would go on for ever
STALL, MOST_STALLS = 1.0, 5  # seconds of a call that its samples fill half of, or it is asked again; how often at most
WARM_UP, MOST_ROUNDS = 0.15, 200  # seconds of inferences, and the most of them, as a start is warmed up

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Patience:
    """For how long a device is waited for, and what is known of why it cannot come back."""

    seconds: float
    fault: Callable[[], str | None] = lambda: None
    remedy: str = "open the link again and leave its page in front, or raise --device-patience"


class JoinedSession(DrivenSession):
    """A case open in a page of a device that joined."""

    _channel: JoinedPage

    def __init__(self, case: PageCase, channel: JoinedPage, host: Host, patience: Patience) -> None:
        super().__init__(case, channel, host)
        self._patience = patience
        self._cut: AwayError | None = None  # after which the page was not made good yet
        self._began = 0.0  # when what was asked last began, after all that was cut
        self._on_the_way = 0.0  # seconds that large outputs of it were

    def _facts(self, in_effect: InEffect) -> Facts:
        """Tell, besides, whose processor time is counted, if anybody's.

        What it asked its server for was loaded: of the modules that a worker imports, WebKit says nothing.
        """
        loaded = dict.fromkeys([*in_effect["loaded"], *self._channel.loaded()])
        facts = super()._facts({**in_effect, "loaded": [*loaded]})
        return replace(facts, details={**facts.details, "cpu_time_of": self._host.counted})

    def open(self) -> float:
        """Open the model in a new page; return the seconds from asking for the runtime to an open session."""
        seconds = self._uncut(super().open)
        self._cut = None
        return seconds

    def time(self, feeds: Feeds, rounds: int, iterations: int = 1) -> Block:
        """Time *rounds* samples in one call."""
        asked, once = time.perf_counter(), super().time
        block = self._in_good_page(
            partial(self._in_time, partial(once, feeds, rounds, iterations)), partial(once, feeds)
        )
        return replace(block, beside=block.beside + self._began - asked + self._on_the_way)

    def _in_time(self, draw: Callable[[], Block]) -> Block:
        """Return a block whose call did not lie on the way: a radio may stall for seconds, and nobody could tell then.

        One that is slow whenever it is asked is returned as it is, and refused by whoever draws it.
        """
        for _ in range(MOST_STALLS):
            self._began, self._on_the_way = time.perf_counter(), 0.0
            block = draw()
            seconds = time.perf_counter() - self._began - self._on_the_way
            if seconds <= STALL or block.duration >= seconds / 2:
                break
        return block

    def _output(self, name: str, output: dict[str, Any]) -> NDArray[Any]:
        """Return an output; note how long a large one was on its way."""
        began = time.perf_counter()
        array = super()._output(name, output)
        self._on_the_way += time.perf_counter() - began
        return array

    def blocking(self, feeds: Feeds, seconds: float) -> tuple[Block, Blocking]:
        """Run inferences for some *seconds* while the page draws an animation."""
        return self._in_good_page(partial(super().blocking, feeds, seconds), partial(super().time, feeds))

    def _answer(self, source: dict[str, Any]) -> Block:
        once = partial(super()._answer, source)
        return self._in_good_page(once, lambda _rounds: once())

    def _in_good_page(self, deed: Callable[[], Answer], run: Callable[[int], Block]) -> Answer:
        """Return what *deed* does in a page that is open and warm; *run* is what warms it up, by rounds."""

        def done() -> Answer:
            if self._cut:
                self._make_good(self._cut, run)
            self._began = time.perf_counter()
            return deed()

        return self._uncut(done)

    def _make_good(self, cut: AwayError, run: Callable[[int], Block]) -> None:
        """Have the page as it was: open, and warm. One that ages by what it runs is no longer as it was."""
        if isinstance(cut, LeftError) or self.facts.lifetime:
            facts = self.facts  # of the page that fetched everything
            super().open()
            self.facts = facts
        run(1)
        (second,) = run(1).seconds
        run(min(MOST_ROUNDS, math.ceil(WARM_UP / second)) if second else MOST_ROUNDS)
        self._cut = None

    def _uncut(self, deed: Callable[[], Answer]) -> Answer:
        """Return what *deed* does; from its beginning, each time that the device is back."""
        for _ in range(MOST_CUTS):
            try:
                return deed()
            except AwayError as error:
                self._wait(error)
        raise self._case.failed(f"{self._cut}, {MOST_CUTS} times in a row: leave it in front, and run again")

    def _wait(self, cut: AwayError) -> None:
        if not isinstance(self._cut, LeftError):  # a page that is lost stays lost, however often the new one is hidden
            self._cut = cut
        fault, seconds = self._patience.fault(), self._patience.seconds
        with self._case.explained():  # who let the device in may have ended, too
            if self._channel.device.wait(0 if fault else seconds):
                return
        words = f"{cut}, and was not back within {seconds:g} s: {self._patience.remedy}"
        # It may have ended only after its page was lost.
        raise self._case.failed(fault or self._patience.fault() or words) from cut
