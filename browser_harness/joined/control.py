"""The way from another process of this machine to a device: a run measures it, while the process that let it in serves.

A socket of the system, in a folder that only this user may enter, and a key that is handed on by the environment.
"""

import secrets
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any, cast

from browser_harness.channel import PageError
from browser_harness.joined.channel import VARIABLE, AnyDevice

METHODS = frozenset(name for name in vars(AnyDevice) if not name.startswith("_"))


@contextmanager
def lent(device: AnyDevice) -> Iterator[dict[str, str]]:
    """Let a process that has the yielded variable ask *device* while the context lasts, and one after it."""
    key = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="device-") as folder, _listener(folder, key) as listener:
        threading.Thread(target=_serve, args=[listener, device], daemon=True).start()
        yield {VARIABLE: f"{key}@{listener.address}"}


def _listener(folder: str, key: str) -> Listener:
    on_windows = sys.platform == "win32"
    address = rf"\\.\pipe\device-{secrets.token_hex(8)}" if on_windows else str(Path(folder) / "socket")
    return Listener(address, authkey=key.encode())


def _serve(listener: Listener, device: AnyDevice) -> None:
    """Answer one process after the other, until the listener is closed."""
    while True:
        try:
            connection = listener.accept()
        except (OSError, EOFError):  # closed; or refused for its key, which nobody else has
            return
        with connection, suppress(EOFError, OSError):  # it has ended
            while True:
                connection.send(_answer(device, *connection.recv()))


def _answer(device: AnyDevice, name: str, arguments: tuple[Any, ...]) -> tuple[Any, Exception | None]:
    try:
        return getattr(device, name)(*arguments), None
    except Exception as error:
        return None, error


class _Borrowed:
    """A device of another process: its methods ask there."""

    def __init__(self, connection: "Connection[Any, Any]") -> None:
        self._connection, self._lock = connection, threading.Lock()

    def __getattr__(self, name: str) -> Any:
        if name not in METHODS:
            raise AttributeError(name)
        return lambda *arguments: self._asked(name, arguments)

    def _asked(self, name: str, arguments: tuple[Any, ...]) -> Any:
        with self._lock:
            answer, error = self._answer((name, arguments))
        if error is not None:
            raise error
        return answer

    def _answer(self, question: tuple[str, tuple[Any, ...]]) -> tuple[Any, Exception | None]:
        """Ask, and wait; where a Ctrl-C breaks into that, nobody asks any more: the answer is still to come."""
        if self._connection.closed:
            raise PageError("the device is asked no more")
        try:
            self._connection.send(question)
            answer: tuple[Any, Exception | None] = self._connection.recv()
        except (EOFError, OSError) as error:
            self._connection.close()
            raise PageError(f"the process that lent the device has ended ({type(error).__name__})") from error
        except BaseException:
            self._connection.close()
            raise
        return answer


_BORROWED: dict[str, AnyDevice] = {}


def borrowed(told: str) -> AnyDevice:
    """Return the device that is lent by the words of the environment's variable; connected once a process."""
    if told not in _BORROWED:
        key, _, address = told.partition("@")
        _BORROWED[told] = cast("AnyDevice", _Borrowed(Client(address, authkey=key.encode())))
    return _BORROWED[told]
