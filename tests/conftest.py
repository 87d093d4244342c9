"""Fixtures of the tests."""

import pytest
from helpers import Suite, make_model

from benchmarks.settings import Settings


@pytest.fixture
def tiny_model(tmp_path):
    return make_model(tmp_path / "tiny.onnx")


@pytest.fixture
def settings():
    return Settings(timeout=30)


@pytest.fixture
def suite(pytester, monkeypatch):
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS"):  # this test may itself run under xdist
        monkeypatch.delenv(name, raising=False)
    return Suite(pytester)
