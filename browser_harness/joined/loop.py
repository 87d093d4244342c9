"""An event loop in a thread of its own, which blocking code asks."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from types import TracebackType
from typing import Any, Self, TypeVar

Answer = TypeVar("Answer")


class EndedError(ConnectionError):
    """The loop has ended: nobody is asked any more."""


class LoopThread:
    """Runs coroutines for as long as the context lasts; any thread but its own may ask it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="joined", daemon=True)
        self._lock, self._has_ended = threading.Lock(), False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._has_ended = True
        # What was asked before comes before: all of it is given up, or who waits for it would wait for ever.
        asyncio.run_coroutine_threadsafe(_cancel_others(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def ask(self, coroutine: Coroutine[Any, Any, Answer], timeout: float | None = None) -> Answer:
        """Return what *coroutine* answers; raises TimeoutError after so many seconds, and it is given up then.

        Raises EndedError where the loop has ended, or does meanwhile.
        """
        future = self._begun(coroutine)
        try:
            return future.result(timeout)
        except CancelledError:
            raise EndedError("the run has ended") from None
        except BaseException:
            future.cancel()
            raise

    def _begun(self, coroutine: Coroutine[Any, Any, Answer]) -> "Future[Answer]":
        with self._lock:
            if not self._has_ended and threading.current_thread() is not self._thread:
                return asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        coroutine.close()
        if self._has_ended:
            raise EndedError("the run has ended")
        raise RuntimeError("the loop's own thread would wait for itself")


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
