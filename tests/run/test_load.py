"""A server under load, as a phase: what is measured, what is refused, and what is said of it."""

from types import SimpleNamespace

import onnx  # noqa: F401 (here: pytester forgets what a test imports, and it cannot be imported twice)
import pytest
from helpers import Suite, make_linear

from benchmarks.loadgen import COMPLIANCE, Outcome, Plan, loadgen_version
from benchmarks.loadgen.trial import Trial
from benchmarks.measuring import trust
from benchmarks.measuring.starts import Figure
from benchmarks.platforms import PLATFORMS
from benchmarks.protocol import Block, Facts
from benchmarks.run import load
from benchmarks.run.choices import PHASES
from benchmarks.run.load import _teller
from benchmarks.run.selection import Selection

needs_loadgen = pytest.mark.skipif(loadgen_version() is None, reason="it has wheels for some versions of Python only")
WITHOUT = "from benchmarks.loadgen import plan\nplan.PACKAGE = 'no-such-package'\n"
# Of few queries, as near to the border as matters here, and within a bound that no pause of a busy machine reaches.
COARSE = """
from functools import partial
from benchmarks import loadgen
loadgen.Plan = partial(loadgen.Plan, queries=500, precision=0.5)
"""
QUICK = ("-m", "throughput", "--trial-seconds=0.1")


@pytest.fixture
def start(pytester, outside_xdist):
    def run(*options, prelude="", platform="server-cpu", model="resnet8"):
        suite = Suite(pytester, prelude, phases=["throughput"])
        return suite, suite.run(*QUICK, *options, platform=platform, model=model)

    return run


@needs_loadgen
def test_a_server_is_put_under_load_once_and_reported_by_each_scenario(start, tmp_path):
    model = make_linear(tmp_path / "linear.onnx")
    suite, result = start("-v", "--benchmark-json=out.json", "--p99=300", prelude=COARSE, model=model)
    result.assert_outcomes(passed=3)
    lines = [line for line in result.outlines if line.startswith("load ")]
    assert sum("SingleStream" in line for line in lines) == 1, "all three are of one load"
    result.stdout.fnmatch_lines(
        [
            "load     linear.onnx, server-cpu, * worker*: SingleStream: p50 * ms, p90 * ms, p99 * ms, * queries",
            "load     linear.onnx, server-cpu, * worker*: Server */s: p50 * ms, p99 * ms, within 300 ms, * queries",
            f"*test_server[[]linear.onnx-server-cpu-b1] */s within p99 300 ms, * worker* ({COMPLIANCE})*",
            f"queries that arrive by chance of linear.onnx, batch 1; {COMPLIANCE}*",
            "*queries/s * within p99 ms *",
        ]
    )
    single, offline, server = suite.benchmarks()
    for benchmark in (single, offline, server):
        info = benchmark["extra_info"]
        assert (info["compliance"], info["clock"]) == (COMPLIANCE, f"LoadGen {loadgen_version()}")
        assert (info["workers"], info["parity"] < 1e-4, info["batch_size"]) == (
            server["extra_info"]["workers"],
            True,
            1,
        )
        assert {trial["scenario"] for trial in info["trials"]} == {info["scenario"]}
    assert len(single["stats"]["data"]) == single["extra_info"]["trials"][0]["queries"] >= 500
    assert "queries_per_second" not in single["extra_info"]
    rate = offline["extra_info"]["queries_per_second"]
    assert rate["low"] < rate["value"] < rate["high"]
    assert min(offline["stats"]["data"]) < 1 / rate["value"] < max(offline["stats"]["data"])
    info = server["extra_info"]
    assert info["p99_bound"] == 0.3
    assert len(server["stats"]["data"]) in {trial["queries"] for trial in info["trials"] if trial["verdict"] == "valid"}
    assert info["queries_per_second"]["value"] in {trial["rate"] for trial in info["trials"]}


@needs_loadgen
def test_a_bound_that_no_query_keeps_fails_one_scenario_alone(start):
    _, result = start("--p99=0.001")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["server-cpu: no rate is carried within p99 0.001 ms: p90 of a query alone is * ms; *"])


def test_without_timing_the_answers_are_checked_and_loadgen_is_not_needed(start):
    _, result = start("--benchmark-disable", prelude=WITHOUT)
    result.assert_outcomes(passed=3)


