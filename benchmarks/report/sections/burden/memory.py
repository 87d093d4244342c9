"""What memory a page takes over its start, held against the budget of its run."""

from collections.abc import Sequence
from typing import Any

from benchmarks.decide import words
from benchmarks.report.charts.drawing import DIM, DOUBT, INK, SERIES, values
from benchmarks.report.content import Chart, Table
from benchmarks.report.ends import FEW
from benchmarks.report.rows.lines import Lines, shortened
from benchmarks.report.sections.burden.beside import STEP, axis_of, words_of
from benchmarks.results import Row, keys

MEGA = 1e6
CLOCK = (
    "What a page takes, MB: its peak less what it held before the runtime was loaded, of the opening that took most. A "
    "tick is the run's budget."
)


def memory(lines: Lines[Row]) -> Chart:
    """Return the chart of the rows of a model on a machine."""
    return Chart(
        lines.titled("memory"), CLOCK, _most(lines.named), _spec(lines.named), _table(lines.named), lines.machine
    )


def judged(row: Row) -> str:
    """Say how that compares with the run's budget."""
    info = row.result.info
    if keys.MEMORY_BUDGET not in info:
        return "no budget" if row.side == "client" else "a process, no budget"
    budget = words.size(info[keys.MEMORY_BUDGET])
    return f"OVER {budget}" if info.get(keys.OVER_BUDGET) else f"within {budget}"


def _most(named: Sequence[tuple[str, Row]]) -> str:
    """Say who takes least and most, and who takes more than the budget."""
    told = sorted((size, name) for name, row in named if (size := row.result.taken) is not None)
    if not told:
        return "This system does not tell."
    least, most = (f"{name} {words.size(size)}" for size, name in (told[0], told[-1]))
    return f"{least if len(told) == 1 else f'From {least} to {most}'}. {_against_budgets(named)}"


def _against_budgets(named: Sequence[tuple[str, Row]]) -> str:
    """Say who takes more than the budget of its run."""
    held = [row for _, row in named if keys.MEMORY_BUDGET in row.result.info]
    over = [name for name, row in named if row.result.info.get(keys.OVER_BUDGET)]
    if not held:
        return "No budget was set."
    if not over:
        return f"Within the budget: {len(held)} of {len(held)}."
    which = f" ({'; '.join(over)})" if len(over) <= FEW else ""
    return f"OVER the budget: {len(over)} of {len(held)}{which}."


def _size(number: int | None) -> str:
    return "not told" if number is None else words.size(number)


def _beside(row: Row) -> str:
    before, peak = (row.result.info.get(f"{keys.MEMORY}{name}") for name in ("before", "peak"))
    return f"{judged(row)}; before {_size(before)}, peak {_size(peak)}"


def sizes(named: Sequence[tuple[str, Row]]) -> list[dict[str, Any]]:
    """Return a row for each benchmark: what it took and its budget in MB, and the words beside it."""
    rows = list[dict[str, Any]]()
    for name, row in named:
        found, budget = row.result.taken, row.result.info.get(keys.MEMORY_BUDGET)
        one: dict[str, Any] = {"name": name, "label": shortened(name), "size": _size(found)}
        one["beside"] = _beside(row)
        one |= {"mb": found / MEGA, "over": bool(row.result.info.get(keys.OVER_BUDGET))} if found is not None else {}
        rows.append(one | ({"budget": budget / MEGA} if budget is not None else {}))
    return rows


def _spec(named: Sequence[tuple[str, Row]]) -> dict[str, Any]:
    rows = sizes(named)
    y, most = axis_of(rows), 1.04 * max([row[end] for row in rows for end in ("mb", "budget") if end in row], default=1)

    def x(field: str) -> dict[str, Any]:
        axis, scale = {"format": ",.0f", "tickCount": 5, "title": "MB over the start"}, {"domain": [0, most]}
        return {"field": field, "type": "quantitative", "axis": axis, "scale": {**scale, "nice": False}}

    colour = {"condition": {"test": "datum.over", "value": DOUBT}, "value": SERIES[0]}
    return {
        "height": STEP,
        "layer": [
            {
                "data": values([row for row in rows if "mb" in row]),
                "mark": {"type": "bar", "height": 12, "yOffset": 4},
                "encoding": {"y": y, "x": x("mb"), "color": colour},
            },
            {
                "data": values([row for row in rows if "budget" in row]),
                "mark": {"type": "tick", "size": 20, "thickness": 2.5, "color": INK, "yOffset": 4},
                "encoding": {"y": y, "x": x("budget")},
            },
            *words_of(rows, y, {"size": ("right", -12, INK), "beside": ("left", 19, DIM)}),
        ],
    }


def _table(named: Sequence[tuple[str, Row]]) -> Table:
    head = ["client", "over the start", "budget", "", "before", "peak", "WebAssembly's", "doubts"]
    rows = [
        [
            name,
            _size(row.result.taken),
            _size(row.result.info[keys.MEMORY_BUDGET]) if keys.MEMORY_BUDGET in row.result.info else "none",
            judged(row),
            *(_size(row.result.info.get(f"{keys.MEMORY}{part}")) for part in ("before", "peak", "wasm")),
            "; ".join(row.result.doubts.values()),
        ]
        for name, row in named
    ]
    return Table("Memory; before and peak of the opening with the highest peak", head, rows, (1, 2, 4, 5, 6))
