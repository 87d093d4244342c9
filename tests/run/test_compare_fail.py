"""``--benchmark-compare-fail`` fails closed: whatever could pass in silence is refused, with its name and a remedy."""

import copy
import json
import math
import sys
from dataclasses import dataclass, field
from fnmatch import fnmatch

import pytest
from helpers import FAKE_PLATFORMS, ROOT

LIMIT = "--benchmark-compare-fail=median:300%"
COMPARE = "--benchmark-compare=base.json"
TWO_SIZES = "--batch-size=3"  # beside the suite's own batch size of 1
B1, B3 = (f"test_latency.py::test_latency[[]resnet8-fake-b{size}]" for size in (1, 3))
SAMPLE = "samples.append((time.perf_counter() - start) / iterations)"
SAVED = {}  # the baseline, measured once by the first test that needs it


@dataclass(frozen=True)
class Scenario:
    """A baseline, altered, a run against it, with options and the suite's files altered, and what is said."""

    words: str
    options: tuple = (TWO_SIZES,)
    alter: object = None  # called with the saved run
    sources: dict = field(default_factory=dict)  # file: (old, new)
    compare: tuple = (COMPARE, LIMIT)
    exit: int = pytest.ExitCode.TESTS_FAILED


def refusal(words, *options, **more):
    """Return a scenario that is refused before anything is measured."""
    return Scenario(words, (TWO_SIZES, *options), exit=pytest.ExitCode.USAGE_ERROR, **more)


def benchmarks(change):
    """Return an alteration of every benchmark of the saved run."""

    def alter(saved):
        for benchmark in saved["benchmarks"]:
            change(benchmark)

    return alter


def times(factor):
    """Return an alteration of all the baseline's times."""

    def change(benchmark):
        for name in ("min", "max", "mean", "median"):
            benchmark["stats"][name] *= factor

    return benchmarks(change)


def stat(**values):
    return benchmarks(lambda benchmark: benchmark["stats"].update(values))


def machine(values, processor=None):
    def alter(saved):
        saved["machine_info"].update(values)
        saved["machine_info"]["cpu"].update(processor or {})

    return alter


def fact(**values):
    return benchmarks(lambda benchmark: benchmark["extra_info"].update(values))


def add_gone(saved):
    gone = copy.deepcopy(saved["benchmarks"][0])
    saved["benchmarks"].append(gone | {"fullname": "test_gone.py::test_gone", "name": "test_gone"})


def rename(benchmark):
    benchmark["fullname"] = benchmark["fullname"].replace("::test_latency", "::test_old")


def marked(mark, last="pass"):
    """Return the suite's files with a mark on the benchmark, and a last line."""
    function = f"import pytest\n@{mark}\ndef test_latency"
    return {"test_latency.py": [("def test_latency", function), ("partner)", f"partner)\n    {last}")]}


def clock_that_gives(sample):
    return {"conftest.py": [(SAMPLE, f"samples.append(float('{sample}'))")]}


CPU = {"brand_raw": "Abacus 9", "count": 64}
MARK = "pytest.mark.filterwarnings('default')"
LAST = FAKE_PLATFORMS.splitlines()[-1]
SLOWER = [f"refused  {name}: slower: median was * ms, is * times that; *" for name in (B1, B3)]
BASELINE = "--benchmark-compare-fail: the baseline base.json cannot be used: *"
NOT_TIMED = "--benchmark-compare-fail: nothing is timed under"

