"""Delay and throttle connections to servers of this machine: ``python -m browser_harness.network.relay PARENT``.

For where no packets can be carried: bytes are taken from one connection and given to another later. Each way, all
connections share a bottleneck, then take half the round trip; a fresh one waits a round trip more, as for a handshake.
"""

import asyncio
import math
import selectors
import socket
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Mapping
from functools import partial
from typing import Any

from browser_harness.network.pair import MTU, SEGMENT
from browser_harness.network.program import answer, asker, question

HOST = "127.0.0.1"
GRAIN = 1e-3  # s: what is taken at once, in time at the bottleneck
MOST_AT_ONCE = 1 << 16  # bytes
QUEUE = 0.1  # s that a connection's bytes may wait, beside those on their way
Waiting = asyncio.Queue[tuple[float, bytes]]  # when each is due


class Way:
    """One way: a bottleneck that all connections share, then a constant delay."""

    def __init__(self) -> None:
        self.delay, self.rate = 0.0, 0.0
        self._free = 0.0  # when the bottleneck has sent all that it was given

    @property
    def grain(self) -> int:
        """How many bytes are taken at once."""
        return max(SEGMENT, min(MOST_AT_ONCE, int(self.rate / 8 * GRAIN))) if self.rate else MOST_AT_ONCE

    @property
    def depth(self) -> int:
        """How many grains of one connection may be waiting; then its sender is held up, as by a full window."""
        each = self.grain * 8 / self.rate if self.rate else GRAIN
        return 8 + math.ceil((2 * self.delay + QUEUE) / each)

    def due(self, size: int) -> float:
        """Send *size* bytes of a program; return when they arrive."""
        start = max(time.monotonic(), self._free)
        self._free = start + (size * MTU / SEGMENT * 8 / self.rate if self.rate else 0.0)
        return self._free + self.delay


class Relay:
    """Entrances to servers, each a port of its own."""

    def __init__(self) -> None:
        self._up, self._down = Way(), Way()
        self._servers: dict[int, asyncio.Server] = {}

    async def heed(self, wanted: Mapping[str, Any]) -> None:
        """Have the conditions that are *wanted* from now on, or open an entrance; and answer."""
        if "port" in wanted:
            answer(port=await self._entrance(wanted["port"]))
            return
        for way, rate in ((self._up, wanted["up"]), (self._down, wanted["down"])):
            way.delay, way.rate = wanted["round_trip"] / 2, rate
        answer()

    async def _entrance(self, port: int) -> int:
        """Return the port that leads to a server's *port*."""
        if port not in self._servers:
            self._servers[port] = await asyncio.start_server(partial(self._join, port), HOST, 0)
        entrance: int = self._servers[port].sockets[0].getsockname()[1]
        return entrance

    async def _join(self, port: int, near: StreamReader, to_near: StreamWriter) -> None:
        """Relay one connection until both ends have said all, or one is broken off."""
        try:
            far, to_far = await asyncio.open_connection(HOST, port)
        except OSError:  # nobody listens there: no answer here either
            to_near.transport.abort()
            return
        for writer in (to_near, to_far):
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await asyncio.sleep(2 * self._up.delay)  # the handshake
            async with asyncio.TaskGroup() as tasks:
                for way, source, sink in ((self._up, near, to_far), (self._down, far, to_near)):
                    waiting = Waiting(way.depth)
                    tasks.create_task(_take(way, source, waiting))
                    tasks.create_task(_deliver(waiting, sink))
        except* OSError:
            to_near.transport.abort()
            to_far.transport.abort()
        finally:
            for writer in (to_near, to_far):
                writer.close()


async def _take(way: Way, source: StreamReader, waiting: Waiting) -> None:
    """Put on their way the bytes of *source*, and the end of it: no bytes."""
    data = b"more"
    while data:
        data = await source.read(way.grain)
        await waiting.put((way.due(len(data)), data))


async def _deliver(waiting: Waiting, sink: StreamWriter) -> None:
    """Give to *sink* what is due."""
    data = b"more"
    while data:
        due, data = await waiting.get()
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        sink.write(data)
        await sink.drain()
    sink.write_eof()


async def serve() -> None:
    """Relay until nobody asks any more."""
    relay, loop = Relay(), asyncio.get_running_loop()
    ended, answering = asyncio.Event(), set[asyncio.Task[None]]()

    def heed() -> None:
        wanted = question()
        if wanted is None:
            ended.set()
        else:
            answering.add(task := loop.create_task(relay.heed(wanted)))
            task.add_done_callback(answering.discard)

    stdin, *parent = asker()
    loop.add_reader(stdin, heed)
    for descriptor in parent:
        loop.add_reader(descriptor, ended.set)
    await ended.wait()


if __name__ == "__main__":
    # Not epoll, whose waits are whole milliseconds.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(serve())
