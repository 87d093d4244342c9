"""How many clients of each class compute as much as one server."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.decide import Decision
from benchmarks.decide.measured import machine_of
from benchmarks.report.charts.dots import Dot, dots, in_words
from benchmarks.report.content import Chart, Material, Part, Table, Words
from benchmarks.report.rows.groups import evenly, meaning
from benchmarks.results import Row, numbers
from benchmarks.results.tidy import DOUBT, Mark

MOST_ROWS = 18  # of a chart
OF_RUNS = ("not whole", "made up")  # marks that a decision does not carry, so they are read from its rows
CLOCK = "A server's rate over a client's, without network and first load. Line: the 95 % interval."
HEAD = ("model", "clients", "client", "on", "server on", "equal a server", "interval", "share of time", "how", "marks")


@dataclass(frozen=True)
class Counted:
    """A decision, where both sides were measured, and its marks."""

    decision: Decision
    on: str  # what the report calls the clients' machine
    server_on: str
    marks: Sequence[Mark]

    @property
    def title(self) -> str:
        """Which model and clients it is of."""
        return f"{self.decision.model.title}, {self.decision.clients.title}, on {self.on}"

    @property
    def ends(self) -> tuple[float | None, float | None]:
        """The interval; none where nothing is known of how the figures scatter."""
        clients = self.decision.equal.clients
        return (clients.low, clients.high) if clients.has_interval else (None, None)

    @property
    def signs(self) -> str:
        """The marks as they stand beside the figure."""
        return " ".join(dict.fromkeys(mark.sign for mark in self.marks))

    @property
    def dot(self) -> Dot:
        """The row of the chart: those that are known in the same way stand below each other."""
        decision, equal = self.decision, self.decision.equal
        elsewhere = f", server on {self.server_on}" if self.server_on != self.on else ""
        figure, note = (equal.clients.value, *self.ends), f"{decision.client.platform}, {decision.clients.title}"
        return Dot(decision.model.title, *figure, "client", note, self.signs, f"{equal.how}{elsewhere}")

    @property
    def is_by_factor(self) -> bool:
        """Whether its figure is another's times a factor, which no chart need show."""
        return not (self.decision.clients.is_measured or self.decision.clients.factor == 1)

    @property
    def cells(self) -> list[str]:
        """The row of the table."""
        decision, equal = self.decision, self.decision.equal
        who = [decision.model.title, decision.clients.title, decision.client.platform, self.on, self.server_on]
        figure = [numbers.three(equal.clients.value), numbers.between(*self.ends), f"{equal.duty:.0%}", equal.how]
        return [*who, *figure, meaning(self.marks)]


def equals(material: Material) -> list[Part]:
    """Return how many clients of each class equal the server, by model; and what could not be counted."""
    counted = [*_counted(material)]
    known = [one for one in counted if numbers.is_time(one.decision.equal.clients.value)]
    machines = dict.fromkeys(one.on for one in known)
    charts = [chart for machine in machines for chart in _charts([one for one in known if one.on == machine])]
    lost = [one.title for one in counted if one not in known]
    words = [Words([f"How many equal a server is not known of: {'; '.join(lost)}."])] if lost else []
    return [*charts, *words]


def _counted(material: Material) -> Iterator[Counted]:
    names = _names(material.rows)
    for decision in material.decisions:
        on, server_on = (names.get(name, name) for name in (decision.clients.machine, decision.model.machine))
        rows = [row for row in material.rows if row.sha256 == decision.model.sha256 and row.machine in (on, server_on)]
        yield Counted(decision, on, server_on, [*_marks(decision, rows)])


def _names(rows: Sequence[Row]) -> Mapping[str, str]:
    """Return what the report calls a machine, by what a decision calls it; nothing of two that are one to it."""
    found: dict[str, set[str]] = {}
    for row in rows:
        if row.run.is_of_this_suite:
            found.setdefault(machine_of(row.run), set()).add(row.machine)
    return {name: next(iter(called)) for name, called in found.items() if len(called) == 1}


def _marks(decision: Decision, rows: Sequence[Row]) -> Iterator[Mark]:
    """Yield what is doubtful of either side, and what marks the model's rows on their machines."""
    rates = [words for reading in decision.model.rates.values() for words in reading.doubts]
    servers = [words for server in decision.servers for words in server.doubts]
    if doubts := dict.fromkeys([*decision.client.doubts, *servers, *rates]):
        yield Mark(DOUBT, "; ".join(doubts))
    if decision.model.is_untrained:
        yield Mark("untrained", "nobody trained the network")
    yield from dict.fromkeys(mark for row in rows for mark in row.marks if mark.sign in OF_RUNS)


def _charts(counted: Sequence[Counted]) -> Iterator[Chart]:
    """Yield the charts of the clients of a machine, in the order of how they are known."""
    drawn = sorted((one for one in counted if not one.is_by_factor), key=lambda one: one.dot.heading)
    for part, which in evenly(len(drawn), MOST_ROWS):
        models = {one.decision.model.title for one in drawn[part]}
        beside = [one for one in counted if one.decision.model.title in models]
        yield _chart(f"Clients that equal a server{which}", drawn[part], beside)


def _chart(title: str, drawn: Sequence[Counted], counted: Sequence[Counted]) -> Chart:
    """Return a chart, in whose table all classes of its models stand."""
    rows = [one.dot for one in drawn]
    ways = {row.heading for row in rows}
    how = f" {ways.pop()}." if len(ways) == 1 else ""  # said once
    bare = [replace(row, heading="") for row in rows]
    duty = " or ".join(f"{one:.0%}" for one in sorted({one.decision.equal.duty for one in drawn}))
    table = Table(title, HEAD, [one.cells for one in counted], (5, 6, 7))
    clock = f"{CLOCK} A client computes {duty} of its time.{how[:2].upper()}{how[2:]}"
    picture = dots(bare if how else rows, "clients for one server, logarithmic", beside=1.0)
    told = [replace(row, label=f"{row.label} with {row.note}") for row in bare]  # which clients, and whether emulated
    return Chart(title, clock, in_words(told), picture, table, drawn[0].on)
