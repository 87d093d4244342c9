"""What is told beside the tables: which run is which, what is missing, what differs, and what the marks mean."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.compare import cells
from benchmarks.compare.lines import Difference, Line
from benchmarks.compare.sides import Side
from benchmarks.results import Run, alike, keys
from benchmarks.results.damage import shown as as_saved
from benchmarks.results.numbers import counted
from models.names import shown

LABEL = 10  # letters of the label at the beginning of a line
NAMED = 6  # benchmarks that are named of many
DIGEST = 12  # digits of a SHA-256
Told = tuple[str, str]  # a label, and the words


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
    seen: dict[Any, str] = {}
    for side in sides:
        run = side.run
        first = seen.setdefault((run.saved, run.commit.id, tuple(sorted(side.rows))), side.letter)
        if first != side.letter:
            yield "note", f"{first} and {side.letter} are one and the same run: nothing is told by their being alike"


def machines(sides: Sequence[Side], reference: Side) -> Iterator[Told]:
    """Yield how each machine, and what ran on it, is not the reference's: a line a kind."""
    base = reference.run
    for side in sides:
        if side is reference or not base.machine or not side.run.machine:
            continue
        pair = f"{reference.letter} | {side.letter}"
        if facts := _facts(alike.differences(alike.of_machine(base.machine), alike.of_machine(side.run.machine))):
            yield "machine", f"{pair}: {facts}"
        if versions := _facts(_versions(base, side.run)):
            yield "versions", f"{pair}: {versions}"


def unknown(sides: Sequence[Side]) -> Iterator[Told]:
    """Yield what the system of each run did not tell of some or all of its benchmarks."""
    for side in sides:
        words = dict.fromkeys(words for row in side.rows.values() for words in row.result.unknown.values())
        if words:
            yield "unknown", f"{side.letter}: {', '.join(words)}"


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
        by_kind: dict[str, list[Difference]] = {}
        for line in lines:
            for found in line.differences.get(side.letter, ()):
                by_kind.setdefault(found[0], []).append(found)
        for kind, all_of_it in by_kind.items():
            pairs = dict.fromkeys(f"{_short(kind, then)} | {_short(kind, now)}" for _, then, now in all_of_it)
            more = f" and {len(pairs) - 1} other pairs" if len(pairs) > 1 else ""
            words = f"{kind}: {next(iter(pairs))}{more}, of {counted(len(all_of_it), 'benchmark')}"
            yield cells.OTHER, f"{reference.letter} | {side.letter}: {words}"


def _short(kind: str, value: Any) -> str:
    digest = kind in {alike.WORDS[key] for key in (keys.MODEL_SHA256, keys.DATA_SHA256)}
    return _value(value)[:DIGEST] if digest and value != alike.NOT_TOLD else _value(value)


def missing(lines: Sequence[Line], sides: Sequence[Side]) -> Iterator[Told]:
    """Yield how many benchmarks each run lacks that another has, and which, those of several models together."""
    for side in sides:
        lacks = Counter(line.label for line in lines if side.letter not in line.rows)
        if lacks:
            names = [f"{label} ({number})" if number > 1 else label for label, number in lacks.items()]
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            told, of = ", ".join(names[:NAMED]), counted(len(lines), "benchmark")
            yield "missing", f"{side.letter} lacks {lacks.total()} of {of}: {told}{more}"


def rowed(lines: Sequence[Line], sides: Sequence[Side]) -> Iterator[Told]:
    """Yield whose samples were taken together, so that those of all sides are of as many inferences."""
    for side in sides:
        number = sum(side.letter in line.rowed for line in lines)
        if number:
            of = counted(number, "benchmark")
            yield "rows", f"{side.letter}: samples of {of} are means of neighbours, as the other's are"


def explained(lines: Sequence[Line], sides: Sequence[Side], reference: Side, wanted: Sequence[str]) -> Iterator[Told]:
    """Yield what the columns and marks mean."""
    yield "ms", "the median, of a weak client the mean, in the middle of a benchmark's starts"
    if "ratio" in wanted:
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
