"""Rows of one model file, batch size and precision that were measured on several machines or devices."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from benchmarks.report.charts.dots import Dot
from benchmarks.report.rows.groups import Group, by, groups
from benchmarks.report.rows.labels import by_machine
from benchmarks.results import Row
from benchmarks.results.engines import runtime_of

MOST_ROWS = 21  # of a chart

Named = tuple[str, Row]  # what a row is called below its heading


def places(rows: Sequence[Row]) -> list[Group]:
    """Return *rows* as groups that are no machine's own, those that are on several machines alone."""
    alike = by(groups(rows), lambda one: (one.title, one.rows[0].sha256, one.precision))
    found = [replace(of[0], machine="", rows=[row for one in of for row in one.rows]) for of in alike.values()]
    return [group for group in found if are_several(group.rows)]


def are_several(rows: Sequence[Row]) -> bool:
    """Whether *rows* are of several machines or devices."""
    return len({row.machine for row in rows}) > 1


def by_heading(several: Sequence[Group], wanted: Sequence[Row]) -> dict[str, list[Named]]:
    """Return those rows of several models that are *wanted* by model and runtime, each by its machine."""
    found, known = dict[str, list[Named]](), {*map(id, wanted)}
    for group in several:
        for runtime, rows in by([row for row in group.rows if id(row) in known], runtime_of).items():
            found[f"{group.common}, {runtime}"] = [*zip(by_machine(rows), rows, strict=True)]
    return found


def in_order(named: Mapping[str, Sequence[Named]], dot: Callable[[str, str, Row], Dot]) -> list[tuple[Dot, Row]]:
    """Return a dot for each row, by heading, and below each from the least to the most."""
    known = [[(dot(heading, label, row), row) for label, row in rows] for heading, rows in named.items()]
    return [pair for of in known for pair in sorted(of, key=lambda pair: pair[0].value)]
