"""Saved runs for other programs: the figure that holds still, its doubts, and nothing that is not whole."""

import csv
import io
import json
import math
import os
import re
import sys
from pathlib import Path

import jsonschema
import pytest
from made_up_runs import SERVING, about, benchmark, doubtful, of_device, ratio, run, save
from pyarrow import parquet as arrow

from benchmarks.compare import __main__ as comparing
from benchmarks.export import __main__ as command
from benchmarks.export import columns, parquet, texts, trackers
from benchmarks.export.refusing import ExportError
from benchmarks.results import keys, rows_of

HERE = Path(__file__).parent
FORMATS = ("csv", "parquet", "markdown", "github-action", "bencher")
RATE = {keys.QUERIES_PER_SECOND: {"value": 100.0, "starts": 3, "low": 90.0, "high": 110.0}}


def schema(name):
    return json.loads((HERE / name).read_text())


def rows(*benchmarks, file="a.json", **about):
    return rows_of([run(Path(file), *benchmarks, **about)])


def table(of_rows):
    return [*csv.DictReader(io.StringIO(texts.csv_text(of_rows)))]


def export(*arguments):
    return command.run(command.parser().parse_args([*map(str, arguments)]))


# What moved, and what holds still


def equal_runs():
    """Return three runs of one version: its p10 is the same within 2 %, and the machine stopped it ever more often."""
    return [
        rows(benchmark(of_starts=[[1 / rate] * 8 + [stopped] * 2] * 5), file=f"{rate}.json")
        for rate, stopped in ((917, 0.0050), (926, 0.0181), (935, 0.0232))
    ]


def test_three_equal_runs_are_alike_where_operations_a_second_tell_of_a_third():
    told = {"ops": [], "github": [], "bencher": []}
    for of_run in equal_runs():
        told["ops"].append(of_run[0].result.stats["ops"])
        told["github"].append(json.loads(trackers.github_action(of_run))[0]["value"])
        (measures,) = json.loads(trackers.bencher(of_run)).values()
        told["bencher"].append(measures["latency"]["value"])
    moves = {name: max(values) / min(values) for name, values in told.items()}
    assert moves["ops"] > 2.9
    assert moves["github"] == pytest.approx(moves["bencher"])
    assert moves["github"] < 1.02


# Trackers


def many():
    return rows(
        benchmark(),
        benchmark(platform="chromium-wasm", of_starts=0.005, **ratio(5.0)),
        benchmark(platform="few-starts", of_starts=[[0.002]]),
        benchmark(platform="weak@4x", **{keys.SLOWDOWN: {"asked": 4}, keys.STATISTIC: "mean"}),
        benchmark(platform="doubted", **doubtful()),
        benchmark(phase="server", **RATE),
    )


def test_github_action_benchmark_reads_it():
    entries = json.loads(trackers.github_action(many()))
    jsonschema.validate(entries, schema("github-action-benchmark.json"))
    by_name = {entry["name"]: entry for entry in entries}
    assert len(by_name) == len(entries) == 7
    time = by_name["intel-xeon-model-6.167-2-cores/latency[resnet20-chromium-wasm-b1] p10"]
    assert (time["unit"], time["value"]) == ("ms", pytest.approx(5.0, rel=0.01))
    assert re.fullmatch(r"[\d.]+ to [\d.]+ ms \(95 %\)", time["range"])
    in_turns = by_name["intel-xeon-model-6.167-2-cores/latency[resnet20-chromium-wasm-b1] ratio to server-cpu"]
    assert (in_turns["unit"], in_turns["value"], in_turns["range"]) == ("×", 5.0, "4.90 to 5.10 × (95 %)")


def test_bencher_reads_it():
    content = json.loads(trackers.bencher(many()))
    jsonschema.validate(content, schema("bencher.json"))
    measures = content["intel-xeon-model-6.167-2-cores/latency[resnet20-chromium-wasm-b1] p10"]
    assert measures["latency"]["value"] == pytest.approx(5e6, rel=0.01)  # nanoseconds
    assert measures["latency"]["lower_value"] < measures["latency"]["value"] < measures["latency"]["upper_value"]
    assert measures["ratio-to-server-cpu"] == {"value": 5.0, "lower_value": 4.9, "upper_value": 5.1}
    loaded = content["intel-xeon-model-6.167-2-cores/server[resnet20-server-cpu-b1] p10"]
    assert loaded["throughput"] == {"value": 100.0, "lower_value": 90.0, "upper_value": 110.0}


