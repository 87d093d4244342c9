"""The end of a run: a table that fits the screen, doubts of a kind in a line, marks that are never lost."""

import io
import re
from types import SimpleNamespace

import pytest
from _pytest.config import create_terminal_writer
from helpers import FAKE_PLATFORMS, Suite

from benchmarks.platforms import DEFAULT_SWEEP
from benchmarks.results import Result, keys
from benchmarks.results.gathered import ranged
from benchmarks.results.tidy import Measured
from benchmarks.run.screen import PIPED, Screen, wide, wrapped
from benchmarks.run.terminal import _without_figures, _write, asks_for_blocks
from benchmarks.run.terminal.doubts import odd_words, trust_lines
from benchmarks.run.terminal.gathered import listed
from benchmarks.run.terminal.notes import mark_lines, network_lines, parity_lines, row_lines
from benchmarks.run.terminal.table import tables


def result(surrounding="page", **odd):
    """Return a result of five starts; *odd* says of some of them how many times as long they took."""
    trust = {"doubts": {}, "odd_starts": {name.removeprefix("start"): times for name, times in odd.items()}}
    info = {"starts": [[2]] * 5, "surrounding": surrounding, "trust": trust}
    stats = {"data": [1.0] * 10}
    return Result.of({"fullname": "a.py::a", "name": "a", "params": {}, "stats": stats, "extra_info": info})


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (result(start2=2.9), "slow pages: 1 of 5 (2.90 times as long)"),
        (result("process", start0=3.0, start4=2.0), "slow processes: 2 of 5 (3.00, 2.00 times as long)"),
        (result(start1=0.5), "fast pages: 1 of 5 (0.50 times as long)"),
        (
            result(start1=0.5, start3=2.0),
            "slow pages: 1 of 5 (2.00 times as long); fast pages: 1 of 5 (0.50 times as long)",
        ),
    ],
    ids=["slow", "two", "fast", "both"],
)
def test_starts_unlike_their_siblings_are_told(shown, words):
    assert odd_words(shown) == words
    assert trust_lines([shown, result()])[1:] == [f"starts   a: {words}"]


def test_of_starts_that_are_alike_nothing_is_told():
    assert trust_lines([result()]) == ["trust    1 of 1 benchmarks were stable"]


INTERVAL = {"value": 0.001234, "starts": 5, "low": 0.0011, "high": 0.0013}


def row(phase="latency", platform="chromium-wasm", model="resnet8", batch_size=1, ratio=4.0, label="", **info):
    """Return a benchmark of five starts, with a ratio to ``server-cpu`` where one is given."""
    usual = {
        "figures": dict.fromkeys(("median", "p10", "mean"), INTERVAL),
        keys.STARTS_WANTED: 5,
        "p95": 0.002,
        "images_per_second": 814.0,
        keys.TRUST: {keys.DOUBTS: {}},
    }
    if ratio:
        ends = {"low": ratio - 0.1, "high": ratio + 0.1, "cpu": 5.5}
        usual["ratio_to_server_cpu"] = {
            "statistic": "p10",
            "value": ratio,
            "ours": 1.0,
            "theirs": 1.0,
            "pairs": 9,
        } | ends
    name = f"test_{phase}[{label or model}-{platform}-b{batch_size}]"
    params = {"model": model, "platform": platform, "batch_size": batch_size}
    return Measured(Result.of({"fullname": name, "name": name, "params": params, "extra_info": usual | info}))


DOUBTFUL = {keys.TRUST: {keys.DOUBTS: {"margin": "other starts may differ by ±13%"}}}


def drawn(rows, width=120, everything=False):
    """Return the lines of the tables, and what they left out."""
    found = tables(rows, Screen(width, wraps=True), everything)
    return [str(line) for line in found.lines], found.hidden


def heads_of(lines):
    """Return the line with the heads of the columns."""
    return next(line for line in lines if "median ms" in line)


