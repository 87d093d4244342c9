"""The map: who answers earlier, by round trip and bandwidth, for each model and class of clients; and its check.

All of it is predicted from measured figures, but the cells of a check, which were measured.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from benchmarks.decide import BANDWIDTHS, ROUND_TRIPS, Decision, machine_of, words
from benchmarks.report import plane
from benchmarks.report.checked import Checked, checked, marks_of, table_of
from benchmarks.report.content import Chart, Material, Part, Section, Table
from benchmarks.report.drawing import INK, SIDES, UNDECIDED, values
from benchmarks.report.plane import MILLI, Frame, Place
from browser_harness.network import Conditions

LETTERS = {"server": "S", "client": "C", "undecided": "?", "not measured": "–"}
NAMES = {"server": "the server", "client": "the client", "undecided": "undecided", "not measured": "not measured"}
FACTORS = (1, 4, 10)  # of classes that are drawn; others where they were measured
SPOKEN = 9.0  # Mbit/s each way that words speak of
SHAPES = {"right": "triangle-up", "WRONG": "cross", "undecided": "diamond", "not measured": "square"}
LEAD = (
    "Whose later answers come earlier, over a connection that is open: S the server's, below the line; C the client's, "
    "above it; ? undecided, where the intervals overlap. All of it is predicted from measured figures. A dot is a "
    "network by its number; a sign with a word is a network on which both sides were measured, and whether the map was "
    "right there: ▲ right, + wrong, ◆ undecided, ■ not measured."
)
PAPER = "var(--paper)"
TITLE = {"anchor": "start", "fontSize": 11, "subtitleFontSize": 11, "color": INK, "subtitleColor": INK, "offset": 4}


def decision_map(material: Material) -> Section | None:
    """Return a chart for each model and machine of clients, its classes below each other; and the cells of a check."""
    if not material.decisions:
        return None
    found = checked(material.decisions, material.checks)
    parts: list[Part] = [_chart(group, found, material) for group in _groups(material.decisions)]
    parts += [marks_of(material.checks), table_of(found)] if found else []
    return Section("map", "The map", LEAD, parts)


def _groups(decisions: Sequence[Decision]) -> Iterator[list[Decision]]:
    """Yield the decisions of a model and a machine."""
    for _, group in groupby(decisions, key=lambda one: (one.model.name, one.clients.machine)):
        yield [*group]


def _chart(decisions: Sequence[Decision], found: Sequence[Checked], material: Material) -> Chart:
    first = decisions[0]
    drawn = [one for one in decisions if one.clients.factor in FACTORS or one.clients.is_measured]
    networks = _networks(first)
    cells = [[cell for cell in found if cell.decision is decision] for decision in drawn]
    frame = Frame().around([*(at for _, at in networks), *(cell.at for row in cells for cell in row if cell.at)])
    return Chart(
        f"{first.model.title}: client or server{_where(first, material)}",
        _clock(first),
        _words(first, drawn, decisions),
        {
            "vconcat": [_panel(one, row, networks, frame) for one, row in zip(drawn, cells, strict=True)],
            "spacing": 14,
        },
        _table(decisions),
    )


def _where(decision: Decision, material: Material) -> str:
    """Name the clients' machine where there are several, as the rest of the report does."""
    told = {row.machine for row in material.rows if machine_of(row.run) == decision.clients.machine}
    several = len({row.machine for row in material.rows}) > 1
    return f", on {' or '.join(sorted(told)) or decision.clients.machine}" if several else ""


def _clock(decision: Decision) -> str:
    """Say what is inside the times, which server was asked and how, and what its figures lack."""
    names = " or ".join(server.name for server in decision.servers)
    whichever = ", whichever is earlier" if len(decision.servers) > 1 else ""
    notes = dict.fromkeys(note for server in decision.servers for note in server.notes)
    told = f" ({'; '.join(notes)})" if notes else ""
    return (
        f"Server: {names}{whichever}{told}{_doubt(decision.servers)}. Its time is a round trip, its bytes at the rate, "
        "and what it took nearby; the client's is its inference alone. Round trip in ms, rate in Mbit/s each way."
    )


