"""What the levels of made-up starts add, by hand; that a page is loaded again in its own process."""

import math
from types import SimpleNamespace

import pytest

from benchmarks import inputs
from benchmarks.figures import fresh_starts
from benchmarks.figures.fresh_starts import Levels, Pinned, Processes, Start
from benchmarks.inputs import case_of
from benchmarks.measuring.reference import ask
from benchmarks.measuring.starts import Figure
from benchmarks.platforms import PLATFORMS
from benchmarks.protocol import Block, CpuTime, Facts
from models import manifest


def browser(*values, again=0.0, variance=0.0):
    """Return the pages of a browser: each start's value, and what it is when loaded again."""
    return [(Start(value, variance), Start(value + again, variance)) for value in values]


def test_blocks_are_summarised_by_their_mean_and_its_variance():
    found = Start.of([0.1, 0.2, 0.3, 0.4], 2.0, 3.0)
    assert (found.value, found.variance, found.p10, found.cpu) == pytest.approx((0.25, 0.0125 / 3, 2.0, 3.0), rel=1e-9)


def test_browsers_alone_differ():
    found = Levels.of([browser(0.0, 0.0), browser(0.1, 0.1)])
    assert (found.blocks, found.pages, found.browsers) == pytest.approx((0.0, 0.0, 0.1 / math.sqrt(2)))


def test_pages_alone_differ():
    found = Levels.of([browser(0.0, 0.1), browser(0.1, 0.0)])
    assert (found.blocks, found.pages, found.browsers) == pytest.approx((0.0, 0.1 / math.sqrt(2), 0.0))


def test_what_blocks_explain_is_no_difference_of_pages():
    found = Levels.of([browser(0.0, 0.1, variance=0.004), browser(0.1, 0.0, variance=0.004)])
    assert found.blocks == pytest.approx(math.sqrt(0.004))
    assert found.pages == pytest.approx(math.sqrt(0.005 - 0.004))
    explained = Levels.of([browser(0.0, 0.1, variance=0.01), browser(0.1, 0.0, variance=0.01)])
    assert (explained.pages, explained.browsers) == (0.0, 0.0)


def test_a_later_page_and_one_that_is_loaded_again_are_held_against_the_first_and_the_new():
    found = Levels.of([browser(0.0, 0.1, 0.3, again=math.log(0.98))] * 3)
    assert found.later.value == pytest.approx(math.exp(0.2))
    assert found.reloaded.value == pytest.approx(0.98)
    assert found.row("chromium-wasm")[0::4] == ["chromium-wasm", "+22.1% (+22.0% to +22.3%)"]


def test_a_change_is_told_with_its_interval_where_there_is_one():
    assert fresh_starts.words(Figure(0.98, 5, 0.97, 0.99)) == "-2.0% (-3.0% to -1.0%)"
    assert fresh_starts.words(Figure(1.02, 2)) == "+2.0%"


def test_processes_are_held_against_sessions_of_one():
    same = [Start(value, 0.0) for value in (0.0, 0.0, 0.0)]
    fresh = [Start(value, 0.001) for value in (0.0, 0.1, 0.2)]
    found = Processes.of(same, fresh)
    assert (found.same, found.fresh) == pytest.approx((0.0, math.sqrt(0.01 - 0.001)))
    assert found.factor.value == pytest.approx(math.exp(0.1))
    assert found.row("server-cpu")[:3] == ["server-cpu", "0.0%", "9.5%"]


def test_a_core_is_judged_by_time_and_by_the_processors_seconds():
    pairs = [(Start(0, 0, 1.1, 2.0), Start(0, 0, 1.0, 4.0))] * 3
    assert Pinned.of(pairs).row("a") == ["a", "+10.0% (+9.9% to +10.1%)", "-50.0% (-50.1% to -49.9%)"]
    assert Pinned.of([*pairs, (Start(0, 0, 1.1), Start(0, 0, 1.0))]).row("a")[2] == "–"


