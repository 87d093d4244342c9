"""The connections of the server that devices join: how many there may be, and for how long one may keep it waiting.

aiohttp reads and writes HTTP. What it answers by itself, to requests that cannot be read, goes out as everything else
does: with the same headers, and without a stranger's words in a log.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web

from browser_harness.joined.entrance import is_loopback
from browser_harness.server import HEADERS

IDLE = 20.0  # seconds in which a connection has asked for something, in a whole request
LINGERING = 2.0  # seconds in which the last of an answer is read, before a connection that ends is cut
LONGEST_LINE = 4096  # bytes of a request's first line
LONGEST_FIELD = 8190  # bytes of a header: a browser sends the cookies of all servers on localhost
MOST_FIELDS = 64
MOST_CONNECTIONS = 512  # half of the files that a process may usually have open
MOST_FROM_ONE = 64  # from one address; through a tunnel, and on this machine, all come from the same
TO_ALL = {
    **HEADERS,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Server": "client-or-server",
}
NOTHING = "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"  # what words may do

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def refusal(status: int, words: str, **headers: str) -> web.Response:
    """Return an answer in a line of words, which no browser may do anything with."""
    return web.Response(
        status=status, text=f"{words}\n", headers={**TO_ALL, "Content-Security-Policy": NOTHING, **headers}
    )


class Connections(web.Server):
    """All connections; *on_fault* is told of what went wrong here, which is no stranger's fault."""

    def __init__(self, handler: Handler, on_fault: Callable[[Exception], None]) -> None:
        super().__init__(
            handler,
            access_log=None,
            keepalive_timeout=IDLE,
            lingering_time=1.0,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_FIELD,
            max_headers=MOST_FIELDS,
            auto_decompress=False,
        )
        self.on_fault = on_fault
        self._from: Counter[str] = Counter()

    def __call__(self) -> web.RequestHandler:
        """Return what handles one connection."""
        return _Connection(self, loop=self._loop, **self._kwargs)

    def admits(self, address: str) -> bool:
        """Whether one more connection may come from an address."""
        few = is_loopback(address) or self._from[address] < MOST_FROM_ONE
        return few and self._from.total() < MOST_CONNECTIONS

    def came(self, address: str) -> None:
        """Count a connection."""
        self._from[address] += 1

    def went(self, address: str) -> None:
        """Count one less."""
        self._from[address] -= 1
        if not self._from[address]:
            del self._from[address]


class _Connection(web.RequestHandler):
    """One connection."""

    def __init__(self, server: Connections, **options: Any) -> None:
        super().__init__(server, **options)
        self._server, self._address = server, ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        address = str((transport.get_extra_info("peername") or [""])[0])
        if not self._server.admits(address):
            transport.abort()  # type: ignore[attr-defined]  # of a stream
            return
        self._address = address
        self._server.came(address)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._address:
            self._server.went(self._address)
            self._address = ""
        super().connection_lost(exc)

    def force_close(self) -> None:
        """End the connection, also where the other side reads no more."""
        transport = self.transport
        super().force_close()
        if transport is not None:
            asyncio.get_running_loop().call_later(LINGERING, transport.abort)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer to what could not be read, or what went wrong here, which nobody else is to learn of."""
        if status == HTTPStatus.INTERNAL_SERVER_ERROR and isinstance(exc, Exception):
            self._server.on_fault(exc)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer had begun")
        answer = refusal(status, HTTPStatus(status).phrase)
        answer.force_close()
        return answer
