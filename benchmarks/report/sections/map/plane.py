"""The plane of networks: round trip in ms against Mbit/s each way, both logarithmic; what lies where on it.

A network whose two rates differ lies where the same bytes take as long at one rate each way: so what the formulas say
of it holds there, too.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.decide import BANDWIDTHS, ROUND_TRIPS, Decision
from benchmarks.decide.formulas import transfer
from browser_harness.network import Conditions

MILLI, MEGA = 1e3, 1e6
STEPS, FEW = 81, 2  # points of a border, and every few that are drawn
# Where letters stand, of the grid's round trips in ms and Mbit/s: all of them would stand too close.
TICKS = (1, 5, 20, 50, 100, 200, 400)
LETTERED, COLUMNS = (1, 5, 20, 50, 100, 200, 400), (0.75, 1.5, 3.0, 9.0, 20.0, 100.0)
BESIDE, ABOVE = 10.0, 12.0  # px: what is nearer would be written over each other

Place = tuple[float, float]  # Mbit/s each way, ms
Taken = tuple[Place, float, float]  # and so many px of what is written to its left and right


@dataclass(frozen=True)
class Frame:
    """The part of the plane that is shown, and on how many pixels."""

    rates: tuple[float, float] = (0.6, 125.0)
    round_trips: tuple[float, float] = (0.75, 560.0)
    width: int = 296
    height: int = 150

    def around(self, places: Iterable[Place]) -> "Frame":
        """Return it wide enough for *places*, too."""
        rates, round_trips = [*self.rates], [*self.round_trips]
        for rate, round_trip in places:
            rates += [rate * 0.8, rate * 1.25]
            round_trips += [round_trip * 0.8, round_trip * 1.25]
        ends = (min(rates), max(rates)), (min(round_trips), max(round_trips))
        return Frame(*ends, self.width, self.height)

    def pixels(self, place: Place) -> tuple[float, float]:
        """Return where a place is, from the left and from below."""
        across, up = (
            math.log(value / low) / math.log(high / low)
            for value, (low, high) in zip(place, (self.rates, self.round_trips), strict=True)
        )
        return across * self.width, up * self.height

    def clamped(self, round_trip: float) -> float:
        """Return a round trip in ms, or the edge that it lies beyond."""
        low, high = self.round_trips
        return min(max(round_trip, low), high)


def place(network: Conditions, wire: tuple[float, float]) -> Place | None:
    """Return where a network lies for an exchange of so many bytes up and down; None where it has no limit, or no way.

    Its rate is that at which, each way, these bytes take as long as on the network.
    """
    if not (network.round_trip and network.up and network.down):
        return None
    up, down = wire
    seconds = transfer(up, network.up) + transfer(down, network.down)
    return transfer(up + down, 1.0) / seconds / MEGA, network.round_trip * MILLI


def border(decision: Decision, frame: Frame) -> list[dict[str, float]]:
    """Return the border from the left to the right: Mbit/s, and the round trip with its ends in ms, within the frame.

    Below ``low`` the server's later answers are the earlier ones, above ``high`` the client's.
    """
    low, high = frame.rates
    rates = [low * (high / low) ** (step / (STEPS - 1)) for step in range(STEPS)]
    spans = [(rate, decision.border_at(rate)) for rate in rates]
    return [
        {"rate": rate, **{end: frame.clamped(getattr(span, end) * MILLI) for end in ("low", "value", "high")}}
        for rate, span in spans
    ]


def thinned(points: Sequence[dict[str, float]]) -> list[dict[str, float]]:
    """Return every few of *points*, and both ends: what is drawn of them looks the same."""
    return [point for at, point in enumerate(points) if at % FEW == 0 or at == len(points) - 1]


def line(points: Sequence[dict[str, float]], frame: Frame) -> list[dict[str, float]]:
    """Return of a border what lies within the frame: along an edge there is none."""
    low, high = frame.round_trips
    return thinned([point for point in points if low < point["value"] < high])


def letters(decision: Decision, taken: Sequence[Taken], frame: Frame) -> Iterator[tuple[Place, str]]:
    """Yield who wins at places of the decision's grid, but where they would be written over what is *taken*."""
    for round_trip, row in zip(ROUND_TRIPS, decision.grid, strict=True):
        for rate, winner in zip(BANDWIDTHS, row, strict=True):
            at = rate, round_trip * MILLI
            if round(at[1]) in LETTERED and rate in COLUMNS and not any(is_over(at, other, frame) for other in taken):
                yield at, winner


def is_over(place: Place, taken: Taken, frame: Frame) -> bool:
    """Whether a letter at a place would touch what is written at another."""
    (across, up), (x, y) = frame.pixels(place), frame.pixels(taken[0])
    return -taken[1] - BESIDE < across - x < taken[2] + BESIDE and abs(up - y) < ABOVE
