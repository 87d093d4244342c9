"""Accuracy against latency: whose accuracy it is, what has none, and the front."""

import made_up_runs
import pytest
import report_parts
from report_parts import texts

from benchmarks.report.charts import drawing
from benchmarks.report.content import Material, Words
from benchmarks.report.sections.accuracy import accuracy
from benchmarks.report.sections.accuracy.points import Share
from benchmarks.results import keys


def known(model, seconds, top1, platform="server-cpu", **info):
    """Return a latency of a model whose accuracy the manifest tells."""
    return made_up_runs.benchmark(model, platform, seconds, top1=top1, **{keys.MODEL_SHA256: model, **info})


def examined(model, top1, platform="server-cpu", images=10_000):
    """Return an accuracy that was measured."""
    about = {keys.MODEL_SHA256: model, "images": images}
    return made_up_runs.benchmark(model, platform, 0.01, 8, "accuracy", top1=top1, **about)


def section(tmp_path, *benchmarks, **about):
    """Return the section of a run."""
    return accuracy(Material.of([made_up_runs.run(tmp_path / "run.json", *benchmarks, **about)]))


def charts(found):
    """Return a section's charts by what they are of."""
    return {part.title.removesuffix(", batch 1"): part for part in report_parts.charts(found)}


def column(chart, name):
    """Return a column of a chart's table."""
    at = [*chart.table.head].index(name)
    return {row[0]: row[at] for row in chart.table.rows}


def told(found):
    """Return a section's sentences."""
    return " ".join(sentence for part in found.parts if isinstance(part, Words) for sentence in part.sentences)


def test_the_front_is_drawn_and_listed(tmp_path):
    rows = [known("quick", 0.001, 60.0), known("beaten", 0.003, 61.0), known("good", 0.002, 70.0)]
    chart = charts(section(tmp_path, *rows))["server-cpu"]
    assert column(chart, "on the front") == {"quick": "yes", "good": "yes", "beaten": "no"}
    assert chart.alternative.startswith(
        "On the front: quick 60.00 % in 1.00 ms; good 70.00 % in 2.00 ms. Beaten: beaten"
    )
    assert {"quick", "beaten", "good", "60 %", "ms, logarithmic"} <= {*texts(chart)}
    assert "NaN" not in drawing.svg(chart.spec, 1, chart.alternative)


def test_two_files_of_one_name_are_called_by_their_hashes(tmp_path):
    rows = [known("same", 0.001, 60.0)], [known("same", 0.002, 70.0, **{keys.MODEL_SHA256: "b" * 64})]
    runs = [made_up_runs.run(tmp_path / f"{number}.json", *of) for number, of in enumerate(rows)]
    chart = charts(accuracy(Material.of(runs)))["server-cpu"]
    assert column(chart, "file") == {"same (file same)": "0.json", "same (file bbbbbbbb)": "1.json"}
    assert "same (file bbbbbbbb) 70.00 %" in chart.alternative


def test_a_model_that_was_timed_with_more_images_alone_is_told(tmp_path):
    rows = [known("one", 0.001, 60.0), made_up_runs.benchmark("eight", of_starts=0.01, batch=8, top1=70.0)]
    told = [one for part in section(tmp_path, *rows).parts if isinstance(part, Words) for one in part.sentences]
    assert any("more images at a time alone" in one and "(eight)" in one for one in told)


def test_a_measured_accuracy_stands_before_the_manifests_and_each_says_whose_it_is(tmp_path):
    rows = [known("a", 0.001, 60.0), known("b", 0.002, 70.0), examined("a", 59.0), examined("b", 1.0, "chromium-wasm")]
    chart = charts(section(tmp_path, *rows))["server-cpu"]
    assert column(chart, "top-1, %") == {"a": "59.00", "b": "70.00"}
    assert column(chart, "whose") == {
        "a": "measured on server-cpu by -m accuracy",
        "b": "as the models' manifest tells",
    }
    assert "measured by -m accuracy and as the models' manifest tells" in chart.clock


def test_an_accuracy_that_was_measured_is_told_without_any_latency(tmp_path):
    (alone,) = section(tmp_path, examined("a", 59.0), examined("a", 58.5, "chromium-wasm", 50)).parts
    assert [(row[0], row[2], *row[4:8]) for row in alone.rows] == [
        ("a", "server-cpu", "59.00", "58.03 to 59.96", "–", "10,000"),
        ("a", "chromium-wasm", "58.50", "44.72 to 71.07", "–", "50"),
    ]
    assert not alone.is_folded


