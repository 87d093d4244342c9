"""Weaker clients by the field's names, and what such a name can promise: one table for all that use or tell them.

The factors are Lighthouse's (``docs/throttling.md``, by its BenchmarkIndex), seen from a high-end desktop. They are of
JavaScript: a phone whose vector units are narrow may be slower than that at WebAssembly with SIMD, or at WebNN.
"""

import argparse
from dataclasses import dataclass

SOURCE = "Lighthouse's docs/throttling.md"
CAVEAT = "a factor of JavaScript, not of WebAssembly with SIMD; this machine is taken for the high-end desktop"


@dataclass(frozen=True)
class Client:
    """A class of devices: how many times weaker than a high-end desktop, and from where to where such devices are."""

    name: str
    factor: int
    low: int
    high: int

    @property
    def words(self) -> str:
        """What it is called in a sentence: ``mid-tier mobile``."""
        return " ".join(self.name.rsplit("-", 1))


CLIENTS = {
    client.name: client
    for client in (
        Client("low-end-desktop", 2, 1, 4),
        Client("high-end-mobile", 2, 1, 4),
        Client("mid-tier-mobile", 4, 2, 10),
        Client("low-end-mobile", 10, 5, 20),
    )
}
# How many times weaker than this machine a client can be made: by the names above, and 6, which has none.
SLOWDOWNS = tuple(sorted({6, *(client.factor for client in CLIENTS.values())}))


def called(factor: int) -> str:
    """Return what clients so many times weaker are called, in words; nothing where they have no name."""
    return " or ".join(client.words for client in CLIENTS.values() if client.factor == factor)


def client(text: str) -> Client:
    """Read ``--client``: the name of a class of devices."""
    if text not in CLIENTS:
        known = ", ".join(f"{one.name} ({one.factor} times weaker)" for one in CLIENTS.values())
        raise argparse.ArgumentTypeError(f"unknown client {text!r}: choose from {known}")
    return CLIENTS[text]


def factor(text: str) -> int:
    """Read either: how many times weaker a client is, or what it is called."""
    return slowdown(text) if text.isdecimal() else client(text).factor


def slowdown(text: str) -> int:
    """Read ``--slowdown``: how many times weaker a client is."""
    if text not in map(str, SLOWDOWNS):
        raise argparse.ArgumentTypeError(f"{text!r} is not among {', '.join(map(str, SLOWDOWNS))}")
    return int(text)