def sweep():
    models, places = ("resnet20", "resnet14", "resnet8"), ("server-cpu", "chromium-wasm", "chromium-webnn@worker@4x")
    return [
        row(platform=place, model=model, batch_size=size, ratio=0 if place == "server-cpu" else 12.3, **DOUBTFUL)
        for model in models
        for place in places
        for size in (1, 8)
    ]


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("everything", [False, True])
def test_no_line_of_a_sweeps_table_is_wider_than_the_screen(width, everything):
    lines, _ = drawn(sweep(), width, everything)
    assert max(map(wide, lines)) <= width
    assert sum(line.endswith("(!)") for line in lines) % 18 == 0


def test_a_wide_screen_has_all_columns_and_a_narrow_one_says_what_it_has_not():
    lines, hidden = drawn(sweep())
    heads = ["median ms", "median's interval", "p95 ms", "images/s", "× server-cpu"]
    assert [head for head in heads if head in heads_of(lines)] == heads
    assert hidden == ["× cpu time", "p10 ms", "p10's interval"]
    lines, hidden = drawn(sweep(), 80)
    assert "p95 ms" in heads_of(lines)
    assert hidden == ["median's interval", "images/s", "× cpu time", "p10 ms", "p10's interval"]


def test_on_80_columns_the_main_job_has_all_but_the_medians_interval():
    rows = [row(platform=place, batch_size=size, ratio=12.3, **DOUBTFUL) for place in DEFAULT_SWEEP for size in (1, 8)]
    lines, hidden = drawn(rows, 80)
    assert max(map(wide, lines)) <= 80
    assert all(head in heads_of(lines) for head in ("median ms", "p95 ms", "images/s", "× server-cpu"))
    assert hidden[0] == "median's interval"
    assert "× cpu time" in hidden


def test_median_ratio_and_mark_stay_however_narrow_the_screen():
    lines, _ = drawn([row(**DOUBTFUL)], 40)
    assert lines[-2:] == ["chromium-wasm", "       1.23  4.00 (3.90 to 4.10)  (!)"]
    lines, _ = drawn([row(**DOUBTFUL)], 50)
    assert lines[-1] == "chromium-wasm       1.23  4.00 (3.90 to 4.10)  (!)"


def test_what_is_asked_for_and_does_not_fit_stands_below():
    lines, hidden = drawn([row()], 80, everything=True)
    assert not hidden
    assert sum("chromium-wasm" in line for line in lines) == 2
    assert "5.50" in lines[-1]


def test_the_title_says_what_all_rows_share_and_a_group_what_its_rows_do():
    lines, _ = drawn([row(label="resnet8.stand-in")])
    words = "latency of resnet8.stand-in, batch 1; 5 starts; intervals of 95%; × is the ratio of 10th percentiles, "
    assert lines[1] == f"{words}measured in turns"
    lines, _ = drawn([row(), row(batch_size=8)])
    assert [line for line in lines if line.startswith("resnet8")] == ["resnet8, batch 1", "resnet8, batch 8"]


def test_marks_are_kept():
    weak = {keys.SLOWDOWN: {"asked": 4}, keys.STATISTIC: "mean"}
    untrained = row(label="net.untrained", **{keys.UNTRAINED: True})
    lines, _ = drawn([row(), row(platform="chromium-wasm@4x", **weak, **DOUBTFUL), untrained])
    assert next(line for line in lines if "@4x" in line).endswith("(!) emulated")
    assert "net.untrained, batch 1" in lines
    assert "mean 1.23" in "".join(lines)
    assert drawn([row(**{keys.UNTRAINED: True})])[0][1].startswith("latency of resnet8, batch 1; all untrained; ")


def test_a_mark_says_in_the_title_or_below_what_it_means():
    emulated = [row(**{keys.SLOWDOWN: {"asked": factor}}) for factor in (4, 10)]
    rows = [row(**DOUBTFUL), row(**{keys.UNTRAINED: True}), *emulated]
    assert "(!) is unstable: see below" in " ".join(line.strip() for line in drawn(rows)[0])
    assert not any("(!)" in line for line in drawn(emulated)[0])
    untrained, weaker = mark_lines([row.result for row in rows])
    assert untrained.startswith("mark     untrained: nobody trained the network: ")
    assert weaker.startswith("mark     emulated: a client 4 to 10 times weaker, ")


