"""Charts of rows: a name above each row, what was measured below it, all on one logarithmic axis.

Names are as long as they are, so they stand above their rows and are never cut. Everything has its place here, in px;
Vega-Lite draws it.
"""

import math
import textwrap
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.report.charts import drawing
from benchmarks.report.charts.drawing import DIM, DOUBT, INK, LINE
from benchmarks.report.charts.scales import LogScale
from models.names import tame

PADDING, AXIS = 4, 34  # px around a chart; of an axis
DIGIT = 7.5  # px of a digit, with room
INNER = drawing.WIDTH - 2 * PADDING  # px
LEFT, RIGHT = 8, INNER - 8  # of the axis
LINE_HEIGHT = 14  # px of a line of text
GAP = 7  # px between rows
THOUSANDS = 10_000  # from here on an axis has ``20k``
LETTERS = 44  # of a line in the widest of the usual fonts, bold, where all are as wide as an a
BOLD, PLAIN = 6.9, 6.1  # px of a letter there, on the whole
FILL = "\u2060"  # stands behind a letter that is two wide while lines are filled
DOTS = "Round: a server. Diamond: a client. Square: a server that a page asks."


@dataclass(frozen=True)
class Band:
    """Where a row is drawn."""

    top: float
    bottom: float

    @property
    def middle(self) -> float:
        """Its middle line."""
        return (self.top + self.bottom) / 2


@dataclass(frozen=True)
class Shape:
    """A path in px, filled, or as a line."""

    path: str
    colour: str
    opacity: float = 1.0
    is_line: bool = False


Draw = Callable[[Band], Sequence[Shape]]


@dataclass(frozen=True)
class Bar:
    """A row of a chart: its words, and what draws it."""

    label: str
    figure: str  # at the right
    note: str  # below the label
    draw: Draw
    signs: str = ""  # the marks, which stand beside the label
    heading: str = ""  # above the row, where a group of them begins


@dataclass
class Sheet:
    """What is on a chart so far, from its top down."""

    height: float = 0.0
    shapes: list[Shape] = field(default_factory=list)
    texts: list[dict[str, Any]] = field(default_factory=list)

    def write(
        self, words: str, colour: str = INK, *, is_bold: bool = False, right: str = "", right_colour: str = INK
    ) -> None:
        """Write a line or more, and words at the right end: in a line of their own where both do not fit."""
        lines = _in_lines(tame(words)) or [""]  # as long as it will stand there
        lines += [""] if right and not fit(lines[-1], right, BOLD if is_bold else PLAIN) else []
        for line in lines:
            self.height += LINE_HEIGHT
            self._put(line, 0, "left", colour, is_bold=is_bold)
        self._put(right, INNER, "right", right_colour, is_bold=False)

    def _put(self, words: str, x: int, align: str, colour: str, *, is_bold: bool) -> None:
        if words:
            about = {"x": x, "y": self.height - 3, "a": align, "c": colour, "w": 600 if is_bold else 400}
            self.texts.append({"t": words, **about})


def fit(words: str, right: str, letter: float) -> bool:
    """Whether a line, with letters so wide in px, has room for more words at its right end."""
    return len(_padded(words)) * letter + (len(_padded(right)) + 1) * PLAIN <= INNER


def _in_lines(words: str) -> list[str]:
    """Return *words* in lines of so many LETTERS at most."""
    return [line.replace(FILL, "") for line in textwrap.wrap(_padded(words), LETTERS)]


def _padded(words: str) -> str:
    """Return *words* as long as they are wide: a Chinese letter takes the place of two."""
    return "".join(f"{letter}{FILL}" if unicodedata.east_asian_width(letter) in "WF" else letter for letter in words)


def sheet(bars: Sequence[Bar], band: float) -> Sheet:
    """Return *bars* one below the other, each with a *band* of so many px."""
    page = Sheet()
    for bar in bars:
        if bar.heading:
            page.height += GAP
            page.write(bar.heading, DIM, is_bold=True)
        page.write(bar.label, is_bold=True, right=bar.figure)
        _notes(page, bar)
        page.shapes += bar.draw(Band(page.height, page.height + band))
        page.height += band + GAP
    return page


def _notes(page: Sheet, bar: Bar) -> None:
    """Write what stands below a label, and the marks in their own colour: beside it where there is room."""
    if fit(bar.note, bar.signs, PLAIN):
        if bar.note or bar.signs:
            page.write(bar.note, DIM, right=bar.signs, right_colour=DOUBT)
        return
    page.write(bar.note, DIM)
    page.write(bar.signs, DOUBT)


def spec(page: Sheet, scale: LogScale, title: str) -> dict[str, Any]:
    """Return a sheet on its axis as Vega-Lite has it."""
    bottom = page.height
    grid = "".join(box(x - 0.5, x + 0.5, 0, bottom + 4) for x in map(scale.at, scale.ticks))
    page.shapes.insert(0, Shape(grid + box(scale.left, scale.right, bottom, bottom + 1), LINE))
    page.texts += [*_ticks(scale, bottom + LINE_HEIGHT + 3)]
    middle = {"x": (scale.left + scale.right) / 2, "y": bottom + 2 * LINE_HEIGHT + 4}
    page.texts.append({"t": title, **middle, "a": "center", "c": DIM, "w": 400})
    page.height += AXIS
    return plain(page)


