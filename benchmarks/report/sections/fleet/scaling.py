"""How the rate of all grows with the number of devices, where several fleets of a model tell that."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.report.charts.drawing import DIM, INK, SIDES, values
from benchmarks.report.content import Chart, Table
from benchmarks.report.rows.groups import by
from benchmarks.report.rows.lines import shortened
from benchmarks.report.sections.fleet.jobs import Job
from benchmarks.results import numbers

MOST_TICKS = 10
CLOCK = (
    "From the first chunk until the last image counts, a job for each number of devices. Dashed: the rate of the "
    "fewest, times as many."
)
HEAD = ("devices", "images/s", "of all, each", "times the fewest", "seconds", "who gave out was busy", "top-1", "job")


def scaling(jobs: Sequence[Job]) -> Iterator[Chart]:
    """Yield a curve for each model, batch size and machine that several numbers of devices are known of."""
    whole = [job for job in jobs if job.fleet.is_whole and job.active and numbers.is_time(job.fleet.rate)]
    kinds = by(whole, lambda job: (job.machine, job.fleet.model, job.fleet.model_sha256, job.fleet.batch))
    for of_kind in kinds.values():
        if len({len(job.active) for job in of_kind}) > 1:
            yield _chart(sorted(of_kind, key=lambda job: len(job.active)))


def _rate(job: Job) -> float:
    return job.fleet.rate or 0.0


def _chart(jobs: Sequence[Job]) -> Chart:
    first, last = jobs[0], jobs[-1]
    title = f"More devices: {shortened(first.fleet.model)}, batch {first.fleet.batch}, on {first.machine}"
    each = _rate(first) / len(first.active)
    share = 100 * _rate(last) / (each * len(last.active))
    words = (
        f"{len(first.active)}: {numbers.three(_rate(first))} images a second; {len(last.active)}: "
        f"{numbers.three(_rate(last))}, {share:.0f} % of as many times the rate of the fewest."
    )
    return Chart(title, CLOCK, words, _spec(jobs, each), _table(title, jobs, each))


def _spec(jobs: Sequence[Job], each: float) -> dict[str, Any]:
    most = max(len(job.active) for job in jobs)
    ticks = {"values": [*range(0, most + 1, math.ceil(most / MOST_TICKS))], "format": "d"}
    across = {"scale": {"domain": [0, most * 1.05]}, "axis": ticks}
    x = {"field": "devices", "type": "quantitative", "title": "devices", **across}
    y = {"field": "rate", "type": "quantitative", "title": "images a second", "axis": {"tickCount": 5}}
    ideal = [{"devices": number, "rate": number * each} for number in (0, most)]
    seen = [{"devices": len(job.active), "rate": _rate(job)} for job in jobs]
    dashed = {"type": "line", "strokeDash": [4, 3], "color": DIM}
    point = {"type": "point", "shape": "diamond", "filled": True, "size": 70, "opacity": 1, "color": SIDES["client"]}
    encoding = {"x": x, "y": y}
    return {
        "height": 220,
        "layer": [
            {"data": values(ideal), "mark": dashed, "encoding": encoding},
            {"data": values(seen), "mark": {"type": "line", "color": INK}, "encoding": encoding},
            {"data": values(seen), "mark": point, "encoding": encoding},
        ],
    }


def _table(title: str, jobs: Sequence[Job], each: float) -> Table:
    rows = [
        [
            str(len(job.active)),
            numbers.three(_rate(job)),
            numbers.three(_rate(job) / len(job.active)),
            numbers.three(_rate(job) / each / len(jobs[0].active)),
            numbers.three(job.fleet.seconds),
            job.busy,
            "as it should be" if job.fleet.is_right else "not as it should be",
            job.title,
        ]
        for job in jobs
    ]
    return Table(title, HEAD, rows, (0, 1, 2, 3, 4, 5))
