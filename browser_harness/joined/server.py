"""The server that browsers join by a link: the page that a person sees, and to each device what its page asks for.

It listens on the loopback interface unless it is told otherwise. Who joins has a token of 128 bits, which the link
carries behind its ``#`` where no server or log sees it, and is given a secret of its own for it, as a cookie: without
that nothing is served but the page that joins.

What it answers to is decided in ``door``, for how long in ``connections``; what a device says goes through
``messages``, ``claims`` and ``answers`` before anybody uses it.
"""

import asyncio
import hmac
import itertools
import secrets
import socket
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import WebSocketError, WSMsgType, web

from browser_harness.channel import PageError
from browser_harness.contents import Body
from browser_harness.joined.claims import claims
from browser_harness.joined.connections import TO_ALL, Connections, refusal
from browser_harness.joined.device import Awaited, Device, Table
from browser_harness.joined.door import Door, Limits, RefusedError
from browser_harness.joined.entrance import Entrance
from browser_harness.joined.loop import LoopThread
from browser_harness.joined.messages import message
from browser_harness.joined.sending import INDEX, is_known, send, validator, whole
from browser_harness.joined.untrusted import BreachError, Fields, read, tamed
from browser_harness.server import MEDIA_TYPES, policy

PAGE = Path(__file__).parent / "page"
SHELL = {"/": "index.html", **{f"/{file.name}": file.name for file in PAGE.iterdir() if file.suffix != ".html"}}
MOST_SENT = 8 << 20  # bytes of a message or body: outputs are sent in pieces of as many
MOST_ABOUT = 16 << 10  # bytes of what a device says of itself
SENDING, SLOWEST = 10.0, 32e3  # seconds in which a body has come, and one more for so many bytes of it
HEARTBEAT = 10.0  # seconds in which a device answers that it is there: its network does, also while its page computes
PARTING = 2.0  # seconds for the last words between two ends of a socket
HANDSHAKE = 5.0  # seconds, of TLS
GONE = (ConnectionError, TimeoutError, ssl.SSLError, asyncio.CancelledError)  # of somebody who is
KEPT = 24 * 3600  # seconds for which a browser keeps its secret, which is worth nothing after the run
SHELL_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; img-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


