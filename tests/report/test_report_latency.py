"""Latency in the report: every sample is in the picture, and what cannot be drawn is told."""

import json
import re

import made_up_runs
import numpy as np
import pytest
import report_parts
from hypothesis import given
from hypothesis import strategies as st
from report_parts import texts

from benchmarks.report.charts import drawing
from benchmarks.report.charts.picture import INNER, PLAIN, Bar, sheet
from benchmarks.report.charts.placing import Box, placed
from benchmarks.report.charts.samples import bin_width, buckets, checked, front, histogram
from benchmarks.report.charts.scales import LogScale, even
from benchmarks.report.content import Material, Table, Words
from benchmarks.report.sections.latency import MOST_ROWS, latency, outline
from benchmarks.results import keys
from benchmarks.results.numbers import change, milliseconds, three, time

LONG = "chromium-wasm-2t@worker@4x-over-p75-2026"
TIMES = st.floats(min_value=1e-6, max_value=1e3, allow_nan=False)


def material(tmp_path, *benchmarks, **about):
    """Return a report's material of one run."""
    return Material.of([made_up_runs.run(tmp_path / "run.json", *benchmarks, **about)])


def charts(section):
    """Return a section's charts by their title."""
    return {part.title: part for part in report_parts.charts(section)}


def told(section):
    """Return a section's sentences."""
    return " ".join(sentence for part in section.parts if isinstance(part, Words) for sentence in part.sentences)


def column(chart, name):
    """Return a column of a chart's table."""
    at = [*chart.table.head].index(name)
    return [row[at] for row in chart.table.rows]


@given(st.lists(TIMES, min_size=1, max_size=200))
def test_every_sample_is_in_one_bin(samples):
    scale = LogScale.of(samples, 8, 334)
    places = scale.px(checked(samples))
    counts = histogram(places, scale.left, scale.right, bin_width(places, 2.0, 24.0))
    assert counts.sum() == len(samples)
    assert (counts >= 0).all()


def test_a_constant_and_a_single_sample_lie_in_one_bin_in_the_middle():
    for samples in ([0.001] * 50, [0.001]):
        scale = LogScale.of(samples, 0, 100)
        places = scale.px(checked(samples))
        counts = histogram(places, scale.left, scale.right, bin_width(places, 2.0, 24.0))
        assert counts.max() == len(samples)
        assert counts.argmax() == pytest.approx(25, abs=1)
        assert scale.ticks


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), 0.0, -1.0])
def test_what_is_no_time_is_refused(wrong):
    with pytest.raises(ValueError, match="1 of 3 samples are no times"):
        checked([0.001, wrong, 0.002])
    with pytest.raises(ValueError, match="1 of 2"):
        buckets([[0.001, wrong]], 10)


@given(TIMES, st.floats(min_value=1.0, max_value=1e6))
def test_an_axis_has_values_that_lie_on_it(low, factor):
    scale = LogScale.of([low, low * factor], 0, 300)
    assert 2 <= len(scale.ticks) <= 12
    assert all(scale.low <= tick <= scale.high for tick in scale.ticks)
    assert [*scale.ticks] == sorted(scale.ticks)


@given(st.floats(min_value=0.0, max_value=100.0), st.floats(min_value=0.5, max_value=100.0))
def test_even_steps_lie_between_the_ends(low, span):
    steps = even(low, low + span)
    assert 2 <= len(steps) <= 6
    assert all(low - 1e-9 <= step <= low + span + 1e-9 for step in steps)


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=30))
def test_the_front_has_no_dominated_point_and_all_others_are_dominated(points):
    kept = front(points)

    def is_beaten(one):
        return any(other != one and other[0] <= one[0] and other[1] >= one[1] for other in points)

    assert {points[at] for at in kept} == {point for point in points if not is_beaten(point)}
    assert sum(not is_beaten(point) for point in points) == len(kept)


