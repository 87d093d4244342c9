"""Whether a device is here: connected, and its page to be seen. How often it was not, and for how long."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Literal

# "coming": connected, and has not yet said whether its page is to be seen.
State = Literal["away", "coming", "paused", "here"]


class Presence:
    """Where a device is, in the loop's thread; it begins away. *clock* counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.state: State = "away"
        self.interruptions = 0  # all times that it left or was hidden
        self._clock, self._left, self._hidden = clock, 0, 0
        self._missed_since: float | None = clock()  # None while it is here
        self._seconds_missed, self._has_been_here = 0.0, False
        self._changed = asyncio.Event()
        self.on_change: Callable[[], None] = lambda: None

    def came(self) -> None:
        """Note that it is connected."""
        self._be("coming")

    def went(self) -> None:
        """Note that its connection has ended."""
        if self.state != "away":
            self._left += 1
            self.interruptions += 1
            self._be("away")

    def told(self, *, is_visible: bool) -> None:
        """Note what it said of its page."""
        if self.state == "away":
            return  # the last words of a connection that has ended
        if not is_visible and self.state != "paused":
            self._hidden += 1
            self.interruptions += 1
        self._be("here" if is_visible else "paused")

    async def wait(self, seconds: float) -> bool:
        """Wait until it is here, for so many *seconds* since it last was; return whether it is.

        So a device that stays away is waited for once, however often that is asked.
        """
        missed = 0.0 if self._missed_since is None else self._clock() - self._missed_since
        try:
            async with asyncio.timeout(seconds - missed):
                while self.state != "here":
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def story(self) -> dict[str, Any]:
        """Return how often it ``left`` and was ``hidden``, and for how many seconds, since it was first here."""
        missing = 0.0 if self._missed_since is None else self._clock() - self._missed_since
        missed = self._seconds_missed + (missing if self._has_been_here else 0.0)
        return {"left": self._left, "hidden": self._hidden, "seconds_missed": round(missed, 1)}

    def _be(self, state: State) -> None:
        if state == "here" and self._missed_since is not None:
            self._seconds_missed += self._clock() - self._missed_since if self._has_been_here else 0.0
            self._missed_since, self._has_been_here = None, True
        elif state != "here" and self._missed_since is None:
            self._missed_since = self._clock()
        self.state = state
        self._changed.set()
        self._changed = asyncio.Event()
        self.on_change()
