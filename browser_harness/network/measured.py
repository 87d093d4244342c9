"""What a link is measured to be: a round trip by pings, and a rate each way by what comes out of it, sent too fast.

Both ends are sockets of this process, each opened on its side, and one thread has them: no other has to wake up.
"""

import select
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from statistics import median
from threading import Lock

from browser_harness.network.conditions import Conditions, Obtained
from browser_harness.network.namespaces import LinkError
from browser_harness.network.pair import CLIENT, MTU, SEGMENT, SERVER

HEADERS = 28  # bytes of IP and UDP around a datagram
PINGS = 9
TRAIN = 0.5  # s that a train of datagrams, or a stream, takes
SHORTEST = 8  # packets
TRAINS, NEARLY = 4, 0.98  # are sent at most, while less than this share of the rate comes out
# A train is sent somewhat too fast and begins with a few at once, so that some always wait at the bottleneck, whose
# queue holds 100 ms.
HASTE = 1.1  # times the rate
LEAD = 0.03  # s
PATIENCE = 12.0  # s after which a ping is lost, more than the longest round trip
SPARE = (
    2.0  # s beyond the round trip after which what is missing of a train is lost: the slowest sends a packet in 1.2 s
)
ROOM = 32 << 20  # bytes that may arrive before they are read
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35  # of Linux's socket.h
WITHOUT_WAITING = socket.MSG_DONTWAIT if hasattr(socket, "MSG_DONTWAIT") else 0
STAMP = struct.Struct("@ll")

Side = Callable[[], AbstractContextManager[None]]  # has the calling thread on one side of a link
Ends = tuple[socket.socket, socket.socket]  # of clients, and of servers
Arrivals = list[tuple[float, int]]  # when, in seconds, and the bytes of packets that had arrived by then
Arrival = Callable[[socket.socket], float]  # takes what arrives next, and returns when it did
Send = Callable[[socket.socket, socket.socket, float, float], Arrivals]  # from and to, bit/s, and s of patience

_measured: dict[tuple[str, Conditions], Obtained] = {}
_lock = Lock()  # two who measure at once would measure each other


def once(kind: str, asked: Conditions, measure: Callable[[], Obtained]) -> Obtained:
    """Return what a *kind* of link was measured to be under the conditions *asked* for, now or earlier."""
    with _lock:
        if (kind, asked) not in _measured:
            _measured[kind, asked] = measure()
        return _measured[kind, asked]


def by_datagrams(on_client_side: Side, on_server_side: Side, asked: Conditions) -> Obtained:
    """Measure a quiet link of the conditions that were *asked* for, in 1 to 3 seconds; the slowest take longer.

    A stream's rate would be its congestion control's, too, and that of its acknowledgements, which fill a narrow way up
    before a wide way down is full. Raises LinkError where nothing comes through.
    """
    with _datagram_ends(on_client_side, on_server_side) as ends:
        return _obtained(ends, asked, _stamped, _train, HEADERS + 1)


def by_streams(entrance: Callable[[int], int], asked: Conditions) -> Obtained:
    """Measure a proxy's conditions by a connection through an *entrance*; as of packets, whose headers count."""
    with _stream_ends(entrance) as ends:
        return _obtained(ends, asked, _noticed, _stream, 1)


def _obtained(ends: Ends, asked: Conditions, arrival: Arrival, send: Send, ping_bytes: int) -> Obtained:
    client, server = ends
    _ping(client, server, arrival)
    round_trip = median(_ping(client, server, arrival) for _ in range(PINGS))
    patience = asked.round_trip + SPARE
    down = _rate(lambda: send(server, client, asked.down, patience), asked.down)
    up = _rate(lambda: send(client, server, asked.up, patience), asked.up)
    # A ping, too, has to be sent: without that, the rest is the round trip.
    sending = sum(8 * ping_bytes / rate for rate in (down, up) if rate)
    return Obtained(max(0.0, round_trip - sending), down, up)


def _ping(client: socket.socket, server: socket.socket, arrival: Arrival) -> float:
    """Return the seconds that a byte takes there, and one back; not what this process takes to notice."""
    took = 0.0
    for source, sink in ((client, server), (server, client)):
        start = time.time()  # the clock of the kernel's stamps
        source.send(b"?")
        try:
            took += arrival(sink) - start
        except TimeoutError:
            raise LinkError(f"the link lost a ping, for {PATIENCE:g} s") from None
    return took