@given(st.lists(st.tuples(st.floats(0, 300), st.floats(0, 200)), max_size=12))
def test_names_lie_on_no_other_and_within(points):
    within = Box(0, 0, 340, 220)
    found = [box for box in placed(points, ["resnet20.fp16"] * len(points), within) if box]
    assert all(within.holds(box) for box in found)
    assert not any(one.meets(other) for at, one in enumerate(found) for other in found[at + 1 :])


def test_an_outline_goes_up_and_down_where_the_heights_change():
    assert outline([0, 5, 5, 0, 2], 10, 2, 100) == "M12,100V95H16V100ZM18,100V98H20V100Z"


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.53449, "0.534"), (9.996, "10.0"), (999.7, "1,000"), (14_237.4, "14,237"), (4e-6, "0.00000400")],
)
def test_three_digits(value, words):
    assert three(value) == words


def test_times_have_the_unit_that_shows_three_digits():
    assert [time(value) for value in (4.1e-6, 0.000535, 2.28, 18.04, None, float("nan"))] == [
        "4.10 µs",
        "0.535 ms",
        "2.28 s",
        "18.0 s",
        "–",
        "–",
    ]
    assert [milliseconds(value) for value in (0.09996, 12.5, None)] == ["100 ms", "12,500 ms", "–"]
    assert [change(1.12), change(0.96), change(1.001)] == ["+12 %", "−4 %", "0 %"]


def test_models_batches_and_software_never_share_a_chart(tmp_path):
    several = [
        made_up_runs.benchmark(model, platform, 0.001, batch, **info)
        for model, platform, batch, info in (
            ("resnet20", "server-cpu", 1, {}),
            ("resnet20", "chromium-wasm", 1, made_up_runs.ratio(5.0)),
            ("resnet20", "server-cpu", 8, {}),
            ("resnet20", "server-litert", 8, {}),
            ("resnet8", "server-cpu", 1, {}),
            ("resnet8", "server-litert", 1, {}),
            ("resnet20", "chromium-webgpu", 1, {keys.SOFTWARE_GPU: True, **made_up_runs.ratio(9.0)}),
            ("resnet20", "server-webgpu", 1, {keys.SOFTWARE_GPU: True}),
        )
    ]
    found = charts(latency(material(tmp_path, *several)))
    assert [title.partition(", on ")[0] for title in found] == [
        "resnet20, batch 1",
        "resnet20, batch 1",
        "resnet20, batch 8",
        "resnet8, batch 1",
        "Times server-cpu: resnet20, batch 1",
        "Times server-cpu: resnet20, batch 1",
    ]
    assert sum("simulated on the processor" in title for title in found) == 2
    assert all(column(chart, "platform") for chart in found.values())
    for title, chart in found.items():
        assert ("chromium-webgpu" in column(chart, "platform")) == ("simulated" in title)


def test_a_row_tells_its_samples_side_figure_and_marks(tmp_path):
    marked = made_up_runs.benchmark("resnet50", LONG, 0.004, iterations=2, **made_up_runs.doubtful(), untrained=True)
    section = latency(material(tmp_path, marked, made_up_runs.benchmark("resnet50"), exit_status=1))
    (chart,) = charts(section).values()
    assert LONG in texts(chart)  # whole
    assert "client, 150 samples, in rows of 2" in texts(chart)
    assert chart.title == "resnet50, batch 1 (not whole)"
    assert "(!) untrained" in texts(chart)
    assert "server, 150 samples" in texts(chart)
    assert f"{LONG} 4.00 ms (!) untrained" in chart.alternative
    assert "drifted by -41%" in " ".join(column(chart, "marks"))
    assert "read on the host" in chart.clock


def test_of_many_rows_the_ends_and_how_many_are_marked_are_told(tmp_path):
    rows = [made_up_runs.benchmark("resnet20", f"server-{at}", 0.001 * at) for at in (3, 1, 2)]
    rows.append(made_up_runs.benchmark("resnet20", "server-9", 0.009, **made_up_runs.doubtful()))
    (chart,) = charts(latency(material(tmp_path, *rows))).values()
    assert chart.alternative == "From server-1 1.00 ms to server-9 9.00 ms (!), 4 rows. 1 of the 4 is marked."


