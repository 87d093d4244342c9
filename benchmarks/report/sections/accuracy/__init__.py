"""What a right answer costs: accuracy against latency, for each machine and side, with Pareto's front."""

from collections.abc import Iterator, Sequence

from benchmarks.report.charts.samples import front
from benchmarks.report.content import Chart, Material, Part, Section, Table, Words
from benchmarks.report.ends import FEW
from benchmarks.report.rows.groups import SIDE_WORDS, SOFTWARE, file_of, is_ours, meaning, model_of, of_phase
from benchmarks.report.sections.accuracy.picture import picture
from benchmarks.report.sections.accuracy.points import WEAKER, Point, Shares, base, measured_of, without
from benchmarks.results import Row, numbers

STUDYS = "server-cpu"
LEAD = (
    "Up is more often right, left is faster. The steps are Pareto's front: no model on it (filled) is beaten by "
    "another in both. Lines: 95 % intervals; of shares of the same images the differences are surer than these. Of "
    "several platforms and runs a model has the fastest: the table names both."
)
CLOCK = "Inside the clock: an inference, until its outputs can be read on the host."


def accuracy(material: Material) -> Section | None:
    """Return a chart for ``server-cpu`` of each machine, and one for each side of it."""
    rows = [row for row in of_phase(material.rows, "latency") if is_ours(row) and numbers.is_time(row.figure.value)]
    examined = of_phase(material.rows, "accuracy")
    shares, measured = Shares(examined), measured_of(examined)
    kinds = [(title, of, _points(of, shares)) for title, of in _kinds(rows)]
    charts: list[Part] = [_chart(*kind) for kind in kinds if len(kind[2]) > 1]
    alone = [(f"{title}, {_batch(of)}", points[0]) for title, of, points in kinds if len(points) == 1]
    if not charts and not alone and not measured:
        return None
    table = [Table(MEASURED, HEAD_MEASURED, measured, (4, 5, 6, 7), is_folded=bool(charts))] if measured else []
    parts = [*charts, *(_alone(alone) if alone else ()), *table, *_left_out(rows, shares)]
    title = "Accuracy against latency" if charts or alone else "Accuracy"
    return Section("accuracy", title, LEAD if charts else "", parts)


HEAD = (
    *("model", "precision", "platform", "latency, ms", "95 % interval", "top-1, %", "95 % interval", "images"),
    *("whose", "on the front", "file", "marks"),
)
NUMBERS = (3, 4, 5, 6, 7)
MEASURED = "Accuracy, as -m accuracy measured it"
HEAD_MEASURED = (
    *("model", "precision", "platform", "machine", "top-1, %", "95 % interval", "top-5, %", "images"),
    *("file", "marks"),
)
Kind = tuple[str, list[Row]]  # what a chart is of, and its rows


def _kinds(rows: Sequence[Row]) -> Iterator[Kind]:
    """Yield what has a chart: ``server-cpu`` of each machine, its other servers, its clients, networks apart."""
    found: dict[tuple[str, str, str, bool], list[Row]] = {}
    for row in rows:
        weaker = str(row.platform).removeprefix(base(row))
        found.setdefault((row.machine, str(row.side), weaker, row.result.is_software), []).append(row)
    for (_, side, weaker, is_software), of in found.items():
        software = f", on {SOFTWARE}" if is_software else ""
        studys = [row for row in of if row.platform == STUDYS]
        if studys:
            yield STUDYS, studys
        if any(row.platform != STUDYS for row in _fastest(of)):
            yield f"The fastest {SIDE_WORDS[side]}{_slower(weaker)}{software}", of


def _slower(weaker: str) -> str:
    """Return in words what follows a platform's name: ``, 4 times weaker, over cable``."""
    found = WEAKER.search(weaker)
    client, network = found.groups() if found else (None, None)
    weak = f", {client.strip('@x')} times weaker" if client else ""
    return weak + (f", over {network.removeprefix('-over-')}" if network else "")


def _points(rows: Sequence[Row], shares: Shares) -> list[Point]:
    """Return the models whose accuracy is known, on the platform where each is fastest."""
    file = file_of(rows)
    return [Point(row, share, file(row)) for row in _fastest(rows) if (share := shares.of(row))]


def _chart(title: str, rows: Sequence[Row], points: Sequence[Point]) -> Chart:
    """Return the chart of several models."""
    best = {id(points[at]) for at in front([point.cost for point in points])}
    whole, clock = f"{title}, {_batch(rows)}", f"{CLOCK} {_who(points)}"
    table = Table(whole, HEAD, [_cells(point, "yes" if id(point) in best else "no") for point in points], NUMBERS)
    return Chart(whole, clock, _words(points, best), picture(points, best), table, points[0].row.machine)


def _alone(found: Sequence[tuple[str, Point]]) -> list[Part]:
    """Return what has no other model beside it, so that there is no front to draw: one in words, several in a table."""
    if len(found) == 1:
        ((title, point),) = found
        low, high = point.share.ends
        return [Words([f"{title}: {_point_words(point)} ({low:.2f} to {high:.2f} %; {_who([point])[:-1]})."])]
    rows = [[*_cells(point, "alone"), title, point.row.machine] for title, point in found]
    return [Table("Models alone on their kind of platform", [*HEAD, "of", "machine"], rows, NUMBERS, is_folded=True)]


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
    who = {"measured by -m accuracy" if "measured" in one.share.who else one.share.who for one in points}
    told = " and ".join(sorted(who, reverse=True))  # what was measured first
    images = " or ".join(f"{number:,}" for number in sorted({point.share.images for point in points}))
    return f"Top-1 of {images} test images: {told}."


def _words(points: Sequence[Point], best: set[int]) -> str:
    """Say which models are on the front, of many its ends, and how many are beaten."""
    on = [_point_words(point) for point in points if id(point) in best]
    told = "; ".join(on) if len(on) <= FEW else f"{on[0]} to {on[-1]}, {len(on)} models"
    off = [point.name for point in points if id(point) not in best]
    beaten = f" Beaten: {', '.join(off) if len(off) <= FEW else f'{len(off)} others'}." if off else ""
    return f"On the front: {told}.{beaten}"


def _point_words(point: Point) -> str:
    return f"{point.name} {point.share.top1:.2f} % in {numbers.time(point.row.figure.value)}"


def _cells(point: Point, on_front: str) -> list[str]:
    figure = point.row.figure
    return [
        point.model,
        point.row.precision or numbers.NONE,
        str(point.row.platform),
        numbers.three(figure.value * 1e3),
        numbers.between(figure.low, figure.high, 1e3),
        f"{point.share.top1:.2f}",
        "{:.2f} to {:.2f}".format(*point.share.ends),
        f"{point.share.images:,}",
        point.share.who,
        on_front,
        point.row.run.file.name,
        meaning(point.row.marks),
    ]


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
