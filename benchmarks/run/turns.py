"""Turns with another process: a base and a head of the suite that run the same benchmarks, one block at a time.

The gate (:mod:`benchmarks.gate`) starts both with ``--lockstep READ,WRITE``, the ends of two pipes. A side tells in a
line of JSON where it is, and goes on when a line comes back. It is told which benchmarks to run, in which order and
how; it waits before each, and between the blocks of samples that the sampler draws, never inside one.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from benchmarks.protocol import Session
from benchmarks.run.selection import selection_of
from models.manifest import ModelError

TURNS = pytest.StashKey["Turns"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what the gate says to a side."""
    words = "take turns with another run, over these two pipes (tox run -e gate)"
    parser.getgroup("client or server").addoption("--lockstep", type=_ends, metavar="READ,WRITE", help=words)


def _ends(text: str) -> tuple[int, int]:
    reading, writing = map(int, text.split(","))
    return reading, writing


class Turns:
    """A side's end of the two pipes."""

    def __init__(self, reading: int, writing: int) -> None:
        self._answers, self._reports = os.fdopen(reading), os.fdopen(writing, "w", buffering=1)
        self._schedule: dict[str, Any] = {}
        self.ended: dict[str, str] = {}  # why a benchmark has no result

    def report(self, *where: Any) -> Any:
        """Tell where this side is; return what the gate answers when it is this side's turn again."""
        try:
            self._reports.write(f"{json.dumps(where)}\n")
            answer = self._answers.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            pytest.exit("the gate has ended", returncode=pytest.ExitCode.INTERRUPTED)
        return json.loads(answer)

    def ask(self, collected: dict[str, Any]) -> list[str]:
        """Tell what there is to measure; return what is to be."""
        self._schedule = self.report("collected", collected)
        names: list[str] = self._schedule["names"]
        return names

    @property
    def seconds(self) -> float:
        """How many seconds of samples a turn has."""
        return float(self._schedule["turn_seconds"])

    @contextmanager
    def on_the_core(self, session: Session) -> Iterator[None]:
        """Keep what computes on the core that the gate says, the other side's too; not where several threads do."""
        core = self._schedule["core"]
        if core is None or (session.facts.threads or 1) > 1:
            yield
            return
        cores = os.sched_getaffinity(0)
        session.keep_on(core)
        try:
            yield
        finally:
            os.sched_setaffinity(0, cores)  # this thread opens the next session


def turns_of(config: pytest.Config) -> Turns | None:
    """Return the turns that this run takes; None where it runs alone."""
    return config.stash.get(TURNS, None)


def pytest_configure(config: pytest.Config) -> None:
    """Open the pipes."""
    if ends := config.getoption("lockstep"):
        config.stash[TURNS] = turns = Turns(*ends)
        config.pluginmanager.register(_Ends(turns))


class _Ends:
    """Notes how each benchmark ended, where that was not in a result."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the reason of a failure or a skip."""
        if report.skipped and isinstance(report.longrepr, tuple):
            self._turns.ended[report.nodeid] = report.longrepr[2].removeprefix("Skipped: ")
        elif not report.passed:
            words, crash = report.longreprtext.strip(), getattr(report.longrepr, "reprcrash", None)
            if "\n" in words and crash:  # a traceback, of an error that does not explain itself
                words = crash.message
            self._turns.ended[report.nodeid] = f"failed: {' '.join(words.split())}"

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Tell them, once the results are saved."""
        self._turns.report("end", self._turns.ended)


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
        turns.report("test", item.nodeid)


def _identity(config: pytest.Config, item: pytest.Item) -> dict[str, Any]:
    """Return what makes a benchmark the same under another name: what it does, with which parameters, and the file."""
    parameters = dict(item.callspec.params)  # type: ignore[attr-defined]  # parametrised by conftest.py
    model = parameters.pop("model")
    try:
        sha256 = selection_of(config).model_file(model).row["sha256"]
    except ModelError:
        sha256 = None  # the benchmark itself tells why
    function = item.originalname  # type: ignore[attr-defined]
    return {"function": function, "sha256": sha256, **parameters}
