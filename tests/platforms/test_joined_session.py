"""What a device cuts by leaving or hiding its page is measured again, whole; everything here is made up."""

from types import SimpleNamespace

import numpy as np
import pytest
from test_page_session import FEEDS, SECONDS, Doubling, Page

from benchmarks.inputs import case_of
from benchmarks.measuring import sampler
from benchmarks.platforms import joined_session, page_session
from benchmarks.platforms.joined_session import JoinedSession, Patience
from benchmarks.platforms.page_runtime import JoinedCase
from benchmarks.protocol import Images, PlatformError
from benchmarks.settings import Settings
from browser_harness.channel import PageError
from browser_harness.host import UnknownHost
from browser_harness.joined import HiddenError, JoinedPage, LeftError
from models import own

HIDDEN, LEFT = HiddenError("time: the page was hidden meanwhile"), LeftError("time: the device left")
WARMING = ["time", "time", "time"]  # what makes a page warm again
OPENING = ["load", "open"]
OF_A_DEVICE = Patience(600)


class Lasting(Doubling):
    lifetime = None


class Device:
    """A device whose page doubles; *cuts* says what becomes of the next calls, and None that nothing does."""

    def __init__(self):
        self.asked, self.waited, self.cuts = [], [], []
        self.loads, self.page, self.comes_back = 0, None, True

    def load(self, files, script_sources, imports, timeout):
        self._cut("load")
        self.page, self.loads = Page(), self.loads + 1

    def call(self, function, argument, timeout):
        """Compute, and answer unless that is cut; a sample tells by the call's number which call it was drawn in."""
        assert self.page, f"{function} is asked of a page that is lost"
        answer = self.page.call(function, argument)
        if function == "open":
            answer |= {"secure": True, "sharedArrayBuffer": True}
        self._cut(function)
        if "rounds" in argument:
            answer["samples"] = [SECONDS * 1e3 + len(self.asked) * 1e-6] * argument["rounds"]
        return answer

    def _cut(self, function):
        self.asked.append(function)
        if error := self.cuts.pop(0) if self.cuts else None:
            self.page = None if isinstance(error, LeftError) else self.page
            raise error

    def publish(self, path, content):
        self.page.publish(path, content)

    def await_bytes(self, path, length):
        self.page.waiting[path] = memoryview(bytearray(length))

    def take_bytes(self, path):
        return bytes(self.page.waiting.pop(path)) if self.page else None

    def fetched(self):
        return {}

    def loaded(self):
        return []

    def wait(self, seconds):
        self.waited.append(seconds)
        return self.comes_back


@pytest.fixture
def device():
    return Device()


@pytest.fixture
def make(tiny_model, device, monkeypatch):
    """Return a session on the device that is not open yet, and forget nothing of what was asked."""
    monkeypatch.setattr(joined_session, "WARM_UP", 4 * SECONDS)

    def make(runtime=Lasting, patience=OF_A_DEVICE):
        case = JoinedCase(runtime(), case_of(own.load(tiny_model)), Settings())
        return JoinedSession(case, JoinedPage(device, {}, (), {}, 30), UnknownHost(), patience)

    return make


@pytest.fixture
def session(make, device):
    session = make()
    session.open()
    device.asked.clear()
    return session


def is_right(block, device, rounds=3):
    """Whether a block is of the last call alone, and its outputs are right."""
    np.testing.assert_array_equal(block.outputs["input"], 2 * FEEDS["input"])
    assert block.seconds == [pytest.approx(SECONDS + len(device.asked) * 1e-9, abs=1e-12)] * rounds
    return True


def test_a_block_that_nothing_cuts_is_asked_for_once(session, device):
    block = session.time(FEEDS, 3)
    assert is_right(block, device)
    assert (device.asked, device.waited) == (["time"], [])
    assert block.beside < 0.1


