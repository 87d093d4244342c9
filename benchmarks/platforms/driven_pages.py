"""Pages of a Chromium that is started and driven from here, and openings with cold and warm caches."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from benchmarks.platforms.between import linked, network_of
from benchmarks.platforms.page_runtime import PageCase
from benchmarks.platforms.page_session import DrivenSession
from benchmarks.platforms.pages import cold, obtained, quota_of
from benchmarks.platforms.threads import refuse_threads
from benchmarks.protocol import Case, Feeds, Opening
from benchmarks.settings import Settings
from browser_harness import chromium
from browser_harness.browser_page import BrowserPage
from browser_harness.driven import DrivenPage
from browser_harness.host import LocalHost
from browser_harness.lending import LENDER
from browser_harness.network import LOOPBACK
from browser_harness.page import open_browser
from browser_harness.unwatched import open_unwatched

if TYPE_CHECKING:
    from benchmarks.platforms.page import PagePlatform

Browsers = Callable[[chromium.Browser, float, Sequence[str]], AbstractContextManager[BrowserPage]]
FILLING = 2  # discarded loads that fill the caches


class DrivenPages:
    """Pages of a Chromium that nothing else uses."""

    def unavailable(self, platform: "PagePlatform", settings: Settings) -> str | None:
        """Say that there is no Chromium."""
        return chromium.missing(settings.browser_path)

    def versions(self, platform: "PagePlatform", settings: Settings) -> dict[str, str]:
        """Return the versions of the browser and its driver."""
        return {**chromium.versions(settings.browser_path), "playwright": version("playwright")}

    def open(self, platform: "PagePlatform", case: Case, settings: Settings) -> AbstractContextManager[DrivenSession]:
        """Open the case in a fresh browser and check that what is in force is what the platform's name says."""
        return self._opened(platform, case, settings, open_browser)

    def open_fresh(
        self, platform: "PagePlatform", case: Case, settings: Settings
    ) -> AbstractContextManager[DrivenSession]:
        """Open the case in a new page of a browser that may have had others.

        A new page has a new process, and its figures scatter as those of new browsers do: ``tox run -e starts``. One
        that is slowed down has a browser of its own, all of which is slowed.
        """
        return self._opened(platform, case, settings, open_browser if case.slowdown > 1 else LENDER.lend)

    @contextmanager
    def _opened(
        self, platform: "PagePlatform", case: Case, settings: Settings, browsers: Browsers
    ) -> Iterator[DrivenSession]:
        with self._browser(platform, case, settings, browsers) as session:
            session.open()
            yield session

    @contextmanager
    def _browser(
        self, platform: "PagePlatform", case: Case, settings: Settings, browsers: Browsers = open_browser
    ) -> Iterator[DrivenSession]:
        """Have server and browser for *case*, slowed down where it says so; nothing is loaded yet.

        Over a network nobody watches the requests of its page.
        """
        refuse_threads(platform, case)
        page_case = PageCase(platform, case, settings)
        with page_case.explained(), ExitStack() as stack:  # what a browser tells when it closes is explained, too
            link = stack.enter_context(linked(platform.name, case))
            served = page_case.serving(link.host)  # what cannot be served is told first
            quota = stack.enter_context(quota_of(page_case)) if case.slowdown > 1 else None
            with link.on_server_side():
                server = stack.enter_context(served)
            found = chromium.find(settings.browser_path)
            browser = replace(found, environment=found.environment | platform.browser_environment(settings))
            starting = browsers if case.network == LOOPBACK else open_unwatched
            with link.on_client_side():
                page = stack.enter_context(starting(browser, settings.timeout, platform.browser_flags(settings)))
            channel = DrivenPage(page, server, link.entrance(server.server_port))
            yield DrivenSession(page_case, channel, LocalHost(page, quota), network_of(link, case.network))

    def openings(
        self, platform: "PagePlatform", case: Case, feeds: Feeds, settings: Settings, caches: str
    ) -> Iterator[Opening]:
        """Open *case* again and again: ``cold`` in a fresh browser each, ``warm`` in new pages of one that knows it.

        Raises PlatformError where the caches were not what they are called.
        """
        return {"cold": self._cold, "warm": self._warm}[caches](platform, case, feeds, settings)

    def _cold(self, platform: "PagePlatform", case: Case, feeds: Feeds, settings: Settings) -> Iterator[Opening]:
        slowdown = obtained(self, platform, case, feeds, settings)
        yield from cold(lambda: self._browser(platform, case, settings), feeds, slowdown)

    def _warm(self, platform: "PagePlatform", case: Case, feeds: Feeds, settings: Settings) -> Iterator[Opening]:
        slowdown = obtained(self, platform, case, feeds, settings)
        with self._browser(platform, case, settings) as session:
            for _ in range(FILLING):
                session.opening(feeds)
            while True:
                code_cache = session.code_cache()
                opening = session.opening(feeds)
                session.prove_fetched(all_of_it=False)
                details = {**opening.facts.details, "code_cache": code_cache}
                yield replace(opening, facts=replace(opening.facts, slowdown=slowdown, details=details))


DRIVEN = DrivenPages()
