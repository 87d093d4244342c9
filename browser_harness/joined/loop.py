"""An event loop in a thread of its own, which blocking code asks."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self, TypeVar

Answer = TypeVar("Answer")


class LoopThread:
    """Runs coroutines for as long as the context lasts; any thread but its own may ask it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="joined", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def ask(self, coroutine: Coroutine[Any, Any, Answer], timeout: float | None = None) -> Answer:
        """Return what *coroutine* answers; raises TimeoutError after so many seconds, and it is given up then."""
        future: Future[Answer] = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        try:
            return future.result(timeout)
        except BaseException:
            future.cancel()
            raise
