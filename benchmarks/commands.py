"""How the suite's commands end: as a shell's own do, when a person stops them or reads no further."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from models.names import shown

STOPPED = 130  # of a shell's command that a Ctrl-C ended
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
UNREAD = 141  # as a shell tells it of a program that nobody read to its end


def say(line: str) -> None:
    """Tell a person a line beside what the command prints; nothing in it can move the screen's cursor."""
    print(shown(line), file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def until_unread() -> Iterator[None]:
    """Write out what is printed; where nobody reads on, as behind ``| head``, end with UNREAD and without a word."""
    try:
        yield
        if sys.stdout is not None:  # of a process that was started without one
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(UNREAD)


@contextmanager
def stopped_once(ending: float) -> Iterator[None]:
    """Let a Ctrl-C or a signal to end stop it, and none so many seconds later: tox sends two, and it is to be saved."""
    asked = -ending

    def obey(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if time.monotonic() - asked >= ending:
            asked = time.monotonic()
            raise KeyboardInterrupt

    heard = (one for one in SIGNALS if signal.getsignal(one) is not signal.SIG_IGN)  # as SIGHUP is behind `nohup`
    before: dict[int, Any] = {one: signal.signal(one, obey) for one in heard}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
