"""All devices of a job: those that join by the link, and browsers of this machine, which quotas can make weaker."""

import argparse
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from benchmarks.fleet.member import Member
from browser_harness import cgroup
from browser_harness.channel import PageError
from browser_harness.host import Host, LocalHost
from browser_harness.joined import AnyDevice
from browser_harness.joined.browsers import ENGINES, Engine, Started
from browser_harness.joined.here import joined_here

JOINING = 60.0  # seconds in which a browser that is started here has joined
ENDING = 2.0  # seconds in which devices end what they do
BROWSER = re.compile(rf"(?P<engine>{'|'.join(ENGINES)})(?:@(?P<slowdown>[1-9]\d?)x)?")


@dataclass(frozen=True)
class Browser:
    """A browser of this machine that is to be started, and how many times weaker it is to be."""

    engine: Engine
    slowdown: int = 1

    def __str__(self) -> str:
        return f"{self.engine}@{self.slowdown}x" if self.slowdown > 1 else self.engine


def browser(text: str) -> Browser:
    """Read ``--browser``."""
    if not (found := BROWSER.fullmatch(text)):
        words = f"choose from {', '.join(ENGINES)}, with @Nx behind it for one N times weaker, such as chromium@4x"
        raise argparse.ArgumentTypeError(f"{text!r} is no browser: {words}")
    return Browser(found["engine"], int(found["slowdown"] or 1))  # type: ignore[arg-type]


@dataclass
class Crew:
    """The members, in the order in which they came; *make* has a device become one."""

    make: Callable[[AnyDevice, int, Host | None], Member]
    members: list[Member] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, device: AnyDevice, host: Host | None = None) -> Member:
        """Take a device in, and have it open the model."""
        with self._lock:
            member = self.make(device, len(self.members) + 1, host)
            self.members.append(member)
        member.start()
        return member

    def welcome(self, device: AnyDevice) -> None:
        """Take in a device that came by the link."""
        self.add(device)

    @property
    def ready(self) -> list[Member]:
        """Those whose model is open."""
        return [member for member in [*self.members] if member.is_ready.is_set() and not member.sent_home]

    @property
    def sent_home(self) -> list[Member]:
        """Those that cannot take part."""
        return [member for member in [*self.members] if member.sent_home]

    def join(self) -> None:
        """Wait until all have ended, a little."""
        for member in self.members:
            member.join(ENDING)


@contextmanager
def browsers_here(wanted: Sequence[Browser], crew: Crew) -> Iterator[None]:
    """Start browsers of this machine, one after the other, and have them among the *crew* while the context lasts.

    Each comes by a link of its own, over the loopback, so that it is known which is which. One is slowed down when its
    page is there: a browser starts as quickly as it can.
    """
    with ExitStack() as stack:
        for one in wanted:
            quota = stack.enter_context(cgroup.Quota(one.slowdown)) if one.slowdown > 1 else None
            device, running = stack.enter_context(_started(one))
            host = LocalHost(running, quota, running.compiling)
            host.follow()
            crew.add(device, host)
        yield


@contextmanager
def _started(one: Browser) -> Iterator[tuple[AnyDevice, Started]]:
    try:
        with joined_here(one.engine, timeout=JOINING) as found:
            yield found
    except PageError as error:
        raise PageError(f"--browser {one}: {error}") from error
