"""A weaker client that was asked for by name is told as what it is: a factor, with its range and its source."""

from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.clients import CAVEAT, CLIENTS, SOURCE, Client
from benchmarks.protocol import Facts
from benchmarks.results import keys
from benchmarks.results.saved import Result

NAMES = "clients"  # in the slowdown of extra_info: {"mid-tier-mobile": [2, 10]}, by name the range of such devices


def named(facts: Facts, clients: Iterable[Client]) -> dict[str, Any]:
    """Return by which of the names asked for a session's slowdown goes, with their ranges, for its part of extra_info.

    Empty of a client that was asked for by a number, or that is not slowed down.
    """
    factor = facts.slowdown.asked if facts.slowdown else 1
    ranges = {client.name: [client.low, client.high] for client in clients if client.factor == factor}
    return {NAMES: ranges} if ranges else {}


def client_lines(results: Sequence[Result]) -> list[str]:
    """Return a line for each name: what it stands for, and what it does not."""
    told = [result.info.get(keys.SLOWDOWN, {}).get(NAMES, {}) for result in results]
    return [f"client   {_words(CLIENTS[name])}" for name in dict.fromkeys(name for names in told for name in names)]


def _words(client: Client) -> str:
    return f"{client.name}: {client.factor} times weaker ({client.low} to {client.high}) by {SOURCE}: {CAVEAT}"
