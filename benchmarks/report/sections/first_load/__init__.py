"""What a first visit waits for: the parts of each page's load and its requests, then the first inference."""

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.decide import words
from benchmarks.report.charts.drawing import DIM, INK, PAPER, SERIES, values
from benchmarks.report.content import Chart, Material, Section, Table
from benchmarks.report.few import few
from benchmarks.report.rows.groups import file_of
from benchmarks.report.rows.lines import Lines, shortened
from benchmarks.report.sections.first_load.loads import FIRST, ORDER, WHOLE, Load, Request, groups, loads_of
from benchmarks.results import Row
from browser_harness import page_files

COLD = "cold"
COLOURS = {  # by what a part is called
    "worker": SERIES[5],
    "runtime's download": SERIES[0],
    "runtime's script": SERIES[0],
    "model's download": SERIES[2],
    "compile": SERIES[4],
    "session": SERIES[3],
    "WebAssembly and session": SERIES[3],
    WHOLE: SERIES[5],
    FIRST: SERIES[1],
}
WIDE = 34  # px of a part that its milliseconds fit into
ACROSS = 330  # px
AXIS = {"format": ",.0f", "tickCount": 5}
LEAD = (
    "With nothing in the cache: from asking for the runtime to an open session, then the first inference. Bytes are "
    "those of runtime and model, without the files of the suite's own page."
)
WATERFALL_CLOCK = (
    "From asking for the runtime, ms. Thin: waiting for the server's first byte; thick: receiving; outlined: "
    "WebAssembly is compiled, from its last byte; then the first inference, from where the session is open."
)
CLOCK = (
    "Inside the clock: from asking for the runtime to an open session. The parts are of the opening whose load is "
    "typical and add up to it; what was under way together counts once. Behind them the first inference, in the middle "
    "of the openings."
)
NEAR = " The server was on the same machine: nothing of it is a network's."


def first_load(material: Material) -> Section | None:
    """Return bars of the parts and a waterfall of the requests for each model, machine and network; and all loads."""
    loads = loads_of(material.rows)
    if not loads:
        return None
    several, file = len({row.machine for row in material.rows}) > 1, file_of([load.row for load in loads])
    pages = [load for load in loads if load.is_of_a_page and load.row.caches == COLD]
    cold, seen = (
        [_lines_of(group, file(group[0].row), several=several) for group in groups(some)]
        for some in (pages, [load for load in pages if load.is_seen])
    )
    parts = [*few([*map(_bars, cold)], "first loads"), *few([*map(_waterfall, seen)], "waterfalls")]
    return Section("first-load", "The first load", LEAD, [*parts, _all(loads)])


def _lines_of(loads: Sequence[Load], file: str, *, several: bool) -> Lines[Load]:
    """Return the lines of a chart, the quickest load first; *file* and machine are told where there are several."""
    over = f" over {loads[0].network}" if loads[0].network else ""
    ordered = sorted(loads, key=lambda load: load.total)
    return Lines.of(ordered, [load.row for load in ordered], file, over=over, several=several)


def _bars(lines: Lines[Load]) -> Chart:
    near = "" if lines.named[0][1].network else NEAR
    told = "; ".join(f"{name} {_told(load)}" for name, load in lines.named)
    words, spec = lines.explained(f"{told}."), _bars_spec(lines.named)
    return Chart(lines.titled("first load"), CLOCK + near, words, spec, _parts_table(lines.named))


def _told(load: Load) -> str:
    """Say how long it took in all, what of it most, and what travelled."""
    part, seconds = max(load.parts.items(), key=lambda one: one[1])
    missing = "" if load.first else " (first inference not measured)"
    return f"{words.duration(load.total)}{missing}, most of it {part} ({words.duration(seconds)}), {load.sent.words}"


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


def _bars_spec(named: Sequence[tuple[str, Load]]) -> dict[str, Any]:
    rows, order = segments(named), [name for name, _ in named]
    parts = [part for part in _order(named) if any(row["part"] == part for row in rows)]
    row = {"field": "name", "type": "nominal", "sort": order, "axis": None}
    begin = {"field": "from", "type": "quantitative", "title": "ms", "axis": AXIS}
    colour = {
        "field": "part",
        "type": "nominal",
        "scale": {"domain": parts, "range": [COLOURS.get(part, SERIES[5]) for part in parts]},
        "legend": {"columns": 2, "symbolType": "square", "columnPadding": 30},
    }
    lines = [
        {"name": name, "label": shortened(name), "total": words.duration(load.total), "bytes": load.sent.words}
        for name, load in named
    ]
    return {
        "height": {"step": 54},
        "layer": [
            {
                "data": values(rows),
                "mark": {"type": "bar", "height": 14, "stroke": PAPER, "strokeWidth": 0.5},
                "encoding": {"y": row, "x": begin, "x2": {"field": "to"}, "color": colour},
            },
            {
                "data": values(rows),
                "transform": [{"calculate": "(datum.from + datum.to) / 2", "as": "middle"}],
                "mark": {"type": "text", "color": PAPER, "fontSize": 10},
                "encoding": {"y": row, "x": {"field": "middle", "type": "quantitative"}, "text": {"field": "text"}},
            },
            *(
                _beside(lines, row, field, dy, colour)
                for field, dy, colour in (("label", -15, INK), ("bytes", 15, DIM))
            ),
            _beside(lines, row, "total", -15, INK, align="right"),
        ],
    }


