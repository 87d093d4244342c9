"""Who came by the link, in which order they are measured, what they and the person at the terminal see meanwhile."""

import io
import threading
from contextlib import contextmanager, nullcontext
from functools import partial

import pytest
from devices_made_up import FIREFOX, PIXEL, MadeUpDevice
from made_up_runs import benchmark, run

from benchmarks.devices import board as boards
from benchmarks.devices.board import Board, rows, state
from benchmarks.devices.guests import Guest, Line
from benchmarks.devices.host import Host, Usher
from benchmarks.devices.outcome import Outcome
from browser_harness.channel import PageError

WHOLE = Outcome(run("device.json", benchmark()))


@pytest.fixture
def line():
    return Line()


@pytest.fixture
def host(line):
    """A host that measures in no time, and notes whom."""

    def measure(guest, words):
        assert guest.is_measured
        measured.append((guest.number, words))
        return WHOLE

    measured = []
    found = Host(line, Board(io.StringIO()), measure, ["--model", "resnet8"])
    found.measured = measured
    return found


def come(line, *abouts, **device):
    number = len(line.guests) + 1
    devices = [MadeUpDevice(about, number=number + at, **device) for at, about in enumerate(abouts or (FIREFOX,))]
    for one in devices:
        line.came(one)
    return devices if len(devices) > 1 else devices[0]


def states(line):
    return [words for _, _, words in rows(line)]


def test_they_are_measured_one_after_the_other_in_the_order_in_which_they_came(line, host):
    come(line, FIREFOX, PIXEL, FIREFOX)
    host.most = 3
    host.serve()
    assert host.measured == [(number, ["--model", "resnet8"]) for number in (1, 2, 3)]
    assert states(line) == ["done"] * 3


def test_of_two_alike_each_has_a_name_of_its_own(line):
    come(line, FIREFOX, PIXEL, FIREFOX)
    assert [guest.name for guest in line.guests] == [
        "Firefox 153, 2 cores, http",
        "Chromium 153, Pixel 8, 8 cores, https",
        "Firefox 153, 2 cores, http (2)",
    ]


def test_who_is_away_or_hidden_lets_the_others_go_first(line, host):
    away, hidden = come(line, state="away"), come(line, state="paused")
    come(line)
    host.most = 1
    host.serve()
    assert [number for number, _ in host.measured] == [3]
    assert states(line) == [
        "left before its turn; it may come back",
        "waits for its turn, 1 before it, its page is hidden",
        "done",
    ]
    away.presence.state = hidden.presence.state = "here"
    host.most = 3
    host.serve()
    assert [number for number, _ in host.measured] == [3, 1, 2]


def test_one_that_comes_is_waited_for(line, host):
    host.most = 1
    serving = threading.Thread(target=host.serve, daemon=True)
    serving.start()
    come(line)
    serving.join(10)
    assert host.measured


def test_it_ends_when_nobody_new_came_for_so_long(line, host):
    host.seconds = 1e-3
    host.serve()
    assert host.measured == []
    come(line)
    host.seconds = 0.05
    host.serve()
    assert len(host.measured) == 1


def test_a_browser_of_this_machine_is_started_measured_and_ended_before_the_next(line, host):
    done = []

    @contextmanager
    def start(name):
        done.append(f"start {name}")
        come(line)
        yield
        done.append(f"end {name} after {len(host.measured)}")

    host.most = 2
    host.serve([(name, partial(start, name)) for name in ("firefox", "webkit", "chromium")])
    assert done == ["start firefox", "end firefox after 1", "start webkit", "end webkit after 2"]


def test_a_browser_that_does_not_start_or_join_is_told_and_the_others_go_on(line, host, monkeypatch):
    monkeypatch.setattr("benchmarks.devices.host.JOINING", 1e-3)

    @contextmanager
    def breaks():
        raise PageError("Xvfb gave no display")
        yield

    @contextmanager
    def says_nothing():
        yield

    @contextmanager
    def joins():
        come(line)
        yield

    host.most = 1
    host.serve([("webkit", breaks), ("firefox", says_nothing), ("chromium", joins)])
    assert host.problems == ["webkit: Xvfb gave no display", "firefox has not joined within 0.001 s"]
    assert len(host.measured) == 1


def test_a_browser_that_does_not_join_is_told_also_where_somebody_else_is_measured_meanwhile(line, host, monkeypatch):
    monkeypatch.setattr("benchmarks.devices.host.JOINING", 1e-3)
    come(line)
    host.seconds = 1e-3
    host.serve([("firefox", nullcontext)])
    assert len(host.measured) == 1
    assert host.problems == ["firefox has not joined within 0.001 s"]


