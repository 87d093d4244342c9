"""The requests of first loads as a waterfall: asked for, received, compiled; then session and first inference."""

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.decide import words
from benchmarks.report.charts.drawing import DIM, values
from benchmarks.report.content import Chart, Table
from benchmarks.report.ends import ends
from benchmarks.report.rows.lines import Lines, shortened
from benchmarks.report.sections.first_load.bars import ACROSS, AXIS, COLOURS
from benchmarks.report.sections.first_load.loads import FIRST, Load, Request
from benchmarks.results import numbers
from browser_harness import page_files

MODEL = "/model/"  # what the paths of a model's files begin with
CLOCK = (
    "From asking for the runtime, ms. Thin: waiting for the first byte; thick: receiving; outlined: compiling as it "
    "came; then the session opens, and the first inference. Colours as of the parts."
)
REQUEST = {
    "condition": {"test": "datum.is_model", "value": COLOURS["model's download"]},
    "value": COLOURS["runtime's download"],
}


def waterfall(lines: Lines[Load]) -> Chart:
    """Return the chart of the loads of a model on a machine, which were seen."""
    told = ends([f"{name}: {_requests_words(load)}" for name, load in lines.named], 0)
    title, spec = lines.titled("requests of the first load"), _spec(lines.named)
    return Chart(title, CLOCK, told, spec, _requests(lines), lines.machine)


def _requests_words(load: Load) -> str:
    seen = [one for one in load.requests if one.end is not None]
    last = max((one.end for one in seen if one.end is not None), default=0.0)
    wire = sum(one.wire for one in seen)
    return f"{len(seen)} requests, {words.size(wire)}, the last byte after {numbers.time(last)}"


def bars_of(named: Sequence[tuple[str, Load]]) -> list[dict[str, Any]]:
    """Return a row for each line of a waterfall: of each load a heading, its requests, what follows them; in ms."""
    return [{**row, "row": at} for at, row in enumerate(row for name, load in named for row in _lines(name, load))]


def _lines(name: str, load: Load) -> Iterator[dict[str, Any]]:
    yield {"head": shortened(name)}
    came, loaded = 0.0, load.total - (load.first.figure.value if load.first else 0.0)
    for one in load.requests:
        if one.start is not None and one.response is not None and one.end is not None:
            compiled = {"compiled": one.compiled * 1e3} if one.compiled is not None else {}
            times = {"start": one.start * 1e3, "response": one.response * 1e3, "end": one.end * 1e3}
            is_model = one.path.startswith(MODEL)
            yield {"text": f"{_short(one.path)}, {_bytes(one)}", "is_model": is_model, **times, **compiled}
            came = max(came, one.end, one.compiled or 0.0)
    if came < loaded:
        yield {"text": "the session opens", "opening": came * 1e3, "opened": loaded * 1e3}
    if load.first:
        text = f"{FIRST}, {numbers.time(load.first.figure.value)}"
        yield {"text": text, "begin": loaded * 1e3, "done": load.total * 1e3}


def _short(path: str) -> str:
    return path.removeprefix("/") if path.startswith(MODEL) else path.rpartition("/")[2] or path


def _bytes(one: Request) -> str:
    if not one.wire:
        return f"from the cache, {words.size(one.decoded)}"
    if one.decoded == one.wire:
        return words.size(one.wire)
    return f"{words.size(one.wire)} {one.encoding.partition(' ')[0]} → {words.size(one.decoded)}"


def _spec(named: Sequence[tuple[str, Load]]) -> dict[str, Any]:
    rows = bars_of(named)
    longest = max(row.get(end, 0.0) for row in rows for end in ("end", "opened", "done"))
    scale = {"domain": [0, longest], "nice": False}
    row = {"field": "row", "type": "ordinal", "axis": None}

    def across(field: str) -> dict[str, Any]:
        return {"field": field, "type": "quantitative", "title": "ms", "scale": scale, "axis": AXIS}

    def bar(begin: str, end: str, look: dict[str, Any]) -> dict[str, Any]:
        found = [one for one in rows if begin in one and end in one]
        encoding = {"y": row, "x": across(begin), "x2": {"field": end}}
        encoding |= {} if "color" in look or "stroke" in look else {"color": REQUEST}
        return {"data": values(found), "mark": {"type": "bar", "yOffset": 6, **look}, "encoding": encoding}

    def text(field: str, look: dict[str, Any]) -> dict[str, Any]:
        found = [one for one in rows if field in one]
        encoding = {"y": row, "x": {"value": 0}, "text": {"field": field}}
        return {"data": values(found), "mark": {"type": "text", "align": "left", **look}, "encoding": encoding}

    return {
        "height": {"step": 28},
        "layer": [
            bar("start", "response", {"height": 2}),
            bar("response", "end", {"height": 8}),
            bar("end", "compiled", {"height": 7, "fillOpacity": 0, "stroke": COLOURS["compile"], "strokeWidth": 1.5}),
            bar("opening", "opened", {"height": 8, "color": COLOURS["session"]}),
            bar("begin", "done", {"height": 8, "color": COLOURS[FIRST]}),
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
