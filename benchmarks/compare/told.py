"""What is told beside the tables: which run is which, what is missing, what differs, and what the marks mean."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from benchmarks.compare import cells
from benchmarks.compare.lines import Difference, Line
from benchmarks.compare.sides import Side
from benchmarks.results import Run, alike, devices, keys
from benchmarks.results.damage import shown as as_saved
from benchmarks.results.numbers import counted
from models.names import shown

LABEL = 10  # letters of the label at the beginning of a line
NAMED = 6  # benchmarks that are named of many
DIGEST = 12  # digits of a SHA-256
DEVICE = "a device that joined by a link, which says of itself what it likes"
Told = tuple[str, str]  # a label, and the words
Info = Mapping[str, Any]  # a run's machine_info


def wrapped(told: Told, width: int) -> list[str]:
    """Return what is told as lines of that width, with what a terminal would obey escaped."""
    label, words = told
    indent = " " * LABEL
    begin = f"{label:<{LABEL - 1}} "
    return textwrap.wrap(
        shown(words), max(width, 40), initial_indent=begin, subsequent_indent=indent, break_on_hyphens=False
    )


def runs(sides: Sequence[Side], reference: Side) -> Iterator[Told]:
    """Yield a line for each run; which one ratios are to; and where one is there twice."""
    for side in sides:
        faults = [fault.value for fault in side.run.faults] if side.run.is_of_this_suite else []
        alone = [] if side.run.is_of_this_suite else ["pytest-benchmark's alone"]
        is_base = ["ratios are to it"] if side is reference else []
        yield side.letter, "; ".join([side.words, *faults, *alone, *is_base])
    for one, other in combinations(sides, 2):
        if one.run.saved == other.run.saved and [*one.run.results] == [*other.run.results]:
            letters = f"{one.letter} and {other.letter}"
            yield "note", f"{letters} are one and the same run: nothing is told by their being alike"


def machines(sides: Sequence[Side], reference: Side) -> Iterator[Told]:
    """Yield how each machine, and what ran on it, is not the reference's: a line a kind."""
    base = reference.run
    for side in sides:
        if side is reference or not base.machine or not side.run.machine:
            continue
        pair = f"{reference.letter} | {side.letter}"
        if devices.is_device(base.machine) != devices.is_device(side.run.machine):
            kinds = (("a machine", DEVICE)[devices.is_device(run.machine)] for run in (base, side.run))
            yield "machine", f"{pair}: {' | '.join(kinds)}"
        elif facts := _facts_of(base.machine, side.run.machine):
            yield "machine", f"{pair}: {facts}"
        if facts := _facts_of(*(devices.served_by(run.machine) for run in (base, side.run))):
            yield "served by", f"{pair}: {facts}"
        if versions := _facts(_versions(base, side.run)):
            yield "versions", f"{pair}: {versions}"


def _facts_of(base: Info, other: Info) -> str:
    """Return in words what of two machines is told, and is not alike."""
    return _facts(alike.differences(alike.of_machine(base), alike.of_machine(other))) if base and other else ""


def unknown(sides: Sequence[Side]) -> Iterator[Told]:
    """Yield what the system of each run did not tell of some or all of its benchmarks."""
    for side in sides:
        words = dict.fromkeys(words for row in side.rows.values() for words in row.result.unknown.values())
        if words:
            yield "unknown", f"{side.letter}: {'; '.join(words)}"


def _versions(before: Run, now: Run) -> Iterator[Difference]:
    """Yield what ran in another version, the suite itself among it; not what one of the two has alone."""
    both = [name for name in before.versions if name in now.versions]
    yield from ((name, before.versions[name], now.versions[name]) for name in both)
    then, here = (run.machine.get("suite") for run in (before, now))
    if then and here:
        yield "the suite's own code", then, here


def _facts(found: Any) -> str:
    return ", ".join(f"{what} {_value(then)} | {_value(now)}" for what, then, now in found if then != now)


def _value(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(one, Mapping) and "name" in one for one in value):
        return ", ".join(str(one["name"]) for one in value)
    if isinstance(value, list) and not value:
        return "none"
    return value if isinstance(value, str) else as_saved(value)