@pytest.fixture
def stalls(device, monkeypatch):
    """Have the next calls take so many seconds, each."""
    clock, seconds, call = [0.0], [], device.call

    def slow(*asked):
        clock[0] += seconds.pop(0) if seconds else 0.01
        return call(*asked)

    monkeypatch.setattr(device, "call", slow)
    monkeypatch.setattr(joined_session, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    return seconds


def test_a_call_that_lay_on_the_way_is_asked_again_and_counts_for_nothing(session, device, stalls):
    stalls += [3.0, 2.0]
    block = session.time(FEEDS, 3)
    assert device.asked == ["time"] * 3
    assert is_right(block, device)
    assert block.beside == pytest.approx(5.0)


def test_one_that_always_takes_longer_than_its_samples_is_handed_on_and_refused(session, device, stalls):
    stalls += [3.0] * joined_session.MOST_STALLS
    block = session.time(FEEDS, 3)
    with pytest.raises(sampler.SampleError, match="is its unit wrong"):
        sampler.check(block, 3, 15.0, session.facts)


def test_large_outputs_that_are_long_on_the_way_are_beside_the_samples(session, device, stalls, monkeypatch):
    monkeypatch.setattr(page_session, "INLINE", 0)
    stalls += [0.01, 7.0]
    block = session.time(FEEDS, 3)
    assert device.asked == ["time", "send"]
    assert block.beside == pytest.approx(7.0)


@pytest.mark.parametrize(
    ("cuts", "asked"),
    [
        ([HIDDEN], ["time", *WARMING, "time"]),  # the page is there still, and has cooled down
        ([LEFT], ["time", *OPENING, *WARMING, "time"]),
        ([LEFT, LEFT], ["time", "load", *OPENING, *WARMING, "time"]),
        ([LEFT, None, LEFT], ["time", *OPENING, *OPENING, *WARMING, "time"]),  # in the midst of opening
        ([LEFT, None, HIDDEN], ["time", *OPENING, *OPENING, *WARMING, "time"]),  # what a hidden page opens is lost, too
        ([HIDDEN, None, LEFT], ["time", "time", "time", *OPENING, *WARMING, "time"]),  # in the midst of warming up
        ([HIDDEN, HIDDEN], ["time", "time", *WARMING, "time"]),
        ([HIDDEN, None, None, None, HIDDEN], ["time", *WARMING, "time", *WARMING, "time"]),
    ],
)
def test_a_block_that_is_cut_is_drawn_again_in_a_page_that_is_open_and_warm(session, device, cuts, asked):
    facts, device.cuts = session.facts, [*cuts]
    assert is_right(session.time(FEEDS, 3), device)
    assert device.asked == asked
    assert device.waited == [600] * sum(cut is not None for cut in cuts)
    assert session.facts is facts  # of the page that fetched everything
    device.asked.clear()
    assert is_right(session.time(FEEDS, 2), device, 2)
    assert device.asked == ["time"]  # the page is good again


def test_a_page_that_ages_is_opened_anew_where_it_was_hidden(make, device):
    session = make(Doubling)
    session.open()
    device.asked.clear()
    device.cuts = [HIDDEN]
    session.time(FEEDS, 3)
    assert device.asked == ["time", *OPENING, *WARMING, "time"]


@pytest.mark.parametrize(
    ("cuts", "asked"),
    [
        ([HIDDEN], ["load", "load", "open"]),
        ([None, HIDDEN], [*OPENING, *OPENING]),  # in the same page it would be warm, and its threads are fixed
        ([None, LEFT], [*OPENING, *OPENING]),
        ([LEFT, None, HIDDEN], ["load", *OPENING, *OPENING]),
    ],
)
def test_an_opening_that_is_cut_is_made_again_in_a_new_page(make, device, cuts, asked):
    session, device.cuts = make(), cuts
    assert session.open() == 0.03
    assert device.asked == asked
    session.time(FEEDS, 1)
    assert device.asked == [*asked, "time"]


def test_a_session_is_renewed_whatever_cuts_that(session, device):
    facts, device.cuts = session.facts, [None, LEFT]
    session.renew()
    assert (device.asked, device.loads, session.facts) == ([*OPENING, *OPENING], 3, facts)


def test_outputs_that_are_lost_on_their_way_are_computed_again(session, device, monkeypatch):
    """What is sent by itself is of the page that computed it: another has nothing to send."""
    monkeypatch.setattr(page_session, "INLINE", 8)
    device.cuts = [None, LEFT]
    block = session.time(FEEDS, 3)
    np.testing.assert_array_equal(block.outputs["input"], 2 * FEEDS["input"])
    assert device.asked == ["time", "send", *OPENING, *(4 * ["time", "send"])]


@pytest.mark.parametrize(
    ("cut", "after"),
    [(HIDDEN, []), (LEFT, OPENING)],
)
def test_a_batch_that_is_cut_is_prepared_again(session, device, cut, after):
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 3, 1, 2)
    device.cuts = [None, None, None, cut]
    blocks = [*session.classify(Images(pixels, (0, 0, 0), (1, 1, 1)), 1)]
    np.testing.assert_array_equal(np.concatenate([block.outputs["input"] for block in blocks]), pixels * 2.0)
    batch = ["prepare", "timePrepared"]
    assert device.asked == [*batch, *batch, *after, *(4 * batch)]