@pytest.mark.parametrize("name", ["github-action-benchmark.json", "bencher.json"])
def test_the_schemas_refuse_what_the_tools_do(name):
    jsonschema.validators.validator_for(schema(name)).check_schema(schema(name))
    for wrong in ([], {}, [{"name": "a", "value": "1", "unit": "ms"}], {"a": {"latency": {"lower_value": 1}}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema(name))


def test_a_doubt_is_told_and_the_name_stays():
    (doubted,), (sound,) = (
        json.loads(trackers.github_action(rows(one))) for one in (benchmark(**doubtful()), benchmark())
    )
    assert doubted["name"] == sound["name"]
    (heavy,) = json.loads(trackers.github_action(rows(benchmark(**{keys.OVER_BUDGET: True}))))
    assert heavy["name"] == sound["name"]
    assert "over budget" in heavy["extra"]
    assert "(!) in doubt: drifted by -41%" in doubted["extra"]
    counts = [measures["doubts"]["value"] for measures in json.loads(trackers.bencher(many())).values()]
    assert counts == [0, 0, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("info", "sign"),
    [
        ({keys.UNTRAINED: True}, "(untrained)"),
        ({keys.SOFTWARE_GPU: True}, "(software GPU)"),
        ({keys.SLOWDOWN: {"asked": 4}}, "(emulated)"),
        ({keys.MAY_STEER: ["sr"]}, "(made up)"),
        ({keys.STAND_IN: True}, "(stand-in)"),
    ],
)
def test_what_a_figure_is_of_stands_in_its_name(info, sign):
    one = rows(benchmark(**info))
    assert sign in json.loads(trackers.github_action(one))[0]["name"]
    assert all(sign in name for name in json.loads(trackers.bencher(one)))


def test_of_a_weak_client_the_mean_is_kept_as_p10_does_not_see_its_stops():
    weak = benchmark(of_starts=[[0.001] * 9 + [0.011]] * 5, **{keys.STATISTIC: "mean", keys.SLOWDOWN: {"asked": 4}})
    (entry,) = json.loads(trackers.github_action(rows(weak)))
    assert (entry["name"].endswith(" mean"), entry["value"]) == (True, pytest.approx(2.0))


def test_a_name_stays_whatever_is_exported_beside_it():
    alone = rows(benchmark())
    other = {"cpu": {"brand_raw": "Intel(R) Xeon(R) Processor", "family": 6, "model": 207}}
    both = rows_of([run(Path("a.json"), benchmark()), run(Path("b.json"), benchmark(), **other)])
    assert alone[0].machine != both[0].machine
    assert trackers.name(alone[0]) == trackers.name(both[0]) != trackers.name(both[1])


def of_browser(version, serving=SERVING):
    (row,) = rows(benchmark(platform="firefox-wasm", **ratio(4.0)), **of_device(about(version=version), serving))
    return row


def test_a_browsers_name_stays_as_it_is_renewed_and_has_who_served_it():
    epyc = {**SERVING, "cpu": {"brand_raw": "AMD EPYC"}, "cores_usable": 64}
    name = "firefox-2-cores-loopback served by intel-xeon-model-6.167-2-cores/latency[resnet20-firefox-wasm-b1]"
    assert [trackers.name(of_browser(version)) for version in ("153.0", "154.1")] == [name, name]
    extra = json.loads(trackers.github_action([of_browser("154.1")]))[0]["extra"]
    assert extra.startswith("machine: Firefox 154, 2 cores, loopback\nserved by: Intel Xeon, 2 cores\n")
    assert "| `Firefox 154, 2 cores, loopback` served by `Intel Xeon, 2 cores` |" in texts.markdown(
        [of_browser("154.1")]
    )
    elsewhere = trackers.name(of_browser("153.0", epyc))
    assert elsewhere.startswith("firefox-2-cores-loopback served by amd-epyc-64-cores/")
    (record,) = columns.records([of_browser("153.0", epyc)])
    assert (record["served_by"], record["served_by_id"]) == ("AMD EPYC, 64 cores", "amd-epyc-64-cores")


def test_of_a_load_that_was_found_the_rate_is_kept_and_no_latency_under_it():
    (loaded,) = rows(benchmark(phase="server", **RATE, **{keys.P99_BOUND: 0.02}))
    (entry,) = json.loads(trackers.github_action([loaded]))
    assert (entry["value"], entry["range"]) == (10.0, "9.09 to 11.1 ms (95 %)")
    assert entry["name"].endswith("server[resnet20-server-cpu-b1] time for a query")
    ((name, measures),) = json.loads(trackers.bencher([loaded])).items()
    assert (name, measures.keys()) == (entry["name"], {"throughput", "doubts"})
    (unfound,) = rows(benchmark(phase="server", **{keys.P99_BOUND: 0.02}))
    with pytest.raises(ExportError, match="its rate is nan"):
        trackers.github_action([unfound])


@pytest.mark.parametrize("tracker", [trackers.github_action, trackers.bencher])
def test_the_same_benchmark_twice_is_refused_for_trackers_and_two_rows_elsewhere(tracker):
    twice = rows_of([run(Path(name), benchmark()) for name in ("a.json", "b.json")])
    with pytest.raises(ExportError, match=r"there twice.* one run of a machine at a time"):
        tracker(twice)
    assert [row["file"] for row in table(twice)] == ["a.json", "b.json"]


@pytest.mark.parametrize("tracker", [trackers.github_action, trackers.bencher])
def test_what_is_no_time_is_refused_for_trackers(tracker):
    damaged = benchmark(**{keys.FIGURES: {"p10": {"value": math.nan, "starts": 5}}})
    with pytest.raises(ExportError, match="its p10 is nan"):
        tracker(rows(damaged))


def test_an_end_that_no_nanoseconds_hold_is_left_out():
    huge = benchmark()
    huge["extra_info"][keys.FIGURES]["p10"]["high"] = 1e308
    (told,) = json.loads(trackers.bencher(rows(huge))).values()
    assert "upper_value" not in told["latency"]
    assert "lower_value" in told["latency"]


def test_a_name_too_long_for_bencher_is_refused():
    with pytest.raises(ExportError, match="1024 letters"):
        trackers.bencher(rows(benchmark(model="m" * 1024)))


def test_no_name_of_a_model_breaks_a_trackers_table():
    names = [entry["name"] for entry in json.loads(trackers.github_action(rows(benchmark(model="a|b`<img>\n"))))]
    assert not [name for name in names if re.search(r"[|`<>\n]", name)]


# Rows


def test_the_columns_are_told_with_their_meaning_by_the_command_and_in_parquet(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        command.parser().parse_args(["--columns"])
    told = capsys.readouterr().out.splitlines()
    names = [column.name for column in columns.COLUMNS]
    assert ended.value.code is None
    assert [line.split()[0] for line in told] == names == list(table(rows(benchmark()))[0])
    meanings = {
        field.name: field.metadata[b"meaning"].decode() for field in parquet.rows_table(rows(benchmark())).schema
    }
    assert all(line.endswith(meanings[name]) and meanings[name] for line, name in zip(told, names, strict=True))


def test_a_row_has_its_figures_in_the_units_of_the_columns_names():
    one = benchmark(platform="chromium-wasm", of_starts=0.005, batch=8, **ratio(5.0), **doubtful("drifted; a lot"))
    (found,) = table(rows(one))
    assert (found["model"], found["platform"], found["batch_size"]) == ("resnet20", "chromium-wasm", "8")
    assert (found["machine"], found["machine_id"]) == ("Intel Xeon, 2 cores", "intel-xeon-model-6.167-2-cores")
    assert float(found["p10_s"]) == pytest.approx(0.005, rel=0.01)
    assert float(found["headline_low_s"]) < float(found["median_s"]) < float(found["headline_high_s"])
    assert (found["ratio"], found["ratio_low"], found["ratio_high"]) == ("5.0", "4.9", "5.1")
    assert (found["marks"], found["doubts"]) == ("(!)", "drifted; a lot")
    assert (found["caches"], found["top1_percent"], found["slowdown"]) == ("", "", "")


def test_energy_of_each_counter_and_memory_against_its_budget_are_not_lost():
    told = {"joules_per_inference": {"rapl package-0": 0.0125, "nvml gpu 0": 0.5}}
    told |= {keys.TAKEN: 3 * 10**8, keys.MEMORY_BUDGET: 2 * 10**8, keys.OVER_BUDGET: True}
    (record,) = columns.records(rows(benchmark(**told)))
    assert record["joules_per_inference"] == "rapl package-0 0.0125, nvml gpu 0 0.5"
    assert (record["memory_over_start_bytes"], record["memory_budget_bytes"]) == (300_000_000, 200_000_000)
    assert record["marks"] == "over budget"


def test_what_is_no_number_is_empty():
    damaged = benchmark(**{keys.FIGURES: {"p10": {"value": math.nan, "starts": 5}}, keys.THREADS: None})
    assert "nan" not in texts.csv_text(rows(damaged)).lower()


@pytest.mark.parametrize("first", "=+-@＝＋－＠")
def test_no_cell_is_a_formula(first):
    (found,) = table(rows(benchmark(model=f"{first}cmd|'/c calc'!A0")))
    assert found["model"].startswith(f"'{first}")


@pytest.mark.parametrize("kind", FORMATS)
def test_halves_of_characters_and_controls_are_written_escaped(tmp_path, kind):
    file, out = save(tmp_path / "a.json", benchmark(model="\t=a\ud800\x1b[2J\nb")), tmp_path / "out"
    export("--format", kind, file, "--out", out, "--samples", tmp_path / "samples")
    text = str(arrow.read_table(out).to_pylist()) if kind == "parquet" else out.read_text()
    assert not re.search("[\t\x1b\ud800]", text)
    assert "=a" in text
    (names,) = {row["benchmark"] for row in arrow.read_table(tmp_path / "samples").to_pylist()}
    assert r"[\t=a\ud800\x1b[2J\nb-server-cpu-b1]" in names


def test_a_table_in_markdown_holds_what_a_name_may_contain():
    text = texts.markdown(rows(benchmark(model="a|b``c<img>@me", **doubtful("*odd* <b> @you | #1"))))
    head, line, row = text.splitlines()[:3]
    assert len({len(re.findall(r"(?<!\\)\|", each)) for each in (head, line, row)}) == 1
    assert r"``` test_latency[a\|b``c<img>@me-server-cpu-b1] ```" in row
    prose = text.partition("\n\n")[2]
    assert not re.search(r"[*<>@|]", prose)
    assert "(!)" in row


def test_a_long_time_is_told_without_an_exponent():
    slow = rows(benchmark(phase="load", of_starts=12.5))
    (entry,) = json.loads(trackers.github_action(slow))
    for text in (texts.markdown(slow), entry["range"]):
        assert re.search(r"12,\d{3} to 12,\d{3}", text)
        assert "e+" not in text


# Parquet


def test_rows_as_parquet_have_numbers_as_numbers(tmp_path):
    export("--format", "parquet", save(tmp_path / "a.json", benchmark(**ratio(5.0))), "--out", tmp_path / "a.parquet")
    (found,) = arrow.read_table(tmp_path / "a.parquet").to_pylist()
    assert list(found) == [column.name for column in columns.COLUMNS]
    assert (found["batch_size"], found["ratio"], found["caches"]) == (1, 5.0, None)


def test_every_sample_has_its_start_block_and_place(tmp_path):
    one = benchmark(of_starts=[[0.1, 0.2, 0.3], [0.4]], **{keys.STARTS: [[2, 1], [1]]}, iterations=2)
    file = save(tmp_path / "a.json", one)
    export("--format", "csv", file, "--out", tmp_path / "a.csv", "--samples", tmp_path / "s.parquet")
    found = arrow.read_table(tmp_path / "s.parquet").to_pylist()
    places = [(row["start"], row["block"], row["index"], row["seconds"], row["iterations"]) for row in found]
    assert places == [(0, 0, 0, 0.1, 2), (0, 0, 1, 0.2, 2), (0, 1, 0, 0.3, 2), (1, 0, 0, 0.4, 2)]
    assert {row["benchmark"] for row in found} == {"benchmarks/test_latency.py::test_latency[resnet20-server-cpu-b1]"}


def test_samples_that_the_starts_do_not_account_for_are_not_lost_in_silence():
    with pytest.raises(ExportError, match="5 samples, and its starts tell of 3"):
        parquet.samples_table(rows(benchmark(of_starts=[[0.1] * 5], **{keys.STARTS: [[3]]})))


def test_without_pyarrow_there_is_a_line_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ExportError, match="Parquet needs pyarrow; tox run -e export has it"):
        parquet.rows_table(rows(benchmark()))


# What is refused


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({"exit_status": keys.KILLED}, "killed"),
        ({"exit_status": 1}, "interrupted, failed"),
        ({"exit_status": 2}, "interrupted, failed"),
    ],
)
def test_a_run_that_is_not_whole_is_refused_by_name_and_nothing_is_written(tmp_path, kind, about, why):
    files = [save(tmp_path / "whole.json", benchmark()), save(tmp_path / "cut.json", benchmark(), **about)]
    samples = tmp_path / "samples.parquet"
    with pytest.raises(ExportError, match=rf"cut\.json: its run is not whole: {why}"):
        export("--format", kind, *files, "--out", tmp_path / "out", "--samples", samples)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.json", "whole.json"]


