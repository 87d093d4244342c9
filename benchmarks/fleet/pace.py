"""How many images a device is given at once, how long it may take for them, and when another may take them over.

Weighted factoring (S. F. Hummel, J. Schmidt, R. N. Uma, J. Wein, "Load-sharing in heterogeneous systems via weighted
factoring", SPAA 1996; factoring: S. F. Hummel, E. Schonberg, L. E. Flynn, "Factoring: a method for scheduling parallel
loops", CACM 35(8), 1992): who is free is given half of its share of what is left, by its speed. So chunks shrink as the
end comes, and nobody waits long for the last one. Guided self-scheduling (C. D. Polychronopoulos, D. J. Kuck, IEEE
Transactions on Computers C-36(12), 1987), which gives away the whole share, would give a device that slows down too
much to catch up with. Beyond that a chunk is bounded: above, so that little is lost with a device; below, so that going
there and back is a small part of it.

What is out at the end is given to an idle device besides, where that will be done much earlier: the backup tasks of
J. Dean, S. Ghemawat, "MapReduce", OSDI 2004.
"""

import math
from dataclasses import dataclass

GIVEN = 0.5  # of a device's share of what is left


@dataclass(frozen=True)
class Pace:
    """The bounds of a chunk. Times are in seconds, rates in images a second."""

    longest: float = 1.5  # that a chunk is to take
    shortest: float = 0.25
    first: int = 8  # images of a device whose speed nobody knows yet
    most: int = 1024  # images
    patience: float = 10.0  # for a chunk, at least
    times: float = 5.0  # as long as expected may a chunk take
    unknown: float = 60.0  # that the first chunk of a device may take
    worth: float = 1.5  # times as long as the taker's own time must be left, for it to take a chunk over

    def size(self, rate: float | None, share: float, free: int, batch: int = 1) -> int:
        """Return how many images of *free* ones a device is given: whole batches, but at the end.

        *share* is its part of the speed of all that are here, above 0 and at most 1.
        """
        if rate is None:
            wanted = float(self.first)
        else:
            wanted = max(min(rate * self.longest, free * share * GIVEN), rate * self.shortest)
        return min(free, batch * math.ceil(max(1.0, min(wanted, self.most)) / batch))

    def limit(self, rate: float | None, images: int) -> float:
        """Return how long a device may take for so many images before they are given to another."""
        return self.unknown if rate is None else max(self.patience, self.times * images / rate)

    def is_worth(self, own: float, left: float) -> bool:
        """Whether a chunk is taken over that takes the taker *own* seconds, and the other has *left*."""
        return own * self.worth < left
