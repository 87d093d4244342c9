"""Steady state: the latency of one inference, after the warm-up, inputs and outputs on the host."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.measuring.reference import Question
from benchmarks.protocol import Session
from benchmarks.run.measure import Measure

pytestmark = pytest.mark.latency


def test_latency(
    partner: Session | None,
    session: Session,
    question: Question,
    benchmark: BenchmarkFixture,
    measure: Measure,
) -> None:
    """Time one batch, as long as its answers are right, in turns with ``server-cpu``."""
    benchmark.group = f"{question.artefact.name}, {question.batch}"
    measure(session, question, partner)