def test_a_models_charts_stand_together_the_least_batch_first(tmp_path):
    of = [("resnet20", 8), ("resnet8", 1), ("resnet20", 1)]
    rows = [made_up_runs.benchmark(model, batch=batch) for model, batch in of]
    assert [*charts(latency(material(tmp_path, *rows)))] == [
        "resnet20, batch 1",
        "resnet20, batch 8",
        "resnet8, batch 1",
    ]


def test_what_stands_beside_no_other_row_is_in_a_table_where_others_are_drawn(tmp_path):
    rows = [made_up_runs.benchmark("resnet20", platform) for platform in ("server-cpu", "server-litert")]
    rows.append(made_up_runs.benchmark("resnet20", "server-cpu", 0.008, 8, **made_up_runs.doubtful()))
    section = latency(material(tmp_path, *rows))
    assert [*charts(section)] == ["resnet20, batch 1"]
    (alone,) = [part for part in section.parts if isinstance(part, Table)]
    assert [row[0] for row in alone.rows] == ["resnet20, batch 8"]
    assert (alone.rows[0][2], alone.rows[0][4]) == ("server-cpu", "8.00")
    assert alone.rows[0][-1].startswith("(!): ")


def test_words_are_never_cut_and_fit_a_phone():
    page, draw = sheet([Bar(LONG, "0.535 ms", "a note", lambda _: [], "(!) untrained")], 10), lambda _: []
    assert {LONG, "0.535 ms", "a note", "(!) untrained"} == {text["t"] for text in page.texts}
    signs = "(!) untrained emulated emulated network software GPU made up not whole"
    page = sheet([Bar(f"{LONG}, {LONG}", "2.00 ms", "server that a page asks, 1,463 samples", draw, signs)], 10)
    assert " ".join(text["t"] for text in page.texts if text["c"] == drawing.DOUBT) == signs
    assert all(len(text["t"]) * PLAIN <= INNER for text in page.texts)
    lines = {}
    for text in page.texts:
        lines.setdefault(text["y"], []).append(text["t"])
    assert all(len(" ".join(words)) * PLAIN <= INNER for words in lines.values())
    empty = sheet([Bar("server-cpu", "1.00 ms", "", draw)], 10)
    assert empty.height < page.height - 3 * 14


def test_the_network_is_told_where_it_lies_inside_the_clock(tmp_path):
    asked = made_up_runs.benchmark("resnet20", "remote-cpu", 0.004)
    (chart,) = charts(latency(material(tmp_path, asked))).values()
    assert "the request and the network are inside" in chart.clock
    assert "server that a page asks, 150 samples" in texts(chart)


def test_without_samples_the_statistics_are_shown_and_said(tmp_path):
    bare = made_up_runs.benchmark("resnet20", "server-cpu")
    del bare["stats"]["data"]
    (chart,) = charts(latency(material(tmp_path, bare))).values()
    assert "server, no samples saved: least to most" in texts(chart)
    assert column(chart, "samples") == ["0"]
    assert column(chart, "most") == ["1.02"]


def test_what_holds_samples_that_are_no_times_is_told_and_not_drawn(tmp_path):
    wrong = made_up_runs.benchmark("resnet20", "chromium-wasm")
    wrong["stats"]["data"] = [0.001, 0.0, 0.002]
    section = latency(material(tmp_path, wrong, made_up_runs.benchmark()))
    (chart,) = charts(section).values()
    assert column(chart, "platform") == ["server-cpu"]
    assert "1 of its 3 samples are no times above zero" in told(section)
    assert "chromium-wasm" in told(section)


