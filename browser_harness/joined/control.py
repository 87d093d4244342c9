"""The way from another process of this machine to a device: a run measures it, while the process that let it in serves.

A socket of the system, in a folder that only this user may enter, and a key that is handed on by the environment, which
only this user may read. One process at a time: when it ends, however it does, what it had begun is given up, and the
next is heard.
"""

import hmac
import secrets
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Client, Listener, wait
from pathlib import Path
from pickle import PickleError
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from browser_harness.channel import PageError
from browser_harness.joined.channel import VARIABLE, AnyDevice

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    if sys.platform == "win32":
        from multiprocessing.connection import PipeConnection

        Talk = Connection[Any, Any] | PipeConnection[Any, Any]
    else:
        Talk = Connection[Any, Any]

METHODS = frozenset(name for name in vars(AnyDevice) if not name.startswith("_"))
GREETING = 10.0  # seconds in which one who comes shows the key, and is let in
WELCOME = b"in"


@contextmanager
def lent(device: AnyDevice) -> Iterator[dict[str, str]]:
    """Let a process that has the yielded variable ask *device* while the context lasts, and one after it."""
    key = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="device-") as folder, _listener(folder) as listener:
        lending = _Lending(device, listener, key.encode())
        try:
            yield {VARIABLE: f"{key}@{listener.address}"}
        finally:
            lending.end()


def _listener(folder: str) -> Listener:
    on_windows = sys.platform == "win32"
    address = rf"\\.\pipe\device-{secrets.token_hex(8)}" if on_windows else str(Path(folder) / "socket")
    return Listener(address)


class _Lending:
    """Answers one process after the other, in a thread of its own, until it is ended."""

    def __init__(self, device: AnyDevice, listener: Listener, key: bytes) -> None:
        self._device, self._listener, self._key, self._greeting = device, listener, key, GREETING
        self._ended, self._end = Pipe(duplex=False)
        self._thread = threading.Thread(target=self._serve, name="lending", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Hear nobody any more."""
        self._end.close()  # which whoever waits for the other end sees
        with suppress(OSError):
            Client(self._listener.address).close()  # wakes who waits for one to come
        self._thread.join()
        self._ended.close()

    def _serve(self) -> None:
        while not self._ended.poll():
            with suppress(OSError, EOFError), self._listener.accept() as connection:  # or it went away
                if self._is_known(connection):
                    self._hear(connection)

    def _is_known(self, connection: "Talk") -> bool:
        """Let in one who has the key; nothing else of it is read before."""
        ready = wait([connection, self._ended], self._greeting)
        is_known = connection in ready and hmac.compare_digest(connection.recv_bytes(len(self._key)), self._key)
        if is_known:
            connection.send_bytes(WELCOME)
        return is_known

    def _hear(self, connection: "Talk") -> None:
        """Answer one process until it ends, or this does; what it waits for is answered beside.

        An answer that comes too late goes nowhere: the next connection may have the number of this one.
        """
        closing = threading.Lock()
        while self._ended not in wait([connection, self._ended]):
            try:
                question = connection.recv()
            except (EOFError, OSError):
                with closing:
                    connection.close()
                self._release()
                return
            asked = [connection, closing, *question]
            threading.Thread(target=self._answer, args=asked, name="lending", daemon=True).start()

    def _release(self) -> None:
        """Give up what the process that has ended asked for: the next is not to wait for it."""
        if isinstance(self._device, Releasable):
            self._device.release()

    def _answer(self, connection: "Talk", closing: threading.Lock, name: str, arguments: tuple[Any, ...]) -> None:
        answer = _asked(self._device, name, arguments)
        with closing, suppress(OSError):  # it has ended
            try:
                connection.send(answer)
            except (PickleError, TypeError, AttributeError) as error:  # or it would wait for ever
                connection.send((None, PageError(f"{name}: {error}")))


def _asked(device: AnyDevice, name: str, arguments: tuple[Any, ...]) -> tuple[Any, Exception | None]:
    try:
        if name not in METHODS:
            raise PageError(f"a device is not asked for {name}")
        return getattr(device, name)(*arguments), None
    except Exception as error:
        return None, error


@runtime_checkable
class Releasable(Protocol):
    """A device that can give up what it was asked for."""

    def release(self) -> None:
        """Have whoever waits for it wait no more, and serve nothing."""


class _Borrowed:
    """A device of another process: its methods ask there."""

    def __init__(self, address: str, key: str) -> None:
        self._way, self._lock = (address, key), threading.Lock()
        self._connection = _let_in(*self._way)
        self._claims: dict[str, Any] = self._asked("about", ())

    def about(self) -> dict[str, Any]:
        """Return what it says of itself, which is asked once: a run that is cut off can save what it measured."""
        return dict(self._claims)

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
        """Ask, and wait. Where a Ctrl-C breaks into that, its answer is still to come: who asks next comes anew."""
        try:
            if self._connection.closed:
                self._connection = _let_in(*self._way)
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
    """Return the device that is lent by the words of the environment's variable; connected once a process.

    Raises PageError where nobody lends it, or another process asks it.
    """
    if told not in _BORROWED:
        key, _, address = told.partition("@")
        try:
            _BORROWED[told] = cast("AnyDevice", _Borrowed(address, key))
        except (OSError, EOFError, ValueError) as error:
            words = f"no device is lent by ${VARIABLE} ({type(error).__name__}); leave that to what starts this"
            raise PageError(words) from error
    return _BORROWED[told]


def _let_in(address: str, key: str) -> "Talk":
    connection = Client(address)
    connection.send_bytes(key.encode())
    if not connection.poll(GREETING):
        connection.close()
        raise PageError(f"the device of ${VARIABLE} is asked by another process; wait until that has ended")
    connection.recv_bytes(len(WELCOME))
    return connection