def test_samples_that_are_means_of_several_inferences_are_told():
    saved = {"fullname": "a.py::test_sort", "name": "test_sort", "stats": {"median": 0.5, "iterations": 32}}
    lines = row_lines([Result.of(saved), row().result])
    assert lines == ["rows     1 of 2: a sample is the mean of 32 inferences (sort)"]
    assert row_lines([row().result]) == []


def test_a_software_gpu_is_in_no_table_and_told():
    software = row(**{keys.SOFTWARE_GPU: True})
    assert drawn([software]) == ([], [])
    assert trust_lines([software.result])[1:] == [
        "software 1 of 1: on a simulated GPU, in no table (resnet8-chromium-wasm-b1)"
    ]


def test_phases_stand_apart_each_with_its_own_columns():
    blocking = {
        keys.LONGEST_TASK: INTERVAL,
        keys.BLOCKING: dict(zip(BLOCKING, (2.0, 3, 0.2, 1.5, 30, 90, 60.0, 0.001), strict=True)),
    }
    rows = [
        row("memory", ratio=0, memory_peak=345_100_000, memory_over_start=200_000_000),
        row("blocking", ratio=0, **blocking),
        row("server", ratio=0, queries_per_second=INTERVAL | {"value": 1189.0}, scenario="Server", p99_bound=0.02),
        row("accuracy", ratio=0, top1=69.654, top5=91.0, as_reference=100.0, images=10_000),
        row("energy", ratio=0, joules_per_inference={"rapl package-0": 0.0123}),
        row("pause", ratio=0),
    ]
    text = "\n".join(drawn(rows)[0])
    told = re.sub(" +", " ", text)
    assert "\nchromium-wasm 345.1 200.0 1.23\n" in told
    assert "\nchromium-wasm 1.23 1.10 to 1.30 75 90 of 120 1.23 " in told
    assert "\nchromium-wasm 1,189 0.00110 to 0.00130 20.0\n" in told
    assert "\nchromium-wasm 69.65 91.00 100.00 10,000 1.23 " in told
    assert "\nchromium-wasm 12.30 1.23 " in told
    for words in ("peak MB", "blocked %", "queries/s", "not compliant with MLPerf's rules", "mJ, rapl package-0"):
        assert words in text
    assert "\npause of resnet8, batch 1; 5 starts" in text


BLOCKING = (
    *("window", "inferences", "longest_task", "total_blocking_time", "frames", "frames_missed", "frames_at_rest"),
    "disagreement",
)


def test_what_was_not_told_is_an_empty_cell_and_of_nothing_there_is_no_column():
    lines, hidden = drawn([row(p95=None, ratio=0, images_per_second=float("nan"))])
    assert "p95 ms" not in lines[2]
    assert "images/s" not in lines[2]
    assert "p95 ms" not in hidden


def test_a_benchmark_of_somebody_elses_has_its_whole_name():
    saved = {"fullname": "a.py::test_sort[10]", "name": "test_sort[10]", "stats": {"median": 0.5}, "extra_info": {}}
    lines, _ = drawn([Measured(Result.of(saved))])
    assert lines[1:] == ["sort; 1 start", "               median ms", "test_sort[10]        500"]


def test_wide_characters_take_two_columns():
    assert wide("模型") == 4
    assert wide("e\u0301") == 1
    lines, _ = drawn([row(platform="模型"), row(platform="wasm")])
    assert len({wide(line) for line in lines[-2:]}) == 1


def test_prose_is_wrapped_at_the_screens_width_and_whole_in_a_pipe():
    line = f"unstable {' '.join(['word'] * 30)} /a/path/{'x' * 80}"
    first, *others = Screen(80, wraps=True).fit([line])
    assert len(first) <= 80
    assert all(other.startswith(" " * 9) and (len(other) <= 80 or "/a/path" in other) for other in others)
    assert " ".join([first, *(other.strip() for other in others)]) == line
    assert [*Screen(80, wraps=False).fit([line])] == [line]
    assert wrapped("made up  a", 80) == ["made up  a"]


