"""Engines beside each other: how many times as long each takes as one of them, held together by the server.

No two devices are measured at once, and so they saw other minutes. But each was measured in turns with ``server-cpu``
of the machine that served them all: the ratio of two such ratios is free of what that machine did meanwhile. Of what
the devices did themselves it knows as far as their own starts tell. Of saved runs:
``python -m benchmarks.devices.engines A.json B.json …``.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

from benchmarks.measuring.ratio import over
from benchmarks.measuring.starts import Figure
from benchmarks.results import Row, Run, devices, rows_of
from benchmarks.results.machine import names as machines
from benchmarks.results.numbers import NONE, with_interval
from benchmarks.results.reading import read, told
from models.names import shown

BASE = "chromium"
Case = tuple[str, str, str, int | None]  # phase, model, runtime, batch


@dataclass(frozen=True)
class Line:
    """A case on several devices."""

    case: Case
    rows: Mapping[str, Row]  # by device
    ratios: Mapping[str, Figure | None]  # to the base's, by the other devices


def base_of(runs: Sequence[Run]) -> Run | None:
    """Return the run that ratios are to: the first in Chromium, else the first of a device."""
    of_base = [run for run in runs if devices.of_run(run.machine).get("engine") == BASE]
    return next(iter([*of_base, *runs]), None)


def compared(runs: Sequence[Run]) -> tuple[str, list[Line]]:
    """Return what the base is called, and the cases that it and others were measured in."""
    of_devices = [run for run in runs if devices.is_device(run.machine)]
    if (base := base_of(of_devices)) is None:
        return "", []
    names = called(of_devices)
    cases: dict[Case, dict[str, Row]] = {}
    for row in rows_of(of_devices):
        cases.setdefault(case_of(row), {})[names[id(row.run)]] = row
    name = names[id(base)]
    return name, [_line(case, some, name) for case, some in cases.items() if name in some and len(some) > 1]


def called(runs: Sequence[Run]) -> dict[int, str]:
    """Return the name of each run, by its id: its browser's, its device's where several have that, else a number."""
    told, seen = [devices.browser(devices.of_run(run.machine)) for run in runs], Counter[str]()
    if len({*told}) < len(told):
        told = machines([run.machine for run in runs])
    often, found = Counter(told), dict[int, str]()
    for run, name in zip(runs, told, strict=True):
        seen[name] += 1
        found[id(run)] = f"{name}, run {seen[name]}" if often[name] > 1 else name
    return found


def case_of(row: Row) -> Case:
    """Return what is the same in every engine: the platform without its browser's name."""
    runtime = (row.platform or row.name).partition("-")[2]
    return row.phase, row.label or row.name, runtime, row.batch_size


def _line(case: Case, rows: Mapping[str, Row], base: str) -> Line:
    ratios = {name: _over(row, rows[base]) for name, row in rows.items() if name != base}
    return Line(case, rows, ratios)


def _over(row: Row, base: Row) -> Figure | None:
    """Return the ratio of both ratios to the server; None where one has none, or is of another statistic or server."""
    ours, theirs = row.ratio, base.ratio
    if row.served_by != base.served_by:
        return None
    if not ours or not theirs or ours.statistic != theirs.statistic or row.sha256 != base.sha256:
        return None
    return over(ours, theirs)


def lines(runs: Sequence[Run]) -> Iterator[str]:
    """Yield the table, line by line; nothing where no two devices were measured in the same."""
    name, found = compared(runs)
    if not found:
        return
    others = [*dict.fromkeys(other for line in found for other in line.ratios)]
    yield from ("", f"times as long as {shown(name)}: both in turns with server-cpu, 95 % intervals")
    head = ["", *map(shown, others)]
    cells = [[_title(line.case), *(_cell(line, name, other) for other in others)] for line in found]
    yield from tabulate(cells, head, tablefmt="plain", disable_numparse=True).splitlines()


def _title(case: Case) -> str:
    phase, model, runtime, batch = case
    words = [model, runtime, f"b{batch}" if batch else "", "" if phase == "latency" else phase]
    return shown(" ".join(word for word in words if word))


def _cell(line: Line, base: str, other: str) -> str:
    """Return a ratio with the marks of both figures that it is made of."""
    found = line.ratios.get(other)
    if found is None:
        return NONE
    signs = dict.fromkeys(mark.sign for name in (other, base) for mark in line.rows[name].marks)
    return " ".join([with_interval(found.value, found.low, found.high), *signs])


def main() -> None:
    """Run the command line."""
    if not sys.argv[1:]:
        sys.exit("engines: name the saved runs of two devices at least")
    found = read(map(Path, sys.argv[1:]))
    for line in told(found):
        print(shown(line), file=sys.stderr)
    table = "\n".join([*lines(found.runs)][1:])
    print(table or "engines: no two of these devices were measured in the same", flush=True)
    if found.refused:
        sys.exit(1)


if __name__ == "__main__":
    main()
