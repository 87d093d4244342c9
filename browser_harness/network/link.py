"""What a link is, and the one that is none."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal, Protocol

from browser_harness.network.conditions import Obtained

# How packets are carried: not at all, by a program between two namespaces, by the kernel's netem between them, or by a
# proxy in front of every server.
Kind = Literal["loopback", "tun", "netem", "proxy"]


@dataclass(frozen=True)
class Carried:
    """Bytes of IP packets that went through a link, headers included; and how many of the packets went ill."""

    up: int
    down: int
    packets: int = 0
    late: int = 0  # came more than a millisecond after their time: the machine was busy
    dropped: int = 0  # found a queue full

    def __sub__(self, earlier: "Carried") -> "Carried":
        """Return what was carried since *earlier*."""
        return Carried(
            self.up - earlier.up,
            self.down - earlier.down,
            self.packets - earlier.packets,
            self.late - earlier.late,
            self.dropped - earlier.dropped,
        )

    @property
    def late_share(self) -> float:
        """The share of packets that came late, from 0 to 1."""
        return self.late / self.packets if self.packets else 0.0


class Link(Protocol):
    """A way between clients and servers of this machine, whose conditions are known."""

    @property
    def kind(self) -> Kind:
        """How packets are carried."""

    @property
    def lacks(self) -> Sequence[str]:
        """What a real network does and this does not, each in a few words."""

    @property
    def congestion_control(self) -> str | None:
        """The algorithm that both ends use; None where it is not chosen."""

    @property
    def host(self) -> str:
        """The address that servers bind to, and that clients ask."""

    @property
    def runs(self) -> bool:
        """Whether it still carries."""

    def on_server_side(self) -> AbstractContextManager[None]:
        """Have the calling thread open sockets and start programs at the servers' end while the context lasts."""

    def on_client_side(self) -> AbstractContextManager[None]:
        """Have the calling thread open sockets and start programs at the clients' end while the context lasts."""

    def entrance(self, port: int) -> int:
        """Return the port by which clients reach a server's *port*; the same one but for a proxy."""

    def carried(self) -> Carried | None:
        """Return what went through so far; None where nobody counts."""

    def obtained(self) -> Obtained:
        """Return what was measured under the present conditions, once for each in a run."""


class Loopback:
    """No link: clients and servers share the machine's loopback device."""

    kind: Kind = "loopback"
    lacks: Sequence[str] = ()
    congestion_control = None
    host = "127.0.0.1"
    runs = True

    def on_server_side(self) -> AbstractContextManager[None]:
        """Change nothing."""
        return nullcontext()

    def on_client_side(self) -> AbstractContextManager[None]:
        """Change nothing."""
        return nullcontext()

    def entrance(self, port: int) -> int:
        """Return *port*."""
        return port

    def carried(self) -> None:
        """Return None: nobody counts."""

    def obtained(self) -> Obtained:
        """Return that nothing lies between."""
        return Obtained(0.0, None, None)
