"""A device that joined against driven browsers: alike in all but the link, in turns, made up and once for real."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from benchmarks.figures import joined
from benchmarks.measuring.sampler import Plan
from benchmarks.protocol import Block, Facts, PlatformError
from browser_harness.processes import command_line

TIMES = {joined.DRIVEN: 2e-6, joined.AGAIN: 2e-6, joined.JOINED: 2e-6}
QUESTION = SimpleNamespace(feeds={}, check=lambda facts, outputs: 0.0)
PLAN = Plan(1, 3e-3, 10, block_seconds=5e-4, starts=3)


class FakeSession:
    def __init__(self, side, calls, seconds, step=1e-9, lifetime=None):
        self.side, self.calls, self.seconds = side, calls, seconds
        self.facts = Facts("fake", "fake", 1, "fake.clock", step, surrounding="page", lifetime=lifetime)

    def run(self, feeds):
        return {}

    def classify(self, images, batch_size):
        return iter(())

    def obtained_slowdown(self, feeds):
        return 1.0

    def open(self):
        self.calls.append(("open", self.side))

    def renew(self):
        self.calls.append(("renew", self.side))

    def keep_on(self, core):
        if core is not None:
            self.calls.append((core, self.side))

    def time(self, feeds, rounds, iterations=1):
        self.calls.append(("time", self.side))
        return Block([self.seconds] * rounds, {}, None, iterations=iterations)


def sessions(calls, **about):
    return {side: FakeSession(side, calls, seconds, **about) for side, seconds in TIMES.items()}


def test_fresh_pages_take_turns_in_an_order_by_lot(monkeypatch):
    orders = []

    def sample(names, number):
        orders.append([*reversed(names)])
        return orders[-1]

    monkeypatch.setattr(joined.random, "sample", sample)
    blocks = joined.draw(sessions(calls := []), QUESTION, PLAN)
    assert all([block.start for block in blocks[side]] == [0, 0, 1, 1, 2, 2] for side in TIMES)
    assert [call for call in calls if call[0] == "renew"] == [("renew", side) for side in TIMES] * 2
    last = [side for what, side in calls if what == "time"][-6:]
    assert last == [side for order in orders[-2:] for side in order]


def test_all_sides_of_a_start_are_on_one_core():
    joined.draw(sessions(calls := []), QUESTION, PLAN)
    cores = [call for call in calls if isinstance(call[0], int)]
    assert [side for _, side in cores] == [*TIMES] * 3
    assert all(len({core for core, _ in cores[at : at + 3]}) == 1 for at in (0, 3, 6))


def test_a_sample_is_as_many_inferences_on_all_sides():
    """Percentiles of single inferences and of means of several are not the same figure."""
    sides = sessions([])
    sides[joined.JOINED].facts = Facts("fake", "fake", 1, "fake.clock", 1e-7, surrounding="page")  # a coarser clock
    blocks = joined.draw(sides, QUESTION, PLAN)
    iterations = {block.iterations for side in blocks.values() for block in side}
    assert len(iterations) == 1
    assert iterations.pop() > 1


def test_no_page_outlives_what_it_may():
    sides = sessions([], lifetime=100)
    blocks = joined.draw(sides, QUESTION, Plan(1, 6e-4, 10, block_seconds=2e-5, starts=3))
    for side in blocks.values():
        starts = {block.start for block in side}
        assert all(sum(block.inferences for block in side if block.start == start) <= 100 for start in starts)


@pytest.mark.parametrize(("factor", "is_within"), [(1.0, True), (1.02, True), (1.04, False), (0.96, False)])
def test_a_page_that_joined_is_held_to_three_per_cent(monkeypatch, factor, is_within):
    monkeypatch.setitem(TIMES, joined.JOINED, 2e-6 * factor)
    row = joined.Row.of("resnet8", "chromium-wasm", joined.draw(sessions([]), QUESTION, PLAN))
    assert row.joined.value == pytest.approx(factor)
    assert row.floor.value == pytest.approx(1)
    assert row.is_within == is_within
    assert ("outside" in row.cells[4]) == (not is_within)
    assert row.cells[:4] == ["resnet8", "`chromium-wasm`", "0.00200 ms", f"{0.002 * factor:.5f} ms"]


@pytest.fixture
def run(ended, monkeypatch):
    """Run the command on made-up sessions; *error* is what opening the second case raises."""
    has = []

    @contextmanager
    def browsers(*, has_flags):
        has.append(has_flags)
        yield None

    def command(*words, error=None):
        errors = [None, error]

        @contextmanager
        def opened(there, name, question):
            if why := errors.pop(0):
                raise why
            yield sessions([])

        monkeypatch.setattr(joined, "browsers", browsers)
        monkeypatch.setattr(joined, "opened", opened)
        monkeypatch.setattr(joined, "ask", lambda *_args, **_side: QUESTION)
        shared = "--model=resnet8", "--platform=chromium-wasm", "--platform=chromium-tfjs"
        return (*ended(joined, *shared, "--starts=3", "--seconds=5e-4", *words), has)

    return command


def test_what_cannot_be_measured_is_told_and_the_others_are(run):
    code, told, has = run(error=PlatformError("chromium-tfjs: it broke"))
    assert code == "outside the limits, or failed: resnet8 on chromium-tfjs"
    assert "failed: chromium-tfjs: it broke" in told
    assert "| resnet8 | `chromium-wasm` | 0.00200 ms    | 0.00200 ms    | 1.000 (0.999 to 1.001) |" in told
    assert has == [True]


def test_the_command_ends_with_1_where_one_lies_outside(run, monkeypatch):
    assert run()[0] == 0
    monkeypatch.setitem(TIMES, joined.JOINED, 2.1e-6)
    code, told, has = run("--no-flags")
    assert code == "outside the limits, or failed: resnet8 on chromium-wasm, resnet8 on chromium-tfjs"
    assert "1.050 (1.049 to 1.051): **outside**" in told
    assert has == [True, False]


def test_what_has_no_interval_is_refused(ended):
    code, told = ended(joined, "--starts=2")
    assert (code, "--starts 2: fewer than 3 have no interval" in told) == (2, True)


def test_a_machine_without_a_browser_is_told(ended, monkeypatch):
    def find(named):
        raise joined.chromium.BrowserMissingError("no Chromium that starts")

    monkeypatch.setattr(joined.chromium, "find", find)
    assert ended(joined)[0] == "joined: no Chromium that starts"


def test_the_browsers_differ_in_nothing_but_their_driver():
    artefact = joined.manifest.load("resnet8")
    question = joined.ask(artefact, joined.fed(artefact.path, 1), side="client")
    with joined.browsers() as there, joined.opened(there, "chromium-wasm", question) as open_in:
        pids = [there.driven.processes()["browser"][0], there.joined.processes()["browser"][0]]
        driven, by_link = ({word for word in command_line(pid)[1:] if word.startswith("--")} for pid in pids)
        assert {word.partition("=")[0] for word in driven ^ by_link} == {"--remote-debugging-pipe", "--user-data-dir"}
        blocks = joined.draw(open_in, question, Plan(1, 0.01, 2, starts=1))
        assert [*blocks] == [joined.DRIVEN, joined.AGAIN, joined.JOINED]
        facts = [session.facts for session in open_in.values()]
        assert len({(one.threads, one.clock_resolution, str(one.details["simd"])) for one in facts}) == 1
