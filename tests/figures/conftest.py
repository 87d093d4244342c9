"""Fixtures of the tests of the suite's own figures."""

import sys

import pytest


@pytest.fixture
def ended(monkeypatch, capsys):
    """Run a command line in this process; return its exit code and what it printed."""

    def run(module, *words):
        monkeypatch.setattr(sys, "argv", [module.__name__, *words])
        with pytest.raises(SystemExit) as ending:
            module.main()
        told = capsys.readouterr()
        return ending.value.code, told.out + told.err

    return run
