"""Who is answered at all: by the names that a request gives, before anybody looks at what it asks for.

A browser says in ``Host`` which server it means, and in ``Origin`` which page sends. A name that somebody else has made
lead here (DNS rebinding) is none of this server's, and a page of another's that sends here is none of its pages.
"""

from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from browser_harness.joined.entrance import Entrance
from browser_harness.joined.limits import Rate

# So many requests at once, and a second: of a device, which may do no more than fetch and send chunks; and of strangers
# at an address, which all share that come through a tunnel. What they ask costs time of a processor that is measured.
OF_DEVICE, OF_STRANGERS = (2000, 1000.0), (1500, 60.0)
WRONG_TOKENS = (10, 0.1)  # at once and a second, from an address; who has the right one is let in all the same
SOCKETS = (20, 0.2)  # of a device


class RefusedError(Exception):
    """A request is answered by a status and a line of words."""

    def __init__(self, status: HTTPStatus, words: str, **headers: str) -> None:
        super().__init__(words)
        self.status, self.words, self.headers = status, words, headers


@dataclass(frozen=True)
class Door:
    """The names of a server that listens on *port*."""

    entrance: Entrance
    port: int

    @property
    def origins(self) -> dict[str, str]:
        """Its own origins, by what browsers call them in ``Host``."""
        return {origin.partition("://")[2]: origin for origin in self.entrance.origins(self.port)}

    @property
    def cookie(self) -> str:
        """The name of its cookie: servers on one host share cookies, whatever their ports."""
        return f"device-{self.port}"

    def check(self, request: web.BaseRequest) -> None:
        """Raise RefusedError unless a request means this server, and comes from a page of it where it sends."""
        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1 or hosts[0].lower() not in self.origins:
            raise RefusedError(HTTPStatus.MISDIRECTED_REQUEST, "no such server here")
        if request.method != "GET" or "Upgrade" in request.headers:
            self.origin(request)

    def origin(self, request: web.BaseRequest) -> str:
        """Return the origin of the page that sends; raises RefusedError where that is none of this server's."""
        origins = request.headers.getall("Origin", [])
        if len(origins) != 1 or origins[0].lower() not in self.origins.values():
            raise RefusedError(HTTPStatus.FORBIDDEN, "only this server's own pages may send")
        return origins[0].lower()


class Limits:
    """How often one may ask."""

    def __init__(self) -> None:
        self._of_device, self._of_strangers = Rate(*OF_DEVICE), Rate(*OF_STRANGERS)
        self._wrong_tokens, self._sockets = Rate(*WRONG_TOKENS), Rate(*SOCKETS)

    def request(self, device: int | None, address: str | None) -> None:
        """Raise RefusedError where a device, or strangers at an address, ask too often."""
        allowed = self._of_strangers.allows(address) if device is None else self._of_device.allows(device)
        _refuse_unless(allowed, "too many requests")

    def socket(self, device: int) -> None:
        """Raise RefusedError where a device opens its socket too often."""
        _refuse_unless(self._sockets.allows(device), "too many connections")

    def wrong_token(self, address: str | None) -> RefusedError:
        """Return what answers a token that is not this run's."""
        if self._wrong_tokens.allows(address):
            return RefusedError(HTTPStatus.FORBIDDEN, "this link is not of this run")
        return RefusedError(HTTPStatus.TOO_MANY_REQUESTS, "this link is not of this run, and was tried too often")


def _refuse_unless(allowed: bool, words: str) -> None:
    if not allowed:
        raise RefusedError(HTTPStatus.TOO_MANY_REQUESTS, words, **{"Retry-After": "10"})
