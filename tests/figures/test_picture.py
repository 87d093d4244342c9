"""The README's picture is a chart of the report, in the colours of its style."""

import struct

import pytest
from helpers import ROOT

from benchmarks.figures import picture
from benchmarks.report.content import Chart, Section, Table
from benchmarks.report.page import TEMPLATE

MOST = 150_000  # bytes
STYLE = ":root { --paper: #fff; --ink: #111; } @media (prefers-color-scheme: dark) { :root { --paper: #000; } }"
CHART = Chart(
    "Who answers earlier",
    "ms",
    "In words.",
    {"data": {"values": [{"x": 1}]}, "mark": "point", "encoding": {"x": {"field": "x", "type": "quantitative"}}},
    Table("", (), ()),
)


@pytest.fixture
def report(monkeypatch):
    """Return what makes the report of these sections."""
    return lambda *sections: monkeypatch.setattr(picture, "SECTIONS", [lambda _, one=one: one for one in sections])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_readme_shows_a_small_picture(theme):
    file = f"docs/img/{picture.NAME}-{theme}.png"
    assert f'"{file}"' in (ROOT / "README.md").read_text()
    content = (ROOT / file).read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) < MOST


def test_the_reports_style_has_both_themes():
    themes = picture.themes(TEMPLATE.read_text())
    assert themes["light"].keys() == themes["dark"].keys()
    assert themes["light"]["paper"] != themes["dark"]["paper"]


def test_a_theme_has_the_light_ones_colours_where_it_has_none():
    assert picture.themes(STYLE)["dark"] == {"paper": "#000", "ink": "#111"}


def test_a_style_without_themes_is_told():
    with pytest.raises(picture.NoPictureError, match="no light and dark colours"):
        picture.themes(":root { --paper: #fff; }")


def test_a_colour_that_is_not_there_is_told():
    with pytest.raises(picture.NoPictureError, match="no colour --doubt"):
        picture.coloured('<svg viewBox="0 0 1 1"><path fill="var(--doubt)"/></svg>', {"paper": "#fff"})


def test_it_is_drawn_in_both_themes(report):
    report(Section(picture.SECTION, "The map", "", [CHART]), Section("other", "", "", [CHART]))
    found = picture.chart(ROOT / "docs" / "img")  # a folder without runs
    themes = picture.themes(TEMPLATE.read_text())
    drawn = [picture.png(found, colours) for colours in themes.values()]
    width, _ = struct.unpack(">II", drawn[0][16:24])
    assert width > 500
    assert drawn[0] != drawn[1]


def test_a_report_without_the_chart_is_told(report):
    report(Section("other", "", "", [CHART]))
    with pytest.raises(picture.NoPictureError, match="draws 0 charts in its section 'map'"):
        picture.chart(ROOT / "docs" / "img")
