"""What a page bears, in a report: tasks against their limits, memory against its budget, joules; all marks kept."""

import pytest
import report_parts
from decide_runs_made_up import blocking, content, memory, result

from benchmarks.report.charts import drawing
from benchmarks.report.content import Material, Table
from benchmarks.report.sections.burden import burden
from benchmarks.report.sections.burden.blocking import longest_task, suffered, tasks
from benchmarks.report.sections.burden.memory import judged, sizes
from benchmarks.results import Run, keys, rows_of

DOUBT = {"trust": {"doubts": {"disagreement": "page, browser and frames differ"}}}
WEAK = {keys.SLOWDOWN: {"asked": 4}}


def run(tmp_path, *benchmarks, name="run.json", **about):
    return Run.of(content(*benchmarks, **about), tmp_path / name)


def row(tmp_path, benchmark):
    (one,) = rows_of([run(tmp_path, benchmark)])
    return one


def charts(*runs):
    return report_parts.charts(burden(Material.of(runs)))


def test_the_longest_task_is_that_in_the_middle_of_the_starts(tmp_path):
    one = row(tmp_path, blocking("resnet20", 0.03, share=0.1))
    assert longest_task(one).value == 0.03
    (told,) = tasks([("a", one)])
    assert (told["ms"], told["low"], told["high"], told["emulated"]) == pytest.approx((30, 27, 33, False))


def test_a_task_of_too_few_starts_has_no_interval(tmp_path):
    one = row(tmp_path, blocking("resnet20", 0.03, share=None))
    (told,) = tasks([("a", one)])
    assert "low" not in told
    assert told["told"].startswith("30.0 ms (no interval)")


def test_blocked_and_frames_are_of_the_start_that_froze_most(tmp_path):
    saved = blocking("resnet20", 0.03)
    saved["extra_info"][keys.BLOCKING] |= {"window": 2.0, "total_blocking_time": 1.6}
    assert suffered(row(tmp_path, saved)) == "80% blocked, 10 of 60 frames missed"


@pytest.mark.parametrize("damaged", [None, 7, {"window": 1.0}, {"window": "long"}])
def test_what_was_not_told_is_not_made_up(tmp_path, damaged):
    saved = blocking("resnet20", 0.03)
    saved["extra_info"] |= {keys.BLOCKING: damaged, keys.LONGEST_TASK: None}
    one = row(tmp_path, saved)
    assert longest_task(one) is None
    assert suffered(one) == "not told"
    assert "ms" not in tasks([("a", one)])[0]
    (chart,) = charts(run(tmp_path, saved))
    assert "not told" in chart.table.rows[0]


def test_those_over_a_frame_are_named_and_the_others_are_told_at_most(tmp_path):
    (chart,) = charts(run(tmp_path, blocking("resnet20", 0.03), blocking("resnet20", 0.004, "chromium-webnn")))
    assert chart.alternative == (
        "1 of 2 take the page for more than a frame: chromium-wasm 30.0 ms; the others take 4.00 ms at most."
    )


def test_main_thread_worker_and_emulated_clients_are_lines_of_their_own(tmp_path):
    worker = blocking("resnet20", 0.001, "chromium-wasm@worker", **{keys.WHERE: "worker"})
    weak = blocking("resnet20", 0.1, "chromium-wasm@4x", **WEAK, **DOUBT)
    (chart,) = charts(run(tmp_path, weak, blocking("resnet20", 0.03), worker))
    assert [line[:2] for line in chart.table.rows] == [
        ["chromium-wasm", "main"],
        ["chromium-wasm@worker", "worker"],
        ["chromium-wasm@4x (!) emulated", "main"],
    ]
    assert "page, browser and frames differ" in chart.table.rows[2][-1]
    assert "chromium-wasm@4x (!) emulated 100 ms" in chart.alternative


def test_a_frame_and_a_long_task_are_drawn_as_limits(tmp_path):
    (chart,) = charts(run(tmp_path, blocking("resnet20", 0.03)))
    limits = chart.spec["layer"][0]["data"]["values"]
    assert [limit["ms"] for limit in limits] == pytest.approx([1000 / 60, 50])
    drawn = drawing.svg(chart.spec, 1, chart.alternative)
    assert "a frame" in drawn
    assert ("var(--client)" in drawn, "var(--series" in drawn) == (True, False)  # a page is a client, as in all charts


