"""The first load in a report: bars that add up, requests in their place, no byte lost, nothing made up."""

from itertools import pairwise

import pytest
from decide_runs_made_up import COMPRESSED, UNCOMPRESSED, content, network, result
from report_parts import charts

from benchmarks.report.charts import drawing
from benchmarks.report.content import Material, Table
from benchmarks.report.few import MOST_DRAWN
from benchmarks.report.sections.first_load import first_load
from benchmarks.report.sections.first_load.bars import segments
from benchmarks.report.sections.first_load.loads import FIRST, WHOLE, loads_of
from benchmarks.report.sections.first_load.waterfall import bars_of
from benchmarks.results import Run, keys, rows_of
from browser_harness import page_files

PARTS = {"runtime": 0.12, "model": 0.03, "compile": 0.05, "session": 0.1}  # 0.3 in all
OLDER = {"runtime": 0.02, "fetch": 0.08, "session": 0.2}
SEEN = [
    {"path": "/engines/ort.mjs", "start": 0.001, "response": 0.002, "end": 0.003, "wire": 1435, "decoded": 4435},
    {"path": "/model/0", "start": 0.01, "response": 0.02, "end": 0.05, "wire": 1_000_000, "decoded": 1_000_000},
    {
        "path": "/ort/ort.wasm",
        "start": 0.01,
        "response": 0.03,
        "end": 0.12,
        "wire": 2_300_000,
        "decoded": 14_000_000,
        "compiled": 0.17,
        "opened": True,
    },
]


def load(platform="chromium-wasm", caches="cold", seconds=0.3, **info):
    """Return a load; *info* is of the benchmark, and of its details what is named so."""
    told = {keys.LOAD_PARTS: PARTS, keys.FETCHED: COMPRESSED, keys.WATERFALL: SEEN}
    details = {name: info.pop(name, value) for name, value in told.items()}
    kept = {name: value for name, value in details.items() if value is not None}
    model = info.pop("model", "resnet20")
    return result("load", model, platform, seconds, 1, caches, **{keys.SURROUNDING: "page", keys.DETAILS: kept, **info})


def first(platform="chromium-wasm", caches="cold", seconds=0.02, model="resnet20", phase="first_inference", **info):
    return result(phase, model, platform, seconds, 1, caches, **info)


def run(tmp_path, *benchmarks, name="run.json", **about):
    return Run.of(content(*benchmarks, **about), tmp_path / name)


def loads(tmp_path, *benchmarks):
    return loads_of(rows_of([run(tmp_path, *benchmarks)]))


def section(*runs):
    return first_load(Material.of(runs))


def table(section, caption):
    return next(part for part in section.parts if isinstance(part, Table) and part.caption.startswith(caption))


@pytest.mark.parametrize("parts", [PARTS, OLDER, {"worker": 0.1, **PARTS, "session": 0.0}, {"later": 0.3}])
def test_bars_add_up_to_the_load_and_the_first_inference(tmp_path, parts):
    (one,) = loads(tmp_path, load(**{keys.LOAD_PARTS: parts}), first())
    assert one.total == pytest.approx(0.3 + 0.02)
    bars = segments([("a", one)])
    assert sum(bar["to"] - bar["from"] for bar in bars) == pytest.approx(320)
    assert all(before["to"] == pytest.approx(after["from"]) for before, after in pairwise(bars))
    assert (bars[-1]["part"], bars[0]["from"]) == (FIRST, 0.0)


def test_older_parts_keep_what_they_meant(tmp_path):
    (one,) = loads(tmp_path, load(**{keys.LOAD_PARTS: OLDER, keys.FETCHED: UNCOMPRESSED, keys.WATERFALL: None}))
    assert one.parts == {"runtime's script": 0.02, "model's download": 0.08, "WebAssembly and session": 0.2}
    assert one.sent.words == "15.0 MB on the wire (as it is), 15.0 MB decoded"
    assert not one.is_seen


@pytest.mark.parametrize("parts", [None, {"runtime": 0.1}, {"runtime": "long"}, 7])
def test_parts_that_are_no_load_s_are_not_drawn(tmp_path, parts):
    (one,) = loads(tmp_path, load(**{keys.LOAD_PARTS: parts}))
    assert one.parts == {WHOLE: 0.3}
    assert ("add up" in one.fault) == (parts == {"runtime": 0.1})


