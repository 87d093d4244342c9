"""Is a network what was asked for? ``python -m benchmarks.figures.link [NETWORK …]``.

Makes links of 20, 60 and 150 ms and 1, 10 and 100 Mbit/s, and two whose ways differ, and measures each as every run
does: a round trip by pings, a rate by what comes out. Beside that, how long a handshake takes, and what a connection
gets once its slow start is over, in bytes of packets. Ends with 1 where a round trip is off by more than 1 ms, or a
rate by more than 3 %.
"""

import argparse
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from statistics import median
from threading import Thread

from tabulate import tabulate

from browser_harness.network import LINKS, Conditions, Link, Obtained, parse

NETWORKS = (
    *(f"rtt={rtt}ms,down={rate}mbit,up={rate}mbit" for rtt in (20, 60, 150) for rate in (1, 10, 100)),
    "rtt=60ms,down=10mbit,up=1mbit",
    "rtt=20ms,down=100mbit,up=10mbit",
)
ROUND_TRIP_OFF, RATE_OFF = 1e-3, 0.03  # s; of what was asked
HANDSHAKES = 9
STREAM = 5.0  # s, of which the later half counts
CHUNK = bytes(1 << 16)


def is_within(asked: Conditions, obtained: Obtained) -> bool:
    """Return whether what was *obtained* is within the marks of what was *asked*."""
    rates = ((asked.down, obtained.down), (asked.up, obtained.up))
    exact = all(got is not None and abs(got / rate - 1) <= RATE_OFF for rate, got in rates if rate)
    return exact and abs(obtained.round_trip - asked.round_trip) <= ROUND_TRIP_OFF


def listening(link: Link) -> socket.socket:
    """Return a socket that listens on the servers' side."""
    with link.on_server_side():
        return socket.create_server((link.host, 0))


def connected(link: Link, listener: socket.socket) -> socket.socket:
    """Return a connection from the clients' side."""
    with link.on_client_side():
        return socket.create_connection((link.host, link.entrance(listener.getsockname()[1])))


def handshake(link: Link) -> float:
    """Return the median seconds that a connection takes to be made; of a proxy, none that means anything."""
    took = []
    with listening(link) as listener:
        for _ in range(HANDSHAKES):
            start = time.perf_counter()
            with connected(link, listener):
                took.append(time.perf_counter() - start)
    return median(took)


def streams(link: Link) -> tuple[float | None, float | None]:
    """Return the bit/s of packets, down and up, while a fresh connection sends, its slow start left out.

    None where nobody counts. What the receiving program gets would hold what had waited for a lost packet.
    """
    if link.carried() is None:
        return None, None
    with listening(link) as listener:
        with connected(link, listener) as near, listener.accept()[0] as far, streaming(far, near):
            down, _ = rates(link)
        with connected(link, listener) as near, listener.accept()[0] as far, streaming(near, far):
            _, up = rates(link)
    return down, up


def rates(link: Link) -> tuple[float, float]:
    """Return the bit/s of packets each way, down and up, in the second half of a while."""
    time.sleep(STREAM / 2)
    counts = []
    for pause in (STREAM / 2, 0.0):
        counts.append((time.perf_counter(), link.carried()))
        time.sleep(pause)
    (start, before), (end, after) = counts
    assert before is not None
    assert after is not None
    carried = after - before
    return carried.down * 8 / (end - start), carried.up * 8 / (end - start)


@contextmanager
def streaming(source: socket.socket, sink: socket.socket) -> Iterator[None]:
    """Have *source* send as fast as it is taken, and *sink* take it, while the context lasts."""
    threads = [Thread(target=send, args=(source,)), Thread(target=take, args=(sink,))]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for end in (source, sink):
            end.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


def send(source: socket.socket) -> None:
    """Send until the connection ends."""
    with suppress(OSError):
        while True:
            source.sendall(CHUNK)


def take(sink: socket.socket) -> None:
    """Take what comes until the connection ends."""
    with suppress(OSError):
        while sink.recv(len(CHUNK)):
            pass


def row(asked: Conditions) -> tuple[bool, list[str]]:
    """Measure a network; return whether it is within the marks, and its line."""
    with LINKS.at(asked) as link:
        before = link.carried()
        obtained, shaken, (down, up) = link.obtained(), handshake(link), streams(link)
        after = link.carried()
    within = is_within(asked, obtained)
    late = f"{(after - before).late_share:.2%}" if before and after else "–"
    speeds = [megabits(rate) for rate in (obtained.down, down, obtained.up, up)]
    round_trips = [f"{seconds * 1e3:.2f}" for seconds in (obtained.round_trip, shaken)]
    return within, [asked.name, link.kind, *round_trips, *speeds, late, "yes" if within else "NO"]


def megabits(rate: float | None) -> str:
    """Return a rate in Mbit/s."""
    return "–" if rate is None else f"{rate / 1e6:.3f}"


HEAD = (
    "asked",
    "link",
    "round trip, ms",
    "handshake",
    "down, Mbit/s",
    "a stream",
    "up",
    "a stream",
    "late packets",
    "within 1 ms and 3 %",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help="others, as --network has them")
    networks = parser.parse_args(arguments).networks or NETWORKS
    rows = [row(parse(network)) for network in networks]
    print(tabulate([cells for _, cells in rows], HEAD, disable_numparse=True))
    missed = sum(not within for within, _ in rows)
    sys.exit(f"{missed} of {len(rows)} networks are not what was asked for" if missed else 0)


if __name__ == "__main__":
    main()
