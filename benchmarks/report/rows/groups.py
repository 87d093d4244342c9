"""Rows that may share a chart: of one machine, model file, batch size and precision, on adapters of one kind."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from benchmarks.report.rows.labels import files_told, labels
from benchmarks.results import Row
from benchmarks.results.numbers import NONE
from benchmarks.results.tidy import Mark

SIDE_WORDS = {"server": "server", "client": "client", "remote": "server that a page asks"}
SOFTWARE = "GPUs that are simulated on the processor: no GPU's speed"

One = TypeVar("One")
Key = TypeVar("Key")


def by(some: Sequence[One], key: Callable[[One], Key]) -> dict[Key, list[One]]:
    """Return those together that have the same *key*, in the order in which they come first."""
    found: dict[Key, list[One]] = {}
    for one in some:
        found.setdefault(key(one), []).append(one)
    return found


@dataclass(frozen=True)
class Group:
    """Rows that may be held against each other, and what they have in common; the machine is no part of its title."""

    machine: str
    model: str  # as the names of the benchmarks have it, and its file where several go by that name
    batch_size: int | None
    precision: str | None
    is_software: bool
    rows: Sequence[Row]

    @property
    def batch(self) -> str:
        """The batch size in words."""
        return "no batch" if self.batch_size is None else f"batch {self.batch_size}"

    @property
    def title(self) -> str:
        """All that they have in common, in words."""
        return self._titled(f"{self.model}, {self.batch}")

    @property
    def common(self) -> str:
        """What those of several batch sizes have in common, in words."""
        return self._titled(self.model)

    def _titled(self, what: str) -> str:
        return f"{what}{f', on {SOFTWARE}' if self.is_software else ''}"

    @property
    def labels(self) -> list[str]:
        """What each row is called beside the others."""
        return labels(self.rows)


def model_of(row: Row) -> str:
    """Return the model as the benchmark's name has it, with what else decides: ``resnet50.untrained``."""
    return str(row.label)


def groups(rows: Sequence[Row]) -> list[Group]:
    """Return the groups of *rows* that this suite saved: a model's together, the least batch first."""
    ours = [row for row in rows if is_ours(row)]
    file, models = file_of(ours), [*dict.fromkeys(map(model_of, ours))]
    alike = sorted(by(ours, _key).values(), key=lambda of: (models.index(model_of(of[0])), of[0].batch_size or 0))
    return [_group(of, file(of[0])) for of in alike]


def _key(row: Row) -> tuple[object, ...]:
    return row.machine, model_of(row), row.sha256, row.batch_size, row.precision, row.result.is_software


def _group(rows: Sequence[Row], file: str) -> Group:
    row = rows[0]
    return Group(row.machine, model_of(row) + file, row.batch_size, row.precision, row.result.is_software, rows)


def file_of(rows: Sequence[Row]) -> Callable[[Row], str]:
    """Return what stands behind a model's name for its file, where several of *rows* go by that name; else nothing."""
    told = files_told(rows, model_of)
    return lambda row: f" ({words})" if (words := told(row)) else ""


def is_ours(row: Row) -> bool:
    """Whether it tells what was measured: this suite saved it, of a model on a platform."""
    return row.run.is_of_this_suite and row.model is not None and row.platform is not None


def of_phase(rows: Sequence[Row], *phases: str) -> list[Row]:
    """Return the rows of some phases."""
    return [row for row in rows if row.phase in phases]


def meaning(marks: Sequence[Mark]) -> str:
    """Return marks with what they mean."""
    return "; ".join(f"{mark.sign}: {mark.words}" for mark in marks)


def side_of(row: Row) -> str:
    """Return where the inference runs, in words."""
    return SIDE_WORDS[row.side] if row.side else NONE


def parted(sizes: Sequence[int], most: int) -> Iterator[tuple[slice, str]]:
    """Yield which rows go into a chart together, none of these groups torn apart, and of several charts which it is."""
    parts, first = [*packed(sizes, most)], 0
    for number, part in enumerate(parts, 1):
        rows = sum(sizes[part])
        yield slice(first, first + rows), which(number, len(parts))
        first += rows


def evenly(rows: int, most: int) -> Iterator[tuple[slice, str]]:
    """Yield which of so many *rows* go into a chart together, as even as can be, and of several charts which it is."""
    parts = math.ceil(rows / most)
    for part in range(parts):
        yield slice(part * rows // parts, (part + 1) * rows // parts), which(part + 1, parts)


def which(number: int, of: int) -> str:
    """Return which of several charts it is, behind a title: `` (1 of 2)``."""
    return f" ({number} of {of})" if of > 1 else ""


def packed(sizes: Sequence[int], most: int) -> Iterator[slice]:
    """Yield which neighbours go into a chart together: as many as have *most* rows in all, one at least."""
    first, rows = 0, 0
    for at, size in enumerate(sizes):
        if rows and rows + size > most:
            yield slice(first, at)
            first, rows = at, 0
        rows += size
    if sizes:
        yield slice(first, len(sizes))
