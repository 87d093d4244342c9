"""Draws the README's picture, a chart of the report: ``python -m benchmarks.figures.picture [--out DIR]``.

It is the map of one network on weaker clients, light and dark, from the runs under docs/runs. GitHub shows an SVG as a
picture that knows nothing of the page's colours, so it becomes a PNG here, in the colours of the report's own style.
"""

import argparse
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import vl_convert

from benchmarks.decide import Decision
from benchmarks.report.charts import drawing
from benchmarks.report.content import Chart, Material
from benchmarks.report.page import TEMPLATE
from benchmarks.report.sections import SECTIONS
from benchmarks.results import load
from models.files import replacing

ROOT = Path(__file__).parents[2]
RUNS, IMAGES = ROOT / "docs" / "runs" / "visitor", ROOT / "docs" / "img"
SECTION, NAME = "map", "map"
SCALE = 2  # dots of a px: sharp on a phone
NAMESPACE = "http://www.w3.org/2000/svg"  # which an SVG inside a page does without
VARIABLE = re.compile(r"var\(--([\w-]+)\)")
COLOURS = re.compile(r"--([\w-]+):\s*(#[0-9a-f]+)\s*;")
ROOTS = re.compile(r":root\s*\{([^}]*)\}")


class NoPictureError(Exception):
    """The report has no such chart, or its style no such colours."""


def _is_shown(decision: Decision) -> bool:
    """Whether the picture is of this: the largest network, on clients that were measured 4 times weaker."""
    return decision.model.name == "resnet50" and decision.clients.factor == 4


def chart(folder: Path = RUNS) -> Chart:
    """Return the chart, of the runs in a folder. Raises NoPictureError where the report draws none of them."""
    material = Material.of([load(file) for file in sorted(folder.glob("*.json"))])
    shown = replace(material, decisions=[decision for decision in material.decisions if _is_shown(decision)])
    found = [section for make in SECTIONS if (section := make(shown)) and section.anchor == SECTION]
    charts = [part for section in found for part in section.parts if isinstance(part, Chart)]
    if len(charts) != 1:
        raise NoPictureError(f"the report draws {len(charts)} charts in its section {SECTION!r}, and 1 is the picture")
    return charts[0]


def themes(style: str) -> Mapping[str, Mapping[str, str]]:
    """Return the colours of the report's style by their names: light, and dark, which has the light ones' names."""
    found = [dict(COLOURS.findall(block)) for block in ROOTS.findall(style)]
    themes = dict(zip(("light", "dark"), found, strict=False))
    if len(themes) < 2 or "paper" not in themes["light"]:
        raise NoPictureError(f"{TEMPLATE.name}: no light and dark colours of :root are in its style")
    return {name: {**themes["light"], **colours} for name, colours in themes.items()}


def coloured(svg: str, colours: Mapping[str, str]) -> str:
    """Return a drawing with the colours of a theme in it, on its paper."""

    def colour(name: re.Match[str]) -> str:
        try:
            return colours[name[1]]
        except KeyError as error:
            raise NoPictureError(f"{TEMPLATE.name}: the style has no colour --{name[1]}") from error

    paper = f'<rect width="100%" height="100%" fill="{colours["paper"]}"/>'
    return re.sub(r"<svg ([^>]*>)", rf'<svg xmlns="{NAMESPACE}" \1{paper}', VARIABLE.sub(colour, svg), count=1)


def png(picture: Chart, colours: Mapping[str, str], convert: Callable[..., bytes] = vl_convert.svg_to_png) -> bytes:
    """Return a chart as a PNG."""
    return convert(coloured(drawing.svg(picture.spec, 1, picture.alternative), colours), scale=SCALE)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="picture", description=__doc__)
    parser.add_argument("--out", type=Path, default=IMAGES, metavar="DIR", help="default: docs/img")
    folder = parser.parse_args().out
    try:
        picture = chart()
        drawn = {theme: png(picture, of) for theme, of in themes(TEMPLATE.read_text(encoding="utf-8")).items()}
    except NoPictureError as error:
        sys.exit(f"picture: {error}")
    folder.mkdir(parents=True, exist_ok=True)
    for theme, content in drawn.items():
        with replacing(folder / f"{NAME}-{theme}.png") as aside:
            aside.write_bytes(content)
        print(f"picture  {folder / f'{NAME}-{theme}.png'}  {len(content) / 1e3:.0f} kB")
    print(f"its words: {picture.alternative}")


if __name__ == "__main__":
    main()
