"""Blocking: whether a page freezes while it computes, as an animation shows that it draws meanwhile."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.measuring.reference import Question
from benchmarks.protocol import AnimatedSession
from benchmarks.run.blocking import Animate

pytestmark = pytest.mark.blocking


def test_blocking(session: AnimatedSession, question: Question, benchmark: BenchmarkFixture, animate: Animate) -> None:
    """Tell tasks and frames in extra_info; the samples are the inference's own time meanwhile."""
    benchmark.group = f"{question.artefact.name}, while the page draws, {question.batch}"
    animate(session, question)
