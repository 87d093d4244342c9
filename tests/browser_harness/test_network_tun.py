"""A link by TUN takes the round trips that a network takes, is never faster than asked, and leaves nothing behind.

Times have lower bounds only: a busy machine is slower than the link, and never faster.
"""

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import pytest
from helpers import ROOT

from browser_harness.network import LinkError, carrier, doubt, namespaces, netem, pair, parse, sides, tun
from browser_harness.network.carrier import Way
from browser_harness.network.links import Links
from browser_harness.network.namespaces import HERE, Namespace
from browser_harness.network.netem import NetemLink, emulation
from browser_harness.network.tun import TunLink

SLOW = parse("rtt=40ms,down=20mbit,up=5mbit")
QUICK = parse("rtt=0ms")


def absent():
    """Return why this machine can have no link of namespaces; None where it can."""
    try:
        TunLink().close()
    except LinkError as error:
        return str(error)
    return None


ABSENT = absent()
needs_tun = pytest.mark.skipif(bool(ABSENT), reason=f"no link by TUN: {ABSENT}")


@pytest.fixture
def links():
    with closing(Links({"tun": TunLink})) as links:
        yield links


def here():
    return os.readlink(HERE)


def listening(link):
    with link.on_server_side():
        return socket.create_server((link.host, 0))


def connect(link, listener):
    """Return the seconds that a handshake took, and both ends."""
    with link.on_client_side():
        start = time.perf_counter()
        near = socket.create_connection((link.host, link.entrance(listener.getsockname()[1])))
        took = time.perf_counter() - start
    return took, near, listener.accept()[0]


@contextmanager
def talking(end):
    """Have an end of a connection send all the time."""
    silent = Event()

    def talk():
        while not silent.is_set():
            with suppress(OSError):  # nobody listens, and the answers say so
                end.send(b"?")

    talker = Thread(target=talk)
    talker.start()
    try:
        yield
    finally:
        silent.set()
        talker.join()


def handshake(link):
    with listening(link) as listener:
        took, near, far = connect(link, listener)
        near.close()
        far.close()
        return took


def transfer(source, sink, size):
    """Return the seconds from sending *size* bytes until all have come."""
    sender = Thread(target=source.sendall, args=(bytes(size),))
    start = time.perf_counter()
    sender.start()
    while size:
        size -= len(sink.recv(size))
    took = time.perf_counter() - start
    sender.join()
    return took


@needs_tun
def test_a_handshake_takes_a_round_trip(links):
    with links.at(SLOW) as link:
        assert handshake(link) >= SLOW.round_trip
    with links.at(QUICK) as link:
        assert min(handshake(link) for _ in range(5)) < SLOW.round_trip


@needs_tun
def test_each_way_has_its_own_rate(links):
    with links.at(SLOW) as link, listening(link) as listener:
        _, near, far = connect(link, listener)
        with near, far:
            up, down = transfer(near, far, 100_000), transfer(far, near, 100_000)
    assert up * 1.03 >= SLOW.round_trip / 2 + 100_000 * 8 / SLOW.up
    assert down * 1.03 >= SLOW.round_trip / 2 + 100_000 * 8 / SLOW.down


@needs_tun
def test_slow_start_takes_more_round_trips_than_the_kept_connection(links):
    """Ten packets go at first: of 60 kB, the rest waits for a round trip or two, however fast the link is."""
    with links.at(parse("rtt=40ms")) as link, listening(link) as listener:
        _, near, far = connect(link, listener)
        with near, far:
            assert transfer(near, far, 60_000) >= 0.02 + 2 * 0.04


@needs_tun
def test_what_is_carried_is_counted_with_headers(links):
    with links.at(QUICK) as link, listening(link) as listener:
        _, near, far = connect(link, listener)
        with near, far:
            before = link.carried()
            transfer(near, far, 144_800)  # 100 packets of 1,500 bytes
            near.sendall(b"?")
            far.recv(1)
            carried = link.carried() - before
    assert 150_000 <= carried.up <= 153_000
    assert 0 < carried.down < 20_000
    assert carried.packets >= 101


