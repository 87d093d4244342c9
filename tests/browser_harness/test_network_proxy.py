"""A delaying proxy needs no rights, is never faster than asked, and changes no byte; what it lacks is told.

Times have lower bounds only: a busy machine is slower than the link, and never faster.
"""

import random
import socket
import struct
import time
from contextlib import closing, contextmanager
from threading import Thread

import pytest

from browser_harness.network import LinkError, namespaces, parse
from browser_harness.network.links import FORCED, Links
from browser_harness.network.proxy import ProxyLink
from browser_harness.network.relay import Way

SLOW = parse("rtt=40ms,down=20mbit,up=5mbit")
QUICK = parse("rtt=0ms")


@pytest.fixture(scope="module")
def link():
    with closing(ProxyLink()) as link:
        yield link


@contextmanager
def ends(link):
    """Have both ends of a fresh connection through an entrance."""
    with (
        socket.create_server((link.host, 0)) as listener,
        socket.create_connection((link.host, link.entrance(listener.getsockname()[1]))) as near,
        listener.accept()[0] as far,
    ):
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield near, far


def turn(near, far):
    """Send a byte there and back."""
    near.send(b"?")
    far.recv(1)
    far.send(b"!")
    assert near.recv(1) == b"!"


def turn_time(near, far):
    start = time.perf_counter()
    turn(near, far)
    return time.perf_counter() - start


def transfer(source, sink, content):
    """Return the seconds from sending until all has come, and what came."""
    sender = Thread(target=source.sendall, args=(content,))
    start, parts, left = time.perf_counter(), [], len(content)
    sender.start()
    while left:
        parts.append(sink.recv(left))
        assert parts[-1]
        left -= len(parts[-1])
    took = time.perf_counter() - start
    sender.join()
    return took, b"".join(parts)


def test_what_it_is_and_lacks_is_told(link):
    assert (link.kind, link.host, link.congestion_control, link.carried()) == ("proxy", "127.0.0.1", None, None)
    assert [*link.lacks][:2] == ["slow start", "loss"]


def test_a_fresh_connection_takes_a_round_trip_more_than_a_kept_one(link):
    link.set(SLOW)
    start = time.perf_counter()
    with ends(link) as (near, far):
        turn(near, far)
        assert time.perf_counter() - start >= 2 * SLOW.round_trip
        assert turn_time(near, far) >= SLOW.round_trip
    link.set(QUICK)
    with ends(link) as (near, far):
        assert min(turn_time(near, far) for _ in range(5)) < SLOW.round_trip


def test_the_handshake_of_one_connection_holds_up_no_other(link):
    link.set(parse("rtt=300ms,down=100mbit,up=100mbit"))
    with ends(link) as (near, far):
        turn(near, far)
        with ends(link) as (fresh, fresh_far):
            fresh.send(b"?")
            near.send(b"?")
            far.recv(1)
            fresh_far.setblocking(False)
            with pytest.raises(BlockingIOError):
                fresh_far.recv(1)


def test_each_way_has_its_own_rate_with_headers_and_changes_no_byte(link):
    link.set(SLOW)
    content = random.Random(7).randbytes(100_000)
    wire = 8 * 100_000 * 1500 / 1448
    with ends(link) as (near, far):
        for source, sink, rate in ((near, far, SLOW.up), (far, near, SLOW.down)):
            took, came = transfer(source, sink, content)
            assert came == content
            assert took * 1.03 >= SLOW.round_trip / 2 + wire / rate


def test_connections_share_the_rate(link):
    link.set(SLOW)
    with ends(link) as first, ends(link) as second:
        start = time.perf_counter()
        threads = [Thread(target=transfer, args=(*both, bytes(50_000))) for both in (first, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (time.perf_counter() - start) * 1.03 >= 8 * 100_000 / SLOW.up


def test_an_end_that_has_said_all_still_hears(link):
    link.set(QUICK)
    with ends(link) as (near, far):
        near.sendall(b"all")
        near.shutdown(socket.SHUT_WR)
        assert (far.recv(9), far.recv(9)) == (b"all", b"")
        far.sendall(b"heard")
        far.close()
        assert (near.recv(9), near.recv(9)) == (b"heard", b"")


def test_a_connection_that_one_end_breaks_off_ends_at_the_other(link):
    link.set(QUICK)
    with ends(link) as (near, far):
        turn(near, far)
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        far.close()  # with a reset
        near.settimeout(30)
        with pytest.raises(ConnectionResetError):
            near.recv(1)


def test_where_nobody_listens_nobody_answers(link):
    with socket.create_server((link.host, 0)) as listener:
        port = listener.getsockname()[1]
    with socket.create_connection((link.host, link.entrance(port))) as near, pytest.raises(ConnectionResetError):
        near.recv(1)


def test_a_server_keeps_its_entrance(link):
    assert link.entrance(9) == link.entrance(9) != link.entrance(10)


def test_it_is_measured_and_never_faster_than_asked(link):
    asked = parse("rtt=10ms,down=30mbit,up=7mbit")
    link.set(asked)
    obtained = link.obtained()
    assert obtained.round_trip >= asked.round_trip
    assert 0 < obtained.down < asked.down * 1.03
    assert 0 < obtained.up < asked.up * 1.03
    assert link.obtained() is obtained


def test_without_rights_it_takes_the_place_of_a_link_by_tun_and_the_reason_is_kept(monkeypatch):
    def refuse():
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.delenv(FORCED, raising=False)
    monkeypatch.setattr(namespaces, "_unshare", refuse)
    with closing(Links()) as links, links.at(QUICK) as link:
        assert link.kind == "proxy"
        assert links.refused.keys() == {"tun", "netem"}
        assert "Operation not permitted; be root" in links.refused["tun"]


def test_a_relay_that_ended_is_told():
    with closing(ProxyLink()) as link:
        link._relay._process.kill()
        with pytest.raises(LinkError, match=r"^the link's relay ended"):
            link.set(QUICK)


@pytest.mark.parametrize(("rate", "grain"), [(0, 65_536), (1e5, 1448), (100e6, 12_500), (1e9, 65_536)])
def test_what_is_taken_at_once_is_a_packet_or_a_millisecond(rate, grain):
    way = Way()
    way.set(0.2, rate)
    assert way.grain == grain
    assert way.depth * (grain * 8 / rate if rate else 1e-3) >= 0.3  # a round trip and 100 ms
