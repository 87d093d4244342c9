"""A kit's files: parcels, each a compressed archive cut into pieces, and ``kit.json`` with all their SHA-256.

Standard library only: the machine that unpacks has nothing else yet.
"""

import hashlib
import itertools
import json
import lzma
import subprocess
import tarfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from io import BufferedReader, RawIOBase
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

INDEX = "kit.json"
UNFINISHED = "kit.part.json"  # the index while parcels are still packed
LEVEL = 1  # of xz: on two cores 350 MB of the whole in a minute; 6, its own, leaves 320 in four
BLOCK = 1 << 20
TELL = 5.0  # seconds between two lines of progress


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
    choice: str  # a digest of what was asked for: the same need not be packed again
    unpacked_bytes: int

    @property
    def bytes(self) -> int:
        """What travels."""
        return sum(piece.bytes for piece in self.pieces)


@dataclass(frozen=True)
class Kit:
    """What a folder of pieces holds."""

    python: str  # the version that the packages were chosen for, such as 3.12
    commit: str  # of the suite that packed it
    parcels: tuple[Parcel, ...]
    there: dict[str, str]  # the packages that the other machine has to have already, and in which versions

    def write(self, folder: Path, name: str = INDEX) -> None:
        """Write the index, whole or not at all."""
        partial = folder / f"{name}.part"
        partial.write_text(json.dumps(asdict(self), indent=1) + "\n")
        partial.replace(folder / name)

    @classmethod
    def read(cls, folder: Path, name: str = INDEX) -> "Kit":
        """Read the index of *folder*; raise KitError where there is none."""
        try:
            content: dict[str, Any] = json.loads((folder / name).read_text())
            parcels = tuple(
                Parcel(**parcel | {"pieces": tuple(Piece(**piece) for piece in parcel["pieces"])})
                for parcel in content["parcels"]
            )
            return cls(content["python"], content["commit"], parcels, dict(content["there"]))
        except OSError as error:
            raise KitError(f"{folder / name}: {error.strerror}; name the folder that gpu-kit wrote first") from error
        except (ValueError, KeyError, TypeError) as error:
            words = f"no index of this version of the suite ({type(error).__name__}: {error}); pack anew"
            raise KitError(f"{folder / name}: {words}") from error


def sha256(path: Path) -> str:
    """Return a file's hash."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def megabytes(count: int) -> str:
    """Return a size as people read it."""
    return f"{count / 1e6:,.1f} MB"


def write(  # noqa: PLR0913
    name: str, words: str, content: Path, folder: Path, piece_bytes: int, *, choice: str = "", level: int = LEVEL
) -> Parcel:
    """Pack the files under *content* into pieces of at most *piece_bytes* in *folder*, telling progress.

    Needs tar and xz. Raises KitError where they fail, as on a full disk.
    """
    for old in folder.glob(f"{name}.tar.xz.*"):
        old.unlink()
    size = sum(path.lstat().st_size for path in content.rglob("*") if path.is_symlink() or not path.is_dir())
    print(f"{name}: packing {megabytes(size)}", flush=True)
    command = ["tar", "-C", str(content), "-cf", "-", f"--use-compress-program=xz -T0 -{level}", "."]
    with TemporaryFile() as complaints, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints) as tar:
        assert tar.stdout is not None
        try:
            pieces = tuple(_cut(tar.stdout, name, folder, piece_bytes))
        except OSError as error:
            raise KitError(f"{folder}: {error.strerror}; make room for the kit and pack again") from error
        finally:
            tar.stdout.close()  # where the cutting failed, tar ends by itself
        if tar.wait() != 0:
            complaints.seek(0)
            last = complaints.read().decode(errors="replace").strip().splitlines()[-1:] or ["no words"]
            raise KitError(f"{name}: tar with xz ended with {tar.returncode}: {last[0]}")
    parcel = Parcel(name, words, pieces, choice, size)
    print(f"{name}: {megabytes(parcel.bytes)} in {len(pieces)} piece(s)", flush=True)
    return parcel


def _cut(archive: IO[bytes], name: str, folder: Path, piece_bytes: int) -> Iterator[Piece]:
    done, told = 0, time.monotonic()
    content = archive.read(min(BLOCK, piece_bytes))
    for number in itertools.count():
        if not content:
            return
        path, size, digest = folder / f"{name}.tar.xz.{number:02}", 0, hashlib.sha256()
        with path.open("wb") as piece:
            while content:
                piece.write(content)
                digest.update(content)
                size += len(content)
                if time.monotonic() - told > TELL:
                    print(f"{name}: {megabytes(done + size)} so far, in {path.name}", flush=True)
                    told = time.monotonic()
                if size == piece_bytes:
                    break
                content = archive.read(min(BLOCK, piece_bytes - size))
        done += size
        yield Piece(path.name, size, digest.hexdigest())
        content = archive.read(min(BLOCK, piece_bytes))


def faults(parcel: Parcel, folders: Sequence[Path]) -> list[str]:
    """Say of each piece that is not as it was packed in any of *folders* what is wrong with it."""
    return _look(parcel, folders)[1]


def read(parcel: Parcel, folders: Sequence[Path], target: Path) -> None:
    """Unpack a parcel whose pieces lie in *folders* into *target*.

    Raises KitError, before anything is unpacked, where a piece is missing or is not what was packed.
    """
    paths, wrong = _look(parcel, folders)
    if wrong:
        raise KitError("; ".join(wrong))
    target.mkdir(parents=True, exist_ok=True)
    joined = BufferedReader(_Joined(paths))
    with lzma.open(joined) as archive, tarfile.open(fileobj=archive, mode="r|") as tar:
        tar.extractall(target, filter="tar")


def _look(parcel: Parcel, folders: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Return the sound pieces, and what is wrong with the others."""
    sound, wrong = [], []
    for piece in parcel.pieces:
        there = [folder / piece.name for folder in folders if (folder / piece.name).is_file()]
        whole = [path for path in there if path.stat().st_size == piece.bytes]
        if good := next((path for path in whole if sha256(path) == piece.sha256), None):
            sound.append(good)
        elif whole:
            wrong.append(f"{whole[0]} was damaged, its SHA-256 is another; copy it again")
        elif there:
            size = there[0].stat().st_size
            wrong.append(f"{there[0]} has {size:,} of {piece.bytes:,} bytes; wait for the copy, or copy it again")
        else:
            wrong.append(f"{parcel.name}: {piece.name} did not arrive; copy it, and name its folder too")
    return sound, wrong


class _Joined(RawIOBase):
    """Files as one."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._files = [path.open("rb") for path in paths]

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read from the first file that is not at its end."""
        while self._files:
            if count := self._files[0].readinto(buffer):
                return count
            self._files.pop(0).close()
        return 0
