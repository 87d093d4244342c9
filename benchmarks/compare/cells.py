"""What stands in a cell: a figure or a ratio, and behind it, briefly, every mark that must be read beside it."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from benchmarks.compare.lines import Line
from benchmarks.compare.sides import Side
from benchmarks.measuring.starts import Figure
from benchmarks.results import Row
from benchmarks.results.gathered import in_ranges
from benchmarks.results.numbers import NONE, between, is_time, three, with_interval, within
from benchmarks.results.tidy import DOUBT, Mark, run_marks

OTHER = "≠"
BRIEF = {
    "untrained": "u",
    "stand-in": "t",
    "emulated": "e",
    "emulated network": "n",
    "software GPU": "s",
    "made up": "m",
    "over budget": "b",
    "not whole": "w",
    "not this suite's": "p",
}

Column = Callable[[Line, Side], str]


def brief(mark: Mark) -> str:
    """Return a mark as it stands in a cell; what has no letter stands there in full."""
    return mark.sign if mark.sign == DOUBT else f"[{BRIEF.get(mark.sign, mark.sign)}]"


def _own_marks(row: Row) -> list[Mark]:
    """Return the marks of a row that are not its whole run's: those stand at the head of its column."""
    of_run = [*run_marks(row.run)]
    return [mark for mark in row.marks if mark not in of_run]


def milliseconds(seconds: float | None) -> str:
    """Write a time in ms, whose head has the unit."""
    return three(seconds * 1e3) if seconds is not None and is_time(seconds) else NONE


def megabytes(size: float | None) -> str:
    """Write a size in MB, whose head has the unit."""
    return three(None if size is None else size / 1e6)


def percent(share: float | None) -> str:
    """Write a share of 10,000 images with all that it tells."""
    return NONE if share is None else f"{share:.2f}"


def _marked(text: str, line: Line, *sides: Side) -> str:
    """Put behind *text* the marks of the rows that it is made of, each once."""
    rows = [line.rows[side.letter] for side in sides if side.letter in line.rows]
    signs = dict.fromkeys(brief(mark) for row in rows for mark in _own_marks(row))
    other = [OTHER] if any(line.is_other(side.letter) for side in sides) else []
    return " ".join([text, *other, *signs])


def figure(value: Callable[[Row], float | None], write: Callable[[float | None], str] = milliseconds) -> Column:
    """Return a column of that figure of each row."""

    def cell(line: Line, side: Side) -> str:
        row = line.rows.get(side.letter)
        text = write(value(row)) if row else NONE
        return text if text == NONE else _marked(text, line, side)

    return cell


def interval(line: Line, side: Side) -> str:
    """Write the interval of the headline."""
    row = line.rows.get(side.letter)
    if row is None or row.figure.low is None:
        return NONE
    return _marked(between(row.figure.low, row.figure.high, 1e3), line, side)


def with_ends(value: Callable[[Row], Figure | None], factor: float = 1.0) -> Column:
    """Return a column of that figure of each row with its interval, so many times as large."""

    def cell(line: Line, side: Side) -> str:
        row = line.rows.get(side.letter)
        found = value(row) if row else None
        if found is None:
            return NONE
        return _marked(f"{three(found.value * factor)}{within(found.low, found.high, factor)}", line, side)

    return cell


def ratio(reference: Side) -> Column:
    """Return a column of the ratios to that side."""

    def cell(line: Line, side: Side) -> str:
        found = line.ratio(side.letter)
        return _marked(with_interval(found.value, found.low, found.high), line, side, reference) if found else NONE

    return cell


def in_turns(line: Line, side: Side) -> str:
    """Write the ratio to server-cpu that a run measured in turns."""
    row = line.rows.get(side.letter)
    found = row.ratio if row else None
    return _marked(with_interval(found.value, found.low, found.high), line, side) if found else NONE


def legend(lines: Sequence[Line], sides: Sequence[Side]) -> Iterator[tuple[str, str]]:
    """Yield each mark that stands in a cell or head, with what it means."""
    marks = [mark for line in lines for row in line.rows.values() for mark in _own_marks(row)]
    marks += [mark for side in sides for mark in run_marks(side.run)]
    words: dict[str, dict[str, None]] = {}
    for mark in marks:
        if mark.sign != DOUBT:
            words.setdefault(mark.sign, {})[mark.words] = None
    if any(mark.sign == DOUBT for mark in marks):
        yield DOUBT, f"in doubt: {_doubts(lines)}"
    yield from ((brief(Mark(sign, "")), f"{sign}: {'; '.join(told)}") for sign, told in words.items())


def _doubts(lines: Sequence[Line]) -> str:
    """Say of each kind of doubt once how it reads, and how many figures of which side have it."""
    seen: dict[str, list[str]] = {}
    letters: dict[str, dict[str, int]] = {}
    for letter, row in (pair for line in lines for pair in line.rows.items()):
        for kind, words in row.result.doubts.items():
            seen.setdefault(kind, []).append(words)
            by_letter = letters.setdefault(kind, {})
            by_letter[letter] = by_letter.get(letter, 0) + 1
    return "; ".join(f"{in_ranges(words)} ({_counts(letters[kind])})" for kind, words in seen.items())


def _counts(by_letter: Mapping[str, int]) -> str:
    return ", ".join(f"{letter}: {count}" for letter, count in sorted(by_letter.items()))