def test_no_byte_is_lost(tmp_path):
    (one,) = loads(tmp_path, load())
    assert {request.path for request in one.requests} == COMPRESSED.keys()
    assert sum(request.wire for request in one.requests) == sum(file["wire"] for file in COMPRESSED.values())
    assert sum(request.decoded for request in one.requests) == sum(file["decoded"] for file in COMPRESSED.values())
    own = sum(file["wire"] for path, file in COMPRESSED.items() if path in page_files.FILES)
    assert one.sent.wire == sum(request.wire for request in one.requests) - own
    assert own > 0


def test_what_a_server_sends_to_workers_of_threads_counts_too(tmp_path):
    twice = {**COMPRESSED, "/ort/ort.wasm": {**COMPRESSED["/ort/ort.wasm"], "wire": 4_600_000}}
    (one,) = loads(tmp_path, load(**{keys.FETCHED: twice}))
    assert one.sent.wire == 4_600_000 + 1_000_000 + 1435


@pytest.mark.parametrize(
    ("name", "damaged"),
    [(keys.FETCHED, {"/model/0": {"wire": "much"}}), (keys.WATERFALL, [{"path": "/model/0", "start": 0.1}])],
)
def test_damaged_details_take_no_load_from_the_page(tmp_path, name, damaged):
    made = section(run(tmp_path, load(**{name: damaged}), first()))
    assert "damaged" in table(made, "All loads").rows[0][8]
    assert charts(made)[0].title == "resnet20: first load"


def test_requests_stand_where_the_page_saw_them(tmp_path):
    (one,) = loads(tmp_path, load(), first())
    lines = bars_of([("chromium-wasm", one)])
    assert [line["row"] for line in lines] == [*range(len(lines))]
    assert lines[0]["head"] == "chromium-wasm"
    assert (lines[3]["start"], lines[3]["response"], lines[3]["end"], lines[3]["compiled"]) == (10, 30, 120, 170)
    assert lines[3]["text"] == "ort.wasm, 2.30 MB br → 14.0 MB"
    assert lines[2]["text"] == "model/0, 1.00 MB"
    assert lines[-2]["text"] == "the session opens"
    assert (lines[-2]["opening"], lines[-2]["opened"]) == pytest.approx((170, 300))
    assert (lines[-1]["begin"], lines[-1]["done"]) == pytest.approx((300, 320))


def test_parts_that_mean_something_else_share_no_chart_and_no_legend_has_a_colour_twice(tmp_path):
    """Of an older run the WebAssembly came while the session opened: its parts have other names, some like colours."""
    older = load("chromium-webnn", **{keys.LOAD_PARTS: OLDER, keys.WATERFALL: None})
    worker = load("chromium-wasm@worker", **{keys.LOAD_PARTS: {"worker": 0.0, **PARTS}})
    runs = [run(tmp_path, load(), worker, first(), load("chromium-tfjs", **{keys.LOAD_PARTS: None}), older)]
    new, old = (chart for chart in charts(section(*runs)) if "requests" not in chart.title)
    assert (new.title, old.title) == ("resnet20: first load", "resnet20: first load, in older parts")
    assert ("older version" in new.clock, "older version" in old.clock) == (False, True)
    for chart in (new, old):
        scale = chart.spec["layer"][0]["encoding"]["color"]["scale"]
        assert len(scale["domain"]) == len({*scale["range"]}) > 2
    assert scale["domain"] == ["runtime's script", "model's download", "WebAssembly and session"]  # as they were


def test_the_first_inference_is_of_the_same_run_client_and_caches(tmp_path):
    other = run(tmp_path, first(seconds=0.7), name="other.json")
    here = run(tmp_path, load(), first(platform="chromium-webnn"), first(caches="warm"), first(model="resnet8"))
    (one,) = loads_of(rows_of([other, here]))
    assert (one.first, one.second) == (None, None)
    assert "first inference not measured" in charts(section(other, here))[0].alternative


