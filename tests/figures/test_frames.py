"""A second frame against the first: what is run in each, and what is said of it."""

from types import SimpleNamespace

import pytest

from benchmarks.figures import frames
from benchmarks.figures.frames import Frame, Row, lived, parsed
from benchmarks.protocol import Block, Facts

QUESTION = SimpleNamespace(feeds={}, check=lambda facts, outputs: 0.0)


class Session:
    """A page whose first inference takes longer."""

    facts = Facts("fake", "fake", 1, "fake.clock", 1e-9, surrounding="page")

    def __init__(self):
        self.ran = 0

    def time(self, feeds, rounds, iterations=1):
        seconds = [0.002 if self.ran else 0.05, *[0.002] * (rounds - 1)]
        self.ran += rounds
        return Block(seconds, {}, None)


def test_a_frame_runs_as_often_as_any_lives(monkeypatch):
    monkeypatch.setattr("benchmarks.measuring.sampler.check", lambda *_, **__: None)
    session = Session()
    assert lived(session, QUESTION) == Frame(0.05, 0.002)
    assert session.ran == frames.YOUNG


def row(seconds):
    return Row("firefox-litert", [(Frame(0.05, 0.002), Frame(0.01, second)) for second in seconds])


def test_a_row_tells_the_ratio_and_the_first_inferences_and_what_is_outside():
    assert row([0.002] * 5).cells[:3] == ["firefox", "litert", "2.00 ms"]
    assert row([0.002] * 5).cells[4:] == ["50.0 ms", "10.0 ms"]
    assert row([0.002] * 5).is_within
    assert row([0.0022] * 5).cells[3].startswith("1.100 (1.")
    assert row([0.0022] * 5).cells[3].endswith("): **outside**")


def test_all_browsers_and_runtimes_are_tried_unless_some_are_named(capsys):
    assert (parsed([]).browser, parsed([]).runtime) == (frames.ENGINES, frames.RUNTIMES)
    assert parsed(["--browser", "webkit"]).browser == ["webkit"]
    with pytest.raises(SystemExit):
        parsed(["--rounds", "2"])
    assert "fewer than 3 have no interval" in capsys.readouterr().err


def test_a_browser_that_is_not_here_is_left_out_with_the_reason(monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.platforms.joined_pages.missing", lambda engine, named: "no Firefox; install it")
    assert [*frames.rows(parsed(["--browser", "firefox", "--runtime", "litert"]))] == []
    assert capsys.readouterr().out == "left out: firefox-litert: no Firefox; install it\n"