def test_a_run_without_benchmarks_and_a_file_without_a_run_are_refused(tmp_path):
    (tmp_path / "none.json").write_text("[]")
    for file, why in (
        (save(tmp_path / "empty.json"), "holds no benchmark"),
        (tmp_path / "none.json", "no run of this"),
    ):
        with pytest.raises(ExportError, match=why):
            export("--format", "csv", file)


def test_runs_that_are_not_whole_are_left_out_where_that_is_asked_and_told(tmp_path, capsys):
    whole, cut = save(tmp_path / "a.json", benchmark()), save(tmp_path / "b.json", benchmark(), exit_status=2)
    absent, out = tmp_path / "c_|.json", tmp_path / "out.md"
    words = ["--format", "markdown", "--skip-refused", "--out", out]
    assert export(*words, whole) == 0
    assert "not in the table" not in out.read_text()
    assert export(*words, whole, cut, absent) == 1
    *_, first, second = out.read_text().splitlines()
    assert re.match("- not in the table: .*/c&#95;&#124;[.]json&#58; there is no such file", first)
    assert re.match("- not in the table: .*/b[.]json&#58; its run is not whole", second)
    assert capsys.readouterr().err.count("refused  ") == 2
    with pytest.raises(ExportError, match=r"c_.*; .*b\.json"):
        export(*words, cut, absent)
    with pytest.raises(ExportError, match=r"c_.*; 1 more refused$"):
        export("--format", "csv", cut, absent)
    with pytest.raises(ExportError, match=r"c_.*: there is no such file; --skip-refused leaves out what is$"):
        export("--format", "csv", whole, absent)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    ("info", "why"),
    [
        ({f"{keys.RATIO_TO}server_cpu": {"value": 1.0}}, "damaged: TypeError"),
        *(({keys.FIGURES: {"p10": {"value": value, "starts": 5}}}, "its p10 is") for value in (0.0, -1.0, math.nan)),
    ],
)
def test_a_run_of_which_a_benchmark_is_no_result_is_refused(tmp_path, kind, info, why):
    file = save(tmp_path / "a.json", benchmark(), benchmark(platform="damaged", **info))
    with pytest.raises(ExportError, match=rf"damaged-b1]: {why}"):
        export("--format", kind, file, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_is_all_runs_in_it_each_once(tmp_path):
    (tmp_path / "deep").mkdir()
    first = save(tmp_path / "a.json", benchmark())
    save(tmp_path / "deep" / "b.json", benchmark(of_starts=0.002))
    (tmp_path / "copy.json").write_bytes(first.read_bytes())
    export("--format", "csv", tmp_path, first, "--out", tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(newline="") as text:
        assert [Path(row["file"]).name for row in csv.DictReader(text)] == ["a.json", "b.json"]


@pytest.mark.parametrize("kind", ["github-action", "bencher"])
def test_a_plain_file_is_rows_with_a_mark_and_nothing_for_trackers(tmp_path, capsys, kind):
    file = save(tmp_path / "plain.json", benchmark(), exit_status=None)
    export("--format", "csv", file)
    assert "not this suite's" in capsys.readouterr().out
    with pytest.raises(ExportError, match="nothing tells what was measured"):
        export("--format", kind, file)


# The command


def test_what_is_doubtful_is_counted_and_left_out_where_that_is_asked(tmp_path, capsys):
    file = save(tmp_path / "a.json", benchmark(), benchmark(platform="doubted", **doubtful()))
    export("--format", "csv", file)
    told = capsys.readouterr()
    assert ("doubted" in told.out, "1 of 2 benchmarks in doubt: exported with" in told.err) == (True, True)
    export("--format", "csv", file, "--skip-doubtful")
    told = capsys.readouterr()
    assert ("doubted" in told.out, "1 of 2 benchmarks in doubt: left out" in told.err) == (False, True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--format", "parquet"], 2, "needs --out"),
        (["--format", "csv", "--out", "a", "--samples", "../{here}/a"], 2, "name one file"),
        (["--format", "csv", "--out", "absent/a.csv"], 1, "absent/a.csv cannot be written: there is no folder absent"),
    ],
)
def test_what_cannot_be_written_is_told_in_a_line(tmp_path, monkeypatch, capsys, arguments, code, words):
    monkeypatch.chdir(tmp_path)
    words_given = [str(save(tmp_path / "a.json", benchmark())), *(one.format(here=tmp_path.name) for one in arguments)]
    monkeypatch.setattr(sys, "argv", ["export", *words_given])
    with pytest.raises(SystemExit) as ended:
        command.main()
    told = f"{ended.value.code}{capsys.readouterr().err}"
    assert words in told
    assert ended.value.code == code or isinstance(ended.value.code, str)  # Python prints that, and ends with 1


@pytest.mark.parametrize("option", ["--out", "--samples"])
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a.json", "one of the files that are read"),
        ("./folder/../a.json", "one of the files that are read"),
        ("earlier.json", "a saved run"),
        ("folder", "a folder"),
        ("pipe", "no file, but a pipe or a device"),
    ],
)
def test_what_was_measured_is_never_written_over_and_no_device_replaced(tmp_path, monkeypatch, option, name, why):
    monkeypatch.chdir(tmp_path)
    files = [save(tmp_path / "a.json", benchmark()), save(tmp_path / "earlier.json", benchmark())]
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    before = [file.read_bytes() for file in files]
    with pytest.raises(ExportError, match=f"{re.escape(str(Path(name)))} cannot be written: it is {why}; name another"):
        export("--format", "csv", "a.json", option, name)
    assert [file.read_bytes() for file in files] == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "earlier.json", "folder", "pipe"]