def test_models_and_machines_stand_in_charts_of_their_own(tmp_path):
    here = run(tmp_path, blocking("resnet20", 0.03), blocking("resnet8", 0.01, untrained=True))
    phone = run(tmp_path, blocking("resnet20", 0.1), name="phone.json", machine="Phone")
    assert [(chart.title, chart.machine) for chart in charts(here, phone)] == [
        ("resnet20: how long the page freezes", "Xeon, 2 cores"),
        ("resnet8 (untrained): how long the page freezes", "Xeon, 2 cores"),
        ("resnet20: how long the page freezes", "Phone, 2 cores"),
    ]


def test_memory_is_what_the_start_took_against_the_run_s_budget(tmp_path):
    budget = {keys.MEMORY_BUDGET: 200_000_000}
    over = memory("resnet20", 250_000_000, **budget, **{keys.TAKEN: 260_000_000, keys.OVER_BUDGET: True})
    within = memory("resnet20", 150_000_000, "chromium-webnn", **budget, **{keys.TAKEN: 150_000_000})
    (alone,) = charts(run(tmp_path, within))
    assert alone.alternative == "chromium-webnn 150 MB. Within the budget: 1 of 1."
    (chart,) = charts(run(tmp_path, over, within))
    assert [line[1:4] for line in chart.table.rows] == [
        ["260 MB", "200 MB", "OVER 200 MB"],
        ["150 MB", "200 MB", "within 200 MB"],
    ]
    assert "OVER the budget: 1 of 2 (chromium-wasm" in chart.alternative
    assert "OVER 200 MB; before 90.0 MB, peak 340 MB" in drawing.svg(chart.spec, 1, chart.alternative)


def test_memory_of_older_runs_and_processes_is_held_to_nothing(tmp_path):
    older = row(tmp_path, memory("resnet20", 150_000_000))  # of schema 1, which says nothing of a page
    process = row(tmp_path, memory("resnet20", 50_000_000, "server-cpu", "process", **{keys.SURROUNDING: "process"}))
    assert (older.result.taken, judged(older)) == (150_000_000, "no budget")
    assert (process.result.taken, judged(process)) == (50_000_000, "a process, no budget")
    assert [told["mb"] for told in sizes([("a", older), ("b", process)])] == [150, 50]
    assert row(tmp_path, memory("resnet20", 1, **{keys.TAKEN: -4096})).result.taken == 0


def test_memory_that_the_system_does_not_tell_is_no_zero(tmp_path):
    saved = memory("resnet20", 1)
    del saved["extra_info"][f"{keys.MEMORY}before"]
    assert row(tmp_path, saved).result.taken is None
    (chart,) = charts(run(tmp_path, saved))
    assert chart.alternative == "This system does not tell."
    assert chart.table.rows[0][1] == "not told"
    assert drawing.svg(chart.spec, 1, chart.alternative)


def test_caches_tell_lines_apart(tmp_path):
    (chart,) = charts(run(tmp_path, memory("resnet20", 2_000_000), memory("resnet20", 1_000_000, caches="warm")))
    assert [line[0] for line in chart.table.rows] == ["chromium-wasm, cold", "chromium-wasm, warm"]


def test_joules_stand_in_a_table_by_counter(tmp_path):
    saved = result("energy", "resnet20", "server-cpu", 0.001, 1, joules_per_inference={"package-0": 0.0123}, **DOUBT)
    made = burden(Material.of([run(tmp_path, saved)]))
    (table,) = [part for part in made.parts if isinstance(part, Table)]
    assert [*table.rows] == [
        ["resnet20", "server-cpu", "Xeon, 2 cores", "package-0", "0.0123", "1", "(!)", "run.json"],
    ]
    assert "also while it idles" in table.caption
    assert not table.is_folded


def test_nothing_is_made_of_runs_without_any_of_it(tmp_path):
    assert burden(Material.of([run(tmp_path, result("latency", "resnet20", "server-cpu", 0.001, 1))])) is None
