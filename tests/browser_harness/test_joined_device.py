"""A device that leaves, hides its page and comes back, without a browser: its socket is made up."""

import asyncio
import json
import threading

import pytest

from browser_harness.channel import PageError
from browser_harness.joined import HiddenError, LeftError
from browser_harness.joined.device import ANOTHER_TAB, RUN_ENDED, Device
from browser_harness.joined.loop import LoopThread

ABOUT = {"engine": "made-up"}


class Socket:
    """The server's end of a connection, whose page does what *answers* says, by deed; what has none stays open."""

    def __init__(self, device, **answers):
        self.device, self.answers = device, answers
        self.sent, self.closed = [], None

    async def send_str(self, text):
        message = json.loads(text)
        if message["do"] == "nothing":
            return  # a word for a page that looks whether the server is there
        self.sent.append(message["do"])
        if (told := self.answers.get(message["do"])) is not None:
            for one in told if isinstance(told, list) else [told]:
                self.device.receive({"id": message["id"]} | one if "visible" not in one else one)

    async def close(self, *, code, message):
        self.closed = code


@pytest.fixture
def thread():
    with LoopThread() as thread:
        yield thread


@pytest.fixture
def device(thread):
    return Device(1, ABOUT, thread)


@pytest.fixture
def come(thread, device):
    """Have the device come, by a connection whose page answers so."""

    def come(*, is_visible=True, **answers):
        socket = Socket(device, **answers)
        thread.ask(device.joined(socket))
        if is_visible is not None:
            tell(thread, device, visible=is_visible)
        return socket

    return come


def tell(thread, device, **message):
    async def told():
        device.receive(message)

    thread.ask(told())


RIGHT = {"answer": 7, "hidden": False}


def call(device, timeout=30):
    return device.call("wasmBytes", {}, timeout)


def test_a_page_that_was_seen_all_the_time_has_answered(device, come):
    come(call=RIGHT)
    assert call(device) == 7
    assert device.story() == {"left": 0, "hidden": 0, "seconds_missed": 0.0, "calls_cut": 0}


@pytest.mark.parametrize("told", [{"answer": 7, "hidden": True}, {"answer": None, "hidden": True}])
def test_what_a_page_answers_that_was_hidden_meanwhile_does_not_count(device, come, told):
    come(call=told)
    with pytest.raises(HiddenError, match=r"^wasmBytes: the page was hidden meanwhile$"):
        call(device)
    assert device.story()["calls_cut"] == 1


def test_a_page_that_said_it_was_hidden_while_it_was_asked_was_so_whatever_its_answer_says(device, come):
    come(call=[{"visible": False}, {"visible": True}, RIGHT])
    with pytest.raises(HiddenError, match=r"^wasmBytes: the page was hidden meanwhile$"):
        call(device)


@pytest.mark.parametrize("is_visible", [False, None])
def test_a_page_that_is_hidden_or_has_not_said_that_it_is_seen_is_not_asked(device, come, is_visible):
    socket = come(is_visible=is_visible, call=RIGHT, load=RIGHT)
    for ask in (lambda: call(device), lambda: device.load({}, (), {}, 30)):
        with pytest.raises(HiddenError, match=r"the page is hidden$"):
            ask()
    assert socket.sent == []


def test_a_hidden_page_can_still_be_dropped(device, come):
    socket = come(is_visible=False, close=RIGHT)
    device.close(30)
    assert (socket.sent, device.table) == (["close"], None)


@pytest.mark.parametrize("fault", [{"error": "the GPU is lost", "stack": ""}, {"answer": 7}])
def test_a_page_that_broke_while_it_was_hidden_is_lost(thread, device, come, fault):
    """A phone takes GPU and memory from what is hidden: that is no fault of what is measured."""
    come(call=fault | {"hidden": True})
    if "answer" in fault:
        tell(thread, device, noted="uncaught: the GPU is lost")
    with pytest.raises(LeftError, match=r"^wasmBytes: the page was hidden meanwhile, and broke"):
        call(device)


def test_a_fault_of_a_page_that_was_seen_is_one(device, come):
    come(call={"error": "no such thing", "stack": "at x", "hidden": False})
    with pytest.raises(PageError, match=r"^wasmBytes: no such thing\nat x$") as seen:
        call(device)
    assert not isinstance(seen.value, LeftError)


