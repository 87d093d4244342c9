"""Saved runs side by side: what is shown is what they say, and what sets them apart is told."""

import math
import re
import sys
from pathlib import Path

import pytest
from made_up_runs import SERVING, about, benchmark, doubtful, of_device, ratio, run, save, starts

from benchmarks.compare import __main__ as command
from benchmarks.compare.lines import lines_of
from benchmarks.compare.ratio import of_independent
from benchmarks.compare.sides import UsageError, reference, sides_of
from benchmarks.compare.told import DEVICE
from benchmarks.measuring.drift import Drift
from benchmarks.measuring.starts import Figure, figure
from benchmarks.results import keys
from benchmarks.results.reading import read

GPU = {"gpus": [{"name": "NVIDIA H200"}], "cores_usable": 16}


def compared(*runs, options=(), width=120):
    """Return the whole text of runs that were read."""
    sides = sides_of(runs)
    asked = command.parser().parse_args(["any.json", *options])
    base = reference(sides, asked.reference)
    return "\n".join(command.text(lines_of(sides, base), sides, base, asked, width))


def row(text, name):
    """Return the cells of that row of the first table, without the name."""
    return next(line for line in text.splitlines() if line.startswith(f"{name} ")).removeprefix(name).split("  ")


def cells(text, name):
    return [cell.strip() for cell in row(text, name) if cell.strip()]


def two(first, second, **about):
    return [run(Path("first.json"), *first), run(Path("second.json"), *second, **about)]


# The ratio of independent runs


def test_the_interval_is_made_of_both_sides_own():
    ours, theirs = Figure(2.0, 5, 1.8, 2.5), Figure(1.0, 5, 0.9, 1.2)
    found = of_independent(ours, theirs)
    assert found.value == 2.0
    assert found.low == pytest.approx(2 * math.exp(-math.hypot(math.log(2 / 1.8), math.log(1.2))))
    assert found.high == pytest.approx(2 * math.exp(math.hypot(math.log(2.5 / 2), math.log(1 / 0.9))))


def test_of_a_figure_without_an_interval_the_ratio_has_none():
    found = of_independent(Figure(2.0, 1), Figure(1.0, 5, 0.9, 1.2))
    assert (found.value, found.low, found.high) == (2.0, None, None)


@pytest.mark.parametrize("no_time", [0.0, math.nan, math.inf, -1.0])
def test_what_is_no_time_has_no_ratio(no_time):
    assert of_independent(Figure(no_time, 1), Figure(1.0, 1)) is None
    assert of_independent(Figure(1.0, 1), Figure(no_time, 1)) is None


def test_the_interval_holds_the_ratio_of_independent_runs_as_often_as_it_says():
    import numpy as np

    lots = np.random.default_rng(16)
    held = 0
    for _ in range(400):
        found = of_independent(*(figure([*np.exp(lots.normal(0, 0.05, 5))]) for _ in range(2)))
        held += found.low <= 1 <= found.high
    assert 0.92 < held / 400 <= 1


@pytest.mark.parametrize("end", [0.0, math.nan, math.inf, -1.0])
def test_an_interval_that_is_none_is_left_out_and_breaks_no_table(end):
    assert of_independent(Figure(2.0, 5, end, 2.5), Figure(1.0, 5, 0.9, 1.2)).low is None
    damaged = ratio(2.0)
    damaged[f"{keys.RATIO_TO}server_cpu"]["low"] = end
    found = cells(compared(*two([benchmark(**damaged)], [benchmark()])), "server-cpu-b1")
    assert any(cell.startswith("2.00 (") for cell in found)


def test_a_figure_whose_end_is_no_number_is_left_out_of_its_run(tmp_path):
    damaged = benchmark()
    damaged["extra_info"][keys.FIGURES]["median"]["low"] = "x"
    found = read([save(tmp_path / "bad.json", damaged, benchmark(platform="good"))])
    assert [one.name for one in found.runs[0].results] == ["test_latency[resnet20-good-b1]"]
    assert 'its median is "x", no time' in found.refused[0].why
    damaged["extra_info"].update({keys.FIGURES: {}, keys.STARTS_WANTED: math.inf})
    assert "OverflowError" in read([save(tmp_path / "bad.json", damaged)]).refused[0].why


