"""The page's own server: a fixed table of files, cross-origin isolated, nothing else; on the loopback interface.

It can be bound to another interface, for pages on other machines, and allow other origins: its page may then ask those,
and their pages may ask it.
"""

import base64
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

INDEX = "/index.html"
SCRIPT = '<script type="module"'  # the page's own; an import map has to stand before it
LOOPBACK = "127.0.0.1"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
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


def policy(
    script_sources: Sequence[str] = (), imports: Mapping[str, str] | None = None, allowed_origins: Sequence[str] = ()
) -> str:
    """Return the policy that keeps the page from talking to anyone but this server and *allowed_origins*.

    Scripts come from the server and from *script_sources*, for runtimes that write some of their own.
    """
    # An import map has to stand in the page itself, and is let in by its hash.
    hashes = [f"'sha256-{_sha256(import_map(imports))}'"] if imports else []
    scripts = " ".join(("'self'", "'wasm-unsafe-eval'", *hashes, *script_sources))
    connections = " ".join(("'self'", *allowed_origins))
    return (
        f"default-src 'none'; script-src {scripts}; connect-src {connections}; worker-src 'self' blob:; "
        "img-src data:; form-action 'none'; base-uri 'none'"
    )


def import_map(imports: Mapping[str, str]) -> str:
    """Return the text of the import map that tells a page where the modules lie which a runtime imports by name."""
    return json.dumps({"imports": {**imports}})


def with_import_map(page: str, imports: Mapping[str, str]) -> str:
    """Return the text of a *page* with an import map."""
    return page.replace(SCRIPT, f'<script type="importmap">{import_map(imports)}</script>\n{SCRIPT}')


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


PORTS: set[int] = set()  # that servers of this process have had


class Server(ThreadingHTTPServer):
    """Answers GET for the paths in its table; everything else, wherever it lies on the disk, is 404."""

    daemon_threads = True

    def __init__(
        self,
        files: Mapping[str, Path],
        script_sources: Sequence[str] = (),
        imports: Mapping[str, str] | None = None,
        host: str = LOOPBACK,
        allowed_origins: Sequence[str] = (),
    ) -> None:
        self._bind(host)
        self.host, self.allowed_origins = host, tuple(allowed_origins)
        self.headers = HEADERS | {"Content-Security-Policy": policy(script_sources, imports, allowed_origins)}
        self._files = dict(files)
        self._contents: dict[str, bytes] = {}
        self._sent: list[tuple[str, int]] = []
        if imports:
            self.publish(INDEX, with_import_map(files[INDEX].read_text(), imports).encode())

    def _bind(self, host: str) -> None:
        """Listen on a port that no server of this process had: a browser that is lent keeps what such a one sent."""
        refused = []
        while True:
            super().__init__((host, 0), _Handler)
            if self.server_port not in PORTS:
                break
            refused.append(self.socket)  # held, so that another is found
        PORTS.add(self.server_port)
        for socket in refused:
            socket.close()

    @property
    def origin(self) -> str:
        """The server's scheme, address and port."""
        return f"http://{self.host}:{self.server_port}"

    def publish(self, path: str, content: bytes) -> None:
        """Serve *content* at *path* from now on, in place of a file."""
        self._contents[path] = content

    @property
    def mark(self) -> int:
        """A point in the sequence of answers, for :meth:`fetched`."""
        return len(self._sent)

    def note(self, path: str, size: int) -> None:
        """Remember an answer with a body of *size* bytes."""
        self._sent.append((path, size))

    def fetched(self, since: int = 0) -> dict[str, int]:
        """Return the bytes of the bodies sent since a :attr:`mark`, by path."""
        total: Counter[str] = Counter()
        for path, size in self._sent[since:]:
            total[path] += size
        return dict(total)

    def content(self, path: str) -> bytes | None:
        """Return what lies at *path*, or None."""
        if path in self._contents:
            return self._contents[path]
        return self._files[path].read_bytes() if path in self._files else None


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # header and body leave together; two segments would wait for each other's acknowledgement
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        content = self.server.content(path)
        status = HTTPStatus.NOT_FOUND if content is None else HTTPStatus.OK
        self.send_response(status)
        self.send_header("Content-Type", MEDIA_TYPES.get(Path(path).suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(len(content or b"")))
        self.send_header("Cache-Control", "no-store" if content is None else CACHE_CONTROL)
        self.end_headers()
        if content is not None:
            self.server.note(path, len(content))
            self.wfile.write(content)

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
    files: Mapping[str, Path],
    script_sources: Sequence[str] = (),
    imports: Mapping[str, str] | None = None,
    host: str = LOOPBACK,
    allowed_origins: Sequence[str] = (),
) -> Iterator[Server]:
    """Serve *files* (URL path to file) on a free port of *host* while the context lasts.

    *imports* are the names by which a runtime imports modules, and where those lie; they come with /index.html.
    """
    with Server(files, script_sources, imports, host, allowed_origins) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
