"""What a network is asked to be, and what was obtained."""

from dataclasses import dataclass

TOLERANCE = 0.1  # of what was asked
SMALL = 1e-3  # s: a round trip that is off by less is not worth a doubt


@dataclass(frozen=True)
class Conditions:
    """A round trip in seconds and rates in bit/s, 0 for no limit; seen from the client, down is what it receives."""

    name: str  # as it stands in the names of cases: cable, or 60ms-10mbit-1mbit
    round_trip: float
    down: float
    up: float
    source: str = ""  # of a profile: where its figures come from


@dataclass(frozen=True)
class Obtained:
    """What was measured through a link: seconds and bit/s; a rate is None where none was asked for."""

    round_trip: float
    down: float | None
    up: float | None


LOOPBACK = Conditions("loopback", 0.0, 0.0, 0.0)  # no link at all


def doubt(asked: Conditions, obtained: Obtained) -> str | None:
    """Say in words where a network is not what was asked for; None where it is, within a tenth."""
    round_trips, rates = (asked.round_trip, obtained.round_trip), []
    for way, wanted, got in (("down", asked.down, obtained.down), ("up", asked.up, obtained.up)):
        if wanted and got is None:
            rates.append(f"{way} not measured")
        elif wanted and got is not None and abs(got - wanted) > TOLERANCE * wanted:
            rates.append(f"{way} {got / 1e6:.3g} Mbit/s for {wanted / 1e6:.3g}")
    off = abs(obtained.round_trip - asked.round_trip) > max(TOLERANCE * asked.round_trip, SMALL)
    words = [f"round trip {round_trips[1] * 1e3:.3g} ms for {round_trips[0] * 1e3:.3g}"] if off else []
    return f"{asked.name}: {', '.join(words + rates)}" if words or rates else None
