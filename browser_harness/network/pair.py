"""Two namespaces whose devices lead to each other: what every link of real TCP has."""

import socket
from contextlib import ExitStack, suppress

from browser_harness.network.namespaces import LinkError, Namespace, configure, set_kernel

CLIENT, SERVER = "127.1.0.1", "127.1.0.2"  # loopback addresses, which pages may trust; both lead to the device
DEVICE = "link0"
MTU = 1500  # bytes of a packet at most
SEGMENT = MTU - 52  # of them a program's own; the rest are headers of IP and TCP
# Each way holds what its rate sends in this time, or in a round trip where that is longer: the field's rule of thumb,
# by which a connection that has lost a packet still fills the way. 64 packets at least, as the slowest modems do.
QUEUE = 0.1  # s
LEAST_QUEUE = 64 * MTU  # bytes
TCP_CONGESTION = 13  # of Linux's tcp.h
KERNEL = (
    ("conf/all/route_localnet", "1"),  # loopback addresses may cross a device that is not lo
    (f"conf/{DEVICE}/route_localnet", "1"),
    ("conf/all/rp_filter", "0"),
    (f"conf/{DEVICE}/rp_filter", "0"),
    ("tcp_no_metrics_save", "1"),  # no connection begins with what an earlier one, on another network, has learnt
    ("tcp_slow_start_after_idle", "1"),
    ("tcp_congestion_control", "reno"),  # which any namespace may have; see _prefer_cubic
)


def queue(round_trip: float, rate: float) -> float:
    """Return the bytes that may wait at a bottleneck of *rate* bit/s; *round_trip* is in seconds."""
    return max(LEAST_QUEUE, rate / 8 * max(QUEUE, round_trip))


class Pair:
    """A namespace for clients and one for servers; each has a device, named DEVICE, by the time they are joined."""

    def __init__(self) -> None:
        with ExitStack() as undone:
            self.client = Namespace()
            undone.callback(self.client.close)
            self.server = Namespace()
            undone.pop_all()
        self.congestion_control = "reno"

    def join(self) -> None:
        """Give both devices addresses and routes, and see a connection go through; raise LinkError where none does."""
        for side, own, peer in ((self.client, CLIENT, SERVER), (self.server, SERVER, CLIENT)):
            with side.entered():
                _address(own, peer)
        try:
            self.congestion_control = self._seen()
        except OSError as error:
            raise LinkError(f"no connection goes through the link: {error}") from None

    def _seen(self) -> str:
        """Return the congestion control that both ends of a connection say they have."""
        with self.server.entered():
            listener = socket.create_server((SERVER, 0))
        with listener:
            with self.client.entered():
                near = socket.create_connection(listener.getsockname(), timeout=5)
            with near, listener.accept()[0] as far:
                names = [_congestion_control(end) for end in (near, far)]
        return names[0] if names[0] == names[1] else f"{names[0]} of clients, {names[1]} of servers"

    def close(self) -> None:
        """Let go of both."""
        self.client.close()
        self.server.close()


def _address(own: str, peer: str) -> None:
    """Make *peer* reachable through the device of the calling thread's namespace."""
    configure(
        "link set lo up",
        "route add local 127.0.0.0/16 dev lo table local scope host src 127.0.0.1",  # 127.0.x.x stays local
        "route del local 127.0.0.0/8 dev lo table local",  # 127.1.x.x no longer is
        f"addr add {own} peer {peer}/32 dev {DEVICE}",
        f"link set {DEVICE} up mtu {MTU} txqueuelen 1000",
    )
    set_kernel(KERNEL)
    _prefer_cubic(own, peer)


def _prefer_cubic(own: str, peer: str) -> None:
    """Have connections by the device use CUBIC, as most clients and servers do; where it is not there, they use Reno.

    A machine's default may be BBR, which paces even 13 kB: 5 ms more on a kept connection. A namespace may not choose
    for itself what is not in tcp_allowed_congestion_control; a route may.
    """
    with suppress(LinkError):
        configure(f"route replace {peer}/32 dev {DEVICE} scope link src {own} congctl cubic")


def _congestion_control(end: socket.socket) -> str:
    return end.getsockopt(socket.IPPROTO_TCP, TCP_CONGESTION, 16).rstrip(b"\0").decode()
