"""What a right answer costs: accuracy against latency, for each machine and side, with Pareto's front."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from benchmarks.measuring.shares import interval
from benchmarks.report.charts.drawing import DIM, INK, LINE
from benchmarks.report.charts.picture import INNER, Shape, Sheet, box, colour_of, dot, spec
from benchmarks.report.charts.placing import Box, placed
from benchmarks.report.charts.samples import front
from benchmarks.report.charts.scales import LogScale, even
from benchmarks.report.content import Chart, Material, Part, Section, Table, Words
from benchmarks.report.rows.groups import SIDE_WORDS, SOFTWARE, file_of, is_ours, meaning, model_of, of_phase
from benchmarks.results import Row, keys, numbers
from models.names import tame

STUDYS = "server-cpu"
OF_IMAGES = 10_000  # test images that the manifest's accuracies are of
WEAKER = re.compile(r"(@\d+x)?(-over-.+)?$")  # what follows a platform's name where client or network are slower
LEFT, RIGHT, TOP, BOTTOM = 34, INNER - 8, 8, 250  # px of the plot
LEAST_SPAN = 2.0  # per cent, of an axis
NEAR = 14  # px up or down: a name that stands no farther needs no line to its point
LEAD = (
    "Up is more often right, left is faster. The steps are Pareto's front, by the figures themselves: no model on it "
    "(filled) is beaten by another in both. Upright lines: the 95 % interval of the share, binomial; the models "
    "answered the same images, so their differences are known better than that. Lines across: the latency's interval. "
    "Of several platforms, and of several runs, a model has the fastest: the table names both."
)
CLOCK = "Inside the clock: an inference, from asking for it until its outputs can be read on the host."


@dataclass(frozen=True)
class Share:
    """How often a model is right, in per cent, and who says so."""

    top1: float
    images: int
    who: str

    @property
    def ends(self) -> tuple[float, float]:
        """The 95 % interval, in per cent."""
        low, high = interval(self.top1 / 100, self.images)
        return 100 * low, 100 * high


@dataclass(frozen=True)
class Point:
    """A model on the platform where it is fastest."""

    row: Row
    share: Share
    file: str = ""  # behind its name, where another file goes by that

    @property
    def cost(self) -> tuple[float, float]:
        """Its latency in seconds, and its accuracy."""
        return self.row.figure.value, self.share.top1

    @property
    def name(self) -> str:
        """Its name in the chart."""
        return f"{self.model}{f' {self.row.signs}' if self.row.signs else ''}"

    @property
    def model(self) -> str:
        """The model's name, with its file where another goes by that."""
        return f"{model_of(self.row)}{self.file}"


def accuracy(material: Material) -> Section | None:
    """Return a chart for ``server-cpu`` of each machine, and one for each side of it."""
    rows = [row for row in of_phase(material.rows, "latency") if is_ours(row) and numbers.is_time(row.figure.value)]
    shares = Shares(of_phase(material.rows, "accuracy"))
    parts: list[Part] = [chart for kind in _kinds(rows) for chart in _chart(*kind, shares)]
    if not parts:
        return None
    return Section("accuracy", "Accuracy against latency", LEAD, [*parts, *_left_out(rows, shares)])


class Shares:
    """How often the models are right: as measured where there is that, else as the manifest has it."""

    def __init__(self, measured: Sequence[Row]) -> None:
        """Read the accuracies that were measured; of several of a platform the last counts."""
        self._measured = sorted(filter(is_ours, measured), key=lambda row: row.run.started)

    def of(self, row: Row) -> Share | None:
        """Return how often a row's model is right; None where nobody trained it, or nobody knows."""
        if without(row):
            return None
        return self._as_measured(row) or self._as_told(row)

    def _as_measured(self, row: Row) -> Share | None:
        """Return what was measured on a machine of the same file: there, else of an own file anywhere."""
        alike = [one for one in self._measured if one.machine == row.machine and one.sha256 == row.sha256]
        here = [one for one in alike if _base(one) == _base(row)]
        of_any = alike if row.result.info.get(keys.TOP1) is None else []
        for one in reversed(here or of_any):
            info = one.result.info
            if (top1 := _percent(info)) is not None:
                return Share(top1, int(info.get("images") or OF_IMAGES), f"measured on {one.platform} by -m accuracy")
        return None

    @staticmethod
    def _as_told(row: Row) -> Share | None:
        top1 = _percent(row.result.info)
        return None if top1 is None else Share(top1, OF_IMAGES, "the manifest's")


def without(row: Row) -> str:
    """Return why a row's model has no accuracy; nothing where it may have one."""
    if row.result.is_untrained:
        return "nobody trained it"
    return "a stand-in, trained shortly" if row.result.is_stand_in else ""


def _percent(info: Mapping[str, Any]) -> float | None:
    top1 = info.get(keys.TOP1)
    return float(top1) if isinstance(top1, int | float) and 0 <= top1 <= 100 else None


def _base(row: Row) -> str:
    """Return the platform without what makes it slower and answers no other."""
    return WEAKER.sub("", str(row.platform))


