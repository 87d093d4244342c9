"""A kit's files: parcels, each a compressed archive cut into pieces, and ``kit.json`` with all their SHA-256.

Standard library only: the machine that unpacks has nothing else yet.
"""

import hashlib
import itertools
import json
import lzma
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any

INDEX = "kit.json"


class KitError(Exception):
    """A kit cannot be made or used; the message says what is wrong and what to do."""


@dataclass(frozen=True)
class Piece:
    """A file that travels."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Parcel:
    """An archive in pieces, with what it is for."""

    name: str
    words: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Kit:
    """What a folder of pieces holds; *there* are the packages that the other machine has to have already."""

    python: str  # the version that the packages were chosen for, such as 3.12
    commit: str  # of the suite that packed it
    parcels: tuple[Parcel, ...]
    there: tuple[str, ...]

    def write(self, folder: Path) -> None:
        """Write the index."""
        (folder / INDEX).write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Kit":
        """Read the index of *folder*; raise KitError where there is none."""
        try:
            content: dict[str, Any] = json.loads((folder / INDEX).read_text())
        except (OSError, ValueError) as error:
            raise KitError(f"{folder / INDEX} cannot be read ({error}); name a folder that gpu-kit wrote") from error
        parcels = tuple(
            Parcel(parcel["name"], parcel["words"], tuple(Piece(**piece) for piece in parcel["pieces"]))
            for parcel in content["parcels"]
        )
        return cls(content["python"], content["commit"], parcels, tuple(content["there"]))


def sha256(path: Path) -> str:
    """Return a file's hash."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(name: str, words: str, content: Path, folder: Path, piece_bytes: int) -> Parcel:
    """Pack the files under *content* into pieces of at most *piece_bytes* in *folder*; needs tar and xz."""
    archive = folder / f"{name}.tar.xz"
    subprocess.run(["tar", "-C", content, "-cf", archive, "--use-compress-program=xz -T0", "."], check=True)
    pieces = tuple(_cut(archive, piece_bytes))
    archive.unlink()
    return Parcel(name, words, pieces)


def _cut(archive: Path, piece_bytes: int) -> Iterator[Piece]:
    with archive.open("rb") as whole:
        for number in itertools.count():
            if not (content := whole.read(piece_bytes)):
                return
            piece = archive.with_name(f"{archive.name}.{number:02}")
            piece.write_bytes(content)
            yield Piece(piece.name, len(content), hashlib.sha256(content).hexdigest())


def missing(parcel: Parcel, folders: Sequence[Path]) -> list[str]:
    """Return the names of the pieces that are in none of *folders*."""
    return [piece.name for piece in parcel.pieces if _find(piece, folders) is None]


def read(parcel: Parcel, folders: Sequence[Path], target: Path) -> None:
    """Unpack a parcel whose pieces lie in *folders* into *target*, whole or not at all.

    Raises KitError where a piece is missing or is not what was packed.
    """
    if absent := missing(parcel, folders):
        raise KitError(f"{parcel.name}: {', '.join(absent)} did not arrive; copy what is missing and run this again")
    target.mkdir(parents=True, exist_ok=True)
    joined = BufferedReader(_Joined(parcel, folders))
    with lzma.open(joined) as archive, tarfile.open(fileobj=archive, mode="r|") as tar:
        tar.extractall(target, filter="tar")


def _find(piece: Piece, folders: Sequence[Path]) -> Path | None:
    return next((folder / piece.name for folder in folders if (folder / piece.name).is_file()), None)


class _Joined(RawIOBase):
    """The pieces of a parcel as one file, each checked before any of it is read."""

    def __init__(self, parcel: Parcel, folders: Sequence[Path]) -> None:
        paths = [(piece, _find(piece, folders)) for piece in parcel.pieces]
        for piece, path in paths:
            assert path is not None, "ask for missing() first"
            if (found := sha256(path)) != piece.sha256:
                words = f"{path}: SHA-256 {found}, packed was {piece.sha256}"
                raise KitError(f"{words}; copy it again")
        self._files = [path.open("rb") for _piece, path in paths if path]

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read from the first piece that is not at its end."""
        while self._files:
            if count := self._files[0].readinto(buffer):
                return count
            self._files.pop(0).close()
        return 0
