"""``--report FILE.html``: what this run measured, as a page, whether it was saved or not, and whether it ended well.

It is drawn after everything is saved, and what cannot be drawn costs neither files nor tables.
"""

import importlib.util
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.utils import safe_dumps

from benchmarks.results import Run
from benchmarks.results.sound import sound
from benchmarks.run.saving import SAVED
from models.files import relative
from models.names import shown

OPTION = "--report"
NEEDED = ("jinja2", "vl_convert")
REMEDY = "pip install --group report"
CONTENT = pytest.StashKey[dict[str, Any]]()  # of the run, as it was saved
LINES = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the page."""
    words = "write what this run measures as one HTML page, with charts"
    parser.getgroup("client or server").addoption(OPTION, metavar="FILE.html", help=words)


def pytest_configure(config: pytest.Config) -> None:
    """Begin with nothing told."""
    config.stash[LINES] = []


@pytest.hookimpl(trylast=True)  # after the refusal of what would measure nothing
def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse a page that could not be written, before anything is measured."""
    if _is_wanted(session.config) and (why := _fault(session.config)):
        raise pytest.UsageError(f"{OPTION}: {shown(why)}")


def _is_wanted(config: pytest.Config) -> bool:
    """Whether this process writes a page; of several the one that the others report to."""
    is_asked = config.getoption("report") is not None and not config.option.collectonly
    return is_asked and not hasattr(config, "workerinput")


def _fault(config: pytest.Config) -> str:
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        return f"there is no {' nor '.join(missing)} here; {REMEDY}"
    from benchmarks.report.place import fault, place  # not every environment of a run has what draws

    json_file = config.getoption("benchmark_json")
    return fault(place(config.getoption("report")), [Path(json_file)] if json_file else [])


def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    """Remember what is saved; other plugins go on to add to it."""
    if _has_more_samples(output_json, config.stash.get(CONTENT, {})):
        config.stash[CONTENT] = output_json


def _has_more_samples(now: dict[str, Any], before: dict[str, Any]) -> bool:
    """Whether *now* is not one that is saved without samples, beside one that has them."""
    told = ["data" in benchmark["stats"] for content in (now, before) for benchmark in content.get("benchmarks", ())]
    return not before or bool(told and told[0])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the page, when pytest-benchmark's wrapper has saved what was measured."""
    if not _is_wanted(session.config):
        return
    try:
        problems = _write(session.config)
    except Exception as error:  # whatever it is: what was measured is saved and shown
        words = error.strerror if isinstance(error, OSError) else f"{type(error).__name__} {error}"
        problems = [f"{session.config.getoption('report')} could not be written: {words}"]
    session.config.stash[LINES] += [f"problem  {shown(problem)}" for problem in problems]
    if problems and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR


def _write(config: pytest.Config) -> list[str]:
    """Draw the run; return what of it could not be made."""
    from benchmarks.report import write
    from benchmarks.report.place import place
    from benchmarks.results.reading import Refused

    content, file = _content(config), place(config.getoption("report"))
    if not content.get("benchmarks"):
        config.stash[LINES].append("report   nothing was measured: no page is written")
        return []
    files = config.stash[SAVED] or [Path("this run, not saved")]
    run, left_out = sound(Run.of(json.loads(safe_dumps(content)), files[0]))
    problems = write(file, [run], [Refused(one.name, one.why) for one in left_out])
    config.stash[LINES].append(f"report   {shown(relative(file))}")
    return problems


def _content(config: pytest.Config) -> dict[str, Any]:
    """Return what was saved of this run, or what would be."""
    benchmarks: Any = config.pluginmanager.get_plugin("pytest-benchmark")
    if not benchmarks.disabled and benchmarks.benchmarks and CONTENT not in config.stash:
        hook, some = config.hook, benchmarks.benchmarks
        commit = hook.pytest_benchmark_generate_commit_info(config=config)
        hook.pytest_benchmark_update_commit_info(config=config, commit_info=commit)
        made = hook.pytest_benchmark_generate_json(
            config=config,
            benchmarks=some,
            include_data=True,
            machine_info=benchmarks.get_machine_info(),
            commit_info=commit,
        )
        hook.pytest_benchmark_update_json(config=config, benchmarks=some, output_json=made)
        config.stash[CONTENT] = made
    return config.stash.get(CONTENT, {})


@pytest.hookimpl(wrapper=True, tryfirst=True)  # outside all others: the page is told in the last line
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    """End with where the page is."""
    try:
        return (yield)
    finally:
        for line in config.stash[LINES]:
            terminalreporter.write_line(line)
