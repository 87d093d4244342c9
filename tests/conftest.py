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


def pytest_configure(config):
    """Know the mark of a test that takes longest."""
    config.addinivalue_line("markers", "longest: begun first, or one worker is busy with it long after the others")


def pytest_collection_modifyitems(items):
    """Begin with what takes longest."""
    items.sort(key=lambda item: item.get_closest_marker("longest") is None)


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
