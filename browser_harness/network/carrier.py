"""Carry packets between two TUN devices: ``python -m browser_harness.network.carrier PARENT CLIENT SERVER``.

CLIENT and SERVER are descriptors of the devices. Each way, a packet waits at a bottleneck of a given rate, in a queue
of limited length, and is on its way for half the round trip.
"""

import ctypes
import gc
import os
import select
import sys
import time
from collections import deque
from contextlib import suppress

from browser_harness.network.pair import queue
from browser_harness.network.program import answer, asker, question

MOST_WAITING = 64 << 20  # bytes on their way, where no rate holds the sender up
LATE = 1e-3  # s: a packet that comes so much after its time is late
AT_ONCE = 64  # packets that are taken from a device before the other way has its turn
PR_SET_TIMERSLACK = 29  # of Linux's prctl


class Way:
    """One way: a bottleneck with a queue, then a constant delay."""

    def __init__(self, source: int, sink: int) -> None:
        self.source, self.sink = source, sink
        self._delay, self._rate, self._queue = 0.0, 0.0, 0.0
        self._free = 0.0  # when the bottleneck has sent all that it was given
        self._waiting: deque[tuple[float, bytes]] = deque()  # when each is due, in order
        self._held = 0  # bytes waiting
        self.packets = self.bytes = self.late = self.dropped = 0

    def set(self, round_trip: float, rate: float) -> None:
        """Delay by half of *round_trip*, in seconds, and send *rate* bit/s, 0 for no limit.

        What was still on its way, the ends of earlier connections, arrives at once, and holds up nothing.
        """
        now = time.monotonic()
        self._waiting = deque((now, packet) for _, packet in self._waiting)
        self._delay, self._rate, self._free = round_trip / 2, rate, 0.0
        self._queue = queue(round_trip, rate)

    @property
    def due(self) -> float | None:
        """When the next packet is to be handed over; None where none is on its way."""
        return self._waiting[0][0] if self._waiting else None

    def accept(self) -> None:
        """Take what the source has; a packet that finds the queue full is lost."""
        for _ in range(AT_ONCE):
            try:
                packet = os.read(self.source, 65536)
            except BlockingIOError:
                return
            if packet[0] >> 4 == 4:  # a fresh device also asks for routers, in IPv6
                self._queue_up(packet, time.monotonic())

    def _queue_up(self, packet: bytes, now: float) -> None:
        start = max(now, self._free)
        sending = len(packet) * 8 / self._rate if self._rate else 0.0
        if self._held > MOST_WAITING or (start - now) * self._rate / 8 > self._queue:
            self.dropped += 1
            return
        self._free = start + sending
        self._held += len(packet)
        self._waiting.append((self._free + self._delay, packet))

    def deliver(self) -> None:
        """Hand over what is due."""
        while self._waiting:
            due, packet = self._waiting[0]
            now = time.monotonic()
            if due > now:
                return
            self._waiting.popleft()
            self._held -= len(packet)
            try:
                os.write(self.sink, packet)
            except OSError:  # the device does not take it
                self.dropped += 1
                continue
            self.packets += 1
            self.bytes += len(packet)
            self.late += now - due > LATE

    def counted(self) -> dict[str, int]:
        """Return what was carried so far."""
        return {"packets": self.packets, "bytes": self.bytes, "late": self.late, "dropped": self.dropped}


def carry(client: int, server: int) -> None:
    """Carry packets until nobody asks any more; a question may set the conditions, and is answered with the counts."""
    up, down = Way(client, server), Way(server, client)
    first, asked = _come_first(), asker()
    while True:
        dues = [due for due in (up.due, down.due) if due is not None]
        timeout = max(0.0, min(dues) - time.monotonic()) if dues else None
        # Not epoll, whose waits are whole milliseconds.
        ready = select.select([client, server, *asked], [], [], timeout)[0]
        for way in (up, down):
            if way.source in ready:
                way.accept()
            way.deliver()
        if any(descriptor in ready for descriptor in asked):
            wanted = question() if 0 in ready else None
            if wanted is None:
                return
            if wanted:
                up.set(wanted["round_trip"], wanted["up"])
                down.set(wanted["round_trip"], wanted["down"])
            answer(up=up.counted(), down=down.counted(), first=first)


def _come_first() -> bool:
    """Run before every other program, and wake when told; return whether this user may.

    A network does not wait for programs. It sleeps nearly always, so nothing starves.
    """
    gc.disable()  # nothing here is circular
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)
    if sys.platform == "linux":
        with suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
            return True
    return False


if __name__ == "__main__":
    # Low numbers, for select takes none above 1023.
    carry(*(os.dup(int(descriptor)) for descriptor in sys.argv[2:]))
