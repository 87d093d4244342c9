"""The first inference of a fresh session, and the second: what is compiled and allocated only when it is used."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.run.openings import Opened, Report

pytestmark = pytest.mark.first_inference


def test_first_inference(opened: Opened, benchmark: BenchmarkFixture, report: Report) -> None:
    """Time the first inference after the session was opened."""
    benchmark.group = f"{opened.question.artefact.name}, first inference"
    report(lambda opening: opening.first)


def test_second_inference(opened: Opened, benchmark: BenchmarkFixture, report: Report) -> None:
    """Time the second."""
    benchmark.group = f"{opened.question.artefact.name}, second inference"
    report(lambda opening: opening.second)
