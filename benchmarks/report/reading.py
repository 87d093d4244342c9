"""The files that a report is made of: runs, and what else the suite saved that it shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.decide import Check, UnreadError, check_in
from benchmarks.report.content import FleetFile
from benchmarks.results.fleet import NotAFleetError, holds_one
from benchmarks.results.fleet import load as load_fleet
from benchmarks.results.reading import Found, Refused, read_into


@dataclass
class Read(Found):
    """What was read, and what was not."""

    checks: list[Check] = field(default_factory=list)  # in files of decide's
    fleets: list[FleetFile] = field(default_factory=list)


def read(names: Sequence[Path], tell: Callable[[str], None] = lambda _: None) -> Read:
    """Read files, and all of folders; *tell* is called with a line of progress where they are many."""
    found = Read()
    read_into(found, names, lambda file: _take_check(file, found) or _take_fleet(file, found), tell)
    return found


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
