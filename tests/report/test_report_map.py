"""The map of client and server: where things lie on it, what of a check it may show, and that no cell is lost."""

import json
from itertools import pairwise

import pytest
from decide_runs_made_up import client, content, remote, result, run
from report_parts import charts

from benchmarks.decide import BANDWIDTHS, ROUND_TRIPS, UnreadError, check_in, checked_of
from benchmarks.decide import report as answers
from benchmarks.decide.checks import Cell, marks, to_json
from benchmarks.decide.spans import Span
from benchmarks.report.charts import drawing
from benchmarks.report.content import Material, Table
from benchmarks.report.few import MOST_DRAWN
from benchmarks.report.reading import read
from benchmarks.report.sections.map import decision_map, plane
from benchmarks.report.sections.map.panels import LETTERS, rows_of
from benchmarks.report.sections.map.panels import Panel as MapPanel
from benchmarks.report.sections.map.plane import Frame
from benchmarks.results import Run
from browser_harness.network import PROFILES, Conditions, parse

FRAME = Frame()


@pytest.fixture
def runs(tmp_path):
    return [run(tmp_path, *slow())]


def slow(platform="chromium-wasm", later=0.06, **about):
    """Return a model that a server computes in 1 ms, and a client in 60: so there is a border on the map."""
    return [
        result("latency", "resnet20", "server-cpu", 0.001, 1),
        remote("resnet20", 0.004, 0.001),
        remote("resnet20", 0.01, 0.001, phase="first_inference"),
        *client("resnet20", later, platform, **about),
    ]


def decided(runs, **about):
    return Material.of(runs, **about).decisions


def answers_of(runs, cells, **about):
    """Return what decide writes of *runs* and *cells*, read as JSON."""
    text = answers.json_text(decided(runs), [], to_json(cells))
    return json.loads(text) | about


def cell(predicted, measured, network="fios", platform="chromium-wasm", slowdown=1, doubts=()):
    """Return a cell whose server takes so many seconds less than the client that it wins by far, or the other way."""
    conditions = PROFILES[network] if isinstance(network, str) else network
    spans = {"client": (0.1, 0.2, 0.06), "server": (0.02, 0.03, 0.06), "undecided": (0.06, 0.07, 0.06)}
    before = tuple(Span(value, value * 0.99, value * 1.01) for value in spans[predicted])
    then = tuple(map(Span.exactly, spans[measured])) if measured else (None, None, None)
    return Cell(
        "resnet20", "the client as measured", platform, slowdown, conditions, "remote-cpu", before, then, doubts
    )


def section(runs, *cells, saved=None):
    found = checked_of(saved or answers_of(runs, cells), "decision.json") if cells or saved else None
    return decision_map(Material.of(runs, checks=[found] if found else []))


def table(section, caption):
    return next(part for part in section.parts if isinstance(part, Table) and part.caption.startswith(caption))


def rows(chart, kind):
    return [row for row in chart.spec["data"]["values"] if row["kind"] == kind]


def test_a_network_lies_where_its_bytes_take_as_long_each_way(runs):
    decision = decided(runs)[0]
    server = decision.servers[0]
    for conditions in PROFILES.values():
        rate, ms = plane.place(conditions, server.wire)
        there = Conditions("there", ms / 1e3, rate * 1e6, rate * 1e6)
        assert server.kept(there).value == pytest.approx(server.kept(conditions).value, rel=1e-9)
        assert decision.later_on(there) == decision.later_on(conditions)


@pytest.mark.parametrize("words", ["rtt=0ms,down=1mbit,up=1mbit", "rtt=10ms"])
def test_a_network_without_a_way_or_a_limit_has_no_place(words):
    assert plane.place(parse(words), (13543, 1140)) is None


def test_regions_and_letters_say_the_same(runs):
    for decision in decided(runs):
        for round_trip, row in zip(ROUND_TRIPS, decision.grid, strict=True):
            for rate, winner in zip(BANDWIDTHS, row, strict=True):
                span = decision.border_at(rate)
                region = "server" if round_trip < span.low else "client" if round_trip > span.high else "undecided"
                assert region == winner


def test_regions_fill_the_frame_and_meet(runs):
    panel = MapPanel(("as measured", ""), decided(runs)[0], [])
    areas = [row for row in rows_of(panel, [], FRAME) if row["kind"] == "area"]
    by_rate = {}
    for area in areas:
        by_rate.setdefault(area["rate"], []).append((area["ms"], area["to"]))
    for ends in by_rate.values():
        assert (ends[0][0], ends[-1][1]) == FRAME.round_trips
        assert all(before[1] == after[0] for before, after in pairwise(ends))
    assert {area["region"] for area in areas} == {"server", "undecided", "client"}


def test_a_border_ends_where_the_frame_does(runs):
    points = plane.line(plane.border(decided(runs)[0], FRAME), FRAME)
    low, high = FRAME.round_trips
    assert points
    assert all(low < point["value"] < high for point in points)


