"""Pages of devices that join by a link, and of this machine's Firefox and WebKit, which are opened the same way.

Nobody drives such a browser: it is asked by the channel that its page has opened.
"""

import atexit
import queue
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from benchmarks.platforms.claims import borrowed
from benchmarks.platforms.joined_session import JoinedSession, Patience
from benchmarks.platforms.page_runtime import JoinedCase, PageCase
from benchmarks.platforms.threads import refuse_threads
from benchmarks.protocol import Case, Feeds, Opening
from benchmarks.settings import Settings
from browser_harness import cgroup
from browser_harness.channel import PageError
from browser_harness.host import Host, LocalHost, UnknownHost
from browser_harness.joined import AnyDevice, JoinedPage
from browser_harness.joined.browsers import Engine, Started, find, missing, started

if TYPE_CHECKING:
    from benchmarks.platforms.page import PagePlatform

JOINING = 30.0  # seconds in which a browser that is started here has joined
RETURNING = 10.0  # seconds in which such a one may come back: nobody carries it out of reach


class JoinedPages:
    """Pages of the device that a run is for, else of a browser that is started here and joins."""

    def unavailable(self, platform: "PagePlatform", settings: Settings) -> str | None:
        """Say that there is no such browser, or that the device has another."""
        if settings.device is None:
            return missing(platform.browser, _named(platform, settings))
        engine = borrowed(settings.device).about()["engine"]
        return None if engine == platform.browser else f"the device's browser is {engine}"

    def versions(self, platform: "PagePlatform", settings: Settings) -> dict[str, str]:
        """Return the browser's version; what a device says of its own stands with the device."""
        if settings.device is not None:
            return {}
        return {platform.browser: find(platform.browser, _named(platform, settings)).version}

    @contextmanager
    def open(self, platform: "PagePlatform", case: Case, settings: Settings) -> Iterator[JoinedSession]:
        """Open a case in a page of a browser of its own, or of the device."""
        with ExitStack() as stack, self._session(platform, case, settings, stack, is_lent=False) as session:
            session.open()
            yield session

    @contextmanager
    def open_fresh(self, platform: "PagePlatform", case: Case, settings: Settings) -> Iterator[JoinedSession]:
        """Open a case in a new page of a browser that may have had others; one that is slowed has its own."""
        with (
            ExitStack() as stack,
            self._session(platform, case, settings, stack, is_lent=case.slowdown == 1) as session,
        ):
            session.open()
            yield session

    def openings(
        self, platform: "PagePlatform", case: Case, feeds: Feeds, settings: Settings, caches: str
    ) -> Iterator[Opening]:
        """Refuse: nobody here empties the caches of such a browser, or fills them."""
        words = "nobody can tell what the caches of a browser that joins hold; measure this on chromium-*"
        raise PageCase(platform, case, settings).unavailable(words)

    @contextmanager
    def _session(
        self, platform: "PagePlatform", case: Case, settings: Settings, stack: ExitStack, *, is_lent: bool
    ) -> Iterator[JoinedSession]:
        refuse_threads(platform, case)
        page_case = JoinedCase(platform, case, settings)
        files = page_case.files  # what cannot be served is told first
        with page_case.explained():
            device, host, patience = self._device(page_case, stack, is_lent=is_lent)
            made_of = files, platform.script_sources, platform.imports
            page = JoinedPage(device, *made_of, settings.timeout)
            stack.callback(_closed, page)
            yield JoinedSession(page_case, page, host, patience)

    def _device(self, page_case: PageCase, stack: ExitStack, *, is_lent: bool) -> tuple[AnyDevice, Host, Patience]:
        settings, runtime = page_case.settings, page_case.runtime
        if settings.device is not None:
            return borrowed(settings.device), UnknownHost(), Patience(settings.device_patience)
        engine = runtime.browser  # type: ignore[attr-defined]
        named = _named(runtime, settings)  # type: ignore[arg-type]
        if is_lent:
            device, browser = LENT.get(engine, named)
            return device, LocalHost(browser), Patience(RETURNING, browser.fault)
        quota = stack.enter_context(_quota(page_case)) if page_case.case.slowdown > 1 else None
        device, browser = stack.enter_context(joined_here(engine, named))
        return device, LocalHost(browser, quota), Patience(RETURNING, browser.fault)


JOINED = JoinedPages()


@contextmanager
def joined_here(engine: Engine, named: Any = None, flags: Sequence[str] = ()) -> Iterator[tuple[AnyDevice, Started]]:
    """Start a browser of this machine at a link of its own; it has joined when the context begins."""
    from browser_harness.joined.server import joining  # with aiohttp, which a server's process does not need

    came: queue.SimpleQueue[AnyDevice] = queue.SimpleQueue()
    with joining(on_join=came.put) as server, started(engine, server.url, named, flags) as browser:
        try:
            yield came.get(timeout=JOINING), browser
        except queue.Empty:
            raise PageError(browser.fault() or f"{engine} has not joined within {JOINING:g} s") from None


class _Lender:
    """Keeps a browser of each engine for the run: starting one takes longer than opening a page."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Engine, Any], tuple[AnyDevice, Started]] = {}
        self._stack = ExitStack()
        atexit.register(self._stack.close)

    def get(self, engine: Engine, named: Any) -> tuple[AnyDevice, Started]:
        """Return one that runs."""
        kept = self._kept.get((engine, named))
        if kept is None or kept[1].fault() or not kept[0].wait(0):
            kept = self._kept[engine, named] = self._stack.enter_context(joined_here(engine, named))
        return kept


LENT = _Lender()


def _closed(page: JoinedPage) -> None:
    """Leave the page; a device that went has left it already."""
    try:
        page.close()
    except PageError:
        return


def _named(platform: "PagePlatform", settings: Settings) -> Any:
    """Return the program that --browser-path names, which is Chromium's."""
    return settings.browser_path if platform.browser == "chromium" else None


def _quota(page_case: PageCase) -> cgroup.Quota:
    if reason := cgroup.unavailable():
        raise page_case.unavailable(reason)
    return cgroup.Quota(page_case.case.slowdown, page_case.case.threads)
