"""The arithmetic of client or server: pure functions of times, bytes and rates, and nothing else.

Times are in seconds, sizes in bytes on the wire, rates in bit/s, of which 0 is no limit. Up is what a client sends.
The terms were found in nine cells of a page that asked a server through a link (three round trips, three models): they
held within 5 % on a kept connection.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

INFINITE = math.inf
MTU = 1500  # bytes of an IP packet on Ethernet
PACKET_HEAD = 52  # bytes of IPv4, of TCP and of its timestamps, in each packet
SEGMENT = MTU - PACKET_HEAD  # bytes of payload in a packet
# Bytes that an inference adds to its tensors: HTTP's own head and the protocol's description of the tensors. What was
# counted on the wire of ResNet-20 (12,288 bytes up, 400 down) less what TCP and IP add.
REQUEST_HEAD, RESPONSE_HEAD = 735, 428
GET_HEAD = 570  # bytes of a page's request for a file, as a Chromium wrote it
INITIAL_WINDOW = 10 * MTU  # bytes that a fresh connection may have on the way (RFC 6928)
# Seconds without anything to send after which a connection begins anew with INITIAL_WINDOW, beside the round trip: the
# least timeout of Linux (RFC 2861, RFC 6298). A real one halves its window for each of them; here it has lost it.
IDLE = 0.2
# Round trips of a first request from another origin's page, beside its own one: TCP's handshake and the preflight, TLS
# 1.3; of HTTP/2 one more was seen, whose cause is not known.
EXTRA_ROUND_TRIPS = {"http": 2, "https": 3, "h2": 4}
# The tiers that W3C's draft of a device and operator performance API tells times in, each by its upper end.
TIERS = ((0.016, "16 ms"), (0.1, "100 ms"), (1.0, "1 s"), (10.0, "10 s"), (30.0, "30 s"), (60.0, "60 s"))
BEYOND = "60 s or more"


def transfer(size: float, rate: float) -> float:
    """Return the seconds that *size* bytes take at *rate* bit/s."""
    return size * 8 / rate if rate else 0.0


def packets(payload: float) -> int:
    """Return how many packets carry a payload of so many bytes; an empty one needs one, too."""
    return max(1, math.ceil(payload / SEGMENT))


def on_the_wire(payload: float, answer: float) -> float:
    """Return the bytes that go one way: a payload with its heads, and an acknowledgement of each two packets back.

    *payload* and *answer* are the bytes that HTTP carries this way and the other, its own head included.
    """
    return payload + PACKET_HEAD * (packets(payload) + math.ceil(packets(answer) / 2))


def exchanged(tensors_up: float, tensors_down: float) -> tuple[float, float]:
    """Return the bytes up and down the wire of an inference whose tensors have so many: computed, not counted."""
    up, down = tensors_up + REQUEST_HEAD, tensors_down + RESPONSE_HEAD
    return on_the_wire(up, down), on_the_wire(down, up)


def kept(  # noqa: PLR0913 (the terms of the sum)
    round_trip: float, up: float, down: float, up_rate: float, down_rate: float, server: float, overhead: float
) -> float:
    """Return the seconds of a server's answer over a connection that is open.

    *server* is its inference; *overhead* what page, stack and framework add, seen by the same page without a network.
    """
    return round_trip + transfer(up, up_rate) + transfer(down, down_rate) + server + overhead


def slow_start(size: float, rate: float, round_trip: float, window: float = INITIAL_WINDOW) -> float:
    """Return the seconds that a connection waits for acknowledgements before it fills the link.

    It may send *window* bytes, and twice as much after each round trip. Each time that this is sent sooner than the
    first of it is acknowledged, it waits for the rest of the round trip (RFC 5681, without losses).
    """
    waited, sent, window = 0.0, 0.0, float(window)
    while sent + window < size and (busy := transfer(window, rate)) < round_trip:
        waited, sent, window = waited + round_trip - busy, sent + window, 2 * window
    return waited


def first(  # noqa: PLR0913 (the terms of the sum)
    round_trip: float,
    up: float,
    down: float,
    up_rate: float,
    down_rate: float,
    server: float,
    overhead: float,
    scheme: str,
) -> float:
    """Return the seconds of a server's first answer, which opens its connection; *scheme* is http, https or h2.

    *overhead* is that of a first request.
    """
    later = kept(round_trip, up, down, up_rate, down_rate, server, overhead)
    waits = slow_start(up, up_rate, round_trip) + slow_start(down, down_rate, round_trip)
    return later + EXTRA_ROUND_TRIPS[scheme] * round_trip + waits


def download(size: float, rate: float, round_trip: float, exchanges: float) -> float:
    """Return the seconds that a page takes to fetch *size* bytes, in so many requests of which each waits for the last.

    The connection is the one that brought the page: its handshake is not counted, its window is a fresh one's.
    """
    if not size:
        return 0.0
    return exchanges * round_trip + transfer(size, rate) + slow_start(size, rate, round_trip)


@dataclass(frozen=True)
class Request:
    """A file that a page fetched in a first load without a network: seconds from the load's beginning, and bytes."""

    path: str
    start: float  # asked for
    response: float  # its first byte is there
    end: float  # its last one is
    wire: float  # its body as it travels
    compiled: float = 0.0  # when it was compiled, where that began while it came; else 0
    opened: bool = False  # a connection was made for it

    @property
    def done(self) -> float:
        """When nothing is done with it any more that can be done while it comes."""
        return max(self.end, self.compiled)


