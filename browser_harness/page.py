"""One page at a time in a fresh browser, driven through Playwright."""

import asyncio
import os
import re
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from browser_harness import system
from browser_harness.browser_page import CLOSING, BrowserPage, started
from browser_harness.chromium import FLAGS, Browser
from browser_harness.driver import DriverError, start_playwright
from browser_harness.faults import SaidError, apart, explained

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, CDPSession, Playwright
    from playwright.async_api import Page as PlaywrightPage


class Page(BrowserPage):
    """A page that Playwright drives; it watches the network, which takes its time in every request of the page."""

    def __init__(self, browser: Browser, timeout: float, flags: Sequence[str] = ()) -> None:
        super().__init__(browser, timeout, flags)
        self._playwright: Playwright | None = None
        self._context: BrowserContext | None = None
        self._client: CDPSession | None = None
        self._page: PlaywrightPage | None = None

    async def _start(self) -> None:
        self._playwright = await start_playwright(self._scratch.variables)
        # A profile on the disk, as a person's browser has: the caches of a page without one are not the usual ones.
        self._context = await self._playwright.chromium.launch_persistent_context(
            self._profile,
            executable_path=self._choice.path,
            args=[*FLAGS, *self._flags],
            # Playwright adds --no-sandbox unless told otherwise. Only root needs it.
            chromium_sandbox=not system.is_root(),
            env={**os.environ, **self._choice.environment, **self._scratch.variables},
            timeout=0,  # the caller's limit is the one that counts
        )
        assert self._context.browser is not None
        self._client = await self._context.browser.new_browser_cdp_session()

    async def _replace_page(self, url: str) -> None:
        assert self._context is not None, "call start() first"
        before = self._context.pages
        self._page = await self._context.new_page()
        self._has_broken.clear()
        self._page.on("pageerror", lambda error: self._note_error(str(error)))
        self._page.on("crash", lambda _page: self._note_crash())
        self._page.on("request", lambda request: self._note_request(request.url))
        await asyncio.gather(self._page.goto(url, timeout=0), *(old.close() for old in before))

    async def _load_again(self) -> None:
        assert self._page is not None, "call load() first"
        await self._page.reload(timeout=0)

    async def _call(self, function: str, argument: Mapping[str, Any]) -> Any:
        assert self._page is not None, "call load() first"
        return await self._page.evaluate(f"argument => harness.{function}(argument)", argument)

    async def _process_info(self) -> list[dict[str, Any]]:
        assert self._client is not None, "call start() first"
        info: list[dict[str, Any]] = (await self._client.send("SystemInfo.getProcessInfo"))["processInfo"]
        return info

    async def _answered(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        from playwright.async_api import Error as PlaywrightError

        try:
            return await super()._answered(coroutine)
        except DriverError as error:
            raise SaidError(str(error)) from error
        except PlaywrightError as error:
            raise SaidError(*apart(without_log(error.message))) from error

    async def _close(self) -> None:
        # A browser that was killed must not keep the driver alive; one that hangs is not asked twice.
        for step in (self._context and self._context.close, self._playwright and self._playwright.stop):
            if step:
                closing = asyncio.ensure_future(step())
                await asyncio.wait([closing], timeout=CLOSING)
                if not closing.done():
                    return
                closing.exception()  # of no interest


def without_log(message: str) -> str:
    """Return what Playwright says, without its log; of a browser that does not start, what that said last."""
    words, *log = re.split(r"\n(?:Browser logs|Call log):", message)
    return explained(words, re.findall(r"\[err\] (.*)", "".join(log[:1])), message)


def open_browser(browser: Browser, timeout: float, flags: Sequence[str] = ()) -> AbstractContextManager[Page]:
    """Start a fresh *browser* for as long as the context lasts; closing tells what no call has told."""
    return started(Page(browser, timeout, flags))
