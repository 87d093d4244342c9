"""Who came by the link, in order, and how it stands with each: a device as the command and its runs know it."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from benchmarks.devices.outcome import Outcome
from benchmarks.results import devices
from browser_harness.joined import AnyDevice
from browser_harness.joined.device import Device
from browser_harness.joined.presence import State


@dataclass(eq=False)
class Guest:
    """A device that came. A run asks it as it would ask the device, and what becomes of that is noted."""

    device: Device
    twin: int  # 1, or how many came before it, itself among them, that say the same of themselves
    changed: Callable[[], None] = lambda: None
    outcome: Outcome | None = None  # None until it was measured
    is_measured: bool = False  # now
    is_lost: bool = False  # it left during its run, and was not back in time
    told: Mapping[str, Any] = field(default_factory=dict)  # what its person was shown last
    before: Mapping[str, float] = field(default_factory=dict)  # the device's story until its run began

    @property
    def number(self) -> int:
        """Under which its person knows it, too."""
        return self.device.number

    @property
    def name(self) -> str:
        """What it is called: ``Firefox 153, 2 cores, http``."""
        return devices.short(self.about())

    @property
    def state(self) -> State:
        """Where it is now."""
        return self.device.presence.state

    @property
    def is_ready(self) -> bool:
        """Whether it waits for its turn, and its page can be seen."""
        return self.outcome is None and not self.is_measured and self.state == "here" and not self.device.dismissed

    def begin(self) -> None:
        """Note that its run begins."""
        self.is_measured, self.before = True, self.device.story()

    # What a run asks

    def about(self) -> dict[str, Any]:
        """Return what it says of itself, and what it is called here."""
        return {**self.device.about(), "number": self.number, "twin": self.twin}

    def story(self) -> dict[str, Any]:
        """Return how often it was not here since its run began, and what came of that."""
        return {name: value - self.before.get(name, 0) for name, value in self.device.story().items()}

    def show(self, told: Mapping[str, Any]) -> None:
        """Have its person see *told*."""
        self.told = {**told}
        self.changed()
        self.device.show(told)

    def wait(self, seconds: float) -> bool:
        """Wait until it is here and to be seen; once it is lost, or was sent home, nobody waits for it."""
        self.is_lost = self.is_lost or bool(self.device.dismissed) or not self.device.wait(seconds)
        return not self.is_lost

    def release(self) -> None:
        """Give up what its run asked for."""
        self.device.release()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.device, name)

    def as_device(self) -> AnyDevice:
        """Return it as what a run asks."""
        return cast("AnyDevice", self)


class Line:
    """Those who came, in order. Devices come in the server's thread; the others ask in theirs."""

    def __init__(self) -> None:
        self.guests: list[Guest] = []
        self.latest = time.monotonic()  # when somebody came, or was measured
        self._changes = threading.Condition()
        self._number = 0  # of changes so far

    def came(self, device: Device) -> None:
        """Let a device stand in line."""
        with self._changes:
            abouts = [guest.device.about() for guest in self.guests] + [device.about()]
            twin = devices.twins(abouts)[-1]
            self.guests.append(Guest(device, twin, self.changed))
        device.presence.on_change = self.changed
        self.touch()
        self.changed()

    def touch(self) -> None:
        """Begin anew to wait for somebody."""
        self.latest = time.monotonic()

    def first_ready(self) -> Guest | None:
        """Return the first that waits for its turn, and can be measured now."""
        return next((guest for guest in [*self.guests] if guest.is_ready), None)

    def changed(self) -> None:
        """Wake those who wait for a change."""
        with self._changes:
            self._number += 1
            self._changes.notify_all()

    def wait_for_change(self, seen: int, seconds: float | None = None) -> int:
        """Wait until there are more changes than were *seen*; return their number."""
        with self._changes:
            self._changes.wait_for(lambda: self._number > seen, seconds)
            return self._number

    def next(self, seconds: float | None) -> Guest | None:
        """Return the first that is ready, as soon as one is; None where nobody came for so many seconds."""
        while True:
            seen = self._number
            if ready := self.first_ready():
                return ready
            left = None if seconds is None else self.latest + seconds - time.monotonic()
            if left is not None and left <= 0:
                return None
            self.wait_for_change(seen, left)

    def waiting(self) -> list[Guest]:
        """Return who has not been measured yet, in order."""
        return [guest for guest in self.guests if guest.outcome is None and not guest.is_measured]

    def measured(self) -> list[Guest]:
        """Return who has been, in order."""
        return [guest for guest in self.guests if guest.outcome is not None]
