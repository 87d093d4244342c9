"""Networks as a person writes them."""

import re
from collections.abc import Callable, Mapping

from browser_harness.network.conditions import LOOPBACK, Conditions
from browser_harness.network.profiles import PROFILES

MOST_ROUND_TRIP = 10.0  # s: beyond it programs give up before a network does
LEAST_RATE, MOST_RATE = 10e3, 1e9  # bit/s: the most is about what a program can carry

SECONDS = {"ms": 1e-3, "s": 1.0}
BITS = {"kbit": 1e3, "mbit": 1e6, "gbit": 1e9}
WRITTEN = "rtt=60ms,down=10mbit,up=1mbit"
# Who asks for these wants a browser to pretend, which a page can tell from a network.
PRETENDED = ("cdp", "devtools", "playwright")


def parse(text: str) -> Conditions:
    """Return the conditions that a person asks for by ``--network``: a profile's by its name, or figures.

    Raises ValueError in one line: what is wrong, and what would be right.
    """
    if text == LOOPBACK.name:
        return LOOPBACK
    if text in PROFILES:
        return PROFILES[text]
    if text.lower() in PRETENDED:
        raise ValueError(
            f"network {text!r}: a browser's own emulation shows no handshake, no preflight and no slow start, and "
            f"first requests come 2 round trips early; ask for a link: {WRITTEN}, or a profile such as devtools-slow-4g"
        )
    if "=" not in text:
        raise ValueError(
            f"network {text!r} is unknown; known are {', '.join([LOOPBACK.name, *PROFILES])}, and {WRITTEN}"
        )
    return _in_figures(text)


def of_name(name: str) -> Conditions:
    """Return the conditions of that name: of a profile, or of figures as :func:`parse` names them."""
    if name == LOOPBACK.name or name in PROFILES:
        return parse(name)
    return parse(",".join(f"{key}={value}" for key, value in zip(("rtt", "down", "up"), name.split("-"), strict=False)))


def _in_figures(text: str) -> Conditions:
    """Return conditions written as ``rtt=60ms,down=10mbit,up=1mbit``, in any order, with a name of its own for each."""
    read: Mapping[str, Callable[[str, str], float]] = {"rtt": _round_trip, "down": _rate, "up": _rate}
    found: dict[str, float] = {}
    for part in text.split(","):
        key = part.partition("=")[0].strip()
        if key not in read:
            raise ValueError(
                f"network {text!r}: {key or part!r} is unknown; known are rtt, down and up, as in {WRITTEN}"
            )
        if key in found:
            raise ValueError(f"network {text!r}: {key} is given twice")
        found[key] = read[key](text, part.strip())
    if "rtt" not in found:
        raise ValueError(f"network {text!r}: rtt is missing; write {WRITTEN}")
    if ("down" in found) != ("up" in found):
        absent = "up" if "down" in found else "down"
        raise ValueError(f"network {text!r}: {absent} is missing; give both rates, or none for no limit")
    down, up = found.get("down", 0.0), found.get("up", 0.0)
    words = [f"{found['rtt'] * 1e3:.10g}ms", *(_written(rate) for rate in (down, up) if rate)]
    return Conditions("-".join(words), found["rtt"], down, up)


def _round_trip(text: str, part: str) -> float:
    seconds = _quantity(text, part, SECONDS)
    if seconds > MOST_ROUND_TRIP:
        raise ValueError(f"network {text!r}: {part} is more than {MOST_ROUND_TRIP:g} s")
    return seconds


def _rate(text: str, part: str) -> float:
    rate = _quantity(text, part, BITS)
    if not LEAST_RATE <= rate <= MOST_RATE:
        limits = f"{_written(LEAST_RATE)} to {_written(MOST_RATE)}"
        raise ValueError(f"network {text!r}: {part} is not within {limits}; leave both rates out for no limit")
    return rate


def _quantity(text: str, part: str, units: Mapping[str, float]) -> float:
    """Return a number with a unit; nothing that is negative, infinite, or no number matches."""
    match = re.fullmatch(r"\w+\s*=\s*([0-9]{1,12}(?:\.[0-9]{1,12})?|\.[0-9]{1,12})\s*([a-z]+)", part, re.ASCII)
    if not match or match[2] not in units:
        raise ValueError(f"network {text!r}: {part} is not a number in {' or '.join(units)}, as in {WRITTEN}")
    # Rounded, so that 0.06 s and 60 ms are the same network.
    return round(float(match[1]) * units[match[2]], 9)


def _written(rate: float) -> str:
    """Return a rate in the largest unit that it fills."""
    unit = max((unit for unit in BITS if BITS[unit] <= rate), key=BITS.__getitem__, default="kbit")
    return f"{rate / BITS[unit]:.10g}{unit}"
