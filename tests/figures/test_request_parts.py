"""A remote request told apart: how the parts are held against the whole, and a server that does nothing."""

import asyncio
import json

import numpy as np
import pytest

from benchmarks import remote
from benchmarks.figures import request_parts, timed_server
from benchmarks.figures.request_parts import Medians, Samples, report
from benchmarks.remote import embedded
from benchmarks.settings import Settings

PARTS = {"page": 0.1, "stack": 2.0, "framework": 1.4, "inference": 0.5}


@pytest.mark.parametrize(
    ("whole", "words", "within"),
    [(4.1, "-2.4%", True), (3.9, r"+2.6%", True), (4.3, "-7.0%", False), (3.7, "+8.1%", False)],
)
def test_the_parts_are_held_against_the_whole(whole, words, within):
    said, is_within = report([Medians(PARTS, 4.0, whole, 0.45)] * 3)
    lines = said.splitlines()
    assert [line.split()[0] for line in lines[2:8]] == [*PARTS, "sum", "whole"]
    assert (f"sum over whole, 3 starts: {words}" in lines[-1], is_within) == (True, within)
    assert lines[-1].endswith("within" if within else "outside")
    assert [line.split()[1] for line in lines[2:7]] == ["0.100", "2.000", "1.400", "0.500", "4.000"]


def test_parts_that_others_come_between_now_and_then_add_up_all_the_same():
    often = np.random.default_rng(1)
    blocks = {name: often.choice([0.5, 1.0, 9.0], 200, p=[0.4, 0.4, 0.2]).tolist() for name in PARTS}
    whole = often.choice([0.5, 1.0, 9.0], (4, 200), p=[0.4, 0.4, 0.2]).sum(0).tolist()
    medians = Samples(blocks, whole, [1.0]).medians()
    assert medians.total == pytest.approx(medians.whole, rel=0.1)
    assert sum(medians.parts.values()) < 0.5 * medians.whole  # as medians alone would say


class Pipe:
    """What a server hands an application: a request's pieces, each after a wait on the clock, and a way to answer."""

    def __init__(self, clock, pieces, wait):
        self.clock, self.pieces, self.wait, self.sent = clock, [*pieces], wait, []

    async def receive(self):
        self.clock.now += self.wait
        body = self.pieces.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(self.pieces)}

    async def send(self, message):
        self.clock.now += self.wait
        self.sent.append(message)


class Time:
    """A clock that moves as it is told, and a little at each look."""

    now = 0.0

    def perf_counter(self):
        self.now += 1e-6
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Time()
    monkeypatch.setattr(timed_server, "time", clock)
    return clock


def ask(application, clock, path, pieces=(b"ab", b"c"), method="POST"):
    pipe = Pipe(clock, pieces, 1.0)
    scope = {"type": "http", "method": method, "path": path}
    asyncio.run(application(scope, pipe.receive, pipe.send))
    return pipe


def test_a_request_that_nothing_is_done_for_has_the_same_answer_after_as_long_a_time(clock):
    asked = []

    async def application(scope, receive, send):
        while (message := await receive()).get("more_body"):
            asked.append(message["body"])
        clock.now += 0.25
        await send({"type": "http.response.start", "headers": [(b"server-timing", b"infer;dur=100.5, app;dur=1")]})
        await send({"type": "http.response.body", "body": b"logits"})
        clock.now += 7  # when the answer is out, nobody waits for it

    timed = timed_server.Clocked(application, b"weights")
    real = ask(timed, clock, "/v2/models/m/infer")
    nothing = ask(timed, clock, "/v2/models/m/nothing")
    assert (asked, nothing.pieces, nothing.sent) == ([b"ab"], [], real.sent)
    _, body = ask(timed, clock, "/told", method="GET").sent
    first, second = json.loads(body["body"])
    assert first == pytest.approx([250, 100.5], abs=1)  # milliseconds, of which none waits to receive or send
    assert second[0] == pytest.approx(250, abs=1)
    _, body = ask(timed, clock, "/told", method="GET").sent
    assert body["body"] == b"[]"  # they were told once


def test_a_page_and_a_server_take_a_request_apart():
    if reason := remote.unavailable():
        pytest.skip(reason)
    samples = Samples()
    plain = embedded.PROGRAM
    with request_parts.asked("resnet8", Settings(timeout=60)) as asked:
        asked.check()
        asked.turn(3, samples)
    assert {name: len(values) for name, values in samples.parts.items()} == dict.fromkeys(request_parts.PARTS, 3)
    assert plain == embedded.PROGRAM  # others start the plain one again
    assert (len(samples.whole), len(samples.alone)) == (3, 3)
    assert samples.medians(3).total > samples.medians(3).parts["stack"] > 0
