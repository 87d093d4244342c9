"""What came of the devices: tables with every mark, and how many times as long one engine takes as another."""

import json
from pathlib import Path

import pytest
from devices_made_up import FIREFOX, PIXEL
from made_up_runs import benchmark, content, doubtful, ratio

from benchmarks.devices import engines, table
from benchmarks.results import Run, devices

SERVING = content()["machine_info"]


def of_device(about, *benchmarks, serving=SERVING, file="a.json", **told):
    saved = content(*benchmarks, **told)
    saved["machine_info"] = devices.machine_info(about, serving, {})
    return Run.of(saved, Path(file))


@pytest.fixture
def runs():
    chromium = of_device(PIXEL | {"number": 2}, benchmark(platform="chromium-wasm", of_starts=0.004, **ratio(5.0)))
    firefox = of_device(
        FIREFOX | {"number": 1}, benchmark(platform="firefox-wasm", of_starts=0.02, **ratio(10.0), **doubtful())
    )
    return [firefox, chromium]


def test_each_model_has_a_table_of_the_devices_with_ratio_and_marks(runs):
    _, one, two, _, title, _, first, second, _, note, *rest = table.lines(runs)
    assert [one, two] == ["device 1  Firefox 153, 2 cores, http", "device 2  Chromium 153, Pixel 8, 8 cores, https"]
    assert title == "latency, resnet20, batch 1"
    assert first.split()[:3] == ["device", "1", "firefox-wasm"]
    assert "10.0 (9.80 to 10.2)" in first
    assert first.endswith("(!)")
    assert second.startswith("device 2  chromium-wasm  4.00 ms")
    assert "its own word" in note
    assert any("drifted by -41%" in line for line in rest)
    assert max(len(first), len(second)) <= 80


def test_a_run_that_is_not_whole_says_so_in_its_row(runs):
    cut = of_device(FIREFOX, benchmark(platform="firefox-wasm", of_starts=0.02), exit_status=2)
    assert any("not whole" in line for line in table.lines([cut]))


def test_the_ratio_of_two_engines_is_that_of_their_ratios_to_the_server(runs):
    name, (line,) = engines.compared(runs)
    assert name == "Chromium 153"
    (found,) = line.ratios.values()
    assert found.value == pytest.approx(2.0)
    assert found.low == pytest.approx(2 / 1.0287, rel=1e-2)  # two intervals of 2 % each: their squares add
    assert found.high == pytest.approx(2 * 1.0287, rel=1e-2)
    told = [*engines.lines(runs)]
    assert told[1].startswith("times as long as Chromium 153: both in turns with server-cpu")
    assert told[-1].split("  ")[0] == "resnet20 wasm b1"
    assert told[-1].endswith("(!)")  # the other's doubt is the ratio's


def test_without_chromium_the_first_device_is_the_base(runs):
    other = of_device(FIREFOX | {"cores": 8}, benchmark(platform="firefox-wasm", of_starts=0.02, **ratio(8.0)))
    assert engines.compared([runs[0], other])[0] == "Firefox 153, 2 cores, http"


def test_what_was_held_together_by_no_common_server_has_no_ratio(runs):
    other = SERVING | {"cores_usable": 1}
    elsewhere = of_device(FIREFOX, benchmark(platform="firefox-wasm", **ratio(10.0)), serving=other)
    alone = of_device(FIREFOX, benchmark(platform="firefox-wasm"))
    for run in (elsewhere, alone):
        _, (line,) = engines.compared([run, runs[1]])
        assert [*line.ratios.values()] == [None]
        assert [*engines.lines([run, runs[1]])][-1].split()[-1] == "–"


def test_where_no_two_devices_were_measured_in_the_same_there_is_no_such_table(runs):
    tfjs = of_device(FIREFOX, benchmark(platform="firefox-tfjs", **ratio(3.0)))
    assert [*engines.lines(runs[:1])] == [*engines.lines([tfjs, runs[1]])] == []


def test_two_runs_of_a_device_are_two_columns(runs):
    again = of_device(FIREFOX, benchmark(platform="firefox-wasm", **ratio(11.0)), file="b.json")
    _, (line,) = engines.compared([*runs, again])
    assert len(line.ratios) == 2


def test_the_table_of_engines_is_made_of_saved_runs(tmp_path, monkeypatch, capsys):
    files = []
    for name, about, value in (("a.json", PIXEL, 5.0), ("b.json", FIREFOX, 10.0)):
        saved = content(benchmark(platform=f"{about['engine']}-wasm", **ratio(value)))
        saved["machine_info"] = devices.machine_info(about, SERVING)
        files.append(tmp_path / name)
        files[-1].write_text(json.dumps(saved))
    monkeypatch.setattr(engines.sys, "argv", ["engines", *map(str, files)])
    engines.main()
    assert capsys.readouterr().out.splitlines()[-1].startswith("resnet20 wasm b1  2.00 (1.9")
    for argv, words in (([], "name the saved runs"), ([*map(str, files), str(tmp_path / "gone.json")], "1")):
        monkeypatch.setattr(engines.sys, "argv", ["engines", *argv])
        with pytest.raises(SystemExit, match=words):
            engines.main()
    told = capsys.readouterr()
    assert told.err == f"refused  {tmp_path / 'gone.json'}: there is no such file\n"
    assert told.out.splitlines()[-1].startswith("resnet20 wasm b1  2.00 (1.9")
