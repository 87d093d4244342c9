"""What rows are called in a chart, each by another name: the platform, and its run where that is not enough."""

from collections import Counter
from collections.abc import Callable, Sequence

from benchmarks.results import Row


def told_apart(rows: Sequence[Row]) -> list[str]:
    """Return a name for each of *rows*, none twice."""
    names = [row.platform or row.name for row in rows]
    for more in (
        lambda row: row.run.file.stem,
        lambda row: row.run.started,
        lambda row: str(row.run.file),
        _place(rows),
    ):
        twice = {name for name, number in Counter(names).items() if number > 1}
        names = [f"{name}, {more(row)}" if name in twice else name for name, row in zip(names, rows, strict=True)]
    return names


def _place(rows: Sequence[Row]) -> Callable[[Row], str]:
    return lambda row: str(next(at for at, one in enumerate(rows, 1) if one is row))
