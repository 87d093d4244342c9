"""What all ways to a page have in common, and what a platform tells them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from benchmarks.platforms.page_runtime import PageCase
from benchmarks.platforms.page_session import DrivenSession
from benchmarks.protocol import Case, Feeds, Opening, Slowdown
from benchmarks.settings import Settings
from browser_harness import cgroup

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


def cold(
    fresh: Callable[[], AbstractContextManager[DrivenSession]], feeds: Feeds, slowdown: Slowdown | None
) -> Iterator[Opening]:
    """Open a case again and again, each time in a *fresh* browser, all of which it is to fetch."""
    while True:
        with fresh() as session:
            opening = session.opening(feeds)
            session.prove_fetched(all_of_it=True)
            yield replace(opening, facts=replace(opening.facts, slowdown=slowdown))


def quota_of(page_case: PageCase) -> cgroup.Quota:
    """Return what makes the browser of a case weaker; raises UnavailableError where nothing here can."""
    if reason := cgroup.unavailable():
        raise page_case.unavailable(reason)
    return cgroup.Quota(page_case.case.slowdown, page_case.case.threads)