# Columns


def test_columns_stand_in_the_order_given_and_ratios_are_to_the_first():
    runs = two([benchmark(of_starts=0.002)], [benchmark(of_starts=0.001)], **GPU)
    found = cells(compared(*runs), "server-cpu-b1")
    assert found[:2] == ["2.00", "1.00"]
    assert found[2].startswith("0.500 (0.4")


def test_the_reference_is_named_by_machine_file_or_letter():
    sides = sides_of(two([benchmark()], [benchmark()], **GPU))
    for wanted in ("B", "second", "second.json", "h200"):
        assert reference(sides, wanted).letter == "B"
    for wanted, words in (("Xeon", "that is A .* B"), ("third", "no such run")):
        with pytest.raises(UsageError, match=words):
            reference(sides, wanted)


def test_runs_of_machines_of_one_name_are_called_after_their_files():
    assert [side.title for side in sides_of(two([benchmark()], [benchmark()]))] == ["first", "second"]
    assert [side.title for side in sides_of(two([benchmark()], [benchmark()], **GPU))][1] == "NVIDIA H200, 16 cores"


def test_the_ratio_to_server_cpu_of_each_run_stands_beside():
    runs = two([benchmark(platform="a", **ratio(5.0))], [benchmark(platform="a", **ratio(4.0))])
    text = compared(*runs)
    assert "5.00 (4.90 to 5.10)" in text
    assert "4.00 (3.92 to 4.08)" in text


def test_samples_of_rows_are_made_alike_and_their_interval_still_knows_of_the_machine():
    seen = Drift(0.05, 0.06, 20).to_json()
    pairs = [[seconds, seconds * 1.5] * 20 for seconds in (0.001, 0.00101, 0.00099, 0.00102, 0.00098)]
    means = [[1.25 * start[0]] * 20 for start in pairs]
    single = benchmark(of_starts=pairs, **{keys.DRIFT: seen})
    rows = benchmark(of_starts=means, iterations=2)
    text = compared(*two([single], [rows]))
    assert cells(text, "server-cpu-b1")[:2] == ["1.25", "1.25"]
    assert "A: samples of 1 benchmark are means of neighbours" in text
    assert "the mean of several inferences, and percentiles are of such means: server-cpu-b1" in " ".join(text.split())
    (line,) = lines_of(sides := sides_of(two([single], [rows])), sides[0])
    assert line.rows["A"].figure.margin > 0.09 > line.rows["B"].figure.margin


# What is missing, and what differs


def test_what_one_side_lacks_is_a_dash_and_told_with_the_side_and_the_number():
    text = compared(*two([benchmark(), benchmark(platform="server-cuda")], [benchmark()]))
    assert cells(text, "server-cuda-b1")[1:] == ["–", "–"]
    assert "B lacks 1 of 2 benchmarks: server-cuda-b1" in text
    assert "A lacks" not in text


def test_a_kind_of_difference_is_told_once_and_marked_in_each_cell():
    names = ("a", "b", "c")
    others = [benchmark(platform=name, **{keys.MODEL_SHA256: "e" * 64, keys.THREADS: 2}) for name in names]
    text = compared(*two([benchmark(platform=name) for name in names], others))
    assert text.count("model's SHA-256: 98c538b6c1ff | eeeeeeeeeeee, of 3 benchmarks") == 1
    assert text.count("threads: 1 | 2, of 3 benchmarks") == 1
    for name in names:
        assert cells(text, f"{name}-b1")[1].endswith("≠")
    assert "not the same measurement" in text


def test_what_is_alike_has_no_mark():
    assert "≠" not in compared(*two([benchmark()], [benchmark()]))


def test_that_machines_and_versions_differ_is_told_in_a_line_each():
    first = run(Path("a.json"), benchmark(), versions={"onnxruntime": "1.31.1"})
    second = run(Path("b.json"), benchmark(), versions={"onnxruntime": "1.32.0"}, **GPU)
    text = compared(first, second)
    assert "usable cores 2 | 16, GPUs none | NVIDIA H200" in text
    assert "onnxruntime 1.31.1 | 1.32.0" in text


