"""What a person sees besides pytest-benchmark's table: each median as it is measured, and where the results lie."""

import os
import signal
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from benchmarks.accuracy import AccuracyError
from benchmarks.protocol import PlatformError
from benchmarks.reference import ParityError
from benchmarks.sampler import SampleError
from models.cifar100 import DataError
from models.manifest import ModelError

TOLD = "told"
BUSY = "busy"
STARTED = pytest.StashKey[float]()
EXIT_STATUS = pytest.StashKey[int]()
# Errors whose message says all there is to say; a traceback would bury it.
EXPLAINED = (PlatformError, ParityError, AccuracyError, SampleError, ModelError, DataError)
BUSY_ADVICE = (
    "busy     other programs took processor time from these benchmarks: compare their min, p10 and "
    "cpu_seconds_per_inference, not medians or means"
)
COMPARE_OPTIONS = "--group-by=group --columns=min,median,iqr,rounds"


def pytest_configure(config: pytest.Config) -> None:
    """Remember when the run began, to tell its files from older ones; let a `kill` end like Ctrl-C, results saved."""
    config.stash[STARTED] = time.time()
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the message alone of an error that explains itself."""
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, EXPLAINED):
        report.longrepr = call.excinfo.getrepr(style="value", chain=False)
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Show what a benchmark found instead of PASSED, and whether the machine was busy with something else."""
    told = dict(report.user_properties) if report.when == "call" and report.passed else {}
    if TOLD not in told:
        return None
    busy = f" (busy machine: computed for {told[BUSY]} of the time)" if BUSY in told else ""
    return "passed", ".", f"{told[TOLD]}{busy}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Generator[None, None, None]:
    """Remember how the run ended before pytest-benchmark saves it."""
    session.config.stash[EXIT_STATUS] = int(exitstatus)
    return (yield)


def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, object]) -> None:
    """Mark what was saved of an interrupted or failed run: 0 is a whole one, else pytest's exit code."""
    output_json["exit_status"] = config.stash[EXIT_STATUS]


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
        if any(BUSY in dict(report.user_properties) for report in terminalreporter.stats.get("passed", [])):
            terminalreporter.write_line(BUSY_ADVICE, yellow=True)
        program = _short(Path(sys.executable).parent / "pytest-benchmark")
        for saved in saved_files(config):
            terminalreporter.write_line(f"results  {saved}")
            terminalreporter.write_line(f"compare  {program} compare {saved} OTHER.json {COMPARE_OPTIONS}")


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
