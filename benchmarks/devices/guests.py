"""Who came by the link, in order, and how it stands with each: a device as the command and its runs know it."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

from benchmarks.devices.outcome import Outcome
from benchmarks.results import devices
from browser_harness.channel import PageError
from browser_harness.joined import AnyDevice, HiddenError, LeftError
from browser_harness.joined.device import Device

PATIENCE = 120.0  # seconds in which a device that left, or hid its page, may come back while others wait


@dataclass
class Story:
    """What became of a device during its run."""

    left: int = 0  # times that a call was lost with its page
    hidden: int = 0  # times that what it measured does not count, since its page was hidden meanwhile
    away: float = 0.0  # seconds that were waited for it


@dataclass(eq=False)
class Guest:
    """A device that came. A run asks it as it would ask the device, and what becomes of that is noted."""

    device: Device
    number: int
    twin: int  # 1, or how many came before it, itself among them, that say the same of themselves
    patience: float = PATIENCE
    changed: Callable[[], None] = lambda: None
    outcome: Outcome | None = None  # None until it was measured
    is_measured: bool = False  # now
    is_lost: bool = False  # it left during its run, and was not back in time
    told: Mapping[str, Any] = field(default_factory=dict)  # what its person was shown last
    story: Story = field(default_factory=Story)

    @property
    def name(self) -> str:
        """What it is called: ``Firefox 153, 2 cores, http``."""
        return devices.short(self.about())

    @property
    def is_away(self) -> bool:
        """Whether its page is closed, or lost its connection."""
        return not self.device.is_here()

    @property
    def is_ready(self) -> bool:
        """Whether it waits for its turn, and its page can be seen."""
        return self.outcome is None and not self.is_measured and not self.is_away and self.device.is_visible()

    # What a run asks

    def about(self) -> dict[str, Any]:
        """Return what it says of itself, and what was seen of it here."""
        return {**self.device.about(), "number": self.number, "twin": self.twin, "story": vars(self.story).copy()}

    def show(self, told: Mapping[str, Any]) -> None:
        """Have its person see *told*."""
        self.told = {**told}
        self.changed()
        self.device.show(told)

    def wait(self, seconds: float) -> bool:
        """Wait until it is here and to be seen, for as long as there is patience; once it is lost, it stays so."""
        began = time.monotonic()
        self.is_lost = self.is_lost or not self.device.wait(min(seconds, self.patience))
        self.story.away += time.monotonic() - began
        return not self.is_lost

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self.device, name)
        return lambda *arguments: self._noted(asked, arguments)

    def _noted(self, asked: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        try:
            return asked(*arguments)
        except LeftError:
            self.story.left += 1
            raise
        except HiddenError:
            self.story.hidden += 1
            raise

    def as_device(self) -> AnyDevice:
        """Return it as what a run asks."""
        return cast("AnyDevice", self)

    def say(self, told: Mapping[str, Any]) -> None:
        """Have its person see what is no part of a run; one that went away sees it when it is back."""
        with suppress(PageError, OSError):
            self.device.show(told)


class Line:
    """Those who came, in order. Devices come in the server's thread; the others ask in theirs."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self.guests: list[Guest] = []
        self.latest = time.monotonic()  # when somebody came, or was measured
        self._patience = patience
        self._changes = threading.Condition()
        self._number = 0  # of changes so far

    def came(self, device: Device) -> None:
        """Let a device stand in line."""
        with self._changes:
            abouts = [guest.device.about() for guest in self.guests] + [device.about()]
            twin = devices.twins(abouts)[-1]
            self.guests.append(Guest(device, len(abouts), twin, self._patience, self.changed))
        device.on_change = self.changed
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
