"""Pages of devices that join by a link, and of this machine's Firefox and WebKit, which are opened the same way.

Nobody drives such a browser: it is asked by the channel that its page has opened.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from benchmarks.platforms.claims import borrowed
from benchmarks.platforms.joined_session import JoinedSession, Patience
from benchmarks.platforms.page_runtime import JoinedCase, PageCase
from benchmarks.platforms.pages import cold, obtained, quota_of
from benchmarks.platforms.threads import refuse_threads
from benchmarks.protocol import Case, Feeds, Opening
from benchmarks.settings import Settings
from browser_harness.host import Host, LocalHost, UnknownHost
from browser_harness.joined import AnyDevice, JoinedPage
from browser_harness.joined.browsers import find, missing
from browser_harness.joined.here import LENDER, Kind, joined_here, left

if TYPE_CHECKING:
    from benchmarks.platforms.page import PagePlatform

RETURNING = 10.0  # seconds in which a browser of this machine may come back: nobody carries it out of reach
CRASHED = "its page may have crashed; run again, or measure a smaller model"
IN_USE: set[AnyDevice] = set()  # devices with a case open; a device has one page

Opened = tuple[AnyDevice, Host, Patience]


class JoinedPages:
    """Pages of the device that a run is for, else of a browser that is started here and joins."""

    def unavailable(self, platform: "PagePlatform", settings: Settings) -> str | None:
        """Say that there is no such browser, or that the device has another."""
        if settings.device is None:
            return missing(platform.browser, settings.program(platform.browser))
        engine = borrowed(settings.device).about()["engine"]
        return None if engine == platform.browser else f"the device's browser is {engine}"

    def versions(self, platform: "PagePlatform", settings: Settings) -> dict[str, str]:
        """Return the browser's version; what a device says of its own stands with the device."""
        if settings.device is not None:
            return {}
        return {platform.browser: find(platform.browser, settings.program(platform.browser)).version}

    @contextmanager
    def open(self, platform: "PagePlatform", case: Case, settings: Settings) -> Iterator[JoinedSession]:
        """Open a case in a page of a browser of its own, or of the device."""
        with _session(platform, case, settings, is_lent=False) as session:
            session.open()
            yield session

    @contextmanager
    def open_fresh(self, platform: "PagePlatform", case: Case, settings: Settings) -> Iterator[JoinedSession]:
        """Open a case in a new page of a browser that may have had others; one that is slowed has its own."""
        with _session(platform, case, settings, is_lent=case.slowdown == 1) as session:
            session.open()
            yield session

    def openings(
        self, platform: "PagePlatform", case: Case, feeds: Feeds, settings: Settings, caches: str
    ) -> Iterator[Opening]:
        """Open *case* again and again, each time in a browser that is started for it: its caches are empty.

        Raises UnavailableError of a device, PlatformError where a cache was not empty.
        """
        if settings.device is not None or caches != "cold":
            words = "nobody can tell what the caches of a browser that joined hold; measure this in a browser here"
            raise PageCase(platform, case, settings).unavailable(words)
        slowdown = obtained(self, platform, case, feeds, settings)
        yield from cold(lambda: _session(platform, case, settings, is_lent=False), feeds, slowdown)


JOINED = JoinedPages()


@contextmanager
def _session(platform: "PagePlatform", case: Case, settings: Settings, *, is_lent: bool) -> Iterator[JoinedSession]:
    refuse_threads(platform, case)
    page_case = JoinedCase(platform, case, settings)
    files = page_case.files  # what cannot be served is told first
    with page_case.explained(), ExitStack() as stack:
        device, host, patience = _opened(page_case, platform, stack, is_lent=is_lent)
        stack.callback(left, device)  # one that went has left its page already
        page = JoinedPage(device, files, platform.script_sources, platform.imports, settings.timeout)
        yield JoinedSession(page_case, page, host, patience)


def _opened(page_case: PageCase, platform: "PagePlatform", stack: ExitStack, *, is_lent: bool) -> Opened:
    """Have the device that the run is for; else a browser of this machine, which may be lent."""
    settings = page_case.settings
    if settings.device is not None:
        device = stack.enter_context(_alone(borrowed(settings.device), page_case))
        return device, UnknownHost(), Patience(settings.device_patience)
    quota = stack.enter_context(quota_of(page_case)) if page_case.case.slowdown > 1 else None
    kind, timeout = Kind(platform.browser, settings.program(platform.browser)), settings.timeout
    joined = LENDER.lend(kind, timeout) if is_lent else joined_here(kind.engine, kind.named, timeout=timeout)
    device, browser = stack.enter_context(joined)
    return device, LocalHost(browser, quota, browser.compiling), Patience(RETURNING, browser.fault, CRASHED)


@contextmanager
def _alone(device: AnyDevice, page_case: PageCase) -> Iterator[AnyDevice]:
    """Have the one page of a device while the context lasts."""
    if device in IN_USE:
        raise page_case.unavailable(
            "two of its pages would be compared, and a device has one; measure it in a browser here"
        )
    IN_USE.add(device)
    try:
        yield device
    finally:
        IN_USE.remove(device)
