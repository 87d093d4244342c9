"""A link where no packets can be carried: a proxy in front of every server, on the machine's own loopback device.

Any user can have it, but on Windows. What it lacks is told with it.
"""

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from browser_harness.network import measured
from browser_harness.network.conditions import LOOPBACK, Conditions, Obtained
from browser_harness.network.link import Kind
from browser_harness.network.namespaces import LinkError
from browser_harness.network.program import Program


class ProxyLink:
    """Servers are reached by an entrance that delays and throttles."""

    kind: Kind = "proxy"
    lacks: Sequence[str] = (
        "slow start",
        "loss",
        "the network's own TCP: a handshake is but a later first byte",
    )
    congestion_control = None
    host = "127.0.0.1"

    def __init__(self) -> None:
        self._conditions = LOOPBACK
        self._relay = _relay()

    @property
    def runs(self) -> bool:
        """Whether it still relays."""
        return self._relay.runs

    def on_server_side(self) -> AbstractContextManager[None]:
        """Change nothing."""
        return nullcontext()

    def on_client_side(self) -> AbstractContextManager[None]:
        """Change nothing."""
        return nullcontext()

    def set(self, conditions: Conditions) -> None:
        """Have *conditions* from now on, on a link that nobody uses."""
        self._relay.ask(round_trip=conditions.round_trip, up=conditions.up, down=conditions.down)
        self._conditions = conditions

    def entrance(self, port: int) -> int:
        """Return the port by which clients reach a server's *port*."""
        entrance: int = self._relay.ask(port=port)["port"]
        return entrance

    def carried(self) -> None:
        """Return None: it knows of no packets."""

    def obtained(self) -> Obtained:
        """Return what was measured under the present conditions; raise LinkError where nothing comes through."""
        return measured.once(self.kind, self._conditions, partial(measured.by_streams, self.entrance, self._conditions))

    def close(self) -> None:
        """End the relay."""
        self._relay.close()


def _relay() -> Program:
    if sys.platform == "win32":
        raise LinkError("Windows cannot wait for pipes and sockets at once, as the relay does")
    return Program("browser_harness.network.relay")
