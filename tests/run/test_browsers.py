"""Which browser a run is in, by --browser and --browser-path, and what becomes of one that is not there."""

from pathlib import Path

import pytest

from benchmarks.run.options import _faults_of_browsers
from benchmarks.settings import settings_of
from browser_harness.joined import found

NOWHERE = Path("no/browser")


class Config:
    """A command line."""

    def __init__(self, *browsers, path=None):
        self.options = {"browser": [*browsers] or None, "browser_path": path, "inference_timeout": 60.0}

    def getoption(self, name, default=None):
        return self.options.get(name, default)


@pytest.mark.parametrize(
    ("browsers", "program"),
    [((), "chromium"), (("chromium",), "chromium"), (("firefox",), "firefox"), (("webkit", "webkit"), "webkit")],
)
def test_the_program_that_is_named_is_that_of_the_browser_chosen(browsers, program):
    settings = settings_of(Config(*browsers, path=NOWHERE))
    assert [engine for engine in found.ENGINES if settings.program(engine)] == [program]
    (fault,) = {*_faults_of_browsers(Config(*browsers, path=NOWHERE))}
    assert str(NOWHERE) in fault
    assert fault.startswith(f"--browser {program}: " if browsers else "--browser-path: ")


def test_one_program_is_not_that_of_two_browsers():
    faults = [*_faults_of_browsers(Config("firefox", "webkit", path=NOWHERE))]
    assert faults[0] == "--browser-path no/browser is one program: leave out all --browser but its own"


def test_a_browser_that_is_not_here_is_told_before_anything_runs(monkeypatch):
    monkeypatch.setattr("benchmarks.run.options.missing", lambda engine, named: f"no {engine}; install it")
    assert [*_faults_of_browsers(Config("firefox"))] == ["--browser firefox: no firefox; install it"]
    assert [*_faults_of_browsers(Config())] == []  # the usual one is skipped with the reason, where it is missing
