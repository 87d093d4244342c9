"""The map as a chart: a panel for each class of clients, below each other, drawn as one facet: that is quickest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.decide import BANDWIDTHS, Decision
from benchmarks.report.charts.drawing import INK, PAPER, SIDES, UNDECIDED, values
from benchmarks.report.sections.map import plane
from benchmarks.report.sections.map.checked import Checked
from benchmarks.report.sections.map.plane import Frame, Place, Taken

LETTERS = {"server": "S", "client": "C", "undecided": "?", "not measured": "–"}
SHAPES = {"right": "triangle-up", "WRONG": "cross", "undecided": "diamond", "not measured": "square"}
COLOURS = {"server": SIDES["server"], "undecided": UNDECIDED, "client": SIDES["client"]}
BREAK = " | "  # between the lines of a panel's title
LETTER, BEFORE, BEHIND = 6.0, 16.0, 8.0  # px: of a letter, of a network's number, and of a sign before its word

Rows = Iterator[dict[str, Any]]


@dataclass(frozen=True)
class Panel:
    """A class of clients: its title in two lines, its decision, and what is marked."""

    title: tuple[str, str]
    decision: Decision
    cells: Sequence[Checked]  # with a place

    @property
    def name(self) -> str:
        """The title in one."""
        return BREAK.join(self.title)


def spec(panels: Sequence[Panel], networks: Sequence[tuple[str, Place]]) -> dict[str, Any]:
    """Return the chart of *panels*; *networks* have a number and a place."""
    places = [cell.at for panel in panels for cell in panel.cells if cell.at]
    frame = Frame().around([*(at for _, at in networks), *places])
    rows = [{"panel": panel.name, **row} for panel in panels for row in rows_of(panel, networks, frame)]
    header = {"title": None, "labelOrient": "top", "labelAnchor": "start", "labelFontSize": 11, "labelColor": INK}
    lines = {"labelExpr": f"split(datum.value, '{BREAK}')", "labelPadding": 2, "labelLineHeight": 14}
    order = {"field": "panel", "type": "nominal", "sort": [panel.name for panel in panels]}
    return {
        "data": values(rows),
        "facet": {"row": {**order, "header": {**header, **lines}}},
        "spec": {"width": frame.width, "height": frame.height, "layer": [*_layers(rows, frame)]},
        "resolve": {"axis": {"x": "independent"}},
        "autosize": "pad",  # a facet cannot be fitted
        "config": {"facet": {"spacing": 12}},
    }


def rows_of(panel: Panel, networks: Sequence[tuple[str, Place]], frame: Frame) -> Rows:
    """Yield all that is drawn in a panel, each row of a ``kind``; rates in Mbit/s, round trips in ms."""
    points = plane.border(panel.decision, frame)
    yield from _areas(points, frame)
    yield from ({"kind": "border", "rate": one["rate"], "ms": one["value"]} for one in plane.line(points, frame))
    for (rate, ms), winner in plane.letters(panel.decision, [*_taken(panel, networks)], frame):
        yield {"kind": "letter", "rate": rate, "ms": ms, "text": LETTERS[winner]}
    for number, (rate, ms) in networks:
        yield {"kind": "network", "rate": rate, "ms": ms, "text": number}
    yield from _checked(panel.cells, frame)


def _areas(points: Sequence[dict[str, float]], frame: Frame) -> Rows:
    """Yield the regions of server, undecided and client, each from one border to another; none that is empty."""
    low, high = frame.round_trips
    ends = [(point["rate"], (low, point["low"], point["high"], high)) for point in plane.thinned(points)]
    for at, region in enumerate(COLOURS):
        if any(borders[at] < borders[at + 1] for _, borders in ends):
            for rate, borders in ends:
                yield {"kind": "area", "region": region, "rate": rate, "ms": borders[at], "to": borders[at + 1]}


def _taken(panel: Panel, networks: Sequence[tuple[str, Place]]) -> Iterator[Taken]:
    """Yield the places where something is written, and how far that reaches."""
    yield from ((at, BEFORE, 0.0) for _, at in networks)
    yield from ((cell.at, 0.0, BEHIND + LETTER * len(cell.words)) for cell in panel.cells if cell.at)


def _checked(cells: Sequence[Checked], frame: Frame) -> Rows:
    """Yield a sign for each cell, and its word where that would not be written over another's."""
    told = list[Taken]()
    for cell in cells:
        if cell.at:
            rate, ms = cell.at
            yield {"kind": "sign", "rate": rate, "ms": ms, "verdict": cell.verdict}
            if not any(plane.is_over(cell.at, other, frame) for other in told):
                yield {"kind": "word", "rate": rate, "ms": ms, "text": cell.words}
                told.append((cell.at, LETTER * 7, LETTER * 7))


def _layers(rows: Sequence[Mapping[str, Any]], frame: Frame) -> Iterator[dict[str, Any]]:
    """Yield the layers that there is something for, from below."""
    colour, shape = _scale("region", COLOURS), _scale("verdict", SHAPES)
    text = {"text": {"field": "text"}}
    point = {"type": "point", "filled": True, "color": INK, "stroke": PAPER, "opacity": 1}
    edge = {"stroke": PAPER, "strokeWidth": 3, "color": PAPER}
    number, word = {"align": "right", "dx": -5, "fontWeight": "bold"}, {"align": "left", "dx": 7}
    looks: Sequence[tuple[str, dict[str, Any], dict[str, Any]]] = (
        ("area", {"type": "area", "opacity": 0.35, "line": False}, {"color": colour, "y2": {"field": "to"}}),
        ("border", {"type": "line", "color": INK, "strokeWidth": 1.5}, {}),
        ("letter", {"type": "text", "fontSize": 9}, text),
        ("network", {**point, "size": 36}, {}),
        ("network", {"type": "text", **number}, text),
        ("sign", {**point, "size": 70}, {"shape": shape}),
        ("word", {"type": "text", **word, **edge}, text),
        ("word", {"type": "text", **word}, text),
    )
    there = {row["kind"] for row in rows}
    for kind, mark, encoding in looks:
        if kind in there:
            only = [{"filter": f"datum.kind === '{kind}'"}]
            yield {"transform": only, "mark": mark, "encoding": {**_axes(frame), **encoding}}


def _scale(field: str, looks: Mapping[str, str]) -> dict[str, Any]:
    scale = {"domain": [*looks], "range": [*looks.values()]}
    return {"field": field, "type": "nominal", "legend": None, "scale": scale}


def _axes(frame: Frame) -> dict[str, Any]:
    def axis(field: str, title: str, domain: tuple[float, float], ticks: Sequence[float]) -> dict[str, Any]:
        scale = {"type": "log", "domain": [*domain], "nice": False}
        look = {"title": title, "values": [*ticks], "format": "~g", "grid": False, "labelOverlap": False}
        return {"field": field, "type": "quantitative", "scale": scale, "axis": look}

    return {
        "x": axis("rate", "Mbit/s each way", frame.rates, BANDWIDTHS),
        "y": axis("ms", "round trip, ms", frame.round_trips, plane.TICKS),
    }