SCENARIOS = {
    "new": Scenario(
        f"{B3}: measured and not in the baseline; *--benchmark-allow-new*", alter=lambda s: s["benchmarks"].pop()
    ),
    "deleted": Scenario(
        "test_gone.py::test_gone: in the baseline and not measured (*deleted*save a new", alter=add_gone
    ),
    "renamed": Scenario(
        "test_latency.py::test_old[[]*b1]: in the baseline and not measured *renamed*", alter=benchmarks(rename)
    ),
    "skipped": Scenario(f"{B1}: in the baseline and not measured (skipped)*", sources=marked("pytest.mark.skip")),
    "skipped after it was measured": Scenario(
        f"{B1}: in the baseline and not measured (skipped)*", sources=marked(MARK, "pytest.skip('late')")
    ),
    "xfailed": Scenario(
        f"{B1}: in the baseline and not measured (xfailed)*", sources=marked("pytest.mark.xfail(run=False)")
    ),
    "xfailed after it was measured": Scenario(
        f"{B1}: in the baseline and not measured (xfailed)*", sources=marked(MARK, "pytest.xfail('known')")
    ),
    "all deselected": Scenario(f"{B1}: in the baseline and not measured (deselected)*", (TWO_SIZES, "-k", "other")),
    "part deselected": Scenario(f"{B3}: in the baseline and not measured (deselected)*", (TWO_SIZES, "-k", "b1")),
    "part chosen": Scenario(f"{B3}: in the baseline and not measured (not run: not chosen*", ()),
    "only collected": Scenario(
        f"{B1}: in the baseline and not measured (not run: *deleted*", (TWO_SIZES, "--collect-only")
    ),
    "another rootdir": Scenario(
        f"{B1}: in the baseline and not measured (*another --rootdir*", (TWO_SIZES, "--rootdir=..")
    ),
    "all deselected, no baseline": refusal(
        "*needs a baseline by name: --benchmark-compare=0001*", "-k", "other", compare=(LIMIT,)
    ),
    "benchmarks skipped": refusal(f"*{NOT_TIMED} --benchmark-skip; leave out*", "--benchmark-skip"),
    "benchmarks disabled": refusal(f"*{NOT_TIMED} --benchmark-disable or *; leave out*", "--benchmark-disable"),
    "xdist, a worker": refusal(f"*{NOT_TIMED} * pytest-xdist; leave out*-n and --dist", "-n1"),
    "xdist, two workers": refusal(f"*{NOT_TIMED} * pytest-xdist; leave out*-n and --dist", "-n2"),
    "several machines": refusal("*--benchmark-compare is of one machine, and --dist*", "--dist=each", "--tx=popen"),
    "xdist, enabled": refusal(f"*{NOT_TIMED} * pytest-xdist; leave out*-n and --dist", "-n2", "--benchmark-enable"),
    "another machine": refusal(
        f"*{BASELINE}Python's version was 2.7.18, is 3*; instruction sets was [[]'mmx'], is *; "
        "usable cores was 128, is *; processor was Abacus 9, is *; processor's count was 64, is *; save a new*",
        alter=machine({"python_version": "2.7.18", "simd_flags": ["mmx"], "cores_usable": 128}, CPU),
    ),
    "another runtime": refusal(f"*{BASELINE}fake was 0.9, is 1.0; save*", alter=machine({"versions": {"fake": "0.9"}})),
    "another clock": Scenario(
        f"{B1}: clock was sundial, is fake.clock; measure the same, or*", alter=fact(clock="sundial")
    ),
    "another timer": Scenario(
        f"{B1}: timer was sundial, is fake.clock; *",
        alter=benchmarks(lambda one: one["options"].update(timer="sundial")),
    ),
    "another slowdown": Scenario(
        f"{B1}: slowdown was 4, is not told; measure the same, or*", alter=fact(slowdown={"asked": 4, "obtained": 4.1})
    ),
    "drawn for longer": Scenario(f"{B1}: max time was *, is 0.25; *", (TWO_SIZES, "--benchmark-max-time=0.25")),
    "fewer starts": Scenario(f"{B1}: pages or processes was 5, is 3; measure the same, or*", (TWO_SIZES, "--starts=3")),
    "a baseline of one start": Scenario(
        f"{B1}: pages or processes was 1, is 5; *",
        alter=benchmarks(lambda one: [one["extra_info"].pop(name) for name in ("starts", "starts_wanted")]),
    ),
    "more rounds at least": Scenario(f"{B1}: min rounds was 5, is 6; *", (TWO_SIZES, "--benchmark-min-rounds=6")),
    "another model and provider on other threads": Scenario(
        f"{B1}: model's SHA-256 was 00, is c*{B1}: execution provider was X, is FakeProvider*"
        f"{B1}: threads was 2, is 1; *",
        alter=fact(model_sha256="00", execution_provider="X", threads=2),
    ),
    "empty baseline": refusal(
        f"*{BASELINE}it holds no benchmarks; save a new*", alter=lambda s: s["benchmarks"].clear()
    ),
    "NaN in the baseline": refusal(
        f"*{BASELINE}*b1]: its min, median, mean, max cannot be compared: nan s*", alter=times(math.nan)
    ),
    "zero in the baseline": refusal(
        f"*{BASELINE}*b1]: its min, median, mean, max cannot be compared: 0.0 s*", alter=times(0.0)
    ),
    "infinity in the baseline": refusal(
        f"*{BASELINE}*b1]: its min, median, mean, max cannot be compared: inf s*", alter=times(math.inf)
    ),
    "failed baseline": refusal(
        f"*{BASELINE}*interrupted*: its exit_status is 2, not 0; save*", alter=lambda s: s.update(exit_status=2)
    ),
    "another suite's baseline": refusal(
        f"*{BASELINE}it is no run of this suite: KeyError 'exit_status'; save a new*",
        alter=lambda s: s.pop("exit_status"),
    ),
    "a status that is none": refusal(
        f"*{BASELINE}*: its exit_status is False, not 0; save*", alter=lambda s: s.update(exit_status=False)
    ),
    "text for a time": refusal(f"*{BASELINE}*b1]: its median cannot be compared: fast s; *", alter=stat(median="fast")),
    "null for a time": refusal(
        f"*{BASELINE}*b1]: its min, max cannot be compared: None s; *", alter=stat(min=None, max=None)
    ),
    "a benchmark twice": refusal(
        f"*{BASELINE}it is no run *: DamagedError it holds {B1} 2 times, and one alone would count; *",
        alter=lambda s: s["benchmarks"].append(s["benchmarks"][0]),
    ),
    "no extra_info": refusal(
        f"*{BASELINE}*b1]: it has no extra_info, which tells what was measured; *",
        alter=benchmarks(lambda one: one.pop("extra_info")),
    ),
    "zero time": Scenario("fake: fake.clock gave a sample of 0.0 s", sources=clock_that_gives("0")),
    "infinite time": Scenario("fake: fake.clock gave a sample of inf s", sources=clock_that_gives("inf")),
    "statistic that is nothing": Scenario(
        f"{B1}: its iqr cannot be compared: 0* s; measure again, or compare another statistic*",
        sources=clock_that_gives("5e-5"),
        compare=(COMPARE, "--benchmark-compare-fail=iqr:900%"),
    ),
    "no terminal": Scenario(f"{B1}: slower: *", (TWO_SIZES, "-p", "no:terminalreporter"), alter=times(0.05)),
    "no summary": Scenario(f"{B1}: slower: *", (TWO_SIZES, "--no-summary"), alter=times(0.05)),
    "limit given twice": refusal("*is given 2 times, and only the last would count; give it once*", LIMIT),
    "limit given in the configuration too": refusal(
        "*is given 2 times, and only the last*",
        sources={"tox.ini": [("addopts =", "addopts = --benchmark-compare-fail=min:5%")]},
    ),
    "baseline given twice": refusal(
        "*--benchmark-compare is given 2 times, and only the last*", "--benchmark-compare=0001"
    ),
    "baseline without a name": refusal("*needs a baseline by name*latest*", compare=("--benchmark-compare", LIMIT)),
    "no such baseline": refusal(
        "*--benchmark-compare=0042 names 0 saved runs in *", compare=("--benchmark-compare=0042", LIMIT)
    ),
    "several baselines": refusal(
        "*--benchmark-compare=base names 2 saved runs in *, not one; name a file*",
        "--benchmark-storage=file://.",
        compare=("--benchmark-compare=base", LIMIT),
    ),
    "ten times faster": Scenario(
        f"{B1}: faster than the limit: median was *; if the same was measured, save a new*", alter=times(20)
    ),
    "regressed": Scenario(f"{B1}: slower: median was *; find the cause, or save a new baseline *", alter=times(0.05)),
    "another pytest-benchmark": refusal(
        "*the session of pytest-benchmark 5* has no abacus; install the version that pyproject.toml names",
        sources={
            "conftest.py": [
                (LAST, f"{LAST}\nfrom benchmarks.run import compare_fail\ncompare_fail.USED += ('abacus',)\n")
            ]
        },
    ),
    "storage that is no folder": refusal(
        "*a refused run could not be kept apart in *; name a folder: --benchmark-storage=file://FOLDER",
        sources={
            "conftest.py": [
                (LAST, f"{LAST}\nfrom benchmarks.run import compare_fail\ncompare_fail.FileStorage = str\n")
            ]
        },
    ),
    "allowed without effect": refusal(
        "*--benchmark-allow-new has no effect*", "--benchmark-allow-new", compare=(COMPARE,)
    ),
}