def test_a_weaker_clients_accuracy_is_its_platforms(tmp_path):
    rows = [known("a", 0.009, 60.0, "chromium-wasm@4x"), examined("a", 59.0, "chromium-wasm")]
    assert told(section(tmp_path, *rows)).startswith(
        "The fastest client, 4 times weaker, batch 1: a 59.00 % in 9.00 ms"
    )


def test_an_own_files_accuracy_is_measured_on_any_platform(tmp_path):
    rows = [known("own.onnx", 0.001, None), examined("own.onnx", 42.0, "server-litert", 50)]
    assert "Top-1 of 50 test images: measured by -m accuracy" in told(section(tmp_path, *rows))


def test_what_has_no_accuracy_is_left_out_and_told(tmp_path):
    rows = [
        known("resnet20", 0.001, 69.0),
        known("resnet50", 0.004, 50.0, untrained=True),
        known("resnet14", 0.002, 30.0, stand_in=True),
        known("own", 0.002, None),
    ]
    found = section(tmp_path, *rows)
    words = told(found)
    assert "server-cpu, batch 1: resnet20 69.00 % in 1.00 ms" in words
    assert "resnet50: nobody trained it" in words
    assert "resnet14: a stand-in, trained shortly" in words
    assert "own: none is known" in words
    assert section(tmp_path, *rows[1:]) is None


def test_each_side_has_the_platform_where_a_model_is_fastest(tmp_path):
    rows = [
        known("a", 0.001, 60.0),
        known("a", 0.0005, 60.0, "server-cuda"),
        known("a", 0.004, 60.0, "chromium-wasm"),
        known("a", 0.002, 60.0, "chromium-webnn", **made_up_runs.doubtful()),
        known("a", 0.0001, 60.0, "chromium-webgpu", **{keys.SOFTWARE_GPU: True}),
        known("a", 0.0004, 60.0, "chromium-wasm", batch=8),
    ]
    (alone,) = section(tmp_path, *rows).parts
    of = [row[list(alone.head).index("of")] for row in alone.rows]
    assert of[:3] == ["server-cpu, batch 1", "The fastest server, batch 1", "The fastest client, batch 1"]
    assert [row[2] for row in alone.rows] == ["server-cpu", "server-cuda", "chromium-webnn", "chromium-webgpu"]
    assert "simulated" in of[3]
    assert alone.rows[2][list(alone.head).index("marks")].startswith("(!)")
    others = [known("b", row["stats"]["median"], 70.0, row["params"]["platform"]) for row in rows[:4]]
    assert [*charts(section(tmp_path, *rows, *others))] == ["server-cpu", "The fastest server", "The fastest client"]


def test_machines_are_never_held_against_each_other(tmp_path):
    runs = [
        made_up_runs.run(tmp_path / "one.json", known("a", 0.001, 60.0)),
        made_up_runs.run(tmp_path / "two.json", known("b", 0.002, 50.0), examined("a", 1.0), cores_usable=64),
    ]
    alone, _ = accuracy(Material.of(runs)).parts
    assert [(row[0], row[5]) for row in alone.rows] == [("a", "60.00"), ("b", "50.00")]
    assert len({row[-1] for row in alone.rows}) == 2


@pytest.mark.parametrize(("top1", "low", "high"), [(69.65, 68.74, 70.54), (0.0, 0.0, 0.04), (100.0, 99.96, 100.0)])
def test_the_interval_of_a_share_is_binomial(top1, low, high):
    assert Share(top1, 10_000, "").ends == pytest.approx((low, high), abs=0.006)


def test_names_of_many_alike_points_do_not_lie_on_each_other(tmp_path):
    rows = [known(f"resnet20.variant{number}", 0.001 + number * 1e-6, 69.6 + number / 100) for number in range(9)]
    chart = charts(section(tmp_path, *rows))["server-cpu"]
    names = [row for row in chart.spec["layer"][-1]["data"]["values"] if "variant" in row["t"]]
    assert len(names) == 9
    assert len({(round(row["x"]), round(row["y"])) for row in names}) == 9