class JoinServer:
    """Lets devices in for as long as the context lasts; *on_join* is told of each, in the server's thread.

    *offer* is what a person is told before: "title", "what" (lines), "minutes". Raises EntranceError where it cannot
    listen.
    """

    def __init__(
        self,
        entrance: Entrance | None = None,
        on_join: Callable[[Device], None] = lambda _: None,
        offer: Mapping[str, Any] | None = None,
    ) -> None:
        self.entrance, self.offer = entrance or Entrance(), dict(offer or {})
        self.devices: list[Device] = []
        self.tasks_left = 0  # when it had ended; none should be
        self._told: set[str] = set()
        self._on_join, self._numbers = on_join, itertools.count(1)
        self._token = secrets.token_urlsafe(16)  # 128 bits
        self._thread, self._limits = LoopThread(), Limits()
        self._shell = {path: (name, (PAGE / name).read_bytes()) for path, name in SHELL.items()}

    def __enter__(self) -> Self:
        listening = self.entrance.listen()
        self._door = Door(self.entrance, listening.getsockname()[1])
        self._thread.__enter__()
        try:
            self._thread.ask(self._start(listening))
        except BaseException:
            listening.close()
            self._thread.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._thread.ask(self._stop())
        finally:
            self._thread.__exit__(kind, error, trace)

    @property
    def origin(self) -> str:
        """The scheme, address and port by which devices reach it."""
        return self.entrance.origin(self._door.port)

    @property
    def own_url(self) -> str | None:
        """The link for browsers of this machine, whose pages are secure there; None where it is not heard so."""
        if self.entrance.tls:  # their certificate is not of that name
            return None
        heard = sorted(self.entrance.origins(self._door.port))
        own = (one for one in heard if self.entrance.transport(one) == "loopback")
        return next((f"{one}/#{self._token}" for one in own), None)

    @property
    def url(self) -> str:
        """The link: whoever has it may join."""
        return f"{self.origin}/#{self._token}"

    async def _start(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: self._failed(context.get("exception")))
        self._connections = Connections(self._answered, self._failed)
        tls = self.entrance.tls
        self._listener = await loop.create_server(
            self._connections, sock=listening, ssl=tls, ssl_handshake_timeout=HANDSHAKE if tls else None
        )

    async def _stop(self) -> None:
        self._listener.close()
        await asyncio.gather(*(device.end() for device in self.devices))
        self._connections.pre_shutdown()
        await self._connections.shutdown(PARTING)
        self.tasks_left = len(asyncio.all_tasks() - {asyncio.current_task()})

    def _failed(self, error: BaseException | None) -> None:
        """Tell once of a fault of the server's own; that somebody goes away in the midst of something is none."""
        words = tamed(repr(error))
        if error is None or isinstance(error, GONE) or words in self._told:
            return
        self._told.add(words)
        sys.stderr.write(f"the server that devices join failed: {words}\n")

    async def _answered(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request, whatever it is."""
        try:
            return await self._answer(request)
        except RefusedError as refused:
            return await whole(request, refusal(refused.status, refused.words, **refused.headers))
        except BreachError as breach:
            return await whole(request, refusal(HTTPStatus.BAD_REQUEST, str(breach)))

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self._door.check(request)
        path, device = request.raw_path.partition("?")[0], self._known(request)
        self._limits.request(device.number if device else None, request.remote)
        if path == "/join":
            return await whole(request, await self._join(_only(request, "POST"), device))
        if path == "/socket":
            return await self._socket(_only(request, "GET"), _let_in(device))
        if path in self._shell:
            return await whole(request, _of_shell(_only(request, "GET"), *self._shell[path]))
        return await self._of_page(_only(request, "GET", "PUT"), path, _let_in(device))

    def _known(self, request: web.BaseRequest) -> Device | None:
        """Return the device whose secret a request has."""
        secret = request.cookies.get(self._door.cookie, "").encode(errors="replace")
        return next((one for one in self.devices if hmac.compare_digest(one.secret.encode(), secret)), None)

    async def _join(self, request: web.BaseRequest, device: Device | None) -> web.Response:
        """Give one who has the token a secret of its own; one who has that is let in again."""
        told = Fields(read(await _text(request)), "a request to join")
        origin = self._door.origin(request)
        if device is not None:
            return self._welcome(_let_in(device), origin)
        if not hmac.compare_digest(str(told.told.get("token")).encode(errors="replace"), self._token.encode()):
            raise self._limits.wrong_token(request.remote)
        return self._welcome(self._new(claims(told.told.get("about")), origin, request.remote), origin)

    def _new(self, claimed: Mapping[str, Any], origin: str, address: str | None) -> Device:
        """Let a device in; one that never opened its socket gives way where there are too many."""
        transport = self.entrance.transport(origin)
        seen = {"address": None if transport == "public-url" else address, "transport": transport}
        if len(self.devices) >= self.entrance.most_devices:
            self._forget_one()
        device = Device(next(self._numbers), {**claimed, **seen}, self._thread)
        self.devices = [*self.devices, device]
        return device

    def _forget_one(self) -> None:
        waiting = [device for device in self.devices if not device.has_come]
        if not waiting:
            words = f"{len(self.devices)} devices have joined, and no more may"
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, words)
        self.devices = [device for device in self.devices if device is not waiting[0]]

    def _welcome(self, device: Device, origin: str) -> web.Response:
        asks = not device.has_come and self.entrance.transport(origin) != "loopback"
        told = {"device": device.number, "offer": self.offer, "asks_consent": asks}
        answer = web.json_response(told, headers=TO_ALL)
        is_secure = origin.startswith("https:")
        kept = {"httponly": True, "samesite": "Strict", "secure": is_secure, "path": "/", "max_age": KEPT}
        answer.set_cookie(self._door.cookie, device.secret, **kept)  # type: ignore[arg-type]
        return answer

    async def _socket(self, request: web.BaseRequest, device: Device) -> web.StreamResponse:
        """Hear a device, for as long as it keeps to the protocol."""
        self._limits.socket(device.number)
        if "Sec-WebSocket-Protocol" in request.headers:  # which aiohttp would write into a log
            raise RefusedError(HTTPStatus.BAD_REQUEST, "no such protocol")
        heard = web.WebSocketResponse(
            max_msg_size=MOST_SENT, heartbeat=HEARTBEAT, timeout=PARTING, compress=False, autoping=False
        )
        try:
            await heard.prepare(request)
        except web.HTTPException as error:
            raise RefusedError(HTTPStatus(error.status), "no WebSocket") from error
        is_new = not device.has_come
        await device.joined(heard)
        try:
            if is_new:
                self._on_join(device)
            await _hear(heard, device)
        except BreachError as breach:
            await device.dismiss(str(breach))
        finally:
            device.left(heard)
        return heard

    async def _of_page(self, request: web.BaseRequest, path: str, device: Device) -> web.StreamResponse:
        """Send what lies at a path of a device's page, or take what is awaited there."""
        if (table := device.table) is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, "nothing there")
        if request.method == "PUT":
            return await whole(request, await _taken(request, table.begun(path)))
        try:
            body = table.contents.body(path, ",".join(request.headers.getall("Accept-Encoding", [])))
        except (PageError, OSError) as error:
            device.note(f"{path} cannot be served: {error}")
            raise RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, "this file cannot be served") from error
        if body is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, "nothing there")
        return await _sent(request, path, table, body)


