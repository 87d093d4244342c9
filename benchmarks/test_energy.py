"""Energy: joules an inference in the steady state, where the machine counts them."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.measuring import energy
from benchmarks.measuring.reference import Question
from benchmarks.protocol import Session
from benchmarks.run.measure import Measure

pytestmark = [pytest.mark.energy, pytest.mark.usefixtures("counters")]


@pytest.fixture(scope="session")
def counters() -> None:
    """Skip where there is no counter: no energy is not zero energy."""
    if reason := energy.unavailable():
        pytest.skip(reason)


def test_energy(session: Session, question: Question, benchmark: BenchmarkFixture, measure: Measure) -> None:
    """Run without a partner, whose energy would be counted too; joules are in extra_info."""
    benchmark.group = f"{question.artefact.name}, energy, {question.batch}"
    measure(session, question)
