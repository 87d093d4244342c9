"""Can many devices join at once? ``python -m benchmarks.figures.joined_devices [--devices N] [--calls N]``.

So many devices join by one link, over this machine's loopback, all at once; each is called so many times, from a thread
of its own; then all leave. They are no browsers: each joins as a page does, and answers at once, so that what is told
is what the server takes. Prints how long it was until all had joined, how many calls were answered a second, how long a
call took, and what of threads, open files and tasks was there before and after. Ends with 1 where something stayed
behind, or did not answer.
"""

import argparse
import asyncio
import gc
import json
import os
import queue
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from tabulate import tabulate

from benchmarks.settings import positive
from browser_harness.joined.device import Device
from browser_harness.joined.loop import LoopThread
from browser_harness.joined.server import JoinServer

ABOUT = {"userAgent": "none"}
PATIENCE = 60.0  # seconds for a call, and for all to join
FILES = Path("/proc/self/fd")


@dataclass(frozen=True)
class Held:
    """What this process has: threads, and open files where the system tells."""

    threads: int
    files: int | None

    @classmethod
    def now(cls) -> "Held":
        """Count."""
        gc.collect()
        return cls(threading.active_count(), len(os.listdir(FILES)) if FILES.is_dir() else None)


@dataclass(frozen=True)
class Figures:
    """What was seen; seconds."""

    joined: int
    joining: float  # until all had joined
    took: Sequence[float]  # each call
    calling: float  # all of them, from many threads
    tasks: int  # of the server that were left when it ended
    before: Held
    after: Held

    @property
    def answered(self) -> int:
        """How many calls were."""
        return len(self.took)


async def _page(url: str, may_leave: asyncio.Event) -> None:
    """Join, and answer every call at once, until it may leave."""
    origin, _, token = url.partition("/#")
    headers = {"Origin": origin}
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), headers=headers) as session:
        async with session.post(f"{origin}/join", data=json.dumps({"token": token, "about": ABOUT})) as joined:
            joined.raise_for_status()
        async with session.ws_connect(f"{origin}/socket") as socket:
            await socket.send_json({"visible": True})
            answering = asyncio.ensure_future(_answer(socket))
            await may_leave.wait()
            answering.cancel()


async def _answer(socket: aiohttp.ClientWebSocketResponse) -> None:
    async for message in socket:
        asked = json.loads(message.data)
        if "id" in asked:  # or it is not asked for anything
            await socket.send_json({"id": asked["id"], "answer": None, "hidden": False})


@contextmanager
def _pages(url: str, count: int) -> Iterator[None]:
    """Have so many devices that join."""
    with LoopThread() as thread:
        may_leave = asyncio.Event()
        pages = [asyncio.run_coroutine_threadsafe(_page(url, may_leave), thread.loop) for _ in range(count)]
        try:
            yield
        finally:
            thread.loop.call_soon_threadsafe(may_leave.set)
            for page in pages:
                page.result(PATIENCE)


def _calls(device: Device, count: int) -> list[float]:
    """Call a device so many times; return the seconds of each."""
    device.wait(PATIENCE)
    took = []
    for _ in range(count):
        began = time.perf_counter()
        device.call("prepare", {}, PATIENCE)
        took.append(time.perf_counter() - began)
    return took


def drawn(devices: int, calls: int) -> Figures:
    """Have so many *devices* join, be called, and leave."""
    before, came = Held.now(), queue.SimpleQueue[Device]()
    with JoinServer(on_join=came.put) as server, ThreadPoolExecutor(devices) as threads:
        began = time.perf_counter()
        with _pages(server.url, devices):
            joined = [came.get(timeout=PATIENCE) for _ in range(devices)]
            all_there = time.perf_counter()
            took = [one for some in threads.map(lambda device: _calls(device, calls), joined) for one in some]
            calling = time.perf_counter() - all_there
    return Figures(len(joined), all_there - began, took, calling, server.tasks_left, before, Held.now())


def table(figures: Figures) -> str:
    """Return what is to be read."""
    hundredths = statistics.quantiles(figures.took, n=100)
    before, after = figures.before, figures.after
    files = "unknown" if after.files is None else f"{before.files} before, {after.files} after"
    rows = [
        [f"until all {figures.joined} had joined", f"{figures.joining:.2f} s"],
        ["calls a second, of all", f"{figures.answered / figures.calling:,.0f}"],
        ["a call", f"{hundredths[49] * 1e3:.1f} ms, p95 {hundredths[94] * 1e3:.1f} ms"],
        ["threads", f"{before.threads} before, {after.threads} after"],
        ["open files", files],
        ["the server's tasks at its end", str(figures.tasks)],
    ]
    return tabulate(rows, tablefmt="plain", disable_numparse=True)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=positive(int), default=50, help="default: 50")
    parser.add_argument("--calls", type=positive(int), default=200, help="of each; default: 200")
    options = parser.parse_args()
    figures = drawn(options.devices, options.calls)
    print(f"{options.devices} devices that are no browsers, on one link over loopback, {options.calls} calls each")
    print(table(figures))
    sys.exit(int(figures.after != figures.before or figures.tasks > 0))


if __name__ == "__main__":
    main()
