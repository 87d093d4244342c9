"""Fixtures of the tests of the report."""

import sys

import pytest


@pytest.fixture
def ended(monkeypatch, capsys):
    """Run the command in this process; return its exit code, what it printed, and what it said to who watches."""
    from benchmarks.report import __main__ as command

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["report", *map(str, words)])
        with pytest.raises(SystemExit) as ending:
            command.main()
        told = capsys.readouterr()
        return ending.value.code, told.out, told.err

    return run
