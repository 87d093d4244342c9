"""A plain page with a plain loop in a browser that nobody drives: ``python bare_linked.py PAGE WORD …``.

Does what bare_page.py does, with nothing of the harness either. The words start a browser; URL among them is the page's
address, PROFILE an empty folder. The page asks for numbers of rounds, and posts samples.
"""

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ENDING = 10  # seconds
rounds, samples = queue.SimpleQueue[str](), queue.SimpleQueue[str]()


class Handler(SimpleHTTPRequestHandler):
    """The repository's files, isolated: otherwise the page's clock would step a millisecond."""

    protocol_version = "HTTP/1.1"

    def end_headers(self) -> None:
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def do_POST(self) -> None:
        """Take samples, and answer with the next number of rounds, when it is known."""
        if body := self.rfile.read(int(self.headers["Content-Length"])):
            samples.put(body.decode())
        answer = rounds.get().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


os.chdir(Path(__file__).parents[2])
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
    url = f"http://127.0.0.1:{server.server_port}/benchmarks/figures/bare/{sys.argv[1]}&linked=1"
    command = [{"URL": url, "PROFILE": profile}.get(word, word) for word in sys.argv[2:]]
    quiet, home = subprocess.DEVNULL, os.environ | {"HOME": profile, "TMPDIR": profile}  # xvfb-run leaves a folder
    browser = subprocess.Popen(command, env=home, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        for line in sys.stdin:
            rounds.put(line.strip())
            print(samples.get(), flush=True)
    finally:
        if sys.platform == "win32":  # which has no sessions
            browser.terminate()
        else:
            os.killpg(browser.pid, signal.SIGTERM)
        browser.wait(ENDING)
