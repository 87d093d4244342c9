"""Devices in the report: claims as claims, the unknown as unknown, and each held against the server that served it."""

import made_up_runs
import pytest
from made_up_runs import about, benchmark, doubtful, of_device, ratio
from report_parts import charts, texts

from benchmarks.report.content import Material, Table, Words
from benchmarks.report.page import page
from benchmarks.report.sections.answers import answers
from benchmarks.report.sections.latency import latency
from benchmarks.report.sections.machines import machines
from benchmarks.report.sections.machines.devices import CLAIMS, SEEN, plain
from benchmarks.report.sections.side_by_side import side_by_side

XEON, FIREFOX, CHROMIUM = "Intel Xeon, 2 cores", "Firefox 153, 2 cores, loopback", "Chromium 153, 2 cores, loopback"
PIXEL = {"model": "Pixel 8", "platform": "Android", "platformVersion": "14", "architecture": "arm"}
PHONE = {"hints": PIXEL, "cores": 8, "transport": "http", "userAgent": "none"}


def pages(engine, value=3.0, runtime="wasm", **info):
    """Return a page's benchmark, so many times as slow as the server."""
    return benchmark(platform=f"{engine}-{runtime}", of_starts=value * 1e-3, **ratio(value), **info)


@pytest.fixture
def run(tmp_path):
    """Make a run of benchmarks for a device, or with None of the machine that serves."""

    def make(name, claims, *benchmarks):
        machine = made_up_runs.SERVING if claims is None else of_device(claims)
        return made_up_runs.run(tmp_path / f"{name}.json", *benchmarks, **machine)

    return make


@pytest.fixture
def three(run):
    """Firefox and Chromium on the machine that serves, a phone, and a run of that machine itself."""
    return [
        run("server", None, benchmark(), pages("chromium", 3.1)),
        run("firefox", about(), pages("firefox", 4.5)),
        run("chromium", about("chromium", "153.0.8010.0", userAgent="none"), pages("chromium", 3.0)),
        run("phone", about("chromium", "153.0", **PHONE), pages("chromium", 9.0, **doubtful())),
    ]


def table(section, caption):
    (found,) = [part for part in section.parts if isinstance(part, Table) and part.caption == caption]
    return found


def row(found, name):
    return next([*cells] for cells in found.rows if cells[0] == name)


def titled(section, begins):
    return next(chart for chart in charts(section) if chart.title.startswith(begins))


# What each is


def test_the_answer_names_the_machine_whose_server_a_device_is_held_against(run):
    (verdict,) = answers(Material.of([run("firefox", about(), pages("firefox"))])).parts
    assert verdict.conditions == [f"{FIREFOX} (server-cpu on {XEON}), latency of batch 1."]


def test_what_a_device_says_stands_as_its_claims_and_the_rest_is_unknown(run):
    runs = [
        run("firefox", about(memory=8, isolated=False), pages("firefox")),
        run("x", about(cores=None), pages("firefox")),
    ]
    section = machines(Material.of(runs))
    claims = table(section, CLAIMS)
    assert [*claims.head] == ["", FIREFOX, "Firefox 153, loopback"]
    assert row(claims, "version") == ["version", "153.7.0", "153.7.0"]
    assert row(claims, "cores") == ["cores", "2", "unknown"]
    assert row(claims, "memory") == ["memory", "8 GB", "unknown"]
    assert row(claims, "isolated") == ["isolated", "no", "yes"]
    assert row(claims, "step of its clock") == ["step of its clock", "0.0200 ms", "0.0200 ms"]
    assert row(claims, "model") == ["model", "unknown", "unknown"]


def test_the_machine_that_served_is_among_the_machines_and_the_device_is_not(three):
    section = machines(Material.of(three))
    assert [*table(section, "What each machine is").head] == ["", XEON]
    assert [*table(section, SEEN).head] == ["", FIREFOX, CHROMIUM, "Chromium 153, Pixel 8, 8 cores, http"]
    assert row(table(section, SEEN), "served by") == ["served by", XEON, XEON, XEON]
    assert row(table(section, SEEN), "doubtful benchmarks")[1:] == ["0 of 1", "0 of 1", "1 of 1"]


