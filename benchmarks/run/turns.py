"""Turns with another process: a base and a head of the suite that run the same benchmarks, one block at a time.

The gate (:mod:`benchmarks.gate`) starts both; :mod:`benchmarks.run.lockstep` has the words that they speak with it. A
side is told which benchmarks to run, in which order and how; it waits before each, before each of its starts, and
between the blocks of samples that the sampler draws, never inside one.
"""

import os
from typing import Any

import pytest

from benchmarks.run import lockstep
from benchmarks.run.lockstep import Identity, Report, Schedule
from benchmarks.run.selection import selection_of
from models.manifest import ModelError

TURNS = pytest.StashKey["Turns"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what the gate says to a side."""
    words = "take turns with another run, over these two pipes (tox run -e gate)"
    group = parser.getgroup("client or server")
    group.addoption(lockstep.OPTION, type=lockstep.pipe_ends, metavar="READ,WRITE", help=words)


class Turns:
    """A side's end of the two pipes."""

    def __init__(self, reading: int, writing: int) -> None:
        self._answers, self._reports = os.fdopen(reading), os.fdopen(writing, "w", buffering=1)
        self._schedule = Schedule()

    def report(self, where: str, *what: Any) -> Any:
        """Tell the gate where this side is, and what it wants to know; return its answer, when this side may go on."""
        try:
            lockstep.send(self._reports, [where, *what])
            return lockstep.receive(self._answers)
        except (BrokenPipeError, EOFError):
            pytest.exit("the gate has ended", returncode=pytest.ExitCode.INTERRUPTED)

    def ask(self, collected: dict[str, Identity]) -> list[str]:
        """Tell what there is to measure; return what is to be."""
        self._schedule = Schedule.from_json(self.report(Report.COLLECTED, collected))
        return [*self._schedule.names]

    def next_start(self) -> int | None:
        """Wait until the other side is before its next start, too; return the core on which both compute in it.

        None leaves that to the system.
        """
        core: int | None = self.report(Report.START)
        return core

    def wait_for_turn(self) -> None:
        """Wait before the first block of a start, and after each, until the other side has had its turn."""
        self.report(Report.BETWEEN_BLOCKS)

    def finish(self) -> None:
        """Tell that no start is left; wait until the other side has none left either."""
        self.report(Report.DONE)

    @property
    def starts(self) -> int:
        """How many starts a benchmark is drawn from."""
        return self._schedule.starts

    @property
    def seconds(self) -> float:
        """How many seconds of samples a turn has."""
        return self._schedule.turn_seconds


def turns_of(config: pytest.Config) -> Turns | None:
    """Return the turns that this run takes; None where it runs alone."""
    return config.stash.get(TURNS, None)


def pytest_configure(config: pytest.Config) -> None:
    """Open the pipes."""
    if pipe_ends := config.getoption(lockstep.OPTION):
        config.stash[TURNS] = turns = Turns(*pipe_ends)
        config.pluginmanager.register(_ReasonsWithoutResult(turns))


class _ReasonsWithoutResult:
    """Notes why a benchmark failed or was skipped, which no saved result says, and tells the gate at the end."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._reasons: dict[str, str] = {}  # by the benchmark's name

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the reason of a failure or a skip."""
        if report.skipped and isinstance(report.longrepr, tuple):
            self._reasons[report.nodeid] = report.longrepr[2].removeprefix("Skipped: ")
        elif not report.passed:
            words, crash = report.longreprtext.strip(), getattr(report.longrepr, "reprcrash", None)
            if "\n" in words and crash:  # a traceback, of an error that does not explain itself
                words = crash.message
            self._reasons[report.nodeid] = f"failed: {' '.join(words.split())}"

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Tell them, once the results are saved."""
        self._turns.report(Report.END, self._reasons)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tell what there is to measure; keep what is to be, in the order wanted."""
    if turns := turns_of(config):
        if whole := [item.nodeid for item in items if "measure" not in item.fixturenames]:  # type: ignore[attr-defined]
            raise pytest.UsageError(f"{whole[0]} takes no turns: only the steady state does; compare saved runs of it")
        by_name = {item.nodeid: item for item in items}
        wanted = turns.ask({name: _identity(config, item) for name, item in by_name.items()})
        items[:] = [by_name.pop(name) for name in wanted]
        config.hook.pytest_deselected(items=[*by_name.values()])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Wait until the other side is at the same benchmark."""
    if turns := turns_of(item.config):
        turns.report(Report.TEST, item.nodeid)


def _identity(config: pytest.Config, item: pytest.Item) -> Identity:
    """Return by what the gate knows a benchmark that has got another name."""
    parameters = dict(item.callspec.params)  # type: ignore[attr-defined]  # parametrised by conftest.py
    model = parameters.pop("model")
    try:
        sha256 = selection_of(config).model_file(model).row["sha256"]
    except ModelError:
        sha256 = None  # the benchmark itself tells why
    function = item.originalname  # type: ignore[attr-defined]
    return lockstep.identity(function, sha256, parameters)
