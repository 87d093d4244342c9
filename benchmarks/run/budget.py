"""A page's memory against a budget: ``--memory-budget 200MB`` marks the pages that take more.

What counts is what a page takes over its start, a runtime in its worker included: its peak less what it held before
the runtime was loaded. A server's process is told and not marked. No browser's or vendor's limit is claimed: who has
one names it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from benchmarks.platforms import PLATFORMS
from benchmarks.protocol import Opening
from benchmarks.results import keys
from benchmarks.results.saved import Result
from benchmarks.run.choices import PHASES, Target, phase_of
from benchmarks.settings import size

NOT_TOLD = "this system does not tell what the page took"
PHASE = PHASES["memory"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the budget."""
    words = "-m memory: mark the pages that take more over their start, such as 200MB or 256MiB"
    parser.getgroup("client or server").addoption("--memory-budget", type=size, metavar="SIZE", help=words)


def idle(config: pytest.Config, items: Sequence[pytest.Item]) -> str | None:
    """Say that a budget was given where nothing is held to it; None where something is, or there is none."""
    if config.getoption("memory_budget") is None or not items or any(map(_is_of_a_page, items)):
        return None
    words = "it is of a page's memory, and none of the benchmarks chosen tells that; choose -m memory and a client"
    return f"--memory-budget has no effect: {words}"


def _is_of_a_page(item: pytest.Item) -> bool:
    if phase_of(item) is not PHASE:
        return False
    label = item.callspec.params["platform"]  # type: ignore[attr-defined]  # parametrised by conftest.py
    return label is not None and PLATFORMS[Target.of(label).platform].side == "client"


def judged(openings: Sequence[Opening], budget: int | None) -> dict[str, Any]:
    """Return what a page took over its start, of the opening that took most, and how that compares; for extra_info.

    Nothing of what is no page, nor where the system does not tell: then it is not within, nobody knows.
    """
    told = [opening.memory.over_start for opening in openings if opening.facts.surrounding == "page"]
    known = [taken for taken in told if taken is not None]
    if not known or len(known) < len(told):
        return {}
    info: dict[str, Any] = {keys.TAKEN: max(known)}
    if budget is not None:
        info[keys.MEMORY_BUDGET] = budget
        info |= {keys.OVER_BUDGET: True} if max(known) > budget else {}
    return info


@pytest.fixture
def memory_budget(request: pytest.FixtureRequest) -> int | None:
    """The bytes that a page may take over its start; None without ``--memory-budget``."""
    budget: int | None = request.config.getoption("memory_budget")
    return budget


def words(openings: Sequence[Opening], budget: int | None) -> str:
    """Say it for the line of the benchmark; nothing without a budget, or of what is held to none."""
    if budget is None or openings[0].facts.surrounding != "page":
        return ""
    info = judged(openings, budget)
    if not info:
        return f"; not judged against {shown(budget)}: {NOT_TOLD}"
    said = f"takes {shown(info[keys.TAKEN])} over its start"
    return f"; {said}, more than {shown(budget)}" if info.get(keys.OVER_BUDGET) else f"; {said}, of {shown(budget)}"


def budget_lines(results: Iterable[Result], budget: int | None) -> list[str]:
    """Return how many pages take more than the *budget*, which, and of which it is not known."""
    told = [result for result in results if result.name.startswith("test_memory[")]
    pages = [result for result in told if result.surrounding == "page"]
    if budget is None or not told:
        return []
    judged = [result for result in pages if keys.MEMORY_BUDGET in result.info]
    over = [result for result in judged if result.info.get(keys.OVER_BUDGET)]
    which = ", ".join(f"{_case(result)} {shown(result.info[keys.TAKEN])}" for result in over)
    said = f"{len(over)} of {len(judged)} pages take more than {shown(budget)}{f': {which}' if which else ''}"
    lines = [said] if judged else []
    if unknown := [_case(result) for result in pages if result not in judged]:
        lines.append(f"{len(unknown)} of {len(pages)} pages were not judged, {NOT_TOLD}: {', '.join(unknown)}")
    if len(pages) < len(told):
        lines.append("it is of pages: what a server's process takes is told, and held to none")
    return [f"budget   {line}" for line in lines]


def _case(result: Result) -> str:
    return result.name.partition("[")[2].removesuffix("]")


def shown(number: int) -> str:
    """Write bytes as the suite's tables do, in megabytes."""
    return f"{number / 1e6:,.1f} MB".replace(".0 MB", " MB")