def test_this_machines_facts_are_never_a_devices(run):
    section = machines(Material.of([run("phone", about(cores=None), pages("firefox"))]))
    assert row(table(section, CLAIMS), "cores")[1] == "unknown"
    assert [*table(section, "What each machine is").head] == ["", XEON]


@pytest.mark.parametrize(
    ("stories", "told"),
    [
        ([{"left": 1, "hidden": 2, "seconds_missed": 14.2}], ["1", "2", "14"]),
        ([{"left": 0, "hidden": 0, "seconds_missed": 0.0}], ["0", "0", "0"]),
        (
            [{"left": 1, "hidden": 0, "seconds_missed": 1.0}, {"left": 2, "hidden": 1, "seconds_missed": 2.0}],
            ["3", "1", "3"],
        ),
        ([{"left": 1}, {}], ["unknown"] * 3),
        ([{"left": "often", "hidden": None}], ["unknown"] * 3),
    ],
)
def test_how_often_it_was_away_is_told_or_unknown(run, stories, told):
    runs = [run(f"{at}", about(story=story), pages("firefox")) for at, story in enumerate(stories)]
    seen = table(machines(Material.of(runs)), SEEN)
    assert [row(seen, name)[1] for name in ("left", "hid its page", "seconds away")] == told


@pytest.mark.parametrize(
    ("value", "told"),
    [
        *((None, "unknown"), ("", "unknown"), (0, "0"), (True, "yes"), (False, "no"), (1.50, "1.5")),
        ({"vendor": "arm", "architecture": ""}, "arm"),
        ({}, "unknown"),
        ([1, {"a": 2}], "[1, {'a': 2}]"),
    ],
)
def test_a_claim_may_be_anything(value, told):
    assert plain(value) == told


# Side by side


def test_a_model_stands_on_each_machine_and_device_the_quickest_first(three):
    chart = titled(side_by_side(Material.of(three)), "Milliseconds: resnet20, batch 1")
    assert [cells[1] for cells in chart.table.rows] == [CHROMIUM, XEON, FIREFOX, "Chromium 153, Pixel 8, 8 cores, http"]
    assert {cells[0] for cells in chart.table.rows} == {"wasm"}
    assert chart.table.rows[-1][-1] == "(!): drifted by -41%"
    assert "(!)" in texts(chart)
    assert chart.clock
    assert "9.00 ms" in chart.alternative


def test_a_device_is_held_against_the_server_that_served_it(three):
    chart = titled(side_by_side(Material.of(three)), "Times server-cpu of")
    assert chart.title == f"Times server-cpu of {XEON}: batch 1"
    assert [cells[3] for cells in chart.table.rows] == ["3.00", "3.10", "4.50", "9.00"]
    assert "of the machine that served it" in chart.clock
    assert "chromium-wasm on the machine that serves" in texts(chart)


def test_what_ran_on_no_device_stands_beside_none(three, run):
    own = run("own", None, benchmark(), pages("chromium", 2.0, runtime="webnn"))
    chart = titled(side_by_side(Material.of([*three, own])), "Times server-cpu of")
    assert {cells[0] for cells in chart.table.rows} == {"resnet20, wasm"}


def test_servers_are_not_mixed(three, run):
    other = {**made_up_runs.SERVING, "cpu": {"brand_raw": "Neoverse-N2"}, "cores_usable": 4}
    elsewhere = made_up_runs.run(three[0].file.parent / "o.json", pages("firefox"), **of_device(about(), other))
    section = side_by_side(Material.of([*three, elsewhere]))
    assert sum(chart.title.startswith("Times server-cpu of") for chart in charts(section)) == 2


def test_engines_are_held_against_chromium_by_a_ratio_of_ratios_that_is_named_one(three):
    section = side_by_side(Material.of(three))
    chart = titled(section, "Times Chromium")
    (cells,) = chart.table.rows
    assert cells[:4] == ["resnet20, wasm", FIREFOX, "firefox-wasm", "1.50"]
    assert cells[4] == "1.46 to 1.54"  # wider than each: 2 % and 2 %
    assert cells[5:8] == ["4.50", "3.00", CHROMIUM]  # which joined, rather than the driven one
    assert chart.clock.startswith("A ratio of ratios")
    assert "a ratio of ratios" in texts(chart)[-1]