def test_an_earlier_export_is_written_anew(tmp_path):
    file, out = save(tmp_path / "a.json", benchmark()), tmp_path / "out"
    for kind in FORMATS:
        export("--format", kind, file, "--out", out)
    assert len(json.loads(out.read_text())) == 1


def test_a_tilde_behind_an_equals_sign_is_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    save(tmp_path / "a.json", benchmark())
    export("--format", "csv", "~/a.json", "--out=~/a.csv", "--samples=~/a.parquet")
    assert {path.name for path in tmp_path.iterdir()} == {"a.json", "a.csv", "a.parquet"}


@pytest.mark.parametrize("words", [["export", "--format", "csv"], ["compare"]])
def test_stopped_it_ends_in_a_line(monkeypatch, capsys, words):
    program = {"export": command, "compare": comparing}[words[0]]
    monkeypatch.setattr(sys, "argv", [*words, "a.json", "b.json"])
    monkeypatch.setattr(program, "read", stop)
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err.startswith(f"{words[0]}: stopped")


def stop(*_):
    raise KeyboardInterrupt


class Full(io.StringIO):
    """A screen, or a file in its place, on which no more fits."""

    def write(self, _):
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("screen", "ended_with"), [(None, 0), (Full(), "export: the screen: No space left on device; ")]
)
def test_a_screen_that_is_closed_or_full_gives_no_traceback(tmp_path, monkeypatch, screen, ended_with):
    monkeypatch.setattr(sys, "argv", ["export", "--format", "csv", str(save(tmp_path / "a.json", benchmark()))])
    monkeypatch.setattr(sys, "stdout", screen)
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert str(ended.value.code).startswith(str(ended_with))


def test_what_else_the_suite_saved_is_not_written_over(tmp_path):
    file, fleet = save(tmp_path / "a.json", benchmark()), tmp_path / "fleet.json"
    fleet.write_text('{"fleet_schema": 1}')
    with pytest.raises(ExportError, match="cannot be written: the suite saved it"):
        export("--format", "csv", file, "--out", fleet)
