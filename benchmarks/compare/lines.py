"""What is compared: a line a benchmark, with what each side has of it, made alike, and how far it is another thing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from benchmarks.compare.ratio import Ratio, of_independent
from benchmarks.compare.sides import Side
from benchmarks.results import Row, alike, numbers
from benchmarks.results.saved import in_rows_alike

Difference = tuple[str, Any, Any]  # what differs, and what it is in the reference and in the other


@dataclass(frozen=True)
class Line:
    """A benchmark, and the row that each side has of it; their samples are of as many inferences in all."""

    name: str
    rows: Mapping[str, Row]  # by the side's letter
    reference: str  # the letter of the side that ratios are to
    rowed: frozenset[str]  # the letters of sides whose samples had to be taken together for that

    @property
    def any(self) -> Row:
        """A row of it, whichever: for what all share."""
        return next(iter(self.rows.values()))

    @property
    def phase(self) -> str:
        """What was measured, in words; of a benchmark that is not this suite's, its function."""
        return self.any.phase.replace("_", " ") if self.any.model else self.any.phase

    @property
    def block(self) -> str:
        """What it stands among: model and phase."""
        return f"{self.any.model}: {self.phase}" if self.any.model else self.phase

    @property
    def label(self) -> str:
        """What sets it apart in its block: platform, batch and caches, as they stand in its name."""
        _, bracket, params = self.name.partition("[")
        model, dash, rest = params.removesuffix("]").partition(f"-{self.any.platform}")
        if not bracket:
            return self.name
        return f"{self.any.platform}{rest}" if dash else model

    @cached_property
    def differences(self) -> dict[str, list[Difference]]:
        """What is not alike in the reference and in each other side, by the letter; nothing where either has no row."""
        base = self.rows.get(self.reference)
        others = {letter: row for letter, row in self.rows.items() if base and letter != self.reference}
        return {letter: [*_differences(base, row)] for letter, row in others.items() if base}

    @cached_property
    def ways(self) -> dict[str, list[Difference]]:
        """In what the platforms say that they went another way in each other side, by the letter."""
        base = self.rows.get(self.reference)
        others = {letter: row for letter, row in self.rows.items() if base and letter != self.reference}
        return {letter: [*_ways(base, row)] for letter, row in others.items() if base}

    def is_other(self, letter: str) -> bool:
        """Whether that side measured something else than the reference."""
        return bool(self.differences.get(letter))

    def ratio(self, letter: str) -> Ratio | None:
        """That side's figure over the reference's; None where there are no two, or not of the same statistic."""
        ours, theirs = self.rows.get(letter), self.rows.get(self.reference)
        if ours is None or theirs is None or ours.result.headline != theirs.result.headline:
            return None
        return of_independent(ours.figure, theirs.figure)


def _differences(before: Row, now: Row) -> Iterator[Difference]:
    yield from alike.differences(alike.of_benchmark(before.result), alike.of_benchmark(now.result))
    counts = before.result.iterations, now.result.iterations
    if counts[0] != counts[1]:  # without samples they cannot be made alike
        yield "inferences in a sample", *counts
    if before.result.headline != now.result.headline:
        yield "statistic", before.result.headline, now.result.headline
    then, here = before.result.rate, now.result.rate
    if then and here and before.is_at_own_rate:  # LoadGen's Server: latencies under as much as it carries
        yield "queries a second meanwhile", numbers.three(then.value), numbers.three(here.value)


def _ways(before: Row, now: Row) -> Iterator[Difference]:
    """Yield what both platforms tell of how they ran, and tell otherwise."""
    then, here = alike.of_details(before.result), alike.of_details(now.result)
    yield from ((name, then[name], here[name]) for name in then if name in here and then[name] != here[name])


def lines_of(sides: Sequence[Side], reference: Side) -> list[Line]:
    """Return a line for each benchmark that any side has: in the order of the reference, then of the others."""
    ordered = [reference, *(side for side in sides if side is not reference)]
    names = dict.fromkeys(name for side in ordered for name in side.rows)
    return [
        _line(name, {side.letter: side.rows[name] for side in sides if name in side.rows}, reference) for name in names
    ]


def _line(name: str, rows: Mapping[str, Row], reference: Side) -> Line:
    made = in_rows_alike([row.result for row in rows.values()])
    same = {letter: replace(row, result=result) for (letter, row), result in zip(rows.items(), made, strict=True)}
    rowed = frozenset(letter for letter, row in rows.items() if same[letter].result is not row.result)
    return Line(name, same, reference.letter, rowed)
