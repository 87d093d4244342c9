"""The suite's own server with a clock around its application, and a path that does nothing: for KServe's environment.

``PATH/nothing`` in place of ``PATH/infer`` takes a request whole and sends what was answered last, header by header and
piece by piece, after as long a time: all that differs is what KServe and the runtime would have done.

``/told`` answers with the milliseconds of each request since it was last asked: in the application, without the waits
for what is sent there and back, and of those in the inference; null where there was none.
"""

import importlib.util
import json
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from types import ModuleType
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

SERVER = Path(__file__).parents[1] / "remote" / "kserve_server.py"
PIECE = 1 << 20  # bytes that are read at once
NOTHING, TOLD = "/nothing", "/told"


class Clocked:
    """An ASGI application whose requests are timed."""

    def __init__(self, application: Application, model: bytes) -> None:
        self._application, self._model = application, memoryview(model)
        self._told: list[tuple[float, float | None]] = []
        self._last: list[Message] = []  # the messages of the last answer to an inference, and its milliseconds
        self._busy = 0.0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"] == TOLD:
            await self._tell(send)
        elif scope["type"] == "http" and scope["method"] == "POST":
            await self._timed(scope, Clock(receive, send))
        else:
            await self._application(scope, receive, send)

    async def _timed(self, scope: Message, clock: "Clock") -> None:
        if scope["path"].endswith(NOTHING):
            await self._replay(scope, clock.receive, clock.send)
        else:
            await self._application(scope, clock.receive, clock.send)
            self._last, self._busy = clock.messages, clock.milliseconds
        self._told.append((clock.milliseconds, clock.inference))

    async def _replay(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer as last time, after as long a time."""
        while (await receive()).get("more_body"):
            pass
        self._stay_busy()
        for message in self._last:
            await send(message)

    def _stay_busy(self) -> None:
        """Compute nothing for as long as the last inference's request took, and read the model's bytes meanwhile.

        How long a browser has to wait decides how long it takes to go on, for what sleeps longer sleeps deeper; and
        both sides go on more slowly where a network went through the processor's caches.
        """
        until, at = time.perf_counter() + self._busy / 1e3, 0
        while time.perf_counter() < until:
            bytearray(self._model[at : at + PIECE])
            at = (at + PIECE) % len(self._model)

    async def _tell(self, send: Send) -> None:
        told, self._told = self._told, []
        shared = [(b"access-control-allow-origin", b"*"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": shared})
        await send({"type": "http.response.body", "body": json.dumps(told).encode()})


class Clock:
    """One request's, which stands still while the application waits for what is sent, or sends."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._start, self._outside = time.perf_counter(), 0.0
        self.messages: list[Message] = []
        self.milliseconds = 0.0  # until the last piece of the answer was handed over

    async def receive(self) -> Message:
        """Wait for more of the request."""
        before = time.perf_counter()
        message = await self._receive()
        self._outside += time.perf_counter() - before
        return message

    async def send(self, message: Message) -> None:
        """Hand a piece of the answer over."""
        before = time.perf_counter()
        self.milliseconds = (before - self._start - self._outside) * 1e3
        self.messages.append(message)
        await self._send(message)
        self._outside += time.perf_counter() - before

    @property
    def inference(self) -> float | None:
        """The inference's milliseconds, by the answer's head."""
        for message in self.messages:
            for name, value in message.get("headers", ()):
                if name.lower() == b"server-timing" and (found := re.search(rb"infer;dur=([\d.]+)", value)):
                    return float(found[1])
        return None


def loaded(file: Path) -> ModuleType:
    """Return a program as a module."""
    found = importlib.util.spec_from_file_location("server", file)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def main() -> None:
    """Serve as the suite's own server does."""
    server: Any = loaded(SERVER)
    assembled, content = server.assembled, Path(server.ASKED["model"]).read_bytes()
    server.assembled = lambda model: Clocked(assembled(model), content)
    server.main()


if __name__ == "__main__":
    main()