@pytest.fixture
def baseline(suite):
    """Return the saved run of two benchmarks, free to be altered, in a suite that has another test, too."""
    suite.pytester.makepyfile(test_other="def test_other(): pass")
    if not SAVED:
        suite.run(TWO_SIZES, "--benchmark-json=base.json").assert_outcomes(passed=3)
        SAVED.update(json.loads((suite.folder / "base.json").read_text()))
    return copy.deepcopy(SAVED)


def run(suite, baseline, *options, alter=None):
    """Run the suite, held against the altered baseline, which lies there under two names."""
    if alter:
        alter(baseline)
    for name in ("base.json", "base2.json"):
        (suite.folder / name).write_text(json.dumps(baseline))
    return suite.run(*options)


HALF = '{"benchmarks": [{"fullname": "test_latency.py'
NO_RUNS = {
    "half.json": (HALF, "JSONDecodeError *"),
    "list.json": ("[]", "TypeError *"),
    "empty.json": ("", "JSONDecodeError Expecting value*"),
    "latin.json": ("\xe9".encode("latin-1"), "UnicodeDecodeError *"),
    "gone.json": (None, "FileNotFoundError No such file or directory"),
    "folder/of/no/run": (None, "FileNotFoundError No such file or directory"),
    ".": (None, "IsADirectoryError Is a directory"),
    "other.json": ('{"benchmarks": []}', "KeyError 'exit_status'"),
    "0007": ("{", "JSONDecodeError *"),  # a number, of a file in the storage
}


