"""The history: which runs are in which series, what is shown as a change, and the page."""

import hashlib
import json
import math
import random
import re
import sys
from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.history import __main__ as command
from benchmarks.history import rates
from benchmarks.history.changes import steps, total
from benchmarks.history.runs import read
from benchmarks.history.series import RAW, all_series

NAME = "benchmarks/test_latency.py::test_latency[resnet20-{}-b1]"
MACHINE = {
    "cpu": {"brand_raw": "Made-up 9000", "family": 6, "model": 85},
    "machine": "x86_64",
    "system": "Linux",
    "release": "6.8.0",
    "python_version": "3.11.7",
    "python_implementation": "CPython",
    "cores": 2,
    "cores_usable": 2,
    "simd_flags": ["avx2"],
    "governor": None,
    "gpus": [],
    "versions": {"onnxruntime": "1.32.0"},
}


def commit_of(number):
    return hashlib.sha1(f"{number}".encode(), usedforsecurity=False).hexdigest()


def result(platform, seconds, calibration=None, **info):
    if calibration:
        info["calibration"] = {"workload": "a product", "p10": calibration}
    return {
        "fullname": NAME.format(platform),
        "stats": {"data": [seconds, *[2 * seconds] * 8], "mean": 2 * seconds},
        "extra_info": {"model_sha256": "ab" * 32} | info,
    }


class Storage:
    """A storage to be filled with made-up runs."""

    def __init__(self, folder):
        self.folder = folder

    def save(self, number, results, machine="made-up-9000-2-cores", status=0, day=None, **info):
        time = datetime(2026, 8, 1, tzinfo=UTC) + timedelta(days=number if day is None else day)
        saved = {
            "exit_status": status,
            "datetime": time.isoformat(),
            "commit_info": {"id": commit_of(number), "time": time.isoformat(), "author_time": None, "dirty": False},
            "machine_info": MACHINE | info,
            "benchmarks": results,
        }
        path = self.folder / machine / "Linux-CPython-3.11-64bit" / f"{number:04}_run.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(saved))
        return f"{path.relative_to(self.folder)}"

    def series(self):
        runs, unfit = read(self.folder)
        series, impossible = all_series(runs)
        return series, [*unfit, *impossible]


@pytest.fixture
def storage(tmp_path):
    return Storage(tmp_path / "storage")


def noisy(number, level=lambda _run: 1.0, seed=1):
    generator = random.Random(seed)
    return [level(run) * math.exp(generator.gauss(0, 0.01)) for run in range(number)]


# which runs are in which series


def test_machines_are_kept_apart_by_folder_and_by_what_the_run_says(storage):
    storage.save(1, [result("server-cpu", 1e-3)])
    storage.save(2, [result("server-cpu", 2e-3)], machine="another-4-cores")
    storage.save(3, [result("server-cpu", 3e-3)], cores_usable=1)
    storage.save(4, [result("server-cpu", 4e-3)], cpu=MACHINE["cpu"] | {"model": 86})
    storage.save(5, [result("server-cpu", 5e-3)], python_version="3.12.1")
    storage.save(6, [result("server-cpu", 6e-3)], python_version="3.11.9", node="f00d")
    series, _left_out = storage.series()
    assert sorted(each.values for each in series) == [[1, 6], [2], [3], [4], [5]]


def test_what_is_no_whole_run_is_left_out_and_named(storage):
    good = storage.save(1, [result("server-cpu", 1e-3)])
    killed = storage.save(5, [result("server-cpu", 1e-3)], status=137)
    interrupted = storage.save(2, [result("server-cpu", 1e-3)], status=2)
    empty = storage.save(3, [])
    (storage.folder / "torn.json").write_text('{"benchmarks": [')
    (storage.folder / "other.json").write_text("{}")
    impossible = storage.save(4, [result("server-cpu", math.nan), result("chromium-wasm", 1e-3, calibration=-1.0)])
    (series,), left_out = storage.series()
    assert [point.run.file for point in series.points] == [good]
    why = {part.what: part.why for part in left_out}
    assert why[killed] == "the run was killed, and holds what it had finished"
    assert why[interrupted] == "the run did not end well: pytest's exit code was 2"
    assert why[empty] == "the run has no benchmarks"
    assert why["torn.json"].startswith("not a run of this suite (JSONDecodeError: ")
    assert why["other.json"] == "not a run of this suite (KeyError: 'exit_status')"
    assert why[f"{impossible}: {NAME.format('server-cpu')}"] == "nan s over a calibration of 1.0 s is no speed"
    assert why[f"{impossible}: {NAME.format('chromium-wasm')}"] == "0.001 s over a calibration of -1.0 s is no speed"
    assert len(why) == 7


def test_a_simulated_gpu_is_left_out_and_named(storage):
    file = storage.save(1, [result("server-cpu", 1e-3), result("chromium-webgpu", 1e-3, software_gpu=True)])
    (series,), (left_out,) = storage.series()
    assert series.key.name == NAME.format("server-cpu")
    assert left_out.what == f"{file}: {NAME.format('chromium-webgpu')}"
    assert left_out.why == "measured on a simulated GPU, which is no GPU's speed"


