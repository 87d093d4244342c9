"""The page's own server: a fixed table of files on the loopback interface, cross-origin isolated, nothing else."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
}
# Isolation gives the page its 5 µs clock and threads; the policy keeps it from talking to anyone but this server.
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self' blob:; "
        "img-src data:; form-action 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


class Server(ThreadingHTTPServer):
    """Answers GET for the paths in its table; everything else, wherever it lies on the disk, is 404."""

    daemon_threads = True

    def __init__(self, files: Mapping[str, Path]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._files = dict(files)
        self._contents: dict[str, bytes] = {}

    @property
    def origin(self) -> str:
        """The server's scheme, address and port."""
        return f"http://127.0.0.1:{self.server_port}"

    def publish(self, path: str, content: bytes) -> None:
        """Serve *content* at *path* from now on."""
        self._contents[path] = content

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
        self.end_headers()
        self.wfile.write(content or b"")

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep requests out of the benchmark's output."""


@contextmanager
def serving(files: Mapping[str, Path]) -> Iterator[Server]:
    """Serve *files* (URL path to file) on a free port while the context lasts."""
    with Server(files) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
