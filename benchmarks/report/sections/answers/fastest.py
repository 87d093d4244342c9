"""Which platform computes a model fastest, of what was measured in turns with ``server-cpu`` in one run."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.measuring.ratio import Ratio
from benchmarks.report.content import Side
from benchmarks.report.rows.labels import run_names
from benchmarks.results import Row
from benchmarks.results.numbers import between, three, time
from benchmarks.results.tidy import IN_TITLES

BASE = "server-cpu"


@dataclass(frozen=True)
class Alone:
    """What a run says of the inference alone."""

    run: str  # what it is called beside the others
    of: str  # machine and batch size
    side: Side  # of the fastest; open where one side alone was measured
    words: str
    machine: str


def alone_of(rows: Sequence[Row]) -> list[Alone]:
    """Return what each run says of a model's latency at its least batch size; *rows* are of one model.

    Weakened clients and simulated GPUs are left out: they are slower than the machine by intention.
    """
    timed = [row for row in rows if row.phase == "latency" and row.platform and not _is_weakened(row)]
    runs = {id(row.run): row.run for row in timed}
    names = dict(zip(runs, run_names([*runs.values()]), strict=True))
    return [_alone([row for row in timed if id(row.run) == key], names[key]) for key in runs]


def _is_weakened(row: Row) -> bool:
    return row.result.is_software or any(mark.sign.startswith("emulated") for mark in row.marks)


def _alone(rows: Sequence[Row], run: str) -> Alone:
    least = min(row.batch_size or 1 for row in rows)
    rows = [row for row in rows if (row.batch_size or 1) == least]
    server = f" ({BASE} on {rows[0].served_by})" if rows[0].served_by else ""
    of = f"{rows[0].machine}{server}, latency of batch {least}"
    turns = sorted(_in_turns(rows), key=lambda one: one[1].value)
    if not turns:
        return Alone(run, of, "open", _apart(rows), rows[0].machine)
    clients = [one for one in turns if one[0].side == "client"]
    parts = [_beside(turns), *[f"the fastest client is {_times(*one)}" for one in clients[:1] if one != turns[0]]]
    return Alone(run, of, _side(turns), "; ".join(parts), rows[0].machine)


def _in_turns(rows: Sequence[Row]) -> Iterator[tuple[Row, Ratio]]:
    yield from ((row, row.ratio) for row in rows if row.ratio)


def _side(turns: Sequence[tuple[Row, Ratio]]) -> Side:
    """Return the side that is faster for sure: the interval of its fastest lies below that of the other's."""
    clients = [_ends(ratio) for row, ratio in turns if row.side == "client"]
    servers = [(1.0, 1.0), *(_ends(ratio) for row, ratio in turns if row.side != "client")]
    if not clients:
        return "open"
    (least, most), (low, high) = (tuple(map(min, zip(*ends, strict=True))) for ends in (clients, servers))
    return "client" if most < low else "server" if high < least else "undecided"


def _ends(ratio: Ratio) -> tuple[float, float]:
    """Return the interval; of one that has none all that may be."""
    return (0.0, math.inf) if ratio.low is None or ratio.high is None else (ratio.low, ratio.high)


def _beside(turns: Sequence[tuple[Row, Ratio]]) -> str:
    """Say who is fastest, or who are not told apart as the fastest; without an interval claim neither."""
    row, ratio = turns[0]
    if ratio.low is None or ratio.high is None:
        return f"{row.platform} takes {_how(row, ratio)}"
    reach = 1.0 if ratio.value > 1 else ratio.high  # of the fastest, which may be the base itself
    near = [one for one in turns if _ends(one[1])[0] <= reach]
    if len(names := [*[BASE] * (reach >= 1), *(str(one.platform) for one, _ in near)]) > 1:
        others, last = ", ".join(names[:-1]), names[-1]
        return f"{others} and {last} are not told apart: {', '.join(_how(*one) for one in near)}"
    if ratio.value > 1:
        return f"{BASE} is the fastest, and next {_times(row, ratio)}"
    return f"{row.platform} is the fastest: {_how(row, ratio)}"


def _times(row: Row, ratio: Ratio) -> str:
    return f"{row.platform} with {_how(row, ratio)}"


def _how(row: Row, ratio: Ratio) -> str:
    """Say how many times the base's time a platform takes, with its interval and its marks."""
    interval = "too few starts for an interval" if ratio.low is None else between(ratio.low, ratio.high)
    signs = "".join(f" {mark.sign}" for mark in row.marks if mark.sign not in IN_TITLES)
    return f"{three(ratio.value)} times the time of {BASE} ({interval}){signs}"


def _apart(rows: Sequence[Row]) -> str:
    """Say the times of what was not measured in turns, which are not compared."""
    told = [f"{row.platform} {time(row.figure.value)}{''.join(f' {mark.sign}' for mark in row.marks)}" for row in rows]
    return f"{', '.join(told)}; not measured in turns with another, and so not compared"
