"""What a right answer costs: accuracy against latency, for each machine and side, with Pareto's front."""

from collections.abc import Iterator, Sequence

from benchmarks.report.charts.samples import front
from benchmarks.report.content import Chart, Material, Part, Section, Table, Words
from benchmarks.report.rows.groups import SIDE_WORDS, SOFTWARE, file_of, is_ours, meaning, model_of, of_phase
from benchmarks.report.sections.accuracy.picture import picture
from benchmarks.report.sections.accuracy.points import Point, Shares, base, without
from benchmarks.results import Row, numbers

STUDYS = "server-cpu"
LEAD = (
    "Up is more often right, left is faster. The steps are Pareto's front, by the figures themselves: no model on it "
    "(filled) is beaten by another in both. Upright lines: the 95 % interval of the share, binomial; the models "
    "answered the same images, so their differences are known better than that. Lines across: the latency's interval. "
    "Of several platforms, and of several runs, a model has the fastest: the table names both."
)
CLOCK = "Inside the clock: an inference, from asking for it until its outputs can be read on the host."


def accuracy(material: Material) -> Section | None:
    """Return a chart for ``server-cpu`` of each machine, and one for each side of it."""
    rows = [row for row in of_phase(material.rows, "latency") if is_ours(row) and numbers.is_time(row.figure.value)]
    shares = Shares(of_phase(material.rows, "accuracy"))
    parts: list[Part] = [chart for kind in _kinds(rows) for chart in _chart(*kind, shares)]
    if not parts:
        return None
    return Section("accuracy", "Accuracy against latency", LEAD, [*parts, *_left_out(rows, shares)])


Kind = tuple[str, list[Row]]  # what a chart is of, and its rows


def _kinds(rows: Sequence[Row]) -> Iterator[Kind]:
    """Yield what has a chart: ``server-cpu`` of each machine, its other servers, its clients, networks apart."""
    found: dict[tuple[str, str, str, bool], list[Row]] = {}
    for row in rows:
        weaker = str(row.platform).removeprefix(base(row))
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
    yield Chart(whole, clock, _words(points, best), picture(points, best), _table(whole, points, best))


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
