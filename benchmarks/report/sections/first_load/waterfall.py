"""The requests of first loads as a waterfall: asked for, received, compiled; then the first inference."""

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.decide import words
from benchmarks.report.charts.drawing import DIM, SERIES, values
from benchmarks.report.content import Chart, Table
from benchmarks.report.rows.lines import Lines, shortened
from benchmarks.report.sections.first_load.bars import ACROSS, AXIS
from benchmarks.report.sections.first_load.loads import FIRST, Load, Request
from browser_harness import page_files

CLOCK = (
    "From asking for the runtime, ms. Thin: waiting for the server's first byte; thick: receiving; outlined: "
    "WebAssembly is compiled, from its last byte; then the first inference, from where the session is open."
)


def waterfall(lines: Lines[Load]) -> Chart:
    """Return the chart of the loads of a model on a machine, which were seen."""
    told = "; ".join(f"{name}: {_requests_words(load)}" for name, load in lines.named)
    words, spec = lines.explained(f"{told}."), _spec(lines.named)
    return Chart(lines.titled("requests of the first load"), CLOCK, words, spec, _requests(lines))


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


def _spec(named: Sequence[tuple[str, Load]]) -> dict[str, Any]:
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