def differences(lines: Sequence[Line], sides: Sequence[Side], reference: Side) -> Iterator[Told]:
    """Yield a line for each kind of difference between what two runs measured, with the number of benchmarks."""
    for side in sides:
        pair = f"{reference.letter} | {side.letter}"
        measured = (found for line in lines for found in line.differences.get(side.letter, ()))
        yield from ((cells.OTHER, f"{pair}: {words}") for words in _by_kind(measured))
        ways = (found for line in lines for found in line.ways.get(side.letter, ()))
        yield from (("way", f"{pair}: {words}") for words in _by_kind(ways))


def _by_kind(differences: Iterable[Difference]) -> Iterator[str]:
    by_kind: dict[str, list[Difference]] = {}
    for found in differences:
        by_kind.setdefault(found[0], []).append(found)
    for kind, all_of_it in by_kind.items():
        pairs = dict.fromkeys(f"{_short(kind, then)} | {_short(kind, now)}" for _, then, now in all_of_it)
        others = f" and {counted(len(pairs) - 1, 'other pair')}" if len(pairs) > 1 else ""
        yield f"{kind}: {next(iter(pairs))}{others}, of {counted(len(all_of_it), 'benchmark')}"


def _short(kind: str, value: Any) -> str:
    digest = kind in {alike.WORDS[key] for key in (keys.MODEL_SHA256, keys.DATA_SHA256)}
    return _value(value)[:DIGEST] if digest and value != alike.NOT_TOLD else _value(value)


def missing(lines: Sequence[Line], sides: Sequence[Side]) -> Iterator[Told]:
    """Yield how many benchmarks each run lacks that another has, and which, those of several models together."""
    for side in sides:
        lacks = [line for line in lines if side.letter not in line.rows]
        if lacks:
            yield (
                "missing",
                f"{side.letter} lacks {len(lacks)} of {counted(len(lines), 'benchmark')}: {_named(lacks, lines)}",
            )


def _named(some: Sequence[Line], lines: Sequence[Line]) -> str:
    """Return which of *lines* these are: those of several models together, and of many the first."""
    is_of_one = len({line.phase for line in lines}) == 1
    labels = Counter(line.label if is_of_one else f"{line.phase} {line.label}" for line in some)
    names = [f"{label} ({number})" if number > 1 else label for label, number in labels.items()]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"


def rowed(lines: Sequence[Line], sides: Sequence[Side]) -> Iterator[Told]:
    """Yield of which benchmarks a sample is of several inferences, and whose were taken together for that."""
    in_rows = [line for line in lines if any(row.result.iterations > 1 for row in line.rows.values())]
    if in_rows:
        words = "a sample is the mean of several inferences, and percentiles are of such means"
        yield "rows", f"{words}: {_named(in_rows, lines)}"
    for side in sides:
        if number := sum(side.letter in line.rowed for line in lines):
            of = counted(number, "benchmark")
            yield "rows", f"{side.letter}: samples of {of} are means of neighbours, as the other's are"


def explained(lines: Sequence[Line], sides: Sequence[Side], reference: Side, wanted: Sequence[str]) -> Iterator[Told]:
    """Yield what the columns and marks mean."""
    yield "ms", "the median, of a weak client the mean, in the middle of a benchmark's starts"
    ratios = (line.ratio(letter) for line in lines for letter in line.rows if letter != reference.letter)
    if "ratio" in wanted and any(ratios):
        yield (
            "÷",
            f"over {reference.letter}'s figure: above 1 is slower. The runs were apart: the interval of 95 % is made "
            f"of both figures' own{_of_starts_alone(lines, sides)}",
        )
    turns = {f"{row.ratio.statistic}s" for line in lines for row in line.rows.values() if row.ratio}
    if "server-cpu" in wanted and turns:
        of = " or ".join(sorted(turns, reverse=True))
        yield (
            "×",
            f"to server-cpu, of {of} that each run measured in turns: what can be carried from machine to machine",
        )
    if any(line.is_other(side.letter) for line in lines for side in sides):
        yield cells.OTHER, f"not the same measurement as {reference.letter}'s: see above"
    yield from cells.legend(lines, sides)


def _of_starts_alone(lines: Sequence[Line], sides: Sequence[Side]) -> str:
    """Say of which runs nothing is known of the machine's states, so that their intervals are too narrow."""

    def unaware(letter: str) -> bool:
        rows = [line.rows[letter] for line in lines if letter in line.rows]
        return any(row.figure.low is not None and keys.DRIFT not in row.result.info for row in rows)

    letters = [side.letter for side in sides if unaware(side.letter)]
    return f"; those of {' and '.join(letters)} know of starts, and not of the machine's states" if letters else ""