@pytest.mark.parametrize("compare", [(), (LIMIT,)], ids=["table", "limits"])
@pytest.mark.parametrize("name", NO_RUNS)
def test_what_is_no_run_is_refused_in_one_line_before_anything_is_measured(suite, name, compare):
    text, words = NO_RUNS[name]
    file = suite.folder / ".benchmarks" / "here" / "0007_run.json" if name == "0007" else suite.folder / name
    if text is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    storage = () if name != "0007" else (f"--benchmark-storage=file://{file.parent}",)
    result = suite.run(f"--benchmark-compare={name}", *compare, *storage)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    option = "--benchmark-compare-fail" if compare else "--benchmark-compare"
    shown = "*0007_run.json" if name == "0007" else name
    told = [line for line in result.errlines if line.startswith("ERROR")]
    assert len(told) == 1
    assert fnmatch(told[0], f"ERROR: {option}: the baseline {shown} cannot be used: it is no run *: {words}; save a *")
    assert "Error>" not in result.stdout.str()
    assert suite.calls("time") == []


DENIED = """
from pathlib import Path
read = Path.read_bytes
def denied(path):
    if path.name == "base.json":
        raise PermissionError(13, "Permission denied", str(path))
    return read(path)
Path.read_bytes = denied
"""


def test_a_file_that_cannot_be_read_says_why(suite):
    conftest = suite.folder / "conftest.py"
    conftest.write_text(conftest.read_text() + DENIED)
    (suite.folder / "base.json").write_text("{}")
    result = suite.run(COMPARE, LIMIT)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {BASELINE}it is no run of *: PermissionError Permission denied; save a *"])