def _doubt(of: Sequence[Any]) -> str:
    """Return the doubts of servers or clients in words, behind the mark."""
    doubts = dict.fromkeys(doubt for one in of for doubt in one.doubts)
    return f" (!) {'; '.join(doubts)}" if doubts else ""


def _networks(decision: Decision) -> list[tuple[str, Place]]:
    """Return the number and the place of each network that was asked for; one without a limit has no place."""
    places = (plane.place(answer.network, answer.server.wire) for answer in decision.answers)
    return [(str(number), at) for number, at in enumerate(places, 1) if at]


def _who(decision: Decision) -> str:
    """Say which clients these are, and how they are known."""
    clients = decision.clients
    if clients.factor == 1:
        return "as measured"
    return f"{clients.factor}× weaker, {'emulated by a quota' if clients.is_measured else 'by a factor, not measured'}"


def _client(decision: Decision) -> str:
    """Return the runtime that answers, its time and its mark."""
    client = decision.client
    return f"{client.platform}, {words.duration(client.later.value)}{words.mark(client.doubts)}"


def _panel(decision: Decision, cells: Sequence[Checked], networks: Sequence[tuple[str, Place]], frame: Frame) -> Any:
    points = plane.border(decision, frame)
    taken = [(at, 16.0, 0.0) for _, at in networks]
    taken += [(cell.at, 0.0, 8.0 + 6 * len(cell.words)) for cell in cells if cell.at]
    return {
        "title": {"text": _who(decision), "subtitle": _client(decision), **TITLE},
        "width": frame.width,
        "height": frame.height,
        "layer": [
            *_regions(points, frame),
            _line(plane.line(points, frame)),
            *_letters([*plane.letters(decision, taken, frame)]),
            *(_marked(networks) if networks else []),
            *(_checked(cells, frame) if cells else []),
        ],
    }


def _axes(frame: Frame) -> dict[str, Any]:
    def axis(field: str, title: str, domain: tuple[float, float], ticks: Sequence[float]) -> dict[str, Any]:
        scale = {"type": "log", "domain": [*domain], "nice": False}
        look = {"title": title, "values": [*ticks], "format": "~g", "grid": False, "labelOverlap": False}
        return {"field": field, "type": "quantitative", "scale": scale, "axis": look}

    return {
        "x": axis("rate", "Mbit/s each way", frame.rates, BANDWIDTHS),
        "y": axis("high", "round trip, ms", frame.round_trips, plane.LETTERED),
    }


def _regions(points: Sequence[dict[str, float]], frame: Frame) -> Iterator[dict[str, Any]]:
    """Yield the areas of server, undecided and client, each from one end to another."""
    low, high = frame.round_trips
    rows = [{**point, "bottom": low, "top": high} for point in points]
    of = (("bottom", "low", SIDES["server"]), ("low", "high", UNDECIDED), ("high", "top", SIDES["client"]))
    for begin, end, colour in of:
        axes = _axes(frame)
        axes["y"]["field"] = begin
        yield {
            "data": values(rows),
            "mark": {"type": "area", "color": colour, "opacity": 0.35, "line": False},
            "encoding": {**axes, "y2": {"field": end}},
        }


def _line(points: Sequence[dict[str, float]]) -> dict[str, Any]:
    return {
        "data": values(points),
        "mark": {"type": "line", "color": INK, "strokeWidth": 1.5},
        "encoding": _at("rate", "value"),
    }


def _at(across: str = "rate", up: str = "ms") -> dict[str, Any]:
    return {"x": {"field": across, "type": "quantitative"}, "y": {"field": up, "type": "quantitative"}}


def _letters(found: Sequence[tuple[Place, str]]) -> list[dict[str, Any]]:
    rows = [{"rate": rate, "ms": ms, "text": LETTERS[winner]} for (rate, ms), winner in found]
    return [_text(rows, {"fontSize": 9})]


def _text(rows: Sequence[dict[str, Any]], look: dict[str, Any]) -> dict[str, Any]:
    return {
        "data": values(rows),
        "mark": {"type": "text", **look},
        "encoding": {**_at(), "text": {"field": "text"}},
    }


def _around(rows: Sequence[dict[str, Any]], look: dict[str, Any]) -> list[dict[str, Any]]:
    """Return words that stand out from what lies below them."""
    edge = {"stroke": PAPER, "strokeWidth": 3, "strokeJoin": "round", "color": PAPER}
    return [_text(rows, {**look, **edge}), _text(rows, look)]


