"""Steady state: the latency of one inference, after the warm-up, inputs and logits on the host."""

from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.identity import of_model
from benchmarks.protocol import Batch, Session
from benchmarks.reference import reference_logits
from benchmarks.replay import Measure
from models.manifest import Artefact


def test_latency(
    artefact: Artefact, session: Session, batch: Batch, benchmark: BenchmarkFixture, measure: Measure
) -> None:
    """Time one batch, as long as its logits are right."""
    benchmark.group = f"{artefact.name}, batch {len(batch)}"
    benchmark.extra_info.update(of_model(artefact), batch_size=len(batch))
    measure(session, batch, reference_logits(artefact.path, batch))