def first_load(requests: Sequence[Request], load: float, round_trip: float, down: float, up: float = 0.0) -> float:
    """Return the seconds of a page's first load over a network, from what the same load of *load* s was without one.

    The requests that were under way at the same time are a stage: they share the link, and come over the connections
    that the page had then. One that was begun after all of them had ended waited for them, whatever the network is, and
    as long as then: scripts run, WebAssembly is compiled, a session is created. What is compiled while it comes takes
    the longer of the two. Without a network it is *load* again.

    A stage's connections begin with what the one before has left them of its window, unless they have rested.
    """
    took, rested_since, window = load, -math.inf, float(INITIAL_WINDOW)
    for stage in stages(requests):
        begun, done = stage[0].start, max(request.done for request in stage)
        if begun - rested_since > IDLE:
            window = INITIAL_WINDOW
        window = max(window, at_once(stage) * INITIAL_WINDOW)
        size = sum(on_the_wire(request.wire + RESPONSE_HEAD, GET_HEAD) for request in stage if request.wire)
        body = transfer(size, down) + slow_start(size, down, round_trip, window)
        asking = chain(stage) * (round_trip + transfer(on_the_wire(GET_HEAD, 0), up))
        took += asking + max(0.0, stage[0].response + body - done)
        rested_since, window = done, window + size
    return took


def stages(requests: Sequence[Request]) -> list[list[Request]]:
    """Return *requests* in the order they were made, those together of which one was begun before all others ended."""
    found: list[list[Request]] = []
    done = -math.inf
    for request in sorted(requests, key=lambda request: request.start):
        if request.start < done:
            found[-1].append(request)
        else:
            found.append([request])
        done = max(done, request.done)
    return found


def chain(stage: Sequence[Request]) -> int:
    """Return the round trips of the longest chain in a stage: of requests that were begun when others had ended.

    Each has one, and another where it makes its connection. What did not travel, as it was in a cache, has none.
    """
    ended: list[tuple[float, int]] = []
    for request in stage:
        before = max((trips for end, trips in ended if end <= request.start), default=0)
        ended.append((request.end, before + (1 + request.opened if request.wire else 0)))
    return max(trips for _, trips in ended)


def at_once(stage: Sequence[Request]) -> int:
    """Return how many requests of a stage were under way at the same time, at most."""
    return max(sum(one.start <= other.start < one.end for one in stage) for other in stage)


def client_first(fetching: float, load: float, inference: float) -> float:
    """Return the seconds of a client's first answer.

    *fetching* is its download, *load* what it takes to compile and open without a network, *inference* the first one.
    """
    return fetching + load + inference


def border(client: float, exchange: float) -> float:
    """Return the round trip in seconds above which the client's answer is the earlier one; 0 where it always is.

    *client* is its inference, *exchange* the server's answer at a round trip of 0 and the rates in question.
    """
    return max(0.0, client - exchange)


def break_even(client_first: float, client_later: float, server_first: float, server_later: float) -> float:
    """Return after how many predictions in a row the client has needed no more time in all; infinity where never.

    1 where its first answer is no later than the server's.
    """
    behind, gain = client_first - server_first, server_later - client_later
    if behind <= 0:
        return 1.0
    if gain <= 0 or math.isinf(predictions := behind / gain):
        return INFINITE
    return 1.0 + math.ceil(predictions)


def clients_per_server(server_rate: float, client_rate: float, duty: float) -> float:
    """Return how many clients compute as much as one server; rates in predictions a second.

    *duty* is the share of its time that a client computes, above 0 and at most 1.
    """
    work = client_rate * duty
    return server_rate / work if work else INFINITE


def money(server: float, per_hour: float, size: float, per_gigabyte: float) -> float:
    """Return what 1,000 predictions cost that keep a server busy for *server* seconds each, and send *size* bytes.

    A gigabyte is a thousand million bytes; the currency is that of the prices.
    """
    return 1000 * (server / 3600 * per_hour + size / 1e9 * per_gigabyte)


def tier(seconds: float) -> str:
    """Return the tier of a time, by its upper end: ``100 ms`` is 16 ms or more, and less than 100."""
    return next((words for end, words in TIERS if seconds < end), BEYOND)


def tiers() -> Sequence[str]:
    """Return all tiers, the shortest first."""
    return [*(words for _, words in TIERS), BEYOND]
