"""What is put under load: a platform's case, opened once for each worker."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol, cast

import numpy as np

from benchmarks import hardware
from benchmarks.loadgen.workers import Asked, Check, Opens
from benchmarks.platforms.remote_session import pixels_of, uploaded
from benchmarks.protocol import Case, Facts, Feeds, Outputs, Platform, PlatformError, Server, UnavailableError
from benchmarks.remote import Client, RemoteError, Served
from benchmarks.settings import Settings
from browser_harness.network import LINKS, LOOPBACK, Link, LinkError

CONNECTIONS = 8  # to a server in a process of its own; what it does not answer at once waits here, in the same order
ON_DEVICE = 2  # sessions on a GPU: one copies while the other computes


@dataclass(frozen=True)
class System:
    """Something that answers, and how many are to ask it at once."""

    name: str
    opens: Opens  # entered and left in a worker's own thread
    workers: int


class Remote(Platform, Protocol):
    """A platform on the side ``remote``, whose server can be asked without its page."""

    @property
    def is_elsewhere(self) -> bool:
        """Whether the server was there before, and is somebody's."""

    def serving(self, case: Case, settings: Settings, link: Link) -> AbstractContextManager[Served]:
        """Have the case served."""


@contextmanager
def system_of(platform: Platform, case: Case, settings: Settings, workers: int) -> Iterator[System]:
    """Have *case* under load on *platform*: a session of its own for each worker, or a connection to one server.

    Raises UnavailableError where that would load something else than asked for, and what opening raises.
    """
    if platform.side != "remote":
        yield System(platform.name, partial(platform.open, case, settings), workers)
        return
    remote = cast(Remote, platform)
    if case.network != LOOPBACK:
        raise UnavailableError(f"{platform.name}: a load goes over the loopback only; leave --network out")
    if platform.name.endswith("-h2"):
        raise UnavailableError(f"{platform.name}: a load is sent by HTTP/1.1; name remote-cpu-https")
    try:
        with LINKS.at(case.network) as link, remote.serving(case, settings, link) as served:
            yield System(platform.name, partial(_connected, remote, case, served, settings), workers)
    except (RemoteError, LinkError) as error:
        raise PlatformError(f"{platform.name}: {case.model_file.name}: {error}") from error


def workers_of(platform: Platform, threads: int) -> int:
    """Return how many are to ask at once, where nobody says: as many sessions as keep the cores busy."""
    if platform.side == "remote":
        return CONNECTIONS
    return ON_DEVICE if platform.threading == "runtime" else max(1, hardware.CORES // threads)


def parity_alone(platform: Platform, case: Case, settings: Settings, feeds: Feeds, check: Check) -> float:
    """Ask once in a process of its own: what would end a process, or hang in it, does so alone."""
    with platform.open_fresh(case, settings) as session:
        return check(session.facts, session.run(feeds))


class Connected:
    """A kept connection to a server; it sends what a page of the platform would."""

    def __init__(self, platform: Remote, case: Case, served: Served, client: Client) -> None:
        self._takes, self._case, self._client = platform.takes, case, client
        url = served.origin if platform.is_elsewhere else None
        self.facts = Facts(
            platform.name,
            served.provider or "not told",
            served.threads,
            clock="not used",  # LoadGen's is
            clock_resolution=0.0,
            server=Server(served.software, "http/1.1", url),
            upload=uploaded(case, platform.takes, served),
        )

    def run(self, feeds: Feeds) -> Outputs:
        """Ask for one inference; the request is made anew each time, as it would be of another image."""
        return self._client.infer(self._sent(feeds))[0]

    def _sent(self, feeds: Feeds) -> Feeds:
        if self._takes == "arrays":
            return feeds
        ((name, array),) = feeds.items()
        assert self._case.normalisation is not None, "who takes an image says how numbers are made of it"
        if self._takes == "pixels":
            return {name: pixels_of(array, self._case.normalisation)}
        return {name: np.array([self._case.picture], object)}


@contextmanager
def _connected(platform: Remote, case: Case, served: Served, settings: Settings) -> Iterator[Asked]:
    with Client(served, timeout=settings.timeout) as client:
        yield Connected(platform, case, served, client)
