"""One page at a time in a fresh browser, whose requests nobody watches.

A driver such as Playwright has DevTools' ``Network`` domain on from the start to the end, and a browser that tells of
every request takes some milliseconds longer for each (``tox run -e watched``). Where a page's requests are timed, it is
driven from here: of the page's domains nothing is on but ``Runtime``, and ``Page`` while it loads.
"""

import asyncio
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from browser_harness import system
from browser_harness.browser_page import CLOSING, EMPTY, BrowserPage, started
from browser_harness.chromium import FLAGS, Browser
from browser_harness.devtools import CLOSED, CRASHED, Answer, DevTools, Piped, start
from browser_harness.faults import SaidError, apart, explained
from browser_harness.processes import reap

# What Playwright starts a browser with, as far as a page can tell: both kinds of pages are to be as fast.
ALIKE = (
    "--allow-pre-commit-input",
    "--disable-back-forward-cache",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-breakpad",
    "--disable-component-extensions-with-background-pages",
    "--disable-features=AvoidCorsURLLoaderRestartOnRedirect,AvoidUnnecessaryBeforeUnloadCheckSync,"
    "DestroyProfileOnBrowserClose,HttpsFirstBalancedModeAutoEnable,HttpsUpgrades,MediaRouter,"
    "NetworkTimeServiceQuerying,OptimizationHints,PaintHolding,PreconnectToSearch,ThirdPartyStoragePartitioning",
    "--disable-field-trial-config",
    "--disable-hang-monitor",
    "--disable-ipc-flooding-protection",
    "--disable-popup-blocking",
    "--disable-renderer-backgrounding",
    "--disable-stack-profiler",
    "--enable-unsafe-swiftshader",
    "--force-color-profile=srgb",
    "--headless",
    "--hide-scrollbars",
    "--metrics-recording-only",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-service-autorun",
    "--password-store=basic",
    "--use-mock-keychain",
    "--window-size=1280,720",
)