def test_another_suites_benchmarks_have_their_own_chart_and_no_clock(tmp_path):
    others = made_up_runs.benchmark()
    others = {**others, "params": None, "extra_info": {}, "name": "test_sort", "fullname": "t.py::test_sort"}
    (chart,) = charts(latency(material(tmp_path, others, exit_status=None))).values()
    assert "nobody told" in chart.clock
    assert chart.title == "run.json (not this suite's)"
    assert "test_sort" in texts(chart)


def test_two_runs_of_a_benchmark_are_two_rows(tmp_path):
    runs = [made_up_runs.run(tmp_path / f"{name}.json", made_up_runs.benchmark()) for name in ("one", "two")]
    (chart,) = charts(latency(Material.of(runs))).values()
    assert column(chart, "platform") == ["server-cpu, one", "server-cpu, two"]


def test_a_ratio_has_its_interval_statistic_and_a_rule_at_one(tmp_path):
    mean = made_up_runs.ratio(5.0)
    mean["ratio_to_server_cpu"]["statistic"] = "mean"
    alone = made_up_runs.ratio(0.5)
    del alone["ratio_to_server_cpu"]["low"], alone["ratio_to_server_cpu"]["high"]
    rows = [
        made_up_runs.benchmark("resnet20", "chromium-wasm@4x", 0.005, **mean, slowdown={"asked": 4}),
        made_up_runs.benchmark("resnet20", "server-cuda", 0.0005, **alone),
    ]
    chart = next(chart for title, chart in charts(latency(material(tmp_path, *rows))).items() if "Times" in title)
    assert "Ratio of mean and p10." in chart.clock
    assert chart.alternative == "resnet20: server-cuda 0.500; chromium-wasm@4x 5.00 (4.90 to 5.10) emulated."
    assert {"of means", "no interval: 1 start", "5.00 (4.90 to 5.10)", "emulated"} <= {*texts(chart)}
    assert "1" in texts(chart)  # its axis reaches to 1


def test_the_picture_is_small_and_names_from_files_are_data(tmp_path):
    generator = np.random.default_rng(5)
    noisy = [[0.001 * value for value in generator.lognormal(0, 0.3, 400)] for _ in range(5)]
    evil = made_up_runs.benchmark('"</script>datum.x', "server-cpu", noisy)
    (chart,) = charts(
        latency(material(tmp_path, evil, made_up_runs.benchmark('"</script>datum.x', "chromium-<b>")))
    ).values()
    assert "<b>" not in (drawn := drawing.svg(chart.spec, 1, chart.alternative))
    assert len(drawn) < 6_000
    assert "NaN" not in drawn
    expressions = re.findall(r'"expr": "([^"]*)"', json.dumps(chart.spec))
    assert {*expressions} == {"datum.a", "datum.w"}


def test_many_rows_are_parted_on_one_scale_and_none_is_lost(tmp_path):
    rows = [made_up_runs.benchmark("resnet20", f"server-{at:02}", 0.001 * (at + 1)) for at in range(MOST_ROWS + 2)]
    one, two = charts(latency(material(tmp_path, *rows))).values()
    assert (one.title, two.title) == ("resnet20, batch 1 (1 of 2)", "resnet20, batch 1 (2 of 2)")
    assert [*column(one, "platform"), *column(two, "platform")] == [f"server-{at:02}" for at in range(MOST_ROWS + 2)]
    assert {"1", "10"} <= {*texts(one)} & {*texts(two)}  # ms


def test_percentiles_are_those_of_the_samples_that_are_drawn(tmp_path):
    told = {"p10": 0.0016, keys.FIGURES: {"p10": {"value": 0.0016, "starts": 5}}}  # in the middle of the starts
    row = made_up_runs.benchmark("resnet20", "server-cpu", **told)
    row["stats"]["data"] = [(at + 1) / 1e3 for at in range(100)]
    (chart,) = charts(latency(material(tmp_path, row))).values()
    assert [column(chart, name) for name in ("p10", "median", "p95")] == [["10.0"], ["50.5"], ["95.0"]]