def test_a_pipe_has_a_width_of_its_own_and_columns_says_another(monkeypatch):
    config = SimpleNamespace(get_terminal_writer=lambda: SimpleNamespace(fullwidth=97))
    pipe, screen = (SimpleNamespace(isatty=lambda it=it: it) for it in (False, True))
    monkeypatch.delenv("COLUMNS", raising=False)
    assert Screen.of(pipe, config) == Screen(PIPED, wraps=False)
    assert Screen.of(screen, config) == Screen(97, wraps=True)
    monkeypatch.setenv("COLUMNS", "97")
    assert Screen.of(pipe, config) == Screen(97, wraps=True)


SHIPPED = {keys.SHIPPED: {"runtime": 2_000_000, "model": 800_000}}


def written(monkeypatch, rows, **environment):
    for name in ("NO_COLOR", "FORCE_COLOR", "PY_COLORS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    file = io.StringIO()
    writer = create_terminal_writer(SimpleNamespace(option=SimpleNamespace(color="auto", code_highlight="no")), file)
    _write(SimpleNamespace(write=writer.write, write_line=writer.line), tables(rows, Screen(80, True)).lines)
    return file.getvalue()


def test_no_line_ends_with_spaces(monkeypatch):
    page, server = row("load", ratio=0, details=SHIPPED), row("load", "server-cpu", ratio=0, details={})
    text = written(monkeypatch, [page, server], NO_COLOR="1")
    assert "shipped MB" in text
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


def test_without_colour_nothing_is_missing(monkeypatch):
    rows = [row(**DOUBTFUL)]
    plain, coloured = written(monkeypatch, rows, NO_COLOR="1"), written(monkeypatch, rows, FORCE_COLOR="1")
    assert "\x1b" not in plain
    assert "\x1b[33m  (!)\x1b[0m" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain
    assert "  (!)\n" in plain


@pytest.mark.parametrize(
    ("arguments", "verbosity", "asks"),
    [
        ([], 0, False),
        (["--benchmark-only", "--benchmark-json=a.json", "--benchmark-max-time=1", "--benchmark-quiet"], 0, False),
        ([], 1, True),
        (["--benchmark-columns=min"], 0, True),
        (["--benchmark-sort", "min"], 0, True),
        (["--benchmark-compare"], 0, True),
        (["--benchmark-histogram"], 0, True),
        (["--benchmark-group-by=param"], 0, True),
    ],
)
def test_pytest_benchmarks_table_is_there_for_who_asks(monkeypatch, arguments, verbosity, asks):
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    config = SimpleNamespace(
        getini=lambda _: [], invocation_params=SimpleNamespace(args=arguments), get_verbosity=lambda: verbosity
    )
    assert asks_for_blocks(config) is asks


def test_doubts_of_a_kind_are_one_line_and_with_v_one_each():
    words = ("±13%", "±25%", "±40%", "±20%", "±30%")
    results = [
        row(
            model=f"net{number}", **{keys.TRUST: {keys.DOUBTS: {"margin": f"other starts may differ by {share}"}}}
        ).result
        for number, share in enumerate(words)
    ]
    lines = trust_lines([*results, row().result])
    names = "net0-chromium-wasm-b1, net1-chromium-wasm-b1, net2-chromium-wasm-b1 … and 2 more"
    assert lines[:2] == [
        "trust    1 of 6 benchmarks were stable",
        f"unstable 5 of 6: other starts may differ by ±13% to ±40% ({names})",
    ]
    assert len([line for line in trust_lines(results, each=True) if line.startswith("unstable test_latency[net")]) == 5
    assert [line[:8] for line in lines].count("advice  ") == 1


def test_how_busy_other_programs_were_is_said_once():
    busy = {keys.OTHER_PROGRAMS: 1.4}
    quiet = row(**{keys.TRUST: {keys.DOUBTS: {}, **busy}}).result
    loud = row(**{keys.TRUST: {keys.DOUBTS: {keys.OTHER_PROGRAMS: "other programs used 1.4 cores"}, **busy}}).result
    assert trust_lines([quiet]) == ["trust    1 of 1 benchmarks were stable; other programs used 1.4 cores meanwhile"]
    assert sum("1.4 cores" in line for line in trust_lines([quiet, loud])) == 1


def test_what_is_unknown_of_all_is_one_line_and_of_some_another_with_their_number():
    unknown = {"stolen": "what a host took", "frequency_change": "the processor's frequency"}
    server, page = ({keys.DOUBTS: {}, keys.UNKNOWN: {**unknown, **more}} for more in ({}, {"computing_share": "time"}))
    lines = trust_lines([row(**{keys.TRUST: trust}).result for trust in (server, page, page)])
    assert lines[1:] == ["unknown  what a host took; the processor's frequency", "unknown  2 of 3: time"]


def test_what_was_chosen_and_is_in_no_table_is_told_below_it():
    def reports(*names):
        return [SimpleNamespace(nodeid=f"benchmarks/test_latency.py::test_latency[{name}]") for name in names]

    ended = SimpleNamespace(stats={"passed": reports("a", "closing"), "skipped": reports("b")})
    assert [*_without_figures(ended, 3)] == []
    ended.stats |= {"failed": reports("c"), "error": reports("c", "closing")}
    assert [*_without_figures(ended, 6)] == [
        "failed   2 of 6, as told above: latency[c], latency[closing]",
        "stopped  2 of 6 were not measured",
    ]


def test_starts_of_many_benchmarks_are_one_line():
    lines = trust_lines([result(start2=2.9), result(start1=0.5), result()])
    words = "had starts unlike their siblings, which took 0.50 to 2.90 times as long"
    assert lines[1:] == [f"starts   2 of 3 {words} (a, a)"]


def test_numbers_in_words_are_ranges_and_names_are_counted():
    assert ranged(["drifted by +20%", "drifted by -25%"]) == "drifted by -25% to +20%"
    assert ranged(["1.0e-03 of net2, 3 times", "2.0e-05 of net2, 3 times"]) == "2.0e-05 to 1.0e-03 of net2, 3 times"
    assert listed(["a", "b", "c", "d"]) == "a, b, c, d"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c … and 2 more"


def test_parity_of_several_models_is_one_line():
    results = [row(model=name, own=True, unproved=["y"]).result for name in ("a.onnx", "b.onnx")]
    (line,) = parity_lines(results)
    assert line.startswith("parity   a.onnx, b.onnx: y: empty, infinite or NaN")
    assert len(parity_lines(results, each=True)) == 2


NOTED = """
def refuse(self, case):
    print("the runtime logged it, too")
    error = PlatformError("fake: it broke")
    error.add_note("at create (engine.mjs:1:1)")
    raise PlatformError("fake: resnet8: it broke at a\\x1b[31m\\nred") from error
FakePlatform.check = refuse
"""


def test_an_error_is_told_once_and_with_vv_all_that_led_to_it_and_its_names_drive_no_terminal(pytester, outside_xdist):
    suite = Suite(pytester, FAKE_PLATFORMS + NOTED)
    once = suite.run().stdout.str()
    assert once.count("it broke") == 1
    assert "logged it" not in once
    assert "engine.mjs" not in once
    result = suite.run("-vv")
    result.stdout.fnmatch_lines([r"fake: resnet8: it broke at a\x1b[[]31m\nred"])
    all_of_it = result.stdout.str()
    assert "\x1b[31m" not in all_of_it
    assert all_of_it.count("at create (engine.mjs:1:1)") == 1
    assert "the runtime logged it, too" in all_of_it


def test_a_network_is_told_once_with_how_it_was_made():
    asked = {"name": "cable", "round_trip": 0.028, "down": 5e6, "up": 1e6}
    obtained = {"round_trip": 0.0284, "down": 4.9e6, "up": 1e6}
    network = {"asked": asked, "obtained": obtained, "kind": "proxy", "lacks": ["slow start", "loss"]}
    over = Result.of({"fullname": "a.py::a", "name": "a", "params": {}, "extra_info": {"network": network}})
    words = "obtained 28.4 ms of round trip, down 4.9 Mbit/s, up 1 Mbit/s, by proxy; it lacks slow start, loss"
    assert network_lines([over, over, result()]) == [f"network  cable: {words}"]
