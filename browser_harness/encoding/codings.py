"""The codings of HTTP that browsers take, and how hard each tries.

Of programs and texts brotli's quality 10 makes within 5 % of what 11 does, its highest, in half the time. Of weights
either makes 1 to 5 % less than 9 does, at a fiftieth of the speed: what shrinks little is not tried hard on. What is
encoded anew in every answer is tried far less on (quality 4 or 5); that is not what is measured here.
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass

WINDOW = 24  # brotli's largest that browsers take: 16 MB, as its base 2 logarithm
LIKE_A_PROGRAM = 0.5  # what shrinks to this share or less is tried hard on
LARGE = 32 << 20  # bytes of a program from which on that would take longer than half a minute


@dataclass(frozen=True)
class Coding:
    """A content coding, by its name in HTTP."""

    name: str
    hard: int  # the level for programs
    quick: int  # the level for anything else, and to find out which it is
    encode: Callable[[bytes, int], bytes]  # of a content at a level
    decode: Callable[[bytes], bytes]

    def level(self, size: int, share: float) -> int:
        """Return the level for *size* bytes of content of which the quick one leaves a *share*."""
        return self.hard if share <= LIKE_A_PROGRAM and size <= LARGE else self.quick


def _brotli(content: bytes, quality: int) -> bytes:
    import brotli  # here: every process whose memory is measured imports this module, and few of them encode

    return brotli.compress(content, quality=quality, lgwin=WINDOW)  # type: ignore[no-any-return]


def _unbrotli(content: bytes) -> bytes:
    import brotli

    return brotli.decompress(content)  # type: ignore[no-any-return]


def _gzip(content: bytes, level: int) -> bytes:
    return gzip.compress(content, level, mtime=0)


# What is liked best first.
CODINGS = {
    coding.name: coding
    for coding in (
        Coding("br", 10, 9, _brotli, _unbrotli),
        Coding("gzip", 9, 6, _gzip, gzip.decompress),
    )
}
