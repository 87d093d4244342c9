"""What all ways to a page have in common, and what a platform tells them."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from benchmarks.platforms.page_session import DrivenSession
from benchmarks.protocol import Case, Feeds, Opening, Slowdown
from benchmarks.settings import Settings

if TYPE_CHECKING:
    from benchmarks.platforms.page import PagePlatform


class Pages(Protocol):
    """A way to have pages for a platform."""

    def unavailable(self, platform: "PagePlatform", settings: Settings) -> str | None:
        """Why there are none, without the platform's name; None where there are."""

    def versions(self, platform: "PagePlatform", settings: Settings) -> dict[str, str]:
        """Return the versions of the browser and of what drives it."""

    def open(self, platform: "PagePlatform", case: Case, settings: Settings) -> AbstractContextManager[DrivenSession]:
        """Open a case in a page of a browser that had none before, where there can be such a one."""

    def open_fresh(
        self, platform: "PagePlatform", case: Case, settings: Settings
    ) -> AbstractContextManager[DrivenSession]:
        """Open a case in a new page of a browser that may have had others."""

    def openings(
        self, platform: "PagePlatform", case: Case, feeds: Feeds, settings: Settings, caches: str
    ) -> Iterator[Opening]:
        """Open it again and again."""


def obtained(pages: Pages, platform: "PagePlatform", case: Case, feeds: Feeds, settings: Settings) -> Slowdown | None:
    """Return how much weaker a weak client was asked to be, and is; None of one that is not.

    That is measured in a browser of its own: one that runs so long comes to keep compiled code, unlike the others.
    """
    if case.slowdown == 1:
        return None
    with pages.open(platform, case, settings) as session:
        return Slowdown(case.slowdown, session.obtained_slowdown(feeds))
