"""What the gate answers to two sides that report where they are: who waits for whom, and who goes on alone."""

import pytest

from benchmarks.gate import pair
from benchmarks.gate.pair import Match
from benchmarks.run.lockstep import Report

ONE = Match("one", "one")


class Scripted(pair.Side):
    """A side that makes its reports whatever it is answered; *told* has every answer, by all sides in their order."""

    def __init__(self, name, reports, told):
        self.version, self.at = pair.Version(name, None, None), [Report.TEST, "one"]
        self._left, self._told = [*reports], told

    def go(self, answer=None):
        self._told.append((self.version.name, str(self.at[0]), answer))

    def wait(self):
        self.at = [self._left.pop(0), "two"]


def start(blocks):
    return [Report.START, *[Report.BETWEEN_BLOCKS] * (blocks + 1)]


def run(base, head, cores=(3, 1, 2, 0)):
    """Return what both were told; each is at its next benchmark in the end."""
    told, core = [], iter(cores)
    sides = [Scripted(name, [*reports, Report.TEST], told) for name, reports in (("base", base), ("head", head))]
    pair._run_benchmark(sides, ONE, lambda: next(core))
    assert all(side.at == [Report.TEST, "two"] for side in sides)
    return told


def of(told, where):
    return [(name, answer) for name, at, answer in told if at == where]


def test_both_open_a_start_at_once_on_a_core_drawn_anew_and_draw_in_turns():
    told = run(*[[*start(2), *start(2), Report.DONE]] * 2)
    assert of(told, "start") == [("base", 3), ("head", 3), ("base", 1), ("head", 1)]
    words = [at for _, at, _ in told]
    assert words == ["test"] * 2 + (["start"] * 2 + ["turn"] * 6) * 2 + ["done"] * 2
    turns = [name for name, at, _ in told if at == "turn"]
    assert all({*turns[at : at + 2]} == {"base", "head"} for at in range(0, len(turns), 2))


def test_a_side_with_more_blocks_draws_them_while_the_other_waits_before_its_next_start():
    told = run([*start(1), *start(1), Report.DONE], [*start(4), *start(1), Report.DONE])
    first = told[2 : 2 + 2 + 2 + 5]
    assert [name for name, _, _ in first].count("head") == 6
    assert [name for name, at, _ in first[-3:]] == ["head"] * 3
    assert told[11:13] == [("base", "start", 1), ("head", "start", 1)]


@pytest.mark.parametrize("last", [[Report.DONE], []], ids=["through", "failed"])
def test_a_side_that_has_no_further_start_waits_and_does_not_hold_up_the_other(last):
    told = run([*start(1), *last], [*start(1), *start(2), *start(1), Report.DONE])
    assert of(told, "start") == [("base", 3), ("head", 3), ("head", 1), ("head", 2)]
    assert {name for name, _ in of(told, "done")} == {"head", *(["base"] if last else [])}
    assert [at for name, at, _ in told if name == "base"][:2] == ["test", "start"]
    if last:  # told only when the other has none left either
        assert told.index(("base", "done", None)) > told.index(("head", "start", 2))


@pytest.mark.parametrize("drawn", [[], [Report.START], [Report.START, Report.BETWEEN_BLOCKS]])
def test_a_side_that_fails_before_or_in_its_first_start_leaves_the_other_alone(drawn):
    told = run(drawn, [*start(2), *start(2), Report.DONE])
    assert [core for name, core in of(told, "start") if name == "head"] == [3, 1]
    assert [name for name, _ in of(told, "turn")].count("head") == 6


def test_a_side_that_begins_something_else_is_an_error(monkeypatch):
    monkeypatch.setattr(pair.Side, "error", lambda _side, what: pair.SideError(what))
    sides = [Scripted(name, [], []) for name in ("base", "head")]
    with pytest.raises(pair.SideError, match=r"was to begin two, and is at \[.*'one'\]"):
        pair._run_benchmark(sides, Match("two", "two"), lambda: None)