@pytest.mark.parametrize(
    ("alter", "words"),
    [
        (lambda saved: saved.pop("machine_info"), "KeyError 'machine_info'"),
        (lambda saved: saved.update(datetime=None), "TypeError *"),
        (lambda saved: saved["machine_info"].update(cpu=None), "its machine_info's cpu is null, not names and values"),
        (lambda saved: saved["machine_info"].update(versions="x"), "its machine_info's versions is *"),
        (benchmarks(lambda one: one.pop("fullname")), "it holds a benchmark without a fullname"),
        (benchmarks(lambda one: one["stats"].pop("rounds")), "b1]: its rounds cannot be shown: absent"),
        (stat(outliers=None), "b1]: its outliers cannot be shown: None"),
        (stat(min="fast"), "b1]: its min cannot be compared: fast s"),
        (benchmarks(lambda one: one.pop("extra_info")), "b1]: it has no extra_info"),
    ],
)
def test_a_baseline_that_is_only_shown_must_be_fit_for_a_table(suite, baseline, alter, words):
    result = run(suite, baseline, TWO_SIZES, COMPARE, alter=alter)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --benchmark-compare: the baseline base.json cannot be used: *{words}*"])


def test_a_baseline_that_tells_no_processor_is_shown(suite, baseline):
    assert run(suite, baseline, TWO_SIZES, COMPARE, alter=lambda saved: saved["machine_info"].pop("cpu")).ret == 0


def test_a_baseline_that_is_only_shown_and_no_whole_run_is_named(suite, baseline):
    result = run(suite, baseline, TWO_SIZES, COMPARE, alter=lambda saved: saved.update(exit_status=2))
    assert result.ret == 0
    result.stdout.fnmatch_lines(["compare  base.json is no whole run: *its exit_status is 2, not 0"])


def saved_runs(suite):
    """Return the exit status of all saved runs, by their path below the machine's folder."""
    files = (suite.folder / ".benchmarks").rglob("*.json")
    return {"/".join(file.parts[-3:]): json.loads(file.read_text())["exit_status"] for file in files}


def listed(suite, storage):
    """Return the runs that pytest-benchmark finds in a storage."""
    result = suite.pytester.run(sys.executable, "-m", "pytest_benchmark", f"--storage=file://{storage}", "list")
    assert result.ret == 0
    return result.outlines


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_nothing_passes_in_silence(suite, baseline, scenario):
    for name, changes in scenario.sources.items():
        path = suite.folder / name
        for old, new in changes:
            assert old in path.read_text()
            path.write_text(path.read_text().replace(old, new))
    result = run(suite, baseline, *scenario.options, *scenario.compare, alter=scenario.alter)
    assert result.ret == scenario.exit
    assert fnmatch(" ".join([*result.outlines, *result.errlines]), f"*{scenario.words}*")


def test_what_is_the_same_passes_is_counted_and_saved_as_ever(suite, baseline):
    result = run(suite, baseline, TWO_SIZES, COMPARE, LIMIT, "--benchmark-save=same")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["compared 2 benchmarks with base.json: all within the limits"])
    result.stdout.no_fnmatch_line("refused*")
    ((path, status),) = saved_runs(suite).items()
    assert (path.split("/")[-1], status) == ("0001_same.json", 0)
    assert "refused" not in path


