"""Lines as tables, a block a model and phase: as wide as the screen, and several where that is too narrow."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from tabulate import tabulate

from benchmarks.compare import cells
from benchmarks.compare.lines import Line
from benchmarks.compare.sides import Side
from benchmarks.results import Row, numbers
from benchmarks.results.tidy import run_marks
from models.names import shown

BETWEEN = 2  # spaces between columns
HEAD_ROOM = 2  # letters by which tabulate makes a column wider than its head
TITLE = 24  # letters of a column's title in a line
WORDS = 5  # lines of a column's title
# What a phase measures beside times stands where it was measured: a column without anything is left out.
BESIDE = ("rate", "longest", "memory", "top1")
COLUMNS = ("headline", "ratio", "server-cpu", *BESIDE)
ORDERS: Mapping[str, Callable[[Row], float | None]] = {
    "median": lambda row: row.median,
    "mean": lambda row: row.result.seconds("mean"),
    "p10": lambda row: row.p10,
    "p95": lambda row: row.p95,
}


@dataclass(frozen=True, eq=False)
class Column:
    """A column of a side."""

    kind: str
    head: str  # several lines
    side: Side
    write: cells.Column


def columns(names: Sequence[str], sides: Sequence[Side], reference: Side) -> list[Column]:
    """Return the columns of these kinds, of each kind one a side; ratios have none of the reference."""
    return [
        Column(name, _head(name, side, reference), side, _kinds(reference)[name])
        for name in names
        for side in sides
        if name != "ratio" or side is not reference
    ]


def kinds() -> list[str]:
    """Return the names of all kinds of columns."""
    return ["headline", "interval", "ratio", "server-cpu", *ORDERS, "images", *BESIDE]


def _kinds(reference: Side) -> dict[str, cells.Column]:
    return {
        "headline": cells.figure(lambda row: row.figure.value),
        "interval": cells.interval,
        "ratio": cells.ratio(reference),
        "server-cpu": cells.in_turns,
        **{name: cells.figure(value) for name, value in ORDERS.items()},
        "images": cells.figure(lambda row: row.images_per_second, numbers.three),
        "rate": cells.with_ends(lambda row: row.result.rate),
        "longest": cells.with_ends(lambda row: row.longest_task, 1e3),
        "memory": cells.figure(lambda row: row.result.taken, cells.megabytes),
        "top1": cells.figure(lambda row: row.top1, cells.percent),
    }


def _head(name: str, side: Side, reference: Side) -> str:
    letter, base = (" ".join([one.letter, *map(cells.brief, run_marks(one.run))]) for one in (side, reference))
    units = {"server-cpu": "× server-cpu", "interval": "ms, 95 %", "images": "images/s", "rate": "queries/s"}
    units |= {"longest": "frozen, ms", "memory": "memory, MB", "top1": "right, %"}
    if name == "ratio":
        return f"{letter} ÷ {base}"
    if name == "headline":
        return "\n".join([letter, *_wrapped(shown(side.title)), "ms"])
    return f"{letter}\n{units.get(name, f'{name}, ms')}"


def _wrapped(title: str) -> list[str]:
    """Return a title's words, of a machine's name each on a line; of many the first: all of them stand at the top."""
    words = [word[: TITLE - 1] + "…" if len(word) > TITLE else word for word in title.split(", ") if word]
    return words if len(words) <= WORDS else [*words[: WORDS - 1], "…"]


def ordered(lines: Sequence[Line], by: str, sides: Sequence[Side], reference: Side) -> list[Line]:
    """Return lines sorted by name, a figure of the reference, or the ratio of the first other side; what has none last.

    Largest ratios come first, and shortest times.
    """
    if by == "name":
        return sorted(lines, key=lambda line: line.name)
    if by in ORDERS:
        return sorted(lines, key=lambda line: _or_last(_value(line, by, reference)))
    if by == "ratio":
        other = next(side for side in sides if side is not reference)
        found = {line.name: line.ratio(other.letter) for line in lines}
        return sorted(lines, key=lambda line: -ratio.value if (ratio := found[line.name]) else math.inf)
    return [*lines]


def _value(line: Line, by: str, reference: Side) -> float | None:
    row = line.rows.get(reference.letter)
    return ORDERS[by](row) if row else None


def _or_last(value: float | None) -> float:
    return math.inf if value is None or math.isnan(value) else value


def blocks(lines: Sequence[Line]) -> list[tuple[str, list[Line]]]:
    """Return the lines of each model and phase together, in the order of their first."""
    first = {name: at for at, name in reversed([*enumerate(line.block for line in lines)])}
    together = sorted(lines, key=lambda line: first[line.block])
    return [(block, [*of_block]) for block, of_block in groupby(together, key=lambda line: line.block)]


def text(lines: Sequence[Line], wanted: Sequence[Column], width: int) -> Iterator[str]:
    """Yield the tables of all blocks, line by line.

    A column in which no block has anything is left out, and where a block alone has nothing, all but its figures.
    """
    labels = [shown(line.label) for line in lines]
    written = {column: {line.name: column.write(line, column.side) for line in lines} for column in wanted}
    full = {column: told for column, told in written.items() if {*told.values()} != {numbers.NONE}}
    groups = [*_packed({column: _width(column, told) for column, told in full.items()}, width - max(map(len, labels)))]
    for title, of_block in blocks(lines):
        yield from ("", shown(title))
        for group in groups:
            told = {column: [full[column][line.name] for line in of_block] for column in group}
            some = {column for column, of_column in told.items() if {*of_column} != {numbers.NONE}}
            kept = [column for column in group if column in some or column.kind == "headline"] if some else []
            rows = [[shown(line.label), *(told[column][at] for column in kept)] for at, line in enumerate(of_block)]
            yield from ("", *_table(rows, kept)) if kept else ()


def _width(column: Column, told: Mapping[str, str]) -> int:
    head = HEAD_ROOM + max(map(len, column.head.split("\n")))
    return BETWEEN + max(head, *map(len, told.values()))


def _packed(widths: Mapping[Column, int], room: int) -> Iterator[list[Column]]:
    """Yield the columns that stand in a table together: kinds are kept whole, where a kind alone has room."""
    group: list[Column] = []
    left = room
    for _, of_kind in groupby(widths, key=lambda column: column.kind):
        kind = [*of_kind]
        whole = sum(widths[column] for column in kind)
        pieces = [kind] if whole <= room else [[column] for column in kind]
        for piece in pieces:
            wide = sum(widths[column] for column in piece)
            if group and wide > left:
                yield group
                group, left = [], room
            group, left = [*group, *piece], left - wide
    if group:
        yield group


def _table(rows: Sequence[Sequence[str]], group: Sequence[Column]) -> list[str]:
    align = ["left", *["right"] * len(group)]
    table = tabulate(rows, ["", *(column.head for column in group)], "simple", disable_numparse=True, colalign=align)
    return [line.rstrip() for line in table.splitlines()]
