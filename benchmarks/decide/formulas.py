"""The arithmetic of client or server: pure functions of times, bytes and rates, and nothing else.

Times are in seconds, sizes in bytes on the wire, rates in bit/s, of which 0 is no limit. Up is what a client sends.
The terms were found in nine cells of a page that asked a server through a link (three round trips, three models): they
held within 5 % on a kept connection.
"""

import math
from collections.abc import Sequence

INFINITE = math.inf
MTU = 1500  # bytes of an IP packet on Ethernet
PACKET_HEAD = 52  # bytes of IPv4, of TCP and of its timestamps, in each packet
SEGMENT = MTU - PACKET_HEAD  # bytes of payload in a packet
# Bytes that an inference adds to its tensors: HTTP's own head and the protocol's description of the tensors. What was
# counted on the wire of ResNet-20 (12,288 bytes up, 400 down) less what TCP and IP add.
REQUEST_HEAD, RESPONSE_HEAD = 735, 428
INITIAL_WINDOW = 10 * MTU  # bytes that a fresh connection may have on the way (RFC 6928)
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


def slow_start(size: float, rate: float, round_trip: float) -> float:
    """Return the seconds that a fresh connection waits for acknowledgements before it fills the link.

    It may send INITIAL_WINDOW, and twice as much after each round trip. Each time that this is sent sooner than the
    first of it is acknowledged, it waits for the rest of the round trip (RFC 5681, without losses).
    """
    waited, sent, window = 0.0, 0.0, float(INITIAL_WINDOW)
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
