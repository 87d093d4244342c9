"""The page's own server: a fixed table of files on the loopback interface, cross-origin isolated, nothing else."""

import base64
import hashlib
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

INDEX = Path(__file__).with_name("index.html")
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


def policy(script_sources: Sequence[str] = ()) -> str:
    """Return the policy that keeps the page from talking to anyone but this server.

    Scripts come from the server and from *script_sources*, for runtimes that write some of their own.
    """
    scripts = " ".join(("'self'", "'wasm-unsafe-eval'", f"'sha256-{_import_map_hash()}'", *script_sources))
    return (
        f"default-src 'none'; script-src {scripts}; connect-src 'self'; worker-src 'self' blob:; img-src data:; "
        "form-action 'none'; base-uri 'none'"
    )


def _import_map_hash() -> str:
    """Return the hash by which the policy lets in the page's import map: it has to stand in the page itself."""
    found = re.search(r'<script type="importmap">(.*?)</script>', INDEX.read_text(), re.DOTALL)
    assert found is not None, f"{INDEX} has no import map"
    return base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()


class Server(ThreadingHTTPServer):
    """Answers GET for the paths in its table; everything else, wherever it lies on the disk, is 404."""

    daemon_threads = True

    def __init__(self, files: Mapping[str, Path], script_sources: Sequence[str] = ()) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.headers = HEADERS | {"Content-Security-Policy": policy(script_sources)}
        self._files = dict(files)
        self._contents: dict[str, bytes] = {}
        self._sent: list[tuple[str, int]] = []

    @property
    def origin(self) -> str:
        """The server's scheme, address and port."""
        return f"http://127.0.0.1:{self.server_port}"

    def publish(self, path: str, content: bytes) -> None:
        """Serve *content* at *path* from now on."""
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
        if path in self._files:
            return self._files[path].read_bytes()
        return self._contents.get(path)


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
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep requests out of the benchmark's output."""


@contextmanager
def serving(files: Mapping[str, Path], script_sources: Sequence[str] = ()) -> Iterator[Server]:
    """Serve *files* (URL path to file) on a free port while the context lasts."""
    with Server(files, script_sources) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
