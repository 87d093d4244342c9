"""What was measured on both sides after it was predicted, and the map that it belongs to; no cell is lost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.decide import Check, Decision, words
from benchmarks.decide.checks import Cell
from benchmarks.report.content import Table
from benchmarks.report.sections.map import plane
from benchmarks.report.sections.map.plane import Place

VERDICTS = {True: "right", False: "WRONG", None: "undecided"}
OUTSIDE = "a network without a limit, or without a way, has no place there"


@dataclass(frozen=True)
class Checked:
    """A cell of a check, and where it is marked; in no map where it tells of other figures than that shows."""

    check: Check
    cell: Cell
    decision: Decision | None = None
    why_not: str = ""

    @property
    def at(self) -> Place | None:
        """Where it lies in its map."""
        if self.decision is None:
            return None
        return plane.place(self.cell.network, _wire(self.decision, self.cell))

    @property
    def verdict(self) -> str:
        """Whether the predicted winner won: of two that were not measured nobody knows."""
        return "not measured" if self.cell.measured_winner == "not measured" else VERDICTS[self.cell.is_right]

    @property
    def words(self) -> str:
        """The verdict with the mark of what was doubtful when it was measured."""
        return self.verdict + words.mark(self.cell.doubts)


def checked(decisions: Sequence[Decision], checks: Sequence[Check]) -> list[Checked]:
    """Return all cells of *checks*, each with the map of *decisions* that it belongs to, or why there is none."""
    return [_placed(check, cell, decisions) for check in checks for cell in check.cells]


def _placed(check: Check, cell: Cell, decisions: Sequence[Decision]) -> Checked:
    """Return a cell with the first map that nothing speaks against, else with what speaks against the last."""
    why_not = "its model and class of clients are in no map"
    for decision in decisions:
        if (decision.model.name, decision.clients.factor) != (cell.model, cell.slowdown):
            continue
        if not (why_not := next(_against(check, cell, decision), "")):
            return Checked(check, cell, decision)
    return Checked(check, cell, None, why_not)


def _against(check: Check, cell: Cell, decision: Decision) -> Iterator[str]:
    """Yield what speaks against marking a cell in a map: there it would tell of what was not measured."""
    if check.sha256.get(cell.model) != decision.model.sha256:
        yield "another file of that name"
    if check.machine != decision.clients.machine:
        yield "another machine"
    if not (decision.clients.is_measured or decision.clients.factor == 1):
        yield "its map is by a factor"
    if cell.platform != decision.client.platform:
        yield f"the map is of {decision.client.platform}"
    if not any(server.name == cell.server for server in decision.servers):
        yield "the map is of other servers"
        return
    if plane.place(cell.network, _wire(decision, cell)) is None:
        yield OUTSIDE
    if (now := decision.later_on(cell.network)) != cell.predicted_winner:
        yield f"the map, of other runs, says {now} there"


def _wire(decision: Decision, cell: Cell) -> tuple[float, float]:
    return next(server.wire for server in decision.servers if server.name == cell.server)


def table_of(found: Sequence[Checked]) -> Table:
    """Return all cells, with what was predicted and measured."""
    head = ["model", "client", "network", "server", "server: predicted", "measured", "client: predicted", "measured"]
    head += ["predicted", "measured", "", "marked in the map", "file"]
    return Table("Checked: predicted, then measured on both sides", head, [_row(one) for one in found], is_folded=True)


def _row(one: Checked) -> list[str]:
    cell = one.cell
    weaker = f"@{cell.slowdown}x" if cell.slowdown > 1 else ""
    return [
        cell.model + (" (untrained)" if cell.model in one.check.untrained else ""),
        f"{cell.platform}{weaker}",
        cell.network.name + (" (border)" if cell.is_near else ""),
        cell.server,
        *_times(cell, 0),
        *_times(cell, 2),
        cell.predicted_winner,
        cell.measured_winner,
        one.words,
        f"no: {one.why_not}" if one.why_not else "yes",
        one.check.file,
    ]


def _times(cell: Cell, side: int) -> list[str]:
    spans = cell.predicted[side], cell.measured[side]
    return [f"{words.duration(span.value)}{words.interval(span)}" if span else "not measured" for span in spans]


def marks_of(checks: Sequence[Check]) -> Table:
    """Return what the checks were held to, and what came out."""
    rows = [["met" if mark.is_met else "MISSED", mark.words, one.file] for one in checks for mark in one.marks]
    return Table("What the check was held to", ["", "mark", "file"], rows)
