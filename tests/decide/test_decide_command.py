"""The command: what it measures, what it answers from files, what it refuses, and what it ends with."""

import csv
import io
import json
import subprocess
import sys

import pytest
from decide_runs_made_up import blocking, client, content, network, remote, result, save, whole
from helpers import ROOT

from benchmarks.decide import __main__ as command
from benchmarks.decide import cells, checks, runs, sentences_of, suite
from benchmarks.decide.measured import NEARBY, read
from benchmarks.decide.spans import Span
from benchmarks.results import Result, Run, keys
from browser_harness.network import PROFILES, Conditions, parse


@pytest.fixture
def decided(monkeypatch, capsys):
    """Run the command line in this process; return its exit code and what it printed."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["decide", *map(str, words)])
        with pytest.raises(SystemExit) as ending:
            command.main()
        told = capsys.readouterr()
        code = ending.value.code
        return code, told.out + told.err + (code if isinstance(code, str) else "")

    return run


@pytest.fixture
def saved(tmp_path):
    return save(tmp_path / "saved.json", *whole())


def test_files_are_answered_from(decided, saved):
    code, told = decided(saved)
    assert code == 0
    assert "resnet20 on the client as measured: the client (chromium-wasm), whatever the network" in told
    assert "resnet20 on a low-end mobile (10x, a factor of JavaScript, not measured): the server, below" in told
    assert "lighthouse-slow-4g" in told
    assert "p75-2026" in told
    assert "13.5 kB leave the device for each prediction, 1.14 kB come back (counted)" in told
    assert "kserve 0.21.0's own word" in told


def test_networks_and_models_are_chosen_by_name_or_figures(decided, saved):
    code, told = decided(saved, "--network", "rtt=77ms,down=2mbit,up=2mbit", "--model", "resnet20")
    assert (code, "77ms-2mbit-2mbit" in told, "lighthouse" in told) == (0, True, False)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--network", "mars"], "network 'mars' is unknown"),
        (["--duty", "2"], "'2' is no share: write a number above 0 and at most 1"),
        (["--json", "nowhere/there.json"], "no file can be written there"),
        (["--model", "resnet9"], "resnet9 was not measured; measured were resnet20"),
        (["--client", "chromium-webgl"], "chromium-webgl was not measured; measured were chromium-wasm"),
        (["--server", "remote-url"], "remote-url was not measured; measured were remote-cpu"),
        (["--slowdown", "3"], "'3' is not among 2, 4, 6"),
        (["--slowdown", "4"], "--slowdown is for clients that are measured now; leave the files out"),
        (["--check"], "leave the files out"),
        (["--prices", "absent.toml"], "absent.toml: No such file or directory"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(decided, saved, words, why):
    code, told = decided(saved, *words)
    assert code not in (0, None)
    assert why in told
    assert "Traceback" not in told


def test_a_table_fits_a_page(decided, saved):
    _, told = decided(saved)
    tables = [line for line in told.splitlines() if line.startswith(("---", *PROFILES))]
    assert tables
    assert max(map(len, tables)) <= 120


def test_a_stopped_one_says_where_its_runs_are(decided, monkeypatch):
    def stop(_asked):
        raise KeyboardInterrupt

    monkeypatch.setattr(command.run, "__defaults__", ((), stop))
    code, told = decided()
    assert code == 130
    assert told.splitlines()[-1] == f"decide: stopped; what its runs have saved lies in {suite.FOLDER}"


def test_a_file_that_is_no_run_is_refused_with_what_to_do(decided, tmp_path):
    (tmp_path / "no.json").write_text("{}")
    code, _ = decided(tmp_path / "no.json")
    assert "no run of this suite" in code
    assert "--benchmark-json" in code


def test_a_run_that_ended_badly_is_told(decided, tmp_path):
    code, told = decided(save(tmp_path / "bad.json", *whole(), exit_status=1))
    assert (code, "interrupted, failed or refused: what it holds counts" in told) == (0, True)


def test_a_result_that_is_damaged_is_left_out_and_told(decided, tmp_path):
    rate = result("server", "resnet20", "server-cpu", 0.001, 1, **{keys.QUERIES_PER_SECOND: "many"})
    code, told = decided(save(tmp_path / "damaged.json", *whole(), rate))
    assert (code, "b1] is left out: damaged: TypeError" in told, "resnet20 on " in told) == (1, True, True)


def test_of_one_side_alone_nothing_is_decided(decided, tmp_path):
    code, told = decided(save(tmp_path / "one.json", *client("resnet20", 0.003)))
    assert code == 1
    assert "nothing is decided" in told
    assert "not measured: resnet20 on a server: run pytest" in told


def test_doubts_and_untrained_networks_are_marked(decided, tmp_path):
    doubtful = {keys.TRUST: {keys.DOUBTS: {"drift": "drifted by +43%"}}, keys.UNTRAINED: True}
    results = [remote("resnet50", 0.1, 0.08, **doubtful), *client("resnet50", 0.3, **doubtful)]
    _, told = decided(save(tmp_path / "saved.json", *results))
    assert "resnet50 (untrained) on a mid-tier mobile" in told
    assert "(!)" in told


def test_json_and_csv_hold_every_figure_with_its_interval(decided, saved, tmp_path):
    decided(saved, "--json", tmp_path / "a.json", "--csv", tmp_path / "a.csv", "--network", "cable")
    written = json.loads((tmp_path / "a.json").read_text())
    first = written["decisions"][0]
    assert (first["model"]["sha256"], first["class"]["factor"], first["answering"]) == (
        "98c538b6c1ff",
        1,
        "chromium-wasm",
    )
    later = first["answers"][0]["server_later"]
    assert later["low"] < later["value"] < later["high"]
    assert later["tier"] == "< 1 s"
    assert len(first["map"]["winners"]) == len(first["map"]["round_trips"])
    rows = [*csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text()))]
    assert [row["factor"] for row in rows] == ["1", "2", "4", "6", "10"]
    assert float(rows[0]["server_later"]) == pytest.approx(later["value"])
    assert rows[0]["wins_later"] == "client"


def test_money_is_there_only_with_prices(decided, saved, tmp_path):
    assert "money, for" not in decided(saved)[1]
    file = tmp_path / "prices.toml"
    file.write_text('currency = "EUR"\nserver_per_hour = 3.6\nsent_per_gb = 1\n')
    code, told = decided(saved, "--prices", file)
    assert code == 0
    assert "money, for 1,000: predictions on the server 0.00214 EUR" in told
    decided(saved, "--prices", file, "--json", tmp_path / "a.json")
    first = json.loads((tmp_path / "a.json").read_text())["decisions"][0]
    assert first["money_per_1000"]["currency"] == "EUR"
    assert first["servers"][0]["inference"]["value"] == 0.001


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("server_per_hour = ", "no TOML"),
        ("server_per_hour = -1\nsent_per_gb = 1", "server_per_hour is -1; write a number of 0 or more"),
        ("server_per_hour = 1", "sent_per_gb is None"),
        ("server_per_hour = true\nsent_per_gb = 1", "server_per_hour is True"),
        ("server_per_hour = nan\nsent_per_gb = 1", "server_per_hour is nan"),
        ("server_per_hour = 1\nsent_per_gb = 1\ntypo = 2", "typo is unknown"),
    ],
)
def test_prices_that_are_none_are_refused_in_a_line(decided, saved, tmp_path, text, why):
    file = tmp_path / "prices.toml"
    file.write_text(text)
    code, _ = decided(saved, "--prices", file)
    assert why in code
    assert str(file) in code


def test_two_models_of_one_name_are_refused(decided, saved, tmp_path):
    other = save(
        tmp_path / "other.json", result("latency", "resnet20", "server-cpu", 1, 1, **{keys.MODEL_SHA256: "ff"})
    )
    code, _ = decided(saved, other)
    assert "another file (SHA-256 ff)" in code


def test_whoever_reads_may_stop(saved):
    command_ = f"{sys.executable} -m benchmarks.decide {saved} | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command_], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stderr, "intel" in done.stdout or "xeon" in done.stdout) == ("", True)
    assert done.returncode in (0, 141)  # it may have been quicker than its reader


# The world that a check measures: servers' own times and clients', in seconds, by model and slowdown.
SERVERS = {"resnet20": (0.004, 0.001), "mobilenet-v2": (0.02, 0.008), "resnet50": (0.1, 0.08)}
CLIENTS = {"resnet20": 0.003, "mobilenet-v2": 0.034, "resnet50": 0.32}


class World:
    """Runs of the suite in which nothing is measured. By *off*, answers over a network are not what was foreseen."""

    def __init__(self, tmp_path, off=0.0, broken=()):
        self.folder, self.off, self.broken, self.asked = tmp_path, off, broken, []

    def __call__(self, asked):
        self.asked.append(asked)
        words = dict.fromkeys(asked.words)
        networks = [parse(word) for at, word in enumerate(asked.words) if asked.words[at - 1] == "--network"]
        results = []
        for model, (total, inference) in SERVERS.items():
            if any(word.startswith("remote") for word in words):
                results += [one for over in networks for one in self._served(model, total, inference, over)]
            elif "--slowdown" in words:
                brake = {keys.SLOWDOWN: {"asked": 4}, keys.SLOWDOWN_OBTAINED: 4.0}
                results.append(result("latency", model, "chromium-wasm@4x", CLIENTS[model] * 4, 1, **brake))
            elif asked.name.startswith("check"):
                results.append(result("latency", model, "chromium-wasm", CLIENTS[model], 1))
            elif asked.name.startswith("blocking"):
                results.append(blocking(model, 2 * CLIENTS[model], seconds=CLIENTS[model]))
            elif asked.name == "later":
                results += [result("latency", model, "server-cpu", inference, 1), *client(model, CLIENTS[model])[:1]]
            else:
                results += client(model, CLIENTS[model])[1:]
        return Run.of(content(*results), self.folder / f"{asked.name}.json"), self.broken

    def _served(self, model, total, inference, over):
        spent = 13543 * 8 / over.up if over.up else 0.0
        spent += 1140 * 8 / over.down if over.down else 0.0
        is_there = over.name != "10ms"  # from which all others are foreseen
        kept = (total + over.round_trip + spent) * (1 + self.off * is_there)
        lies = network(over.name, over.round_trip, over.down, over.up)
        yield remote(model, kept, inference, over=lies)
        yield remote(model, kept + 0.006 + 2 * over.round_trip, inference, phase="first_inference", over=lies)


def options(*words):
    return command.parser().parse_args([*words])


def test_without_files_what_is_needed_is_measured(tmp_path, capsys):
    world = World(tmp_path)
    assert command.run(options("--model", "resnet50"), ["--browser-path", "x"], world) == 0
    assert [asked.name for asked in world.asked] == ["later", "server", "first", "blocking-chromium-wasm"]
    assert all(asked.words[-2:] == ["--browser-path", "x"] for asked in world.asked)
    assert "rtt=10ms" in world.asked[1].words
    assert "resnet50 on the client as measured: the server, below" in capsys.readouterr().out


def test_a_server_that_no_page_asks_is_timed_beside_those_that_one_does(tmp_path):
    later, server, _ = runs.basis(options("--model", "resnet50", "--server", "server-openvino"), [])
    assert "server-openvino" in later.words
    assert {"remote-cpu", "remote-cpu-uint8"} <= {*server.words}
    assert "server-openvino" not in server.words


def test_a_check_predicts_cells_and_measures_them(tmp_path, capsys):
    world = World(tmp_path)
    file = tmp_path / "checked.json"
    assert command.run(options("--check", "--client", "chromium-wasm", "--json", str(file)), [], world) == 0
    told = capsys.readouterr().out
    assert [asked.name for asked in world.asked][-3:] == ["check-server", "check-client-1x", "check-client-4x"]
    assert "met  18 cells, at least 18" in told
    assert "MISSED" not in told
    assert "WRONG" not in told
    checked = json.loads(file.read_text())["checked"]
    assert len(checked["cells"]) == 18
    assert sum(cell["is_near"] for cell in checked["cells"]) >= 6
    assert {cell["predicted_winner"] for cell in checked["cells"]} >= {"client", "server"}


def test_a_check_that_misses_its_marks_ends_with_1(tmp_path, capsys):
    assert command.run(options("--check"), [], World(tmp_path, off=0.5)) == 1
    told = capsys.readouterr().out
    assert "MISSED  predicted time of a kept connection -33.3%" in told


def test_what_could_not_be_measured_is_told_and_ends_with_1(tmp_path, capsys):
    broken = ["benchmarks/test_latency.py::test_latency[resnet50-remote-cpu-b1]"]
    assert command.run(options(), [], World(tmp_path, broken=broken)) == 1
    assert f"failed: {broken[0]}" in capsys.readouterr().out


def test_a_cell_that_was_not_measured_meets_no_mark():
    from benchmarks.decide.spans import Span

    span = Span(1.0, 0.9, 1.1)
    cell = checks.Cell("a", "b", "c", 1, PROFILES["cable"], "remote-cpu", (span, span, span.times(3)))
    assert (cell.measured_winner, cell.is_right) == ("not measured", False)
    assert [mark.is_met for mark in checks.marks([cell] * 18)] == [True, False, False, False, False]


@pytest.mark.parametrize("network_", [PROFILES["cable"], parse("rtt=60ms,down=10mbit,up=1mbit"), parse("rtt=5ms")])
def test_a_network_is_written_as_the_suite_reads_it(network_):
    assert parse(suite.network_words(network_)) == network_


def test_a_run_that_gives_nothing_is_told_with_its_last_lines(monkeypatch, tmp_path):
    monkeypatch.setattr(suite, "FOLDER", tmp_path / "kept")
    with pytest.raises(suite.SuiteError, match=r"nothing: the run ended with 4 and gave no results(.|\n)*mars"):
        suite.measure(suite.Asked("nothing", ["--network-of-mars"]))


def results_of(*saved):
    return [Result.of(one) for one in saved]


def test_a_run_ends_with_a_sentence_for_each_model_that_is_said_to_be_predicted():
    saved = [
        result("latency", "resnet20", "server-cpu", 0.001, 1),
        *client("resnet20", 0.003)[:1],
        result("latency", "huge", "server-cpu", 0.5, 1),
        *client("huge", 3.0)[:1],
        result("latency", "alone", "server-cpu", 0.5, 1),
    ]
    small, huge = sentences_of(results_of(*saved))
    assert small.startswith(
        "resnet20, predicted: the client (chromium-wasm, 3.00 ms) before the server (at best 299 ms"
    )
    assert "the server's own stack" in small
    assert "fetches 15.0 MB: 73.8 s on lighthouse-slow-4g" in small
    assert "the server (at best" in huge
    assert "at best before the client (chromium-wasm, 3,000 ms)" in huge


def test_a_run_of_weak_clients_alone_does_not_end_with_a_sentence_of_whole_ones():
    slowed = {keys.SLOWDOWN: {"asked": 4}, keys.SLOWDOWN_OBTAINED: 4.1}
    saved = [
        result("latency", "resnet20", "server-cpu", 0.001, 1, **{keys.TRUST: {keys.DOUBTS: {"drift": "+43 %"}}}),
        result("latency", "resnet20", "chromium-wasm@4x", 0.013, 1, **slowed),
    ]
    (words,) = sentences_of(results_of(*saved))
    assert "the client (chromium-wasm@4x, emulated, 13.0 ms) before the server" in words
    assert "; the server (!) is sent 13.5 kB as numbers of 4 bytes, and counted without the server's own stack" in words


def test_a_sentence_in_short_has_the_verdict_and_its_marks_and_says_once_what_none_was_counted_with():
    doubtful = {keys.TRUST: {keys.DOUBTS: {"drift": "+43 %"}}}
    saved = [
        result("latency", "resnet20", "server-cpu", 0.001, 1, **doubtful),
        *client("resnet20", 0.003)[:1],
        blocking("resnet20", 0.243),
        result("latency", "huge", "server-cpu", 0.5, 1),
        *client("huge", 3.0)[:1],
    ]
    small, huge, at_best = sentences_of(results_of(*saved), in_full=False)
    assert small.startswith(
        "resnet20, predicted: the client (chromium-wasm, 3.00 ms) before the server (!) (at best 299"
    )
    assert "; the client freezes the page for 243 ms" in small
    assert small.endswith("; the client first fetches 15.0 MB")
    assert "at best before the client (chromium-wasm, 3,000 ms)" in huge
    assert at_best == "at best: without the server's own stack, which tox run -e decide measures"


def test_a_check_does_not_predict_what_it_was_just_told():
    assert [one.name for one in cells._candidates() if one.round_trip == NEARBY and not one.down] == []


def test_what_does_not_count_is_told_where_nothing_is_decided(decided, tmp_path):
    results = [
        result("latency", "resnet20", "server-cpu", 0.001, 1),
        result("latency", "resnet20", "chromium-webgpu", 9.0, 1, **{keys.SOFTWARE_GPU: True}),
    ]
    code, out = decided(str(save(tmp_path / "run.json", *results)))
    assert code == 1
    assert "left out of resnet20: test_latency[resnet20-chromium-webgpu-b1]: on a simulated GPU, no speed" in out


def test_nothing_is_said_of_results_without_a_model():
    assert sentences_of(results_of({"fullname": "a.py::a", "name": "a", "params": {}, "stats": {}})) == []


def test_profiles_are_conditions():
    assert all(isinstance(PROFILES[name], Conditions) for name in command.sentences.SHOWN)


def test_a_cell_whose_measurement_is_doubtful_is_marked(tmp_path):
    doubtful = {keys.TRUST: {keys.DOUBTS: {"network_off": "the network was not as asked for"}}}
    cable = PROFILES["cable"]
    over = network("cable", cable.round_trip, cable.down, cable.up)
    saved = [remote("resnet20", 0.15, 0.001, over=over, **doubtful), *client("resnet20", 0.003)]
    times = (Span.exactly(0.15), Span.exactly(0.2), Span.exactly(0.003))
    cell = checks.Cell("resnet20", "the client", "chromium-wasm", 1, cable, "remote-cpu", times)
    (filled,) = cells.filled([cell], read([Run.of(content(*saved), tmp_path / "run.json")]))
    assert filled.doubts == ["the network was not as asked for"]
    assert any("right (!)" in line for line in cells.lines([filled]))


def test_a_row_of_csv_says_what_its_figures_lack(decided, tmp_path):
    results = [result("latency", "resnet20", "server-cpu", 0.001, 1), *client("resnet20", 0.003)]
    file = tmp_path / "rows.csv"
    decided(save(tmp_path / "saved.json", *results), "--csv", file)
    rows = [*csv.DictReader(io.StringIO(file.read_text()))]
    assert all("without the server's own stack" in row["notes"] for row in rows)


def test_a_file_is_asked_for_by_its_path_and_found_by_its_name(tmp_path, monkeypatch, capsys):
    (tmp_path / "mine.onnx").touch()
    monkeypatch.chdir(tmp_path)
    asked = []

    def measure(one):
        asked.append(one)
        results = whole("mine.onnx") if one.name == "later" else []
        return Run.of(content(*results), tmp_path / f"{one.name}.json"), []

    assert command.run(options("--model", "mine.onnx", "--slowdown", "4"), measure=measure) == 0
    assert "mine.onnx on the client as measured" in capsys.readouterr().out
    assert {one.words[one.words.index("--model") + 1] for one in asked} == {str(tmp_path / "mine.onnx")}
    assert [one.name for one in asked][-1] == "weak-chromium-wasm"
    assert not any("remote-cpu-uint8" in one.words for one in asked)  # the file may take no pixels
