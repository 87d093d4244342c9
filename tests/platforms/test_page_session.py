"""A session needs no more of a page than answers to calls, and no browser to start: everything here is a fake."""

import base64
import itertools
import time
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.inputs import case_of
from benchmarks.platforms import batches, page_runtime, page_session
from benchmarks.platforms.page_runtime import PageCase, PageRuntime, Request
from benchmarks.platforms.page_session import DrivenSession, PageSession, _shipped
from benchmarks.protocol import Blocking, Images, Memory, PlatformError, UnavailableError
from benchmarks.settings import Settings
from browser_harness.channel import PageError
from browser_harness.host import UnknownHost
from models import own

SECONDS = 5e-4  # of an inference
WASM_BYTES = 65_536
CAME = {"path": "/model/0", "start": 5.0, "response": 8.0, "end": 15.0, "wire": 40, "decoded": 99, "opened": False}


class Doubling(PageRuntime):
    """A runtime whose models double their input; its pages grow old."""

    name, provider, engine, packages = "page-doubling", "fake", "doubling", ()
    lifetime = 100

    @property
    def runtime(self):
        return {}

    def request(self, case, settings):
        return Request({case.model_file.name: case.model_file}, {"threads": case.threads})

    def prove(self, case, in_effect, settings):
        return {"factor": in_effect["factor"]}


class Page:
    """A page that is there, and answers as the harness does."""

    is_hidden = False

    def __init__(self):
        self.contents, self.asked, self.prepared = {}, [], None
        self.waiting, self.unsent = {}, {}

    def publish(self, path, content):
        self.contents[path] = content

    @contextmanager
    def receiving(self, path, content):
        self.waiting[path] = content
        yield
        assert self.waiting.pop(path).tobytes() == content.tobytes()

    def call(self, function, argument):
        self.asked.append(function)
        return getattr(self, function)(**argument)

    def open(self, engine, where, files, configuration):
        assert where == "main"
        assert (engine, files) == ("/engines/doubling.mjs", [("tiny.onnx", "/model/0")])
        return {
            "load": 30.0,
            "loading": {"began": 0.0, "requests": [CAME], "compiled": []},
            "threads": configuration["threads"],
            "factor": 2,
            "crossOriginIsolated": True,
            "sharedArrayBuffer": True,
            "secure": True,
            "simd": True,
            "loaded": [],
            "clockResolution": 0.005,
        }

    def time(self, feeds, rounds, iterations, inline):
        arrays = [
            (feed["name"], np.frombuffer(self.contents[feed["url"]], feed["type"]).reshape(feed["shape"]))
            for feed in feeds
        ]
        return self.timed(arrays, rounds * iterations, rounds, inline)

    def prepare(self, pixels, shape, start, count, size, mean, std):
        length = np.prod(shape)
        bytes_ = np.frombuffer(self.contents[pixels], np.uint8)[start * length : (start + count) * length]
        self.prepared = np.zeros((size, *shape), np.float32)
        self.prepared[:count] = bytes_.reshape(count, *shape)

    def timePrepared(self, inline):  # noqa: N802
        return self.timed([("input", self.prepared)], 1, 1, inline)

    def timed(self, arrays, inferences, rounds, inline):
        time.sleep(inferences * SECONDS)
        self.unsent = {name: (values * 2).tobytes() for name, values in arrays if values.nbytes > inline}
        outputs = [(name, {"type": values.dtype.name, "dims": values.shape}) for name, values in arrays]
        data = {name: {"data": base64.b64encode((values * 2).tobytes())} for name, values in arrays}
        portable = [(name, output | ({} if name in self.unsent else data[name])) for name, output in outputs]
        return {"samples": [SECONDS * 1e3] * rounds, "outputs": portable}

    def rest(self, seconds):
        return {"window": seconds * 1e3, "frames": [] if self.is_hidden else [3.0, 13.0, 23.0]}

    def animate(self, feeds, seconds, least, inline):
        answer = self.time(feeds, least, 1, inline)
        tasks = [[0.0, 240.0], [250.0, 260.0], [270.0, 280.0]]
        seen = {"window": seconds * 1e3, "frames": [245.0, 265.0], "latest": 9.0}
        return answer | seen | {"tasks": tasks, "longTasks": [[0.0, 239.0]]}

    def send(self, output, url, start, end):
        self.waiting[url][:] = self.unsent[output][start:end]

    def wasmBytes(self):  # noqa: N802
        return WASM_BYTES


FETCHED = {
    "/index.html": {"wire": 100, "decoded": 300, "encoding": "br", "level": 10},
    "/model/0": {"wire": 50, "decoded": 50, "encoding": None, "level": None},
}


class DrivenPage(Page):
    """One that can be loaded anew."""

    loads = 0

    def load(self):
        self.loads += 1

    def fetched(self):
        return FETCHED if self.loads == 1 else {}

    def code_cache(self):
        return {"js": 1, "wasm": 0}


FEEDS = {"input": np.arange(6, dtype=np.float32).reshape(2, 3)}


@pytest.fixture
def page_case(tiny_model):
    return PageCase(Doubling(), case_of(own.load(tiny_model)), Settings())


