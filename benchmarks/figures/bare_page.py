"""A plain page with a plain loop, with nothing of the harness: ``python bare_page.py BROWSER PAGE [FLAG …]``.

Reads a number of rounds a line, answers with that many samples in seconds as a line of JSON. PAGE is a file in bare/
with its query, such as ``wasm.html?model=/models/resnet20.onnx&threads=1``; the root is the repository's.
"""

import json
import os
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import sync_playwright


class Handler(SimpleHTTPRequestHandler):
    """The repository's files, isolated: otherwise the page's clock would step 100 µs."""

    def end_headers(self) -> None:
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


os.chdir(Path(__file__).parents[2])
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(
        executable_path=sys.argv[1], args=sys.argv[3:], chromium_sandbox=sys.platform == "win32" or os.geteuid() != 0
    )
    page = browser.new_page()
    page.on("pageerror", lambda error: print(error, file=sys.stderr))
    page.goto(f"http://127.0.0.1:{server.server_port}/benchmarks/figures/bare/{sys.argv[2]}")
    page.wait_for_function("document.title === 'ready'")
    for line in sys.stdin:
        print(json.dumps(page.evaluate("rounds => window.loop(rounds)", int(line))), flush=True)
    browser.close()
