"""The page: a table of all changes, and a chart of each benchmark, in one file that needs nothing else."""

import html
import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import pygal
from pygal.style import Style

from benchmarks.history.changes import MOST, Step
from benchmarks.history.findings import Finding, all_steps, changed_in_all, percent, step_words, summary, total_words
from benchmarks.history.runs import LeftOut
from benchmarks.history.series import RAW, Point

MOST_LABELS = 14  # that fit below a chart
VALUES, LEVEL, SLOWER, FASTER, ELSE = "#6b8cae", "#1d3a5f", "#c62828", "#2e7d32", "#b08900"
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 1080px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem } h2 { font-size: 1.25rem; margin: 2.5rem 0 .2rem }
h3 { font-size: 1rem; margin: 2rem 0 0; overflow-wrap: anywhere }
p { margin: .2rem 0 } .dim { color: #666; font-size: .88rem } a { color: #1d4f91; text-decoration: none }
table { border-collapse: collapse; margin: .8rem 0; width: 100% } th { text-align: left; border-bottom: 2px solid #ccc }
th, td { padding: .3rem .8rem .3rem 0; vertical-align: top }
td { border-bottom: 1px solid #eee; overflow-wrap: anywhere }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
.slower { color: #c62828; font-weight: 600 } .faster { color: #2e7d32; font-weight: 600 }
code { font-size: .92em } figure { margin: .3rem 0 }
.key i { display: inline-block; width: .75em; height: .75em; border-radius: 50%; margin: 0 .35em 0 1.1em }
"""
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
    return "\n".join(
        [
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>History of the benchmarks</title>',
            f"<style>{STYLE}</style>",
            "<h1>History of the benchmarks</h1>",
            *_changes(findings),
            *_charts(findings),
            *_left_out(left_out),
            "</html>",
        ]
    )


def _changes(findings: Sequence[Finding]) -> Iterator[str]:
    runs = {point.run.file for finding in findings for point in finding.series.points}
    yield f"<p>{len(runs)} runs. {summary(findings)}.</p>"
    if totals := changed_in_all(findings):
        yield "<h2>From the first runs to the last</h2>"
        yield f'<p class="dim">Mean of the last {MOST} runs over that of the first; of fewer where runs are few.</p>'
        yield from _table(["benchmark", "commits", "change", "99.9 %"], map(_total_row, totals))
    if steps := all_steps(findings):
        yield "<h2>Steps</h2>"
        yield '<p class="dim">Found by Apache Otava; p: how probable so large a difference is without a step.</p>'
        yield from _table(["benchmark", "commits", "change", "p"], (_step_row(one, step) for one, step in steps))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    words = len(head) - 2  # columns of words, before those of numbers
    yield "<table><tr>" + "".join(f"<th{_number(i, words)}>{cell}</th>" for i, cell in enumerate(head)) + "</tr>"
    for row in rows:
        yield "<tr>" + "".join(f"<td{_number(i, words)}>{cell}</td>" for i, cell in enumerate(row)) + "</tr>"
    yield "</table>"


def _number(index: int, words: int) -> str:
    return ' class="number"' if index >= words else ""


def _total_row(finding: Finding) -> list[str]:
    commits, change, interval = total_words(finding)
    return [_link(finding), commits, _coloured(change), interval]


def _step_row(finding: Finding, step: Step) -> list[str]:
    commits, change, p = step_words(finding, step)
    notes = "".join(f'<div class="dim">{html.escape(note)}</div>' for note in finding.around(step)[1].notes)
    return [_link(finding), commits + notes, _coloured(change), p]


def _link(finding: Finding) -> str:
    machine = f'<div class="dim">{html.escape(finding.series.key.machine)}</div>'
    return f'<a href="#{finding.anchor}">{html.escape(finding.short_name)}</a>{machine}'


def _coloured(change: str) -> str:
    return f'<span class="{"slower" if change.startswith("+") else "faster"}">{change}</span>'


def _charts(findings: Sequence[Finding]) -> Iterator[str]:
    for (machine, fingerprint), ours in groupby(findings, key=lambda one: one.machine):
        yield f'<h2>{html.escape(machine)}</h2><p class="dim">{html.escape(fingerprint)}</p>'
        yield KEY
        for finding in ours:
            yield f'<h3 id="{finding.anchor}">{html.escape(finding.short_name)}</h3>'
            yield f'<p class="dim">{html.escape(unit(finding))}{_in_all(finding)}</p>'
            yield f"<figure>{chart(finding)}</figure>"


def _in_all(finding: Finding) -> str:
    """Return the change from the first runs to the last, where there is one."""
    if not (finding.total and finding.total.is_change):
        return ""
    _commits, change, interval = total_words(finding)
    return f"; from the first runs to the last {_coloured(change)} ({interval})"


KEY = (
    '<p class="key dim">'
    + "".join(
        f'<i style="background:{colour}"></i>{words}'
        for colour, words in (
            (VALUES, "a run"),
            (LEVEL, "mean between steps"),
            (SLOWER, "slower from here"),
            (FASTER, "faster from here"),
            (ELSE, "model, version or system changed"),
        )
    )
    + "</p>"
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
    drawn = pygal.XY(**LOOK, range=(low, high), xrange=(0.5, len(points) + 0.5))
    drawn.x_labels = [{"value": index + 1, "label": _label(points[index])} for index in _labelled(points)]
    drawn.add("runs", [*enumerate(finding.series.values, 1)], stroke=False)
    drawn.add("level", _levels(finding), show_dots=False)
    drawn.add("else", [(index, low) for index, point in enumerate(points, 1) if point.notes], stroke=False, dots_size=5)
    for name, sign in (("slower", 1), ("faster", -1)):
        ours = [step for step in finding.steps if step.change * sign > 0]
        marks = [mark for step in ours for mark in _mark(step, low, high)]
        drawn.add(name, marks, dots_size=4)
    drawn.add_xml_filter(lambda svg: _finish(svg, points))
    return str(drawn.render(is_unicode=True))


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
    """Take out pygal's scripts and comments, and tell of each run what it was where the mouse rests on it."""
    for parent in [*svg.iter()]:
        for child in [*parent]:
            if not isinstance(child.tag, str) or child.tag in {"script", "desc"}:
                parent.remove(child)
    told = {0: points, 2: [point for point in points if point.notes]}  # by the order in which they were added
    for number, ours in told.items():
        dots = svg.iterfind(f".//g[@class='plot overlay']/g[@class='series serie-{number} color-{number}']//circle")
        for dot, point in zip(dots, ours, strict=True):
            SubElement(dot, "title").text = _tooltip(point)
    return svg


def _tooltip(point: Point) -> str:
    return "\n".join([f"{point.run.commit}, {point.run.day}", f"{point.value:.4g} ms", *point.notes])


def _left_out(left_out: Sequence[LeftOut]) -> Iterator[str]:
    if left_out:
        yield "<h2>Left out</h2>"
        yield from (f"<p><code>{html.escape(one.what)}</code>: {html.escape(one.why)}</p>" for one in left_out)
