"""A device that leaves, hangs, lies or breaks loses its chunk, and joins in again; its right answers count."""

from dataclasses import replace

import numpy as np
import pytest
from fleet_made_up import IMAGES, Device, Session, drained, made_up, member

from benchmarks.fleet.desk import Desk
from benchmarks.fleet.member import MOST_FAULTS, Member
from benchmarks.protocol import PlatformError, UnavailableError
from benchmarks.settings import Settings
from browser_harness.channel import PageError
from browser_harness.joined import HiddenError, LeftError
from browser_harness.joined.untrusted import BreachError


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Look at once whether a device is back."""
    monkeypatch.setattr(f"{Member.__module__}.LOOK", 0.01)


def content(change):
    """Return a deed that sends other logits."""
    return lambda sent, right, chunk: replace(sent, content=change(right.copy()))


def nan(logits):
    logits[0, 3] = np.nan
    return logits.tobytes()


def test_it_does_all_of_a_job_and_its_person_is_told(monkeypatch):
    one, desk, told = drained(monkeypatch, Session(made_up()))
    assert (desk.book.left, told, one.work.images, one.work.lost) == (0, [], IMAGES, 0)
    assert one.device.shown[0]["of"] == IMAGES
    assert desk.classes.tolist() == made_up().labels.tolist()


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        (LeftError("the device left"), "its images are another's, and it may come back (the device left)"),
        (PageError("a page of it broke"), "failed (a page of it broke)"),
        (content(nan), "image 0 is no number"),
        (content(lambda logits: (logits + 1).tobytes()), "is off by"),
        (content(lambda logits: logits[:, ::-1].tobytes()), "class"),
        (content(lambda logits: logits[:-1].tobytes()), "bytes came of"),
        (content(lambda logits: None), "nothing came of 160 bytes"),
    ],
)
def test_a_chunk_that_went_wrong_is_done_again_and_told(monkeypatch, deed, words):
    one, desk, (told,) = drained(monkeypatch, Session(made_up(), {0: deed}))
    assert words in told
    assert (desk.book.left, one.work.images, one.work.lost) == (0, IMAGES, 1)
    assert one.sent_home == ""


def test_one_that_left_opens_its_page_anew(monkeypatch):
    session = Session(made_up(), {1: LeftError("the device left")})
    drained(monkeypatch, session)
    assert session.opened == 2


def test_one_that_lies_again_and_again_is_given_nothing_more_and_another_does_it(monkeypatch):
    session = Session(made_up(), everything=content(lambda logits: (-logits).tobytes()))
    one, desk, told = drained(monkeypatch, session, helper=True)
    assert (one.work.images, one.work.lost, session.calls) == (0, MOST_FAULTS, MOST_FAULTS)
    assert one.sent_home == told[-1].partition("(")[2][:-1] == f"{MOST_FAULTS} faults in a row"
    assert {entry.chunk.device for entry in desk.entries() if entry.fate == "counted"} == {2}


def test_a_late_answer_is_told_and_discarded(monkeypatch):
    job = made_up()

    def late(sent, right, chunk):
        desk.clock = lambda: chunk.due + 1
        return sent

    desk = Desk(job.count)
    one, told = member(monkeypatch, job, desk, Session(job, {0: late}))
    one.start()
    desk.begin()
    assert desk.wait(10)
    assert told[0].endswith("it answered after 60 s, which is discarded")
    assert (desk.entries()[0].fate, one.work.images) == ("late", IMAGES)


def test_what_a_hidden_page_sent_counts(monkeypatch):
    one, desk, told = drained(
        monkeypatch, Session(made_up(), everything=lambda sent, *_: replace(sent, is_hidden=True))
    )
    assert (one.work.images, told) == (IMAGES, [])
    assert all(entry.is_hidden for entry in desk.entries())


@pytest.mark.parametrize("error", [UnavailableError("it has no SIMD"), ValueError("a fault of ours")])
def test_one_that_cannot_do_it_is_sent_home_and_nobody_waits_for_it(monkeypatch, error):
    job = made_up()
    session = Session(job)
    session.open = lambda: (_ for _ in ()).throw(error)
    one, told = member(monkeypatch, job, Desk(job.count), session)
    one.start()
    assert one.is_ready.wait(10)
    one.join(10)
    assert str(error) in one.sent_home
    assert str(error) in told[0]


def test_one_that_leaves_or_hides_while_it_opens_is_waited_for(monkeypatch):
    errors = [LeftError("left"), HiddenError("hidden")]
    session = Session(made_up())

    def open_():
        session.opened += 1
        if errors:
            raise errors.pop()

    session.open = open_
    one, _, told = drained(monkeypatch, session)
    assert (session.opened, told, one.work.images) == (3, [], IMAGES)


def test_one_that_broke_and_is_gone_is_not_taken_to_be_at_work(monkeypatch):
    monkeypatch.setattr(f"{Member.__module__}.LOOK", 0.01)
    job, device = made_up(), Device()

    def breaks(*_):
        device.is_away.set()
        raise PageError("a page of it broke")

    desk = Desk(job.count)
    one, _ = member(monkeypatch, job, desk, Session(job, everything=breaks), device=device)
    one.start()
    one.is_ready.wait(10)
    assert one.is_here
    desk.begin()
    assert device.is_away.wait(10)
    for _ in range(1000):
        if one.is_here:
            desk.wait(0.01)
    assert not one.is_here
    device.is_away.clear()
    assert one.is_here
    desk.close()
    one.join(10)


def test_one_that_keeps_to_no_protocol_is_given_nothing_more(monkeypatch):
    session = Session(made_up(), {0: BreachError("the device keeps to no protocol")})
    one, desk, _ = drained(monkeypatch, session, helper=True)
    assert (one.sent_home, session.calls) == ("the device keeps to no protocol", 1)
    assert desk.entries()[0].fate == "failed"


def test_one_that_keeps_to_no_protocol_when_it_opens_is_not_waited_for(monkeypatch):
    job = made_up()
    session = Session(job)
    error = PlatformError("chromium-wasm: resnet8: it keeps to no protocol")
    error.__cause__ = BreachError("a message is no JSON")
    session.open = lambda: (_ for _ in ()).throw(error)
    one, _ = member(monkeypatch, job, Desk(job.count), session)
    one.start()
    assert one.is_ready.wait(10)
    assert one.sent_home == str(error)


def test_a_device_of_an_unknown_engine_is_told_why(monkeypatch):
    job = made_up()
    desk = Desk(job.count)
    told = []
    one = Member(Device("unknown"), 1, job, desk, Settings(), tell=told.append)
    one.start()
    one.join(10)
    assert "its browser's engine is unknown, for which there is no platform unknown-wasm" in told[0]
