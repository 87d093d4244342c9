"""Throughput: rates by batch size, threads and load, and clients that equal a server."""

import made_up_runs
import pytest
from report_parts import charts, texts

from benchmarks.report.charts import drawing
from benchmarks.report.content import Material, Words
from benchmarks.report.sections.throughput import MOST_ROWS, threads_of, throughput
from benchmarks.results import keys, rows_of

COMPLIANCE = "shortened: not compliant with MLPerf's rules"


def section(tmp_path, *benchmarks, **about):
    """Return the section of a run."""
    return throughput(Material.of([made_up_runs.run(tmp_path / "run.json", *benchmarks, **about)]))


def rated(platform, batch=1, rate=1000.0, **info):
    """Return a latency with its images a second."""
    return made_up_runs.benchmark("resnet20", platform, batch=batch, images_per_second=rate, **info)


def load(phase, platform="server-cpu", **rate):
    """Return what LoadGen found."""
    told = {keys.QUERIES_PER_SECOND: {"starts": 3, **rate}} if rate else {}
    return made_up_runs.benchmark("resnet20", platform, phase=phase, compliance=COMPLIANCE, workers=2, **told)


def test_one_batch_size_on_one_thread_is_no_throughput(tmp_path):
    assert section(tmp_path, rated("server-cpu"), rated("server-litert")) is None


def test_batches_stand_below_their_platform_with_marks(tmp_path):
    doubtful = rated("server-cpu", 64, 20_000.0, **made_up_runs.doubtful())
    rows = [doubtful, rated("server-cpu", 1), rated("server-cpu", 8, 8000.0), rated("server-litert", 1)]
    (chart,) = charts(section(tmp_path, *rows))
    assert "by batch size" in chart.title
    assert chart.alternative == "server-cpu: batch 1 1,000/s; batch 8 8,000/s; batch 64 20,000/s (!)."
    assert {"server-cpu", "batch 64", "20,000/s", "(!)", "1k", "20k"} <= {*texts(chart)}
    assert "read on the host" in chart.clock


def test_models_and_software_are_not_mixed(tmp_path):
    rows = [rated("server-cpu", batch) for batch in (1, 8)]
    rows += [rated("chromium-webgpu", batch, **{keys.SOFTWARE_GPU: True}) for batch in (1, 8)]
    titles = [chart.title for chart in charts(section(tmp_path, *rows))]
    assert len(titles) == 2
    assert "simulated" in titles[1]


@pytest.mark.parametrize(
    ("platform", "threads"),
    [("server-cpu", 1), ("server-cpu-2t", 2), ("chromium-wasm-16t@worker@4x", 16), ("remote-cpu-4t-over-p75-2026", 4)],
)
def test_threads_are_those_of_the_label(tmp_path, platform, threads):
    (row,) = rows_of([made_up_runs.run(tmp_path / "run.json", rated(platform))])
    assert threads_of(row) == threads


def test_threads_of_a_platform_stand_together_and_by_batch_size(tmp_path):
    rows = [rated("server-cpu-2t", rate=1800.0), rated("server-cpu"), rated("server-litert")]
    (chart,) = charts(section(tmp_path, *rows))
    assert "by threads: resnet20, batch 1" in chart.title
    assert chart.alternative == "server-cpu: 1 thread 1,000/s; 2 threads 1,800/s."


def test_two_runs_of_a_thread_say_both_the_threads_and_the_run(tmp_path):
    files = {"a": [rated("server-cpu"), rated("server-cpu-2t", rate=1800.0)], "b": [rated("server-cpu", rate=900.0)]}
    runs = [made_up_runs.run(tmp_path / f"{name}.json", *rows) for name, rows in files.items()]
    (chart,) = charts(throughput(Material.of(runs)))
    assert [row[1] for row in chart.table.rows] == ["1 thread, a", "1 thread, b", "2 threads"]


