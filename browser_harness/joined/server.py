"""The server that browsers join by a link: the page that a person sees, and to each device what its page asks for.

It listens on the loopback interface unless it is told otherwise. Who joins has a token of 128 bits, which the link
carries behind its ``#`` where no server or log sees it, and is given a secret of its own for it, as a cookie: without
that nothing is served but the page that joins.
"""

import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from browser_harness.joined.browsers import identified
from browser_harness.joined.device import Device, Table
from browser_harness.joined.entrance import Entrance
from browser_harness.joined.loop import LoopThread
from browser_harness.server import HEADERS, MEDIA_TYPES, policy

PAGE = Path(__file__).parent / "page"
SHELL = {"/": "index.html", **{f"/{name}": name for name in ("shell.mjs", "shell.css", "about.mjs")}}
COOKIE = "device"
MOST_SENT = 8 << 20  # bytes of a message or body: outputs are sent in pieces of as many
MOST_ABOUT = 16 << 10  # bytes of what a device says of itself
HEARTBEAT = 30.0  # seconds in which a device answers that it is there: its network does, also while its page computes
SHELL_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; img-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class JoinServer:
    """Lets devices in for as long as the context lasts; *on_join* is told of each, in the server's thread."""

    def __init__(self, entrance: Entrance | None = None, on_join: Callable[[Device], None] = lambda _: None) -> None:
        self.entrance = entrance or Entrance()
        self.devices: list[Device] = []
        self._on_join = on_join
        self._token = secrets.token_urlsafe(16)  # 128 bits
        self._thread = LoopThread()
        self._runner: web.AppRunner | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self._thread.__enter__()
        try:
            self._thread.ask(self._start())
        except BaseException:
            self._thread.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.ask(self._stop())
        self._thread.__exit__(kind, error, trace)

    @property
    def origin(self) -> str:
        """The scheme, address and port by which devices reach it."""
        return self.entrance.origin(self._port)

    @property
    def url(self) -> str:
        """The link: whoever has it may join."""
        return f"{self.origin}/#{self._token}"

    async def _start(self) -> None:
        app = web.Application(middlewares=[self._guarded], client_max_size=MOST_SENT)
        app.router.add_post("/join", self._join)
        app.router.add_get("/socket", self._socket)
        app.router.add_route("*", "/{path:.*}", self._file)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        listening = self.entrance.listen()
        self._port = listening.getsockname()[1]
        await web.SockSite(self._runner, listening, ssl_context=self.entrance.tls).start()

    async def _stop(self) -> None:
        for device in self.devices:
            await device.end()
        if self._runner:
            await self._runner.cleanup()

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer to the server's own names and to its own pages only, and say what the answer may be used for."""
        if not self._is_own(request.headers.get("Host", "")):
            raise web.HTTPMisdirectedRequest(text=f"this server is {self.origin}\n")
        if request.method != "GET" or "Upgrade" in request.headers:
            origin = urlsplit(request.headers.get("Origin", "")).netloc
            if not self._is_own(origin):
                raise web.HTTPForbidden(text="only this server's own page may send\n")
        return await handler(request)

    def _is_own(self, host: str) -> bool:
        return host.lower() in {urlsplit(own).netloc for own in self.entrance.origins(self._port)}

    async def _join(self, request: web.Request) -> web.Response:
        """Give one who has the token a secret of its own."""
        body = await request.content.read(MOST_ABOUT + 1)
        try:
            told: Any = json.loads(body) if len(body) <= MOST_ABOUT else None
            token, about = told["token"], told["about"]
        except (ValueError, TypeError, KeyError):
            raise web.HTTPBadRequest(text="no such message\n") from None
        if not hmac.compare_digest(str(token).encode(), self._token.encode()):
            raise web.HTTPForbidden(text="this link is not of this run\n")
        if len(self.devices) >= self.entrance.most_devices:
            raise web.HTTPServiceUnavailable(text=f"{len(self.devices)} devices have joined, and no more may\n")
        device = Device(
            len(self.devices) + 1,
            {**about, **identified(str(about.get("userAgent"))), "address": request.remote},
            self._thread,
        )
        self.devices.append(device)
        answer = web.json_response({"device": device.number}, headers=self._headers())
        answer.set_cookie(
            COOKIE, device.secret, httponly=True, samesite="Strict", secure=self.origin.startswith("https"), path="/"
        )
        return answer

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        device = self._device(request)
        socket = web.WebSocketResponse(max_msg_size=MOST_SENT, heartbeat=HEARTBEAT)
        await socket.prepare(request)
        is_new = not device.has_come
        await device.joined(socket)
        if is_new:
            self._on_join(device)
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    device.receive(json.loads(message.data))
        finally:
            device.left(socket)
        return socket

    async def _file(self, request: web.Request) -> web.StreamResponse:
        """Send what lies at a path: of the page that joins to anyone, of its own page to a device."""
        if request.method == "GET" and (name := SHELL.get(request.path)):
            headers = self._headers() | {"Content-Security-Policy": SHELL_POLICY}
            return web.Response(body=(PAGE / name).read_bytes(), headers=headers | _typed(name))
        device = self._device(request)
        if device.table is None:
            raise web.HTTPNotFound
        if request.method == "PUT":
            return await self._taken(request, device.table)
        return self._sent(request, device.table)

    async def _taken(self, request: web.Request, table: Table) -> web.Response:
        wanted = table.awaited.pop(request.path, None)
        if wanted is None or request.content_length != wanted:
            raise web.HTTPNotFound
        table.taken[request.path] = await request.read()
        return web.Response(status=HTTPStatus.CREATED, headers=self._headers())

    def _sent(self, request: web.Request, table: Table) -> web.Response:
        accepts = ",".join(request.headers.getall("Accept-Encoding", []))
        body = table.contents.body(request.path, accepts)
        if body is None:
            raise web.HTTPNotFound
        with body.source:
            content = body.source.read()
        table.note(request.path, body.told)
        headers = self._headers() | _typed(request.path)
        headers |= {"Content-Security-Policy": f"{policy(table.script_sources)}; frame-ancestors 'self'"}
        return web.Response(
            body=content, headers=headers | ({"Content-Encoding": body.form.coding} if body.form else {})
        )

    def _device(self, request: web.Request) -> Device:
        secret = request.cookies.get(COOKIE, "")
        for device in self.devices:
            if hmac.compare_digest(device.secret.encode(), secret.encode()):
                return device
        raise web.HTTPForbidden(text="no device of this run\n")

    def _headers(self) -> dict[str, str]:
        return {**HEADERS, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def _typed(path: str) -> dict[str, str]:
    types = {**MEDIA_TYPES, ".css": "text/css; charset=utf-8"}
    return {"Content-Type": types.get(Path(path).suffix, "application/octet-stream")}


@contextmanager
def joining(
    entrance: Entrance | None = None, on_join: Callable[[Device], None] = lambda _: None
) -> Iterator[JoinServer]:
    """Let devices join while the context lasts."""
    with JoinServer(entrance, on_join) as server:
        yield server
