"""What a person can set for all platforms at once."""

import argparse
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from browser_harness.joined.channel import VARIABLE

if TYPE_CHECKING:
    import pytest

# A number of bytes, as ``--memory-budget`` takes it.
SIZE = re.compile(r"(?P<number>\d+(\.\d+)?) ?(?P<unit>[A-Za-z]*)")
UNITS = {"": 1, "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
MOST = 2**63  # bytes: no machine has more
Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Settings:
    """Read from the command line; a platform takes from it what concerns it."""

    browser_path: Path | None = None  # Chromium's program
    timeout: float = 60.0  # seconds that a call into a page or process may take, and opening a model there
    allow_software_gpu: bool = False  # time a GPU that is simulated on the processor, and label it
    collects_garbage: bool = True  # Python does, also while samples are drawn; a page collects as it likes
    server_url: str | None = None  # a server that is there
    server_model: str | None = None  # the model's name on it, where that is not its own
    device_patience: float = 600.0  # seconds in which a device that left, or hid its page, may come back
    device: str | None = None  # how the device is asked that a run is for: browser_harness.joined.control
    firefox_path: Path | None = None  # as browser_path
    webkit_path: Path | None = None

    def program(self, browser: str) -> Path | None:
        """Return the program of *browser* that was named; None where one is to be found."""
        return {"chromium": self.browser_path, "firefox": self.firefox_path, "webkit": self.webkit_path}[browser]


def settings_of(config: "pytest.Config") -> Settings:
    """Return the settings of a pytest run."""
    browsers = config.getoption("browser") or ["chromium"]
    programs = {browsers[0]: config.getoption("browser_path")}  # it is refused with several
    return Settings(
        programs.get("chromium"),
        config.getoption("inference_timeout"),
        config.getoption("allow_software_gpu"),
        not config.getoption("benchmark_disable_gc", False),
        config.getoption("server_url"),
        config.getoption("server_model"),
        config.getoption("device_patience"),
        os.environ.get(VARIABLE),
        programs.get("firefox"),
        programs.get("webkit"),
    )


def positive(kind: type[Number]) -> Callable[[str], Number]:
    """Return a parser of command-line values that takes finite numbers of *kind* above zero only."""

    def parse(text: str) -> Number:
        if not (value := kind(text)) > 0:
            raise argparse.ArgumentTypeError(f"{text} is not positive")
        if not math.isfinite(value):
            raise argparse.ArgumentTypeError(f"{text} is without end; name a number")
        return value

    parse.__name__ = kind.__name__  # argparse: "invalid int value"
    return parse


def size(text: str) -> int:
    """Read a number of bytes, with a unit or without, of thousands (MB) or of 1024s (MiB)."""
    parts, units = SIZE.fullmatch(text), {unit.lower(): factor for unit, factor in UNITS.items()}
    if parts is None or parts["unit"].lower() not in units:
        words = f"is no size: write a number of bytes, or one with {', '.join(filter(None, UNITS))} behind it"
        raise argparse.ArgumentTypeError(f"{text!r} {words}")
    bytes_ = float(parts["number"]) * units[parts["unit"].lower()]
    if not 1 <= bytes_ < MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no page's budget: name one byte at least, and less than 8 EiB")
    return int(bytes_)


def writable(text: str) -> Path:
    """Read the name of a file that is to be written: what takes minutes is not to end where that cannot be."""
    file = Path(text)
    if file.is_dir() or not os.access(file.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text}: no file can be written there; name one in a folder of yours")
    return file
