"""Samples over time: all of them, in their order, starts apart, in little space."""

import made_up_runs
import numpy as np
import pytest
import report_parts
from hypothesis import given
from hypothesis import strategies as st
from report_parts import texts

from benchmarks.report.charts import drawing
from benchmarks.report.charts.samples import buckets
from benchmarks.report.content import Material, Words
from benchmarks.report.sections.over_time import BUCKETS, FEWEST, MOST_ROWS, Track, over_time
from benchmarks.results import keys, rows_of

STARTS = st.lists(st.lists(st.floats(1e-6, 10), min_size=1, max_size=60), min_size=1, max_size=12)


def charts(*runs):
    """Return the charts of runs."""
    return report_parts.charts(over_time(Material.of(runs)))


@given(STARTS, st.integers(1, 80))
def test_every_sample_is_in_one_bucket_of_its_start(starts, number):
    found = buckets(starts, number)
    assert [sum(bucket.number for bucket in start) for start in found] == [*map(len, starts)]
    for start, of in zip(starts, found, strict=True):
        assert min(bucket.least for bucket in of) == min(start)
        assert max(bucket.most for bucket in of) == max(start)
        assert all(bucket.least <= bucket.median <= bucket.most for bucket in of)
    assert sum(map(len, found)) <= number + len(starts)


def test_buckets_keep_the_order():
    (found,) = buckets([[1.0, 2.0, 3.0, 4.0, 5.0]], 2)
    assert [(bucket.number, bucket.least, bucket.median, bucket.most) for bucket in found] == [
        (3, 1.0, 2.0, 3.0),
        (2, 4.0, 4.5, 5.0),
    ]


@pytest.mark.parametrize("samples", [[[0.001] * FEWEST], [[0.001] * 400], [[0.001], [0.002]] * FEWEST])
def test_a_constant_and_starts_of_one_sample_are_drawn(tmp_path, samples):
    (chart,) = charts(made_up_runs.run(tmp_path / "run.json", made_up_runs.benchmark(of_starts=samples)))
    assert "NaN" not in drawing.svg(chart.spec, 1, chart.alternative)
    assert chart.table.rows[0][2] == str(sum(map(len, samples)))


def test_a_row_tells_its_range_samples_starts_marks_and_where_it_went(tmp_path):
    drifting = [[0.001 * (1 + at / 100) for at in range(start * 30, start * 30 + 30)] for start in range(5)]
    row = made_up_runs.benchmark("resnet20", "chromium-wasm", drifting, **made_up_runs.doubtful())
    other = made_up_runs.benchmark("resnet20", "server-cpu")
    (chart,) = charts(made_up_runs.run(tmp_path / "run.json", row, other))
    assert {"1.00 to 2.49 ms", "150 samples, 5 starts, last third +80 %", "(!)", "0.980 to 1.02 ms"} <= {*texts(chart)}
    assert "From the first third of the samples to the last: " in chart.alternative
    assert "+80 % (latency of chromium-wasm)" in chart.alternative
    assert chart.alternative.endswith("300 samples in 2 rows, 1 of them marked.")
    assert "drifted by -41%" in chart.table.rows[0][-1]


def test_phases_have_headings_machines_and_software_charts_which_do_not_grow(tmp_path):
    many = [made_up_runs.benchmark(f"model{number}") for number in range(MOST_ROWS)]
    load = made_up_runs.benchmark(phase="load", of_starts=[[0.1], [0.2], [0.3]] * 4)
    software = made_up_runs.benchmark("resnet20", "chromium-webgpu", **{keys.SOFTWARE_GPU: True})
    one = made_up_runs.run(tmp_path / "run.json", *many, load, software)
    other = made_up_runs.run(tmp_path / "other.json", made_up_runs.benchmark(), cores_usable=64)
    found = charts(one, other)
    assert [len(chart.table.rows) for chart in found] == [MOST_ROWS // 2, MOST_ROWS // 2 + 1, 1, 1]
    assert "(1 of 2)" in found[0].title
    assert {"latency", "load"} <= {*texts(found[1])}
    assert "load: from asking for the runtime until the session is open" in found[1].clock
    assert "load:" not in found[0].clock
    assert "simulated" in found[2].title


def test_another_suites_samples_stand_by_their_file(tmp_path):
    others = made_up_runs.benchmark()
    others = {**others, "params": None, "extra_info": {}, "name": "test_latency", "fullname": "t.py::test_latency"}
    (chart,) = charts(made_up_runs.run(tmp_path / "run.json", others, exit_status=None))
    assert "run.json" in chart.title
    assert "nobody told" in chart.clock
    assert "test_latency" in texts(chart)


def test_rows_of_few_samples_are_left_to_the_table_of_all_figures(tmp_path):
    few = made_up_runs.benchmark(phase="load", of_starts=[[0.1]] * (FEWEST - 1))
    made = over_time(Material.of([made_up_runs.run(tmp_path / "run.json", few)]))
    assert [*made.parts[0].sentences] == ["Not drawn, for want of 10 samples at least: 1 benchmark of all figures."]


def test_latencies_come_first(tmp_path):
    load = made_up_runs.benchmark(phase="load", of_starts=[[0.1]] * FEWEST)
    (chart,) = charts(made_up_runs.run(tmp_path / "run.json", load, made_up_runs.benchmark()))
    assert [row[0] for row in chart.table.rows] == ["latency", "load"]
    assert chart.title == "Latency, load"


def test_starts_that_tell_of_other_samples_lose_none(tmp_path):
    row = made_up_runs.benchmark(of_starts=[[0.001, 0.002, 0.003]], starts=[[2]])
    (told,) = rows_of([made_up_runs.run(tmp_path / "run.json", row)])
    track = Track.of(told, "")
    assert track.number == sum(bucket.number for start in track.starts for bucket in start) == 3


def test_what_has_no_samples_is_told(tmp_path):
    bare = made_up_runs.benchmark()
    del bare["stats"]["data"]
    parts = over_time(Material.of([made_up_runs.run(tmp_path / "run.json", bare)])).parts
    assert isinstance(parts[0], Words)
    assert "test_latency[resnet20-server-cpu-b1] (run.json)" in parts[0].sentences[0]


def test_a_row_of_many_samples_stays_small(tmp_path):
    generator = np.random.default_rng(5)
    noisy = [(0.001 * generator.lognormal(0, 0.3, 400)).tolist() for _ in range(5)]
    (chart,) = charts(made_up_runs.run(tmp_path / "run.json", made_up_runs.benchmark(of_starts=noisy)))
    assert len(drawing.svg(chart.spec, 1, chart.alternative)) < 5_500
    assert int(chart.table.rows[0][4]) <= BUCKETS + 5