def test_runs_are_in_the_order_of_their_commits(storage):
    for number, day in ((1, 30), (2, 10), (3, 20)):
        storage.save(number, [result("server-cpu", number * 1e-3)], day=day)
    (series,), _left_out = storage.series()
    assert series.values == [2, 3, 1]
    assert [point.run.commit for point in series.points] == [commit_of(number)[:7] for number in (2, 3, 1)]


def test_a_machine_that_is_slower_for_a_day_makes_no_benchmark_slower(storage):
    for number, state in enumerate((1.0, 1.3, 0.9)):
        storage.save(number, [result("server-cpu", 2e-3 * state, calibration=3e-4 * state)])
    (series,), _left_out = storage.series()
    assert series.values == pytest.approx([2, 2, 2])
    assert series.key.workload == "a product"


def test_values_with_and_without_calibration_are_not_in_one_series(storage):
    storage.save(1, [result("server-cpu", 1e-3)])
    storage.save(2, [result("server-cpu", 1e-3, calibration=3e-4)])
    series, _left_out = storage.series()
    assert [each.key.workload for each in series] == ["a product", RAW]


def test_the_10th_percentile_is_drawn_and_the_mean_of_a_client_that_a_quota_stops(storage):
    (plain, weak) = result("server-cpu", 1e-3), result("chromium-wasm", 1e-3, slowdown={"asked": 4})
    for saved in (plain, weak):
        saved["stats"]["data"] = [1e-3, *[2e-3] * 9]
    storage.save(1, [plain, weak])
    series, _left_out = storage.series()
    assert {each.key.statistic: each.values for each in series} == {"p10": [1], "mean": pytest.approx([1.9])}


def test_without_samples_the_saved_figure_is_drawn(storage):
    (saved,) = [result("server-cpu", 1e-3, p10=7e-3)]
    del saved["stats"]["data"]
    storage.save(1, [saved])
    (series,), _left_out = storage.series()
    assert series.values == [7]


def test_runs_whose_samples_are_of_more_or_fewer_inferences_are_drawn_in_rows_of_as_many(storage):
    inferences = [1e-3, 3e-3, 3e-3, 5e-3] * 10
    rows = [sum(pair) / 2 for pair in zip(inferences[::2], inferences[1::2], strict=True)]
    for number, samples in enumerate((inferences, rows)):
        saved = result("server-cpu", 1e-3)
        saved["stats"] |= {"data": samples, "iterations": 1 + number}
        storage.save(number, [saved])
    (series,), _left_out = storage.series()
    assert series.values == pytest.approx([2, 2])


def test_what_else_changed_is_noted_and_does_not_break_the_series(storage):
    storage.save(1, [result("server-cpu", 1e-3)])
    storage.save(2, [result("server-cpu", 1e-3)], versions={"onnxruntime": "1.33.0", "openvino": "1"}, release="6.9.0")
    storage.save(3, [result("server-cpu", 1e-3, model_sha256="cd" * 32)], versions={"onnxruntime": "1.33.0"})
    (series,), _left_out = storage.series()
    assert [sorted(point.notes) for point in series.points] == [
        [],
        ["kernel 6.8.0 → 6.9.0", "onnxruntime 1.32.0 → 1.33.0", "openvino none → 1"],
        ["kernel 6.9.0 → 6.8.0", "model abababab → cdcdcdcd", "openvino 1 → none"],
    ]


# what is shown as a change


def test_a_flat_series_shows_nothing():
    values = noisy(60)
    assert steps(values) == []
    assert not total(values).is_change


def test_a_step_is_found_at_its_commit():
    (step,) = steps(noisy(60, lambda run: 1.03 if run >= 40 else 1.0))
    assert abs(step.index - 40) <= 1
    assert step.change == pytest.approx(0.03, abs=0.01)
    assert step.p < 1e-6


def test_a_step_without_noise_is_found_exactly():
    values = [1.0 + 1e-6 * (run % 2) for run in range(30)]
    (step,) = steps([*values, *(1.05 * value for value in values)])
    assert (step.index, step.change) == (30, pytest.approx(0.05))


@pytest.mark.parametrize(("runs", "a_week"), [(70, 7), (11, 1)])
def test_a_creep_of_a_percent_a_week_shows(runs, a_week):
    whole = total(noisy(runs, lambda run: 1.01 ** (run / a_week)))
    assert whole.is_change
    assert whole.low < 0.01 * (runs - whole.runs) / a_week < whole.high


def test_what_became_faster_shows_too():
    values = noisy(60, lambda run: 0.95 if run >= 30 else 1.0)
    assert [round(step.change, 2) for step in steps(values)] == [-0.05]
    assert total(values).change == pytest.approx(-0.05, abs=0.015)


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0], [1.0] * 8])
def test_of_few_runs_nothing_is_said(values):
    assert (steps(values), total(values)) == ([], None)