def test_without_loadgen_it_is_said_what_brings_it(start):
    _, result = start(prelude=WITHOUT)
    result.assert_outcomes(errors=3)
    words = "server-cpu: -m throughput: no-such-package is not installed; run `tox run -e bench-remote`"
    assert result.outlines.count(words) == 3
    _, result = start(prelude=WITHOUT, platform=None)
    result.assert_outcomes(skipped=3)


def test_a_client_is_no_server(start):
    _, result = start(platform="chromium-wasm")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    words = "ERROR: --platform chromium-wasm: the throughput under MLPerf LoadGen's load is of platforms that many can"
    assert any(line.startswith(words) for line in result.errlines)
    targets = Selection(platforms=("all",)).targets_of(PHASES["throughput"])
    assert {PLATFORMS[target.platform].side for target in targets} == {"server"}


def test_somebodys_server_is_not_loaded_without_being_told_to(start):
    url = "--server-url=http://127.0.0.1:9"
    _, result = start(url, platform="remote-url")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    words = "ERROR: --server-url http://127.0.0.1:9: -m throughput sends it all the queries that it bears; add "
    assert words + "--yes-load-that-server if it is yours" in result.errlines
    _, result = start(url, "--yes-load-that-server", platform="remote-url")
    assert result.ret == pytest.ExitCode.TESTS_FAILED, "it was asked, and nobody is there"


def trial(**other):
    usual = {"scenario": "Server", "rate": 100.0, "verdict": "valid", "queries": 1000, "seconds": 10.0}
    return Trial(**{**usual, "is_given_up": False, "percentiles": {50: 0.001, 90: 0.002, 99: 0.0123}, **other})


LOADED = SimpleNamespace(plan=Plan(), workers=2)


def test_no_figure_is_shown_without_its_label():
    rate = Outcome((trial(),), (0.001,), Figure(1189.2, 4, 1189.2, 1297.0))
    assert load.headline(rate, LOADED) == f"1,189/s within p99 20 ms, 2 workers ({COMPLIANCE})"
    single = Outcome((trial(scenario="SingleStream"),), (0.001,))
    assert load.headline(single, LOADED) == f"p50 1 ms, p90 2 ms, p99 12.3 ms ({COMPLIANCE})"
    assert "not compliant with MLPerf's rules" in COMPLIANCE


def test_a_late_generator_and_a_rate_that_was_luck_are_doubted():
    facts = Facts("server-cpu", "CPU", 1, "LoadGen", 1e-9)
    loaded = SimpleNamespace(plan=Plan(), facts=facts, before=trust.read(), after=trust.read())
    blocks = [Block([0.01], {}, None)]

    def doubts(contradicts, *trials):
        return load._trust(Outcome(trials, (0.01,), is_contradictory=contradicts), loaded, blocks)["doubts"]

    assert not doubts(False, trial(lateness=0.0019), trial(lateness=0.1, verdict="over")).keys() & {"lateness"}
    assert doubts(False, trial(lateness=0.0021))["lateness"].startswith("LoadGen itself asked up to 2.1 ms late")
    assert "contradiction" in doubts(True, trial())


def test_what_is_not_known_of_a_trial_is_left_out():
    given_up = trial(verdict="over", is_given_up=True, percentiles={}).to_json()
    assert given_up == {
        "scenario": "Server",
        "rate": 100.0,
        "verdict": "over",
        "queries": 1000,
        "seconds": 10.0,
        "given_up": True,
    }


def test_trials_are_told_with_v_and_without_it_that_they_are_made():
    def told(verbosity):
        lines = []
        reporter = SimpleNamespace(ensure_newline=lambda: None, write_line=lines.append)
        plugins = SimpleNamespace(get_plugin=lambda _: reporter)
        config = SimpleNamespace(pluginmanager=plugins, get_verbosity=lambda: verbosity)
        tell = _teller(config, "net, server-cpu, 2 workers")
        tell("Offline: 9/s")
        return lines

    assert told(1) == ["load     net, server-cpu, 2 workers: Offline: 9/s"]
    assert told(0) == ["load     net, server-cpu, 2 workers: looks for the rates that are carried; -v shows each trial"]
