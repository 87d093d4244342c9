"""A link of two namespaces whose packets the kernel's own emulator holds up, where it has one (sch_netem).

The machine that this was written on has none: its commands are tested, and what it obtains is measured in every run.
"""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from math import ceil
from pathlib import Path

from browser_harness.network.conditions import LOOPBACK, Conditions
from browser_harness.network.link import Carried, Kind
from browser_harness.network.namespaces import Namespace, command, configure
from browser_harness.network.pair import CLIENT, DEVICE, MTU, SERVER, Pair, queue
from browser_harness.network.sides import Sides

ETHERNET = 14  # bytes of a header that the device counts, and no network of ours has
AT_CLIENT, AT_SERVER = "02:00:00:00:00:01", "02:00:00:00:00:02"
MOST_WAITING = 40_000  # packets, where no rate holds the sender up


class NetemLink(Sides):
    """Packets are held up by the kernel; raises LinkError where machine or user lack the means."""

    kind: Kind = "netem"
    lacks: Sequence[str] = ("loss but for full queues", "jitter")
    runs = True  # as long as the kernel

    def __init__(self) -> None:
        with ExitStack() as undone:
            pair = Pair()
            undone.callback(pair.close)
            _connect(pair)
            super().__init__(pair)
            self._set(LOOPBACK)
            pair.join()
            for side, peer, hardware in ((pair.client, SERVER, AT_SERVER), (pair.server, CLIENT, AT_CLIENT)):
                with side.entered():  # no first packet waits for the answer to who has its address
                    configure(f"neigh replace {peer} lladdr {hardware} dev {DEVICE} nud permanent")
            undone.pop_all()

    def _set(self, conditions: Conditions) -> None:
        for side, rate in ((self._pair.client, conditions.up), (self._pair.server, conditions.down)):
            with side.entered():
                command(*emulation(conditions.round_trip, rate))

    def carried(self) -> Carried:
        """Return what went through so far, by the counts of the devices that received it."""
        up, down = _received(self._pair.server), _received(self._pair.client)
        return Carried(up[0], down[0], up[1] + down[1])

    def close(self) -> None:
        """Let go of the namespaces, and so of the devices."""
        self._pair.close()


def _connect(pair: Pair) -> None:
    """Give each namespace an end of a virtual cable."""
    with pair.client.entered():
        there = f"/proc/{os.getpid()}/fd/{pair.server.descriptor}"
        configure(f"link add {DEVICE} address {AT_CLIENT} type veth peer {DEVICE} address {AT_SERVER} netns {there}")
    for side in (pair.client, pair.server):
        with side.entered():
            # Each packet by itself: the emulator would let what is joined through at once. No IPv6, which would ask
            # for routers.
            configure(f"link set {DEVICE} gso_max_segs 1 addrgenmode none")


def emulation(round_trip: float, rate: float) -> list[str]:
    """Return the command that holds up what the device sends: half of *round_trip* in seconds, *rate* in bit/s."""
    words = ["tc", "qdisc", "replace", "dev", DEVICE, "root", "netem", "delay", f"{round_trip / 2 * 1e6:.0f}us"]
    if not rate:
        return [*words, "limit", str(MOST_WAITING)]
    # Of the emulator's limit, those on their way are a part.
    waiting = ceil((queue(round_trip, rate) + rate / 8 * round_trip / 2) / MTU)
    return [*words, "limit", str(waiting), "rate", f"{rate:.0f}bit", str(-ETHERNET)]


def _received(side: Namespace) -> tuple[int, int]:
    """Return bytes and packets that the device of a namespace has received, without the headers of Ethernet."""
    with side.entered():
        lines = Path("/proc/thread-self/net/dev").read_text().splitlines()
    (counts,) = [line.partition(":")[2].split() for line in lines if line.strip().startswith(f"{DEVICE}:")]
    size, packets = int(counts[0]), int(counts[1])
    return size - ETHERNET * packets, packets