def test_an_animation_is_drawn_again_with_its_rest_before(session, device):
    device.cuts = [None, LEFT]
    block, suffered = session.blocking(FEEDS, 0.5)
    assert (suffered.inferences, len(block.seconds)) == (3, 3)
    assert device.asked == ["rest", "animate", *OPENING, *WARMING, "rest", "animate"]


def test_the_time_that_a_device_was_away_is_none_of_the_call(session, device, monkeypatch):
    """Or the sampler would take the clock for broken: 1.5 ms of samples in a call of minutes."""
    now = [0.0]
    monkeypatch.setattr(joined_session.time, "perf_counter", lambda: now[0])
    away = device.wait

    def wait(seconds):
        now[0] += 300
        return away(seconds)

    monkeypatch.setattr(device, "wait", wait)
    device.cuts = [LEFT]
    (block,) = sampler.draw(session, FEEDS, sampler.Plan(min_rounds=1, max_time=1e-4), SECONDS)
    assert block.beside == 300


def test_neighbouring_blocks_stay_in_turns(session, device):
    """The partner's block is drawn when the one that was cut is whole, so both see the same state of the machine."""
    order = []

    class Partner:
        facts = session.facts

        def time(self, feeds, rounds, iterations=1):
            order.append(len(device.asked))
            return page_session.Block([SECONDS] * rounds, {}, None, iterations=iterations)

    device.cuts = [None, LEFT]
    sides = [sampler.Side(one, FEEDS, 1) for one in (session, Partner())]
    plan = sampler.Plan(min_rounds=2, max_time=1e-4, block_seconds=SECONDS)
    pairs = [*sampler.draw_in_turns(*sides, plan, (SECONDS, SECONDS))]
    assert len(pairs) == 2
    drawn_in = [round((pair[0].seconds[0] - SECONDS) * 1e9) for pair in pairs]
    assert drawn_in == order  # each right before its partner's


def test_a_device_that_stays_away_fails_in_one_line_with_the_remedy(session, device):
    device.cuts, device.comes_back = [LEFT], False
    words = (
        r"^page-doubling: tiny\.onnx: time: the device left, and was not back within 600 s: "
        r"open the link again and leave its page in front, or raise --device-patience$"
    )
    with pytest.raises(PlatformError, match=words):
        session.time(FEEDS, 1)


def test_a_browser_that_has_ended_is_not_waited_for(make, device):
    session = make(patience=Patience(10, lambda: "the browser ended with -9"))
    device.cuts, device.comes_back = [LEFT], False
    with pytest.raises(PlatformError, match=r"^page-doubling: tiny\.onnx: the browser ended with -9$"):
        session.open()
    assert device.waited == [0]


def test_a_page_that_hides_each_time_is_given_up(session, device):
    device.cuts = [HIDDEN] * 100
    words = r"^page-doubling: tiny\.onnx: time: the page was hidden meanwhile, 10 times in a row: leave it in front"
    with pytest.raises(PlatformError, match=words):
        session.time(FEEDS, 1)
    assert len(device.waited) == joined_session.MOST_CUTS


def test_other_faults_are_told_at_once(session, device):
    device.cuts = [PageError("time: no such input")]
    with pytest.raises(PlatformError, match=r"^page-doubling: tiny\.onnx: time: no such input$"):
        session.time(FEEDS, 1)
    assert (device.asked, device.waited) == (["time"], [])


def test_a_browser_of_this_machine_that_ends_while_it_is_waited_for_says_so(make, device):
    faults = iter([None, "firefox ended with -9"])
    session = make(patience=Patience(10, lambda: next(faults)))
    session.open()
    device.cuts, device.comes_back = [LEFT], False
    with pytest.raises(PlatformError, match=r"tiny\.onnx: firefox ended with -9$"):
        session.time(FEEDS, 3)


def test_a_page_of_this_machine_that_is_lost_is_told_with_a_remedy_of_its_own(make, device):
    session = make(patience=Patience(10, remedy="its page may have crashed"))
    session.open()
    device.cuts, device.comes_back = [LEFT], False
    with pytest.raises(PlatformError, match=r"was not back within 10 s: its page may have crashed$"):
        session.time(FEEDS, 3)
