"""One page at a time in a fresh browser, driven through Playwright; every fault of either becomes a PageError."""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from browser_harness.channel import PageError
from browser_harness.chromium import FLAGS, Browser
from browser_harness.driver import DriverError, start_playwright
from browser_harness.processes import end
from browser_harness.scratch import Scratch

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, CDPSession, Playwright, Request
    from playwright.async_api import Page as PlaywrightPage

LEAST_CODE = 1024  # bytes of an entry of the code cache; a smaller one only remembers that a file was seen
GRACE = 2.0  # seconds that a page may still take to answer after an error that nobody caught in it
CLOSING = 10.0  # seconds that driver and browser may take to close, each
UNCAUGHT = "uncaught in the page: "
SPACE = 64_000_000  # bytes for a profile with its caches; with 4 MB no page loads, with 1 MB no browser starts
FILES = 256  # that a browser may have open at once; with 64 none starts
SANDBOX = (
    "the kernel keeps Chromium from building its sandbox for this user: install the distribution's own Chrome or "
    "Chromium; or allow user namespaces, on Ubuntu with `sysctl kernel.apparmor_restrict_unprivileged_userns=0`; or, "
    "in a container, run as root"
)


class Page:
    """A page whose ``harness`` functions can be called; closing it ends the browser, hung or not.

    The asynchronous interface of Playwright is used because a call into the page can then be given up on: an
    inference that hangs keeps the page's thread, and nothing in the page would ever end it.
    """

    def __init__(self, browser: Browser, timeout: float, flags: Sequence[str] = ()) -> None:
        self._choice, self._timeout, self._flags = browser, timeout, flags
        self._runner = asyncio.Runner()
        # Driver and browser put their profile, sockets and artefacts here; a browser that is killed leaves some behind.
        self._scratch = Scratch()
        self._profile = self._scratch.path / "profile"
        self._faults: list[str] = []
        self._has_told = False
        self._has_broken = asyncio.Event()  # an error that nobody caught
        self._origins: tuple[str, ...] = ()  # that the page may ask, each with a slash behind it
        self._playwright: Playwright | None = None
        self._context: BrowserContext | None = None
        self._client: CDPSession | None = None
        self._page: PlaywrightPage | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What the driver still had to say when it is closed, or died of the same Ctrl-C, is of no interest.
        self._runner.get_loop().set_exception_handler(lambda _loop, _context: None)
        with ExitStack() as last:
            last.callback(self._scratch.remove)
            last.callback(self._runner.close)
            # Found before they are asked to close: a driver that hangs ends neither the browser nor itself, and without
            # the driver nobody knows any more what it had started.
            last.callback(end, self._scratch.processes())
            self._runner.run(self._close())

    @property
    def has_told(self) -> bool:
        """Whether a PageError has told of a fault of this page; what comes after it are consequences."""
        return self._has_told

    def start(self) -> None:
        """Start the browser with an empty profile."""
        if words := lacking(self._scratch.path):
            raise self._fault("starting the browser", words)
        self._wait(self._start(), "starting the browser")

    def load(self, origin: str, allowed_origins: Sequence[str] = ()) -> None:
        """Load *origin*/index.html in a new page, in place of an earlier one.

        It may ask that origin and *allowed_origins* only.
        """
        self._origins = tuple(f"{allowed}/" for allowed in (origin, *allowed_origins))
        self._wait(self._load(f"{origin}/index.html"), "loading the page")

    def reload(self) -> None:
        """Load the page again in the process that it has, which keeps what was compiled there."""
        assert self._page is not None, "call load() first"
        self._wait(self._page.reload(timeout=0), "loading the page again")

    def clear(self) -> None:
        """Leave an empty page in place of the one that there was."""
        self._wait(self._replace_page("about:blank"), "leaving the page")

    def call(self, function: str, argument: Mapping[str, Any]) -> Any:
        """Call one function of the page's ``harness`` and return its answer."""
        assert self._page is not None, "call load() first"
        answer = self._wait(self._page.evaluate(f"argument => harness.{function}(argument)", argument), function)
        self.check()
        return answer

    def check(self) -> None:
        """Raise PageError where anything went wrong behind the calls: an uncaught error, a foreign request."""
        if self._faults:
            raise self._fault("behind the calls")

    def note(self, words: str) -> None:
        """Note what went wrong behind the calls, in the page's server, say; the next call tells it."""
        self._faults.append(words)

    def processes(self) -> dict[str, list[int]]:
        """Ask the browser for its processes, by kind."""
        processes: dict[str, list[int]] = self._wait(self._ask_for_processes(), "looking at the browser's processes")
        return processes

    def code_cache(self) -> dict[str, int]:
        """Return how many entries with compiled code the profile has, of scripts and of WebAssembly."""
        folder = self._profile / "Default" / "Code Cache"
        entries = {kind: (folder / kind).glob("*_[0-9]") for kind in ("js", "wasm")}
        return {kind: sum(_size(file) > LEAST_CODE for file in files) for kind, files in entries.items()}

    def _wait(self, coroutine: Coroutine[Any, Any, Any], what: str) -> Any:
        from playwright.async_api import Error as PlaywrightError

        try:
            return self._runner.run(self._answered(coroutine))
        except TimeoutError:
            words = f"no answer within {self._timeout:g} s; where it is only slow, raise --inference-timeout"
            raise self._fault(what, words) from None
        except DriverError as error:
            raise self._fault(what, str(error)) from error
        except PlaywrightError as error:
            words, stack = apart(explained(error.message))
            fault = self._fault(what, words)
            if stack:
                fault.add_note(stack)
            raise fault from error

    async def _answered(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Wait for an answer; where the page breaks meanwhile only a little longer, for it may never come."""
        call, broken = asyncio.ensure_future(coroutine), asyncio.ensure_future(self._has_broken.wait())
        try:
            async with asyncio.timeout(self._timeout):
                await asyncio.wait([call, broken], return_when=asyncio.FIRST_COMPLETED)
                await asyncio.wait([call], timeout=GRACE if broken.done() else None)
            if not call.done():
                raise DriverError("the page does not answer any more")
            return call.result()
        finally:
            for task in (call, broken):
                task.cancel()
            await asyncio.gather(call, broken, return_exceptions=True)

    def _fault(self, what: str, words: str = "") -> PageError:
        """Make the one error that tells a fault; what is noted here is not told again when the page is closed."""
        noted, self._faults, self._has_told = self._faults, [], True
        # What a call raised can have been noted as uncaught, too.
        others = [note for note in dict.fromkeys(noted) if not words or note.removeprefix(UNCAUGHT) not in words]
        return PageError("; ".join([f"{what}: {words.strip()}" if words else what, *others]))

    async def _start(self) -> None:
        self._playwright = await start_playwright(self._scratch.variables)
        # A profile on the disk, as a person's browser has: the caches of a page without one are not the usual ones.
        self._context = await self._playwright.chromium.launch_persistent_context(
            self._profile,
            executable_path=self._choice.path,
            args=[*FLAGS, *self._flags],
            # Playwright adds --no-sandbox unless told otherwise. Only root needs it.
            chromium_sandbox=os.geteuid() != 0,
            env={**os.environ, **self._choice.environment, **self._scratch.variables},
            timeout=0,  # the caller's limit is the one that counts
        )
        assert self._context.browser is not None
        self._client = await self._context.browser.new_browser_cdp_session()

    async def _load(self, url: str) -> None:
        await self._replace_page(url)

    async def _replace_page(self, url: str) -> None:
        """Open *url* in a new page; an earlier one is closed meanwhile, for without any the browser would end."""
        assert self._context is not None, "call start() first"
        before = self._context.pages
        self._page = await self._context.new_page()
        self._has_broken.clear()
        self._page.on("pageerror", self._note_error)
        self._page.on("crash", lambda _page: self._faults.append("the page crashed, perhaps for want of memory"))
        self._page.on("request", self._note_request)
        await asyncio.gather(self._page.goto(url, timeout=0), *(old.close() for old in before))

    def _note_error(self, error: Exception) -> None:
        self._faults.append(f"{UNCAUGHT}{apart(str(error))[0]}")
        self._has_broken.set()

    def _note_request(self, request: "Request") -> None:
        if not request.url.startswith((*self._origins, "data:", "blob:", "about:")):
            self._faults.append(f"the page asked for {request.url}, outside its own server")

    async def _ask_for_processes(self) -> dict[str, list[int]]:
        assert self._client is not None, "call start() first"
        by_kind: dict[str, list[int]] = {}
        for process in (await self._client.send("SystemInfo.getProcessInfo"))["processInfo"]:
            by_kind.setdefault(process["type"], []).append(process["id"])
        return by_kind

    async def _close(self) -> None:
        # A browser that was killed must not keep the driver alive; one that hangs is not asked twice.
        for step in (self._context and self._context.close, self._playwright and self._playwright.stop):
            if step:
                closing = asyncio.ensure_future(step())
                await asyncio.wait([closing], timeout=CLOSING)
                if not closing.done():
                    return
                closing.exception()  # of no interest


def lacking(folder: Path) -> str | None:
    """Say what a browser needs and is not given here; without it, it hangs, or dies with a page of words."""
    if (free := shutil.disk_usage(folder).free) < SPACE:
        needed = f"and a browser needs {SPACE / 1e6:g} MB; free some, or name another folder with TMPDIR"
        return f"the folder for temporary files, {folder.parent}, has {free / 1e6:.1f} MB free, {needed}"
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)  # a browser raises its own limit as far as it may
        if most != resource.RLIM_INFINITY and most < FILES:
            return f"no more than {most} files may be open at once, and a browser needs {FILES}; raise `ulimit -n`"
    return None


def explained(message: str) -> str:
    """Return what Playwright says, without its log; of a browser that does not start, what that said last."""
    if "No usable sandbox" in message:
        return SANDBOX
    words, *log = re.split(r"\n(?:Browser logs|Call log):", message)
    return "; ".join([words.strip(), *re.findall(r"\[err\] (.*)", "".join(log[:1]))[-1:]])


def apart(message: str) -> tuple[str, str]:
    """Return what an error in the page says, in a line, and the stack that comes with it."""
    words, *stack = re.split(r"\n(?=\s+at )", message, maxsplit=1)
    words = " ".join(re.sub(r"^(?:Page\.evaluate: )?(?:Error: )?", "", words).split())
    if words.isdecimal():  # an exception of C++ is thrown as the address of where it lies
        words = f"an exception of the runtime's WebAssembly, which does not say what of ({words})"
    return words, "".join(stack)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # the browser has just replaced it
        return 0


@contextmanager
def open_browser(browser: Browser, timeout: float, flags: Sequence[str] = ()) -> Iterator[Page]:
    """Start a fresh *browser* for as long as the context lasts; closing tells what no call has told."""
    with Page(browser, timeout, flags) as page:
        page.start()
        yield page
        if not page.has_told:
            page.check()
