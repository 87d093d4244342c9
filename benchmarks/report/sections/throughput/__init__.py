"""How many images in a second: by batch size, by threads, under LoadGen's load; and how many clients equal a server."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from benchmarks.measuring.starts import Figure
from benchmarks.report.charts.dots import Dot, dots, in_words, sizes
from benchmarks.report.content import Chart, Material, Part, Section, Table, Words
from benchmarks.report.rows.groups import Group, by, groups, meaning, of_phase, parted, side_of
from benchmarks.report.rows.labels import labels
from benchmarks.report.sections.throughput.equals import equals
from benchmarks.results import Row, keys, numbers

MOST_ROWS = 18  # of a chart
THREADS = re.compile(r"-(?P<threads>\d+)t(?=@|-over-|$)")  # in a platform's label
ONE_THREAD = "one_thread"  # the partner of a scaling
SCENARIOS = {"single_stream": "one after another", "offline": "all at once", "server": "as they arrive by chance"}
LEAD = (
    "Farther right is more in a second; of ratios to one thread it is slower, and of clients that equal a server more "
    "of them are needed."
)
IMAGES = (
    "Inside the clock: inferences one after another, until the outputs of each can be read on the host. All images "
    "over the sum of all samples; where a graph has no batch, all inferences."
)
SCALED = (
    "Inside the clock: an inference until its outputs can be read on the host, in turns with the same platform on one "
    "thread. Line: the 95 % interval."
)
LOAD = (
    "Inside the clock: from a query of LoadGen's to its answer, waiting included; a query is one inference of a whole "
    "batch. Line: the 95 % interval of the trials; by chance: the highest rate carried and the lowest that was not."
)


def throughput(material: Material) -> Section | None:
    """Return the charts there is something for."""
    steady = of_phase(material.rows, "latency")
    parts: list[Part] = [
        *(chart for group in _over_batches(steady) for chart in _batches(group)),
        *(chart for group in groups(steady) for chart in _threads(group)),
        *(chart for group in groups(of_phase(material.rows, "scaling")) for chart in _scaled(group)),
        *(chart for group in groups(of_phase(material.rows, *SCENARIOS)) for chart in _loaded(group)),
        *equals(material),
        *_without_rate(material.rows),
    ]
    return Section("throughput", "Throughput", LEAD, parts) if parts else None


Named = tuple[Row, str]  # a row, and what it is called below its heading


def _over_batches(rows: Sequence[Row]) -> list[Group]:
    """Return the groups of *rows* with those that differ in the batch size alone together."""
    alike = by(groups(rows), lambda one: (one.machine, one.model, one.precision, one.is_software, one.rows[0].sha256))
    return [replace(of[0], batch_size=None, rows=[row for one in of for row in one.rows]) for of in alike.values()]


def _batches(group: Group) -> Iterator[Part]:
    """Yield the images a second of those platforms that were measured at several batch sizes."""
    by_platform = by(group.rows, lambda row: str(row.platform))
    several = {name: rows for name, rows in by_platform.items() if len({row.batch_size for row in rows}) > 1}
    title = f"Images a second by batch size: {group.common}"
    yield from _images(title, {name: sorted(rows, key=_size) for name, rows in several.items()}, _batch_words)


def _threads(group: Group) -> Iterator[Part]:
    """Yield the images a second of those platforms that were measured on several numbers of threads."""
    by_platform = by(group.rows, lambda row: THREADS.sub("", str(row.platform)))
    several = {name: rows for name, rows in by_platform.items() if len({*map(threads_of, rows)}) > 1}
    title = f"Images a second by threads: {group.title}"
    yield from _images(title, {name: sorted(rows, key=threads_of) for name, rows in several.items()}, _thread_words)


def _size(row: Row) -> int:
    return row.batch_size or 0


def threads_of(row: Row) -> int:
    """Return the threads that were asked for, as the platform's label has them; one is not told there."""
    found = THREADS.search(row.platform or "")
    return int(found["threads"]) if found else 1


def _batch_words(row: Row) -> str:
    return "no batch" if row.batch_size is None else f"batch {row.batch_size}"


def _thread_words(row: Row) -> str:
    return numbers.counted(threads_of(row), "thread")


def _images(title: str, by_heading: Mapping[str, Sequence[Row]], words: Callable[[Row], str]) -> Iterator[Part]:
    """Yield charts of images a second, a heading and its rows below it."""
    rows = [_image_dot(row, heading, label) for heading, of in by_heading.items() for row, label in _named(of, words)]
    told = [row for of in by_heading.values() for row in of]
    kept = [(dot, row) for dot, row in zip(rows, told, strict=True) if numbers.is_time(dot.value)]
    yield from _charts(title, IMAGES, "images a second", kept)


