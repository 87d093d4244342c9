"""``--benchmark-compare-fail`` fails closed: what could not be compared is refused, and never the next baseline.

pytest-benchmark compares what both runs have and ignores the rest: benchmarks that were renamed or skipped, a baseline
that is empty or another machine's, times that are no numbers. Here the baseline's machine is compared with this one
before anything is measured, and the run with the baseline before it is saved. A refused run goes into a folder of the
storage that no query of pytest-benchmark's reaches, and its files carry an ``exit_status`` that is not 0.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.session import PerformanceRegression
from pytest_benchmark.storage.file import FileStorage

from benchmarks.platforms import PLATFORMS
from benchmarks.results import NotARunError, Result, Run, alike, load
from benchmarks.results.regression import OPTION, RENEW, changed, damages, differences, faults
from benchmarks.run.choices import Target
from benchmarks.settings import settings_of
from models.files import relative

BASELINE_OPTION = "--benchmark-compare"
USED = ("benchmarks", "disabled", "skip", "storage", "logger", "machine_id")  # of pytest-benchmark's session
REFUSED = "refused"  # a folder of the storage, whose files lie one level deeper than a query looks

BASELINES = pytest.StashKey[list[Run]]()
OUTCOMES = pytest.StashKey[dict[str, str]]()  # of what did not pass, by the test's id
LINES = pytest.StashKey[list[str]]()  # to be written at the end, and then taken out


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what lets a new benchmark pass."""
    words = f"with {OPTION}: let benchmarks pass that the baseline does not have"
    parser.getgroup("client or server").addoption("--benchmark-allow-new", action="store_true", help=words)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a command line that would compare less than it seems to."""
    config.stash[BASELINES], config.stash[OUTCOMES], config.stash[LINES] = [], {}, []
    if limits(config):
        _check_command_line(config)
    elif config.getoption("benchmark_allow_new"):
        raise pytest.UsageError(f"--benchmark-allow-new has no effect without {OPTION}")
    if _is_file(name := config.getoption("benchmark_compare")):
        _check_files(config, [Path(name)])


def _check_command_line(config: pytest.Config) -> None:
    for option, example in (
        (OPTION, f"with several values: {OPTION} min:10% mean:15%"),
        (BASELINE_OPTION, "with a name"),
    ):
        if (times := times_given(config, option)) > 1:
            raise pytest.UsageError(
                f"{option} is given {times} times, and only the last would count; give it once, {example}"
            )
    if config.getoption("benchmark_compare") in ([], "", True):
        raise pytest.UsageError(
            f"{OPTION} needs a baseline by name: {BASELINE_OPTION}=0001, or =FILE; "
            "the latest saved run moves with every change for the worse"
        )


def _is_file(name: object) -> bool:
    """Whether a baseline is named as a file, and not by its number or a pattern in the storage."""
    return isinstance(name, str) and (name.endswith(".json") or len(Path(name).parts) > 2 or Path(name).exists())


def _check_files(config: pytest.Config, files: Iterable[Path]) -> None:
    """Refuse a file that holds no run: pytest-benchmark would pass over it, or end with a traceback."""
    for file in files:
        try:
            load(file)
        except NotARunError as error:
            raise _unusable(config, file, [f"it is {error.why}"]) from error


def limits(config: pytest.Config) -> Sequence[Any]:
    """Return pytest-benchmark's checks, one for each value of the option; none where it is not given."""
    return config.getoption("benchmark_compare_fail") or ()


def times_given(config: pytest.Config, option: str) -> int:
    """Return how often an option is given, in the configuration, the environment and on the command line together."""
    reader = argparse.ArgumentParser(fromfile_prefix_chars="@", allow_abbrev=False, add_help=False)
    reader.add_argument(option, action="append", nargs="*", dest="values")
    environment = shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
    words = [*config.getini("addopts"), *environment, *map(str, config.invocation_params.args)]
    return len(reader.parse_known_args(words)[0].values or ())


