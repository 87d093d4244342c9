"""First loads that nobody measured: what is predicted of them, held against what is said to be measured."""

import re
import sys

import pytest
from made_up import benchmark, save

from benchmarks.figures import first_load, kept
from benchmarks.figures.first_load import Alone, Row
from benchmarks.results import keys
from browser_harness.network import LOOPBACK, parse

CABLE = parse("cable")
CAME = {"path": "/ort.wasm", "start": 0.1, "response": 0.11, "end": 0.2, "wire": 1_000_000, "decoded": 2_000_000}
PARTS = {"runtime": 0.1, "model": 0.0, "compile": 0.3, "session": 0.2}


def saved(file, loads, came=CAME):
    details = {keys.LOAD_PARTS: PARTS, keys.WATERFALL: [came]}
    return save(file, benchmark("a", [[[load]] for load in loads], details=details), suite=kept.suite())


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """Have loads measured: 0.6 s without a network, these over one; return what was asked of the suite."""
    asked = []

    def have(*loads, came=CAME):
        def measure(file, words):
            asked.append(words)
            return kept.read(saved(file, loads if "loopback" not in words else [0.5, 0.6, 0.9], came))

        monkeypatch.setattr(kept, "measure", measure)
        words = ["--keep", str(tmp_path), "--platform", "chromium-wasm", "--network", "cable"]
        monkeypatch.setattr("sys.argv", ["first_load", *words, "--", "--inference-timeout=90"])
        return asked

    return have


@pytest.mark.parametrize(("predicted", "within"), [(9.1, True), (10.9, True), (8.9, False), (11.1, False)])
def test_a_prediction_is_held_against_the_median_of_what_was_measured(predicted, within):
    row = Row("chromium-wasm", "cable", predicted, [10.0, 3.0, 11.0], PARTS)
    assert (row.measured, row.within) == (10.0, within)
    assert str(row).endswith("%" if within else "%: missed")
    assert row.cells()[4:7] == ["3: 3.00 to 11.00", f"{predicted / 10 - 1:+.1%}", "yes" if within else "NO"]


def test_it_is_made_of_what_was_saved_of_a_load_without_a_network(tmp_path):
    (result,) = kept.read(saved(tmp_path / "a.json", [0.6])).by_name.values()
    assert Alone.of(result).over(LOOPBACK) == pytest.approx(sum(PARTS.values()))
    # A million bytes at 5 Mbit/s, a round trip, and what was computed around them.
    assert Alone.of(result).over(CABLE) == pytest.approx(0.51 + 1.66 + 0.028, abs=0.06)


def test_each_load_is_measured_by_the_suite_once_and_told(measured, capsys):
    asked = measured(2.2, 2.3, 2.4)
    for _ in range(2):  # what is kept is not measured again
        with pytest.raises(SystemExit) as ended:
            first_load.main()
        assert ended.value.code == 0
        assert "chromium-wasm over cable: predicted 2." in capsys.readouterr().out
    alone, over = asked
    assert alone[-2:] == ["--benchmark-min-rounds=5", "--inference-timeout=90"]
    assert over[-4:] == ["--network", "cable", "--benchmark-min-rounds=3", "--inference-timeout=90"]


def test_a_load_that_was_asked_for_otherwise_is_another_one(measured, monkeypatch):
    asked = measured(2.2)
    for words in (["--client=low-end-mobile"], ["--client=low-end-mobile"], []):
        monkeypatch.setattr("sys.argv", [*sys.argv[: sys.argv.index("--") + 1], *words])
        with pytest.raises(SystemExit):
            first_load.main()
    assert ["--client=low-end-mobile" in words for words in asked] == [True, True, False, False]


def test_several_loads_where_one_is_wanted_are_refused_in_a_line(tmp_path, monkeypatch):
    names = ("test_load[resnet20-chromium-wasm]", "test_load[resnet20-chromium-wasm@worker]")
    two = save(tmp_path / "two.json", *(benchmark(name, [[[1.0]]]) for name in names), suite=kept.suite())
    monkeypatch.setattr(kept, "measure", lambda _file, _words: kept.read(two))
    monkeypatch.setattr("sys.argv", ["first_load", "--keep", str(tmp_path / "keep"), "--", "--where", "all"])
    with pytest.raises(SystemExit, match=r"^2 loads of chromium-wasm, and .*: leave out what .*, of --where all$"):
        first_load.main()


def test_a_platform_that_loads_nothing_in_a_page_is_refused(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["first_load", "--platform", "server-cpu"])
    with pytest.raises(SystemExit):
        first_load.main()
    assert "argument --platform: invalid choice: 'server-cpu'" in capsys.readouterr().err


def test_a_load_that_takes_long_is_measured_less_often(measured):
    asked = measured(40.0, came={**CAME, "wire": 25_000_000})
    with pytest.raises(SystemExit):
        first_load.main()
    assert "--benchmark-min-rounds=1" in asked[1]


def test_what_is_off_by_more_than_a_tenth_ends_it_badly(measured, capsys):
    measured(2.8)
    with pytest.raises(SystemExit, match=r"^1 of 1 first loads are off by more than 10%$"):
        first_load.main()
    assert re.search(r"off|-2\d\.\d%", capsys.readouterr().out)


def test_a_run_of_other_code_is_not_put_together_with_this(measured, tmp_path):
    measured(2.3)
    save(
        tmp_path / "resnet20-chromium-wasm-loopback---inference-timeout=90.json", benchmark("a", [[[1.0]]]), suite="abc"
    )
    with pytest.raises(SystemExit, match="another version of the suite"):
        first_load.main()
