"""What a link of real TCP offers, however its two namespaces are joined."""

import time
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from functools import partial

from browser_harness.network import measured
from browser_harness.network.conditions import LOOPBACK, Conditions, Obtained
from browser_harness.network.link import Carried, Kind
from browser_harness.network.namespaces import LinkError
from browser_harness.network.pair import SERVER, Pair

QUIET = 0.01  # s without a packet, after which a link is empty
PATIENCE = 5.0  # s until it must be


class Sides(ABC):
    """The two sides of a link over a *pair*, and what was measured between them."""

    kind: Kind
    host = SERVER

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._conditions = LOOPBACK

    @property
    def congestion_control(self) -> str:
        """The algorithm of both ends."""
        return self._pair.congestion_control

    def on_server_side(self) -> AbstractContextManager[None]:
        """Have the calling thread in the servers' namespace while the context lasts."""
        return self._pair.server.entered()

    def on_client_side(self) -> AbstractContextManager[None]:
        """Have the calling thread in the clients' namespace while the context lasts."""
        return self._pair.client.entered()

    def entrance(self, port: int) -> int:
        """Return *port*."""
        return port

    def set(self, conditions: Conditions) -> None:
        """Have *conditions* from now on, on a link that nobody uses; raise LinkError where somebody still does."""
        self._empty()
        self._hold_up(conditions)
        self._conditions = conditions

    def _empty(self) -> None:
        """Let all through at once until nothing comes any more: a connection that was broken off has much to send."""
        self._hold_up(LOOPBACK)
        until = time.monotonic() + PATIENCE
        before, now = None, self.carried().packets
        while now != before:
            if time.monotonic() > until:
                raise LinkError(f"the link is not quiet: an earlier user sent {now - (before or 0)} packets")
            time.sleep(QUIET)
            before, now = now, self.carried().packets

    @abstractmethod
    def _hold_up(self, conditions: Conditions) -> None:
        """Have packets held up as *conditions* say."""

    @abstractmethod
    def carried(self) -> Carried:
        """Return what went through so far."""

    def obtained(self) -> Obtained:
        """Return what was measured under the present conditions; raise LinkError where nothing comes through."""
        asked = self._conditions
        measure = partial(measured.by_datagrams, self.on_client_side, self.on_server_side, asked)
        return measured.once(self.kind, asked, measure)