@pytest.fixture
def session(page_case):
    """A case open in a page that nobody drives, on a machine of which nothing is known."""
    session = PageSession(page_case, Page(), UnknownHost())
    assert session.open() == 0.03
    return session


@pytest.fixture
def driven(page_case):
    session = DrivenSession(page_case, DrivenPage(), UnknownHost())
    session.open()
    return session


def test_a_case_is_opened_and_timed(session):
    facts, block = session.facts, session.time(FEEDS, 3)
    assert (facts.platform, facts.threads, facts.clock_resolution) == ("page-doubling", 1, 5e-6)
    assert (facts.slowdown, facts.lifetime, facts.surrounding) == (None, None, "page")
    assert facts.details["factor"] == 2
    assert "fetched" not in facts.details
    assert facts.details["load_parts"] == pytest.approx({"runtime": 0, "model": 0.01, "compile": 0, "session": 0.02})
    assert block.seconds == [SECONDS] * 3
    assert block.cpu is None
    np.testing.assert_array_equal(block.outputs["input"], 2 * FEEDS["input"])
    np.testing.assert_array_equal(session.run(FEEDS)["input"], 2 * FEEDS["input"])
    session.keep_on(0)
    session.keep_on(None)


def test_a_sample_is_asked_for_with_its_number_of_inferences(session):
    block = session.time(FEEDS, 2, 8)
    assert (block.seconds, block.iterations, block.inferences) == ([SECONDS] * 2, 8, 16)
    assert block.duration == pytest.approx(16 * SECONDS)


def test_an_animation_tells_what_the_page_suffered_in_seconds(session):
    block, suffered = session.blocking(FEEDS, 0.5)
    assert suffered == Blocking(
        window=0.5,
        inferences=page_session.FEWEST_ANIMATED,
        longest_task=pytest.approx(0.239),
        total_blocking_time=pytest.approx(0.189),
        frames=2,
        frames_missed=28,
        frames_at_rest=pytest.approx(100),
        disagreement=pytest.approx(0.001),
    )
    assert block.seconds == [SECONDS] * page_session.FEWEST_ANIMATED
    np.testing.assert_array_equal(block.outputs["input"], 2 * FEEDS["input"])
    assert session._channel.asked == ["open", "rest", "animate"]


def test_a_browser_that_draws_nothing_is_refused_before_anything_is_computed(session):
    session._channel.is_hidden = True
    words = r"^page-doubling: tiny\.onnx: this browser drew no animation in 1 s, though nothing was computed; name"
    with pytest.raises(PlatformError, match=words):
        session.blocking(FEEDS, 0.5)
    assert session._channel.asked == ["open", "rest"]


def test_a_client_is_made_weaker_whose_inferences_its_clock_cannot_see(tiny_model):
    weaker = PageCase(Doubling(), case_of(own.load(tiny_model), slowdown=2), Settings())
    page = DrivenPage()
    session = DrivenSession(weaker, page, Braked())
    session.open()
    readings = itertools.chain([0.0, 0.0, 0.0, 5e-3], itertools.repeat(SECONDS * 1e3))
    page.timed = lambda _arrays, _inferences, rounds, _inline: {"samples": [next(readings)] * rounds, "outputs": []}
    assert session.obtained_slowdown(FEEDS) > 0


def test_large_outputs_are_sent_by_themselves_in_pieces(session, monkeypatch):
    monkeypatch.setattr(page_session, "INLINE", 8)
    monkeypatch.setattr(page_session, "PIECE", 23)  # one more than it, and no whole numbers
    feeds = {"large": FEEDS["input"], "small": np.arange(2, dtype=np.float32)}
    outputs = session.run(feeds)
    assert [*outputs] == ["large", "small"]
    np.testing.assert_array_equal(outputs["large"], 2 * feeds["large"])
    np.testing.assert_array_equal(outputs["small"], 2 * feeds["small"])
    assert session._channel.asked == ["open", "time", "send", "send"]
    assert not session._channel.waiting


def test_images_are_classified_part_by_part_and_let_go(session, monkeypatch):
    monkeypatch.setattr(batches, "PART_BYTES", 24)  # of two batches
    pixels = np.arange(42, dtype=np.uint8).reshape(7, 3, 1, 2)
    blocks = [*session.classify(Images(pixels, (0, 0, 0), (1, 1, 1)), 2)]
    assert [len(block.outputs["input"]) for block in blocks] == [2, 2, 2, 1]
    np.testing.assert_array_equal(np.concatenate([block.outputs["input"] for block in blocks]), pixels * 2.0)
    assert session._channel.contents == {"/images/0.bin": b"", "/images/1.bin": b""}


def test_an_opening_tells_the_memory_that_the_page_knows_of(page_case):
    page = Page()
    opening = PageSession(page_case, page, UnknownHost()).opening(FEEDS)
    assert opening.memory == Memory(None, None, WASM_BYTES)
    assert (opening.load, opening.first, opening.second) == (0.03, SECONDS, SECONDS)
    assert page.asked == ["open", "time", "time", "time", "wasmBytes"]


