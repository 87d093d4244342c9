"""What is put under load: a platform's case, opened once for each worker."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol, cast

from benchmarks import hardware
from benchmarks.loadgen.workers import Check, Opens
from benchmarks.protocol import Case, Feeds, Platform
from benchmarks.settings import Settings

CONNECTIONS = 8  # to a server in a process of its own; what it does not answer at once waits here, in the same order


@dataclass(frozen=True)
class System:
    """Something that answers, and how many are to ask it at once."""

    name: str
    opens: Opens  # entered and left in a worker's own thread
    workers: int


class Remote(Platform, Protocol):
    """A platform on the side ``remote``, which is asked from this process, too."""

    def clients(self, case: Case, settings: Settings) -> AbstractContextManager[Opens]:
        """Have a server for *case*; yields what opens a connection to it that is kept, with the server's facts."""


@contextmanager
def system_of(platform: Platform, case: Case, settings: Settings, workers: int) -> Iterator[System]:
    """Have *case* under load on *platform*: a session of its own for each worker, or a connection to one server."""
    if platform.side == "remote":
        with cast(Remote, platform).clients(case, settings) as opens:
            yield System(platform.name, opens, workers)
    else:
        yield System(platform.name, partial(platform.open, case, settings), workers)


def workers_of(platform: Platform, threads: int) -> int:
    """Return how many are to ask at once, where nobody says: as many sessions as keep the cores busy."""
    return CONNECTIONS if platform.side == "remote" else max(1, hardware.CORES // threads)


def parity_alone(platform: Platform, case: Case, settings: Settings, feeds: Feeds, check: Check) -> float:
    """Ask once in a process of its own: what would end a process, or hang in it, does so alone."""
    with platform.open_fresh(case, settings) as session:
        return check(session.facts, session.run(feeds))
