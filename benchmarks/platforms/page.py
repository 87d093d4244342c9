"""A runtime in a page: of a Chromium that is started and driven for it, or of a browser that joins by a link."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from copy import copy
from typing import Self

from benchmarks.platforms.driven_pages import DRIVEN
from benchmarks.platforms.joined_pages import JOINED
from benchmarks.platforms.page_runtime import PageRuntime
from benchmarks.platforms.page_session import DrivenSession
from benchmarks.platforms.pages import Pages
from benchmarks.protocol import Case, Feeds, Opening
from benchmarks.settings import Settings
from browser_harness import packages
from browser_harness.joined.browsers import Engine


class PagePlatform(PageRuntime):
    """A runtime in a page; which pages there are is asked of the settings."""

    browser: Engine = "chromium"
    caches: Sequence[str] = ("cold", "warm")
    flags: tuple[str, ...] = ("--disable-gpu",)  # no GPU process to share the cores with

    def within(self, browser: Engine) -> Self:
        """Return the same runtime in another browser, by whose name it goes."""
        other = copy(self)
        other.name, other.browser = self.name.replace(self.browser, browser), browser
        other.caches = ("cold",)  # its server lets nothing be kept
        return other

    def pages(self, settings: Settings) -> Pages:
        """Return where its pages come from: only a Chromium of this machine is driven."""
        return DRIVEN if self.browser == "chromium" and settings.device is None else JOINED

    def unavailable(self, settings: Settings) -> str | None:
        """Say what is missing: a browser, or the packages the page loads."""
        reason = self.pages(settings).unavailable(self, settings)
        return f"{self.name}: {reason}" if reason else self.missing()

    def browser_flags(self, settings: Settings) -> tuple[str, ...]:
        """Return what the browser is started with."""
        return self.flags

    def browser_environment(self, settings: Settings) -> dict[str, str]:
        """Return the variables that the browser has and this process has not."""
        return {}

    def versions(self, settings: Settings) -> dict[str, str]:
        """The versions of the browser, what drives it, and the runtime in the page."""
        if self.unavailable(settings):
            return {}
        runtime = {package: packages.pinned(package) for package in self.packages}
        return {**self.pages(settings).versions(self, settings), **runtime}

    def open(self, case: Case, settings: Settings) -> AbstractContextManager[DrivenSession]:
        """Open the case in a fresh browser, or page of a device, and check that it is what the platform's name says."""
        return self.pages(settings).open(self, case, settings)

    def open_fresh(self, case: Case, settings: Settings) -> AbstractContextManager[DrivenSession]:
        """Open the case in a new page of a browser that may have had others."""
        return self.pages(settings).open_fresh(self, case, settings)

    def openings(self, case: Case, feeds: Feeds, settings: Settings, caches: str) -> Iterator[Opening]:
        """Open *case* again and again: ``cold`` in a fresh browser each, ``warm`` in new pages of one that knows it.

        Raises PlatformError where the caches were not what they are called, UnavailableError where nobody can tell.
        """
        return self.pages(settings).openings(self, case, feeds, settings, caches)
