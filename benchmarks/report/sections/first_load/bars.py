"""The parts of first loads as bars: downloads, compile, session, then the first inference."""

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.decide import words
from benchmarks.report.charts.drawing import DIM, INK, PAPER, SERIES, values
from benchmarks.report.content import Chart, Table
from benchmarks.report.rows.lines import Lines, shortened
from benchmarks.report.sections.first_load.loads import FIRST, ORDER, WHOLE, Load
from benchmarks.results import numbers

COLOURS = {  # by what a part is called
    "worker": SERIES[5],
    "runtime's download": SERIES[0],
    "runtime's script": SERIES[0],
    "model's download": SERIES[2],
    "compile": SERIES[4],
    "session": SERIES[3],
    "WebAssembly and session": SERIES[3],
    WHOLE: INK,
    FIRST: SERIES[1],
}
WIDE = 34  # px of a part that its milliseconds fit into
ACROSS = 330  # px
AXIS = {"format": ",.0f", "tickCount": 5}
CLOCK = (
    "Inside the clock: from asking for the runtime to an open session, in the parts of a typical opening, left to "
    "right as the legend has them; last the first inference."
)
OLDER = " An older version of the suite did not see the WebAssembly come: its download is in the last part of the load."
NEAR = " The server is on the same machine: no network."


def bars(lines: Lines[Load]) -> Chart:
    """Return the chart of the loads of a model on a machine."""
    (name, load), *others = lines.named
    clock = f"{CLOCK}{OLDER if load.is_older else ''}{'' if load.network else NEAR}"
    last = f" The slowest of {len(others) + 1}: {others[-1][0]}, {numbers.time(others[-1][1].total)}." if others else ""
    title, told, spec = lines.titled("first load"), f"{name}: {_told(load)}.{last}", _spec(lines.named)
    return Chart(title, clock, told, spec, _parts_table(lines.named), lines.machine)


def _told(load: Load) -> str:
    """Say how long it took in all, and what of it most."""
    part, seconds = max(load.parts.items(), key=lambda one: one[1])
    missing = "" if load.first else " (first inference not measured)"
    return f"{numbers.time(load.total)}{missing}, most of it {part} ({numbers.time(seconds)})"


def segments(named: Sequence[tuple[str, Load]], across: float = ACROSS) -> list[dict[str, Any]]:
    """Return each part of each load: from where to where in ms, and its words where they fit into *across* px."""
    rows, longest = list[dict[str, Any]](), max(load.total for _, load in named)
    for name, load in named:
        at = 0.0
        for part, seconds in load.parts.items():
            fits = seconds / longest * across >= WIDE
            text = words.digits(seconds * 1e3) if fits else ""
            rows.append({"name": name, "part": part, "from": at * 1e3, "to": (at + seconds) * 1e3, "text": text})
            at += seconds
    return rows


def _spec(named: Sequence[tuple[str, Load]]) -> dict[str, Any]:
    rows, y = segments(named), {"field": "name", "type": "nominal", "sort": [name for name, _ in named], "axis": None}
    begin = {"field": "from", "type": "quantitative", "title": "ms", "axis": AXIS}
    parts = [part for part in _order(named) if any(row["part"] == part for row in rows)]
    layers = [
        {
            "data": values(rows),
            "mark": {"type": "bar", "height": 14, "stroke": PAPER, "strokeWidth": 0.5},
            "encoding": {"y": y, "x": begin, "x2": {"field": "to"}, "color": _colour(parts)},
        },
        {
            "data": values(rows),
            "transform": [{"calculate": "(datum.from + datum.to) / 2", "as": "middle"}],
            "mark": {"type": "text", "color": PAPER, "fontSize": 10},
            "encoding": {"y": y, "x": {"field": "middle", "type": "quantitative"}, "text": {"field": "text"}},
        },
        *_words(named, y),
    ]
    return {"height": {"step": 54}, "layer": layers}


def _colour(parts: Sequence[str]) -> dict[str, Any]:
    """Return the encoding of what *parts* there are."""
    colours = [COLOURS.get(part, SERIES[5]) for part in parts]
    legend = {"columns": 2, "symbolType": "square", "columnPadding": 30}
    return {"field": "part", "type": "nominal", "scale": {"domain": parts, "range": colours}, "legend": legend}


def _words(named: Sequence[tuple[str, Load]], y: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what stands above each bar, at the left and the right edge, and below it."""
    lines = [
        {"name": name, "label": shortened(name), "total": numbers.time(load.total), "bytes": load.sent.words}
        for name, load in named
    ]
    looks = {"label": ("left", -15, INK), "bytes": ("left", 15, DIM), "total": ("right", -15, INK)}
    for field, (align, dy, colour) in looks.items():
        edge = {"value": 0 if align == "left" else "width"}
        yield {
            "data": values(lines),
            "mark": {"type": "text", "align": align, "dy": dy, "color": colour, "limit": ACROSS},
            "encoding": {"y": y, "x": edge, "text": {"field": field}},
        }


def _order(named: Sequence[tuple[str, Load]]) -> list[str]:
    """Return what parts are called, known ones in their order; of a later version's, too."""
    others = dict.fromkeys(part for _, load in named for part in load.parts if part not in ORDER)
    return [*(part for part in ORDER if part != FIRST), *others, FIRST]


def _parts_table(named: Sequence[tuple[str, Load]]) -> Table:
    parts = [part for part in _order(named) if any(part in load.parts for _, load in named)]
    head = ["client", *(f"{part}, ms" for part in parts), "in all, ms", "on the wire", "decoded", "files", "encoding"]
    rows = [
        [
            name,
            *(words.digits(load.parts[part] * 1e3) if part in load.parts else "–" for part in parts),
            words.digits(load.total * 1e3),
            f"{load.sent.wire:,}",
            f"{load.sent.decoded:,}",
            str(load.sent.files),
            ", ".join(load.sent.encodings) or "as it is",
        ]
        for name, load in named
    ]
    return Table("The parts of the typical load, and bytes", head, rows, range(1, len(parts) + 5))