def test_a_page_that_hid_and_never_answered_is_lost_and_one_that_did_not_hide_is_slow(thread, device, come):
    come(call=[{"visible": False}])
    with pytest.raises(LeftError, match=r"^wasmBytes: the page was hidden, and gave no answer within 0\.01 s$"):
        call(device, 0.01)
    come(call=[])
    with pytest.raises(PageError, match=r"no answer within 0\.01 s; where it is only slow, raise --inference-timeout$"):
        call(device, 0.01)


def test_faults_of_a_page_are_not_told_of_the_next(thread, device, come):
    come(load=RIGHT, call=RIGHT)
    tell(thread, device, noted="uncaught: of the page before")
    device.load({}, (), {}, 30)
    assert call(device) == 7


def test_a_device_that_left_and_came_back_between_two_calls_has_another_page(device, come):
    come(load=RIGHT, call=RIGHT)
    device.load({}, (), {}, 30)
    assert call(device) == 7
    socket = come(load=RIGHT, call=RIGHT)
    with pytest.raises(LeftError, match=r"^wasmBytes: the device left, and is back with another page$"):
        call(device)
    assert socket.sent == []
    device.load({}, (), {}, 30)
    assert call(device) == 7
    assert device.story()["calls_cut"] == 1


def waiting(device, thread):
    """Call in another thread; return what is kept of it, and the thread, once the call is under way."""
    kept = []

    def asked():
        try:
            kept.append(call(device))
        except PageError as error:
            kept.append(error)

    asking = threading.Thread(target=asked)
    asking.start()

    async def under_way():
        while not device._waiting:
            await asyncio.sleep(0.001)

    thread.ask(under_way(), 10)
    return kept, asking


def test_who_waits_for_a_device_that_leaves_is_told(thread, device, come):
    socket = come()
    kept, asking = waiting(device, thread)

    async def left():
        device.left(socket)

    thread.ask(left())
    asking.join(10)
    assert [type(one) for one in kept] == [LeftError]
    assert str(kept[0]) == "wasmBytes: the device left"
    assert device.presence.state == "away"
    with pytest.raises(LeftError):
        call(device)


def test_another_tab_takes_the_place_of_the_one_before(thread, device, come):
    first = come()
    kept, asking = waiting(device, thread)
    second = come(call=RIGHT)
    asking.join(10)
    assert [type(one) for one in kept] == [LeftError]
    assert (first.closed, second.closed) == (ANOTHER_TAB, None)

    async def left():
        device.left(first)  # which is closed by now

    thread.ask(left())
    assert call(device) == 7
    assert device.story()["left"] == 1


def test_a_connection_that_is_dead_keeps_nobody_from_coming_back(thread, device, come):
    first = come()

    async def never(**_):
        await asyncio.Event().wait()

    first.close = never
    come(call=RIGHT)
    assert call(device) == 7


def test_a_device_is_sent_home_by_a_code_that_says_so(thread, device, come):
    socket = come()
    thread.ask(device.end())
    assert socket.closed == RUN_ENDED


def test_nothing_is_shown_while_a_call_runs_and_all_of_it_when_the_page_comes_back(thread, device, come):
    device.show({"words": "early"})
    socket = come()
    assert socket.sent == ["show"]
    kept, asking = waiting(device, thread)
    device.show({"words": "late"})
    assert socket.sent == ["show", "call"]
    (number,) = device._waiting
    tell(thread, device, id=number, **RIGHT)
    asking.join(10)
    device.wait(0)  # what was to be sent is sent by now
    assert (kept, socket.sent) == ([7], ["show", "call", "show"])
    assert come().sent == ["show"]


def test_who_waits_when_the_server_ends_is_let_go():
    kept = []
    with LoopThread() as thread:
        device = Device(1, ABOUT, thread)
        asking = threading.Thread(target=lambda: kept.append(device.wait(600)), daemon=True)
        asking.start()

        async def under_way():
            while len(asyncio.all_tasks()) < 2:
                await asyncio.sleep(0.001)

        thread.ask(under_way(), 10)
    asking.join(10)
    assert kept == [False]
    assert not device.wait(600)
    device.show({"words": "nobody sees it"})
    with pytest.raises(LeftError):
        call(device)