def test_scaling_is_held_against_one_thread(tmp_path):
    one = {"ratio_to_one_thread": {**made_up_runs.ratio(0.55)["ratio_to_server_cpu"]}}
    rows = [
        made_up_runs.benchmark("resnet20", f"server-cpu-{threads}t", batch=8, phase="scaling", **one)
        for threads in (2, 4)
    ]
    (chart,) = charts(section(tmp_path, *rows))
    assert chart.title == "Times one thread: resnet20, batch 8"
    assert chart.alternative == "server-cpu: 2 threads 0.550 (0.539 to 0.561); 4 threads 0.550 (0.539 to 0.561)."
    assert "1" in texts(chart)


def test_a_single_rate_is_a_sentence_with_its_clock_and_marks(tmp_path):
    (words,) = section(tmp_path, load("offline", value=3467.0, low=3253.0, high=3695.0), exit_status=1).parts
    (told,) = words.sentences
    assert told.startswith("Queries a second: resnet20, batch 1, ")
    assert ": server-cpu: all at once 3,467/s (3,253 to 3,695) not whole. Inside the clock: " in told


def test_loadgen_keeps_its_label_scenarios_and_bound(tmp_path):
    by_chance = load("server", value=2903.0, low=2903.0, high=3038.0)
    by_chance["extra_info"][keys.P99_BOUND] = 0.02
    found = section(tmp_path, load("single_stream"), load("offline", value=3467.0, low=3253.0, high=3695.0), by_chance)
    (chart,) = charts(found)
    assert chart.clock.endswith(" Shortened: not compliant with MLPerf's rules.")
    assert chart.alternative == (
        "server-cpu: all at once 3,467/s (3,253 to 3,695); as they arrive by chance 2,903/s (2,903 to 3,038)."
    )
    assert "2 workers, 99 of 100 within 20.0 ms" in texts(chart)


def test_a_load_without_a_rate_is_told(tmp_path):
    found = section(tmp_path, load("offline"))
    assert next(part for part in found.parts if isinstance(part, Words)).sentences == (
        ["Without a rate: test_offline[resnet20-server-cpu-b1] (run.json)."]
    )


def test_clients_that_equal_a_server_say_how_that_is_known_and_keep_marks(tmp_path):
    rows = [
        made_up_runs.benchmark("resnet20", "server-cpu", 0.001),
        made_up_runs.benchmark("resnet20", "chromium-wasm", 0.004, **made_up_runs.doubtful()),
    ]
    (chart,) = charts(section(tmp_path, *rows, exit_status=1))
    assert chart.title == "Clients that equal a server"
    assert "server by 1 / latency of one after another" in chart.clock
    assert chart.alternative.startswith("resnet20 with chromium-wasm, the client as measured 4.00 (")
    assert "(!) not whole" in chart.alternative
    assert "chromium-wasm, the client as measured" in texts(chart)
    assert len(chart.table.rows) > 1  # weaker ones by a factor, which no chart need show
    assert "drifted by -41%" in chart.table.rows[0][-1]
    assert "computes 100% of its time" in chart.clock
    assert drawing.svg(chart.spec, 1, chart.alternative)


def test_of_many_models_each_chart_of_clients_says_which_it_is(tmp_path):
    models = [f"net{number}" for number in range(MOST_ROWS + 2)]
    rows = [
        made_up_runs.benchmark(model, platform, 0.001, **{keys.MODEL_SHA256: model})
        for model in models
        for platform in ("server-cpu", "chromium-wasm")
    ]
    titles = [chart.title for chart in charts(section(tmp_path, *rows))]
    assert titles == ["Clients that equal a server (1 of 2)", "Clients that equal a server (2 of 2)"]


def test_many_rows_are_parted_between_headings(tmp_path):
    rows = [rated(f"server-{name}", batch) for name in "abcdefg" for batch in (1, 8, 64)]
    found = charts(section(tmp_path, *rows))
    assert [len(chart.table.rows) for chart in found] == [MOST_ROWS, 21 - MOST_ROWS]
    assert found[0].title.endswith("(1 of 2)")