def _named(rows: Sequence[Row], words: Callable[[Row], str]) -> list[Named]:
    """Return *rows* as they are called below their heading: those that are called alike tell more of themselves."""
    several = [alike for alike in by(rows, words).values() if len(alike) > 1]
    more = {id(row): label for alike in several for row, label in zip(alike, labels(alike), strict=True)}
    own = [more.get(id(row), "").removeprefix(f"{row.platform}, ") for row in rows]
    return [(row, ", ".join(filter(None, (words(row), beyond)))) for row, beyond in zip(rows, own, strict=True)]


def _image_dot(row: Row, heading: str, label: str) -> Dot:
    value = row.images_per_second
    return Dot(label, math.nan if value is None else value, None, None, row.side, "", row.signs, heading, "/s")


def _charts(
    title: str, clock: str, axis: str, kept: Sequence[tuple[Dot, Row]], beside: float | None = None
) -> Iterator[Part]:
    """Yield charts of rows with their headings, none of which is torn apart; of a single row a sentence."""
    if len(kept) == 1:
        ((dot, row),) = kept
        yield Words([f"{title}, {row.machine}: {dot.heading}: {dot.words}. {clock}"])
        return
    for part, which in parted(sizes([dot for dot, _ in kept]), MOST_ROWS):
        rows, whole = kept[part], f"{title}{which}"
        shown = [dot for dot, _ in rows]
        picture, table = dots(shown, f"{axis}, logarithmic", beside), _table(whole, axis, rows)
        yield Chart(whole, clock, in_words(shown), picture, table, rows[0][1].machine)


def _table(title: str, what: str, rows: Sequence[tuple[Dot, Row]]) -> Table:
    head = ["platform", "measured", "side", what, "interval", "told", "file", "marks"]
    cells = [
        [
            dot.heading,
            dot.label,
            side_of(row),
            numbers.three(dot.value),
            numbers.between(dot.low, dot.high),
            dot.note or numbers.NONE,
            row.run.file.name,
            meaning(row.marks),
        ]
        for dot, row in rows
    ]
    return Table(title, head, cells, (3, 4))


def _scaled(group: Group) -> Iterator[Part]:
    """Yield the ratios of several threads to one."""
    rows = [*by(group.rows, lambda row: THREADS.sub("", str(row.platform))).items()]
    kept = [
        (Dot(label, ratio.value, ratio.low, ratio.high, row.side, ratio.statistic, row.signs, heading), row)
        for heading, of in rows
        for row, label in _named(sorted(of, key=threads_of), _thread_words)
        if (ratio := row.result.ratios.get(ONE_THREAD)) and numbers.is_time(ratio.value)
    ]
    yield from _charts(f"Times one thread: {group.title}", SCALED, "times the time of one thread", kept, beside=1.0)


def _loaded(group: Group) -> Iterator[Part]:
    """Yield the rates that LoadGen found."""
    by_platform = by(group.rows, lambda row: str(row.platform))
    kept = [
        (_rate_dot(row, rate, platform, label), row)
        for platform, rows in by_platform.items()
        for row, label in _named(rows, lambda row: SCENARIOS[row.phase])
        if (rate := rate_of(row))
    ]
    told = {str(row.result.info.get(keys.COMPLIANCE) or "compliance is not told") for _, row in kept}
    compliance = "; ".join(sorted(told))
    clock = f"{LOAD} {compliance[:1].upper()}{compliance[1:]}."
    yield from _charts(f"Queries a second: {group.title}", clock, "queries a second", kept)


def rate_of(row: Row) -> Figure | None:
    """Return the rate that was found; None where there is none."""
    rate = row.result.rate
    return rate if rate and numbers.is_time(rate.value) else None


def _rate_dot(row: Row, rate: Figure, heading: str, label: str) -> Dot:
    info = row.result.info
    words = [numbers.counted(workers, "worker")] if (workers := info.get(keys.WORKERS)) else []
    words += [f"99 of 100 within {numbers.time(bound)}"] if (bound := info.get(keys.P99_BOUND)) else []
    return Dot(label, rate.value, rate.low, rate.high, row.side, ", ".join(words), row.signs, heading, "/s")


def _without_rate(rows: Sequence[Row]) -> list[Words]:
    """Say whose rate is lacking; queries one after another have none, but latencies."""
    lost = [f"{row.name} ({row.run.file.name})" for row in of_phase(rows, "offline", "server") if not rate_of(row)]
    return [Words([f"Without a rate: {', '.join(lost)}."])] if lost else []
