"""What is told of a fleet: rates, how many devices equal a server, and what the two figures differ by."""

import io
from dataclasses import replace

import pytest
from fleet_made_up import Session, made_up, member
from made_up_fleets import DEVICE, FLEET

from benchmarks.decide.fleet import equal
from benchmarks.fleet import record, told
from benchmarks.fleet.desk import Desk
from benchmarks.fleet.progress import Board, lines
from benchmarks.results.fleet import Counted, FleetChunk


def test_how_many_equal_a_server_is_measured_and_computed_and_the_costs_explain_the_quotient():
    found = equal(FLEET, DEVICE)
    assert found.measured == pytest.approx((8000 / 4.4) / (1000 / 4.4))
    assert (found.decided.value, found.decided.low, found.decided.high) == (8.0, 7.9, 8.1)
    assert found.quotient == pytest.approx(found.device.longer / found.server.longer)
    assert found.agrees
    assert found.device.inferring == pytest.approx(3.9e-3)
    assert found.device.rest == pytest.approx(2e-4)


def test_of_the_whole_server_the_measured_rate_decides():
    found = equal(FLEET, DEVICE, workers=2)
    assert found.decided.value == pytest.approx(16000 / 4.4 * 4e-3)
    assert found.quotient == pytest.approx(found.device.longer)


def test_what_is_not_known_is_not_compared():
    assert equal(FLEET, replace(DEVICE, counted=Counted())) is None
    assert equal(replace(FLEET, servers=()), DEVICE) is None
    found = equal(FLEET, replace(DEVICE, latency=None))
    assert (found.decided, found.quotient, found.agrees) == (None, None, None)
    untold = equal(FLEET, replace(DEVICE, counted=replace(DEVICE.counted, parts=None)))
    assert (untold.device.inferring, untold.device.way) == (None, None)
    assert untold.device.rest == pytest.approx(4.4e-3)


def text(fleet):
    return "\n".join(told.lines(fleet))


def test_all_of_it_is_told_and_fits():
    said = text(FLEET)
    for words in (
        "resnet20, batch 1: 1,000 images in 5.00 s by 1 device: 200/s",
        "top-1 69.00 %: 690 right, as many as its manifest row says (690)",
        "server-cpu in one process on one thread: 1,818/s (1,818 before), while no device worked",
        "all within 10%",
    ):
        assert words in said
    table = [line for line in said.splitlines() if "  " in line]
    assert max(map(len, table)) <= 100


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"drained": 900}, "not whole: 100 images were not classified"),
        ({"right": 680}, "680 right, 10 other than its manifest row says (690)"),
        ({"devices": (replace(DEVICE, latency=None, no_latency="it came later"),)}, "decide computes: it came later"),
        (
            {"devices": (replace(DEVICE, counted=replace(DEVICE.counted, seconds=8.8)),)},
            "120 % longer than its latency on the",
        ),
        ({"devices": (replace(DEVICE, sent_home="3 faults in a row"),)}, "was given nothing more (3 faults in a row)"),
        ({"chunks": (FleetChunk(1, 0, 9, 0.0, 5.0, "counted", is_hidden=True),)}, "1 chunk of a hidden page"),
        ({"servers": (), "devices": ()}, "not compared with a server, for that was not measured"),
    ],
)
def test_what_is_not_as_it_should_be_is_told(change, words):
    assert words in text(replace(FLEET, **change))


def test_nothing_is_said_to_agree_that_was_not_compared():
    assert "all within" not in text(replace(FLEET, devices=()))
    assert "all within" not in text(replace(FLEET, devices=(DEVICE, replace(DEVICE, number=2, latency=None))))


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self):
        return True


def test_a_terminal_has_its_lines_drawn_anew_and_what_happens_above_them():
    screen, file = Terminal(), io.StringIO()
    for stream in (screen, file):
        board = Board(stream)
        board.draw(["one 1", "two 1"])
        board.tell("it left")
        board.draw(["one 2", "two 2"])
        board.end()
        board.draw(["one 3"])
    assert screen.getvalue() == ("one 1\ntwo 1\n\x1b[2A\x1b[Jit left\none 1\ntwo 1\n\x1b[2A\x1b[Jone 2\ntwo 2\none 3\n")
    assert file.getvalue() == "one 1\ntwo 1\nit left\none 2\ntwo 2\none 3\n"


def test_the_time_in_which_a_job_waited_for_nobody_before_it_was_given_up_is_none_of_its_own(monkeypatch):
    job = made_up()
    desk = Desk(job.count, clock=lambda: 10.0)
    one, _ = member(monkeypatch, job, desk, Session(job))
    desk.begin()
    desk.come(1)
    chunk = desk.book.take(1, 10.0)
    desk.book.answer(chunk.number, 12.0)
    desk.book.take(1, 12.0)
    desk.book.leave(1, 13.0)
    desk.clock = lambda: 133.0
    desk.close()
    found = record.fleet_of(job, desk, [one], servers=(), latencies=None, machine={}, busy=None)
    assert (found.drained, found.seconds, found.rate) == (8, 2.0, 4.0)
    assert found.devices[0].about == {"engine": "chromium", "version": "153.0"}  # its address is its own


def test_progress_is_a_line_a_device_and_the_time_left(monkeypatch):
    job = made_up()
    desk = Desk(job.count, clock=lambda: 10.0)
    one, _ = member(monkeypatch, job, desk, Session(job))
    desk.begin()
    desk.come(1)
    chunk = desk.book.take(1, 10.0)
    desk.book.answer(chunk.number, 12.0)
    desk.clock = lambda: 12.0
    one.work.images, one.work.chunks, one.state = chunk.images, 1, "left"
    device, together = lines(desk, [one], 12.0)
    assert device.split() == ["1", "chromium", "153", "4.00/s", "8", "images", "in", "1", "chunk", "(left)"]
    assert together.split() == ["together", "4.00/s", "8", "of", "40,", "8.00", "s", "left"]
