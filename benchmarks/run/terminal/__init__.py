"""What a person sees at the end of a run: a table of our own, how far to trust it, what else to know, the files."""

import os
import shlex
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.loadgen import LoadError
from benchmarks.measuring.accuracy import AccuracyError
from benchmarks.measuring.parity import ParityError
from benchmarks.measuring.sampler import SampleError
from benchmarks.protocol import PlatformError
from benchmarks.results.saved import Result
from benchmarks.results.tidy import DOUBT, Measured
from benchmarks.run.budget import budget_lines
from benchmarks.run.compare_fail import times_given
from benchmarks.run.progress import PROGRESS
from benchmarks.run.saving import SAVED, UNSAVED
from benchmarks.run.screen import Screen
from benchmarks.run.terminal.doubts import trust_lines
from benchmarks.run.terminal.gathered import listed
from benchmarks.run.terminal.notes import (
    decided_lines,
    made_up_lines,
    mark_lines,
    network_lines,
    parity_lines,
    refused_lines,
    row_lines,
)
from benchmarks.run.terminal.table import Line, Tables, tables
from benchmarks.run.weaker import client_lines
from models.cifar100 import DataError
from models.manifest import ModelError
from models.names import shown as printable

# Errors whose message says all there is to say; a traceback would bury it.
EXPLAINED = (PlatformError, ParityError, AccuracyError, SampleError, ModelError, DataError, LoadError)
ROOT = Path(__file__).parents[3]
EVERYTHING = 2  # of pytest's verbosity: -vv
COLUMNS = ["min", "median", "mean", "max", "iqr", "ops", "rounds"]  # of pytest-benchmark's table, where nobody says
# What asks for pytest-benchmark's own table: each is of nothing else, or, as the histogram, is made by it.
ASKS_FOR_BLOCKS = ("columns", "sort", "name", "group-by", "time-unit", "histogram", "compare", "cprofile", "verbose")

Header = list[str | Sequence[str]]
RESULTS = pytest.StashKey[list[Result]]()
BLOCKS = pytest.StashKey[bool]()  # whether pytest-benchmark's table was asked for


def pytest_configure(config: pytest.Config) -> None:
    """Begin with no results; see whether pytest-benchmark's table is asked for, and say what it has where nobody does.

    Not in pyproject.toml: there the columns would pass for asked for. pytest-benchmark reads the option after this.
    """
    config.stash[RESULTS], config.stash[BLOCKS] = [], asks_for_blocks(config)
    if config.option.benchmark_columns is None:
        config.option.benchmark_columns = COLUMNS


def asks_for_blocks(config: pytest.Config) -> bool:
    """Whether somebody asks for pytest-benchmark's own table: with -v, or with an option that is of it alone."""
    return config.get_verbosity() > 0 or any(times_given(config, f"--benchmark-{name}") for name in ASKS_FOR_BLOCKS)


@pytest.hookimpl(wrapper=True)
def pytest_report_header(config: pytest.Config) -> Generator[None, Header, Header]:
    """Leave out pytest-benchmark's defaults: most are not this suite's, and the line is wider than any screen."""
    lines = yield
    return lines if config.stash[BLOCKS] else [line for line in lines if not str(line).startswith("benchmark: ")]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the message alone of an error that explains itself; with -vv also what led to it, such as a page's stack."""
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, EXPLAINED):
        report.longrepr = _in_a_line(call.excinfo).getrepr(style="value", chain=False)
        if item.config.get_verbosity() < EVERYTHING:
            report.sections = []  # what a runtime logged of the same error
        else:
            report.sections += [("where it was raised", note) for note in notes(call.excinfo.value)]
    return report


def _in_a_line(raised: "pytest.ExceptionInfo[BaseException]") -> "pytest.ExceptionInfo[Exception]":
    """Return an error whose words drive no terminal, whatever a graph calls its inputs."""
    words = printable(str(raised.value)) or repr(raised.value)
    return pytest.ExceptionInfo.from_exception(Exception(words).with_traceback(raised.tb))


def notes(error: BaseException | None) -> Iterator[str]:
    """Yield what was noted of an error and of those that led to it."""
    while error is not None:
        yield from getattr(error, "__notes__", ())
        error = error.__cause__


@pytest.hookimpl(tryfirst=True)
def pytest_benchmark_group_stats(config: pytest.Config, benchmarks: list[dict[str, Any]]) -> None:
    """Mark unstable benchmarks in the table, and keep what a software GPU took out of it: that is no GPU's speed."""
    shown = [(benchmark, Result.of(benchmark)) for benchmark in benchmarks]
    config.stash[RESULTS] += [result for benchmark, result in shown if benchmark["path"] is None]  # not a stored run's
    benchmarks[:] = [benchmark for benchmark, result in shown if not result.is_software]
    for benchmark, result in shown:
        if result.doubts:
            benchmark["name"], benchmark["fullname"] = (
                f"{benchmark['name']} {DOUBT}",
                f"{benchmark['fullname']} {DOUBT}",
            )


