"""The links that there are, and the one that this machine can have."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal, Protocol

from browser_harness.network.conditions import Conditions, Obtained

# How packets are carried: not at all, by a program between two namespaces, by the kernel's netem between them, or by a
# proxy in front of every server.
Kind = Literal["loopback", "tun", "netem", "proxy"]


@dataclass(frozen=True)
class Carried:
    """Bytes of IP packets that went through a link, headers included."""

    up: int
    down: int


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


class Links:
    """The links of this process: one is made when it is first asked for, and closed with the process."""

    @contextmanager
    def at(self, conditions: Conditions) -> Iterator[Link]:
        """Have a link of such *conditions* while the context lasts."""
        yield Loopback()


LINKS = Links()
