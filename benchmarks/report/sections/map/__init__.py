"""The map: who answers earlier, by round trip and bandwidth, for each model and class of clients; and its check.

All of it is predicted from measured figures, but the cells of a check, which were measured.
"""

import math
from collections.abc import Sequence
from typing import Any

from benchmarks.decide import BANDWIDTHS, ROUND_TRIPS, Decision, machine_of, words
from benchmarks.decide.answers import Winner
from benchmarks.report.content import Chart, Material, Section, Table
from benchmarks.report.few import few
from benchmarks.report.rows.groups import by
from benchmarks.report.sections.map import plane
from benchmarks.report.sections.map.checked import Checked, checked, marks_of, table_of
from benchmarks.report.sections.map.panels import LETTERS, Panel, spec
from benchmarks.report.sections.map.plane import MILLI, Place
from benchmarks.results.tidy import run_marks
from browser_harness.network import Conditions

NAMES = {"server": "the server", "client": "the client", "undecided": "undecided", "not measured": "not measured"}
FACTORS = (1, 4, 10)  # of classes that are drawn; others where they were measured
SPOKEN = 9.0  # Mbit/s each way that words speak of
LEAD = (
    "Whose later answers come earlier: S the server's, C the client's, ? undecided. Predicted: the server's time is a "
    "round trip, its bytes at the rate, and what it took nearby; the client's is its inference alone."
)
CHECKED = (
    " A sign is a network on which both sides were measured then: ▲ the map was right, + wrong, ◆ undecided, ■ not "
    "measured."
)


def decision_map(material: Material) -> Section | None:
    """Return a chart for each model and machine of clients, its classes below each other; and the cells of a check."""
    if not material.decisions:
        return None
    found = checked(material.decisions, material.checks)
    parts = few([_chart(group, found, material) for group in _groups(material.decisions, found)], "maps")
    parts += [marks_of(material.checks), table_of(found)] if found else []
    dots = f" A dot is a network, in ms and Mbit/s: {_networks_words(material.decisions[0])}."
    return Section("map", "The map", f"{LEAD}{dots}{CHECKED if found else ''}", parts)


def _networks_words(decision: Decision) -> str:
    """Say which network has which number: the same on all maps."""
    return "; ".join(f"{number} {_network(answer.network)}" for number, answer in enumerate(decision.answers, 1))


def _groups(decisions: Sequence[Decision], found: Sequence[Checked]) -> list[list[Decision]]:
    """Return the decisions of each model and machine: first what was checked, then those of a model's first machine.

    Of many maps the first alone are drawn.
    """
    groups = by(decisions, lambda one: (one.model.name, one.clients.machine))
    models = [model for model, _ in groups]
    machines_before = [models[:at].count(model) for at, model in enumerate(models)]
    marked = {id(cell.decision) for cell in found}
    unchecked = [marked.isdisjoint(map(id, group)) for group in groups.values()]
    ordered = sorted(zip(unchecked, machines_before, groups.values(), strict=True), key=lambda one: one[:2])
    return [group for *_, group in ordered]


def _chart(decisions: Sequence[Decision], found: Sequence[Checked], material: Material) -> Chart:
    first = decisions[0]
    drawn = [one for one in decisions if one.clients.factor in FACTORS or one.clients.is_measured]
    panels = [Panel((_who(one), _client(one)), one, [cell for cell in found if cell.decision is one]) for one in drawn]
    shown = [panel for panel in panels if panel.cells or len(_winners(panel.decision)) > 1]
    return Chart(
        f"{first.model.title}: client or server",
        _clock(first, material),
        _words(drawn),
        spec(shown or panels[:1], _networks(first)),  # the others are told in words
        _table(decisions),
        _named(first.clients.machine, material),
    )


def _named(machine: str, material: Material) -> str:
    """Return what a machine of decide's is called in the rest of the report."""
    told = {row.machine for row in material.rows if machine_of(row.run) == machine}
    return " or ".join(sorted(told)) or machine


def _clock(decision: Decision, material: Material) -> str:
    """Say what is inside the times, which server was asked and how, and what its figures lack."""
    names = " or ".join(server.name for server in decision.servers)
    whichever = ", whichever is earlier" if len(decision.servers) > 1 else ""
    elsewhere = decision.model.machine != decision.clients.machine
    where = f", on {_named(decision.model.machine, material)}" if elsewhere else ""
    notes = dict.fromkeys(note for server in decision.servers for note in server.notes)
    told = f" ({'; '.join(notes)})" if notes else ""
    return f"Server: {names}{whichever}{where}{told}{_doubt(decision.servers)}.{_faults(decision, material)}"


def _faults(decision: Decision, material: Material) -> str:
    """Say which runs of the model are not whole: what they hold counts."""
    runs = {id(row.run): row.run for row in material.rows if row.model == decision.model.name}
    files: dict[str, list[str]] = {}
    for run in runs.values():
        for mark in run_marks(run):
            files.setdefault(mark.words, []).append(run.file.name)
    told = [f"{', '.join(names)}: {words}" for words, names in files.items()]
    return f" Not whole, and counted: {'; '.join(told)}." if told else ""


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


def _words(drawn: Sequence[Decision]) -> str:
    """Say where the border of each class is, and what is doubtful of the clients."""
    doubts = dict.fromkeys(doubt for one in drawn for doubt in one.client.doubts)
    told = [f"{_who(one)}: {_border(one)}{words.mark(one.client.doubts)}" for one in drawn]
    sentence = f"{'; '.join(told)}."
    doubtful = f" (!) {'; '.join(doubts)}." if doubts else ""
    return f"At {SPOKEN:g} Mbit/s, {sentence}{doubtful}"


def _network(network: Conditions) -> str:
    rates = f"{network.down / plane.MEGA:.3g} down, {network.up / plane.MEGA:.3g} up"
    return f"{network.name} ({network.round_trip * MILLI:g} ms, {rates})"


def _border(decision: Decision) -> str:
    """Say where the border is: in a word where there is none on the map, else at one rate."""
    winners, span = _winners(decision), decision.borders[SPOKEN]
    if len(winners) == 1:
        return f"{NAMES[winners.pop()]} everywhere on the map"
    if span.high <= 0:
        return "the client at any round trip"
    if span.high == math.inf:
        return "undecided, of too few starts"
    if span.value <= 0:
        return f"undecided below {words.digits(span.high * MILLI)} ms, the client above"
    return f"the server below {_round_trip(decision, SPOKEN)}, the client above"


def _winners(decision: Decision) -> set[Winner]:
    return {winner for row in decision.grid for winner in row}


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