def _rate(send: Callable[[], Arrivals], asked: float) -> float | None:
    """Return the bit/s of what comes out; None where nothing was to hold it up.

    On a busy machine the sender may hesitate, so that less comes out than could: then it is sent again, and the fastest
    counts.
    """
    fastest = 0.0
    for _ in range(TRAINS if asked else 0):
        fastest = max(fastest, _speed(send()))
        if fastest > NEARLY * asked:
            break
    return fastest or None


def _speed(arrivals: Arrivals) -> float:
    """Return the bit/s of what arrives: the median over half of all, as some is late."""
    later = arrivals[len(arrivals) // 2 :]
    pairs = zip(arrivals, later, strict=False)
    return median(8 * (size - size_before) / (when - before) for (before, size_before), (when, size) in pairs)


@contextmanager
def _datagram_ends(on_client_side: Side, on_server_side: Side) -> Iterator[Ends]:
    """Have a socket on the clients' side and one on the servers', connected to each other."""
    with on_client_side():
        client = _bound(CLIENT)
    with client:
        with on_server_side():
            server = _bound(SERVER)
        with server:
            client.connect(server.getsockname())
            server.connect(client.getsockname())
            yield client, server


def _bound(address: str) -> socket.socket:
    end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    end.bind((address, 0))
    end.settimeout(PATIENCE)
    end.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
    end.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    return end


def _train(source: socket.socket, sink: socket.socket, rate: float, patience: float) -> Arrivals:
    """Send a train of datagrams somewhat faster than *rate*; return when they arrived."""
    count = max(SHORTEST, round(TRAIN * rate / 8 / MTU))
    gap = MTU * 8 / rate / HASTE
    start, sent, arrivals = time.perf_counter() - LEAD, 0, Arrivals()
    while len(arrivals) < count:
        while sent < count and time.perf_counter() >= start + sent * gap:
            source.send(bytes(MTU - HEADERS))
            sent += 1
        wait = max(0.0, start + sent * gap - time.perf_counter()) if sent < count else patience
        if select.select([sink], [], [], wait)[0]:
            arrivals.append((_stamped(sink), MTU * (len(arrivals) + 1)))
        elif sent == count:
            break  # the rest was lost
    if len(arrivals) < SHORTEST:
        raise LinkError(f"the link lost all but {len(arrivals)} of the {count} packets that were to measure its rate")
    return arrivals


def _stamped(sink: socket.socket) -> float:
    """Take a datagram; return when the kernel had it: this thread may have noticed it later."""
    if sys.platform == "win32":
        raise LinkError("Windows stamps no datagrams")
    [(_, _, stamp)] = sink.recvmsg(MTU, socket.CMSG_SPACE(STAMP.size))[1]
    seconds, nanoseconds = STAMP.unpack(stamp)
    return float(seconds + nanoseconds / 1e9)


@contextmanager
def _stream_ends(entrance: Callable[[int], int]) -> Iterator[Ends]:
    """Have both ends of a connection to a server of this process, through its entrance."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        client = socket.create_connection(("127.0.0.1", entrance(listener.getsockname()[1])))
        with client, listener.accept()[0] as server:
            for end in (client, server):
                end.settimeout(PATIENCE)
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield client, server


def _noticed(sink: socket.socket) -> float:
    """Take a byte of a stream; return when that was."""
    sink.recv(1)
    return time.time()


def _stream(source: socket.socket, sink: socket.socket, rate: float, patience: float) -> Arrivals:
    """Send as fast as it is taken; return when how much arrived, from the first that did."""
    left = max(SHORTEST * SEGMENT, round(TRAIN * rate / 8 * SEGMENT / MTU))
    wanted, had, arrivals = left, 0, Arrivals()
    while had < wanted:
        readable, writable, _ = select.select([sink], [source] if left else [], [], patience)
        if writable:
            left -= source.send(bytes(min(left, ROOM)), WITHOUT_WAITING)
        if readable:
            had += len(sink.recv(ROOM))
            arrivals.append((time.perf_counter(), had * MTU // SEGMENT))
        elif not writable:
            raise LinkError(f"the link stopped after {had} of the {wanted} bytes that were to measure its rate")
    return arrivals
