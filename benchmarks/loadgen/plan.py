"""How long LoadGen asks, how often, and within which bound."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

PACKAGE = "mlcommons-loadgen"
# MLPerf's trials take ten minutes, of its own models and data, in an environment that others have reviewed.
COMPLIANCE = "shortened: not compliant with MLPerf's rules"


class LoadError(Exception):
    """A system could not be put under load, or broke under it; the message names it and what would help."""


@dataclass(frozen=True)
class Plan:
    """What trials are like. Times in seconds."""

    p99: float = 0.020  # of a query that arrives by chance, from when it was due to its answer
    seconds: float = 3.0  # that a trial takes at least
    # At p99 fewer than 459 queries never satisfy LoadGen, however quick the answers are.
    queries: int = 1000  # that a trial has at least
    longest: float = 60.0  # a trial that would take longer for its queries is not made
    precision: float = 0.05  # of the rate that is carried: how far the next is above it that is not
    repeats: int = 3  # trials of Offline
    extensions: int = 2  # how often a trial is made again with twice the queries, where there were too few to tell
    timeout: float = 60.0  # that an answer may take

    def length(self, rate: float) -> float:
        """Return how long a trial of *rate* queries a second takes.

        In a shorter one, queries that come faster than they are answered would not have to wait as long as the bound.
        """
        return max(self.seconds, self.queries / rate, self.p99 / self.precision)


def unavailable() -> str | None:
    """Say that LoadGen is missing, and what brings it; None where it is there."""
    return None if loadgen_version() else f"{PACKAGE} is not installed; run `tox run -e bench-remote`"


def loadgen_version() -> str | None:
    """Return LoadGen's version; None where it is not installed: it has wheels for some versions of Python only."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return None
