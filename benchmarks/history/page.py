"""The page: a table of all changes, and a chart of each benchmark, in one file that needs nothing else."""

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import pygal
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pygal.style import Style

from benchmarks.history.changes import MOST, Step
from benchmarks.history.findings import Finding, all_steps, changed_in_all, percent, step_words, summary, total_words
from benchmarks.history.runs import LeftOut
from benchmarks.history.series import RAW, Point

TEMPLATE = Path(__file__).with_name("page.html.j2")
MOST_LABELS = 14  # that fit below a chart
VALUES, LEVEL, SLOWER, FASTER, ELSE = "#6b8cae", "#1d3a5f", "#c62828", "#2e7d32", "#b08900"
LEGEND = (
    (VALUES, "a run"),
    (LEVEL, "mean between steps"),
    (SLOWER, "slower from here"),
    (FASTER, "faster from here"),
    (ELSE, "model, version or system changed"),
)
LOOK: dict[str, Any] = {
    "style": Style(
        background="transparent",
        plot_background="transparent",
        foreground="#444",
        foreground_strong="#222",
        foreground_subtle="#777",
        font_family="system-ui, sans-serif",
        label_font_size=12,
        major_label_font_size=12,
        value_label_font_size=15,
        guide_stroke_color="#e4e4e4",
        major_guide_stroke_color="#e4e4e4",
        guide_stroke_dasharray="0",
        major_guide_stroke_dasharray="0",
        opacity="1",
        stroke_opacity="1",
        stroke_width="2",
        transition="0s",
        colors=(VALUES, LEVEL, ELSE, SLOWER, FASTER),
    ),
    "allow_interruptions": True,
    "js": [],
    "disable_xml_declaration": True,
    "width": 1060,
    "height": 290,
    "margin": 10,
    "dots_size": 3,
    "max_scale": 6,
    "print_labels": True,
    "show_legend": False,
    "show_x_guides": False,
    "truncate_label": -1,
    "value_formatter": lambda value: f"{value:.4g}",
    "x_label_rotation": 35,
}


def page(findings: Sequence[Finding], left_out: Sequence[LeftOut]) -> str:
    """Return the whole page."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template(TEMPLATE.name).render(
        findings=findings,
        left_out=left_out,
        runs=len({point.run.file for finding in findings for point in finding.series.points}),
        summary=summary(findings),
        totals=changed_in_all(findings),
        steps=all_steps(findings),
        total_words=total_words,
        step_words=step_words,
        unit=unit,
        chart=chart,
        most=MOST,
        legend=LEGEND,
        slower=SLOWER,
        faster=FASTER,
    )


def unit(finding: Finding) -> str:
    """Return in words what the values are."""
    key = finding.series.key
    statistic = "10th percentile" if key.statistic == "p10" else "mean"
    if key.workload == RAW:
        return f"{statistic}, ms, raw: not corrected for the machine's state"
    return f"{statistic}, ms, corrected by the machine's speed in each run"


def chart(finding: Finding) -> str:
    """Return a chart as SVG: runs, the level between steps, steps, and what else changed; runs are counted from 1."""
    points, (low, high) = finding.series.points, _range(finding.series.values)
    plot = pygal.XY(**LOOK, range=(low, high), xrange=(0.5, len(points) + 0.5))
    plot.x_labels = [{"value": index + 1, "label": _label(points[index])} for index in _labelled(points)]
    plot.add("runs", [*enumerate(finding.series.values, 1)], stroke=False)
    plot.add("level", _levels(finding), show_dots=False)
    plot.add("else", [(index, low) for index, point in enumerate(points, 1) if point.notes], stroke=False, dots_size=5)
    for name, sign in (("slower", 1), ("faster", -1)):
        steps = [step for step in finding.steps if step.change * sign > 0]
        plot.add(name, [mark for step in steps for mark in _mark(step, low, high)], dots_size=4)
    plot.add_xml_filter(lambda svg: _finish(svg, points))
    return str(plot.render(is_unicode=True))


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Return the chart's ends: around the values, and at least 10 % apart lest noise look like mountains."""
    low, high = min(values), max(values)
    spare = max(0.15 * (high - low), 0.05 * high - (high - low) / 2)
    return low - spare, high + spare


def _labelled(points: Sequence[Point]) -> range:
    return range(0, len(points), math.ceil(len(points) / MOST_LABELS))


def _label(point: Point) -> str:
    return f"{point.run.commit} {point.run.time:%m-%d}"


def _levels(finding: Finding) -> list[tuple[float, float] | None]:
    ends = [0, *(step.index for step in finding.steps), len(finding.series.values)]
    lines: list[tuple[float, float] | None] = []
    for start, end in pairwise(ends):
        level = statistics.fmean(finding.series.values[start:end])
        lines += [(start + 0.5, level), (end + 0.5, level), None]
    return lines


def _mark(step: Step, low: float, high: float) -> list[object]:
    place = step.index + 0.5
    return [(place, low), {"value": (place, high), "label": percent(step.change)}, None]


def _finish(svg: Element, points: Sequence[Point]) -> Element:
    """Take out pygal's scripts and comments, and show what each run was where the mouse rests on it."""
    for parent in [*svg.iter()]:
        for child in [*parent]:
            if not isinstance(child.tag, str) or child.tag in {"script", "desc"}:
                parent.remove(child)
    shown = {0: points, 2: [point for point in points if point.notes]}  # by the order in which they were added
    for number, of_dots in shown.items():
        dots = svg.iterfind(f".//g[@class='plot overlay']/g[@class='series serie-{number} color-{number}']//circle")
        for dot, point in zip(dots, of_dots, strict=True):
            SubElement(dot, "title").text = _tooltip(point)
    return svg


def _tooltip(point: Point) -> str:
    return "\n".join([f"{point.run.commit}, {point.run.day}", f"{point.value:.4g} ms", *point.notes])