def test_what_a_system_does_not_tell_is_told():
    unknown = {"stolen": "what a host took", "threads": "how many threads computed"}
    text = compared(*two([benchmark()], [benchmark(**{keys.TRUST: {keys.DOUBTS: {}, keys.UNKNOWN: unknown}})]))
    assert re.findall("^unknown +(.+)", text, re.MULTILINE) == ["B: what a host took; how many threads computed"]


def test_one_run_twice_is_told_and_two_of_one_moment_are_not_one():
    same, other = run(Path("a.json"), benchmark()), run(Path("b.json"), benchmark(of_starts=0.002))
    assert "A and B are one and the same run" in compared(same, same)
    assert "the same run" not in compared(same, other)


def test_devices_served_by_other_machines_are_told_by_both():
    epyc = {**SERVING, "cpu": {"brand_raw": "AMD EPYC"}, "cores_usable": 64}
    served = [
        run(Path(f"{at}.json"), benchmark(**ratio(4.0)), **of_device(serving=on))
        for at, on in ((1, SERVING), (2, epyc))
    ]
    text = compared(*served)
    assert "Firefox 153, 2 cores, loopback, served by AMD EPYC, 64 cores" in " ".join(text.split())
    assert re.search(r"^served by A \| B: usable cores 2 \| 64, processor Intel.* \| AMD EPYC", text, re.MULTILINE)


def test_a_device_beside_a_machine_is_told_to_be_one_and_not_by_what_machines_do_not_tell():
    text = compared(*two([benchmark()], [benchmark()], **of_device()))
    assert re.findall("^machine +(.+)", text, re.MULTILINE) == [f"A | B: a machine | {DEVICE}"]
    assert "browser not told" not in text


def test_a_platform_that_went_another_way_is_told():
    built = [
        benchmark(**{keys.DETAILS: {"build": build, "load_parts": {"runtime": at}}}) for at, build in enumerate("xy")
    ]
    text = compared(*two(*([one] for one in built)))
    assert re.findall("^way +(.+)", text, re.MULTILINE) == ["A | B: build: x | y, of 1 benchmark"]
    assert "≠" not in text


def test_latencies_under_another_load_are_another_measurement():
    def loaded(rate):
        told = {"value": rate, "starts": 5, "low": rate, "high": rate * 1.1}
        return [benchmark(phase="server", **{keys.P99_BOUND: 0.02, keys.QUERIES_PER_SECOND: told})]

    text = compared(*two(loaded(2903.0), loaded(366.0)))
    assert "≠         A | B: queries a second meanwhile: 2,903 | 366, of 1 benchmark" in text
    assert cells(text, "server-cpu-b1")[2].endswith("≠")
    assert "366 (366 to 403)" in text


@pytest.mark.parametrize(
    ("phase", "told", "head", "cell"),
    [
        ("accuracy", {keys.TOP1: 69.61}, "right, %", "69.61 (!)"),
        ("memory", {keys.TAKEN: 250_000_000}, "memory, MB", "250 (!)"),
        ("memory", {f"{keys.MEMORY}before": 50_000_000, f"{keys.MEMORY}peak": 300_000_000}, "memory, MB", "250 (!)"),
        (
            "blocking",
            {keys.LONGEST_TASK: {"value": 0.05, "starts": 3, "low": 0.04, "high": 0.06}},
            "frozen, ms",
            "50.0 (40.0 to 60.0) (!)",
        ),
    ],
)
def test_what_a_phase_measures_beside_times_stands_there_and_nowhere_else(phase, told, head, cell):
    both = [benchmark(), benchmark(phase=phase, **told, **doubtful())]
    text = compared(*two(both, both))
    _, latency, of_phase = re.split("^resnet20: ", text, flags=re.MULTILINE)
    assert head not in latency
    assert head in of_phase
    assert of_phase.count(cell) == 2
    assert head not in compared(*two([benchmark(**{keys.TOP1: 69.61})], [benchmark()]))