@pytest.hookimpl(tryfirst=True)
def pytest_benchmark_compare_machine_info(
    config: pytest.Config, machine_info: dict[str, Any], compared_benchmark: dict[str, Any]
) -> None:
    """Refuse a baseline that is no whole run, or another machine's, before anything is measured.

    Without limits nothing is judged: what can stand in a table is shown, and a run that is no whole one is named.
    """
    name, is_judged = _name_of_baseline(config), bool(limits(config))
    try:
        baseline = Run.of(compared_benchmark, Path(name))
    except NotARunError as error:
        raise _unusable(config, name, [f"it is {error.why}"]) from error
    wrong = [*faults(baseline)]
    if not all("fullname" in benchmark for benchmark in compared_benchmark["benchmarks"]):
        raise _unusable(config, name, ["it holds a benchmark without a fullname, by which it would be found"])
    if reasons := wrong if is_judged else [*damages(baseline)]:
        raise _unusable(config, name, reasons)
    if is_judged and (reasons := [*machine_differences(config, machine_info, baseline)]):
        raise _unusable(config, name, reasons)
    if wrong:
        config.stash[LINES].append(f"compare  {name} is no whole run: {'; '.join(wrong)}")
    config.stash[BASELINES].append(baseline)


def _name_of_baseline(config: pytest.Config) -> str:
    name = config.getoption("benchmark_compare")
    return "of the latest saved run" if name is True else str(name)


def _unusable(config: pytest.Config, name: object, reasons: Sequence[str]) -> pytest.UsageError:
    option = OPTION if limits(config) else BASELINE_OPTION
    return pytest.UsageError(f"{option}: the baseline {name} cannot be used: {'; '.join(reasons)}; {RENEW}")


def machine_differences(config: pytest.Config, machine_info: Mapping[str, Any], baseline: Run) -> Iterator[str]:
    """Yield what differs between this machine and the baseline's, in what is there and in what its benchmarks use."""
    yield from changed(alike.of_machine(baseline.machine), alike.of_machine(machine_info))
    platforms = dict.fromkeys(Target.of(label).platform for result in baseline.results if (label := _label_of(result)))
    used = [PLATFORMS[name] for name in platforms if name in PLATFORMS]
    packages = (package for platform in used for package in platform.versions(settings_of(config)))
    yield from changed(baseline.versions, {package: machine_info["versions"][package] for package in packages})


