"""Steady state: the latency of one inference, after the warm-up, inputs and logits on the host."""

from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.identity import of_model
from benchmarks.protocol import Batch, Session
from benchmarks.reference import check_parity
from benchmarks.replay import Measure
from models.manifest import Artefact


def test_latency(
    artefact: Artefact, session: Session, batch: Batch, benchmark: BenchmarkFixture, measure: Measure
) -> None:
    """Time one batch, once its logits are known to be right."""
    benchmark.group = f"{artefact.name}, batch {len(batch)}"
    benchmark.extra_info.update(of_model(artefact), batch_size=len(batch))
    benchmark.extra_info["parity"] = check_parity(session, artefact.path, batch)
    measure(session, batch)
