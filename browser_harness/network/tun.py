"""A link of two namespaces and a program that carries each packet between them: real TCP, the kernel's own.

Handshakes, slow start, acknowledgements and TLS take the round trips that they take. The machine's own devices are not
touched.
"""

import os
import struct
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from browser_harness.network.conditions import Conditions
from browser_harness.network.link import Carried, Kind
from browser_harness.network.namespaces import LinkError, Namespace
from browser_harness.network.pair import DEVICE, Pair
from browser_harness.network.program import Program
from browser_harness.network.sides import Sides

TUN = "/dev/net/tun"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000  # of Linux's if_tun.h
WITHOUT_RIGHTS = "packets that come on time: the program that carries them waits its turn"


class TunLink(Sides):
    """Packets are carried by a program of ours; raises LinkError where machine or user lack the means."""

    kind: Kind = "tun"

    def __init__(self) -> None:
        with ExitStack() as undone:
            pair = Pair()
            undone.callback(pair.close)
            devices = []
            for side in (pair.client, pair.server):
                devices.append(_device(side))
                undone.callback(os.close, devices[-1])
            self._carrier = Program("browser_harness.network.carrier", *map(str, devices), descriptors=devices)
            undone.callback(self._carrier.close)
            pair.join()
            self._first = bool(self._carrier.ask()["first"])
            undone.pop_all()
        for device in devices:  # the carrier has them
            os.close(device)
        super().__init__(pair)

    @property
    def lacks(self) -> Sequence[str]:
        """What a real network does and this does not."""
        return ("loss but for full queues", "jitter", *(() if self._first else (WITHOUT_RIGHTS,)))

    @property
    def runs(self) -> bool:
        """Whether packets are still carried."""
        return self._carrier.runs

    def _hold_up(self, conditions: Conditions) -> None:
        self._carrier.ask(round_trip=conditions.round_trip, up=conditions.up, down=conditions.down)

    def carried(self) -> Carried:
        """Return what went through so far."""
        counts = self._carrier.ask()
        up, down = counts["up"], counts["down"]
        packets, late = up["packets"] + down["packets"], up["late"] + down["late"]
        return Carried(up["bytes"], down["bytes"], packets, late, up["dropped"] + down["dropped"])

    def close(self) -> None:
        """End the carrier and let go of the namespaces."""
        self._carrier.close()
        self._pair.close()


def _device(side: Namespace) -> int:
    """Make a TUN device in a namespace; return the descriptor that its packets are read from and written to."""
    if sys.platform != "linux":
        raise LinkError("there are no TUN devices but in Linux")
    import fcntl

    with side.entered():  # a device is in the namespace in which it was opened
        try:
            device = os.open(TUN, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise LinkError(f"{TUN} is missing; modprobe tun, or hand the device to the container") from None
        except OSError as error:
            raise LinkError(f"{TUN} cannot be opened: {error.strerror}; be root") from None
        try:
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
        except OSError as error:
            os.close(device)
            raise LinkError(f"a TUN device cannot be made: {error.strerror}; be root, with CAP_NET_ADMIN") from None
    return device