def test_a_series_without_any_noise_is_no_error():
    assert steps([1.0] * 20) == []
    assert not total([1.0] * 20).is_change


@pytest.mark.parametrize("scenario", rates.SCENARIOS, ids=lambda scenario: scenario.words)
def test_rates_stay_within_their_limits(scenario):
    *_parts, either = rates.rates(scenario, 60)
    if not scenario.resemblance:
        assert either <= 0.05 if scenario.is_flat else either >= 0.9


def test_rates_that_are_too_often_wrong_end_with_an_error(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["rates", "--series", "5"])
    monkeypatch.setattr(rates, "SCENARIOS", [rates.Scenario("half a percent", 20, lambda run: 1 + 0.005 * (run > 9))])
    with pytest.raises(SystemExit, match="too often wrong: half a percent"):
        rates.main()
    assert "half a percent" in capsys.readouterr().out


# the command and its page


@pytest.fixture
def drawn(storage, tmp_path, monkeypatch, capsys):
    """Run the command; return what it printed, the page and the JSON."""

    def run():
        words = ["--storage", f"{storage.folder}", "--out", f"{tmp_path / 'out'}"]
        monkeypatch.setattr(sys, "argv", ["history", *words])
        command.main()
        page, saved = ((tmp_path / "out" / f"history.{kind}").read_text() for kind in ("html", "json"))
        return capsys.readouterr().out, page, json.loads(saved)

    return run


@pytest.fixture
def eventful(storage):
    """A storage in which one benchmark makes a step, one creeps, and one stays."""
    flat, step, creep = (
        noisy(60),
        noisy(60, lambda run: 1 + 0.05 * (run >= 40)),
        noisy(60, lambda run: 1.01 ** (run / 7)),
    )
    for run in range(60):
        versions = {"onnxruntime": "1.33.0" if run >= 40 else "1.32.0"}
        values = {"server-cpu": flat, "chromium-wasm": step, "chromium-webnn": creep}
        storage.save(run, [result(name, level[run] * 1e-3, 3e-4) for name, level in values.items()], versions=versions)
    return storage


def test_the_command_tells_the_step_the_creep_and_nothing_of_what_stayed(eventful, drawn):
    printed, _page, saved = drawn()
    by_name = {series["name"]: series for series in saved["series"]}
    (step,) = by_name[NAME.format("chromium-wasm")]["steps"]
    assert abs(step["index"] - 40) <= 1
    assert f"{step['commits'][0]} → {step['commits'][1]}, 2026-09-" in printed
    assert by_name[NAME.format("chromium-webnn")]["total"]["is_change"]
    assert (by_name[NAME.format("server-cpu")]["steps"], "resnet20-server-cpu-b1" in printed) == ([], False)
    assert "2 of 3 benchmarks changed\n" in printed
    sizes = [abs(float(size)) for size in re.findall(r"([+-][0-9.]+) %  +\d", printed)]
    assert sizes == sorted(sizes, reverse=True)


def test_the_page_has_every_benchmark_and_asks_the_network_for_nothing(eventful, drawn):
    _printed, page, saved = drawn()
    assert page.count("<svg") == len(saved["series"]) == 3
    for series in saved["series"]:
        assert f'">{series["name"].rpartition("::")[2]}</h3>' in page
    assert {*re.findall(r"\w+://[^\"' <>]+", page)} == {"http://www.w3.org/2000/svg"}  # a name, which is not loaded
    assert not re.findall(r"<script|<link|<img|@import|url\(|\bsrc=|href=\"[^#]", page)


def test_the_page_marks_steps_and_what_else_changed(eventful, drawn):
    _printed, page, _saved = drawn()
    assert page.count("onnxruntime 1.32.0 → 1.33.0</title>") == 6  # a run and a mark in each chart
    assert '<div class="dim">onnxruntime 1.32.0 → 1.33.0</div>' in page  # beside the step
    chart = page[page.index("b1]</h3>") :]
    assert re.search(r">\+[45]\.\d %</text>", chart)
    links = {*re.findall(r'href="#([^"]+)"', page)}
    assert links
    assert links <= {*re.findall(r'<h3 id="([^"]+)"', page)}


def test_a_single_run_is_drawn(storage, drawn):
    storage.save(1, [result("<&>", 1e-3)])
    printed, page, _saved = drawn()
    assert "0 of 1 benchmarks changed; 1 have fewer than 9 runs, too few to tell" in printed
    assert "raw: not corrected for the machine&#39;s state" in page
    assert ("resnet20-<&>" in page, "resnet20-&lt;&amp;&gt;-b1]</h3>" in page) == (False, True)


def test_nothing_to_draw_is_an_error_that_says_what_to_do(storage, drawn, capsys):
    with pytest.raises(SystemExit, match="no such folder; save runs there with --benchmark-autosave"):
        drawn()
    interrupted = storage.save(1, [result("server-cpu", 1e-3)], status=2)
    with pytest.raises(SystemExit, match="no whole run to draw; save runs there"):
        drawn()
    assert f"left out {interrupted}: the run did not end well" in capsys.readouterr().out
