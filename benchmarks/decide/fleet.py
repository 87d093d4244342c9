"""How many devices of a fleet make up for the server: measured on one job, and as decide computes it from latencies.

The two differ by what a job costs beside its inferences. Both rates are images a second, so the quotient of the two
figures is that of the server's and of the device's share of time that its latency explains; no rest is left.
"""

from dataclasses import dataclass

from benchmarks.decide.answers import clients_per_server, rate
from benchmarks.decide.spans import Span
from benchmarks.measuring.starts import Figure
from benchmarks.results.fleet import PARTS, Counted, Fleet, FleetDevice, Latency, ServerRate

WITHIN = 0.10  # by which the two are to agree


@dataclass(frozen=True)
class Cost:
    """What an image takes on one side, in seconds; a part that is not told is in the rest."""

    latency: float  # as decide takes it
    seconds: float  # as the job took it
    inferring: float | None
    normalising: float | None = None
    way: float | None = None  # fetching pixels and sending logits

    @property
    def rest(self) -> float:
        """What remains: of a device giving out, going there and back, and checking; of the server its loop."""
        return self.seconds - sum(part or 0.0 for part in (self.inferring, self.normalising, self.way))

    @property
    def longer(self) -> float:
        """How many times as long as the latency says it takes."""
        return self.seconds / self.latency


@dataclass(frozen=True)
class Equal:
    """How many such devices make up for one process of the server."""

    measured: float
    decided: Span | None  # None where the latencies were not measured
    server: Cost | None
    device: Cost | None

    @property
    def quotient(self) -> float | None:
        """Measured over computed."""
        return self.measured / self.decided.value if self.decided else None

    @property
    def agrees(self) -> bool | None:
        """Whether both agree; None where there is one alone."""
        return None if self.quotient is None else abs(self.quotient - 1) <= WITHIN


def equal(fleet: Fleet, device: FleetDevice, workers: int = 1) -> Equal | None:
    """Return how many devices of this kind equal so many processes of the server; None where a rate is not known."""
    server, ours = fleet.server(workers), device.counted.rate
    if server is None or not ours:
        return None
    latency = device.latency
    if latency is None:
        return Equal(server.rate / ours, None, None, None)
    return Equal(
        server.rate / ours,
        _decided(latency, server if workers > 1 else None, fleet.batch),
        _server_cost(latency, server, fleet.batch),
        _device_cost(latency, device.counted, fleet.batch),
    )


def _decided(latency: Latency, server: ServerRate | None, batch: int) -> Span:
    """Return what decide answers: the server by its measured rate, else, of one process, by 1 / latency.

    Of latencies that were measured in turns the interval is that of their ratio.
    """
    if server is None:
        return Span.of(Figure(latency.ratio, latency.starts, latency.low, latency.high))
    client = Span.exactly(latency.device / batch)
    return clients_per_server(Span.exactly(server.rate), rate(client))


def _server_cost(latency: Latency, server: ServerRate, batch: int) -> Cost:
    seconds = server.seconds * server.workers / server.images
    return Cost(latency.server / batch, seconds, server.inferring / server.images)


def _device_cost(latency: Latency, counted: Counted, batch: int) -> Cost:
    seconds, parts = counted.seconds / counted.images, counted.parts
    if parts is None:
        return Cost(latency.device / batch, seconds, None)
    fetching, normalising, inferring, sending = (parts[name] / counted.images for name in PARTS)
    return Cost(latency.device / batch, seconds, inferring, normalising, fetching + sending)
