"""The report in real Chromium and Firefox: silent, whole, reachable, readable, and as wide as the window."""

import sys
from contextlib import suppress

import pytest
from real_browsers import BROWSERS, NoBrowserError
from report_browsers import FAULTY, look, once
from reports_made_up import odd, whole

from benchmarks.report import __main__ as command
from benchmarks.report.sections import SECTIONS

PAGES = ("study", "odd")
# The sections that the study fills, in their order on the page.
NAMED = [
    *("answers", "latency", "side-by-side", "fleet", "map", "first-load", "accuracy", "throughput", "page"),
    *("machines", "over-time", "figures"),
]
WORDS_AND_TABLES = ["answers", "machines", "figures"]


def write(files, page):
    """Make a report as the command does, which ends with a code where it refuses a file."""
    with pytest.MonkeyPatch.context() as patch, suppress(SystemExit):
        patch.setattr(sys, "argv", ["report", *map(str, files), "--out", str(page)])
        command.main()


def pages(folder):
    """Write the pages that are looked at; return their files, by name."""
    files = {name: folder / f"{name}.html" for name in PAGES}
    write(whole(folder), files["study"])
    write(odd(folder), files["odd"])
    return {name: str(file) for name, file in files.items()}


@pytest.fixture(scope="module")
def shared(tmp_path_factory, worker_id):
    """A folder that all processes of this test run share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "report-in-browsers"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="module", params=BROWSERS)
def browser(request, shared):
    """All that a browser showed."""
    files = once(shared / "pages.json", lambda: pages(shared))
    files |= (
        {"faulty": str(FAULTY)} if request.param == "chromium" else {}
    )  # once: it is of the checks, not the browser
    try:
        return once(shared / f"{request.param}.json", lambda: look(request.param, files, shared))
    except NoBrowserError as error:
        pytest.skip(str(error))


@pytest.fixture(params=PAGES)
def seen(request, browser):
    """What was seen of a page."""
    return browser["pages"][request.param]


@pytest.fixture
def study(browser):
    return browser["pages"]["study"]


def charts(seen):
    return [chart for section in seen["sections"] for chart in section["charts"]]


def test_nothing_is_asked_for_but_the_page(seen):
    """Also no icon; what a page holds itself, as data, is asked from nobody."""
    asked = {url.partition("#")[0] for url in seen["requests"] if not url.startswith("data:")}
    assert asked == {seen["url"]}


def test_a_browser_says_nothing(seen):
    assert (seen["console"], seen["errors"]) == ([], [])


def test_the_page_is_the_same_where_it_may_run_nothing_and_ask_for_nothing(seen):
    assert seen["strict"]["tried"] == []
    assert seen["strict"]["words"] == seen["words"]


def test_all_sections_of_the_study_are_there_and_are_shown(study):
    found = [section["id"] for section in study["sections"]]
    assert [name for name in found if name in NAMED] == NAMED
    assert len(found) == len(SECTIONS)  # each finds something in the study's runs
    assert [section["id"] for section in study["sections"] if not section["charts"]] == WORDS_AND_TABLES
    assert all(section["title"] and section["height"] > 50 for section in study["sections"])


def test_each_chart_is_a_picture_with_words_and_its_table(seen):
    for chart in charts(seen):
        assert (chart["role"], bool(chart["title"]), bool(chart["label"])) == ("img", True, True), chart
        assert chart["marks"] > 0, chart
        assert chart["rows"] > 0, chart


def test_no_word_of_a_chart_is_cut_or_lies_over_another(seen):
    assert [(chart["title"], chart["cut"]) for chart in charts(seen) if chart["cut"]] == []
    assert [(chart["title"], chart["overlapping"]) for chart in charts(seen) if chart["overlapping"]] == []


def test_the_keyboard_alone_reaches_and_unfolds_everything(seen):
    keyboard = seen["keyboard"]
    assert (keyboard["unreached"], keyboard["folded"], keyboard["astray"]) == ([], [], [])
    order = [stop["number"] for stop in keyboard["stops"]]
    assert order == sorted(order)


def test_the_first_stop_leads_past_the_contents(seen):
    first, *rest = seen["keyboard"]["stops"]
    assert first["target"] == "#main"
    contents = [stop["target"] for stop in rest[: len(seen["sections"])]]
    assert contents == [f"#{section['id']}" for section in seen["sections"]]


def test_where_the_focus_is_can_be_seen(seen):
    assert [stop["words"] for stop in seen["keyboard"]["stops"] if not (stop["isMarked"] and stop["isInView"])] == []


def test_arrow_keys_move_what_is_wider_than_its_place(seen):
    assert [stop["words"] for stop in seen["keyboard"]["stops"] if stop["isScrolling"] and not stop["scrolls"]] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_charts_can_be_read(seen, scheme):
    assert seen[scheme]["isDark"] == (scheme == "dark")
    assert seen[scheme]["violations"] == []
    assert seen[scheme]["faint"] == []


def test_nothing_is_wider_than_the_window(seen):
    sticking = {width: found for width, found in seen["widths"].items() if any(found.values())}
    assert sticking == {}


def test_all_letters_grow_with_the_ones_that_a_person_chose(seen):
    assert {kind: factor for kind, factor in seen["growth"].items() if factor < 1.9} == {}


def test_all_of_it_comes_onto_paper(seen):
    assert seen["paper"] == {"folded": [], "beyond": [], "torn": []}


def test_the_first_paint_is_told(study):
    assert study["paint"] > 0


@pytest.mark.parametrize("browser", ["chromium"], indirect=True)
def test_every_fault_is_found(browser):
    seen = browser["pages"]["faulty"]
    empty, unread = charts(seen)
    assert {url for url in seen["requests"] if url.startswith("https://example.invalid/")}
    assert "error: broken" in seen["console"]
    assert any("thrown" in words for words in seen["errors"])
    assert seen["strict"]["words"] != seen["words"]
    assert any("script-src" in words for words in seen["strict"]["tried"])
    assert (empty["role"], empty["marks"], empty["rows"]) == ("img", 0, 0)
    assert (unread["role"], unread["marks"]) == (None, 1)
    assert (unread["cut"], unread["overlapping"]) == (["beyond the edge"], ["one / two"])
    keyboard = seen["keyboard"]
    assert [bool(keyboard[name]) for name in ("unreached", "folded", "astray")] == [True] * 3
    assert not any(stop["isMarked"] for stop in keyboard["stops"])
    found = {words.partition(":")[0] for words in seen["light"]["violations"]}
    assert {"image-alt", "color-contrast", "html-has-lang", "svg-img-alt"} <= found
    assert any("beyond the edge" in words for words in seen["light"]["faint"])
    assert all(found["by"] > 0 and found["outside"] and found["cut"] for found in seen["widths"].values())
    assert len(seen["widths"]) == 7  # three windows, folded and unfolded, and larger letters
    assert min(seen["growth"].values()) == 1
    assert (bool(seen["paper"]["folded"]), bool(seen["paper"]["beyond"])) == (True, True)
    assert len(seen["paper"]["torn"]) == 2  # a number, and a chart that no page holds
