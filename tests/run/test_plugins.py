"""The order of the plugins in the root conftest carries no weight: in any, a run ends, says and saves the same."""

import json
import random
import re

import pytest
from helpers import FAKE_PLATFORMS, ROOT, Suite

ORDERS = {
    "given": lambda plugins: plugins,
    "reversed": lambda plugins: plugins[::-1],
    "shuffled": lambda plugins: random.Random(20231).sample(plugins, len(plugins)),
}
# Of all doubts the one that the platform tells of itself, whatever else this machine does meanwhile.
ONE_DOUBT = "from benchmarks.measuring import trust\ntrust.CHECKS = trust.CHECKS[1:2]\n"
SAVE = ("--benchmark-save=run", "--benchmark-max-time=0.02")
REFUSE = ("--benchmark-compare=base.json", "--benchmark-compare-fail=min:100%")


def the_plugins():
    """Return those that the root conftest names, in its order."""
    (listed,) = re.findall(r"^pytest_plugins = \(\n(.*?)^\)", (ROOT / "conftest.py").read_text(), re.M | re.S)
    return re.findall(r'"(.+)"', listed)


def run(pytester, order, *options):
    """Run the suite with the plugins in that order; return how it ended, what it said and what it saved."""
    suite = Suite(pytester, ONE_DOUBT + FAKE_PLATFORMS)
    with (suite.folder / "conftest.py").open("a") as conftest:
        conftest.write(f"\npytest_plugins = {ORDERS[order](the_plugins())}\n")
    # Of one start: how several scatter differs from run to run, and so do the words for it.
    result = suite.run("--starts=1", *SAVE, *options)
    assert "warning" not in result.stdout.str().lower()
    return result.ret, said(result.outlines), said(result.errlines), saved(suite.folder / ".benchmarks")


def said(lines):
    """Return the lines without what differs from run to run: figures, how wide they are, and whether there is a p95."""
    text = re.sub(r"; other programs used .* meanwhile", "", "\n".join(lines)).replace("p95 ms", "")
    text = re.sub(r">?\d+([.,]\d+)*", "#", text)
    return [re.sub(r"# (# )+", "# ", re.sub(r"[-= ]+", " ", line)) for line in text.splitlines()]


def saved(storage):
    """Return of each saved run where it lies, how it ended and what of it is doubtful; then make room for the next."""
    runs = []
    for file in sorted(storage.rglob("*.json")):
        content = json.loads(file.read_text())
        runs.append((file.relative_to(storage), content["exit_status"], content["unstable"]))
        file.unlink()
    return runs


def test_all_plugins_are_listed():
    hooks = re.compile(r"^def pytest_|^@pytest\.fixture", re.M)
    modules = [file for file in (ROOT / "benchmarks" / "run").rglob("*.py") if hooks.search(file.read_text())]
    names = [file.relative_to(ROOT).with_suffix("").parts for file in modules]
    assert sorted(the_plugins()) == sorted(".".join(name).removesuffix(".__init__") for name in names)


def test_a_run_that_is_saved_and_doubtful_is_the_same(pytester, outside_xdist, monkeypatch):
    monkeypatch.setenv("FAKE_SHARE", "0.5")
    outcomes = {order: run(pytester, order) for order in ORDERS}
    code, lines, _errors, runs = outcomes["given"]
    assert (code, len(runs)) == (pytest.ExitCode.OK, 1)
    assert [*runs[0][2]] == ["test_latency[resnet8-fake-b1]"]
    assert any(line.startswith("unstable # of #: had a core for #% of the time (resnet# fake b#)") for line in lines)
    assert outcomes == dict.fromkeys(ORDERS, outcomes["given"])


def test_a_run_that_is_refused_is_the_same(pytester, outside_xdist, monkeypatch):
    monkeypatch.setenv("FAKE_SHARE", "1")
    run(pytester, "given", "--benchmark-json=base.json")
    monkeypatch.setenv("FAKE_SECONDS", "1e-3")
    outcomes = {order: run(pytester, order, *REFUSE) for order in ORDERS}
    code, lines, _errors, ((path, status, _unstable),) = outcomes["given"]
    assert (code, status, path.parts[1]) == (pytest.ExitCode.TESTS_FAILED, 1, "refused")
    starts = [line.split()[0] for line in lines if line.startswith(("trust", "results", "compare", "refused"))]
    assert starts == ["trust", "results", "compare", "refused", "refused"]
    assert outcomes == dict.fromkeys(ORDERS, outcomes["given"])


def test_a_baseline_of_something_else_is_refused_in_the_same_words(pytester, outside_xdist):
    (pytester.path / "base.json").write_text('{"benchmarks": []}')
    outcomes = {order: run(pytester, order, *REFUSE) for order in ORDERS}
    code, _lines, errors, _runs = outcomes["given"]
    assert code == pytest.ExitCode.USAGE_ERROR
    assert any("baseline base.json cannot be used: it is no run of this suite: KeyError" in line for line in errors)
    assert outcomes == dict.fromkeys(ORDERS, outcomes["given"])
