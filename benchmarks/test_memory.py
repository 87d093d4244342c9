"""Memory: the most that the process or renderer held, while it opened a model and ran it some twenty times."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.run import budget
from benchmarks.run.openings import Opened, Report, memory_facts, memory_words

pytestmark = pytest.mark.memory


def test_memory(opened: Opened, memory_budget: int | None, benchmark: BenchmarkFixture, report: Report) -> None:
    """Tell the peak in extra_info, in bytes; the samples are the seconds from the start to the second answer."""
    benchmark.group = f"{opened.question.artefact.name}, memory (times: until the second answer)"
    benchmark.extra_info.update(memory := memory_facts(opened.openings))
    benchmark.extra_info.update(budget.judged(opened.openings, memory_budget))
    said = memory_words(memory) + budget.words(opened.openings, memory_budget)
    report(lambda opening: opening.load + opening.first + opening.second, said)
