"""A device that joined: what it says of itself, the page that it has open, and the calls into that page.

A Device is asked from any thread, and from other processes too (:mod:`browser_harness.joined.control`): all that goes
in and out is plain data. Its page lies in a frame of the page that the person sees.
"""

import asyncio
import itertools
import json
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from browser_harness.channel import FetchedFile, PageError
from browser_harness.contents import Contents
from browser_harness.encoding import Content
from browser_harness.joined.answers import checked
from browser_harness.joined.channel import AwayError, HiddenError, LeftError
from browser_harness.joined.loop import LoopThread
from browser_harness.joined.presence import Presence

if TYPE_CHECKING:
    from aiohttp.web import WebSocketResponse

# Why a connection is ended, as its page is told: it does not come back by itself then.
ANOTHER_TAB, RUN_ENDED = 4000, 4001
MOST_NOTES = 20  # faults behind the calls that are kept until the next call tells them


@dataclass
class Table:
    """What lies on the server for one device, and what it is awaited to send."""

    contents: Contents
    script_sources: Sequence[str] = ()
    fetched: dict[str, FetchedFile] = field(default_factory=dict)
    awaited: dict[str, int] = field(default_factory=dict)  # bytes by path
    taken: dict[str, bytes] = field(default_factory=dict)

    def note(self, path: str, sent: FetchedFile) -> None:
        """Add an answer's body."""
        before = self.fetched.get(path, {"wire": 0, "decoded": 0, "encoding": None, "level": None})
        wire, decoded = before["wire"] + sent["wire"], before["decoded"] + sent["decoded"]
        self.fetched[path] = {**sent, "wire": wire, "decoded": decoded}


