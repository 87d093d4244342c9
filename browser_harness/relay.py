"""Passing a page's requests on to a server that answers no pages of other origins.

To the page the answers come from its own server: nothing is asked beforehand, and what the other server wants of those
who ask is added on the way and stays out of the page. The connection between is this program's, not the browser's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

# What of a request and of an answer is passed on; the rest is between two neighbours, or nobody else's.
PASSED = (
    "Content-Type",
    "Content-Encoding",
    "Inference-Header-Content-Length",
    "Server-Timing",
)


class Named(Protocol):
    """Headers, whose names have no case."""

    def get(self, name: str) -> str | None:
        """Return a header's value; None where it is not there."""


class Answer(Protocol):
    """A server's answer, whatever its status."""

    @property
    def status(self) -> int:
        """HTTP's."""

    @property
    def headers(self) -> Named:
        """Its headers."""

    @property
    def content(self) -> bytes:
        """Its whole body."""


class Upstream(Protocol):
    """One kept connection to the other server, asked by one thread."""

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the whole answer; raises an error whose message, in one line, may be shown to the page."""

    def close(self) -> None:
        """End the connection."""


@dataclass(frozen=True)
class Relay:
    """What lies below *prefix* is asked of another server: for each connection of the browser, by one of its own."""

    connect: Callable[[], Upstream]
    prefix: str

    def takes(self, path: str) -> bool:
        """Whether a path is one of the other server's."""
        return path.startswith(self.prefix)


def passed(headers: Named) -> dict[str, str]:
    """Return what of *headers* is passed on."""
    return {name: value for name in PASSED if (value := headers.get(name)) is not None}
