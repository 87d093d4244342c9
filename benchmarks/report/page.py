"""The page: the sections in their order, in one file that asks for nothing else."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from benchmarks.decide import Check
from benchmarks.report import drawing
from benchmarks.report.content import Chart, Material, Refused, Table, Words
from benchmarks.report.sections import SECTIONS
from benchmarks.results import Run
from models.files import replacing

TEMPLATE = Path(__file__).with_name("page.html.j2")


def write(file: Path, runs: Sequence[Run], refused: Sequence[Refused] = (), checks: Sequence[Check] = ()) -> None:
    """Write a report of *runs*; *file* is whole or as it was."""
    text = page(Material.of(runs, refused, checks))
    with replacing(file) as aside:
        aside.write_text(text, encoding="utf-8")


def page(material: Material) -> str:
    """Return the whole page."""
    sections = [section for make in SECTIONS if (section := make(material))]
    templates = Environment(
        loader=FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    numbers = drawing.numbered()

    def draw(chart: Chart) -> Markup:
        return Markup(drawing.svg(chart.spec, next(numbers), chart.alternative))  # noqa: S704 (Vega escapes its texts)

    tests = {"chart": Chart, "table": Table, "words": Words}
    for name, kind in tests.items():
        templates.tests[name] = lambda part, kind=kind: isinstance(part, kind)
    return templates.get_template(TEMPLATE.name).render(material=material, sections=sections, draw=draw)