def test_letters_make_way_for_what_is_marked(runs):
    decision = decided(runs)[0]
    everywhere = [*plane.letters(decision, [], FRAME)]
    at, _ = everywhere[0]
    rest = [*plane.letters(decision, [(at, 0.0, 0.0)], FRAME)]
    assert at not in [place for place, _ in rest]
    assert 0 < len(rest) < len(everywhere)


def test_the_frame_is_wide_enough_for_what_is_marked():
    frame = FRAME.around([(0.1, 900.0)])
    assert frame.rates[0] < 0.1
    assert frame.round_trips[1] > 900
    assert FRAME.around([]) == FRAME


def test_each_model_has_a_map_whose_table_has_every_winner(runs):
    made = section(runs)
    (chart,) = charts(made)
    assert len(chart.table.rows) == len(decided(runs)) * len(BANDWIDTHS)
    told = {row[0].partition(":")[0] for row in chart.table.rows}
    assert {"as measured", "2× weaker, by a factor, not measured", "6× weaker, by a factor, not measured"} <= told
    decision = decided(runs)[0]
    assert list(chart.table.rows[0][3:]) == [LETTERS[row[0]] for row in decision.grid]
    panels = dict.fromkeys(row["panel"] for row in chart.spec["data"]["values"])
    assert [name.partition(" | ")[0] for name in panels] == [
        "as measured",
        "4× weaker, by a factor, not measured",
    ]  # 10 times weaker the server wins everywhere
    assert drawing.svg(chart.spec, 1, chart.alternative).count("<svg") == 1


def test_marks_stand_in_title_and_words(tmp_path):
    doubt = {"trust": {"doubts": {"other_programs": "other programs used 0.4 cores"}}}
    made = section([run(tmp_path, *slow(untrained=True, **doubt))])
    chart = made.parts[0]
    assert "other programs used 0.4 cores" in chart.alternative
    assert "(!)" in next(iter(chart.spec["data"]["values"]))["panel"]


def test_a_server_that_nobody_asked_is_told_in_the_clock(tmp_path):
    saved = [result("latency", "resnet20", "server-cpu", 0.001, 1), *client("resnet20", 0.06)]
    assert "without the server's own stack" in section([run(tmp_path, *saved)]).parts[0].clock


def test_without_a_decision_there_is_no_map(tmp_path):
    assert section([run(tmp_path, *client("resnet20", 0.06))]) is None


@pytest.mark.parametrize(
    ("predicted", "measured", "verdict"),
    [
        ("server", "server", "right"),
        ("server", "client", "WRONG"),
        ("server", None, "not measured"),
    ],
)
def test_a_checked_cell_is_marked_by_its_verdict_where_its_network_is(runs, predicted, measured, verdict):
    made = section(runs, cell(predicted, measured))
    (sign,) = rows(made.parts[0], "sign")
    (word,) = rows(made.parts[0], "word")
    rate, ms = plane.place(PROFILES["fios"], decided(runs)[0].servers[0].wire)
    assert (sign["verdict"], word["text"], sign["rate"], sign["ms"]) == (verdict, verdict, rate, ms)
    assert sign["panel"].startswith("as measured")
    assert table(made, "Checked").rows[0][-3:] == [verdict, "yes", "decision.json"]


def test_a_doubt_of_what_was_measured_stands_beside_the_verdict(runs):
    made = section(runs, cell("server", "server", doubts=["other programs"]))
    assert rows(made.parts[0], "word")[0]["text"] == "right (!)"


def test_cells_close_to_each_other_keep_their_signs(runs):
    near = [parse("rtt=4ms,down=20mbit,up=5mbit"), parse("rtt=4.1ms,down=20mbit,up=5mbit")]
    made = section(runs, *(cell("server", "server", one) for one in near))
    assert len(rows(made.parts[0], "sign")) == 2
    assert len(rows(made.parts[0], "word")) == 1
    assert len(table(made, "Checked").rows) == 2


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (cell("server", "server", platform="chromium-webnn"), "the map is of chromium-wasm"),
        (cell("server", "server", slowdown=4), "its map is by a factor"),
        (cell("server", "server", parse("rtt=5ms")), "has no place there"),
        (cell("client", "client"), "says server there"),
    ],
)
def test_a_cell_of_other_figures_than_the_map_s_is_in_no_map_and_not_lost(runs, made, why):
    found = section(runs, made)
    assert not rows(found.parts[0], "sign")
    assert why in table(found, "Checked").rows[0][-2]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda saved: saved["decisions"][0]["model"], "another file of that name"),
        (lambda saved: saved["decisions"][0]["class"], "another machine"),
    ],
)
def test_a_cell_of_another_file_or_machine_is_in_no_map(runs, change, why):
    saved = answers_of(runs, [cell("server", "server")])
    for at in range(len(saved["decisions"])):
        part = change({"decisions": saved["decisions"][at:]})
        part.update(dict.fromkeys({"sha256", "machine"} & part.keys(), "another"))
    found = section(runs, saved=saved)
    assert not rows(found.parts[0], "sign")
    assert why in table(found, "Checked").rows[0][-2]


def test_what_a_check_was_held_to_is_told_missed_or_met(runs):
    made = section(runs, cell("server", "client"))
    told = table(made, "What the check").rows
    assert [row[0] for row in told][:3] == ["MISSED"] * 3
    assert "right in 0 of 1" in told[2][1]


