"""What a report is made of: sections of charts, tables and sentences. Nothing of HTML, nothing of files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from benchmarks.decide import Check, Decision, MixedError, decisions_of
from benchmarks.results import Row, Run, rows_of
from benchmarks.results.fleet import Fleet
from benchmarks.results.reading import Refused


@dataclass(frozen=True)
class Table:
    """What stands in a table, as text; it is escaped where it is shown."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Sequence[int] = ()  # columns that are set to the right
    is_folded: bool = False  # until a reader asks for it: one that would fill screens


@dataclass(frozen=True)
class Chart:
    """A chart, its words, and the table behind it."""

    title: str
    clock: str  # what lies inside the clock, and the unit
    alternative: str  # what a person sees in it, in two sentences at most: the table has all figures
    spec: Mapping[str, Any]  # Vega-Lite's, without a theme
    table: Table
    machine: str = ""  # whose chart it is: where a page has several, each is a heading above its own


@dataclass(frozen=True)
class Words:
    """Sentences, each a paragraph."""

    sentences: Sequence[str]


Side = Literal["server", "client", "undecided", "depends", "open"]


@dataclass(frozen=True)
class Chip:
    """A word of an answer: what it is of, and which side it says; told by the word, and coloured by the side."""

    of: str
    side: Side
    word: str


@dataclass(frozen=True)
class Verdict:
    """An answer: of what, whose, and what it holds on."""

    title: str
    chip: Chip
    words: str  # the answer in a sentence
    chips: Sequence[Chip] = ()  # by network, where they are not alike
    conditions: Sequence[str] = ()  # sentences below it
    more: Sequence[str] = ()  # sentences that are folded
    tables: Sequence[Table] = ()  # folded as well
    machine: str = ""  # of the clients, as of a chart


Part = Chart | Table | Words | Verdict


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading."""

    anchor: str
    title: str
    lead: str  # a sentence or two below the heading
    parts: Sequence[Part]


@dataclass(frozen=True)
class FleetFile:
    """A job that many devices drained, and the file that tells of it."""

    file: Path
    fleet: Fleet


@dataclass(frozen=True)
class Material:
    """All that a report is made from."""

    runs: Sequence[Run]
    rows: Sequence[Row]
    refused: Sequence[Refused] = ()
    decisions: Sequence[Decision] = ()
    undecided: str = ""  # why nothing is decided of these runs together, where something stands against it
    checks: Sequence[Check] = ()  # of decide's files: what was predicted once, and measured then
    fleets: Sequence[FleetFile] = ()

    @classmethod
    def of(
        cls,
        runs: Sequence[Run],
        refused: Sequence[Refused] = (),
        checks: Sequence[Check] = (),
        fleets: Sequence[FleetFile] = (),
    ) -> "Material":
        """Read what *runs* say, and decide what they answer together."""
        rows, undecided, decisions = rows_of(runs), "", list[Decision]()
        try:
            decisions = decisions_of([run for run in runs if run.is_of_this_suite])
        except MixedError as error:
            undecided = str(error)
        except Exception as error:  # a file may say what no run of this suite says; its figures are shown all the same
            undecided = f"a file holds what cannot be decided of: {type(error).__name__} {error}"
        return cls(runs, rows, refused, decisions, undecided, checks, fleets)


class Make(Protocol):
    """Makes a section; None where the material has nothing for it."""

    def __call__(self, material: Material) -> Section | None: ...  # noqa: D102
