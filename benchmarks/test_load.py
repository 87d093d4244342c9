"""Load: from asking for the runtime until the session is open, in a fresh page or process each time."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.run.openings import Opened, Report, load_words

pytestmark = pytest.mark.load


def test_load(opened: Opened, benchmark: BenchmarkFixture, report: Report) -> None:
    """Fetch and compile the runtime, fetch the model, create the session."""
    benchmark.group = f"{opened.question.artefact.name}, load"
    report(lambda opening: opening.load, load_words(opened.openings))
