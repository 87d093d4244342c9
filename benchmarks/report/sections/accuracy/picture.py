"""The chart of points: milliseconds across, per cent upwards, the front as steps, and a name beside each point."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from benchmarks.report.charts.drawing import DIM, INK, LINE
from benchmarks.report.charts.picture import INNER, Shape, Sheet, box, colour_of, dot, spec
from benchmarks.report.charts.placing import Box, placed
from benchmarks.report.charts.scales import LogScale, even
from benchmarks.report.sections.accuracy.points import Point
from benchmarks.results import numbers
from models.names import tame

LEFT, RIGHT, TOP, BOTTOM = 34, INNER - 8, 8, 250  # px of the plot
LEAST_SPAN = 2.0  # per cent, of an axis
NEAR = 14  # px up or down: a name that stands no farther needs no line to its point


@dataclass(frozen=True)
class Plane:
    """The axes: milliseconds across, per cent upwards."""

    scale: LogScale
    factor: float
    unit: str
    low: float
    high: float

    @classmethod
    def of(cls, points: Sequence[Point]) -> "Plane":
        """Return axes that hold all points with their intervals."""
        times = [end for point in points for end in _times(point)]
        factor, unit = numbers.time_unit(min(times), max(times))
        ends = [end for point in points for end in point.share.ends]
        room = max(0.06 * (max(ends) - min(ends)), (LEAST_SPAN - (max(ends) - min(ends))) / 2)
        scale = LogScale.of([time * factor for time in times], LEFT + 6, RIGHT)
        return cls(scale, factor, unit, max(0.0, min(ends) - room), min(100.0, max(ends) + room))

    def x(self, seconds: float) -> float:
        """Return where a time lies, in px."""
        return self.scale.at(seconds * self.factor)

    def y(self, percent: float) -> float:
        """Return where a share lies, in px."""
        return BOTTOM - (percent - self.low) / (self.high - self.low) * (BOTTOM - TOP)


def _times(point: Point) -> list[float]:
    figure = point.row.figure
    return [end for end in (figure.value, figure.low, figure.high) if end is not None and numbers.is_time(end)]


def picture(points: Sequence[Point], best: set[int]) -> dict[str, Any]:
    """Return the chart; the *best* are on the front, by their identity."""
    plane, page = Plane.of(points), Sheet(height=BOTTOM)
    for percent in even(plane.low, plane.high):
        y = plane.y(percent)
        page.shapes.append(Shape(box(LEFT, RIGHT, y - 0.5, y + 0.5), LINE))
        page.texts.append({"t": f"{percent:g} %", "x": 0, "y": y + 4, "a": "left", "c": INK, "w": 400})
    steps = _steps([point for point in points if id(point) in best], plane)
    page.shapes.append(Shape(_path(steps), INK, 0.6))
    for point in points:
        page.shapes += _point(point, plane, is_best=id(point) in best)
    _name(page, sorted(points, key=lambda point: id(point) not in best), plane, steps)
    return spec(page, plane.scale, plane.unit)


def _steps(points: Sequence[Point], plane: Plane) -> list[Box]:
    """Return the front as lines: so accurate at so much, and no more until the next."""
    places = [(plane.x(point.cost[0]), plane.y(point.cost[1])) for point in points]
    ends = [*(x for x, _ in places[1:]), float(RIGHT)]
    across = [Box(x, y - 0.6, end, y + 0.6) for (x, y), end in zip(places, ends, strict=True)]
    return [*across, *(Box(x - 0.6, y, x + 0.6, below) for (_, below), (x, y) in pairwise(places))]


def _point(point: Point, plane: Plane, *, is_best: bool) -> list[Shape]:
    """Return a point with its intervals: filled on the front, else hollow."""
    x, y = plane.x(point.cost[0]), plane.y(point.cost[1])
    mark = Shape(dot(x, y, point.row.side), colour_of(point.row.side), is_line=not is_best)
    return [Shape(_path(_whiskers(point, plane)), DIM, 0.7), mark]


def _path(lines: Sequence[Box]) -> str:
    return "".join(box(line.left, line.right, line.top, line.bottom) for line in lines)


def _whiskers(point: Point, plane: Plane) -> list[Box]:
    """Return the lines of a point's intervals, that of the latency where it has one."""
    x, y = plane.x(point.cost[0]), plane.y(point.cost[1])
    low, high = map(plane.y, point.share.ends)
    upright, figure = Box(x - 0.5, high, x + 0.5, low), point.row.figure
    if figure.low is None or figure.high is None:
        return [upright]
    return [upright, Box(plane.x(figure.low), y - 0.5, plane.x(figure.high), y + 0.5)]


def _name(page: Sheet, points: Sequence[Point], plane: Plane, steps: Sequence[Box]) -> None:
    """Write the points' names beside them, with a line to those that stand farther off."""
    places = [(plane.x(point.cost[0]), plane.y(point.cost[1])) for point in points]
    lines = [*steps, *(line for point in points for line in _whiskers(point, plane))]
    boxes = placed(places, [tame(point.name) for point in points], Box(LEFT, 0, INNER, BOTTOM), lines)
    for point, (x, y), found in zip(points, places, boxes, strict=True):
        if found is None:  # the table has it
            continue
        page.texts.append({"t": point.name, "x": found.left, "y": found.bottom - 2, "a": "left", "c": INK, "w": 400})
        middle = (found.top + found.bottom) / 2
        if abs(middle - y) > NEAR:
            end = min(max(x, found.left), found.right)
            page.shapes.append(Shape(f"M{x:.1f},{y:.1f}L{end:.1f},{middle:.1f}", DIM, 0.6, is_line=True))
