"""DevTools over two pipes: a browser is started with them, and asked through them; nothing of that is on a network.

A message is JSON, ended by a NUL. What is sent is in this process's hands alone: no domain is enabled behind its back.
"""

import asyncio
import errno
import itertools
import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from browser_harness.faults import SaidError

READS, WRITES = 3, 4  # the file descriptors that --remote-debugging-pipe is about
CLOSED = "Target page, context or browser has been closed"  # in Playwright's words, as the next
CRASHED = "Target crashed"
END = b"\0"

Answer = dict[str, Any]
OnEvent = Callable[[str, str, Answer], None]  # the session ("" for the browser itself), the event, what it tells


@dataclass(frozen=True)
class Piped:
    """A process that reads its file descriptor 3 and writes its 4."""

    pid: int
    answers: BinaryIO
    questions: BinaryIO


def start(command: list[str], environment: Mapping[str, str], log: Path) -> Piped:
    """Start a process that says the rest to *log*, in a session of its own, so that a Ctrl-C is not for it.

    The calling thread starts it, so that it has that thread's namespaces. Raises OSError where that is not possible.
    """
    if sys.platform == "win32":
        raise OSError(errno.ENOTSUP, "Windows hands a browser no two pipes; measure without a network")
    with ExitStack() as theirs, ExitStack() as ours:
        asked, questions = _pipe()
        answers, told = _pipe()
        for ends, (one, other) in ((theirs, (asked, told)), (ours, (answers, questions))):
            ends.callback(os.close, one)
            ends.callback(os.close, other)
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, str(log), os.O_WRONLY | os.O_CREAT, 0o600),
            (os.POSIX_SPAWN_DUP2, asked, READS),
            (os.POSIX_SPAWN_DUP2, told, WRITES),
        ]
        pid = os.posix_spawn(command[0], command, environment, file_actions=actions, setsid=True)
        ours.pop_all()
    return Piped(pid, open(answers, "rb", buffering=0), open(questions, "wb", buffering=0))


def _pipe() -> tuple[int, int]:
    """Return both ends of a pipe, none of which is where the process has them: it would be overwritten there."""
    if sys.platform == "win32":
        raise NotImplementedError
    import fcntl

    ends = os.pipe()
    try:
        reads, writes = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, WRITES + 1) for end in ends)
    finally:
        for end in ends:
            os.close(end)
    return reads, writes


class DevTools(asyncio.Protocol):
    """Asks a browser, and is told by it."""

    def __init__(self, on_event: OnEvent) -> None:
        self._on_event = on_event
        self._numbers = itertools.count(1)
        self._asked: dict[int, tuple[str, asyncio.Future[Answer]]] = {}  # by number: the session, and who waits
        self._partial = bytearray()
        self._questions: asyncio.WriteTransport | None = None
        self._answers: asyncio.ReadTransport | None = None
        self._has_ended = asyncio.Event()

    async def connect(self, process: Piped) -> None:
        """Talk to *process* from now on."""
        loop = asyncio.get_running_loop()
        self._questions, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, process.questions)
        self._answers, _ = await loop.connect_read_pipe(lambda: self, process.answers)

    async def send(self, method: str, session: str = "", **parameters: Any) -> Answer:
        """Ask the browser, or the page of a *session*; raises SaidError where it refuses, or is gone."""
        if self._questions is None or self._has_ended.is_set():
            raise SaidError(CLOSED)
        number = next(self._numbers)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[number] = session, answer
        message = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        self._questions.write(json.dumps(message).encode() + END)
        try:
            return await answer
        finally:
            self._asked.pop(number, None)

    def give_up(self, words: str, session: str | None = None) -> None:
        """Tell those who wait for a *session*, or for anything, that there will be no answer."""
        for of_session, answer in [*self._asked.values()]:
            if session in (None, of_session) and not answer.done():
                answer.set_exception(SaidError(words))

    async def close(self, seconds: float) -> None:
        """Ask the browser to end, and wait for that, *seconds* at most; then hang up."""
        if self._questions is None or self._answers is None:
            return
        closing = asyncio.ensure_future(self.send("Browser.close"))
        ended = asyncio.ensure_future(self._has_ended.wait())
        await asyncio.wait([ended], timeout=seconds)
        for task in (closing, ended):
            task.cancel()
        await asyncio.gather(closing, ended, return_exceptions=True)
        self._questions.close()
        self._answers.close()

    def data_received(self, data: bytes) -> None:
        """Take messages apart."""
        self._partial += data
        if END in data:
            *messages, self._partial = self._partial.split(END)
            for message in messages:
                self._receive(json.loads(message))

    def connection_lost(self, error: Exception | None) -> None:
        """Note that the browser is gone."""
        self._has_ended.set()
        self.give_up(CLOSED)

    def _receive(self, message: Answer) -> None:
        if "id" not in message:
            self._on_event(message.get("sessionId", ""), message["method"], message["params"])
            return
        _session, answer = self._asked.get(message["id"], ("", None))  # none: nobody waits any more
        if answer is None or answer.done():
            return
        if "error" in message:
            answer.set_exception(SaidError(message["error"]["message"]))
        else:
            answer.set_result(message["result"])
