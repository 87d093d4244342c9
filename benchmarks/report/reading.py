"""The files that a report is made of: each read once, whatever it holds, and what is not shown with its reason."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.decide import Check, UnreadError, check_in
from benchmarks.report.content import FleetFile, Refused
from benchmarks.results import NotARunError, Run, load_any
from benchmarks.results.fleet import NotAFleetError, holds_one
from benchmarks.results.fleet import load as load_fleet
from benchmarks.results.sound import sound
from models.files import at_home

MANY = 50  # files, from which on their reading is told


@dataclass
class Read:
    """What was read, and what was not."""

    runs: list[Run] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)  # in files of decide's
    fleets: list[FleetFile] = field(default_factory=list)
    copies: list[Refused] = field(default_factory=list)  # of runs that are shown: nothing is lost


def read(names: Sequence[Path], tell: Callable[[str], None] = lambda _: None) -> Read:
    """Read files, and all of folders; *tell* is called with a line of progress where they are many.

    The same run is read once, be it named twice or lie there as a copy.
    """
    found = Read()
    files = [*_files(names, found.refused)]
    seen: dict[str, Path] = {}
    for number, file in enumerate(files, 1):
        _take(file, seen, found)
        if number % MANY == 0:
            tell(f"{number} of {len(files)} files are read")
    return found


def _files(names: Iterable[Path], refused: list[Refused]) -> Iterator[Path]:
    """Yield the files of *names* and of the folders among them, each once; refuse what is not there."""
    seen = set[Path]()
    for name in map(at_home, names):
        is_folder = os.path.isdir(name)
        inside = sorted(name.rglob("*.json")) if is_folder else [name] if os.path.lexists(name) else []
        if not inside:
            why = "a folder without any .json file" if is_folder else "there is no such file"
            refused.append(Refused(str(name), why))
        for file in inside:
            if (real := file.resolve()) not in seen:
                seen.add(real)
                yield file


def _take(file: Path, seen: dict[str, Path], found: Read) -> None:
    """Read a file; refuse it, or what is no result in it."""
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest() if os.path.isfile(file) else str(file)
        if (first := seen.setdefault(digest, file)) is not file:
            found.copies.append(Refused(str(file), f"the same run as {first}, which is shown"))
            return
        run, left_out = sound(load_any(file))
    except NotARunError as error:
        if not (_take_check(file, found) or _take_fleet(file, found)):
            found.refused.append(Refused(str(file), error.why))
    except OSError as error:
        found.refused.append(Refused(str(file), f"cannot be read: {error.strerror}"))
    else:
        found.runs.append(run)
        found.refused += [Refused(f"{file}: {one.name}", one.why) for one in left_out]


def _take_check(file: Path, found: Read) -> bool:
    """Whether a file is decide's; read the check in it, or refuse it."""
    try:
        check = check_in(file)
    except UnreadError as error:
        found.refused.append(Refused(str(file), str(error)))
        return True
    found.checks += [check] if check else []
    return check is not None


def _take_fleet(file: Path, found: Read) -> bool:
    """Whether a file is a fleet's; read it, or refuse it."""
    if not holds_one(file):
        return False
    try:
        found.fleets.append(FleetFile(file, load_fleet(file)))
    except NotAFleetError as error:
        found.refused.append(Refused(str(file), str(error)))
    return True
