"""Charts as SVG: Vega-Lite draws them here, in the colours of the page, and nothing is drawn in the browser.

A chart is as wide as a phone, so that its words are as large as the page's; a wide screen shows several side by side.
"""

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

import vl_convert

VEGA_LITE = "5.20"
# What is said of each text and shape is said once of the whole, or is as it is without being said.
INHERITED = 'font-family="system-ui, sans-serif"\nfont-size="11px"'
ALIKE = "|".join(
    f" {re.escape(said)}"
    for said in (*INHERITED.split("\n"), 'font-weight="400"', 'opacity="1"', 'transform="translate(0,0)"')
)
WIDTH = 350  # px of a whole chart
ROW = 30  # px of a row in a chart of rows
SIDES = {"server": "var(--server)", "client": "var(--client)", "remote": "var(--remote)"}
UNDECIDED, INK, DIM, LINE, DOUBT = (f"var(--{name})" for name in ("undecided", "ink", "dim", "line", "doubt"))
SERIES = tuple(f"var(--series-{number})" for number in range(1, 7))
THEME: Mapping[str, Any] = {
    "aria": False,  # the figure around it has the words
    "background": None,
    "font": "system-ui, sans-serif",
    "autosize": {"type": "fit-x", "contains": "padding"},
    "padding": 4,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "titleColor": DIM,
        "gridColor": LINE,
        "domainColor": LINE,
        "tickColor": LINE,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
    },
    "legend": {"labelColor": INK, "titleColor": DIM, "labelFontSize": 11, "orient": "bottom", "title": None},
    "text": {"color": INK, "fontSize": 11},
    "rule": {"color": DIM},
    "range": {"category": [*SERIES]},
}


def svg(spec: Mapping[str, Any], number: int, words: str) -> str:
    """Return a chart as an SVG element, which is one picture to a screen reader; *number* sets its ids apart.

    The spec's texts are data: Vega escapes them.
    """
    whole = {"width": WIDTH, "background": None, **spec, "config": {**THEME, **spec.get("config", {})}}
    drawn: str = vl_convert.vegalite_to_svg(whole, vl_version=VEGA_LITE)
    drawn = re.sub(r' (role|aria-[a-z]+)="[^"]*"', "", drawn)
    drawn = re.sub(ALIKE, "", drawn)
    drawn = re.sub(r'(id="|url\(#)(?=(clip|gradient))', rf"\1chart{number}-", drawn)
    label = words.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    head = f'<svg role="img" aria-label="{label}" {INHERITED}'  # as it is: a backslash in it is no escape
    return re.sub(r"<svg [^>]*?(viewBox=\"[^\"]*\")", lambda found: f"{head} {found[1]}", drawn, count=1)


def values(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return *rows* as a chart's data."""
    return {"values": [*rows]}


def numbered() -> "itertools.count[int]":
    """Return the numbers of a page's charts."""
    return itertools.count(1)
