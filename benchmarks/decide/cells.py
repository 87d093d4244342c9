"""The check against the world: cells of model, client class and network, predicted and then measured on both sides."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from tabulate import tabulate

from benchmarks.decide import runs, suite, words
from benchmarks.decide.answers import Answer
from benchmarks.decide.checks import NEAR, NEAR_CELLS, NETWORKS, PAIRS, Cell, marks
from benchmarks.decide.measured import NEARBY, Model, Reading
from benchmarks.decide.sides import IN_WORKER, ClientClass, Served, classes, served
from benchmarks.decide.spans import Span
from browser_harness.network import PROFILES, Conditions, parse

SLOWEST = 1.0  # seconds of a first request: a cell that takes longer is not worth its time
ROUND_TRIPS = (5, 10, 20, 40, 60, 80, 100, 150, 200, 300)  # ms
RATES = ("", ",down=100mbit,up=50mbit", ",down=50mbit,up=20mbit", ",down=20mbit,up=10mbit")


class CheckError(Exception):
    """No check can be made of what was measured; the message says what it lacks."""


Pair = tuple[Model, ClientClass, Sequence[Served]]


def choose(models: Sequence[Model], platforms: Sequence[str] = (), networks: Sequence[Conditions] = ()) -> list[Cell]:
    """Return the cells to check, predicted: of *networks*, or of three that bring many cells to the border.

    *platforms* are the clients' that count; where none is named, all do. Raises CheckError where there are too few
    pairs of model and client class, or no such networks.
    """
    pairs = [*_pairs(models, platforms)]
    if len(pairs) < PAIRS:
        raise CheckError(
            f"{len(pairs)} pairs of model and client class are measured on both sides, and a check needs {PAIRS}: "
            "add --model or --slowdown"
        )
    columns: Sequence[Sequence[Cell]]
    columns = [[_predict(pair, network) for pair in pairs] for network in networks or _candidates()]
    if not networks:
        columns = _at_the_border(columns)
    return [cell for column in columns for cell in column]


def _pairs(models: Sequence[Model], platforms: Sequence[str]) -> Iterator[Pair]:
    """Yield each model on each client that was measured, with the servers that were asked from a page.

    Each of a class' platforms counts for itself: not only the one that people would take lies near the border.
    """
    for model in models:
        servers = [server for server in served(model) if server.name in model.ways]
        for clients in classes(model, platforms) if servers else ():
            if clients.is_measured or clients.factor == 1:
                yield from ((model, replace(clients, candidates=[one]), servers) for one in clients.candidates)


def _candidates() -> list[Conditions]:
    """Return networks to choose among; without that at which the server was just asked, and is predicted by itself."""
    made = (parse(f"rtt={ms}ms{rates}") for rates in RATES for ms in ROUND_TRIPS)
    return [*PROFILES.values(), *(one for one in made if one.round_trip != NEARBY or one.down)]


def _predict(pair: Pair, network: Conditions) -> Cell:
    model, clients, servers = pair
    answer = Answer.of(network, servers, clients.answering)
    predicted = answer.server_later, answer.server_first, answer.client_later
    platform = clients.answering.platform
    return Cell(model.name, clients.title, platform, clients.factor, network, answer.server.name, predicted)


def _at_the_border(columns: Sequence[Sequence[Cell]]) -> list[Sequence[Cell]]:
    """Return the cells of those three networks that tell most, each a column of pairs."""
    quick = [column for column in columns if all(cell.predicted[1].value <= SLOWEST for cell in column)]
    worths = [_worth(column) for column in quick]
    best = max(combinations(range(len(quick)), NETWORKS), key=lambda three: _together([worths[at] for at in three]))
    if sum(cell.is_near for at in best for cell in quick[at]) < NEAR_CELLS:
        raise CheckError(
            f"no {NETWORKS} networks bring {NEAR_CELLS} cells within {NEAR:g} times the border: "
            "add a larger --model, or --slowdown"
        )
    return [quick[at] for at in best]


Worth = tuple[int, int, int, int, int]  # decided cells at the border, cells there, won by client, by server; a profile


def _worth(column: Sequence[Cell]) -> Worth:
    near, winners = [cell for cell in column if cell.is_near], [cell.predicted_winner for cell in column]
    return (
        sum(cell.predicted_winner != "undecided" for cell in near),
        len(near),
        winners.count("client"),
        winners.count("server"),
        column[0].network.name in PROFILES,
    )


def _together(worths: Sequence[Worth]) -> tuple[int, int, int, int]:
    """Return what makes some networks better than others: enough at the border, both sides winning; then profiles."""
    decided, near, clients, servers, profiles = (sum(values) for values in zip(*worths, strict=True))
    return min(near, NEAR_CELLS), min(decided, NEAR_CELLS), min(clients, servers, NEAR_CELLS), profiles


def plan(cells: Sequence[Cell], common: Sequence[str], as_asked: Callable[[str], str]) -> list[suite.Asked]:
    """Return the runs that measure the cells, each side for itself; *as_asked* gives the word for a model."""
    names = _models(cells, as_asked)
    networks = dict.fromkeys(suite.network_words(cell.network) for cell in cells)
    asked = [
        suite.Asked(
            "check-server",
            [
                *("-m", "latency or first_inference"),
                *suite.each("--model", names),
                *suite.each("--platform", dict.fromkeys(cell.server for cell in cells)),
                *suite.each("--network", networks),
                *common,
            ],
        )
    ]
    by_class: dict[tuple[int, bool], list[Cell]] = {}
    for cell in cells:
        by_class.setdefault((cell.slowdown, cell.platform.endswith(IN_WORKER)), []).append(cell)
    return asked + [_of_clients(of_class, as_asked, common) for of_class in by_class.values()]


def _of_clients(cells: Sequence[Cell], as_asked: Callable[[str], str], common: Sequence[str]) -> suite.Asked:
    """Return the run that measures clients of one weakness, all in a page's main thread or all in workers."""
    slowdown, platforms = cells[0].slowdown, dict.fromkeys(cell.platform for cell in cells)
    asked = ["-m", "latency", *suite.each("--model", _models(cells, as_asked)), *runs.clients_words(platforms)]
    brake = [] if slowdown == 1 else ["--slowdown", str(slowdown)]
    where = "-worker" if cells[0].platform.endswith(IN_WORKER) else ""
    return suite.Asked(f"check-client-{slowdown}x{where}", [*asked, *brake, *common])


