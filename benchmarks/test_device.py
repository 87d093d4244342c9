"""On the device: the steady state without the copies from and to the host that ``test_latency`` includes."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.measuring.reference import Question
from benchmarks.protocol import DeviceSession
from benchmarks.run.measure import Measure

pytestmark = pytest.mark.device


def test_device(session: DeviceSession, question: Question, benchmark: BenchmarkFixture, measure: Measure) -> None:
    """Time one batch that lies on the device and whose outputs stay there."""
    benchmark.group = f"{question.artefact.name}, on the device, {question.batch}"
    measure(session.on_device(), question)