class UnwatchedPage(BrowserPage):
    """A page that is driven through DevTools without its ``Network`` domain.

    Requests cannot be seen so. What the page's policy does not let it ask it tells itself; where it goes is seen.
    """

    def __init__(self, browser: Browser, timeout: float, flags: Sequence[str] = ()) -> None:
        super().__init__(browser, timeout, flags)
        self._process: Piped | None = None
        self._devtools = DevTools(self._hear)
        self._target, self._session = "", ""  # of the page that there is
        self._loader = ""  # of what it has loaded
        self._loads: asyncio.Queue[str] = asyncio.Queue()  # the loaders that have finished
        self._closing: dict[str, asyncio.Future[None]] = {}  # targets, and who waits until they are gone

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            super().__exit__(kind, error, trace)
        finally:
            if self._process:
                reap(self._process.pid)  # it was killed, at the latest

    def watch(self) -> None:
        """Have the page's requests watched, as by other drivers: only to show what that costs."""
        self._wait(self._ask("Network.enable"), "watching the network")

    async def _start(self) -> None:
        log = self._scratch.path / "browser.log"
        command = [
            *(str(self._choice.path), *ALIKE, *FLAGS, *(["--no-sandbox"] if system.is_root() else []), *self._flags),
            *(f"--user-data-dir={self._profile}", "--remote-debugging-pipe", EMPTY),
        ]
        environment = {**os.environ, **self._choice.environment, **self._scratch.variables}
        try:
            self._process = start(command, environment, log)
        except OSError as error:
            raise SaidError(f"{self._choice.path}: {error.strerror}") from error
        await self._devtools.connect(self._process)
        try:
            await self._devtools.send("Target.setDiscoverTargets", discover=True)
        except SaidError as error:
            said = log.read_text(errors="replace")
            raise SaidError(explained(str(error), said.splitlines(), said)) from error

    async def _replace_page(self, url: str) -> None:
        send = self._devtools.send
        targets = (await send("Target.getTargets"))["targetInfos"]
        before = [target["targetId"] for target in targets if target["type"] == "page"]
        self._target = (await send("Target.createTarget", url=EMPTY))["targetId"]
        self._session = (await send("Target.attachToTarget", targetId=self._target, flatten=True))["sessionId"]
        self._has_broken.clear()
        await self._ask("Runtime.enable")
        await asyncio.gather(self._navigate(url), *map(self._close_target, before))

    async def _close_target(self, target: str) -> None:
        gone = self._closing[target] = asyncio.get_running_loop().create_future()
        await self._devtools.send("Target.closeTarget", targetId=target)
        await gone

    async def _navigate(self, url: str) -> None:
        await self._watch_loading()
        answer = await self._ask("Page.navigate", url=url)
        if words := answer.get("errorText"):
            raise SaidError(f"{words} at {url}")
        await self._until_loaded(lambda loader: loader == answer["loaderId"])

    async def _load_again(self) -> None:
        await self._watch_loading()
        await self._ask("Page.reload")
        await self._until_loaded(lambda loader: loader != self._loader)

    async def _watch_loading(self) -> None:
        await self._ask("Page.enable")
        await self._ask("Page.setLifecycleEventsEnabled", enabled=True)

    async def _until_loaded(self, is_it: Callable[[str], bool]) -> None:
        while not is_it(loader := await self._loads.get()):
            pass
        self._loader = loader
        await self._ask("Page.disable")

    async def _call(self, function: str, argument: Mapping[str, Any]) -> Any:
        return await self._evaluate(f"harness.{function}({json.dumps({**argument})})")

    async def _evaluate(self, expression: str) -> Any:
        """Return what an expression comes to in the page, under the page's own policy."""
        how = {"awaitPromise": True, "returnByValue": True, "allowUnsafeEvalBlockedByCSP": False}
        answer = await self._ask("Runtime.evaluate", expression=expression, **how)
        if details := answer.get("exceptionDetails"):
            raise SaidError(*apart(_message(details)))
        return answer["result"].get("value")

    async def _process_info(self) -> list[dict[str, Any]]:
        info: list[dict[str, Any]] = (await self._devtools.send("SystemInfo.getProcessInfo"))["processInfo"]
        return info

    async def _ask(self, method: str, **parameters: Any) -> Answer:
        """Ask the page that there is."""
        assert self._session, "call load() first"
        return await self._devtools.send(method, self._session, **parameters)

    async def _close(self) -> None:
        await self._devtools.close(CLOSING)

    def _hear(self, session: str, event: str, told: Answer) -> None:
        """Take what the browser tells unasked, of the page that there is and of all that it has."""
        if event == "Target.targetDestroyed" and (gone := self._closing.pop(told["targetId"], None)):
            gone.set_result(None)
        elif told.get("targetId") == self._target:
            self._hear_of_end(event)
        elif event == "Target.targetInfoChanged" and told["targetInfo"]["targetId"] == self._target:
            self._note_request(told["targetInfo"]["url"])
        elif session == self._session:
            self._hear_from_page(event, told)

    def _hear_of_end(self, event: str) -> None:
        if event == "Target.targetCrashed":
            self._note_crash()
            self._devtools.give_up(CRASHED, self._session)
        elif event == "Target.targetDestroyed":
            self._devtools.give_up(CLOSED, self._session)

    def _hear_from_page(self, event: str, told: Answer) -> None:
        if event == "Runtime.exceptionThrown":
            self._note_error(_message(told["exceptionDetails"]))
        elif event == "Page.lifecycleEvent" and told["name"] == "load":
            self._loads.put_nowait(told["loaderId"])


def _message(details: Answer) -> str:
    """Return what was thrown in a page, with its stack where it has one."""
    thrown = details.get("exception", {})
    return str(thrown.get("description") or thrown.get("value") or details["text"])


def open_unwatched(
    browser: Browser, timeout: float, flags: Sequence[str] = ()
) -> AbstractContextManager[UnwatchedPage]:
    """Start a fresh *browser* for as long as the context lasts; closing tells what no call has told."""
    return started(UnwatchedPage(browser, timeout, flags))