def test_cells_are_read_as_they_were_written(runs):
    cells = [
        cell("server", "client", doubts=["a"]),
        cell("undecided", None, parse("rtt=5ms")),
    ]
    endless = Cell(**{**vars(cells[0]), "predicted": (Span(0.1, 0.0, float("inf")),) * 3})
    found = checked_of(answers_of(runs, [*cells, endless]), "decision.json")
    assert [*found.cells] == [Cell(**{**vars(one), "doubts": [*one.doubts]}) for one in (*cells, endless)]
    assert found.marks == marks([*cells, endless])


def test_a_file_of_decide_s_is_known_by_its_keys(runs, tmp_path):
    assert checked_of(content(), "run.json") is None
    assert checked_of([1], "list.json") is None
    file = tmp_path / "decision.json"
    file.write_text(json.dumps(answers_of(runs, [cell("server", "server")])))
    assert len(read([file]).checks) == 1
    assert len(check_in(file).cells) == 1
    file.write_text(file.read_text()[:-20])
    assert check_in(file) is None


@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({"schema": 99}, "schema 99, and this version reads 1; update the suite"),
        ({"checked": None}, "no check among them"),
        ({"checked": {"cells": [{}]}}, "cut or damaged: KeyError"),
        ({"decisions": []}, "of 0 machines"),
    ],
)
def test_answers_that_cannot_be_shown_are_refused_by_their_reason(runs, tmp_path, about, why):
    saved = answers_of(runs, [cell("server", "server")], **about)
    with pytest.raises(UnreadError, match=why):
        checked_of(saved, "decision.json")
    (tmp_path / "decision.json").write_text(json.dumps(saved))
    found = read([tmp_path / "decision.json"])
    assert why.split(":")[0] in found.refused[0].why
    assert not found.checks


def test_a_time_that_is_no_number_is_refused(runs):
    saved = answers_of(runs, [cell("server", "server")])
    saved["checked"]["cells"][0]["predicted"]["client"]["value"] = "soon"
    with pytest.raises(UnreadError, match="not a number"):
        checked_of(saved, "decision.json")


def test_maps_of_clients_on_several_machines_stand_apart(tmp_path):
    phone = content(*client("resnet20", 0.2), machine="Phone")
    made = section([run(tmp_path, *slow()), Run.of(phone, tmp_path / "phone.json")])
    assert [chart.machine for chart in charts(made)] == ["Xeon, 2 cores", "Phone, 2 cores"]


def test_a_network_in_use_is_numbered_on_every_map(runs):
    made = section(runs)
    numbers = {row["text"] for row in rows(made.parts[0], "network")}
    assert numbers == {"1", "2", "3"}
    assert "1 lighthouse-slow-4g (150 ms, 1.64 down, 0.75 up)" in made.lead


def test_a_map_where_one_wins_everywhere_is_told_in_words(tmp_path):
    (chart,) = charts(section([run(tmp_path, *slow())]))
    assert not [row for row in chart.spec["data"]["values"] if row["panel"].startswith("10×")]
    assert chart.alternative.endswith("10× weaker, by a factor, not measured: the server everywhere on the map.")
    assert len({row[0] for row in chart.table.rows}) == len(decided([run(tmp_path, *slow())]))


def test_a_class_that_was_checked_keeps_its_panel(tmp_path):
    winner, made = "client", slow(later=0.002)
    (chart, *_) = section([run(tmp_path, *made)], cell(winner, winner)).parts
    assert next(row["panel"] for row in rows(chart, "sign")).startswith("as measured")


def test_a_server_elsewhere_and_a_run_that_is_not_whole_are_told(tmp_path):
    phone = Run.of(content(*client("resnet20", 0.2), machine="Phone", exit_status=2), tmp_path / "phone.json")
    clocks = [chart.clock for chart in charts(section([run(tmp_path, *slow()), phone]))]
    assert "on Xeon, 2 cores" in clocks[1]
    assert "on Xeon" not in clocks[0]
    assert "phone.json: its run is not whole" in clocks[1]


def test_of_many_maps_some_are_folded_tables_alone(tmp_path):
    phones = [Run.of(content(*client("resnet20", 0.2), machine=f"P{at}"), tmp_path / f"{at}.json") for at in range(8)]
    made = section([run(tmp_path, *slow()), *phones])
    assert len(charts(made)) == MOST_DRAWN
    folded = [part for part in made.parts if isinstance(part, Table) and part.is_folded]
    assert len(folded) == 9 - MOST_DRAWN
    assert folded[-1].caption.startswith("resnet20: client or server, on P7, 2 cores. Who answers")


def test_of_many_maps_those_that_were_checked_are_drawn(tmp_path):
    names = [f"resnet{number}" for number in range(MOST_DRAWN)]
    others = [row for name in names for row in (result("latency", name, "server-cpu", 0.001, 1), *client(name, 0.06))]
    made = section([run(tmp_path, *others, *slow(later=0.002))], cell("client", "client"))
    assert charts(made)[0].title == "resnet20: client or server"