@needs_tun
def test_a_link_is_measured_once_and_never_faster_than_asked(links):
    asked = parse("rtt=10ms,down=30mbit,up=7mbit")
    with links.at(asked) as link:
        obtained, before = link.obtained(), link.carried()
        assert (link.obtained(), link.carried()) == (obtained, before)
    assert obtained.round_trip >= asked.round_trip * 0.999
    assert 0 < obtained.down < asked.down * 1.03
    assert 0 < obtained.up < asked.up * 1.03


@needs_tun
def test_without_a_limit_no_rate_is_told(links):
    with links.at(QUICK) as link:
        obtained = link.obtained()
    assert (obtained.down, obtained.up) == (None, None)


@needs_tun
def test_two_conditions_at_once_are_two_links_that_keep_theirs(links):
    with links.at(SLOW) as slow, links.at(QUICK) as quick:
        assert quick is not slow
        assert handshake(slow) >= SLOW.round_trip
        assert min(handshake(quick) for _ in range(5)) < SLOW.round_trip


@needs_tun
def test_what_a_broken_off_connection_still_sends_is_gone_before_the_next_conditions(links):
    with links.at(parse("rtt=100ms,down=100mbit,up=100mbit")) as link, listening(link) as listener:
        _, near, far = connect(link, listener)
        near.setblocking(False)
        near.send(bytes(1 << 20))
        near.close()
        far.close()
    with links.at(parse("rtt=0ms,down=100kbit,up=100kbit")) as link:
        assert link.obtained().up > 90_000  # a ping would wait behind the rest for seconds
        before = link.carried()
    with links.at(QUICK) as link:
        assert (link.carried() - before).up < 10_000


@needs_tun
def test_a_link_that_does_not_fall_silent_is_not_lent_again(links, monkeypatch):
    monkeypatch.setattr(sides, "PATIENCE", 0.1)
    with links.at(QUICK) as loud, loud.on_client_side():
        end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    end.connect((pair.SERVER, 9))
    with end, talking(end):
        with pytest.raises(LinkError, match=r"^the link is not quiet: "):
            loud.set(SLOW)
        with links.at(SLOW) as link:
            assert link is not loud
            assert handshake(link) >= SLOW.round_trip


@needs_tun
def test_a_thread_goes_in_and_comes_back_whatever_happens(links):
    home = here()
    with links.at(QUICK) as link:
        with link.on_client_side():
            client = here()
            with link.on_server_side():
                server = here()
            assert here() == client
        assert here() == home
        with pytest.raises(ZeroDivisionError), link.on_server_side(), link.on_client_side():
            _ = 1 / 0
        assert here() == home
    assert len({home, client, server}) == 3


@needs_tun
def test_what_a_thread_starts_is_on_its_side_and_other_threads_are_not(links):
    program = [sys.executable, "-c", f"import os; print(os.readlink({HERE!r}))"]
    with ThreadPoolExecutor(1) as other, links.at(QUICK) as link:
        home = other.submit(here).result()
        with link.on_server_side():
            server = here()
            started = subprocess.run(program, capture_output=True, text=True, check=True).stdout.strip()
            assert (started, other.submit(here).result()) == (server, home)
    assert server != home


@needs_tun
def test_the_machines_own_devices_and_settings_stay_as_they_are(links):
    settings = [Path("/proc/sys/net/ipv4", name) for name, _ in pair.KERNEL if "link0" not in name]

    def machine():
        routes = subprocess.run(["ip", "route", "show", "table", "all"], capture_output=True, text=True, check=True)
        return sorted(os.listdir("/sys/class/net")), routes.stdout, [file.read_text() for file in settings]

    before = machine()
    with links.at(SLOW) as link, link.on_client_side():
        pass
    assert machine() == before


