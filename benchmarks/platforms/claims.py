"""What the device that a run is for says of itself: nothing of this machine is asked in its place."""

import sys
from collections.abc import Mapping
from typing import Any

from benchmarks.settings import Settings
from browser_harness.about import system_of
from browser_harness.joined import AnyDevice

# What devices say that they run on, in Python's words; anything else is called as it is said.
SYSTEMS = {"Windows": "win32", "macOS": "darwin", "Mac OS X": "darwin"}


def borrowed(told: str) -> AnyDevice:
    """Return the device that this process was lent."""
    from browser_harness.joined.control import borrowed  # with multiprocessing, which other runs do not need

    return borrowed(told)


def of_device(settings: Settings) -> Mapping[str, Any] | None:
    """Return what the device says of itself; None where the run is for none."""
    return None if settings.device is None else borrowed(settings.device).about()


def system(settings: Settings) -> str:
    """Return what the browsers of a run are on, as ``sys.platform`` calls it: this machine's, or a device's word."""
    if (about := of_device(settings)) is None:
        return sys.platform
    said, _ = system_of(about)
    return SYSTEMS.get(said, said.lower())
