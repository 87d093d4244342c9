"""How much of something is let through: so many at once, and so many a second after that."""

import time
from collections.abc import Callable, Hashable

MOST_KNOWN = 10_000  # who are kept in mind; who has come to rest is forgotten first


class Rate:
    """A bucket of tokens for each who asks: *at_once* fit in, *a_second* are put back. *clock* counts seconds."""

    def __init__(self, at_once: int, a_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._at_once, self._a_second, self._clock = at_once, a_second, clock
        self._left: dict[Hashable, tuple[float, float]] = {}  # how many, and when

    def allows(self, who: Hashable = None) -> bool:
        """Take a token, if there is one."""
        left, now = self._now(who), self._clock()
        if len(self._left) >= MOST_KNOWN and who not in self._left:
            self._forget()
        self._left[who] = max(0.0, left - 1), now
        return left >= 1

    def _now(self, who: Hashable) -> float:
        left, since = self._left.get(who, (float(self._at_once), 0.0))
        return min(float(self._at_once), left + (self._clock() - since) * self._a_second)

    def _forget(self) -> None:
        """Forget who has all tokens again; all, where nobody has: then most come from nowhere."""
        self._left = {who: state for who, state in self._left.items() if self._now(who) < self._at_once}
        if len(self._left) >= MOST_KNOWN:
            self._left.clear()