def test_a_new_benchmark_passes_where_it_is_allowed_and_is_told(suite, baseline):
    options = (TWO_SIZES, COMPARE, LIMIT, "--benchmark-allow-new")
    result = run(suite, baseline, *options, alter=lambda saved: saved["benchmarks"].pop())
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"new      {B3}: not in the baseline", "compared 1 benchmarks with base.json: all *"])


def test_a_refused_run_is_kept_where_nothing_takes_it_for_a_baseline(suite, baseline, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # pytest-benchmark's command imports ./conftest.py
    options = (TWO_SIZES, COMPARE, LIMIT, "--benchmark-autosave", "--benchmark-save-data")
    result = run(suite, baseline, *options, alter=times(0.05))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["results  .benchmarks/*/refused/*/0001_*.json", *SLOWER, "refused  this run is no baseline; *"]
    )
    ((path, status),) = saved_runs(suite).items()
    assert (path.split("/")[0], status) == ("refused", 1)
    (file,) = (suite.folder / ".benchmarks").rglob("*.json")
    assert all(benchmark["stats"]["data"] for benchmark in json.loads(file.read_text())["benchmarks"])
    assert [listed(suite, storage) for storage in (file.parents[2], file.parents[1])] == [[], [str(file)]]
    again = suite.run(TWO_SIZES, "--benchmark-compare=0001", LIMIT)
    again.stderr.fnmatch_lines(["*--benchmark-compare=0001 names 0 saved runs in *"])
    by_path = suite.run(TWO_SIZES, f"--benchmark-compare={file}", LIMIT)
    by_path.stderr.fnmatch_lines([f"*the baseline {file} cannot be used: *its exit_status is 1, not 0; *"])


def test_refused_runs_are_no_baselines_of_each_other_and_lose_nothing(suite, baseline):
    for _ in range(2):
        result = run(suite, baseline, TWO_SIZES, COMPARE, LIMIT, "--benchmark-save=slow", alter=times(0.05))
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        result.stdout.fnmatch_lines(SLOWER)
    assert [(path.split("/")[0], path.split("/")[-1]) for path in sorted(saved_runs(suite))] == [
        ("refused", "0001_slow.json"),
        ("refused", "0002_slow.json"),
    ]


def test_a_refused_run_is_written_where_a_person_named_a_file(suite, baseline):
    result = run(suite, baseline, TWO_SIZES, COMPARE, LIMIT, "--benchmark-json=out.json", alter=times(0.05))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["results  out.json", *SLOWER])
    assert len(suite.benchmarks()) == 2
    assert json.loads((suite.folder / "out.json").read_text())["exit_status"] == 1
    again = suite.run(TWO_SIZES, "--benchmark-compare=out.json", LIMIT)
    again.stderr.fnmatch_lines(["*the baseline out.json cannot be used: *its exit_status is 1, not 0; *"])


def test_a_failed_test_keeps_the_run_from_the_baselines(suite, baseline):
    suite.pytester.makepyfile(test_other="def test_other(): assert False, 'on purpose'")
    result = run(suite, baseline, TWO_SIZES, COMPARE, LIMIT, "--benchmark-save=bad")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "E*AssertionError: on purpose",
            "refused  this run is no baseline; what was measured is kept in .benchmarks/*/refused",
        ]
    )
    result.stdout.no_fnmatch_line("refused  test_latency.py*")  # the failed test is the only reason
    assert [*saved_runs(suite).values()] == [1]


def test_without_the_option_everything_is_as_ever(suite, baseline):
    result = run(suite, baseline, TWO_SIZES, COMPARE, "--benchmark-save=slow", alter=times(0.05))
    assert result.ret == 0
    result.stdout.no_fnmatch_line("refused*")
    result.stdout.no_fnmatch_line("compared*")
    assert [path.split("/")[-1] for path in saved_runs(suite)] == ["0001_slow.json"]