def _models(cells: Sequence[Cell], as_asked: Callable[[str], str]) -> list[str]:
    return [*dict.fromkeys(as_asked(cell.model) for cell in cells)]


def filled(cells: Sequence[Cell], models: Sequence[Model]) -> list[Cell]:
    """Return the cells with what was measured then."""
    by_name = {model.name: model for model in models}
    return [_filled(cell, model) if (model := by_name.get(cell.model)) else cell for cell in cells]


def _filled(cell: Cell, model: Model) -> Cell:
    way = model.ways.get(cell.server)
    over = [way.over.get((cell.network.name, which)) if way else None for which in ("kept", "first")]
    clients = [
        client.latency
        for client in model.clients.values()
        if (client.platform, client.slowdown) == (cell.platform, cell.slowdown)
    ]
    client = next(iter(clients), None)
    doubts = [words for reading in (*over, client) if reading for words in reading.doubts]
    return replace(cell, measured=(_span(over[0]), _span(over[1]), _span(client)), doubts=doubts)


def _span(reading: Reading | None) -> Span | None:
    return reading.span if reading else None


def lines(cells: Sequence[Cell]) -> Iterator[str]:
    """Yield the table of predicted and measured, and whether each mark is met."""
    head = ["model", "client", "network", "server", "kept: predicted", "measured", "error", "first: predicted"]
    head += ["measured", "error", "client: predicted", "measured", "predicted", "measured", ""]
    yield from tabulate([_row(cell) for cell in cells], head, disable_numparse=True).splitlines()
    yield from (f"{'met' if mark.is_met else 'MISSED'}  {mark.words}" for mark in marks(cells))


def _row(cell: Cell) -> list[str]:
    right = {True: "right", False: "WRONG", None: "undecided"}[cell.is_right] + words.mark(cell.doubts)
    return [
        cell.model,
        f"{cell.platform}{f'@{cell.slowdown}x' if cell.slowdown > 1 else ''}",
        cell.network.name + (" (border)" if cell.is_near else ""),
        cell.server,
        *_side(cell, 0),
        *_side(cell, 1),
        *_side(cell, 2)[:2],
        cell.predicted_winner,
        cell.measured_winner,
        right,
    ]


def _side(cell: Cell, at: int) -> list[str]:
    measured, error = cell.measured[at], cell.error(at)
    told = words.duration(measured.value) if measured else "not measured"
    return [words.duration(cell.predicted[at].value), told, f"{error:+.1%}" if error is not None else ""]