def _label_of(result: Result) -> str:
    return str(result.params.get("platform", ""))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse a run that would time nothing, or has no baseline to be compared with."""
    config = session.config
    if limits(config):
        _check_what_is_timed(config)
    if isinstance(name := config.getoption("benchmark_compare"), str) and name:
        _check_what_is_found(config, name)


def _check_what_is_timed(config: pytest.Config) -> None:
    benchmarks = _benchmarks_of(config)
    if benchmarks.skip or benchmarks.disabled:
        why = "--benchmark-skip" if benchmarks.skip else "--benchmark-disable or pytest-xdist"
        raise pytest.UsageError(
            f"{OPTION}: nothing is timed under {why}; leave out --benchmark-skip, --benchmark-disable, -n and --dist"
        )


def _check_what_is_found(config: pytest.Config, name: str) -> None:
    """Refuse a name that stands for no saved run, for one that cannot be read, or, with limits, for several."""
    storage: Any = getattr(config.pluginmanager.get_plugin("pytest-benchmark"), "storage", None)
    if isinstance(storage, FileStorage):
        _check_files(config, storage.query(name))
    number = len(config.stash[BASELINES])
    if number == 0 or (limits(config) and number > 1):
        raise pytest.UsageError(
            f"{OPTION if limits(config) else BASELINE_OPTION}: {BASELINE_OPTION}={name} names {number} saved runs "
            f"in {storage}, not one; name a file, or a number that is there"
        )


def _benchmarks_of(config: pytest.Config) -> Any:
    """Return pytest-benchmark's session; its attributes are not documented: raise UsageError where one is missing."""
    benchmarks: Any = config.pluginmanager.get_plugin("pytest-benchmark")
    if missing := [name for name in USED if not hasattr(benchmarks, name)]:
        raise pytest.UsageError(
            f"{OPTION}: the session of pytest-benchmark {version('pytest-benchmark')} has no {', '.join(missing)}; "
            "install the version that pyproject.toml names"
        )
    if not isinstance(benchmarks.storage, FileStorage):
        raise pytest.UsageError(
            f"{OPTION}: a refused run could not be kept apart in {benchmarks.storage}; "
            "name a folder: --benchmark-storage=file://FOLDER"
        )
    return benchmarks


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Remember what was left out."""
    for item in items:
        item.config.stash[OUTCOMES][item.nodeid] = "deselected"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember what did not pass, also where it was measured before it was skipped, failed or failed as expected."""
    report = yield
    if not report.passed:
        item.config.stash[OUTCOMES][item.nodeid] = "xfailed" if hasattr(report, "wasxfail") else report.outcome
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Compare the run with the baseline before pytest-benchmark saves it; a refused one fails and is saved apart."""
    if limits(session.config):
        _judge(session)
    return (yield)


def _judge(session: pytest.Session) -> None:
    config, benchmarks = session.config, _benchmarks_of(session.config)
    (baseline,) = config.stash[BASELINES]
    before, now = baseline.by_name, _measured(config, benchmarks)
    refusals = [*_refusals(config, before, now)]
    if not refusals and session.exitstatus == pytest.ExitCode.OK:
        name = config.getoption("benchmark_compare")
        new = [f"new      {name}: not in the baseline" for name in sorted(now.keys() - before.keys())]
        config.stash[LINES] = [*new, f"compared {len(before)} benchmarks with {name}: all within the limits"]
        return
    if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    config.stash[LINES] = [*(f"refused  {line}" for line in refusals), *_kept_apart(config, benchmarks)]


def _measured(config: pytest.Config, benchmarks: Any) -> dict[str, Result]:
    """Return what this run measured in tests that passed."""
    sound = [metadata for metadata in benchmarks.benchmarks if metadata and not metadata.has_error]
    passed = [metadata for metadata in sound if metadata.fullname not in config.stash[OUTCOMES]]
    return {metadata.fullname: Result.of(metadata.as_dict()) for metadata in passed}


def _refusals(config: pytest.Config, before: Mapping[str, Result], now: Mapping[str, Result]) -> Iterator[str]:
    """Yield why the run does not pass, a line for each benchmark and reason."""
    outcomes = config.stash[OUTCOMES]
    for name in sorted(before.keys() - now.keys()):
        why = outcomes.get(name) or "not run: not chosen, deleted, renamed, or another --rootdir?"
        yield f"{name}: in the baseline and not measured ({why}); measure all of the baseline, or {RENEW}"
    if not config.getoption("benchmark_allow_new"):
        for name in sorted(now.keys() - before.keys()):
            yield f"{name}: measured and not in the baseline; let it pass with --benchmark-allow-new, or {RENEW}"
    for name in sorted(before.keys() & now.keys()):
        yield from (f"{name}: {why}" for why in differences(before[name], now[name], limits(config)))


def _kept_apart(config: pytest.Config, benchmarks: Any) -> list[str]:
    """Have the run saved where ``--benchmark-compare`` and ``pytest-benchmark compare`` find it by its path alone."""
    if not (benchmarks.benchmarks and any(config.getoption(f"benchmark_{name}") for name in ("save", "autosave"))):
        return []
    folder = benchmarks.storage.path / REFUSED
    benchmarks.storage = FileStorage(folder, benchmarks.logger, benchmarks.machine_id)
    return [f"refused  this run is no baseline; what was measured is kept in {relative(folder)}"]


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    """End with what was refused, in the place of pytest-benchmark's traceback."""
    lines, config.stash[LINES] = config.stash[LINES], []
    try:
        yield
    except PerformanceRegression:
        # pytest-benchmark's own look also differs where samples are of more inferences in one run than in the other.
        if not any(line.startswith(("refused", "compared")) for line in lines):
            raise
    finally:
        for line in lines:
            terminalreporter.write_line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Tell what was refused also where there was no summary."""
    for line in config.stash.get(LINES, []):
        sys.stderr.write(f"{line}\n")