class Session:
    """A session that takes so many seconds, and notes what is asked of it."""

    def __init__(self, seconds=0.01, threads=1):
        self.seconds, self.calls = seconds, []
        self.facts = Facts("test", "TestProvider", threads, "test.clock", 1e-7)

    def time(self, _feeds, rounds, _iterations=1):
        self.calls.append(rounds)
        return Block([self.seconds] * rounds, {}, CpuTime(rounds * self.seconds * 2, rounds * self.seconds))

    def keep_on(self, core):
        self.calls.append(f"on {core}")


def test_both_sides_take_turns_of_equal_length_on_one_core(monkeypatch):
    monkeypatch.setattr(fresh_starts, "warm_up", lambda session, *_: [session.seconds])
    session, reference = Session(0.01), Session(0.005)
    found = fresh_starts.Bench(None, {}, reference).draw(session, 3)
    assert found == Start(pytest.approx(math.log(2)), pytest.approx(0.0), 0.01, pytest.approx(0.02))
    assert session.calls == ["on 3", *[10] * fresh_starts.BLOCKS, "on None"]
    assert reference.calls == ["on 3", *[20] * fresh_starts.BLOCKS, "on None"]


def test_what_fails_on_a_core_is_let_go():
    session = Session()
    with pytest.raises(ZeroDivisionError), fresh_starts.kept_on(1, [session]):
        1 / 0  # noqa: B018
    with fresh_starts.kept_on(None, [session]):
        pass
    assert session.calls == ["on 1", "on None"]


@pytest.mark.parametrize(("threads", "has_core"), [(1, True), (2, False), (None, False)])
def test_only_a_single_thread_is_kept_on_a_core(monkeypatch, threads, has_core):
    monkeypatch.setattr(fresh_starts, "draw_core", lambda: 5)
    assert fresh_starts.core_for(Session(threads=threads)) == (5 if has_core else None)


def test_a_page_is_loaded_again_in_its_own_process():
    case = case_of(manifest.load("resnet8"))
    question = ask(case.artefact, inputs.fed(case.artefact.path, 1))
    with fresh_starts.browser(PLATFORMS["chromium-wasm"], case) as (session, channel):
        session.open()
        first = {*session._host.renderers}
        channel.again = True
        session.open()
        assert {*session._host.renderers} == first
        assert question.check(session.facts, session.run(question.feeds)) < 1e-5
        channel.again = False
        session.open()
        assert {*session._host.renderers} != first


def test_fresh_processes_and_pinned_starts_alternate_with_the_others(monkeypatch):
    calls = []

    class Opened(Session):
        def __init__(self, name):
            super().__init__()
            self.name = name
            calls.append(f"open {name}")

        def __enter__(self):
            return self

        def __exit__(self, *_):
            calls.append(f"close {self.name}")

        def renew(self):
            calls.append("renew")

    platform = SimpleNamespace(open=lambda *_: Opened("here"), open_fresh=lambda *_: Opened("fresh"))
    monkeypatch.setattr(fresh_starts, "PLATFORMS", {"a": platform})
    monkeypatch.setattr(fresh_starts, "draw_core", lambda: 7)
    bench = SimpleNamespace(
        case=None, draw=lambda session, core: calls.append((session.name, core)) or Start(0, 0, 1, 1)
    )
    fresh_starts.processes(bench, "a", 2)
    once = ["open here", ("here", 7), "close here"]
    assert calls == ["open fresh", *once, ("fresh", 7), *once, "renew", ("fresh", 7), "close fresh"]
    calls.clear()
    fresh_starts.pinned(bench, "a", 2)
    assert calls == [
        *("open fresh", ("fresh", 7), "renew", ("fresh", None)),
        *("renew", ("fresh", None), "renew", ("fresh", 7), "close fresh"),
    ]


@pytest.mark.parametrize("option", ["browsers", "pages", "sessions", "pairs"])
def test_one_of_a_kind_differs_from_nothing(ended, option):
    code, told = ended(fresh_starts, f"--{option}", "1")
    assert code == 2
    assert f"--{option} 1: fewer than 2 do not differ" in told
