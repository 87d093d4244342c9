"""What does it cost a page's request that somebody watches? ``python -m benchmarks.figures.watched [--blocks N]``.

A page sends 12,288 B, a small image in float32, to a server on this machine, and is answered with 400 B, a hundred
numbers. The same request is timed by the same script in three browsers, which take turns by the block: in one that is
driven by DevTools' ``Runtime`` domain alone, as pages are whose requests this suite times; in another like it with the
``Network`` domain on; and in one that Playwright drives, which always has it on. Prints of each the median and the
10th percentile, and how many times slower the watched ones are, with the interval of the blocks. A report: it ends
with 0 either way.
"""

import argparse
import multiprocessing
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection

from tabulate import tabulate

from benchmarks.measuring.ratio import p10
from benchmarks.measuring.starts import FEWEST_STARTS, Figure, figure
from benchmarks.settings import Settings, positive
from browser_harness import chromium
from browser_harness.browser_page import BrowserPage
from browser_harness.page import open_browser
from browser_harness.server import HEADERS, LOOPBACK
from browser_harness.unwatched import open_unwatched

SENT, ANSWERED = 12_288, 400  # bytes
SETTINGS = Settings()
FLAGS = ("--disable-gpu",)
WARM_UP = 100  # requests
UNWATCHED, WATCHED, PLAYWRIGHT = "Runtime alone", "with Network on", "Playwright"

PAGE = f"""<!doctype html>
<meta charset="utf-8">
<title>Requests</title>
<link rel="icon" href="data:,">
<script type="module">
const body = new Float32Array({SENT // 4});

async function request() {{
  const answer = await fetch('/infer', {{ method: 'POST', body }});
  const bytes = await answer.arrayBuffer();
  if (bytes.byteLength !== {ANSWERED}) throw new Error(`${{bytes.byteLength}} bytes were answered`);
}}

async function time({{ rounds }}) {{
  const samples = [];
  for (let round = 0; round < rounds; round++) {{
    const start = performance.now();
    await request();
    samples.push(performance.now() - start);
  }}
  return samples;
}}

globalThis.harness = {{ time }};
</script>
"""


class Handler(BaseHTTPRequestHandler):
    """The page, and what it asks."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # header and body leave together
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._send(PAGE.encode(), "text/html; charset=utf-8")

    def do_POST(self) -> None:
        if len(self.rfile.read(int(self.headers["Content-Length"]))) == SENT:
            self._send(bytes(ANSWERED), "application/octet-stream")
        else:
            self.send_error(HTTPStatus.BAD_REQUEST)

    def _send(self, content: bytes, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        for name, value in {**HEADERS, "Content-Type": kind, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


def serve(told: Connection) -> None:
    """Serve for ever, after the port was *told*."""
    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        told.send(server.server_port)
        server.serve_forever()


@contextmanager
def serving() -> Iterator[str]:
    """Serve in a process of its own, which shares no lock with what drives the pages; yield the origin."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=serve, args=(there,), daemon=True)
    process.start()
    try:
        yield f"http://{LOOPBACK}:{here.recv()}"
    finally:
        process.kill()
        process.join()


@contextmanager
def opened(origin: str) -> Iterator[Mapping[str, BrowserPage]]:
    """Have the three pages, loaded, by how they are driven."""
    browser = chromium.find(SETTINGS.browser_path)
    with ExitStack() as stack:
        unwatched = stack.enter_context(open_unwatched(browser, SETTINGS.timeout, FLAGS))
        watched = stack.enter_context(open_unwatched(browser, SETTINGS.timeout, FLAGS))
        by_playwright = stack.enter_context(open_browser(browser, SETTINGS.timeout, FLAGS))
        pages = {UNWATCHED: unwatched, WATCHED: watched, PLAYWRIGHT: by_playwright}
        for page in pages.values():
            page.load(origin)
        watched.watch()
        yield pages


Blocks = Sequence[Sequence[float]]  # milliseconds of each request


def draw(blocks: int, rounds: int) -> Mapping[str, Blocks]:
    """Draw *blocks* of *rounds* requests from each page, in turns; another begins each time."""
    with serving() as origin, opened(origin) as pages:
        for page in pages.values():
            page.call("time", {"rounds": WARM_UP})
        found: dict[str, list[Sequence[float]]] = {name: [] for name in pages}
        names = [*pages]
        for _ in range(blocks):
            for name in names:
                found[name].append(pages[name].call("time", {"rounds": rounds}))
            names = [*names[1:], names[0]]
        return found


@dataclass(frozen=True)
class Cost:
    """What was drawn from a page, beside what was drawn from the unwatched one; milliseconds."""

    median: float
    p10: float
    more_median: float
    more_p10: float
    factor: Figure  # of the blocks' medians

    @classmethod
    def of(cls, blocks: Blocks, unwatched: Blocks) -> "Cost":
        """Summarise *blocks* that took turns with *unwatched* ones."""
        own, base = ([sample for block in side for sample in block] for side in (blocks, unwatched))
        median, tenth = statistics.median(own), p10(own)
        factors = [statistics.median(one) / statistics.median(two) for one, two in zip(blocks, unwatched, strict=True)]
        return cls(median, tenth, median - statistics.median(base), tenth - p10(base), figure(factors))

    def row(self, name: str) -> list[str]:
        """Return its line of the table."""
        figures = [f"{self.median:.2f} ms", f"{self.p10:.2f} ms"]
        if name == UNWATCHED:
            return [name, *figures, "", "", ""]
        factor = f"{self.factor.value:.2f} ({self.factor.low:.2f} to {self.factor.high:.2f})"
        return [name, *figures, f"{self.more_median:+.2f} ms", f"{self.more_p10:+.2f} ms", factor]


HEAD = ["driven by", "median", "p10", "median more", "p10 more", "times the unwatched"]


def table(found: Mapping[str, Blocks]) -> str:
    """Return a line for each page."""
    rows = [Cost.of(blocks, found[UNWATCHED]).row(name) for name, blocks in found.items()]
    return tabulate(rows, HEAD, disable_numparse=True, colalign=("left", *["right"] * (len(HEAD) - 1)))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=positive(int), default=20, help="of each page; default: 20")
    parser.add_argument("--rounds", type=positive(int), default=50, help="requests in a block; default: 50")
    options = parser.parse_args()
    if options.blocks < FEWEST_STARTS:
        parser.error(f"--blocks {options.blocks}: fewer than {FEWEST_STARTS} have no interval")
    try:
        found = draw(options.blocks, options.rounds)
    except chromium.BrowserMissingError as error:
        parser.exit(1, f"{error}\n")
    print(f"POST of {SENT:,} B, answered with {ANSWERED} B; {options.blocks} blocks of {options.rounds} requests each")
    print(table(found))


if __name__ == "__main__":
    main()