def test_an_opening_tells_its_requests_and_a_session_that_is_timed_does_not(session, page_case):
    assert "waterfall" not in session.facts.details
    (request,) = PageSession(page_case, Page(), UnknownHost()).opening(FEEDS).facts.details["waterfall"]
    times = {"start": 0.005, "response": 0.008, "end": 0.015}
    assert request == {"path": "/model/0", **times, "wire": 40, "decoded": 99}


def test_a_page_that_nobody_drives_is_not_renewed(session):
    with pytest.raises(NotImplementedError):
        session.renew()
    assert session._channel.asked.count("open") == 1


def test_a_page_that_can_be_loaded_anew_is_renewed(driven):
    page, facts = driven._channel, driven.facts
    assert (page.loads, facts.lifetime) == (1, 100)
    assert facts.details["fetched"] == FETCHED
    assert (facts.details["fetched_bytes"], facts.details["fetched_wire_bytes"]) == (350, 150)
    assert facts.details["shipped"] == {"runtime": 0, "model": 50, "files": 1}
    driven.renew()
    assert (page.loads, driven.facts) == (2, facts)  # as of the page that fetched everything
    assert page.asked == ["open", "open"]  # nothing is run in it that nobody asked for
    np.testing.assert_array_equal(driven.run(FEEDS)["input"], 2 * FEEDS["input"])
    assert driven.opening(FEEDS).memory == Memory(None, None, WASM_BYTES)
    assert (page.loads, driven.code_cache()) == (3, {"js": 1, "wasm": 0})


@pytest.mark.parametrize(
    ("fetched", "shipped"),
    [
        (
            {"/index.html", "/engines/e.mjs", "/core.js", "/core.wasm", "/model/0"},
            {"runtime": 20, "model": 10, "files": 3},
        ),
        ({"/index.html", "/core.js", "/model/0"}, None),  # the rest was in a cache: the sum would be too small
        ({"/index.html"}, None),
    ],
)
def test_what_a_person_would_ship_is_told_where_all_of_it_came(fetched, shipped):
    came = {url: {"wire": 10, "decoded": 30, "encoding": "br", "level": 10} for url in fetched}
    assert _shipped({"/core.js", "/core.wasm"}, {"/model/0"}, came).get("shipped") == shipped


def test_a_page_that_asks_a_server_ships_nothing():
    assert _shipped(set(), set(), {}) == {}


class Braked(UnknownHost):
    """A machine that is made weaker, and takes no note of it."""

    slowdown = 2


def test_a_page_that_ages_is_new_for_each_block_of_which_its_slowdown_is_told(tiny_model):
    weaker = PageCase(Doubling(), case_of(own.load(tiny_model), slowdown=2), Settings())
    session = DrivenSession(weaker, DrivenPage(), Braked())
    session.open()
    assert session.obtained_slowdown(FEEDS) == pytest.approx(1.0)
    # Once at the start, then for each of the blocks: to settle a first and 3, 3 without the brake and 3 with it.
    assert session._channel.loads == 1 + 4 + 3 + 3


def test_an_unknown_machine_cannot_be_made_weaker(tiny_model):
    weaker = PageCase(Doubling(), case_of(own.load(tiny_model), slowdown=4), Settings())
    words = r"^page-doubling: tiny\.onnx: nothing can make this page's machine 4 times weaker"
    with pytest.raises(UnavailableError, match=words):
        PageSession(weaker, Page(), UnknownHost()).open()


def test_a_fault_of_the_page_names_platform_and_model(session, monkeypatch):
    def broken(feeds, rounds, iterations, inline):
        raise PageError("time: gone")

    monkeypatch.setattr(session._channel, "time", broken)
    with pytest.raises(PlatformError, match=r"^page-doubling: tiny\.onnx: time: gone"):
        session.run(FEEDS)


@pytest.mark.parametrize("limit", ["MOST_FETCHED", "MOST_HELD"])
def test_a_model_that_no_page_can_hold_is_unavailable_before_anything_is_asked(page_case, limit, monkeypatch):
    size = page_case.case.model_file.stat().st_size
    monkeypatch.setattr(page_runtime, limit, size)
    assert replace(page_case).request.files
    monkeypatch.setattr(page_runtime, limit, size - 1)
    words = r"^page-doubling: tiny\.onnx: its files take 0\.0 GB, more than a page can hold; measure it on server-cpu$"
    with pytest.raises(UnavailableError, match=words):
        page_case.serving()


@pytest.mark.parametrize(
    "words",
    [
        "RangeError: Array buffer allocation failed",
        "RangeError: Invalid typed array length: 9",
        "std::bad_alloc",
        "Integer overflow",
    ],
)
def test_want_of_memory_in_a_page_is_told_as_such(session, monkeypatch, words):
    def exhausted(feeds, rounds, iterations, inline):
        raise PageError(f"time: {words}")

    monkeypatch.setattr(session._channel, "time", exhausted)
    told = rf"^page-doubling: tiny\.onnx: the page's memory does not suffice \(time: {words}\); take a smaller .*$"
    with pytest.raises(UnavailableError, match=told):
        session.run(FEEDS)