Kind = tuple[str, list[Row]]  # what a chart is of, and its rows


def _kinds(rows: Sequence[Row]) -> Iterator[Kind]:
    """Yield what has a chart: ``server-cpu`` of each machine, its other servers, its clients, networks apart."""
    found: dict[tuple[str, str, str, bool], list[Row]] = {}
    for row in rows:
        weaker = str(row.platform).removeprefix(_base(row))
        found.setdefault((row.machine, str(row.side), weaker, row.result.is_software), []).append(row)
    for (machine, side, weaker, is_software), of in found.items():
        software = f", on {SOFTWARE}" if is_software else ""
        studys = [row for row in of if row.platform == STUDYS]
        if studys:
            yield f"{STUDYS} on {machine}", studys
        if any(row.platform != STUDYS for row in _fastest(of)):
            yield f"the fastest {SIDE_WORDS[side]}{weaker} on {machine}{software}", of


def _chart(title: str, rows: Sequence[Row], shares: Shares) -> Iterator[Chart]:
    """Yield the chart of the models on the platform where each is fastest."""
    file = file_of(rows)
    points = [Point(row, share, file(row)) for row in _fastest(rows) if (share := shares.of(row))]
    if not points:
        return
    best = {id(points[at]) for at in front([point.cost for point in points])}
    whole = f"Accuracy against latency: {title}, {_batch(rows)}"
    clock = f"{CLOCK} {_who(points)} Logarithmic."
    yield Chart(whole, clock, _words(points, best), _picture(points, best), _table(whole, points, best))


def _fewest(rows: Sequence[Row]) -> int:
    return min(row.batch_size or 1 for row in rows)


def _batch(rows: Sequence[Row]) -> str:
    return f"batch {_fewest(rows)}"


def _fastest(rows: Sequence[Row]) -> list[Row]:
    """Return each model where it is fastest with the fewest images at a time, the fastest of all first."""
    found: dict[tuple[str, str | None], Row] = {}
    for row in sorted(rows, key=lambda row: row.figure.value):
        if (row.batch_size or 1) == _fewest(rows):
            found.setdefault((model_of(row), row.sha256), row)
    return [*found.values()]


def _who(points: Sequence[Point]) -> str:
    who = sorted({"measured by -m accuracy" if "measured" in one.share.who else one.share.who for one in points})
    images = " or ".join(f"{number:,}" for number in sorted({point.share.images for point in points}))
    return f"Top-1 of {images} test images: {' and '.join(who)}."


def _words(points: Sequence[Point], best: set[int]) -> str:
    on, off = ([point for point in points if (id(point) in best) is is_best] for is_best in (True, False))
    words = f"On the front: {'; '.join(map(_point_words, on))}."
    return f"{words} Beaten: {'; '.join(map(_point_words, off))}." if off else words


def _point_words(point: Point) -> str:
    return f"{point.name} {point.share.top1:.2f} % in {numbers.time(point.row.figure.value)}"


def _table(title: str, points: Sequence[Point], best: set[int]) -> Table:
    head = ["model", "precision", "platform", "latency, ms", "95 % interval", "top-1, %", "95 % interval", "images"]
    cells = [
        [
            point.model,
            point.row.precision or numbers.NONE,
            str(point.row.platform),
            numbers.three(point.row.figure.value * 1e3),
            numbers.between(point.row.figure.low, point.row.figure.high, 1e3),
            f"{point.share.top1:.2f}",
            "{:.2f} to {:.2f}".format(*point.share.ends),
            f"{point.share.images:,}",
            point.share.who,
            "yes" if id(point) in best else "no",
            point.row.run.file.name,
            meaning(point.row.marks),
        ]
        for point in points
    ]
    return Table(title, [*head, "whose", "on the front", "file", "marks"], cells, (3, 4, 5, 6, 7))


def _left_out(rows: Sequence[Row], shares: Shares) -> list[Words]:
    """Say which models have no accuracy, and why; and which were timed with more images at a time alone."""
    why: dict[str, dict[str, None]] = {}
    for row in rows:
        if shares.of(row) is None:
            reason = without(row) or "none is known (tox run -e accuracy measures it)"
            why.setdefault(reason, {})[model_of(row)] = None
    told = [f"{', '.join(models)}: {reason}" for reason, models in why.items()]
    more = [f"{title} ({', '.join(models)})" for title, of in _kinds(rows) if (models := _with_more(of, shares))]
    words = [f"Left out, without an accuracy: {'; '.join(told)}."] if told else []
    words += [f"Left out, timed with more images at a time alone: {'; '.join(more)}."] if more else []
    return [Words(words)] if words else []


def _with_more(rows: Sequence[Row], shares: Shares) -> list[str]:
    """Return the models that were timed with more images at a time than the fewest of a chart alone."""
    shown = {(model_of(row), row.sha256) for row in _fastest(rows)}
    lost = [row for row in rows if (model_of(row), row.sha256) not in shown and shares.of(row)]
    return [*dict.fromkeys(map(model_of, lost))]


# The picture


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


def _picture(points: Sequence[Point], best: set[int]) -> dict[str, Any]:
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
