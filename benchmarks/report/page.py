"""The page: the sections in their order, in one file that asks for nothing else."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from benchmarks.decide import Check
from benchmarks.report.charts import drawing
from benchmarks.report.charts.drawers import drawers
from benchmarks.report.content import Chart, FleetFile, Material, Part, Section, Table, Verdict, Words
from benchmarks.report.sections import SECTIONS
from benchmarks.report.summary import Summary
from benchmarks.results import Run
from benchmarks.results.reading import Refused
from models.files import replacing
from models.names import tame

TEMPLATE = Path(__file__).with_name("page.html.j2")
KINDS = {Chart: "charts", Table: "tables", Words: "words", Verdict: "verdicts"}


@dataclass
class Page:
    """A page as text, and what of it could not be made."""

    text: str = ""
    problems: list[str] = field(default_factory=list)


def write(
    file: Path,
    runs: Sequence[Run],
    refused: Sequence[Refused] = (),
    checks: Sequence[Check] = (),
    fleets: Sequence[FleetFile] = (),
) -> list[str]:
    """Write a report of *runs*; *file* is whole or as it was. Return what of it could not be made."""
    made = page(Material.of(runs, refused, checks, fleets))
    with replacing(file) as aside:
        aside.write_text(made.text, encoding="utf-8")
    return made.problems


def page(material: Material) -> Page:
    """Return the whole page."""
    made = Page()
    with drawers(len(material.rows)) as begin:
        sections, begun = list[Section](), dict[int, Future[str]]()
        for section in _sections(material, made):
            sections.append(section)  # whose charts are drawn while the next one is made
            begun |= {id(part): begin(partial(_clean, part.spec)) for part in section.parts if isinstance(part, Chart)}
        template = _templates().get_template(TEMPLATE.name)
        draw, summary = partial(_drawn, made, begun, itertools.count(1)), Summary.of(material)
        parts = partial(_kinds, has_several=len(_machines(sections)) > 1)
        made.text = template.render(sections=sections, draw=draw, parts=parts, count=_count, summary=summary)
    return made


def _drawn(made: Page, begun: Mapping[int, "Future[str]"], numbers: Iterator[int], chart: Chart) -> Markup:
    """Return a chart as it stands in the page, or in its place why it could not be drawn."""
    try:
        return Markup(drawing.titled(begun[id(chart)].result(), next(numbers), tame(chart.alternative)))  # noqa: S704 (Vega escapes its texts)
    except Exception as error:  # its table is shown all the same
        made.problems.append(f"{chart.title} could not be drawn: {_words(error)}")
        return Markup('<p class="problem">{}.</p>').format(tame(made.problems[-1]))


def _templates() -> Environment:
    """Return what fills in the page: all text is escaped, and none turns the direction of what stands behind it."""
    return Environment(
        loader=FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        finalize=lambda value: value if isinstance(value, Markup) else tame(str(value)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _sections(material: Material, made: Page) -> Iterator[Section]:
    """Yield the sections; one that cannot be made of what a file holds says so in its place, and the others stand."""
    for make in SECTIONS:
        try:
            if section := make(material):
                yield section
        except Exception as error:  # whatever a file holds: what else was measured is not lost for it
            name = getattr(make, "__name__", "a part")
            made.problems.append(f"{name} could not be made: {_words(error)}")
            yield Section(name, name.replace("_", " ").capitalize(), "", [Words([f"{made.problems[-1]}."])])


def _count(section: Section) -> int:
    """Return how many charts and answers a section has."""
    return sum(isinstance(part, Chart | Verdict) for part in section.parts)


def _machines(sections: Sequence[Section]) -> set[str]:
    """Return whose parts a page has."""
    return {machine for section in sections for part in section.parts if (machine := _machine(part))}


def _machine(part: Part) -> str:
    return part.machine if isinstance(part, Chart | Verdict) else ""


def _kinds(section: Section, *, has_several: bool) -> Iterator[tuple[str, str, list[Part]]]:
    """Yield the parts of a section in their order, neighbours of a kind together, by machine where it *has_several*."""
    for kind, neighbours in groupby(section.parts, key=lambda part: KINDS[type(part)]):
        by_machine: dict[str, list[Part]] = {"": []}  # what is of none first: it stands below no heading
        for part in neighbours:
            by_machine.setdefault(_machine(part) if has_several else "", []).append(part)
        yield from ((kind, machine, parts) for machine, parts in by_machine.items() if parts)


def _clean(value: Any) -> Any:
    """Return a chart's data as they can be drawn: no text that drives what stands behind it, no number without end."""
    if isinstance(value, str):
        return tame(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {tame(str(name)): _clean(one) for name, one in value.items()}
    return [_clean(one) for one in value] if isinstance(value, Sequence) else value


def _words(error: Exception) -> str:
    return f"{type(error).__name__} {error}"
