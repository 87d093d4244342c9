"""A device that joined: what it says of itself, the page that it has open, and the calls into that page.

A Device is asked from any thread, and from other processes too (:mod:`browser_harness.joined.control`): all that goes
in and out is plain data. Its page lies in a frame of the page that the person sees.
"""

import asyncio
import itertools
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from browser_harness.channel import FetchedFile, PageError
from browser_harness.contents import Contents
from browser_harness.encoding import Content
from browser_harness.joined.answers import checked
from browser_harness.joined.channel import HiddenError, LeftError
from browser_harness.joined.loop import LoopThread

if TYPE_CHECKING:
    from aiohttp.web import WebSocketResponse

GRACE = 15.0  # seconds in which a connection that was lost may come back before the page is given up
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
        self._is_visible = True
        self._changed = asyncio.Event()  # it came, went, hid or showed itself
        self._shown: dict[str, Any] = {}
        self.has_come = False
        self.on_change: Callable[[], None] = lambda: None  # called in the loop's thread when it came, went, hid …

    # What other threads and processes ask

    def about(self) -> dict[str, Any]:
        """Return what it says of itself, which is a claim, and how it is connected, which was seen."""
        return self._about

    def is_here(self) -> bool:
        """Whether its page is connected now."""
        return self._socket is not None

    def is_visible(self) -> bool:
        """Whether its page was to be seen when it told that last."""
        return self._is_visible

    def load(
        self, files: Mapping[str, Content], script_sources: Sequence[str], imports: Mapping[str, str], timeout: float
    ) -> None:
        """Serve *files* to it, and have it open a new page with nothing in it, in place of an earlier one."""
        self.table = Table(Contents(files, imports), script_sources)  # encoded in the asking thread, the first time
        self._ask({"do": "load"}, "loading the page", timeout)

    def call(self, function: str, argument: Mapping[str, Any], timeout: float) -> Any:
        """Call a function of its page's ``harness``; what it answers is checked as a stranger's.

        Raises LeftError where it went away, HiddenError where its page was hidden meanwhile, PageError of other faults.
        """
        answer = self._ask({"do": "call", "function": function, "argument": argument}, function, timeout)
        return checked(function, answer, argument)

    def close(self, timeout: float) -> None:
        """Have it drop the page that it has."""
        self._ask({"do": "close"}, "leaving the page", timeout)
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
        """Wait until it is here and its page is to be seen; return whether it is."""
        return self._thread.ask(self._waited(seconds))

    def show(self, told: Mapping[str, Any]) -> None:
        """Have the person see *told* (see shell.mjs); kept for when the page comes back."""
        self._shown = dict(told)
        self._thread.ask(self._show())

    # What the server hands on, in the loop's thread

    async def joined(self, socket: "WebSocketResponse") -> None:
        """Have it back, or for the first time."""
        if self._socket is not None:
            await self._socket.close(code=4000, message=b"opened in another tab")
        self._lose(LeftError("the page was opened again"))
        self._socket, self.has_come = socket, True
        self._change()
        await self._show()

    async def end(self) -> None:
        """Send it home."""
        if self._socket is not None:
            await self._socket.close(code=1001, message=b"the run has ended")

    def left(self, socket: "WebSocketResponse") -> None:
        """Note that a connection has ended."""
        if socket is self._socket:
            self._socket = None
            self._lose(LeftError("the device left"))
            self._change()

    def receive(self, message: Mapping[str, Any]) -> None:
        """Take a message of its page, whose shape was checked."""
        if "visible" in message:
            self._is_visible = bool(message["visible"])
            self._change()
        elif "noted" in message:
            self._notes = [*self._notes, str(message["noted"])][-MOST_NOTES:]
        elif (waiting := self._waiting.pop(message.get("id", 0), None)) and not waiting.done():
            waiting.set_result(dict(message))

    def _lose(self, error: Exception) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(error)
        self._waiting.clear()

    def _change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
        self.on_change()

    async def _waited(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                while not (self._socket is not None and self._is_visible):
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def _show(self) -> None:
        if self._socket is not None and self._shown:
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

    def _ask(self, message: Mapping[str, Any], what: str, timeout: float) -> Any:
        try:
            told = self._thread.ask(self._asked(message), timeout)
        except TimeoutError:
            words = f"no answer within {timeout:g} s; where it is only slow, raise --inference-timeout"
            raise self._fault(f"{what}: {words}") from None
        except (ConnectionError, RuntimeError) as error:  # aiohttp's, of a connection that is closing
            raise LeftError(f"{what}: the device left ({error})") from error
        if "error" in told:
            fault = self._fault(f"{what}: {told['error']}")
            fault.add_note(str(told.get("stack", "")))
            raise fault
        if self._notes:
            raise self._fault("behind the calls")
        if told.get("hidden"):
            raise HiddenError(f"{what}: the page was hidden meanwhile")
        return told.get("answer")

    def _fault(self, words: str) -> PageError:
        noted, self._notes = self._notes, []
        return PageError("; ".join([words, *(note for note in noted if note not in words)]))

    def _has_table(self) -> Table:
        if self.table is None:
            raise PageError("the device has no page open")
        return self.table