def test_what_is_missing_is_told_by_phase_where_there_are_several():
    text = compared(*two([benchmark(), benchmark(phase="first_inference")], [benchmark(phase="first_inference")]))
    assert "B lacks 1 of 2 benchmarks: latency server-cpu-b1" in text


def test_doubts_of_a_kind_are_told_with_the_range_of_their_numbers():
    text = compared(*two([benchmark(**doubtful("drifted by +9%"))], [benchmark(**doubtful("drifted by +1,147%"))]))
    assert "(!)       in doubt: drifted by +9% to +1,147% (A: 1, B: 1)" in text


def test_samples_that_cannot_be_made_alike_are_another_measurement():
    without = benchmark()
    del without["stats"]["data"]
    text = compared(*two([without], [benchmark(iterations=4)]))
    assert "inferences in a sample: 1 | 4" in text


# Marks


@pytest.mark.parametrize(
    ("info", "brief", "words"),
    [
        (doubtful(), "(!)", "drifted by -41%"),
        ({keys.UNTRAINED: True}, "[u]", "nobody trained"),
        ({keys.SOFTWARE_GPU: True}, "[s]", "no GPU's speed"),
        ({keys.SLOWDOWN: {"asked": 4}}, "[e]", "4 times weaker"),
    ],
)
def test_marks_stay_at_figures_and_ratios_and_are_explained_once(info, brief, words):
    runs = two([benchmark(**info, **ratio(5.0))], [benchmark(**info, **ratio(5.0))])
    text = compared(*runs)
    assert all(brief in cell for cell in cells(text, "server-cpu-b1"))
    assert text.count(words) == 1


def test_a_run_that_is_not_whole_is_shown_with_its_mark():
    text = compared(*two([benchmark()], [benchmark()], exit_status=keys.KILLED))
    assert "B [w] ÷ A" in text
    assert "killed before it was saved" in text
    killed = run(Path("a.json"), benchmark(), exit_status=keys.KILLED)
    assert "B ÷ A [w]" in compared(killed, run(Path("b.json"), benchmark()))


def test_a_plain_file_is_shown_as_far_as_it_goes():
    plain = {"name": "test_sort", "fullname": "test_a.py::test_sort", "stats": {"data": [0.001, 0.002]}, "options": {}}
    runs = [run(Path(name), plain, exit_status=None) for name in ("a.json", "b.json")]
    text = compared(*runs)
    assert cells(text, "test_sort")[2] == "1.00"
    assert "A [p]" in text


def test_what_a_terminal_would_obey_is_escaped():
    hostile = benchmark(model="\x1b[2J\u202eevil")
    text = compared(*two([hostile], [hostile]))
    assert "\x1b" not in text
    assert "\u202e" not in text


# Order and width


def test_rows_are_sorted_in_each_model():
    slow, fast = benchmark(platform="a", of_starts=0.002), benchmark(platform="b", of_starts=0.001)
    runs = two([slow, fast], [slow, benchmark(platform="b", of_starts=0.005)])

    def order(*options):
        return [
            line.split()[0]
            for line in compared(*runs, options=options).splitlines()
            if line[:1] in "ab" and "-b1" in line
        ]

    assert order()[:2] == ["a-b1", "b-b1"]
    assert order("--sort", "median")[:2] == ["b-b1", "a-b1"]
    assert order("--sort", "p10")[:2] == ["b-b1", "a-b1"]
    assert order("--sort", "ratio")[:2] == ["b-b1", "a-b1"]
    assert order("--sort", "name")[:2] == ["a-b1", "b-b1"]


def test_columns_are_chosen():
    text = compared(*two([benchmark()], [benchmark()]), options=["--columns", "p95,images"])
    assert "p95, ms" in text
    assert "÷" not in text


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("number", [2, 5, 9])
def test_no_line_is_wider_than_the_screen(width, number):
    platforms = ("server-cpu", "chromium-wasm-2t@worker@4x")
    benchmarks = [benchmark(platform=name, **ratio(5.0), **doubtful()) for name in platforms]
    machines = [{**GPU, "cores_usable": cores + 2} for cores in range(number)]
    runs = [run(Path(f"machine-{at}.json"), *benchmarks, **machine) for at, machine in enumerate(machines)]
    assert max(map(len, compared(*runs, width=width).splitlines())) <= width


