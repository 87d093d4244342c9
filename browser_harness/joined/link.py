"""The link as a person takes it from a terminal to a phone: as text, and as a QR code where a camera could read it."""

import io
import os
import shutil
from collections.abc import Iterator, Mapping
from typing import TextIO

import segno

BORDER = 2  # modules around it: four are the standard's, and fewer are read
# White on black, by number, so that a camera reads it from a light screen as from a dark one.
COLOURS, PLAIN = "\x1b[38;5;231;48;5;16m", "\x1b[0m"


def lines(url: str, stream: TextIO, environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """Yield what to print of a link."""
    yield f"  {url}"
    code = [*qr(url)]
    if _is_shown(code, stream, environment):
        yield ""
        yield from (f"  {COLOURS}{row}{PLAIN}" for row in code)


def qr(url: str) -> Iterator[str]:
    """Yield the rows of a QR code: two modules in a letter, one above the other, the light ones drawn."""
    drawn = io.StringIO()
    segno.make(url, error="l", micro=False).terminal(drawn, border=BORDER, compact=True)
    yield from drawn.getvalue().splitlines()


def _is_shown(code: list[str], stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether it would be seen as it is: in its own colours, whole, and in its own letters."""
    if not stream.isatty() or environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return False
    if shutil.get_terminal_size().columns < max(map(len, code)) + 2:
        return False
    try:
        "\u2580\u2584\u2588".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