def test_a_load_over_a_network_has_the_first_inference_that_was_timed_without(tmp_path):
    over = load("chromium-wasm-over-cable", **network("cable", 0.028, 5e6, 1e6))
    (one,) = loads(tmp_path, over, first())
    assert one.first is not None
    assert one.network == "cable"


def test_networks_models_and_machines_stand_in_charts_of_their_own(tmp_path):
    over = load("chromium-wasm-over-cable", **network("cable", 0.028, 5e6, 1e6))
    here = run(tmp_path, load(), over, load(model="resnet8"))
    phone = run(tmp_path, load(), name="phone.json", machine="Phone")
    found = [chart for chart in charts(section(here, phone)) if "requests" not in chart.title]
    assert [(chart.title, chart.machine) for chart in found] == [
        ("resnet20: first load", "Xeon, 2 cores"),
        ("resnet20 (emulated network): first load over cable", "Xeon, 2 cores"),
        ("resnet8: first load", "Xeon, 2 cores"),
        ("resnet20: first load", "Phone, 2 cores"),
    ]
    assert "no network" in charts(section(here))[0].clock
    assert "no network" not in charts(section(here))[1].clock


def test_what_is_in_no_chart_stands_in_the_table_of_all_loads(tmp_path):
    server = result("load", "resnet20", "server-cpu", 0.05, 1, "process", **{keys.SURROUNDING: "process"})
    made = section(
        run(tmp_path, load(), load(caches="warm", seconds=0.28), server, first(), first(phase="second_inference"))
    )
    assert [row[1:5] for row in table(made, "All loads").rows] == [
        ["chromium-wasm", "Xeon, 2 cores", "cold", "300 ms (297 to 303)"],
        ["chromium-wasm", "Xeon, 2 cores", "warm", "280 ms (277 to 283)"],
        ["server-cpu", "Xeon, 2 cores", "process", "50.0 ms (49.5 to 50.5)"],
    ]
    assert len(charts(made)) == 2
    assert len(charts(made)[0].table.rows) == 1


def test_marks_are_told_in_the_line_or_in_the_title(tmp_path):
    doubt = {"trust": {"doubts": {"other_programs": "other programs used 0.4 cores"}}}
    weak = load("chromium-wasm@4x", seconds=0.3, **{keys.SLOWDOWN: {"asked": 4}}, untrained=True)
    made = section(run(tmp_path, load(untrained=True, **doubt), weak))
    chart = charts(made)[0]
    assert chart.title == "resnet20 (untrained): first load"
    assert {row[0] for row in chart.table.rows} == {"chromium-wasm (!)", "chromium-wasm@4x emulated"}
    assert "other programs used 0.4 cores" in table(made, "All loads").rows[0][8]


def test_a_doubt_of_the_first_inference_marks_the_bar(tmp_path):
    doubtful = first(trust={"doubts": {"margin": "other starts may differ"}})
    made = section(run(tmp_path, load(), doubtful))
    assert charts(made)[0].table.rows[0][0] == "chromium-wasm (!)"


def test_two_runs_of_a_load_are_two_bars(tmp_path):
    runs = [
        run(tmp_path, load(), name=f"{name}.json", started=f"2026-11-2{at}T00:00:00") for at, name in enumerate("ab")
    ]
    chart = charts(section(*runs))[0]
    assert [row[0] for row in chart.table.rows] == ["chromium-wasm, a", "chromium-wasm, b"]


def test_of_many_charts_some_are_tables_alone(tmp_path):
    many = [load(model=f"resnet{number}") for number in range(MOST_DRAWN + 2)]
    made = section(run(tmp_path, *many))
    assert len(charts(made)) == 2 * MOST_DRAWN
    captions = [part.caption for part in made.parts if isinstance(part, Table)]
    assert f"resnet{MOST_DRAWN}: first load. The parts of the typical load, and bytes" in captions


def test_charts_are_drawn(tmp_path):
    for chart in charts(section(run(tmp_path, load(), first()))):
        assert "chromium-wasm" in drawing.svg(chart.spec, 1, chart.alternative)


def test_nothing_is_made_of_runs_without_loads(tmp_path):
    assert section(run(tmp_path, result("latency", "resnet20", "server-cpu", 0.001, 1))) is None
