"""What is not exported: a run that is not whole, and for trackers whatever they could take for something else."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks.results import REMEDY, NotARunError, Row, Run, load_checked, rows_of
from benchmarks.results.saved import Fault

WHOLE = "export a run that came to its end"


class ExportError(Exception):
    """Nothing is exported; the message says of what, why, and what helps."""


def read(files: Sequence[Path], is_for_tracker: bool) -> list[Row]:
    """Return the rows of whole runs; raise ExportError for the first of all others, and for a tracker of plain ones."""
    return rows_of([_whole(file, is_for_tracker) for file in files])


def read_whole(files: Sequence[Path], is_for_tracker: bool) -> tuple[list[Row], list[str]]:
    """Return the rows of whole runs, and why each of the others is left out; raise ExportError where none is whole."""
    runs, refused = list[Run](), list[str]()
    for file in files:
        try:
            runs.append(_whole(file, is_for_tracker))
        except ExportError as error:
            refused.append(str(error))
    if not runs:
        raise ExportError("; ".join(refused))
    return rows_of(runs), refused


def _whole(file: Path, is_for_tracker: bool) -> Run:
    """Return a whole run; raise ExportError of any other."""
    try:
        run = load_checked(file)
    except NotARunError as error:
        raise ExportError(f"{error}; {REMEDY}") from error
    for why in _faults(run, is_for_tracker):
        raise ExportError(f"{file}: {why}")
    return run


def _faults(run: Run, is_for_tracker: bool) -> Iterator[str]:
    """Yield why a run is not exported. What pytest-benchmark saved alone has no exit status to tell of its end."""
    faults = run.faults if run.is_of_this_suite else [fault for fault in run.faults if fault is Fault.EMPTY]
    yield from (f"its run is not whole: {fault.value}; {WHOLE}" for fault in faults)
    if is_for_tracker and not run.is_of_this_suite:
        yield "pytest-benchmark saved it alone: nothing tells what was measured; give the tracker that file itself"


def check_once(names: Iterable[str]) -> None:
    """Raise ExportError where a tracker would take two figures for one and the same."""
    twice = [name for name, number in Counter(names).items() if number > 1]
    if twice:
        more = f" and {len(twice) - 1} more" if len(twice) > 1 else ""
        words = "a tracker would take one for the other; export one run of a machine at a time"
        raise ExportError(f"{twice[0]}{more}: there twice, and {words}")