def _order(named: Sequence[tuple[str, Load]]) -> list[str]:
    """Return what parts are called, known ones in their order; of a later version's, too."""
    others = dict.fromkeys(part for _, load in named for part in load.parts if part not in ORDER)
    return [*(part for part in ORDER if part != FIRST), *others, FIRST]


def _beside(  # noqa: PLR0913 (where words stand)
    lines: Sequence[dict[str, Any]], row: Any, field: str, dy: int, colour: str, align: str = "left"
) -> dict[str, Any]:
    """Return words above or below each bar, at the left or the right edge."""
    edge = {"value": 0} if align == "left" else {"value": "width"}
    return {
        "data": values(lines),
        "mark": {"type": "text", "align": align, "dy": dy, "color": colour, "limit": ACROSS},
        "encoding": {"y": row, "x": edge, "text": {"field": field}},
    }


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


def _waterfall(lines: Lines[Load]) -> Chart:
    told = "; ".join(f"{name}: {_requests_words(load)}" for name, load in lines.named)
    words, spec = lines.explained(f"{told}."), _waterfall_spec(lines.named)
    return Chart(lines.titled("requests of the first load"), WATERFALL_CLOCK, words, spec, _requests(lines))


def _requests_words(load: Load) -> str:
    seen = [one for one in load.requests if one.end is not None]
    last = max((one.end for one in seen if one.end is not None), default=0.0)
    wire = sum(one.wire for one in seen)
    return f"{len(seen)} requests, {words.size(wire)}, the last byte after {words.duration(last)}"


def bars_of(named: Sequence[tuple[str, Load]]) -> list[dict[str, Any]]:
    """Return a row for each line of a waterfall: a heading for each load, its requests, its first inference; in ms."""
    return [{**row, "row": at} for at, row in enumerate(row for name, load in named for row in _lines(name, load))]


def _lines(name: str, load: Load) -> Iterator[dict[str, Any]]:
    yield {"head": shortened(name)}
    for one in load.requests:
        if one.start is not None and one.response is not None and one.end is not None:
            compiled = {"compiled": one.compiled * 1e3} if one.compiled is not None else {}
            times = {"start": one.start * 1e3, "response": one.response * 1e3, "end": one.end * 1e3}
            yield {"text": f"{_short(one.path)}, {_bytes(one)}", **times, **compiled}
    if load.first:
        took = load.first.figure.value
        text, loaded = f"{FIRST}, {words.duration(took)}", (load.total - took) * 1e3
        yield {"text": text, "start": loaded, "begin": loaded, "done": load.total * 1e3}


def _short(path: str) -> str:
    return path.removeprefix("/") if path.startswith("/model/") else path.rpartition("/")[2] or path


def _bytes(one: Request) -> str:
    if not one.wire:
        return f"from the cache, {words.size(one.decoded)}"
    if one.decoded == one.wire:
        return words.size(one.wire)
    return f"{words.size(one.wire)} {one.encoding.partition(' ')[0]} → {words.size(one.decoded)}"


def _waterfall_spec(named: Sequence[tuple[str, Load]]) -> dict[str, Any]:
    rows = bars_of(named)
    longest = max(row.get("done", row.get("end", 0.0)) for row in rows)
    scale = {"domain": [0, longest], "nice": False}
    row = {"field": "row", "type": "ordinal", "axis": None}

    def across(field: str) -> dict[str, Any]:
        return {"field": field, "type": "quantitative", "title": "ms", "scale": scale, "axis": AXIS}

    def bar(begin: str, end: str, look: dict[str, Any]) -> dict[str, Any]:
        found = [one for one in rows if begin in one and end in one]
        encoding = {"y": row, "x": across(begin), "x2": {"field": end}}
        return {"data": values(found), "mark": {"type": "bar", "yOffset": 6, **look}, "encoding": encoding}

    def text(field: str, look: dict[str, Any]) -> dict[str, Any]:
        found = [one for one in rows if field in one]
        encoding = {"y": row, "x": {"value": 0}, "text": {"field": field}}
        return {"data": values(found), "mark": {"type": "text", "align": "left", **look}, "encoding": encoding}

    return {
        "height": {"step": 28},
        "layer": [
            bar("start", "response", {"height": 2, "color": SERIES[0]}),
            bar("response", "end", {"height": 8, "color": SERIES[0]}),
            bar("end", "compiled", {"height": 7, "fillOpacity": 0, "stroke": SERIES[4], "strokeWidth": 1.5}),
            bar("begin", "done", {"height": 8, "color": SERIES[1]}),
            text("head", {"fontWeight": "bold", "dy": 4, "limit": ACROSS}),
            text("text", {"dy": -6, "fontSize": 10, "color": DIM, "limit": ACROSS}),
        ],
    }


def _requests(lines: Lines[Load]) -> Table:
    """Return all files of loads: those of the page itself came before the clock began."""
    head = ["client", "file", "asked, ms", "first byte, ms", "last byte, ms", "compiled, ms"]
    head += ["on the wire", "decoded", "encoding", ""]
    rows = [[name, *_cells(one)] for name, load in lines.named for one in load.requests]
    return Table(lines.titled("requests"), head, rows, range(2, 8))


def _cells(one: Request) -> list[str]:
    times = (one.start, one.response, one.end, one.compiled)
    notes = ["the suite's page"] * (one.path in page_files.FILES) + ["new connection"] * one.opened
    told = ["–" if time is None else words.digits(time * 1e3) for time in times]
    return [one.path, *told, f"{one.wire:,}", f"{one.decoded:,}", one.encoding, ", ".join(notes)]


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
