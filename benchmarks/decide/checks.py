"""A check against the world: its cells, predicted and measured, what it is held to, and both in decide's JSON."""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.decide.answers import Winner
from benchmarks.decide.report import SCHEMA
from benchmarks.decide.sides import FIRST_WITHIN, KEPT_WITHIN
from benchmarks.decide.spans import Span
from benchmarks.results import keys
from benchmarks.results.damage import check_numbers
from browser_harness.network import Conditions

NETWORKS, PAIRS = 3, 6  # at least, of a check: 18 cells
NEAR, NEAR_CELLS = 1.5, 6  # at least so many cells have a client's time within so many times the server's
SIDES = ("server_kept", "server_first", "client")  # in JSON, of a cell's times


@dataclass(frozen=True)
class Cell:
    """A model on a client of a class and a network: what was predicted, and what was measured then."""

    model: str
    clients: str  # in words
    platform: str
    slowdown: int
    network: Conditions
    server: str
    predicted: tuple[Span, Span, Span]  # server later, server first, client later
    measured: tuple[Span | None, Span | None, Span | None] = (None, None, None)
    doubts: Sequence[str] = ()  # of what was measured

    @property
    def nearness(self) -> float:
        """How many times the one side's predicted time is the other's."""
        ratio = self.predicted[2].value / self.predicted[0].value
        return max(ratio, 1 / ratio)

    @property
    def is_near(self) -> bool:
        """Whether it lies at the border."""
        return self.nearness <= NEAR

    @property
    def predicted_winner(self) -> Winner:
        """Who answers earlier later on, as predicted."""
        is_client = self.predicted[2].is_below(self.predicted[0])
        return "undecided" if is_client is None else "client" if is_client else "server"

    @property
    def measured_winner(self) -> Winner:
        """Who did; of two that were measured one is always the earlier."""
        server, _, client = self.measured
        if server is None or client is None:
            return "not measured"
        return "client" if client.value < server.value else "server"

    @property
    def is_right(self) -> bool | None:
        """Whether the predicted winner won; None where none was predicted."""
        return None if self.predicted_winner == "undecided" else self.predicted_winner == self.measured_winner

    def error(self, at: int) -> float | None:
        """Return by which share a predicted time is off; None where it was not measured."""
        measured = self.measured[at]
        return self.predicted[at].value / measured.value - 1 if measured else None


@dataclass(frozen=True)
class Mark:
    """What a check is held to, and what came out."""

    words: str
    is_met: bool


def marks(cells: Sequence[Cell]) -> list[Mark]:
    """Return the marks of a check; what was not measured meets none."""
    decided = [cell for cell in cells if cell.is_right is not None]
    right = [cell for cell in decided if cell.is_right]
    near = sum(cell.is_near for cell in cells)
    return [
        Mark(f"{len(cells)} cells, at least {NETWORKS * PAIRS}", len(cells) >= NETWORKS * PAIRS),
        Mark(f"{near} within {NEAR:g} times the border, at least {NEAR_CELLS}", near >= NEAR_CELLS),
        Mark(
            f"predicted winner right in {len(right)} of {len(decided)} that were not undecided; all of them",
            bool(decided) and len(right) == len(decided),
        ),
        _within("a kept connection", cells, 0, KEPT_WITHIN),
        _within("a first request", cells, 1, FIRST_WITHIN),
    ]


def _within(what: str, cells: Sequence[Cell], at: int, limit: float) -> Mark:
    told = [error for cell in cells if (error := cell.error(at)) is not None]
    absent = len(cells) - len(told)
    worst = f"{min(told):+.1%} to {max(told):+.1%}" if told else "not measured"
    words_ = f"predicted time of {what} {worst}, within {limit:.0%}"
    words_ += f"; {absent} not measured" if told and absent else ""
    return Mark(words_, bool(told) and not absent and max(map(abs, told)) <= limit)