def test_a_stop_in_the_midst_is_known_and_what_was_measured_is_kept(line, host):
    def stopped(guest, words):
        guest.outcome = Outcome(WHOLE.run, "stopped")
        raise KeyboardInterrupt

    come(line, FIREFOX, PIXEL)
    host.measure = stopped
    with pytest.raises(KeyboardInterrupt):
        host.serve()
    assert host.is_busy
    assert [guest.outcome and guest.outcome.why for guest in line.guests] == ["stopped", None]


def test_a_guest_that_is_away_too_long_is_lost_and_not_waited_for_again(line):
    device = come(line)
    (guest,) = line.guests
    assert guest.wait(600)
    device.presence.state = "away"
    assert not guest.wait(600)
    device.presence.state = "here"
    assert not guest.wait(600)
    assert device.waits == [600, 600]
    assert guest.is_lost


def test_one_that_was_sent_home_is_measured_no_more_and_its_words_are_shown(line, host):
    come(line).dismissed = "it keeps to no protocol"
    host.seconds = 1e-3
    host.serve()
    assert host.measured == []
    assert states(line) == ["was sent home: it keeps to no protocol"]
    assert not line.guests[0].wait(600)
    assert line.guests[0].device.waits == []


def test_the_story_of_a_run_begins_with_it(line):
    device = come(line)
    (guest,) = line.guests
    device.told |= {"left": 2, "hidden": 1, "seconds_missed": 30.0}
    guest.begin()
    device.told |= {"left": 3, "seconds_missed": 42.5, "calls_cut": 1}
    assert guest.as_device().story() == {"left": 1, "hidden": 0, "seconds_missed": 12.5, "calls_cut": 1}
    assert (guest.about()["number"], guest.about()["twin"]) == (1, 1)


def test_who_waits_reads_where_it_stands_and_why(line, host):
    first, second = come(line, FIREFOX, PIXEL)
    line.guests[0].is_measured = True
    with Usher(line, host.board):
        line.changed()
    come(line)
    third = line.guests[2].device
    with Usher(line, host.board):
        line.changed()
    assert first.shown == []
    assert second.shown[-1]["state"] == third.shown[-1]["state"] == "waiting"
    assert second.shown[-1]["words"].startswith(
        "One device is before this one. Devices are measured one after the other"
    )
    assert third.shown[-1]["words"].startswith("2 devices are before")


def test_at_the_end_a_person_sees_its_own_figures(line, host):
    device = come(line)
    line.guests[0].show({"figures": [{"model": "resnet8"}], "of": 1, "done": 1})
    host.most = 1
    host.serve()
    assert device.shown[-1]["state"] == "done"
    assert device.shown[-1]["figures"] == [{"model": "resnet8"}]


@pytest.mark.parametrize(
    ("told", "device", "words"),
    [
        ({}, {}, "is measured: the run begins"),
        ({"done": 2, "of": 9, "words": "resnet20 on firefox-wasm, batch 1", "seconds_left": 40.2}, {},
         "measuring 3 of 9, resnet20 on firefox-wasm, batch 1, 40 s left"),
        ({"done": 9, "of": 9, "words": "", "seconds_left": None}, {}, "measuring 9 of 9"),
        ({"done": 2, "of": 9}, {"state": "paused"}, "paused: its page is hidden"),
        ({"done": 2, "of": 9}, {"state": "away"}, "left in the midst; it may come back"),
    ],
)  # fmt: skip
def test_a_state_in_words(line, told, device, words):
    guest = Guest(MadeUpDevice(**device), 1, is_measured=True, told=told)
    assert state(guest, line) == words


def test_what_a_device_says_drives_no_terminal(line):
    come(line, FIREFOX | {"hints": {"model": "\x1b]0;owned\x07\n"}})
    ((_, name, _),) = rows(line)
    assert "\\x1b]0;owned\\x07\\n" in name


def test_in_a_log_each_change_is_a_line(line):
    stream = io.StringIO()
    board = Board(stream)
    come(line)
    for _ in range(2):
        board.draw([*rows(line)])
    line.guests[0].outcome = WHOLE
    board.draw([*rows(line)])
    assert stream.getvalue().splitlines() == [
        "device 1  Firefox 153, 2 cores, http: comes next",
        "device 1  Firefox 153, 2 cores, http: done",
    ]


class Screen(io.StringIO):
    def isatty(self):
        return True


def test_on_a_screen_the_rows_are_drawn_anew_below_what_is_said(line, monkeypatch):
    monkeypatch.setattr(boards.shutil, "get_terminal_size", lambda **_: boards.shutil.os.terminal_size((30, 24)))
    stream = Screen()
    board = Board(stream)
    board.draw([])
    come(line, FIREFOX, PIXEL)
    board.draw([*rows(line)])
    board.say("problem  one")
    drawn = stream.getvalue()
    up = [boards.UP.format(number) for number in (1, 2)]
    two = "  1  Firefox 153, 2 cores, ht\n  2  Chromium 153, Pixel 8, 8\n"
    assert drawn == f"{boards.NOBODY}\n{up[0]}{two}{up[1]}problem  one\n{two}"
