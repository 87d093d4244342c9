"""The runs that a person names, as files or as folders of them: each read once, and why others hold none.

Report, comparison and exports read here, so that all three find the same runs and refuse the others in the same words.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.results.saved import REMEDY, NotARunError, OtherKindError, Run, load_any
from benchmarks.results.sound import sound
from models.files import at_home

MANY = 50  # files, from which on their reading is told


@dataclass(frozen=True)
class Refused:
    """A file, or a benchmark in one, that could not be read, and why."""

    file: str
    why: str


@dataclass
class Found:
    """What was read, and what was not."""

    runs: list[Run] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    copies: list[Refused] = field(default_factory=list)  # of other files: nothing is lost
    damaged: set[Path] = field(default_factory=set)  # the files of runs of which a result is none, and refused


def read_into(
    found: Found,
    names: Iterable[Path],
    takes: Callable[[Path], bool] = lambda _: False,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Read the files of *names*, and all of folders, into *found*; *tell* is called with a line where they are many.

    The same run is read once, be it named twice or lie there as a copy. *takes* says whether a file that is no run is
    something else, which it then has read.
    """
    files = [*_files(names, found.refused)]
    seen: dict[str, Path] = {}
    for number, file in enumerate(files, 1):
        _read(file, seen, found, takes)
        if number % MANY == 0:
            tell(f"{number} of {len(files)} files are read")


def read(names: Iterable[Path], tell: Callable[[str], None] = lambda _: None) -> Found:
    """Read the runs among *names*, as :func:`read_into` does."""
    found = Found()
    read_into(found, names, tell=tell)
    return found


def told(found: Found) -> Iterator[str]:
    """Yield a line for each that is refused, and for each copy."""
    yield from (f"refused  {one.file}: {one.why}" for one in found.refused)
    yield from (f"once     {one.file}: {one.why}" for one in found.copies)


def _files(names: Iterable[Path], refused: list[Refused]) -> Iterator[Path]:
    """Yield the files of *names* and of the folders among them, each once; refuse a folder without any."""
    seen = set[Path]()
    for name in map(at_home, names):
        for file in _inside(name, refused) if os.path.isdir(name) else [name]:
            if (real := file.resolve()) not in seen:
                seen.add(real)
                yield file


def _inside(folder: Path, refused: list[Refused]) -> Sequence[Path]:
    """Return the JSON files of a folder and of those in it; refuse what cannot be looked into."""
    shut = list[OSError]()
    found = [Path(at) / name for at, _, names in os.walk(folder, onerror=shut.append) for name in names]
    files = sorted(file for file in found if file.suffix == ".json")
    refused += [Refused(str(error.filename), f"cannot be read: {error.strerror}") for error in shut]
    if not files and not shut:
        refused.append(Refused(str(folder), f"a folder without any .json file; {REMEDY}"))
    return files


def _read(file: Path, seen: dict[str, Path], found: Found, takes: Callable[[Path], bool]) -> None:
    """Read a file; refuse it, or what is no result in it."""
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest() if os.path.isfile(file) else str(file)
        if (first := seen.setdefault(digest, file)) is not file:
            found.copies.append(Refused(str(file), f"the same as {first}"))
            return
        run, left_out = sound(load_any(file))
    except NotARunError as error:
        if not takes(file):
            found.refused.append(Refused(str(file), _why(error)))
    except OSError as error:
        found.refused.append(Refused(str(file), f"cannot be read: {error.strerror}"))
    else:
        found.runs.append(run)
        found.refused += [Refused(f"{file}: {one.name}", one.why) for one in left_out]
        found.damaged |= {file} if left_out else set()


def _why(error: NotARunError) -> str:
    """Return why a file holds no run, and what helps."""
    if isinstance(error.cause, FileNotFoundError):
        return "there is no such file"
    if isinstance(error.cause, OSError):
        return f"cannot be read: {error.cause.strerror}"
    return error.why if isinstance(error.cause, OtherKindError) else f"{error.why}; {REMEDY}"