@needs_tun
def test_both_ends_have_the_congestion_control_that_is_told(links):
    with links.at(QUICK) as link, listening(link) as listener:
        _, near, far = connect(link, listener)
        with near, far:
            names = {end.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0") for end in (near, far)}
        assert names == {link.congestion_control.encode()}
        assert link.congestion_control in {"cubic", "reno"}


@needs_tun
def test_reno_is_told_where_no_route_may_choose_cubic(links, monkeypatch):
    def refuse(*lines):
        if "congctl" in lines[0]:
            raise LinkError("ip: no such word")
        namespaces.configure(*lines)

    monkeypatch.setattr(pair, "configure", refuse)
    with links.at(QUICK) as link:
        assert link.congestion_control == "reno"


@needs_tun
def test_a_link_outlives_the_thread_that_made_it(links):
    def make():
        with links.at(QUICK):
            pass

    maker = Thread(target=make)
    maker.start()
    maker.join()
    with links.at(QUICK) as link:
        assert len(links._links) == 1
        assert handshake(link) > 0


@needs_tun
def test_a_carrier_that_ended_is_told_and_replaced(links):
    with links.at(QUICK) as link:
        pid = link._carrier.pid
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(LinkError, match=r"^the link's carrier ended"):
            link.carried()
    with links.at(QUICK) as link:
        assert link._carrier.pid != pid
        assert handshake(link) > 0


ENDING = """
import os, signal, sys
from browser_harness.network import parse
from browser_harness.network.links import Links
with Links().at(parse("rtt=0ms")) as link:
    (program,) = [value for name, value in vars(link).items() if name in ("_carrier", "_relay")]
    if "forked" in sys.argv and not os.fork():
        sys.stdin.read()  # holding all pipes
        os._exit(0)
    print(program.pid, flush=True)
    if "closed" in sys.argv:
        sys.stdin.read()
    else:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="its end is watched by a pidfd")
@pytest.mark.parametrize("kind", [pytest.param("tun", marks=needs_tun), "proxy"])
@pytest.mark.parametrize("how", ["killed", "forked", "closed"])
def test_a_link_ends_with_its_process(kind, how):
    command = [sys.executable, "-c", ENDING, how]
    environment = os.environ | {"CLIENT_OR_SERVER_LINK": kind}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as process:
        program = os.pidfd_open(int(process.stdout.readline()))
        try:
            if how == "closed":
                process.stdin.close()
            assert select.select([program], [], [], 30)[0]
        finally:
            os.close(program)


@needs_tun
@pytest.mark.parametrize(
    ("failing", "error", "words"),
    [
        ("_unshare", PermissionError(1, "Operation not permitted"), "cannot be made: Operation not permitted; be root"),
        ("_unshare", OSError(28, "No space left on device"), "cannot be made: No space left on device"),
    ],
)
def test_a_user_without_rights_is_told(monkeypatch, failing, error, words):
    monkeypatch.setattr(namespaces, failing, lambda: (_ for _ in ()).throw(error))
    with pytest.raises(LinkError, match=words):
        TunLink()


@needs_tun
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/dev/net/no-tun", "^/dev/net/no-tun is missing; modprobe tun, or hand the device to the container$"),
        ("/dev/net", "^/dev/net cannot be opened: Is a directory; be root$"),
        ("/dev/null", "^a TUN device cannot be made: .*; be root, with CAP_NET_ADMIN$"),
    ],
)
def test_a_machine_without_tun_is_told_and_left_as_it_was(monkeypatch, path, words):
    monkeypatch.setattr(tun, "TUN", path)
    open_before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(LinkError, match=words):
        TunLink()
    assert len(os.listdir("/proc/self/fd")) == open_before


def test_elsewhere_than_on_linux_there_are_no_namespaces(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(LinkError, match=r"but in Linux"):
        Namespace()


def test_a_program_that_is_missing_or_fails_is_told():
    with pytest.raises(LinkError, match=r"^no-such-program is missing; install iproute2$"):
        namespaces.command("no-such-program")
    with pytest.raises(LinkError, match=r"^false: ended with 1$"):
        namespaces.command("false")


@pytest.fixture
def way():
    """A way between datagram sockets; each packet written at one end is read at the other."""
    ends = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2)]
    for near, far in ends:
        near.setblocking(False)
        far.setblocking(False)
    (source, device), (sink, taken) = ends
    way = Way(device.fileno(), sink.fileno())
    way.source_end, way.sink_end = source, taken
    yield way
    for end in [end for both in ends for end in both]:
        end.close()


PACKET = bytes([0x45]) + bytes(1499)  # of IPv4


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when it is told to."""
    now = [1000.0]
    monkeypatch.setattr(carrier.time, "monotonic", lambda: now[0])
    return now


def test_a_packet_waits_for_its_turn_and_half_the_round_trip(way, clock):
    way.set(0.1, 12_000)  # a packet takes a second
    for _ in range(2):
        way.source_end.send(PACKET)
    way.accept()
    assert way.due == pytest.approx(1001.05)
    way.deliver()
    assert (way.packets, way.bytes) == (0, 0)
    clock[0] = 1001.0500001
    way.deliver()
    assert (way.sink_end.recv(2000), way.packets, way.bytes, way.late) == (PACKET, 1, 1500, 0)
    assert way.due == pytest.approx(1002.05)


def test_a_packet_that_is_handed_over_late_is_counted(way, clock):
    way.set(0.1, 0)
    way.source_end.send(PACKET)
    way.accept()
    clock[0] += 0.0515
    way.deliver()
    assert way.counted() == {"packets": 1, "bytes": 1500, "late": 1, "dropped": 0}


def test_what_was_left_on_its_way_holds_up_nothing_under_new_conditions(way, clock):
    way.set(10.0, 0)
    way.source_end.send(PACKET)
    way.accept()
    way.set(0.1, 0)
    way.deliver()
    assert way.packets == 1
    way.source_end.send(PACKET)
    way.accept()
    assert way.due == pytest.approx(1000.05)


@pytest.mark.parametrize(("rate", "round_trip", "fit"), [(12_000, 0.1, 64), (12e6, 0.1, 100), (12e6, 0.3, 300)])
def test_a_queue_holds_100_ms_or_a_round_trip_but_64_packets_at_least(way, clock, rate, round_trip, fit):
    way.set(round_trip, rate)
    for _ in range(400):
        way.source_end.send(PACKET)
        way.accept()
    assert fit <= 400 - way.dropped <= fit + 1


def test_what_no_rate_holds_up_is_bounded_as_well(way, clock, monkeypatch):
    monkeypatch.setattr(carrier, "MOST_WAITING", 15_000)
    way.set(10.0, 0)
    for _ in range(20):
        way.source_end.send(PACKET)
        way.accept()
    assert way.dropped == 20 - 11


def test_only_ipv4_is_carried(way):
    way.source_end.send(bytes([0x60]) + bytes(40))
    way.accept()
    assert way.due is None


def test_the_kernels_emulator_is_told_half_the_round_trip_the_rate_of_ip_and_a_bounded_queue():
    assert emulation(0.06, 10e6) == [
        *("tc", "qdisc", "replace", "dev", "link0", "root", "netem", "delay", "30000us"),
        *("limit", "109", "rate", "10000000bit", "-14"),
    ]
    assert emulation(0.04, 0)[-4:] == ["delay", "20000us", "limit", "40000"]


@needs_tun
def test_by_the_kernels_emulator_the_two_sides_are_joined_and_each_is_told_its_rate(monkeypatch):
    told = []
    monkeypatch.setattr(netem, "command", lambda *words: told.append((here(), words)))
    with closing(NetemLink()) as link:
        link.set(SLOW)
        with link.on_client_side():
            client = here()
        with link.on_server_side():
            server = here()
        assert told[-2:] == [(client, tuple(emulation(0.04, 5e6))), (server, tuple(emulation(0.04, 20e6)))]
        before = link.carried()
        assert handshake(link) > 0
        assert (link.carried() - before).up >= 3 * 40
        assert doubt(SLOW, link.obtained()).startswith("40ms-20mbit-5mbit: round trip")  # for no emulator is there


def netem_refused():
    try:
        NetemLink().close()
    except LinkError as error:
        return str(error)
    return None


@needs_tun
def test_the_kernels_emulator_holds_packets_up_or_the_kernel_says_that_it_has_none():
    if refusal := netem_refused():
        assert re.match(r"tc qdisc replace .* netem .*: \w", refusal)
        return
    with closing(NetemLink()) as link:
        link.set(SLOW)
        assert handshake(link) >= SLOW.round_trip
