"""Client or server: the answers of both sides on a network, the border between them, and what else decides."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.decide import formulas
from benchmarks.decide.measured import Model
from benchmarks.decide.prices import Prices
from benchmarks.decide.sides import (
    COLD,
    KEPT_WITHIN,
    WARM,
    Candidate,
    ClientClass,
    Served,
    classes,
    quickest,
    served,
)
from benchmarks.decide.spans import Span
from browser_harness.network import Conditions

Winner = Literal["client", "server", "undecided", "not measured"]
MEGABIT = 1e6
BANDWIDTHS = (0.75, 1.5, 3.0, 5.0, 9.0, 20.0, 100.0)  # Mbit/s each way
ROUND_TRIPS = (0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4)  # seconds
STUDYS = "server-cpu"  # the study's server: its rate stands in for one of which none was measured
SPOKEN = 9.0  # Mbit/s that a sentence speaks of: the 75th percentile of 2026


def winner(client: Span | None, server: Span | None) -> Winner:
    """Return whose answer is the earlier one; undecided where the intervals overlap."""
    if client is None or server is None:
        return "not measured"
    is_client = client.is_below(server)
    return "undecided" if is_client is None else "client" if is_client else "server"


@dataclass(frozen=True)
class Answer:
    """What both sides answer on a network, in seconds."""

    network: Conditions
    server: Served  # the one whose later answers are the earliest
    server_later: Span
    server_first: Span
    client: Candidate
    client_later: Span
    client_first: Span | None  # with cold caches
    client_again: Span | None  # the first of another visit, with warm caches

    @classmethod
    def of(cls, network: Conditions, servers: Sequence[Served], client: Candidate) -> "Answer":
        """Return the answers of the quickest server and a client."""
        server = quickest(servers, network)
        return cls(
            network,
            server,
            server.kept(network),
            server.first(network),
            client,
            client.later,
            client.first(network, COLD),
            client.first(network, WARM),
        )

    @property
    def later(self) -> Winner:
        """Whose later answers come earlier."""
        return winner(self.client_later, self.server_later)

    @property
    def first(self) -> Winner:
        """Whose first answer comes earlier, to someone who has nothing in the cache."""
        return winner(self.client_first, self.server_first)

    @property
    def pays_back(self) -> dict[str, Span | None]:
        """After how many predictions the client has needed no more time in all, by what its caches held."""
        return {COLD: self._after(self.client_first), WARM: self._after(self.client_again)}

    def _after(self, first: Span | None) -> Span | None:
        if first is None:
            return None
        later, server_first, server_later = self.client_later, self.server_first, self.server_later
        return Span(
            formulas.break_even(first.value, later.value, server_first.value, server_later.value),
            formulas.break_even(first.low, later.low, server_first.high, server_later.high),
            formulas.break_even(first.high, later.high, server_first.low, server_later.low),
        )


def each_way(bandwidth: float, round_trip: float = 0.0) -> Conditions:
    """Return a network of so many Mbit/s each way."""
    rate = bandwidth * MEGABIT
    return Conditions(f"{round_trip * 1e3:g}ms-{bandwidth:g}mbit-{bandwidth:g}mbit", round_trip, rate, rate)


def border(servers: Sequence[Served], client: Candidate, bandwidth: float) -> Span:
    """Return the round trip in seconds above which the client wins, at so many Mbit/s each way; 0 where it always does.

    The interval is where the answers are undecided: where what the prediction may be off by, too, decides who wins.
    """
    network = each_way(bandwidth)
    exchange = quickest(servers, network).exchange(network)
    reach = client.later.widened(KEPT_WITHIN)
    return Span(
        formulas.border(client.later.value, exchange.value),
        formulas.border(reach.low, exchange.high),
        formulas.border(reach.high, exchange.low),
    )


def grid(servers: Sequence[Served], client: Candidate) -> list[list[Winner]]:
    """Return who wins at each of ROUND_TRIPS, and there at each of BANDWIDTHS."""
    return [
        [_later(each_way(bandwidth, round_trip), servers, client) for bandwidth in BANDWIDTHS]
        for round_trip in ROUND_TRIPS
    ]


def _later(network: Conditions, servers: Sequence[Served], client: Candidate) -> Winner:
    """Return whose later answers come earlier; first ones, which take the most to predict, are left alone."""
    return winner(client.later, quickest(servers, network).kept(network))


@dataclass(frozen=True)
class Equal:
    """How many clients compute as much as one server."""

    clients: Span
    duty: float
    how: str  # the rates were found


def equal(model: Model, server: Served, client: Candidate, duty: float) -> Equal:
    """Return how many clients of a class equal the server: by the rate that it carries, where that was measured."""
    busy, how = _busy(model, server)
    return Equal(clients_per_server(rate(busy), rate(client.later), duty), duty, f"client by 1 / latency, {how}")


def clients_per_server(server: Span, client: Span, duty: float = 1.0) -> Span:
    """Return how many clients compute as much as one server, from the rates of both."""
    return Span(
        formulas.clients_per_server(server.value, client.value, duty),
        formulas.clients_per_server(server.low, client.high, duty),
        formulas.clients_per_server(server.high, client.low, duty),
    )


def _busy(model: Model, server: Served) -> tuple[Span, str]:
    """Return how long a prediction keeps the server busy, in seconds, and how that is known."""
    for name in (server.platform, STUDYS):
        if found := model.rate(name):
            reading, scenario = found
            whose = "its" if name == server.platform else f"{name}'s"
            return rate(reading.span), f"server by {whose} measured rate, {scenario}"
    return (
        server.inference or server.kept_at_zero,
        "server by 1 / latency of one after another (its rate is not measured: -m throughput)",
    )


def rate(span: Span) -> Span:
    """Return how many in a second; and of so many in a second, how long each."""
    value, low, high = (1 / end if end else math.inf for end in (span.value, span.high, span.low))
    return Span(value, low, high)


@dataclass(frozen=True)
class Money:
    """What it costs, in the currency of the prices."""

    server: Span  # a thousand predictions
    download: float | None  # a thousand first visits of the client; None where its bytes are not known
    currency: str = ""  # as the file of prices has it


def money(model: Model, server: Served, client: Candidate, prices: Prices) -> Money:
    """Return what a thousand predictions cost on the server, and a thousand first downloads."""
    busy, _ = _busy(model, server)
    costs = [
        formulas.money(seconds, prices.server_per_hour, server.wire[1], prices.sent_per_gb)
        for seconds in (busy.value, busy.low, busy.high)
    ]
    size = client.download.wire
    visits = formulas.money(0.0, 0.0, size, prices.sent_per_gb) if size else None
    return Money(Span(*costs), visits, prices.currency)


@dataclass(frozen=True)
class Decision:
    """All that is answered of a model for a class of clients."""

    model: Model
    clients: ClientClass
    servers: Sequence[Served]
    answers: Sequence[Answer]
    borders: dict[float, Span]  # by Mbit/s each way, in seconds
    bare: Span | None  # the border at SPOKEN of servers whose own stack takes nothing; None where that is not known
    grid: Sequence[Sequence[Winner]]
    equal: Equal
    money: Money | None
    light: "Light | None" = None  # instead of a client that is marked; None where it is not, or none is known

    @property
    def client(self) -> Candidate:
        """The runtime that answers on the client."""
        return self.clients.answering

    def border_at(self, bandwidth: float) -> Span:
        """Return the border at any rate, in Mbit/s each way; those of BANDWIDTHS are in ``borders``."""
        return border(self.servers, self.client, bandwidth)

    def later_on(self, network: Conditions) -> Winner:
        """Return whose later answers come earlier on a network that was not asked for."""
        return Answer.of(network, self.servers, self.client).later


@dataclass(frozen=True)
class Light:
    """The quickest client that is known to burden no page, and its border at SPOKEN."""

    client: Candidate
    border: Span


def decide(  # noqa: PLR0913 (what was measured, and what is asked)
    model: Model,
    clients: ClientClass,
    servers: Sequence[Served],
    networks: Sequence[Conditions],
    duty: float = 1.0,
    prices: Prices | None = None,
) -> Decision:
    """Return what is answered of a model for a class of clients."""
    client, near = clients.answering, quickest(servers, each_way(SPOKEN))
    light = clients.lightest if client.burden.is_marked else None
    return Decision(
        model,
        clients,
        servers,
        [Answer.of(network, servers, client) for network in networks],
        {bandwidth: border(servers, client, bandwidth) for bandwidth in BANDWIDTHS},
        border(bare, client, SPOKEN) if (bare := [one.bare for one in servers if one.bare]) else None,
        grid(servers, client),
        equal(model, near, client, duty),
        money(model, near, client, prices) if prices else None,
        Light(light, border(servers, light, SPOKEN)) if light else None,
    )


@dataclass(frozen=True)
class Wanted:
    """What is to be decided of all that was measured; no names are all of them."""

    networks: Sequence[Conditions]
    clients: Sequence[str] = ()
    servers: Sequence[str] = ()
    memory_budget: int | None = None  # bytes
    duty: float = 1.0
    prices: Prices | None = None


def decide_all(models: Sequence[Model], wanted: Wanted) -> list[Decision]:
    """Return what is answered of each model, for each class of clients that it was measured on."""
    return [
        decide(model, clients, servers, wanted.networks, wanted.duty, wanted.prices)
        for model in models
        if (servers := served(model, wanted.servers))
        for clients in classes(model, wanted.clients, wanted.memory_budget)
    ]
