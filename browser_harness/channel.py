"""The way to a page: functions of its ``harness`` are called through it, bytes left for it to fetch, and taken from it.

A Channel promises no more than a page can do that joined by a link and that nobody drives from here. A DrivenChannel
leads to a page of a browser that was started for it. Every fault of page, browser or runtime is a PageError.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypedDict


class PageError(Exception):
    """The page, its browser or its runtime failed; the message carries their own words."""


class FetchedFile(TypedDict):
    """What came from the server of one path: bytes of the bodies as sent and of their content, how it was encoded."""

    wire: int
    decoded: int
    encoding: str | None  # as Content-Encoding names it; None of what was sent as it is
    level: int | None  # of the encoder


class Channel(Protocol):
    """The way to a page that is there."""

    def call(self, function: str, argument: Mapping[str, Any]) -> Any:
        """Call one function of the page's ``harness`` and return its answer."""

    def publish(self, path: str, content: bytes) -> None:
        """Let the page fetch *content* from *path* of its own server from now on."""

    def receiving(self, path: str, content: memoryview) -> AbstractContextManager[None]:
        """Let the page send what fills *content*, once and whole, to *path* of its own server in this context.

        Raises PageError where it has not come when the context ends.
        """


class DrivenChannel(Channel, Protocol):
    """The way to a page that can be replaced by a new one, in a browser whose caches are known."""

    def load(self) -> None:
        """Load a new page, without a runtime or model, in place of an earlier one."""

    def fetched(self) -> Mapping[str, FetchedFile]:
        """Return what came from the server since the page began to load, by path."""

    def code_cache(self) -> Mapping[str, int]:
        """Return how many entries with compiled code the browser keeps, of scripts and of WebAssembly."""
