"""A device that joined: what it says of itself, the page that it has open, and the calls into that page.

A Device is asked from any thread, and from other processes too (:mod:`browser_harness.joined.control`): all that goes
in and out is plain data. Its page lies in a frame of the page that the person sees.
"""

import asyncio
import itertools
import json
import secrets
import time
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from browser_harness.channel import FetchedFile, PageError
from browser_harness.contents import Contents
from browser_harness.encoding import Content
from browser_harness.joined.answers import CHECKS, Call, checked
from browser_harness.joined.channel import AwayError, HiddenError, LeftError
from browser_harness.joined.limits import Rate
from browser_harness.joined.loop import EndedError, LoopThread
from browser_harness.joined.presence import Presence
from browser_harness.joined.untrusted import BreachError, tamed

if TYPE_CHECKING:
    from aiohttp.web import WebSocketResponse

# Why a connection is ended, as its page is told: it does not come back by itself then.
ANOTHER_TAB, RUN_ENDED, SENT_HOME = 4000, 4001, 4002
LONGEST_REASON = 120  # bytes (RFC 6455, 5.5.1, allows 123)
MOST_NOTES = 20  # faults behind the calls that are kept until the next call tells them
UNASKED = (100, 5.0)  # messages at once and a second that nobody has asked for
TAKING = 10.0  # seconds in which a device takes a message


@dataclass
class Awaited:
    """Bytes that are to come, once: what comes when nobody waits any more is kept nowhere."""

    length: int
    content: bytes | None = None
    is_begun: bool = False


