"""Thread scaling: the steady state on several threads, in turns with the same platform on one."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.measuring.reference import Question
from benchmarks.protocol import Session
from benchmarks.run.measure import Measure

pytestmark = pytest.mark.scaling


def test_scaling(
    session: Session,
    session_on_one_thread: Session,
    question: Question,
    benchmark: BenchmarkFixture,
    measure: Measure,
) -> None:
    """Time one batch on several threads; ``ratio_to_one_thread`` below 1 is faster."""
    benchmark.group = f"{question.artefact.name}, threads, {question.batch}"
    measure(session, question, session_on_one_thread, "one_thread")
