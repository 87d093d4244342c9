"""One page in one fresh browser, driven through Playwright; every fault of either becomes a PageError."""

import asyncio
import contextlib
import os
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from playwright.async_api import Browser as PlaywrightBrowser
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page as PlaywrightPage
from playwright.async_api import Playwright, Request

from browser_harness.chromium import FLAGS, Browser
from browser_harness.driver import DriverError, start_playwright

SANDBOX = (
    "the kernel keeps Chromium from building its sandbox for this user: install the distribution's own Chrome or "
    "Chromium; or allow user namespaces, on Ubuntu with `sysctl kernel.apparmor_restrict_unprivileged_userns=0`; or, "
    "in a container, run as root"
)


class PageError(Exception):
    """The page, its browser or its runtime failed; the message carries their own words."""


class Page:
    """A page whose ``harness`` functions can be called; closing it ends the browser, hung or not.

    The asynchronous interface of Playwright is used because a call into the page can then be given up on: an
    inference that hangs keeps the page's thread, and nothing in the page would ever end it.
    """

    def __init__(self, browser: Browser, timeout: float) -> None:
        self._choice, self._timeout = browser, timeout
        self._runner = asyncio.Runner()
        # Driver and browser put their profile, sockets and artefacts here; a browser that is killed leaves some behind.
        self._scratch = TemporaryDirectory(prefix="harness-", ignore_cleanup_errors=True)
        self._faults: list[str] = []
        self._told = False
        self._origin = ""
        self._playwright: Playwright | None = None
        self._browser: PlaywrightBrowser | None = None
        self._page: PlaywrightPage | None = None
        self._renderers: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What the driver still had to say when it is closed, or died of the same Ctrl-C, is of no interest.
        self._runner.get_loop().set_exception_handler(lambda _loop, _context: None)
        try:
            self._runner.run(self._close())
        finally:
            self._runner.close()
            self._scratch.cleanup()

    @property
    def told(self) -> bool:
        """Whether a PageError has told of a fault of this page; what comes after it are consequences."""
        return self._told

    def load(self, origin: str) -> None:
        """Start the browser and load *origin*/index.html; the page may make requests to that origin only."""
        self._origin = origin
        self._wait(self._load(), "starting the browser and loading the page")

    def call(self, function: str, argument: dict[str, Any]) -> Any:
        """Call one function of the page's ``harness`` and return its answer."""
        assert self._page is not None, "call load() first"
        answer = self._wait(self._page.evaluate(f"argument => harness.{function}(argument)", argument), function)
        self.check()
        return answer

    def check(self) -> None:
        """Raise PageError where anything went wrong behind the calls: an uncaught error, a foreign request."""
        if self._faults:
            raise self._fault("behind the calls")

    def thread_seconds(self) -> dict[int, float]:
        """Return the processor seconds so far of each thread of the page's renderers; empty where they are not told."""
        return {thread: seconds for pid in self._renderers for thread, seconds in _thread_seconds(pid).items()}

    def _wait(self, coroutine: Coroutine[Any, Any, Any], what: str) -> Any:
        try:
            return self._runner.run(asyncio.wait_for(coroutine, self._timeout))
        except TimeoutError:
            words = f"no answer within {self._timeout:g} s; where it is only slow, raise --inference-timeout"
            raise self._fault(what, words) from None
        except DriverError as error:
            raise self._fault(what, str(error)) from error
        except PlaywrightError as error:
            raise self._fault(what, SANDBOX if "No usable sandbox" in error.message else error.message) from error

    def _fault(self, what: str, *words: str) -> PageError:
        """Make the one error that tells a fault; what is noted here is not told again when the page is closed."""
        noted, self._faults, self._told = self._faults, [], True
        return PageError("; ".join([f"{what}: {words[0].strip()}" if words else what, *noted]))

    async def _load(self) -> None:
        scratch = {"TMPDIR": self._scratch.name}
        self._playwright = await start_playwright(scratch)
        self._browser = await self._playwright.chromium.launch(
            executable_path=self._choice.path,
            args=list(FLAGS),
            # Playwright adds --no-sandbox unless told otherwise. Only root needs it.
            chromium_sandbox=os.geteuid() != 0,
            env={**os.environ, **self._choice.environment, **scratch},
            timeout=0,  # the caller's limit is the one that counts
        )
        self._page = await self._browser.new_page()
        self._page.on("pageerror", lambda error: self._faults.append(f"uncaught in the page: {error}"))
        self._page.on("crash", lambda _page: self._faults.append("the page crashed"))
        self._page.on("request", self._note_request)
        await self._page.goto(f"{self._origin}/index.html", timeout=0)
        self._renderers = await self._find_renderers()

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self._origin}/", "data:", "blob:")):
            self._faults.append(f"the page asked for {request.url}, outside its own server")

    async def _find_renderers(self) -> list[int]:
        assert self._browser is not None
        client = await self._browser.new_browser_cdp_session()
        processes = (await client.send("SystemInfo.getProcessInfo"))["processInfo"]
        return [process["id"] for process in processes if process["type"] == "renderer"]

    async def _close(self) -> None:
        # Each step on its own: a browser that was killed must not keep the driver alive.
        for step in (self._browser and self._browser.close, self._playwright and self._playwright.stop):
            if step:
                try:
                    await asyncio.wait_for(step(), 10)
                except (PlaywrightError, TimeoutError):
                    continue


def _thread_seconds(pid: int) -> dict[int, float]:
    """Return how long each thread of a process has run; Linux keeps it as the first number of schedstat, in ns."""
    seconds = {}
    for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):  # a thread may end between being listed and being read
            seconds[int(thread.parent.name)] = int(thread.read_text().split()[0]) / 1e9
    return seconds


@contextmanager
def open_page(browser: Browser, origin: str, timeout: float) -> Iterator[Page]:
    """Load *origin* in a fresh *browser* for as long as the context lasts; closing tells what no call has told."""
    with Page(browser, timeout) as page:
        page.load(origin)
        yield page
        if not page.told:
            page.check()
