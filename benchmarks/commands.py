"""How the suite's commands end: as a shell's own do, when a person stops them or reads no further."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

STOPPED = 130  # of a shell's command that a Ctrl-C ended
UNREAD = 141  # as a shell tells it of a program that nobody read to its end


@contextmanager
def until_unread() -> Iterator[None]:
    """Write out what is printed; where nobody reads on, as behind ``| head``, end with UNREAD and without a word."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(UNREAD)
