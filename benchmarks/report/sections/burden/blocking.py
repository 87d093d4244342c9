"""How long a page freezes while a model computes in it: the longest task, what was blocked, the frames missed."""

from collections.abc import Sequence
from typing import Any

from benchmarks.decide import words
from benchmarks.decide.burden import FRAME
from benchmarks.measuring.starts import Figure
from benchmarks.protocol import Blocking
from benchmarks.report.charts.drawing import DIM, DOUBT, PAPER, SIDES, values
from benchmarks.report.content import Chart, Table
from benchmarks.report.ends import FEW
from benchmarks.report.rows.lines import Lines, shortened
from benchmarks.report.sections.burden.beside import STEP, axis_of, words_of
from benchmarks.results import Row, keys

MILLI = 1e3
COLOUR = SIDES["client"]  # only pages freeze
LONG_TASK = 0.05  # seconds: W3C, Long Tasks API
TICKS = (0.1, 1, 10, 100, 1000, 10_000)  # ms
CLOCK = (
    "The longest task while inferences run and the page draws, with its interval. Blocked and frames: of the start "
    "that froze most. Hollow: a weaker client, emulated."
)


def is_emulated(row: Row) -> bool:
    """Whether a quota makes a weaker client of it: such lines stand below the others."""
    return keys.SLOWDOWN in row.result.info


def blocking(lines: Lines[Row]) -> Chart:
    """Return the chart of the rows of a model on a machine."""
    title, seen = lines.titled("how long the page freezes"), _freezing(lines.named)
    return Chart(title, CLOCK, seen, _spec(lines.named), _table(lines.named), lines.machine)


def longest_task(row: Row) -> Figure | None:
    """Return the longest task in the middle of the starts, in seconds; of an older run that of the worst start."""
    worst = row.result.blocking
    return row.longest_task or (Figure(worst.longest_task, 1) if worst else None)


def suffered(row: Row) -> str:
    """Say what share of the window the page was blocked and which frames were missed, of the start that froze most."""
    if (worst := row.result.blocking) is None:
        return "not told"
    return f"{worst.blocked:.0%} blocked, {worst.frames_missed} of {worst.frames_wanted} frames missed"


def _freezing(named: Sequence[tuple[str, Row]]) -> str:
    """Say which take a frame or more, and how long the others do at most."""
    told = [(figure.value, name) for name, row in named if (figure := longest_task(row))]
    over = [f"{name} {words.duration(value)}" for value, name in sorted(told, reverse=True) if value > FRAME]
    rest = max((value for value, _ in told if value <= FRAME), default=None)
    within = f"the others take {words.duration(rest)} at most" if rest is not None else ""
    number = f"{len(over)} of {len(told)} take the page for more than a frame"
    which = f": {', '.join(over)}" if len(over) <= FEW else f", most {over[0]}"
    return f"{number}{which if over else ''}{'; ' if within else ''}{within}."


def _task(row: Row) -> str:
    figure = longest_task(row)
    return f"{words.duration(figure.value)}{_ends(figure)}" if figure else "not told"


def _ends(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return " (no interval)"
    return f" ({words.digits(figure.low * MILLI)} to {words.digits(figure.high * MILLI)})"


def tasks(named: Sequence[tuple[str, Row]]) -> list[dict[str, Any]]:
    """Return a row for each benchmark: its task and its interval in ms, and the words beside it."""
    return [_drawn(name, row) for name, row in named]


def _drawn(name: str, row: Row) -> dict[str, Any]:
    told = {"name": name, "label": shortened(name), "told": f"{_task(row)}; {suffered(row)}"}
    figure = longest_task(row)
    if not figure or not figure.value > 0:
        return told
    ends = {"low": figure.low * MILLI, "high": figure.high * MILLI} if figure.low and figure.high else {}
    return {**told, "ms": figure.value * MILLI, "emulated": is_emulated(row), **ends}


def _spec(named: Sequence[tuple[str, Row]]) -> dict[str, Any]:
    rows = tasks(named)
    y, x = axis_of(rows), _axis([row[end] for row in rows for end in ("ms", "low", "high") if end in row])
    interval = {"type": "rule", "strokeWidth": 2, "color": COLOUR, "yOffset": 4}
    point = {"type": "point", "shape": "diamond", "filled": True, "size": 60, "stroke": COLOUR}
    point |= {"strokeWidth": 1.5, "opacity": 1}
    fill = {"condition": {"test": "datum.emulated", "value": PAPER}, "value": COLOUR}
    layers = [
        *_limits(x),
        {
            "data": values([row for row in rows if "low" in row]),
            "mark": interval,
            "encoding": {"y": y, "x": x | {"field": "low"}, "x2": {"field": "high"}},
        },
        {
            "data": values([row for row in rows if "ms" in row]),
            "mark": {**point, "yOffset": 4},
            "encoding": {"y": y, "x": x, "fill": fill},
        },
        *words_of(rows, y, {"told": ("left", 17, DIM)}),
    ]
    return {"height": STEP, "layer": layers}


def _axis(told: Sequence[float]) -> dict[str, Any]:
    """Return the encoding of times in ms, which has room for *told* and for the limits."""
    low, high = min([*told, 5.0]) * 0.8, max([*told, 100.0]) * 1.25
    ticks = [value for value in TICKS if low <= value <= high]
    axis = {"values": ticks, "format": "~g", "title": "longest task, ms"}
    scale = {"type": "log", "domain": [low, high], "nice": False}
    return {"field": "ms", "type": "quantitative", "scale": scale, "axis": axis}


def _limits(x: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a rule for a frame and one for a long task, with their words above."""
    limits = [
        {"ms": FRAME * MILLI, "text": "a frame", "align": "right", "dx": -3},
        {"ms": LONG_TASK * MILLI, "text": "long", "align": "left", "dx": 3},
    ]
    rules = {"type": "rule", "strokeDash": [4, 3], "color": DOUBT}
    return [
        {"data": values(limits), "mark": rules, "encoding": {"x": x}},
        *(
            {
                "data": values([limit]),
                "mark": {"type": "text", "align": limit["align"], "dx": limit["dx"], "color": DIM},
                "encoding": {"x": x, "y": {"value": -7}, "text": {"field": "text"}},
            }
            for limit in limits
        ),
    ]


def _table(named: Sequence[tuple[str, Row]]) -> Table:
    head = [
        "client",
        "thread",
        "longest task",
        "of the start that froze most",
        "blocked",
        "frames missed",
        "wanted",
        "at rest, 1/s",
    ]
    rows = [[name, _thread(row), _task(row), *_of_worst(row.result.blocking), _doubts(row)] for name, row in named]
    return Table("Tasks of the main thread, and frames", [*head, "doubts"], rows, range(3, 8))


def _thread(row: Row) -> str:
    return str(row.result.info.get(keys.WHERE, "main"))


def _of_worst(worst: Blocking | None) -> list[str]:
    if worst is None:
        return ["not told"] * 5
    return [
        words.duration(worst.longest_task),
        f"{worst.blocked:.1%}",
        str(worst.frames_missed),
        str(worst.frames_wanted),
        f"{worst.frames_at_rest:.1f}",
    ]


def _doubts(row: Row) -> str:
    return "; ".join(row.result.doubts.values())