def test_the_driven_chromium_of_the_machine_that_serves_stands_in_for_one_that_joined(three):
    chart = titled(side_by_side(Material.of(three[:2])), "Times Chromium")
    assert chart.table.rows[0][7] == XEON


def test_a_chromium_on_another_device_is_none(three, run):
    there = run("there", about(hints={**PIXEL, "model": "Pixel 9"}, transport="http"), pages("firefox", 8.0))
    section = side_by_side(Material.of([three[3], there]))
    assert not [chart for chart in charts(section) if chart.title.startswith("Times Chromium")]
    (words,) = [part for part in section.parts if isinstance(part, Words)]
    assert words.sentences[0].endswith("none is known to be on the same device: Firefox 153, Pixel 9, 2 cores, http.")
    same = run("same", about(hints=PIXEL, transport="http"), pages("firefox", 18.0))
    assert titled(side_by_side(Material.of([three[3], same])), "Times Chromium").table.rows[0][3] == "2.00"


def test_a_phone_at_the_end_of_a_cable_is_not_the_machine_that_serves(three, run):
    cable = run("cable", about(hints=PIXEL), pages("firefox", 8.0))
    named = run("named", about("chromium", hints={"model": "Other", "platform": "Linux"}), pages("chromium", 3.0))
    assert not [one for one in charts(side_by_side(Material.of([cable, named]))) if "Times Chromium" in one.title]


def test_machines_without_devices_stand_side_by_side_too(run, three):
    arm = {"cpu": {"brand_raw": "Neoverse-N2"}, "cores_usable": 4, "machine": "aarch64"}
    runs = [three[0], made_up_runs.run(three[0].file.parent / "arm.json", benchmark(of_starts=0.002), **arm)]
    section = side_by_side(Material.of(runs))
    assert section.title == "Machines side by side"
    (chart,) = charts(section)
    assert [cells[:2] for cells in chart.table.rows] == [["server-cpu", XEON], ["server-cpu", "Neoverse-N2, 4 cores"]]


def test_one_machine_alone_stands_beside_nothing(three):
    assert side_by_side(Material.of(three[:1])) is None


def test_the_distributions_of_a_device_say_whose_server_it_was_held_against(three):
    section = latency(Material.of(three[1:2]))
    assert f"server-cpu on one thread of {XEON}" in titled(section, "Times server-cpu").clock


HOSTILE = ["<script>alert(1)</script>", "\u202egnp.exe\x1b[31m", "{{ 7 * 7 }}", "a" * 5000]


def hostile(text):
    """Return what a device says of itself whose every word means harm."""
    hints = {"model": text, "platform": text, "platformVersion": text, "architecture": text}
    return about(version=text, hints=hints, adapter={"vendor": text}, connection=text, userAgent=text)


def test_what_a_device_says_is_escaped_and_shortened(run):
    runs = [run(f"{at}", hostile(text), pages("firefox")) for at, text in enumerate(HOSTILE)]
    made = page(Material.of(runs))
    assert made.problems == []
    assert "&lt;script&gt;alert(1)" in made.text
    assert "{{ 7 * 7 }}" in made.text
    assert "\\u202egnp" in made.text
    assert not [text for text in ("<script", "\u202e", "\x1b", "a" * 60) if text in made.text]


UNKNOWN = {"cpu": {}, "cores": None, "cores_usable": None, "gpus": None, "machine": "AMD64", "system": "Windows"}


def test_machines_that_tell_little_are_shown_as_far_as_they_do(tmp_path, three):
    arm = {"cpu": {"brand_raw": "Apple M1", "count": 3}, "machine": "arm64", "system": "Darwin", "gpus": None}
    kinds = [made_up_runs.SERVING, {**UNKNOWN}, arm, {"cpu": {"brand_raw": "Neoverse-N2"}, "machine": "aarch64"}]
    runs = [
        made_up_runs.run(tmp_path / f"{at}.json", benchmark(), pages("chromium"), **one) for at, one in enumerate(kinds)
    ]
    made = page(Material.of(runs))
    assert made.problems == []
    identity = table(machines(Material.of(runs)), "What each machine is")
    assert [row(identity, name)[2] for name in ("processor", "cores", "GPUs")] == ["not told"] * 3
    assert row(identity, "system")[1:4] == ["Linux", "Windows", "Darwin"]