class Device:
    """A browser that joined, by the number in which order it came."""

    def __init__(self, number: int, about: Mapping[str, Any], thread: LoopThread) -> None:
        self.number, self.secret = number, secrets.token_urlsafe(16)
        self.table: Table | None = None
        self._about, self._thread = dict(about), thread
        self._socket: WebSocketResponse | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._notes: list[str] = []
        self._shown: dict[str, Any] = {}
        self._is_shown = True
        self._cut = 0  # calls that did not count
        self._farewells: set[asyncio.Task[Any]] = set()
        self.presence, self.has_come = Presence(), False

    # What other threads and processes ask

    def about(self) -> dict[str, Any]:
        """Return what it says of itself, which is a claim, and how it is connected, which was seen."""
        return self._about

    def story(self) -> dict[str, Any]:
        """Return how often it was not here, for how long, and how many calls did not count for that."""
        return {**self.presence.story(), "calls_cut": self._cut}

    def load(
        self, files: Mapping[str, Content], script_sources: Sequence[str], imports: Mapping[str, str], timeout: float
    ) -> None:
        """Serve *files* to it, and have it open a new page with nothing in it, in place of an earlier one."""
        self.table = Table(Contents(files, imports), script_sources)  # encoded in the asking thread, the first time
        self._notes = []  # of the earlier page
        self._ask({"do": "load"}, "loading the page", timeout)

    def call(self, function: str, argument: Mapping[str, Any], timeout: float) -> Any:
        """Call a function of its page's ``harness``; what it answers is checked as a stranger's.

        Raises LeftError where it went away, HiddenError where its page was hidden meanwhile, PageError of other faults.
        """
        answer = self._ask({"do": "call", "function": function, "argument": argument}, function, timeout)
        return checked(function, answer, argument)

    def close(self, timeout: float) -> None:
        """Have it drop the page that it has."""
        self._told({"do": "close"}, "leaving the page", timeout)
        self.table = None

    def publish(self, path: str, content: bytes) -> None:
        """Let its page fetch *content* from *path*."""
        self._has_table().contents.publish(path, content)

    def fetched(self) -> Mapping[str, FetchedFile]:
        """Return what was sent to it since its page began to load, by path."""
        return dict(self._has_table().fetched)

    def await_bytes(self, path: str, length: int) -> None:
        """Take *length* bytes at *path* from now on, once."""
        self._has_table().awaited[path] = length

    def take_bytes(self, path: str) -> bytes | None:
        """Return what was sent to *path*, and take nothing there any more; None where nothing came."""
        table = self._has_table()
        table.awaited.pop(path, None)
        return table.taken.pop(path, None)

    def wait(self, seconds: float) -> bool:
        """Wait until it is here and its page is to be seen, for so long since it last was; return whether it is."""
        return self._thread.ask(self.presence.wait(seconds))

    def show(self, told: Mapping[str, Any]) -> None:
        """Have the person see *told* (see shell.mjs): between calls, and again when the page comes back."""
        self._shown, self._is_shown = dict(told), False
        self._thread.ask(self._show())

    # What the server hands on, in the loop's thread

    async def joined(self, socket: "WebSocketResponse") -> None:
        """Have it back, or for the first time; another tab of it gives way to the one that was opened last."""
        before, self._socket, self.has_come = self._socket, socket, True
        if before is not None:
            self._part(before, ANOTHER_TAB, b"opened in another tab")
            self._lose(LeftError("the page was opened again"))
            self.presence.went()
        self.presence.came()
        self._is_shown = False
        await self._show()

    async def end(self) -> None:
        """Send it home."""
        if self._socket is not None:
            await self._socket.close(code=RUN_ENDED, message=b"the run has ended")

    def left(self, socket: "WebSocketResponse") -> None:
        """Note that a connection has ended."""
        if socket is self._socket:
            self._socket = None
            self._lose(LeftError("the device left"))
            self.presence.went()

    def receive(self, message: Mapping[str, Any]) -> None:
        """Take a message of its page, whose shape was checked."""
        if "visible" in message:
            self.presence.told(is_visible=bool(message["visible"]))
        elif "noted" in message:
            self._notes = [*self._notes, str(message["noted"])][-MOST_NOTES:]
        elif (waiting := self._waiting.pop(message.get("id", 0), None)) and not waiting.done():
            waiting.set_result(dict(message))

    def _part(self, socket: "WebSocketResponse", code: int, words: bytes) -> None:
        """Close a connection that may be dead: nobody waits for its answer."""
        farewell = asyncio.ensure_future(socket.close(code=code, message=words))
        self._farewells.add(farewell)
        farewell.add_done_callback(self._farewells.discard)

    def _lose(self, error: Exception) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(error)
        self._waiting.clear()

    async def _show(self) -> None:
        """Send what is to be seen, unless it was: not while a call runs, which drawing would disturb."""
        if self._socket is None or self._is_shown or not self._shown or self._waiting:
            return
        self._is_shown = True
        with suppress(ConnectionError, RuntimeError):  # it is leaving, and is told when it comes back
            await self._send({"do": "show", "told": self._shown})

    async def _send(self, message: Mapping[str, Any]) -> None:
        if self._socket is None:
            raise LeftError("the device left")
        await self._socket.send_str(json.dumps(message))

    async def _asked(self, message: Mapping[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            await self._send({**message, "id": number})
            return dict(await waiting)
        finally:
            self._waiting.pop(number, None)
            await self._show()

    def _ask(self, message: Mapping[str, Any], what: str, timeout: float) -> Any:
        """Return what its page answers; raises what :meth:`call` raises."""
        try:
            if self.presence.state in ("coming", "paused"):
                raise HiddenError(f"{what}: the page is hidden")
            return self._answer(self._told(message, what, timeout), what)
        except AwayError:
            self._cut += 1
            raise

    def _told(self, message: Mapping[str, Any], what: str, timeout: float) -> Mapping[str, Any]:
        """Return the message that its page answers with."""
        interruptions = self.presence.interruptions
        try:
            return self._thread.ask(self._asked(message), timeout)
        except TimeoutError:
            if self.presence.interruptions != interruptions:  # it may be at it still, and its page be of no use
                raise LeftError(f"{what}: the page was hidden, and gave no answer within {timeout:g} s") from None
            words = f"no answer within {timeout:g} s; where it is only slow, raise --inference-timeout"
            raise self._fault(f"{what}: {words}") from None
        except LeftError as error:
            raise LeftError(f"{what}: {error}") from error
        except (ConnectionError, RuntimeError) as error:  # aiohttp's, of a connection that is closing
            raise LeftError(f"{what}: the device left ({error})") from error

    def _answer(self, told: Mapping[str, Any], what: str) -> Any:
        is_broken = "error" in told or bool(self._notes)
        if told.get("hidden"):
            words = f"{what}: the page was hidden meanwhile"
            raise LeftError(f"{words}, and broke ({told.get('error')})") if is_broken else HiddenError(words)
        if "error" in told:
            fault = self._fault(f"{what}: {told['error']}")
            fault.add_note(str(told.get("stack", "")))
            raise fault
        if self._notes:
            raise self._fault("behind the calls")
        return told.get("answer")

    def _fault(self, words: str) -> PageError:
        noted, self._notes = self._notes, []
        return PageError("; ".join([words, *(note for note in noted if note not in words)]))

    def _has_table(self) -> Table:
        if self.table is None:
            raise PageError("the device has no page open")
        return self.table
