"""How often the intervals of made-up sweeps hold the figure of all, counted by hand."""

import math
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import LEAN, clean_environment
from made_up import benchmark, ratio, save

from benchmarks.figures import kept, repeat
from benchmarks.figures.resampled import two_stages
from benchmarks.measuring.ratio import STATISTICS
from benchmarks.measuring.starts import Figure, figure

FIVE = [[[seconds] * 4, [seconds] * 4] for seconds in (1e-3, 1.01e-3, 1.02e-3, 1.03e-3, 1.04e-3)]
PARTNER = [[{"p10": 1e-4, "median": 1e-4, "mean": 1e-4, "rounds": 9}] * 2] * 5


def sweep(folder, number, value=6.0, low=5.0, high=7.0, **rest):
    """Save a sweep of a server and a page, whose ratio has this interval."""
    page = benchmark("resnet20-chromium-wasm", FIVE, **ratio(value, low, high), partner=PARTNER)
    return save(repeat.files(folder, number)[-1], benchmark("resnet20-server-cpu", FIVE), page, **rest)


@pytest.fixture
def sweeps(tmp_path):
    """Save sweeps with these ratios and ends of intervals; read them."""
    return lambda *ratios: [kept.read(sweep(tmp_path, number, *one)) for number, one in enumerate(ratios, 1)]


# Coverage


def test_an_interval_holds_the_figure_of_all_or_not():
    sweeps = [Figure(2.0, 5, 1.9, 2.1), Figure(2.0, 5, 2.01, 2.2), Figure(2.0, 5, 1.8, 1.99), Figure(2.0, 5)]
    assert repeat.holds(sweeps) == [True, False, False, False]
    found = repeat.coverage("a", "p10", sweeps, sweeps[:2])
    assert (found.held, found.resampled) == ([True, False, False, False], [True, False])
    assert (found.of_all, found.deviation) == pytest.approx((2.0, 0.0))
    assert found.half_width == pytest.approx((0.05 + 0.0475 + 0.0475) / 3)


def test_the_figure_of_all_is_that_of_the_sweeps():
    values = [1.0, 2.0, 4.0, 8.0, 1000.0]
    found = repeat.coverage("a", "p10", [Figure(value, 5, value / 2, value * 2) for value in values], [])
    assert found.of_all == pytest.approx(4.0)  # of five, one at each end is left out
    assert found.held == [False, True, True, True, False]
    assert found.deviation == pytest.approx(249.0)


def test_without_intervals_nothing_is_held():
    found = repeat.coverage("a", "p10", [Figure(2.0, 1)] * 3, [])
    assert found.held == [False] * 3
    assert math.isnan(found.half_width)
    assert "nan%" in repeat.table([found])


def test_what_a_sweep_tells_is_read(sweeps):
    (run,) = sweeps((6.0, 5.0, 7.0))
    server, page = (repeat.figures(result) for result in run.results)
    assert [*server] == ["median", "p10"]
    assert page["ratio"] == Figure(6.0, 5, 5.0, 7.0, 0.95)
    assert page["p10"] == figure([start[0][0] for start in FIVE])


def test_each_statistic_is_totalled_over_all_benchmarks(sweeps):
    runs = sweeps(*[(6.0, 5.0, 7.0)] * 9, (6.0, 6.5, 7.0))
    found = [*repeat.coverages(runs)]
    assert [(one.benchmark, one.statistic, sum(one.held)) for one in found] == [
        ("test_latency[resnet20-server-cpu]", "median", 10),
        ("test_latency[resnet20-server-cpu]", "p10", 10),
        ("test_latency[resnet20-chromium-wasm]", "ratio", 9),
        ("test_latency[resnet20-chromium-wasm]", "median", 10),
        ("test_latency[resnet20-chromium-wasm]", "p10", 10),
    ]
    passed, words = zip(*repeat.totals(found), strict=True)
    assert passed == (True, True, True)
    assert words[0].startswith("ratio: 9 of 10 intervals hold the figure of all = 90.0% (wanted: at least 90%); of a ")
    assert words[1].startswith("median: 20 of 20 intervals hold the figure of all = 100.0%")


@pytest.mark.parametrize(("held", "passed"), [(9, True), (8, False)])
def test_fewer_than_wanted_are_a_miss(sweeps, held, passed):
    found, words = repeat.report(sweeps(*[(6.0, 5.0, 7.0)] * held, *[(6.0, 6.5, 7.0)] * (10 - held)))
    assert found is passed
    assert (": missed" in words) is not passed


@pytest.mark.parametrize(
    ("ratios", "passed"),
    [
        ([6.0, 6.17, 5.9, 6.0, 6.0], True),
        ([6.0, 6.19, 6.0, 6.0, 6.0], False),
        ([6.0, 6.0, 6.0, 6.0, 6.0, 9.0], True),  # the sixth is not among the first
    ],
)
def test_the_first_ratios_agree_or_not(sweeps, ratios, passed):
    ((found, words),) = repeat.repeated(sweeps(*((value, 1.0, 9.0) for value in ratios)))
    assert found is passed
    assert words.endswith("of their median 6.000 (limit 3%)")


# The bootstrap


def test_starts_without_a_spread_leave_nothing_to_resample():
    found = two_stages([[[2.0, 2.0], [2.0]]] * 5, STATISTICS["p10"])
    assert (found.value, found.low, found.high) == pytest.approx((2.0, 2.0, 2.0))


def test_a_bootstrap_draws_starts_and_their_blocks():
    mean = STATISTICS["mean"]
    of_blocks = two_stages([[[1.0], [3.0]]] * 5, mean)
    assert of_blocks.value == pytest.approx(2.0)
    assert 1.0 <= of_blocks.low < 2.0 < of_blocks.high <= 3.0
    of_starts = two_stages([[[value]] for value in (1.0, 2.0, 3.0, 4.0, 5.0)], mean)
    assert of_starts.value == pytest.approx(24 ** (1 / 3))
    assert 1.0 <= of_starts.low < of_starts.value < of_starts.high <= 5.0


