"""The page's own server: a fixed table of files, cross-origin isolated, nothing else; on the loopback interface.

It takes from the page what it was told to wait for: one body of so many bytes at a path. No other is read, unless it
relays to another server what the page asks of that.

It can be bound to another interface, for pages on other machines, and allow other origins: its page may then ask those,
and their pages may ask it. It answers to its own addresses only, and to the hosts that it is given: a name that
somebody else has made lead here (DNS rebinding) would let that one's pages read what is served.

It is Python's own ``http.server``, in threads, while devices that join are served by aiohttp (``joined/server.py``).
First loads over emulated networks are measured with it, and another server would be another measurement. Nor has it any
need of what aiohttp is there for: one browser of this machine asks it, which holds no socket open, and is ours.
"""

import io
import shutil
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from browser_harness import encoding
from browser_harness.channel import FetchedFile, PageError
from browser_harness.contents import Contents
from browser_harness.relay import Relay, Upstream, passed

INDEX = "/index.html"
LOOPBACK = "127.0.0.1"
PIECE = 1 << 20  # bytes of a file that are read at once: one may be larger than memory
IDLE = 60.0  # seconds after which a connection is closed that asks for nothing
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
}
# Isolation gives the page its 5 µs clock and threads.
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
# A server's port and contents are its own: what a browser has fetched once it may keep.
CACHE_CONTROL = "max-age=86400, immutable"
NOTHING: FetchedFile = {"wire": 0, "decoded": 0, "encoding": None, "level": None}


def policy(script_sources: Sequence[str] = (), allowed_origins: Sequence[str] = ()) -> str:
    """Return the policy that keeps the page from talking to anyone but this server and *allowed_origins*.

    Scripts come from the server and from *script_sources*, for runtimes that write some of their own.
    """
    scripts = " ".join(("'self'", "'wasm-unsafe-eval'", *script_sources))
    connections = " ".join(("'self'", *allowed_origins))
    return (
        f"default-src 'none'; script-src {scripts}; connect-src {connections}; worker-src 'self' blob:; "
        "img-src data:; form-action 'none'; base-uri 'none'"
    )


@dataclass
class _Waiting:
    """What a page is to send."""

    content: memoryview
    is_there: bool = False


PORTS: set[int] = set()  # that servers of this process have had


class Server(ThreadingHTTPServer):
    """Answers GET for the paths in its table, and PUT for those it waits for; everything else is 404."""

    daemon_threads = True

    def __init__(
        self,
        files: Mapping[str, encoding.Content],
        script_sources: Sequence[str] = (),
        imports: Mapping[str, str] | None = None,
        host: str = LOOPBACK,
        allowed_origins: Sequence[str] = (),
    ) -> None:
        self.host, self.allowed_origins = host, tuple(allowed_origins)
        self.allowed_hosts: tuple[str, ...] = ()  # beside its own, each as a page's address has it: NAME or NAME:PORT
        self.on_fault: Callable[[str], None] = _ignore  # is told what could not be served
        self.relay: Relay | None = None  # where some of what the page asks is passed on
        self.headers = HEADERS | {"Content-Security-Policy": policy(script_sources, allowed_origins)}
        self.contents = Contents(files, imports or {})
        self._waiting: dict[str, _Waiting] = {}
        self._sent: list[tuple[str, FetchedFile]] = []
        self._bind(host)  # at last: what cannot be served leaves no socket behind

    def _bind(self, host: str) -> None:
        """Listen on a port that no server of this process had: a browser that is lent keeps what such a one sent."""
        self._connections: set[socket.socket] = set()
        refused = []
        while True:
            super().__init__((host, 0), _Handler)
            if self.server_port not in PORTS:
                break
            refused.append(self.socket)  # held, so that another is found
        PORTS.add(self.server_port)
        for other in refused:
            other.close()

    @property
    def origin(self) -> str:
        """The server's scheme, address and port."""
        return f"http://{self.host}:{self.server_port}"

    def origin_at(self, entrance: int) -> str:
        """Return the origin by which clients reach the server at another port, and answer to that as well."""
        if entrance != self.server_port:
            self.allowed_hosts = (*self.allowed_hosts, f"{self.host}:{entrance}")
        return f"http://{self.host}:{entrance}"

    @property
    def is_relayed(self) -> bool:
        """Whether another server is asked through this one."""
        return self.relay is not None

    def answers_to(self, host: str | None, address: str) -> bool:
        """Whether *host* is this server, for a connection to its *address*, or one of those it is given."""
        own = [f"{name}:{self.server_port}" for name in (self.host, address, "localhost")]
        return host is not None and host.lower() in {name.lower() for name in (*own, *self.allowed_hosts)}

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop listening, and end the connections there are: what a browser keeps open would be served for ever."""
        super().server_close()
        for connection in [*self._connections]:
            with suppress(OSError):  # ended already
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell the page's user; of one that went away in the midst of an answer there is nothing to tell."""
        if not isinstance(error := sys.exception(), ConnectionError):
            self.on_fault(f"the page's server failed: {error!r}")

    def publish(self, path: str, content: bytes) -> None:
        """Serve *content* at *path* from now on as it is, in place of a file."""
        self.contents.publish(path, content)

    @contextmanager
    def receiving(self, path: str, content: memoryview) -> Iterator[None]:
        """Take what fills *content*, once and whole, at *path* in this context; PageError where it has not come."""
        waiting = self._waiting[path] = _Waiting(content)
        try:
            yield
        finally:
            self._waiting.pop(path, None)  # the first that comes has it
        if not waiting.is_there:
            raise PageError(f"the page was to send {len(content):,} bytes to {path}, and they have not come")

    def awaits(self, path: str) -> int | None:
        """Return how many bytes are to come at *path*; None where it waits for nothing."""
        waiting = self._waiting.get(path)
        return len(waiting.content) if waiting else None

    def receive(self, path: str, source: io.BufferedIOBase) -> bool:
        """Fill what waits at *path*, and return whether it is filled; nobody else may do so any more."""
        if waiting := self._waiting.pop(path, None):
            waiting.is_there = source.readinto(waiting.content) == len(waiting.content)
        return waiting is not None and waiting.is_there

    @property
    def mark(self) -> int:
        """A point in the sequence of answers, for :meth:`fetched`."""
        return len(self._sent)

    def note(self, path: str, sent: FetchedFile) -> None:
        """Remember an answer's body."""
        self._sent.append((path, sent))

    def fetched(self, since: int = 0) -> dict[str, FetchedFile]:
        """Return what was sent since a :attr:`mark`, by path; what was sent again counts again."""
        total: dict[str, FetchedFile] = {}
        for path, sent in self._sent[since:]:
            before = total.get(path, NOTHING)
            wire, decoded = before["wire"] + sent["wire"], before["decoded"] + sent["decoded"]
            total[path] = {**sent, "wire": wire, "decoded": decoded}
        return total


