"""What a person sees of several machines: each line says of which, and at the end they stand side by side."""

import os
import shlex
import sys
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.compare import __main__ as comparison
from benchmarks.compare.lines import lines_of
from benchmarks.compare.sides import sides_of
from benchmarks.results import NotARunError, Run, load_any
from benchmarks.results.numbers import counted
from benchmarks.results.sound import sound
from benchmarks.run.each.ending import Ended, differences
from benchmarks.run.each.words import LEFT, PLACE
from benchmarks.run.replay import HEADLINE, IS_DOUBTFUL
from benchmarks.run.screen import INDENT, Screen, wide
from models.files import relative
from models.names import shown

ROOT = Path(__file__).parents[3]
WHEN = {"setup": " while it was set up", "teardown": " while it was closed"}


class Lines:
    """The lines of the head."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.names: Sequence[str] = ()  # of the machines, as they were given
        self.problems: list[str] = []  # of machines
        self._of_test: dict[str, tuple[str, str]] = {}  # by the machine's name, what is to be said
        self._runs: dict[str, Run] = {}
        self._failed: Counter[str] = Counter()  # tests, by the machine's name
        self._at_end: list[str] | None = None  # None until the machines have ended

    @property
    def _reporter(self) -> Any:
        return self._config.pluginmanager.get_plugin("terminalreporter")

    def write(self, *lines: str) -> None:
        """Write lines, as soon as there is something to tell."""
        if self._reporter:
            self._reporter.ensure_newline()
            for line in Screen.of(self._reporter, self._config).fit(map(shown, lines)):
                self._reporter.write_line(line)

    def pytest_sessionstart(self) -> None:
        """Keep pytest from writing where each test begins: it does not say on which machine."""
        if self._reporter:
            self._reporter.write_ensure_prefix = lambda prefix, extra="", **markup: None

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Count a report, and leave its line to this."""
        if not hasattr(report, "node") or self._at_end is not None:
            return None
        if report.failed:
            return ("failed" if report.when == "call" else "error"), "", ""
        return ("skipped" if report.skipped else "passed" if report.when == "call" else ""), "", ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember what there is to be said of a test until its result is kept; of two reports the later counts."""
        if hasattr(report, "node") and (words := _words(report)):
            self._failed[report.node.gateway.id] += report.failed
            properties: dict[str, Any] = dict(report.user_properties)
            left = f", {properties[LEFT]}" if properties.get(LEFT) else ""
            case = f"{properties.get(PLACE, '')}  {report.nodeid.partition('::')[2]}"
            self._of_test[report.node.gateway.id] = case, f"{words}{left}"

    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """Tell that a machine begins."""
        self.write(f"machine  {node.gateway.id}: begins, {counted(len(ids), 'benchmark')}")

    def through(self, name: str) -> None:
        """Write a line for the test that a machine is through with."""
        if (told := self._of_test.pop(name, None)) and self._reporter:
            case, words = told
            head = shown(f"{name:<{max(map(len, self.names), default=0)}}  {case}")
            screen = Screen.of(self._reporter, self._config)
            is_wide = screen.wraps and wide(f"{head}  {words}") > screen.width
            self._reporter.ensure_newline()
            for line in [head, f"{' ' * INDENT}{shown(words)}"] if is_wide else [f"{head}  {shown(words)}"]:
                self._reporter.write_line(line)

    def ended(self, name: str, one: Ended) -> None:
        """Tell how a machine's part has ended."""
        self.write(f"machine  {self._how(name, one)}")

    def _how(self, name: str, one: Ended) -> str:
        failed = f", {self._failed[name]} failed" if self._failed[name] else ""
        return f"{name}: {one.words}{failed}"

    def end(self, ended: Mapping[str, Ended]) -> None:
        """Read what is saved, and find out what there is to be told of it."""
        self._at_end = []
        for name, one in sorted(ended.items(), key=lambda pair: self.names.index(pair[0])):
            self._at_end += [f"machine  {self._how(name, one)}", *_files(name, one)]
            if one.arriving:
                self.problems += one.arriving.problems
            if one.problem:
                self.problems.append(f"{name}: {one.problem}")
            wrong = [f"{name}: {words}" for words in self._read(name, one)]
            self._at_end += [f"problem  {words}" for words in wrong]
            self.problems += wrong
        if len(self._runs) == 1:
            (name,) = self._runs
            self._show_alone(ended[name].results)
        if len(self._runs) > 1:
            apart = [f"differs  {line}" for line in differences(self._runs)]
            self._at_end += apart
            self.problems += apart

    def _show_alone(self, benchmarks: Sequence[dict[str, Any]]) -> None:
        """Have the results that nothing stands beside shown as those of this process would be."""
        shown_ones = [{**one, "path": None} for one in benchmarks]
        group_by = self._config.getoption("benchmark_group_by")
        hook = self._config.hook.pytest_benchmark_group_stats
        hook(config=self._config, benchmarks=shown_ones, group_by=group_by)

    def _read(self, name: str, one: Ended) -> Iterator[str]:
        """Read a machine's run; yield what of it could not be."""
        if one.arriving and one.arriving.files:
            try:
                self._runs[name], left_out = sound(load_any(one.arriving.files[0]))
            except NotARunError as error:
                yield str(error)
            else:
                yield from (f"{damaged.name}: {damaged.why}" for damaged in left_out)

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # outside all others: the runs are told in the last lines
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Generator[None, None, None]:
        """End with the machines side by side, what became of each, and where its run is."""
        try:
            return (yield)
        finally:
            for line in self._last(Screen.of(terminalreporter, self._config)):
                terminalreporter.write_line(line)

    def _last(self, screen: Screen) -> Iterator[str]:
        runs = [*self._runs.values()]
        if len(runs) > 1:
            yield from [*side_by_side(runs, screen.width), ""]
        for line in map(shown, self._at_end or ()):
            yield from [line] if line.startswith("results ") else screen.fit([line])  # paths are copied
        if len(runs) > 1:
            yield _command([run.file for run in runs])


