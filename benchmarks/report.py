"""What a person sees besides pytest-benchmark's table: each median as it is measured, and where the results lie."""

import os
import signal
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

MEDIAN = "median"
STARTED = pytest.StashKey[float]()
COMPARE_OPTIONS = "--group-by=param:model,param:batch_size --columns=min,median,iqr,rounds"


def pytest_configure(config: pytest.Config) -> None:
    """Remember when the run began, to tell its files from older ones; let a `kill` end like Ctrl-C, results saved."""
    config.stash[STARTED] = time.time()
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Show a benchmark's median instead of PASSED."""
    median = dict(report.user_properties).get(MEDIAN) if report.when == "call" and report.passed else None
    return ("passed", ".", f"median {median}") if median else None


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
