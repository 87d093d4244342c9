"""What a first visit waits for: the parts of each page's load and its requests, then the first inference."""

from collections.abc import Sequence

from benchmarks.decide import words
from benchmarks.report.content import Material, Section, Table
from benchmarks.report.few import few
from benchmarks.report.rows.groups import file_of
from benchmarks.report.rows.lines import Lines
from benchmarks.report.sections.first_load.bars import bars
from benchmarks.report.sections.first_load.loads import Load, groups, loads_of
from benchmarks.report.sections.first_load.waterfall import waterfall
from benchmarks.results import Row

COLD = "cold"
LEAD = "What a first visitor waits for, with nothing in the cache. Bytes are those of runtime and model."


def first_load(material: Material) -> Section | None:
    """Return bars of the parts and a waterfall of the requests for each model, machine and network; and all loads."""
    loads = loads_of(material.rows)
    if not loads:
        return None
    file = file_of([load.row for load in loads])
    pages = [load for load in loads if load.is_of_a_page and load.row.caches == COLD]
    cold, seen = (
        [_lines_of(group, file(group[0].row)) for group in groups(some)]
        for some in (pages, [load for load in pages if load.is_seen])
    )
    parts = [*few([*map(bars, cold)], "first loads"), *few([*map(waterfall, seen)], "waterfalls")]
    return Section("first-load", "The first load", LEAD, [*parts, _all(loads)])


def _lines_of(loads: Sequence[Load], file: str) -> Lines[Load]:
    """Return the lines of a chart, the quickest load first; *file* is told where a name means several."""
    over = f" over {loads[0].network}" if loads[0].network else ""
    over += ", in older parts" if loads[0].is_older else ""
    ordered = sorted(loads, key=lambda load: load.total)
    return Lines.of(ordered, [load.row for load in ordered], file, over=over)


def _all(loads: Sequence[Load]) -> Table:
    """Return every load there is, of warm caches and of processes, too."""
    head = ["model", "platform", "machine", "caches", "load", "first inference", "second", "fetched", "marks", "file"]
    rows = [
        [
            str(load.row.model),
            load.row.platform or "",
            load.row.machine,
            load.row.caches or "",
            *(_time(row) for row in (load.row, load.first, load.second)),
            load.sent.words if load.sent.files else "–",
            "; ".join(filter(None, (*dict.fromkeys(mark.sign for mark in load.marks), load.fault, load.doubts))),
            load.row.run.file.name,
        ]
        for load in loads
    ]
    return Table("All loads, with what their caches held; in the middle of the openings", head, rows, is_folded=True)


def _time(row: Row | None) -> str:
    if row is None:
        return "not measured"
    figure = row.figure
    told = f"{words.digits(figure.value * 1e3)} ms"
    if figure.low is None or figure.high is None:
        return told
    return f"{told} ({words.digits(figure.low * 1e3)} to {words.digits(figure.high * 1e3)})"
