"""Throughput: how many inferences a second a server carries, asked by MLPerf LoadGen's scenarios."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.run.load import Loaded, ReportLoad

pytestmark = pytest.mark.throughput


def test_single_stream(loaded: Loaded, benchmark: BenchmarkFixture, report_load: ReportLoad) -> None:
    """Ask one query after another; the samples are their latencies."""
    benchmark.group = loaded.group("one query after another")
    report_load(lambda carried: carried.single)


def test_offline(loaded: Loaded, benchmark: BenchmarkFixture, report_load: ReportLoad) -> None:
    """Ask all at once, in several trials; a sample is the mean time between the answers of one."""
    benchmark.group = loaded.group("all queries at once (times: between answers)")
    report_load(lambda carried: carried.offline)


def test_server(loaded: Loaded, benchmark: BenchmarkFixture, report_load: ReportLoad) -> None:
    """Ask as queries arrive by chance, at the highest rate that is carried; the samples are their latencies."""
    benchmark.group = loaded.group("queries that arrive by chance")
    report_load(lambda carried: carried.server)
