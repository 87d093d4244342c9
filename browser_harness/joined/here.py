"""Browsers that are started here and join: for one that needs it for itself, or lent, as starting one takes longer.

One that is lent has had other pages. One that came back in order waits for the next; the others are closed, with the
process at the latest.
"""

import atexit
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from browser_harness.channel import PageError
from browser_harness.joined.browsers import BrowserMissingError, Engine, Started, started
from browser_harness.joined.channel import AnyDevice

JOINING = 60.0  # seconds in which a browser has joined that is started here
LOOKING = 0.2  # seconds from one look at whether it has ended meanwhile to the next
CLOSING = 5.0  # seconds in which a page is left: of one that computes on, the whole browser is given up


@dataclass(frozen=True)
class Kind:
    """Which browser is wanted."""

    engine: Engine
    named: Path | None = None  # its program
    flags: Sequence[str] = ()


@contextmanager
def joined_here(
    engine: Engine, named: Path | None = None, flags: Sequence[str] = (), timeout: float = JOINING
) -> Iterator[tuple[AnyDevice, Started]]:
    """Start a browser of this machine at a link of its own; it has joined when the context begins.

    Raises PageError where it ends before, or has not joined after *timeout* seconds.
    """
    from browser_harness.joined.server import joining  # with aiohttp, which a server's process does not need

    came: queue.SimpleQueue[AnyDevice] = queue.SimpleQueue()
    with joining(on_join=came.put) as server, _started(engine, server.url, named, flags) as browser:
        device = _first(came, browser.fault, engine, timeout)
        if not device.wait(timeout):
            raise PageError(browser.fault() or f"{engine} joined, and does not show its page; is its window covered?")
        yield device, browser


@contextmanager
def _started(engine: Engine, url: str, named: Path | None, flags: Sequence[str]) -> Iterator[Started]:
    try:
        with started(engine, url, named, flags) as browser:
            yield browser
    except BrowserMissingError as error:
        raise PageError(str(error)) from error


def _first(
    came: "queue.SimpleQueue[AnyDevice]", fault: Callable[[], str | None], engine: Engine, timeout: float
) -> AnyDevice:
    """Return who comes first, as long as the browser has no fault and there is time."""
    until = time.monotonic() + timeout
    while True:
        try:
            return came.get(timeout=min(timeout, LOOKING))
        except queue.Empty:
            if words := fault():
                raise PageError(f"{words} before it joined") from None
        if time.monotonic() > until:
            words = f"{engine} has not joined within {timeout:g} s"
            raise PageError(f"{words}; where it is only slow, raise --inference-timeout")


@dataclass(frozen=True)
class Joined:
    """A browser that joined, and what closes it."""

    device: AnyDevice
    browser: Started
    close: Callable[[], None]

    def is_well(self) -> bool:
        """Whether it runs, its page is to be seen, and answers."""
        if self.browser.fault() or not self.device.wait(0):
            return False
        return left(self.device)


def left(device: AnyDevice) -> bool:
    """Have a device drop the page that it has; return whether it did, and so answers."""
    try:
        device.close(CLOSING)
    except PageError:
        return False
    return True


class Lender:
    """Lends browsers and keeps them: several of a kind, where several were lent at once."""

    def __init__(self) -> None:
        self._waiting: dict[Kind, list[Joined]] = {}
        atexit.register(self.close)

    @contextmanager
    def lend(self, kind: Kind, timeout: float = JOINING) -> Iterator[tuple[AnyDevice, Started]]:
        """Lend a browser for as long as the context lasts."""
        waiting = self._waiting.setdefault(kind, [])
        joined = self._next(waiting) or _joined(kind, timeout)
        try:
            yield joined.device, joined.browser
        finally:
            if joined.is_well():
                waiting.append(joined)
            else:
                joined.close()

    def _next(self, waiting: list[Joined]) -> Joined | None:
        """Return one that waits, and is well still."""
        while waiting:
            if (joined := waiting.pop()).is_well():
                return joined
            joined.close()
        return None

    def close(self) -> None:
        """Close the browsers that wait."""
        for waiting in self._waiting.values():
            while waiting:
                waiting.pop().close()


def _joined(kind: Kind, timeout: float) -> Joined:
    with ExitStack() as stack:
        device, browser = stack.enter_context(joined_here(kind.engine, kind.named, kind.flags, timeout))
        return Joined(device, browser, stack.pop_all().close)


LENDER = Lender()
