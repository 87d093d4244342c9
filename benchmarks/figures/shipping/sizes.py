"""How many bytes files have: as they are, and as they travel."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from browser_harness import encoding
from browser_harness.channel import FetchedFile


@dataclass(frozen=True)
class Sizes:
    """Bytes of one file or several."""

    decoded: int
    gzip: int
    wire: int  # as they came: in brotli, where it is worth it

    def __add__(self, other: "Sizes") -> "Sizes":
        return Sizes(self.decoded + other.decoded, self.gzip + other.gzip, self.wire + other.wire)

    def saving_over(self, other: "Sizes") -> float:
        """Return which share of another's wire bytes is saved."""
        return 1 - self.wire / other.wire


def total(sizes: Iterable[Sizes]) -> Sizes:
    """Return the sum."""
    return sum(sizes, Sizes(0, 0, 0))


def of(file: Path, came: FetchedFile) -> Sizes:
    """Return the sizes of a file as it *came*; what gzip makes of it is in the store that it was sent from."""
    zipped = encoding.forms(file).get("gzip")
    return Sizes(came["decoded"], zipped.size if zipped else came["decoded"], came["wire"])


def in_json(files: Mapping[str, Sizes]) -> dict[str, object]:
    """Return the sizes of each file by its name, and their sum."""
    return {"files": {name: asdict(sizes) for name, sizes in files.items()}, "sum": asdict(total(files.values()))}
