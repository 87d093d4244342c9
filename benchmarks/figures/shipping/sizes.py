"""How many bytes files have: as they are, and as they travel."""

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import brotli

GZIP, BROTLI = 9, 11  # the highest levels, as for what is compressed once and sent for years


@dataclass(frozen=True)
class Sizes:
    """Bytes of one file or several."""

    decoded: int
    gzip: int
    brotli: int  # the wire bytes, where the browser takes brotli

    def __add__(self, other: "Sizes") -> "Sizes":
        return Sizes(self.decoded + other.decoded, self.gzip + other.gzip, self.brotli + other.brotli)

    def saving_over(self, other: "Sizes") -> float:
        """Return which share of another's wire bytes is saved."""
        return 1 - self.brotli / other.brotli


def total(sizes: Iterable[Sizes]) -> Sizes:
    """Return the sum."""
    return sum(sizes, Sizes(0, 0, 0))


@cache
def of(file: Path) -> Sizes:
    """Compress a file: two seconds for each MB, by brotli. What does not become smaller travels as it is."""
    content = file.read_bytes()
    zipped, brotlied = len(gzip.compress(content, GZIP)), len(brotli.compress(content, quality=BROTLI))
    return Sizes(len(content), min(zipped, len(content)), min(brotlied, len(content)))


def in_json(files: Mapping[str, Sizes]) -> dict[str, object]:
    """Return the sizes of each file by its name, and their sum."""
    return {"files": {name: asdict(sizes) for name, sizes in files.items()}, "sum": asdict(total(files.values()))}