@pytest.hookimpl(wrapper=True, trylast=True)  # inside compare_fail's: what was refused is told after the files
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    """End with the table, how far to trust it, the file that was saved and the command that compares it."""
    if not config.stash[BLOCKS]:
        _keep_blocks_away(config)
    try:
        return (yield)
    finally:
        screen, is_verbose = Screen.of(terminalreporter, config), config.get_verbosity() > 0
        found = tables([Measured(result) for result in config.stash[RESULTS]], screen, everything=is_verbose)
        _write(terminalreporter, found.lines)
        missing = _without_figures(terminalreporter, config.stash[PROGRESS].number) if found.lines else ()
        for line in screen.fit([*missing, *_more(found, config), *_told(config, is_verbose)]):
            terminalreporter.write_line(line)
        for line in _files(config):  # whole, wherever the screen ends: they are there to be copied
            terminalreporter.write_line(line)


def _keep_blocks_away(config: pytest.Config) -> None:
    """Keep pytest-benchmark's table off the screen, and nothing else.

    Of its session ``quiet`` is asked by ``display()`` alone, for the tables (with the histograms in them) and for
    cProfile's, and each of those has an option in ASKS_FOR_BLOCKS. The option --benchmark-quiet would also silence its
    logger; what that says of files and baselines stays, and so do saving and the check of limits, which ``display()``
    makes either way. If a later version names it otherwise, its table is back, and a test says so.
    """
    benchmarks: Any = config.pluginmanager.get_plugin("pytest-benchmark")
    if benchmarks is not None:
        benchmarks.quiet = True


def _write(reporter: pytest.TerminalReporter, lines: Iterable[Line]) -> None:
    """Write a table; the marks stand there in words, and in colour as well where there is any."""
    lines = [*lines]
    for line in lines:
        reporter.write(line.text if line.mark else line.text.rstrip(), bold=line.is_head)
        reporter.write_line(line.mark, yellow=bool(line.mark))
    if lines:
        reporter.write_line("")


def _without_figures(reporter: pytest.TerminalReporter, number: int) -> Iterator[str]:
    """Yield what is in no table and was chosen: what failed, and what a run that was stopped did not come to."""
    failed = _ids(reporter, "failed", "error")
    if failed:
        names = [printable(name.rpartition("::")[2].removeprefix("test_")) for name in failed]
        yield f"failed   {len(failed)} of {number}, as told above: {listed(names)}"
    if (rest := number - len(failed.keys() | _ids(reporter, "passed", "skipped"))) > 0:
        yield f"stopped  {rest} of {number} were not measured"


def _ids(reporter: pytest.TerminalReporter, *outcomes: str) -> dict[str, None]:
    """Return the tests that ended so, each once."""
    return dict.fromkeys(report.nodeid for outcome in outcomes for report in reporter.stats.get(outcome, ()))


def _more(found: Tables, config: pytest.Config) -> list[str]:
    """Say what was left out, and how it is seen."""
    blocks = [] if config.stash[BLOCKS] else ["pytest-benchmark's own tables"]
    return (
        [f"more     -v shows {', '.join([*found.hidden, *blocks])}"] if found.lines and (found.hidden or blocks) else []
    )


def _told(config: pytest.Config, is_verbose: bool) -> Iterator[str]:
    """Yield all that must be known beside the figures."""
    results = config.stash[RESULTS]
    yield from trust_lines(results, each=is_verbose)
    yield from mark_lines(results)
    yield from row_lines(results)
    yield from network_lines(results)
    yield from client_lines(results)
    yield from budget_lines(results, config.getoption("memory_budget"))
    yield from made_up_lines(results)
    yield from parity_lines(results, each=is_verbose)
    yield from refused_lines()
    yield from decided_lines(results, in_full=is_verbose)


def _files(config: pytest.Config) -> Iterator[str]:
    """Yield where the run was saved, and how it is compared: with what this Python has, so that nothing is set up."""
    inside = [] if Path.cwd() == ROOT else [f"PYTHONPATH={shlex.quote(str(ROOT))}"]
    program = " ".join([*inside, shlex.quote(str(_short(Path(sys.executable)))), "-m benchmarks.compare"])
    for saved in [_short(file) for file in config.stash[SAVED]]:
        yield f"results  {saved}"
        yield f"compare  {program} {shlex.quote(str(saved))} OTHER.json"
    yield from (f"problem  {problem}" for problem in config.stash[UNSAVED])
    if config.stash[RESULTS] and not [*config.stash[SAVED], *config.stash[UNSAVED]]:
        yield "results  are in no file: --benchmark-autosave saves them, or --benchmark-json FILE"


def _short(path: Path) -> Path:
    absolute = Path(os.path.abspath(path))  # links are kept: a virtual environment's programs are links
    return absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute
