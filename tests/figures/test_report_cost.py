"""The made-up machines that a report is weighed with, and how it is judged."""

import pytest

from benchmarks.figures import made_up_machines, report_cost
from benchmarks.report.content import Material
from benchmarks.report.sections import SECTIONS
from benchmarks.results import keys, load, rows_of

MACHINES, SAMPLES = 2, 40


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return [*map(load, made_up_machines.write(tmp_path_factory.mktemp("runs"), MACHINES, SAMPLES))]


def test_each_machine_is_another_with_forty_benchmarks(runs):
    rows = rows_of(runs)
    assert len({row.machine for row in rows}) == MACHINES
    assert [len(run.results) for run in runs] == [40] * MACHINES
    assert not any(run.faults for run in runs)


def test_what_is_steady_has_as_many_samples_as_were_asked_for_in_starts_that_hold_them(runs):
    steady = [row for row in rows_of(runs) if row.phase == "latency"]
    assert {len(row.result.samples) for row in steady} == {SAMPLES}
    assert {sum(len(block) for start in row.result.starts for block in start) for row in steady} == {SAMPLES}


def test_a_slower_machine_is_as_much_slower_in_its_figures_and_its_loads(runs):
    load_ = "benchmarks/test_load.py::test_load[resnet20-chromium-wasm-b1-cold]"
    one, other = (run.by_name[load_] for run in runs)
    times = one.samples[0] / other.samples[0]
    assert times != pytest.approx(1)
    assert one.seconds("median") / other.seconds("median") == pytest.approx(times)
    ends = [result.info[keys.DETAILS][keys.WATERFALL][-1]["end"] for result in (one, other)]
    assert ends[0] / ends[1] == pytest.approx(times)


def test_the_same_call_makes_the_same_files(tmp_path):
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
        made_up_machines.write(folder, 1, SAMPLES)
    one, other = (next(folder.iterdir()).read_bytes() for folder in folders)
    assert one == other


def test_every_section_of_a_report_has_something_to_show(runs):
    material = Material.of(runs)
    assert [make.__name__ for make in SECTIONS if make(material) is None] == ["fleet"]  # which no run of a machine has
    assert len({decision.model.name for decision in material.decisions}) == 3


@pytest.mark.parametrize(
    ("figures", "names"),
    [
        ((4.9, 5.9, 0.9), []),
        ((5.0, 5.9, 0.9), ["to make"]),
        ((9.0, 6.1, 2.0), ["to make", "size", "first paint"]),
        ((4.9, 5.9, float("nan")), ["first paint"]),
    ],
)
def test_a_mark_is_missed_from_its_limit_on_and_where_nothing_was_seen(figures, names):
    assert report_cost.missed(dict(zip(report_cost.MARKS, figures, strict=True))) == names
