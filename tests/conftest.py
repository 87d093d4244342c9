"""Fixtures of the tests."""

import os
from contextlib import suppress

import pytest
from helpers import Suite, make_model

from benchmarks.settings import Settings

with suppress(ImportError):  # the environments that test no properties have no hypothesis
    import hypothesis

    hypothesis.settings.register_profile("busy machine", deadline=None)  # no test asserts on an absolute time
    hypothesis.settings.load_profile("busy machine")
os.environ.pop("COLUMNS", None)  # tox tells the width of its own screen: the runs that tests start have none

LONGEST = "test_the_gates_job_passes_an_equal_head_and_fails_a_slower_one"


def pytest_collection_modifyitems(items):
    """Begin with the longest test: it was the last to begin, and one worker was busy with it long after the others."""
    items.sort(key=lambda item: item.name != LONGEST)


@pytest.fixture
def tiny_model(tmp_path):
    return make_model(tmp_path / "tiny.onnx")


@pytest.fixture
def settings():
    return Settings(timeout=30)


@pytest.fixture
def outside_xdist(monkeypatch):
    """Keep from the runs a test starts that the test itself may run under xdist."""
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def suite(pytester, outside_xdist):
    return Suite(pytester)