def to_json(cells: Sequence[Cell]) -> dict[str, Any]:
    """Return the check for a JSON file; times in seconds."""
    return {
        "marks": [asdict(mark) for mark in marks(cells)],
        "cells": [
            {
                "model": cell.model,
                "client": cell.platform,
                "slowdown": cell.slowdown,
                "network": asdict(cell.network),
                "server": cell.server,
                "predicted": {side: asdict(span) for side, span in zip(SIDES, cell.predicted, strict=True)},
                "measured": {
                    side: asdict(span) if span else None for side, span in zip(SIDES, cell.measured, strict=True)
                },
                "predicted_winner": cell.predicted_winner,
                "measured_winner": cell.measured_winner,
                "is_right": cell.is_right,
                "is_near": cell.is_near,
                "doubts": cell.doubts,
            }
            for cell in cells
        ],
    }


def of_json(checked: Mapping[str, Any], titles: Mapping[int, str]) -> list[Cell]:
    """Return the cells of a check that :func:`to_json` wrote; *titles* has the clients' words by how weak they are."""
    return [_of_json(saved, titles[saved["slowdown"]]) for saved in checked["cells"]]


def _of_json(saved: Mapping[str, Any], title: str) -> Cell:
    predicted = [_span(saved["predicted"][side]) for side in SIDES]
    measured = [_span(found) if (found := saved["measured"][side]) else None for side in SIDES]
    return Cell(
        saved["model"],
        title,
        saved["client"],
        saved["slowdown"],
        Conditions(**saved["network"]),
        saved["server"],
        (predicted[0], predicted[1], predicted[2]),
        (measured[0], measured[1], measured[2]),
        saved["doubts"],
    )


def _span(saved: Mapping[str, Any]) -> Span:
    """Return a figure; what has no end was written as null."""
    check_numbers((value for value in saved.values() if value is not None), "a checked time")
    return Span(*(math.inf if saved[end] is None else saved[end] for end in ("value", "low", "high")))


class UnreadError(Exception):
    """Decide's JSON cannot be read; the message says why, and what to do."""


@dataclass(frozen=True)
class Check:
    """Cells that were predicted, and measured then, all on one machine."""

    file: str
    machine: str  # as decide calls it
    sha256: Mapping[str, str]  # of the models' files, by their names
    cells: Sequence[Cell]
    untrained: Collection[str] = ()  # of the models

    @property
    def marks(self) -> list[Mark]:
        """What it was held to, and what came out."""
        return marks(self.cells)


def check_in(file: Path) -> Check | None:
    """Return the check in a file of decide's; None where it is no file of decide's.

    Raises UnreadError where it is one of a later version, cut, damaged, or without a check.
    """
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return checked_of(content, file.name)


def checked_of(content: Any, file: str) -> Check | None:
    """Return the check in what a *file* holds; None where it is not decide's. Raises UnreadError as above."""
    if not isinstance(content, Mapping) or not content.keys() >= keys.ANSWERS:
        return None
    if (schema := content["schema"]) != SCHEMA:
        words = f"decide's answers of schema {schema}, and this version reads {SCHEMA}; update the suite"
        raise UnreadError(words)
    if content["checked"] is None:
        raise UnreadError("decide's answers, and no check among them (--check makes one); a report decides by itself")
    try:
        return _read(content, file)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadError(f"decide's answers, cut or damaged: {type(error).__name__} {error}") from error


def _read(content: Mapping[str, Any], file: str) -> Check:
    decisions = content["decisions"]
    machines = {decision["class"]["machine"] for decision in decisions}
    titles = {decision["class"]["factor"]: decision["class"]["title"] for decision in decisions}
    if len(machines) != 1:
        raise ValueError(f"of {len(machines)} machines, and a check is of one")
    models = [decision["model"] for decision in decisions]
    hashes, untrained = (
        {one["name"]: one["sha256"] for one in models},
        {one["name"] for one in models if one["untrained"]},
    )
    return Check(file, machines.pop(), hashes, of_json(content["checked"], titles), untrained)
