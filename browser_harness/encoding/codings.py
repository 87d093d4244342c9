"""The codings of HTTP that browsers take, and how hard each tries.

Brotli's quality 10 and not 11, its highest: of the 61 MB of the runtimes' files 11 makes 4 % less, and takes twice as
long. What is encoded anew in every answer is encoded by far less; that is not what is measured here.
"""

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import brotli

WINDOW = 24  # brotli's largest that browsers take: 16 MB, as its base 2 logarithm
QUICKLY = 32 << 20  # bytes from which on it would take longer than half a minute


@dataclass(frozen=True)
class Coding:
    """A content coding, by its name in HTTP."""

    name: str
    levels: Sequence[tuple[float, int]]  # up to how many bytes of content which level is used
    encode: Callable[[bytes, int], bytes]  # of a content at a level
    decode: Callable[[bytes], bytes]

    def level(self, size: int) -> int:
        """Return the level for a content of *size* bytes."""
        return next(level for most, level in self.levels if size <= most)


def _brotli(content: bytes, quality: int) -> bytes:
    return brotli.compress(content, quality=quality, lgwin=WINDOW)  # type: ignore[no-any-return]


def _gzip(content: bytes, level: int) -> bytes:
    return gzip.compress(content, level, mtime=0)


# What is liked best first.
CODINGS = {
    coding.name: coding
    for coding in (
        Coding("br", ((QUICKLY, 10), (float("inf"), 9)), _brotli, brotli.decompress),
        Coding("gzip", ((float("inf"), 9),), _gzip, gzip.decompress),
    )
}
