"""The links of this process: the kinds that there are, and the one that this machine can have."""

import atexit
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from browser_harness.network.conditions import LOOPBACK, Conditions
from browser_harness.network.link import Link, Loopback
from browser_harness.network.namespaces import LinkError

FORCED = "CLIENT_OR_SERVER_LINK"  # an environment variable: the only kind of link that is tried


class Settable(Link, Protocol):
    """A link whose conditions can be set, while it runs."""

    def set(self, conditions: Conditions) -> None:
        """Have *conditions* from now on."""

    def close(self) -> None:
        """Leave nothing behind."""


def _tun() -> Settable:
    from browser_harness.network.tun import TunLink

    return TunLink()


def _netem() -> Settable:
    from browser_harness.network.netem import NetemLink

    return NetemLink()


def _proxy() -> Settable:
    from browser_harness.network.proxy import ProxyLink

    return ProxyLink()


# Imported when one is made: every process of a platform imports this module, and few have a link.
# In the order of preference; each raises LinkError where machine or user lack the means. The kernel's own emulator is
# not first: it was never seen at work here, and a link by TUN was.
KINDS: Mapping[str, Callable[[], Settable]] = {"tun": _tun, "netem": _netem, "proxy": _proxy}


@dataclass
class _Lent:
    """A link, the conditions that it has, and how many have it now."""

    link: Settable
    conditions: Conditions
    users: int = 0


class Links:
    """The links of this process: one is made when it is first asked for, and closed with the process.

    Another is made only while all are lent under other conditions. All are of the first one's kind: what a run measures
    does not change its meaning on the way.
    """

    def __init__(self, kinds: Mapping[str, Callable[[], Settable]] = KINDS) -> None:
        self._kinds = kinds
        self._lock = Lock()
        self._links: list[_Lent] = []
        self._owner = 0
        self._kind = ""  # of the first
        self.refused: Mapping[str, str] = {}  # the kinds that were tried in vain, with the reason

    @contextmanager
    def at(self, conditions: Conditions) -> Iterator[Link]:
        """Have a link of such *conditions* while the context lasts, together with whoever has the same.

        Raises LinkError where this machine can have none.
        """
        if conditions == LOOPBACK:
            yield Loopback()
            return
        lent = self._lend(conditions)
        try:
            yield lent.link
        finally:
            with self._lock:
                lent.users -= 1

    def _lend(self, conditions: Conditions) -> _Lent:
        with self._lock:
            self._forget_broken()
            lent = self._alike(conditions) or self._spare(conditions) or self._another(conditions)
            lent.users += 1
            return lent

    def _forget_broken(self) -> None:
        if self._owner != os.getpid():  # of the process that this one was forked from
            self._links, self._owner = [], os.getpid()
            atexit.register(self.close)
        for lent in [lent for lent in self._links if not lent.users and not lent.link.runs]:
            self._discard(lent)

    def _alike(self, conditions: Conditions) -> _Lent | None:
        return next(
            (lent for lent in self._links if lent.users and lent.link.runs and lent.conditions == conditions), None
        )

    def _spare(self, conditions: Conditions) -> _Lent | None:
        for lent in [lent for lent in self._links if not lent.users]:
            try:
                lent.link.set(conditions)
            except LinkError:  # what was left on it goes on: it is nobody's, and no network of ours
                self._discard(lent)
                continue
            lent.conditions = conditions
            return lent
        return None

    def _discard(self, lent: _Lent) -> None:
        self._links.remove(lent)
        lent.link.close()

    def _another(self, conditions: Conditions) -> _Lent:
        lent = _Lent(self._made(), conditions)
        self._links.append(lent)
        lent.link.set(conditions)
        return lent

    def _made(self) -> Settable:
        """Make the best link that can be had."""
        refused: dict[str, str] = {}
        for kind in self._candidates():
            try:
                link = self._kinds[kind]()
            except LinkError as error:
                refused[kind] = str(error)
                continue
            if not self._kind:
                self._kind, self.refused = kind, refused
            return link
        reasons = "; ".join(f"{kind}: {reason}" for kind, reason in refused.items())
        raise LinkError(f"no network can be made: {reasons}")

    def _candidates(self) -> list[str]:
        """Return the kinds that may be made."""
        forced = os.environ.get(FORCED)
        if forced and forced not in self._kinds:
            raise LinkError(f"{FORCED}={forced} is unknown; known are {', '.join(self._kinds)}")
        return [self._kind] if self._kind else [forced] if forced else [*self._kinds]

    def close(self) -> None:
        """Close all links, lent or not."""
        if self._owner == os.getpid():
            with self._lock:
                for lent in self._links:
                    lent.link.close()
                self._links = []


LINKS = Links()