def test_a_bootstrap_of_five_starts_is_a_little_too_sure():
    generator = np.random.default_rng(2)
    drawn = [np.exp(generator.normal(0, 0.02, 5)) for _ in range(400)]
    intervals = [(figure(values), two_stages([[[value]] for value in values], STATISTICS["p10"])) for values in drawn]
    held = [sum(one.low <= 1 <= one.high for one in kind) / len(drawn) for kind in zip(*intervals, strict=True)]
    assert held == pytest.approx([0.95, 0.89], abs=0.025)


def test_a_block_is_held_against_the_partners_beside_it(sweeps):
    _server, page = sweeps((6.0, 5.0, 7.0))[0].results
    ratios = repeat.block_ratios(page)
    assert np.array(ratios) == pytest.approx(np.array([[[start[0][0] / 1e-4]] * 2 for start in FIVE]))
    assert repeat.resampled(page)["ratio"].value == pytest.approx(10.2, rel=1e-3)


def test_without_a_partner_or_samples_there_is_less_to_resample(sweeps):
    server, page = sweeps((6.0, 5.0, 7.0))[0].results
    assert [*repeat.resampled(server)] == ["median", "p10"]
    assert repeat.block_ratios(server) == []
    page.stats["data"].clear()
    assert repeat.resampled(page) == {}


# Sweeps that are kept


@pytest.fixture
def measured(monkeypatch):
    """Have sweeps saved and not measured; return the files, and the number that stops."""
    state = SimpleNamespace(files=[], stop=None)

    def measure(file, words):
        if len(state.files) == state.stop:
            raise KeyboardInterrupt
        state.files.append(file.stem)
        state.words = words
        file.parent.mkdir(exist_ok=True)
        sweep(file.parent, int(file.stem.rpartition("-")[2]))
        return kept.read(file)

    monkeypatch.setattr(kept, "measure", measure)
    monkeypatch.setattr(kept, "suite", lambda: "abc")
    monkeypatch.setattr(repeat.signal, "signal", lambda *_: None)
    return state


def test_only_missing_sweeps_are_made(ended, measured, tmp_path):
    for number in (1, 3):
        sweep(tmp_path, number)
    code, told = ended(repeat, "--sweeps", "4", "--keep", str(tmp_path))
    assert (code, measured.files) == (0, ["sweep-02", "sweep-04"])
    assert f"2 of 4 sweeps are kept in {tmp_path}" in told
    assert "sweep-04 in 0 s: test_latency[resnet20-chromium-wasm] 6.000" in told
    assert "ratio: 4 of 4 intervals hold the figure of all = 100.0%" in told
    assert ended(repeat, "--sweeps", "4", "--keep", str(tmp_path))[0] == 0
    assert len(measured.files) == 2


def test_a_stop_prints_what_there_is_and_the_next_call_goes_on(ended, measured, tmp_path):
    measured.stop = 3
    code, told = ended(repeat, "--sweeps", "4", "--keep", str(tmp_path))
    assert code == 1
    assert "stopped after 3 of 4 sweeps; the next call goes on" in told
    assert "ratio: 3 of 3 intervals" in told
    measured.stop = None
    code, told = ended(repeat, "--sweeps", "4", "--keep", str(tmp_path))
    assert (code, measured.files[3:]) == (0, ["sweep-04"])


def test_too_few_sweeps_say_nothing(ended, measured, tmp_path):
    measured.stop = 2
    assert ended(repeat, "--keep", str(tmp_path))[0] == "2 sweeps have no spread to speak of"
    code, told = ended(repeat, "--sweeps", "2")
    assert code == 2
    assert "--sweeps 2: fewer than 3 have no spread to speak of" in told


def test_a_missed_share_ends_with_1(ended, measured, tmp_path):
    for number in range(1, 6):
        sweep(tmp_path, number, low=6.5)
    code, told = ended(repeat, "--sweeps", "5", "--keep", str(tmp_path))
    assert code == 1
    assert "ratio: 0 of 5 intervals hold the figure of all = 0.0% (wanted: at least 90%)" in told


def test_sweeps_of_another_version_are_not_gone_on_with(ended, measured, tmp_path):
    for number in (1, 2):
        sweep(tmp_path, number, suite="xyz")
    code, _told = ended(repeat, "--sweeps", "4", "--keep", str(tmp_path))
    assert code.endswith("was measured by another version of the suite (xyz, not abc): name another --keep")
    assert measured.files == []


def test_the_suites_own_options_choose_what_is_measured(ended, measured, tmp_path):
    ended(repeat, "--sweeps", "3", "--keep", str(tmp_path / "a"), "--", "--model", "resnet8")
    assert measured.words == ["--model", "resnet8"]
    ended(repeat, "--sweeps", "3", "--keep", str(tmp_path / "b"))
    assert measured.words == [*repeat.DEFAULT]


def test_a_sweep_has_at_least_six_benchmarks():
    command = [sys.executable, "-m", "pytest", *LEAN, "benchmarks/", "--collect-only", "-q", *repeat.DEFAULT]
    done = subprocess.run(command, cwd=kept.ROOT, env=clean_environment(), capture_output=True, text=True, check=False)
    assert re.findall(r"<Function test_latency\[(.+)-b1\]>", done.stdout) == [
        *(f"resnet20-{platform}" for platform in repeat.PLATFORMS),
        *("resnet14-server-cpu", "resnet14-chromium-wasm"),
    ]
