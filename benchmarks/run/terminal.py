"""What a person sees besides pytest-benchmark's table: medians as they come, ratios, how far to trust, the files."""

import os
import signal
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from tabulate import tabulate

from benchmarks.measuring import trust
from benchmarks.measuring.accuracy import AccuracyError
from benchmarks.measuring.reference import ParityError
from benchmarks.measuring.sampler import SampleError
from benchmarks.protocol import PlatformError
from models.cifar100 import DataError
from models.manifest import ModelError

TOLD = "told"
DOUBTS = "doubts"
STARTED = pytest.StashKey[float]()
EXIT_STATUS = pytest.StashKey[int]()
RESULTS = pytest.StashKey[list["Result"]]()
# Errors whose message says all there is to say; a traceback would bury it.
EXPLAINED = (PlatformError, ParityError, AccuracyError, SampleError, ModelError, DataError)
COMPARE_OPTIONS = "--group-by=group --columns=min,median,iqr,rounds"
RATIO = "ratio_to_"  # and the partner's name, in extra_info
MARK = " (!)"  # an unstable benchmark, in pytest-benchmark's table

Result = dict[str, Any]  # a benchmark as pytest-benchmark shows it: statistics and extra_info in one


def pytest_configure(config: pytest.Config) -> None:
    """Remember when the run began, to tell its files from older ones; let a `kill` end like Ctrl-C, results saved."""
    config.stash[STARTED] = time.time()
    config.stash[RESULTS] = []
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the message alone of an error that explains itself."""
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, EXPLAINED):
        report.longrepr = call.excinfo.getrepr(style="value", chain=False)
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Show what a benchmark found instead of PASSED, and whether it is unstable."""
    told = dict(report.user_properties) if report.when == "call" and report.passed else {}
    if TOLD not in told:
        return None
    return "passed", ".", f"{told[TOLD]}{' (unstable)' if told.get(DOUBTS) else ''}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Remember how the run ended before pytest-benchmark saves it; it may have been refused just now."""
    session.config.stash[EXIT_STATUS] = int(session.exitstatus)
    return (yield)


def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    """Mark what was saved of an interrupted or failed run (0 is a whole one, else pytest's exit code), and doubts."""
    output_json["exit_status"] = config.stash[EXIT_STATUS]
    doubtful = {result["name"]: doubts(result) for result in output_json["benchmarks"]}
    output_json["unstable"] = {name: [*words.values()] for name, words in doubtful.items() if words}


@pytest.hookimpl(tryfirst=True)
def pytest_benchmark_group_stats(config: pytest.Config, benchmarks: list[Result]) -> None:
    """Mark unstable benchmarks in the table, and keep what a software GPU took out of it: that is no GPU's speed."""
    config.stash[RESULTS] += [result for result in benchmarks if result["path"] is None]  # not of a stored run
    benchmarks[:] = [result for result in benchmarks if not is_software(result)]
    for result in benchmarks:
        if doubts(result):
            result["name"], result["fullname"] = result["name"] + MARK, result["fullname"] + MARK


def doubts(result: Result) -> dict[str, str]:
    """Return what makes a benchmark doubtful, in words by the name of the check."""
    words: dict[str, str] = result["extra_info"].get("trust", {}).get("doubts", {})
    return words


def plain_name(result: Result) -> str:
    """Return the benchmark's name without the mark that the table gives it, wherever pytest-benchmark adds to it."""
    return str(result["name"]).replace(MARK, "")


def is_software(result: Result) -> bool:
    """Whether it was measured on a GPU that is simulated on the processor."""
    return bool(result["extra_info"].get("software_gpu"))


def milliseconds(seconds: float) -> str:
    """Write a time as people compare it: three digits at least, in milliseconds."""
    return f"{seconds * 1e3:,.3f} ms"


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    """End with the file that was saved and the command that compares it."""
    try:
        return (yield)
    finally:
        results = config.stash[RESULTS]
        for line in [*ratio_lines(results), *trust_lines(results)]:
            terminalreporter.write_line(line)
        program = _short(Path(sys.executable).parent / "pytest-benchmark")
        for saved in saved_files(config):
            terminalreporter.write_line(f"results  {saved}")
            terminalreporter.write_line(f"compare  {program} compare {saved} OTHER.json {COMPARE_OPTIONS}")


def ratio_lines(results: list[Result]) -> list[str]:
    """Return a table for each partner that took turns, processor time beside wall time."""
    lines: list[str] = []
    shown = [result for result in results if not is_software(result)]
    for name in dict.fromkeys(key for result in shown for key in result["extra_info"] if key.startswith(RATIO)):
        rows = [_ratio_row(result, name) for result in shown if name in result["extra_info"]]
        head = ["", "p10", "cpu/inference", "ratio", "95 %", "cpu ratio"]
        table = tabulate(rows, head, tablefmt="simple", stralign="right", colalign=("left",), disable_numparse=True)
        title = f"measured in turns with {name.removeprefix(RATIO).replace('_', '-')}: the ratio of their p10"
        lines += ["", title, *table.splitlines(), ""]
    return lines


def _ratio_row(result: Result, name: str) -> list[str]:
    info = result["extra_info"]
    ratio = info[name]
    statistic = "" if ratio["statistic"] == "p10" else f" of {ratio['statistic']}s"
    return [
        f"{result['param']}{MARK if doubts(result) else ''}",
        milliseconds(result["mean"] if ratio["statistic"] == "mean" else info["p10"]) if "p10" in info else "",
        milliseconds(info["cpu_seconds_per_inference"]) if "cpu_seconds_per_inference" in info else "",
        f"{ratio['value']:.2f}×{statistic}",
        f"{ratio['low']:.2f} to {ratio['high']:.2f}" if "low" in ratio else "",
        f"{ratio['cpu']:.2f}×" if "cpu" in ratio else "",
    ]


def trust_lines(results: list[Result]) -> list[str]:
    """Return how far the run can be trusted, each doubt with what to do about it, and what was no speed at all."""
    known = [result for result in results if "trust" in result["extra_info"]]
    if not known:
        return []
    unstable = [result for result in known if doubts(result)]
    others = [
        found["other_programs"] for result in known if "other_programs" in (found := result["extra_info"]["trust"])
    ]
    load = f"; other programs used {min(others):.1f} to {max(others):.1f} cores meanwhile" if others else ""
    return [
        f"trust    {len(known) - len(unstable)} of {len(known)} benchmarks were stable{load}",
        *(f"unstable {plain_name(result)}: {'; '.join(doubts(result).values())}" for result in unstable),
        *(f"advice   {words}" for words in trust.advice(name for result in unstable for name in doubts(result))),
        *(f"software {plain_name(result)}: on a simulated GPU, in no table" for result in known if is_software(result)),
    ]


def saved_files(config: pytest.Config) -> list[Path]:
    """Return the JSON files that pytest-benchmark wrote in this run, shortest way from here."""
    named: Path | None = config.getoption("benchmark_json")
    storage = Path(str(config.getoption("benchmark_storage")).removeprefix("file://"))
    files = [*([named] if named else []), *storage.rglob("*.json")]
    # File systems keep times in steps, of up to a few milliseconds.
    return [_short(file) for file in files if file.exists() and file.stat().st_mtime >= config.stash[STARTED] - 0.01]


def _short(path: Path) -> Path:
    absolute = Path(os.path.abspath(path))  # links are kept: a virtual environment's programs are links
    return absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute
