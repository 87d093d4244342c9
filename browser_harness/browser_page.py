"""What every page in a browser of its own can do, whoever drives it; every fault of either becomes a PageError."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from browser_harness.channel import PageError
from browser_harness.chromium import Browser
from browser_harness.faults import CRASHED, UNCAUGHT, SaidError, apart, lacking
from browser_harness.processes import end
from browser_harness.scratch import Scratch

LEAST_CODE = 1024  # bytes of an entry of the code cache; a smaller one only remembers that a file was seen
GRACE = 2.0  # seconds that a page may still take to answer after an error that nobody caught in it
CLOSING = 10.0  # seconds that driver and browser may take to close, each
EMPTY = "about:blank"


class BrowserPage(ABC):
    """A page whose ``harness`` functions can be called; closing it ends the browser, hung or not.

    All that is asked of the browser is asynchronous, because it can then be given up on: an inference that hangs keeps
    the page's thread, and nothing in the page would ever end it. What is started, the calling thread starts.
    """

    def __init__(self, browser: Browser, timeout: float, flags: Sequence[str] = ()) -> None:
        self._choice, self._timeout, self._flags = browser, timeout, flags
        self._runner = asyncio.Runner()
        # What is started puts its profile, sockets and artefacts here; a browser that is killed leaves some behind.
        self._scratch = Scratch()
        self._profile = self._scratch.path / "profile"
        self._faults: list[str] = []
        self._has_told = False
        self._has_broken = asyncio.Event()  # an error that nobody caught
        self._origins: tuple[str, ...] = ()  # that the page may ask, each with a slash behind it

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
        self._wait(self._replace_page(f"{origin}/index.html"), "loading the page")

    def reload(self) -> None:
        """Load the page again in the process that it has, which keeps what was compiled there."""
        self._wait(self._load_again(), "loading the page again")

    def clear(self) -> None:
        """Leave an empty page in place of the one that there was."""
        self._wait(self._replace_page(EMPTY), "leaving the page")

    def call(self, function: str, argument: Mapping[str, Any]) -> Any:
        """Call one function of the page's ``harness`` and return its answer."""
        answer = self._wait(self._call(function, argument), function)
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
        by_kind: dict[str, list[int]] = {}
        for process in self._wait(self._process_info(), "looking at the browser's processes"):
            by_kind.setdefault(process["type"], []).append(process["id"])
        return by_kind

    def code_cache(self) -> dict[str, int]:
        """Return how many entries with compiled code the profile has, of scripts and of WebAssembly."""
        folder = self._profile / "Default" / "Code Cache"
        entries = {kind: (folder / kind).glob("*_[0-9]") for kind in ("js", "wasm")}
        return {kind: sum(_size(file) > LEAST_CODE for file in files) for kind, files in entries.items()}

    # What a driver does; what it says of a fault is a SaidError

    @abstractmethod
    async def _start(self) -> None:
        """Start the browser."""

    @abstractmethod
    async def _replace_page(self, url: str) -> None:
        """Open *url* in a new page; an earlier one is closed meanwhile, for without any the browser would end."""

    @abstractmethod
    async def _load_again(self) -> None:
        """Load the page again."""

    @abstractmethod
    async def _call(self, function: str, argument: Mapping[str, Any]) -> Any:
        """Call a function of the page's ``harness``."""

    @abstractmethod
    async def _process_info(self) -> list[dict[str, Any]]:
        """Return what DevTools says of the browser's processes: a type and an id each."""

    @abstractmethod
    async def _close(self) -> None:
        """Ask all that was started to end; what does not is killed afterwards."""

    # What all of them share

    def _wait(self, coroutine: Coroutine[Any, Any, Any], what: str) -> Any:
        try:
            return self._runner.run(self._answered(coroutine))
        except TimeoutError:
            words = f"no answer within {self._timeout:g} s; where it is only slow, raise --inference-timeout"
            raise self._fault(what, words) from None
        except SaidError as error:
            fault = self._fault(what, str(error))
            if error.stack:
                fault.add_note(error.stack)
            raise fault from error

    async def _answered(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Wait for an answer; where the page breaks meanwhile only a little longer, for it may never come."""
        call, broken = asyncio.ensure_future(coroutine), asyncio.ensure_future(self._has_broken.wait())
        try:
            async with asyncio.timeout(self._timeout):
                await asyncio.wait([call, broken], return_when=asyncio.FIRST_COMPLETED)
                await asyncio.wait([call], timeout=GRACE if broken.done() else None)
            if not call.done():
                raise SaidError("the page does not answer any more")
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

    def _note_error(self, message: str) -> None:
        self.note(f"{UNCAUGHT}{apart(message)[0]}")
        self._has_broken.set()

    def _note_crash(self) -> None:
        self.note(CRASHED)

    def _note_request(self, url: str) -> None:
        if not url.startswith((*self._origins, "data:", "blob:", "about:")):
            self.note(f"the page asked for {url}, outside its own server")


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # the browser has just replaced it
        return 0


AnyPage = TypeVar("AnyPage", bound=BrowserPage)


@contextmanager
def started(closed: AnyPage) -> Iterator[AnyPage]:
    """Start the browser of a page for as long as the context lasts; closing tells what no call has told."""
    with closed as page:
        page.start()
        yield page
        if not page.has_told:
            page.check()