def _words(report: pytest.TestReport) -> str:
    """Say how a test ended; nothing of a report that is not its last word."""
    if report.when == "call" and report.passed:
        properties: dict[str, Any] = dict(report.user_properties)
        unstable = " (unstable)" if properties.get(IS_DOUBTFUL) else ""
        return f"{properties.get(HEADLINE, 'passed')}{unstable}"
    if report.skipped:
        return f"skipped ({_reason(report)})"
    if report.failed:
        return f"failed{WHEN.get(report.when or '', '')}"
    return ""


def _reason(report: pytest.TestReport) -> str:
    told = report.longrepr
    words = told[2] if isinstance(told, tuple) else str(told)
    return words.removeprefix("Skipped: ")


def _files(name: str, one: Ended) -> Iterator[str]:
    if one.arriving:
        yield from (f"journal  {line}" for line in one.arriving.told)
        yield from (f"results  {name}: {relative(file)}" for file in one.arriving.files)
        yield from (f"problem  {problem}" for problem in one.arriving.problems)


def side_by_side(runs: Sequence[Run], width: int) -> Iterator[str]:
    """Yield what `tox run -e compare` prints of these."""
    sides = sides_of(runs)
    lines = lines_of(sides, sides[0])
    options = comparison.parser().parse_args([str(run.file) for run in runs])
    yield from comparison.text(lines, sides, sides[0], options, width)


def _command(files: Sequence[Path]) -> str:
    """Say how they are compared anew."""
    inside = [] if Path.cwd() == ROOT else [f"PYTHONPATH={shlex.quote(str(ROOT))}"]
    words = [*inside, shlex.quote(os.path.relpath(sys.executable)), "-m benchmarks.compare"]
    return f"compare  {' '.join([*words, *(shlex.quote(relative(file)) for file in files)])}"