def _marked(networks: Sequence[tuple[str, Place]]) -> list[dict[str, Any]]:
    rows = [{"rate": rate, "ms": ms, "text": number} for number, (rate, ms) in networks]
    dot = {"type": "point", "filled": True, "size": 36, "color": INK, "stroke": PAPER, "opacity": 1}
    look = {"align": "right", "dx": -5, "fontWeight": "bold"}
    return [{"data": values(rows), "mark": dot, "encoding": _at()}, *_around(rows, look)]


def _checked(cells: Sequence[Checked], frame: Frame) -> list[dict[str, Any]]:
    rows = [
        {"rate": cell.at[0], "ms": cell.at[1], "text": cell.words, "verdict": cell.verdict} for cell in cells if cell.at
    ]
    scale = {"domain": [*SHAPES], "range": [*SHAPES.values()]}
    encoding = {**_at(), "shape": {"field": "verdict", "type": "nominal", "scale": scale, "legend": None}}
    sign = {"type": "point", "filled": True, "size": 70, "color": INK, "stroke": PAPER, "opacity": 1}
    look = {"align": "left", "dx": 7}
    return [{"data": values(rows), "mark": sign, "encoding": encoding}, *_around(_once(rows, frame), look)]


def _once(rows: Sequence[dict[str, Any]], frame: Frame) -> list[dict[str, Any]]:
    """Return the words of checked cells, without those that would be written over another: the table has them all."""
    told = list[dict[str, Any]]()
    for row in rows:
        if not any(plane.is_over((row["rate"], row["ms"]), ((one["rate"], one["ms"]), 40, 40), frame) for one in told):
            told.append(row)
    return told


def _words(first: Decision, drawn: Sequence[Decision], all_: Sequence[Decision]) -> str:
    """Say what is seen: each class with its border, and which network has which number."""
    told = [f"{_who(one)} ({_client(one)}): {_border(one)}{_doubt([one.client])}" for one in drawn]
    rest = [f"{one.clients.factor}×" for one in all_ if one not in drawn]
    more = f" In the table alone: {' and '.join(rest)}, by factors." if rest else ""
    networks = "; ".join(f"{number} {_network(answer.network)}" for number, answer in enumerate(first.answers, 1))
    return f"{'. '.join(told)}.{more} Networks, set where their bytes take as long: {networks}."


def _network(network: Conditions) -> str:
    rates = f"{network.down / plane.MEGA:.3g} down, {network.up / plane.MEGA:.3g} up"
    return f"{network.name} ({network.round_trip * MILLI:g} ms, {rates})"


def _border(decision: Decision) -> str:
    """Say where the border is: in a word where there is none on the map, else at one rate."""
    winners = {winner for row in decision.grid for winner in row}
    span, at = decision.borders[SPOKEN], f"at {SPOKEN:g} Mbit/s"
    if len(winners) == 1:
        return f"{NAMES[winners.pop()]} everywhere on the map"
    if span.high <= 0:
        return f"the client at any round trip {at}, not everywhere on the map"
    if span.high == math.inf:
        return "undecided, of too few starts"
    if span.value <= 0:
        return f"{at} undecided below {words.digits(span.high * MILLI)} ms, the client above"
    return f"{at} the server below {_round_trip(decision, SPOKEN)}, the client above"


def _round_trip(decision: Decision, rate: float) -> str:
    span = decision.borders[rate]
    return f"{words.digits(span.value * MILLI)} ms{words.interval(span)}"


def _table(decisions: Sequence[Decision]) -> Table:
    """Return a row for each class and rate: the border, and who wins at each round trip."""
    head = ["clients", "Mbit/s each way", "border", *(f"{round_trip * MILLI:g} ms" for round_trip in ROUND_TRIPS)]
    rows = [
        [f"{_who(one)}: {_client(one)}", f"{rate:g}", _round_trip(one, rate), *(LETTERS[row[at]] for row in one.grid)]
        for one in decisions
        for at, rate in enumerate(BANDWIDTHS)
    ]
    return Table("Who answers earlier, by rate and round trip", head, rows, (1,))
