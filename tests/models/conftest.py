"""Fixtures of the tests of training and export."""

import subprocess
import sys

import pytest


@pytest.fixture
def command_line(monkeypatch, capsys):
    """Run train_models.py in this process, which has loaded torch already; return how it ended and what it told."""
    import train_models

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["train_models.py", *map(str, words)])
        code = None
        try:
            train_models.main()
        except SystemExit as ended:
            code = ended.code
        told = capsys.readouterr()
        # As Python ends: what is neither a number nor nothing is told, and the exit code is 1.
        number, words_at_the_end = (1, f"{code}\n") if isinstance(code, str) else (code or 0, "")
        return subprocess.CompletedProcess(sys.argv, number, told.out, told.err + words_at_the_end)

    return run
