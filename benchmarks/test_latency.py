"""Steady state: the latency of one inference, after the warm-up, inputs and outputs on the host."""

from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.identity import of_model
from benchmarks.protocol import Session
from benchmarks.reference import Question
from benchmarks.replay import Measure
from models.manifest import Artefact


def test_latency(
    artefact: Artefact, session: Session, question: Question, benchmark: BenchmarkFixture, measure: Measure
) -> None:
    """Time one batch, as long as its answers are right."""
    benchmark.group = f"{artefact.name}, batch {question.batch_size}"
    benchmark.extra_info.update(of_model(artefact), batch_size=question.batch_size, inputs=question.shapes())
    measure(session, question)
