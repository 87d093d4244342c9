"""The table at the end of a run: for each phase a row for each model, batch and platform."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from benchmarks.results import keys
from benchmarks.results.tidy import DOUBT, IN_TITLES, Told, shared_signs
from benchmarks.run.screen import Screen, wide, wrapped
from benchmarks.run.terminal.columns import LATER, Column, Rows, of_phase, statistic_of_ratios
from models.names import shown as printable

GAP = "  "  # between columns
PLURAL = {"mean": "means", "p10": "10th percentiles"}  # of what a ratio is of


@dataclass(frozen=True)
class Line:
    """A line of a table; its mark can stand out in colour."""

    text: str
    mark: str = ""
    is_head: bool = False

    def __str__(self) -> str:
        return f"{self.text}{self.mark}".rstrip()


@dataclass(frozen=True)
class Grid:
    """The cells of some columns, as wide as their widest; a row's name stands before them and its mark behind."""

    names: Sequence[str]
    columns: Sequence[Column]
    cells: Sequence[Sequence[str]]  # of each row
    marks: Sequence[str]

    @classmethod
    def of(cls, rows: Rows, columns: Iterable[Column], names: Sequence[str], marks: Sequence[str]) -> "Grid":
        """Return the cells of those columns that hold anything."""
        told = [(column, texts) for column in columns if any(texts := [column.cell(row) for row in rows])]
        cells = [*zip(*(texts for _, texts in told), strict=True)] or [()] * len(rows)
        return cls(names, [column for column, _ in told], cells, marks)

    @property
    def widths(self) -> list[int]:
        """The columns on the screen of each."""
        heads = [column.head for column in self.columns]
        return [max(map(wide, texts)) for texts in zip(heads, *self.cells, strict=True)]

    @property
    def width(self) -> int:
        """The columns on the screen of all, names and marks included."""
        return self._of_names + sum(len(GAP) + width for width in self.widths) + self._of_marks

    @property
    def _of_names(self) -> int:
        return max(map(wide, self.names))

    @property
    def _of_marks(self) -> int:
        return max(len(GAP) + wide(mark) if mark else 0 for mark in self.marks)

    def only(self, keep: Iterable[int]) -> "Grid":
        """Return it with some of its columns, by number."""
        numbers = [*keep]
        columns = [self.columns[number] for number in numbers]
        return Grid(self.names, columns, [[row[number] for number in numbers] for row in self.cells], self.marks)

    def fitting(self, width: int) -> "tuple[Grid, Grid]":
        """Return what fits a screen, and the rest; what stays in any case may be wider."""
        keep = [*range(len(self.columns))]
        while self.only(keep).width > width and (number := _least(self.columns, keep)) is not None:
            keep.remove(number)
        return self.parted(keep)

    def parted(self, keep: Sequence[int]) -> "tuple[Grid, Grid]":
        """Return it with some of its columns, by number, and with the others."""
        return self.only(keep), self.only(number for number in range(len(self.columns)) if number not in keep)

    def head(self, width: int) -> str:
        """Return the heads of the columns, behind room for the names."""
        room = self._of_names if self.width <= width else 0
        return f"{' ' * room}{_beside([column.head for column in self.columns], self.widths)}"

    def lines(self, number: int, width: int) -> Iterator[Line]:
        """Yield a row; where it is too wide the name stands above the figures."""
        figures, mark, name = _beside(self.cells[number], self.widths), self.marks[number], self.names[number]
        behind = f"{GAP}{mark}" if mark else ""
        if self.width <= width:
            yield Line(f"{_ljust(name, self._of_names)}{figures}", behind)
        else:
            yield Line(name)
            yield Line(figures, behind)


def _least(columns: Sequence[Column], keep: Sequence[int]) -> int | None:
    """Return which column a narrow screen does without next: of equals the last; None where all that are left stay."""
    number = max(keep, key=lambda number: (columns[number].goes, number))
    return number if columns[number].goes and len(keep) > 1 else None


