"""Charts as SVG: Vega-Lite draws them here, in the colours of the page, and nothing is drawn in the browser.

A chart is as wide as a phone, so that its words are as large as the page's; a wide screen shows several side by side.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import vl_convert

VEGA_LITE = "5.20"
WIDTH = 350  # px of a whole chart
SIDES = {"server": "var(--server)", "client": "var(--client)", "remote": "var(--remote)"}
UNDECIDED, INK, DIM, LINE, DOUBT, PAPER = (
    f"var(--{name})" for name in ("undecided", "ink", "dim", "line", "doubt", "paper")
)
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


FONT = "system-ui, sans-serif", "11px"
TAG, TOP = re.compile(r"<\w[^<>]*>"), re.compile(r"<svg [^>]*?(viewBox=\"[^\"]*\")")
ID = re.compile(r'(id="|url\(#)(?=(clip|gradient))')
# What a tag need not say: part of a picture has no role, the picture has the font, and the rest is so anyway.
IDLE = re.compile(
    r' (?:(?:role|aria-[a-z]+|pointer-events)="[^"]*"|opacity="1"|stroke-width="1"|text-anchor="start"'
    r'|font-weight="400"|transform="translate\(0,0\)"'
    rf'|font-family="{FONT[0]}"|font-size="{FONT[1]}")(?=[ />])'
)
DIGITS = re.compile(r"(\.\d\d)\d+")  # a hundredth of a pixel is enough


def svg(spec: Mapping[str, Any], number: int, words: str) -> str:
    """Return a chart as an SVG element, which is one picture to a screen reader; *number* sets its ids apart.

    The spec's texts are data: Vega escapes them.
    """
    return titled(drawn(spec), number, words)


def drawn(spec: Mapping[str, Any]) -> str:
    """Return a chart as Vega draws it, in half the bytes."""
    whole = {"width": WIDTH, "background": None, **spec, "config": {**THEME, **spec.get("config", {})}}
    vegas: str = vl_convert.vegalite_to_svg(whole, vl_version=VEGA_LITE)
    return TAG.sub(lambda tag: DIGITS.sub(r"\1", IDLE.sub("", tag[0])), vegas)


def titled(drawn: str, number: int, words: str) -> str:
    """Return what was drawn as it stands in a page."""
    label = words.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    top = f'<svg role="img" aria-label="{label}" font-family="{FONT[0]}" font-size="{FONT[1]}" '
    return TOP.sub(lambda found: top + found[1], ID.sub(rf"\1chart{number}-", drawn), count=1)


def values(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return *rows* as a chart's data."""
    return {"values": [*rows]}