def _ignore(words: str) -> None:
    pass


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error) or repr(error)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    raw_requestline: bytes
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # of one that does not tell; an answer to HTTP/0.9 would have no status
    wbufsize = -1  # header and body leave together; two segments would wait for each other's acknowledgement
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(IDLE)
        self._upstream: Upstream | None = None

    def finish(self) -> None:
        if self._upstream:
            self._upstream.close()
        super().finish()

    def parse_request(self) -> bool:
        """Read the head; an empty line is no request, and answered all the same."""
        if self.raw_requestline.strip():
            return super().parse_request()
        self.command, self.requestline, self.request_version = "", "", self.default_request_version
        self.send_error(HTTPStatus.BAD_REQUEST)
        return False

    def do_GET(self) -> None:
        self.connection.settimeout(None)  # one that is slow to read is not idle
        try:
            self._answer()
        finally:
            self.connection.settimeout(IDLE)

    def do_PUT(self) -> None:
        """Take what the server waits for, from its own page; a body that is refused is not read."""
        self.close_connection = True  # or such a body would be taken for the next request
        path = self._asked_path()
        if path is None:
            return
        if (wanted := self.server.awaits(path)) is None:
            self._send_words(HTTPStatus.NOT_FOUND, f"nothing is to be sent to {path}")
        elif self.headers.get_all("Content-Length") != [str(wanted)] or "Transfer-Encoding" in self.headers:
            self._send_words(HTTPStatus.BAD_REQUEST, f"{path} takes {wanted} bytes, with their Content-Length")
        elif not self.server.receive(path, self.rfile):
            self._send_words(HTTPStatus.BAD_REQUEST, f"{path}: the body ended before its {wanted} bytes")
        else:
            self.close_connection = False
            self._send(HTTPStatus.CREATED, path, b"")

    def do_POST(self) -> None:
        """Pass on what the page sends to another server; where none is relayed to, nothing is taken so."""
        if self.server.relay is None:
            self.send_error(HTTPStatus.NOT_IMPLEMENTED, "Unsupported method ('POST')")
            return
        self.close_connection = True  # or a body that is refused would be taken for the next request
        path, length = self._asked_path(), self.headers.get_all("Content-Length", [])
        if path is None:
            return
        if not self.server.relay.takes(path):
            self._send_words(HTTPStatus.NOT_FOUND, f"nothing is to be sent to {path}")
        elif len(length) != 1 or not length[0].isdecimal() or "Transfer-Encoding" in self.headers:
            self._send_words(HTTPStatus.LENGTH_REQUIRED, f"{path} takes a body with its Content-Length")
        elif len(body := self.rfile.read(int(length[0]))) == int(length[0]):
            self.close_connection = False
            self._pass_on(self.server.relay, path, body)

    def _pass_on(self, relay: Relay, path: str, body: bytes | None = None) -> None:
        """Answer as the other server does, over a connection that is kept as long as this one."""
        try:
            if self._upstream is None:
                self._upstream = relay.connect()
            answer = self._upstream.ask(self.command, path, body, passed(self.headers))
        except Exception as error:  # whatever it is, the page would wait for an answer
            self._send_words(HTTPStatus.BAD_GATEWAY, _in_words(error))
            return
        self.send_response(answer.status)
        for name, value in passed(answer.headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(answer.content)

    def _answer(self) -> None:
        path = self._asked_path()
        if path is None:
            return
        if self.server.relay and self.server.relay.takes(path):
            self._pass_on(self.server.relay, path)
            return
        try:
            body = self.server.contents.body(path, self._accepts())
        except Exception as error:  # whatever it is, the page would wait for an answer
            words = f"{path} cannot be served: {_in_words(error)}"
            self.server.on_fault(words)
            self._send_words(HTTPStatus.INTERNAL_SERVER_ERROR, words)
            return
        if body is None:
            self._send(HTTPStatus.NOT_FOUND, path, b"")
            return
        with body.source:
            self.server.note(path, body.told)
            self._send_head(HTTPStatus.OK, path, body.wire, body.form.coding if body.form else None)
            shutil.copyfileobj(body.source, self.wfile, PIECE)

    def _accepts(self) -> str | None:
        """Return what the browser says of the codings it takes; None where it says nothing."""
        told = self.headers.get_all("Accept-Encoding")
        return ",".join(told) if told else None

    def _asked_path(self) -> str | None:
        """Return the path that is asked for; None where the request was answered: it is broken, or not for here."""
        try:
            asked = urlsplit(self.path)
        except ValueError as error:
            self._send_words(HTTPStatus.BAD_REQUEST, str(error))
            return None
        if (foreign := self._foreign_host(asked.netloc)) is not None:  # none at all is foreign, too
            self._send_words(HTTPStatus.MISDIRECTED_REQUEST, f"this server is {self.server.origin}, not {foreign}")
            return None
        return asked.path

    def _foreign_host(self, netloc: str) -> str | None:
        """Return the host that is asked for where that is none of the server's; it may stand in the first line, too.

        What is sent must come from a page of the server's own: a browser tells the origin of every page that sends.
        """
        named = [*self.headers.get_all("Host", [None]), *([netloc] if netloc else [])]
        if self.command in ("PUT", "POST"):
            named += [origin.partition("://")[2] or origin for origin in self.headers.get_all("Origin", ["any page"])]
        address = self.connection.getsockname()[0]
        return next((str(host) for host in named if not self.server.answers_to(host, address)), None)

    def _send_words(self, status: HTTPStatus, words: str) -> None:
        self._send(status, ".txt", f"{words}\n".encode())

    def _send(self, status: HTTPStatus, path: str, content: bytes) -> None:
        self._send_head(status, path, len(content))
        self.wfile.write(content)

    def _send_head(self, status: HTTPStatus, path: str, size: int, coding: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", MEDIA_TYPES.get(Path(path).suffix, "application/octet-stream"))
        if coding:
            self.send_header("Content-Encoding", coding)
        self.send_header("Content-Length", str(size))
        self.send_header("Cache-Control", CACHE_CONTROL if status == HTTPStatus.OK else "no-store")
        if status == HTTPStatus.OK and self.server.contents.encodes(path):
            self.send_header("Vary", "Accept-Encoding")
        self.end_headers()

    def end_headers(self) -> None:
        for name, value in (self.server.headers | self._sharing()).items():
            self.send_header(name, value)
        super().end_headers()

    def _sharing(self) -> dict[str, str]:
        """Let the pages of allowed origins read the answer (CORS)."""
        if not self.server.allowed_origins:
            return {}
        asked = getattr(self, "headers", None)  # none of a request that could not be read
        origin = asked.get("Origin") if asked else None
        allowed = {"Access-Control-Allow-Origin": origin} if origin in self.server.allowed_origins else {}
        return {"Vary": "Origin", **allowed}  # what one origin was answered is not to be kept for another

    def log_message(self, format: str, *args: object) -> None:
        """Keep requests out of the benchmark's output."""


@contextmanager
def serving(
    files: Mapping[str, encoding.Content],
    script_sources: Sequence[str] = (),
    imports: Mapping[str, str] | None = None,
    host: str = LOOPBACK,
    allowed_origins: Sequence[str] = (),
) -> Iterator[Server]:
    """Serve *files* (URL path to file) on a free port of *host* while the context lasts.

    *imports* are the names by which a runtime's modules import others, and where those are served.
    """
    with Server(files, script_sources, imports, host, allowed_origins) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