@dataclass
class Table:
    """What lies on the server for one device, and what it is awaited to send."""

    contents: Contents
    script_sources: Sequence[str] = ()
    fetched: dict[str, FetchedFile] = field(default_factory=dict)
    confirmed: set[str] = field(default_factory=set)  # the paths of what it had already
    awaited: dict[str, Awaited] = field(default_factory=dict)  # by path

    def begun(self, path: str) -> Awaited | None:
        """Return what is awaited at a path, to the first who sends it."""
        awaited = self.awaited.get(path)
        if awaited is None or awaited.is_begun:
            return None
        awaited.is_begun = True
        return awaited

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
        self._loaded_by: WebSocketResponse | None = None  # the connection of the page that was loaded
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._notes: list[str] = []
        self._shown: dict[str, Any] = {}
        self._is_shown = True
        self._cut = 0  # calls that did not count
        self._tasks: set[asyncio.Task[Any]] = set()
        self._unasked = Rate(*UNASKED)
        self.presence, self.has_come = Presence(), False
        self.dismissed: str | None = None  # why it was sent home

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
        socket = self._socket
        self._ask({"do": "load"}, "loading the page", timeout)
        self._loaded_by = socket

    def call(self, function: str, argument: Mapping[str, Any], timeout: float) -> Any:
        """Call a function of its page's ``harness``; what it answers is checked as a stranger's.

        Raises LeftError where it went away, HiddenError where its page was hidden meanwhile, BreachError where that is
        no answer, and it is sent home, PageError of other faults.
        """
        if function not in CHECKS:
            raise PageError(f"{function}: nobody knows what a device may answer; tell it in answers.py")
        asked = time.monotonic()
        answer = self._ask({"do": "call", "function": function, "argument": argument}, function, timeout)
        try:
            return checked(Call(function, argument, time.monotonic() - asked), answer)
        except BreachError as breach:
            self._thread.ask(self.dismiss(str(breach)))
            raise self._sent_home() from breach

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

    def loaded(self) -> list[str]:
        """Return the paths of all that its page asked for since then, and has: what was sent, and what it had."""
        table = self._has_table()
        return sorted({*table.fetched, *table.confirmed})

    def await_bytes(self, path: str, length: int) -> None:
        """Take *length* bytes at *path* from now on, once."""
        self._has_table().awaited[path] = Awaited(length)

    def take_bytes(self, path: str) -> bytes | None:
        """Return what was sent to *path*, and take nothing there any more; None where nothing came."""
        awaited = self._has_table().awaited.pop(path, None)
        return awaited.content if awaited else None

    def wait(self, seconds: float) -> bool:
        """Wait until it is here and its page is to be seen, for so long since it last was; return whether it is."""
        with suppress(ConnectionError):  # the server has ended, and nobody comes back
            return self._thread.ask(self.presence.wait(seconds))
        return False

    def show(self, told: Mapping[str, Any]) -> None:
        """Have the person see *told* (see shell.mjs): between calls, and again when the page comes back."""
        self._shown, self._is_shown = dict(told), False
        with suppress(ConnectionError):
            self._thread.ask(self._show())

    def release(self) -> None:
        """Give up what is asked, and serve nothing: who asked has ended."""
        self.table = None
        with suppress(EndedError):
            self._thread.ask(self._released())

    async def _released(self) -> None:
        self._lose(PageError("who asked has ended"))

    # What the server hands on, in the loop's thread

    async def joined(self, socket: "WebSocketResponse") -> None:
        """Have it back, or for the first time; another tab of it gives way to the one that was opened last."""
        before, self._socket, self.has_come = self._socket, socket, True
        if before is not None:
            self._later(before.close(code=ANOTHER_TAB, message=b"opened in another tab"))
            self._lose(LeftError("the page was opened again"))
            self.presence.went()
        self.presence.came()
        self._is_shown = False
        await self._show()

    async def end(self) -> None:
        """Let it know that the run has ended."""
        self._lose(PageError("the run has ended"))
        await self._close(RUN_ENDED, "the run has ended")

    async def dismiss(self, words: str) -> None:
        """Send it home, for good: it keeps to no protocol."""
        self.dismissed = self.dismissed or tamed(words)
        self._lose(self._sent_home())
        await self._close(SENT_HOME, self.dismissed)

    def note(self, words: str) -> None:
        """Keep a fault behind the calls, to be told by the next: in words that are ours, or were tamed."""
        self._notes = [*self._notes, words][-MOST_NOTES:]

    async def _close(self, code: int, words: str) -> None:
        if self._socket is not None:
            reason = words.encode()[:LONGEST_REASON].decode(errors="ignore").encode()
            with suppress(TimeoutError, ConnectionError, RuntimeError):  # it reads nothing, or has gone
                async with asyncio.timeout(TAKING):
                    await self._socket.close(code=code, message=reason)

    def _sent_home(self) -> BreachError:
        return BreachError(f"the device keeps to no protocol and was sent home: {self.dismissed}")

    def left(self, socket: "WebSocketResponse") -> None:
        """Note that a connection has ended."""
        if socket is self._socket:
            self._socket = None
            self._lose(LeftError("the device left"))
            self.presence.went()

    def receive(self, message: Mapping[str, Any]) -> None:
        """Take a message of its page, whose shape was checked; raises BreachError where there are too many."""
        if "visible" in message:
            self.presence.told(is_visible=bool(message["visible"]))
            self._later(self._answer_look())
        elif "noted" in message:
            self.note(message["noted"])
        elif (waiting := self._waiting.pop(message["id"], None)) and not waiting.done():
            waiting.set_result(dict(message))
            return
        self.count()

    def count(self) -> None:
        """Count what nobody has asked for; raises BreachError where that is too much."""
        if not self._unasked.allows():
            raise BreachError("too many messages that nobody asked for")

    async def _answer_look(self) -> None:
        """Say a word, for its page is looking whether anybody is there."""
        with suppress(ConnectionError, RuntimeError, PageError):  # it has gone again
            await self._send({"do": "nothing"})

    def _later(self, doing: Coroutine[Any, Any, Any]) -> None:
        """Have something done that nobody waits for: a connection may be dead."""
        task = asyncio.ensure_future(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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
        with suppress(ConnectionError, RuntimeError, PageError):  # it is leaving, and is told when it comes back
            await self._send({"do": "show", "told": self._shown})

    async def _send(self, message: Mapping[str, Any]) -> None:
        if self.dismissed:
            raise self._sent_home()
        if self._socket is None:
            raise LeftError("the device left")
        try:
            async with asyncio.timeout(TAKING):
                await self._socket.send_str(json.dumps(message))
        except TimeoutError:
            raise LeftError("the device takes no message") from None

    async def _asked(self, message: Mapping[str, Any]) -> dict[str, Any]:
        if message["do"] == "call" and self._is_another_page():
            raise LeftError("the device left, and is back with another page")
        number = next(self._numbers)
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            await self._send({**message, "id": number})
            return dict(await waiting)
        finally:
            self._waiting.pop(number, None)
            await self._show()

    def _is_another_page(self) -> bool:
        """Whether it left and came back since a page was loaded, without a call that would have told."""
        return None not in (self._loaded_by, self._socket) and self._socket is not self._loaded_by

    def _ask(self, message: Mapping[str, Any], what: str, timeout: float) -> Any:
        """Return what its page answers; raises what :meth:`call` raises."""
        try:
            if self.presence.state in ("coming", "paused"):
                raise HiddenError(f"{what}: the page is hidden")
            interruptions = self.presence.interruptions
            told = self._told(message, what, timeout)
            # What it said of its page while it was asked counts, whatever its answer says.
            was_hidden = self.presence.interruptions != interruptions
            return self._answer({**told, "hidden": told.get("hidden") or was_hidden}, what)
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
