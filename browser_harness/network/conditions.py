"""What a network is asked to be, and what was obtained."""

from dataclasses import dataclass


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
