"""How many charts of a kind are drawn: each costs tens of milliseconds, and nobody looks at a hundred of them."""

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.report.content import Chart, Part, Words

MOST_DRAWN = 6


def few(charts: Sequence[Chart], what: str) -> list[Part]:
    """Return the first of *charts*; of the others the tables behind them, and a sentence that says so."""
    several = len({chart.machine for chart in charts}) > 1
    rest = [
        replace(chart.table, caption=f"{_title(chart, several=several)}. {chart.table.caption}", is_folded=True)
        for chart in charts[MOST_DRAWN:]
    ]
    said = Words([f"Of {len(charts)} {what} the first {MOST_DRAWN} are drawn; the others stand in tables alone."])
    return [*charts[:MOST_DRAWN], *([said] if rest else []), *rest]


def _title(chart: Chart, *, several: bool) -> str:
    """Name the machine where there are several: no heading above says it."""
    return f"{chart.title}{f', on {chart.machine}' if several else ''}"