def _beside(texts: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(f"{GAP}{' ' * (width - wide(text))}{text}" for text, width in zip(texts, widths, strict=True))


def _ljust(text: str, width: int) -> str:
    return text + " " * (width - wide(text))


@dataclass(frozen=True)
class Tables:
    """All tables of a run, and what they have no room for."""

    lines: Sequence[Line]
    hidden: Sequence[str]  # heads of columns


def tables(rows: Rows, screen: Screen, everything: bool = False) -> Tables:
    """Return a table for each phase, without what a software GPU took: that is no GPU's speed.

    What does not fit is left out; with *everything* it stands in further tables below.
    """
    speeds = [row for row in rows if not row.result.is_software]
    phases = [[row for row in speeds if row.phase == phase] for phase in dict.fromkeys(row.phase for row in speeds)]
    found = [_of_phase(rows, screen, everything) for rows in phases]
    hidden = dict.fromkeys(head for one in found for head in one.hidden)
    return Tables([line for one in found for line in one.lines], [*hidden])


def _of_phase(rows: Rows, screen: Screen, everything: bool) -> Tables:
    groups = _by_group(rows)
    grid = _grid(groups, of_phase(rows[0].phase).columns(rows))
    now, later = grid.parted([number for number, one in enumerate(grid.columns) if everything or one.goes < LATER])
    drawn, rest = now.fitting(screen.width)
    lines = [*_title(rows, groups, drawn.columns, screen), *_drawn(drawn, groups, screen.width)]
    while everything and rest.columns:
        drawn, rest = rest.fitting(screen.width)
        lines += [Line(""), *_drawn(drawn, groups, screen.width)]
    return Tables([Line(""), *lines], [column.head for column in (*rest.columns, *later.columns)])


def _by_group(rows: Rows) -> dict[str, list[Told]]:
    """Return the rows by what heads them, in the order that they were measured in: ``resnet20, batch 8``."""
    groups: dict[str, list[Told]] = {}
    for row in rows:
        words = [row.label or "", f"batch {row.batch_size}" if row.batch_size else ""]
        groups.setdefault(printable(", ".join(filter(None, words))), []).append(row)
    return groups


def _grid(groups: Mapping[str, Rows], columns: Sequence[Column]) -> Grid:
    rows = [row for group in groups.values() for row in group]
    shared, indent = _shared(rows), GAP if len(groups) > 1 else ""
    tells_caches = len({row.caches for row in rows}) > 1
    names = [f"{indent}{printable(_name(row, tells_caches))}" for row in rows]
    marks = [" ".join(sign for sign in _signs(row) if sign not in shared) for row in rows]
    return Grid.of(rows, columns, names, marks)


def _name(row: Told, tells_caches: bool) -> str:
    """Return what a row is called below its group: its platform; of what is not this suite's its whole name."""
    if row.platform is None:
        return row.name
    return f"{row.platform} {row.caches}" if tells_caches else row.platform


def _signs(row: Told) -> list[str]:
    """Return the marks of a row, but for those that its model's name has above it: ``resnet50.untrained``."""
    named = [sign for sign in (row.label or "").split(".") if sign in IN_TITLES]
    return [mark.sign for mark in row.marks if mark.sign not in named]


def _shared(rows: Rows) -> list[str]:
    """Return the marks of all rows, for the title; that of a doubt stays with each."""
    return shared_signs([_signs(row) for row in rows])


def _title(rows: Rows, groups: Mapping[str, Rows], columns: Sequence[Column], screen: Screen) -> list[Line]:
    """Say what the table is of, and what all of its rows share."""
    table, (first, *others), caches = of_phase(rows[0].phase), groups, {row.caches for row in rows}
    words = [f"{table.title} of {first}" if first and not others else table.title]
    words += [f"all {sign}" for sign in _shared(rows)]
    words += [f"caches: {only}" for only in caches if only and len(caches) == 1]
    words += [*_of_starts(rows), *filter(None, [table.note])]
    words += ["intervals of 95%"] if any(_has_interval(column) for column in columns) else []
    words += [f"× is the ratio of {of}, measured in turns"] if (of := _ratios_are_of(rows)) else []
    words += [f"{DOUBT} is unstable: see below"] if any(row.result.doubts for row in rows) else []
    return [Line(line, is_head=True) for line in wrapped("; ".join(words), screen.width, len(GAP))]


def _has_interval(column: Column) -> bool:
    return "interval" in column.head or column.head.startswith("×")


def _ratios_are_of(rows: Rows) -> str | None:
    usual = statistic_of_ratios(rows)
    return PLURAL.get(usual, usual) if usual else None


def _of_starts(rows: Rows) -> Iterator[str]:
    """Yield of how many starts the figures are; nothing of a server's load, which is of one system throughout."""
    numbers = {row.result.starts_wanted for row in rows if keys.SCENARIO not in row.result.info}
    if numbers:
        number = numbers.pop() if len(numbers) == 1 else "several"
        yield f"{number} start{'' if number == 1 else 's'}"


def _drawn(grid: Grid, groups: Mapping[str, Rows], width: int) -> Iterator[Line]:
    yield Line(grid.head(width), is_head=True)
    numbers = iter(range(len(grid.names)))
    for title, rows in groups.items():
        if len(groups) > 1:
            yield Line(title, is_head=True)
        for number in islice(numbers, len(rows)):
            yield from grid.lines(number, width)