def _ticks(scale: LogScale, y: float) -> Iterator[dict[str, Any]]:
    """Yield the values below an axis, where there is room: ``0.5``, ``200``, on a long one ``20k``."""
    taken = -math.inf
    for tick in scale.ticks:
        words = f"{tick / 1000:,g}k" if tick >= 1000 and scale.high >= THOUSANDS else f"{tick:,g}"
        half = len(words) * DIGIT / 2
        x = min(max(scale.at(tick), half), INNER - half)
        if x - half > taken:
            taken = x + half
            yield {"t": words, "x": x, "y": y, "a": "center", "c": INK, "w": 400}


def plain(page: Sheet) -> dict[str, Any]:
    """Return a sheet as Vega-Lite has it. Its size is known: Vega need not find out."""
    config = {"autosize": {"type": "none"}, "padding": PADDING}
    return {"width": INNER, "height": page.height, "layer": _layers(page), "config": config}


def _layers(page: Sheet) -> list[dict[str, Any]]:
    """Return what is on a sheet, the words on top."""
    filled = [shape for shape in page.shapes if not shape.is_line]
    lines = [shape for shape in page.shapes if shape.is_line]
    fill: dict[str, Any] = {"filled": True, "strokeWidth": 0}
    stroke: dict[str, Any] = {"filled": False, "strokeWidth": 1.2}
    marks = [(fill, filled), (stroke, lines)]
    return [*(_paths(mark, shapes) for mark, shapes in marks if shapes), _text_layer(page.texts)]


def _paths(mark: dict[str, Any], shapes: Sequence[Shape]) -> dict[str, Any]:
    """Return *shapes* as a layer: a point's shape may be any path, and of a size of 4 it is in px."""
    rows = [{"p": shape.path, "c": shape.colour, "o": shape.opacity} for shape in shapes]
    opacity = {"field": "o", "type": "quantitative", "scale": None}
    encoding = {"x": {"value": 0}, "y": {"value": 0}, "shape": _as_is("p"), "color": _as_is("c"), "opacity": opacity}
    return {"data": drawing.values(rows), "mark": {"type": "point", "size": 4, **mark}, "encoding": encoding}


def _in_px(name: str) -> dict[str, Any]:
    """Return the encoding of a field that is a place."""
    return {"field": name, "type": "quantitative", "scale": None}


def _as_is(name: str) -> dict[str, Any]:
    """Return the encoding of a field that is a colour or a path."""
    return {"field": name, "type": "nominal", "scale": None}


def _text_layer(texts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return *texts* as a layer: ``t`` at ``x`` and ``y``, aligned as ``a``, in colour ``c`` and weight ``w``."""
    how = {"align": {"expr": "datum.a"}, "fontWeight": {"expr": "datum.w"}, "baseline": "alphabetic"}
    encoding = {"x": _in_px("x"), "y": _in_px("y"), "text": {"field": "t", "type": "nominal"}, "color": _as_is("c")}
    return {"data": drawing.values(texts), "mark": {"type": "text", **how}, "encoding": encoding}


def box(left: float, right: float, top: float, bottom: float) -> str:
    """Return the path of a rectangle, a px wide at least."""
    right = max(right, left + 1)
    return f"M{left:.1f},{top:.1f}H{right:.1f}V{bottom:.1f}H{left:.1f}Z"


def dot(x: float, y: float, side: str | None, radius: float = 4.5) -> str:
    """Return the path of a dot: round of a server, a diamond of a client, a square of a server that a page asks."""
    if side == "client":
        return f"M{x - radius:.1f},{y:.1f}L{x:.1f},{y - radius:.1f}L{x + radius:.1f},{y:.1f}L{x:.1f},{y + radius:.1f}Z"
    if side == "remote":
        return box(x - radius + 1, x + radius - 1, y - radius + 1, y + radius - 1)
    return f"M{x - radius:.1f},{y:.1f}a{radius},{radius} 0 1,0 {2 * radius},0a{radius},{radius} 0 1,0 {-2 * radius},0Z"


def rule(x: float, band: Band) -> Shape:
    """Return an upright line through a row."""
    return Shape(box(x - 0.6, x + 0.6, band.top - 1, band.bottom + 1), DIM)


def whisker(scale: LogScale, low: float | None, high: float | None, y: float) -> list[Shape]:
    """Return the interval of a figure as a line with ends; nothing where there is none."""
    if low is None or high is None:
        return []
    left, right = scale.at(low), scale.at(high)
    ends = box(left, left + 1, y - 3, y + 3) + box(right - 1, right, y - 3, y + 3)
    return [Shape(box(left, right, y - 0.75, y + 0.75) + ends, INK)]


def colour_of(side: str | None) -> str:
    """Return the colour of a side."""
    return drawing.SIDES.get(side or "", DIM)
