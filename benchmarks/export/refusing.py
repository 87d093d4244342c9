"""What is not exported: a run that is not whole, and for trackers whatever they could take for something else."""

from collections import Counter
from collections.abc import Iterable, Iterator

from benchmarks.results import Run
from benchmarks.results.reading import Found
from benchmarks.results.saved import Fault

WHOLE = "export a run that came to its end"


class ExportError(Exception):
    """Nothing is exported; the message says of what, why, and what helps."""


def whole(found: Found, is_for_tracker: bool, is_skipping: bool) -> tuple[list[Run], list[str]]:
    """Return the runs that are exported, and why each of the others is refused.

    Raises ExportError where one is, and *is_skipping* does not leave it out, and where none is left.
    """
    sound = [run for run in found.runs if run.file not in found.damaged]
    why = {run.file: next(_faults(run, is_for_tracker), "") for run in sound}
    refused = [f"{one.file}: {one.why}" for one in found.refused]
    refused += [f"{file}: {words}" for file, words in why.items() if words]
    runs = [run for run in sound if not why[run.file]]
    if refused and not is_skipping:
        others = f"; {len(refused) - 1} more refused" if len(refused) > 1 else ""
        others += "; --skip-refused leaves out what is" if runs else ""
        raise ExportError(f"{refused[0]}{others}")
    if not runs:
        raise ExportError("; ".join(refused))
    return runs, refused


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