def test_a_ratio_is_explained_where_there_is_one_and_has_no_column_in_a_block_without():
    text = compared(*two([benchmark(), benchmark("resnet8")], [benchmark()]))
    assert (text.count("B ÷ A"), text.count("÷         over A's figure")) == (1, 1)
    assert "÷" not in compared(*two([benchmark()], [benchmark("resnet8")]))


def test_a_long_name_of_a_machine_fills_no_screen():
    pixels = [run(Path(f"{at}.json"), benchmark(), **of_device(about(version=f"153.{at}"))) for at in range(2)]
    text = compared(*pixels)
    lines = text.splitlines()
    assert next(at for at, line in enumerate(lines) if line.startswith("---")) - lines.index("resnet20: latency") < 10
    assert "browser's version 153.1" in text


# The command


def called(*arguments):
    return command.run(command.parser().parse_args([*map(str, arguments)]), 120)


def saved(folder):
    """Return the files of two runs."""
    return [save(folder / f"{name}.json", benchmark(of_starts=time)) for name, time in (("a", 0.001), ("b", 0.002))]


def test_what_was_compared_ends_with_0(tmp_path, capsys):
    assert called(*saved(tmp_path)) == 0
    assert "server-cpu-b1" in capsys.readouterr().out


def test_a_folder_is_all_runs_in_it_and_a_copy_of_one_is_no_column(tmp_path, capsys):
    file, _ = saved(tmp_path)
    (tmp_path / "copy.json").write_bytes(file.read_bytes())
    assert called(tmp_path) == 0
    told = capsys.readouterr()
    assert "B ÷ A" in told.out
    assert "C" not in told.out.split()
    assert told.err.endswith(f"copy.json: the same as {file}\n")


def test_nothing_in_common_ends_with_1_and_why(tmp_path, capsys):
    first, second = save(tmp_path / "a.json", benchmark()), save(tmp_path / "b.json", benchmark(platform="other"))
    assert called(first, second) == 1
    assert "nothing was compared: A has no figure" in capsys.readouterr().err


def test_a_file_that_holds_no_run_is_told_in_a_line_and_the_others_are_compared(tmp_path, capsys):
    (tmp_path / "c.json").write_text("{")
    assert called(*saved(tmp_path), tmp_path / "c.json", tmp_path / "absent.json") == 1
    told = capsys.readouterr()
    assert "server-cpu-b1" in told.out
    assert len(told.err.splitlines()) == 2
    assert "absent.json" in told.err


@pytest.mark.parametrize("no_time", [0.0, -1.0, math.nan])
def test_what_is_no_time_is_told_in_a_line_and_the_rest_is_compared(tmp_path, capsys, no_time):
    damaged = benchmark(platform="damaged")
    damaged["stats"]["data"][3] = no_time
    first, _ = saved(tmp_path)
    assert called(first, save(tmp_path / "c.json", damaged, benchmark(of_starts=0.003))) == 1
    told = capsys.readouterr()
    assert re.search(r"^refused  .*c\.json: test_latency\[.*damaged-b1]: a sample is \S+, no time$", told.err)
    assert "3.00" in told.out


def test_one_file_alone_is_no_comparison(tmp_path, capsys):
    file = save(tmp_path / "a.json", benchmark())
    assert called(file, file) == 1
    assert capsys.readouterr().err == "compare: nothing is compared: 1 run found; name two at least\n"


def test_bad_usage_ends_with_2_and_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["compare", *map(str, saved(tmp_path)), "--reference", "nobody"])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert told.err.startswith("compare: --reference nobody: no such run")


def test_the_starts_of_the_made_up_runs_are_as_a_run_has_them():
    (result,) = run(Path("a.json"), benchmark(of_starts=starts(0.002))).results
    assert result.seconds("median") == pytest.approx(0.002, rel=0.01)