def _only(request: web.BaseRequest, *methods: str) -> web.BaseRequest:
    if request.method not in methods:
        raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, "this is not done here", Allow=", ".join(methods))
    return request


def _let_in(device: Device | None) -> Device:
    if device is None:
        raise RefusedError(HTTPStatus.FORBIDDEN, "no device of this run")
    if device.dismissed:
        raise RefusedError(HTTPStatus.FORBIDDEN, f"this device was sent home: {device.dismissed}")
    return device


def _of_shell(_request: web.BaseRequest, name: str, content: bytes) -> web.Response:
    headers = {**TO_ALL, **_typed(name), "Content-Security-Policy": SHELL_POLICY}
    return web.Response(body=content, headers=headers)


async def _sent(request: web.BaseRequest, path: str, table: Table, body: Body) -> web.StreamResponse:
    """Send a body, which counts as fetched; nothing of one that the device has already."""
    security = f"{policy(table.script_sources)}; frame-ancestors 'self'"
    headers = {**TO_ALL, **_typed(path), "Content-Security-Policy": security}
    digest = None if path == INDEX else table.contents.digest(path)
    if digest is not None:
        tag = validator(digest, body, headers)
        headers |= {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if is_known(request, tag):
            body.source.close()
            table.confirmed.add(path)
            return await whole(request, web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers))
    table.note(path, body.told)
    return await send(request, body, headers)


async def _taken(request: web.BaseRequest, awaited: Awaited | None) -> web.Response:
    """Take a body of the length that is awaited, once; a body that is refused is not read."""
    if awaited is None:
        raise RefusedError(HTTPStatus.NOT_FOUND, "nothing is to be sent there")
    if request.content_length != awaited.length:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"{awaited.length} bytes are awaited there")
    awaited.content = await _body(request, awaited.length)
    return web.Response(status=HTTPStatus.CREATED, headers=TO_ALL)


async def _text(request: web.BaseRequest) -> str:
    length = request.content_length
    if length is None or length > MOST_ABOUT:
        raise RefusedError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"it takes {MOST_ABOUT} bytes, with their Content-Length"
        )
    try:
        return (await _body(request, length)).decode()
    except UnicodeDecodeError as error:
        raise BreachError("a request is no UTF-8") from error


async def _body(request: web.BaseRequest, length: int) -> bytes:
    try:
        async with asyncio.timeout(SENDING + length / SLOWEST):
            return await request.content.readexactly(length)
    except (TimeoutError, asyncio.IncompleteReadError) as error:
        raise RefusedError(HTTPStatus.REQUEST_TIMEOUT, f"{length} bytes were to come") from error


async def _hear(heard: web.WebSocketResponse, device: Device) -> None:
    """Hand on what a device says; raises BreachError where that is nothing of this suite's."""
    async for told in heard:
        if told.type == WSMsgType.TEXT:
            device.receive(message(told.data))
        elif told.type in (WSMsgType.PING, WSMsgType.PONG):  # a tunnel's, or of the heartbeat
            device.count()
            if told.type == WSMsgType.PING:
                await heard.pong(told.data)
        elif told.type == WSMsgType.BINARY or isinstance(told.data, WebSocketError):
            raise BreachError(f"a message is no text, or has more than {MOST_SENT:,} bytes")


def _typed(path: str) -> dict[str, str]:
    types = {**MEDIA_TYPES, ".css": "text/css; charset=utf-8"}
    return {"Content-Type": types.get(Path(path).suffix, "application/octet-stream")}


@contextmanager
def joining(
    entrance: Entrance | None = None,
    on_join: Callable[[Device], None] = lambda _: None,
    offer: Mapping[str, Any] | None = None,
) -> Iterator[JoinServer]:
    """Let devices join while the context lasts."""
    with JoinServer(entrance, on_join, offer) as server:
        yield server
