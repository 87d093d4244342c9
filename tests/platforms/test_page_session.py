"""A session needs no more of a page than answers to calls, and no browser to start: everything here is a fake."""

import base64
import itertools
import time

import numpy as np
import pytest

from benchmarks.platforms.page_runtime import PageCase, PageRuntime, Request
from benchmarks.platforms.page_session import DrivenSession, PageSession
from benchmarks.protocol import Case, Images, Memory, PlatformError, UnavailableError
from benchmarks.settings import Settings
from browser_harness.channel import PageError
from browser_harness.host import UnknownHost
from models import own

SECONDS = 5e-4  # of an inference
WASM_BYTES = 65_536


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

    def __init__(self):
        self.contents, self.asked, self.prepared = {}, [], None

    def publish(self, path, content):
        self.contents[path] = content

    def call(self, function, argument):
        self.asked.append(function)
        return getattr(self, function)(**argument)

    def open(self, engine, files, configuration):
        assert (engine, files) == ("/engines/doubling.mjs", [("tiny.onnx", "/model/0")])
        return {
            "load": 30.0,
            "loadParts": {"runtime": 10.0, "fetch": 10.0, "session": 10.0},
            "threads": configuration["threads"],
            "factor": 2,
            "crossOriginIsolated": True,
            "simd": True,
            "loaded": [],
            "clockResolution": 0.005,
        }

    def time(self, feeds, rounds, iterations):
        arrays = [
            (feed["name"], np.frombuffer(self.contents[feed["url"]], feed["type"]).reshape(feed["shape"]))
            for feed in feeds
        ]
        return self.timed(arrays, rounds * iterations, rounds)

    def prepare(self, pixels, shape, start, count, mean, std):
        size = np.prod(shape)
        bytes_ = np.frombuffer(self.contents[pixels], np.uint8)[start * size : (start + count) * size]
        self.prepared = bytes_.reshape(count, *shape).astype(np.float32)

    def timePrepared(self):  # noqa: N802
        return self.timed([("input", self.prepared)], 1, 1)

    def timed(self, arrays, inferences, rounds):
        time.sleep(inferences * SECONDS)
        outputs = [
            (name, {"type": values.dtype.name, "dims": values.shape, "data": values * 2}) for name, values in arrays
        ]
        portable = [(name, output | {"data": base64.b64encode(output["data"].tobytes())}) for name, output in outputs]
        return {"samples": [SECONDS * 1e3] * rounds, "outputs": portable}

    def wasmBytes(self):  # noqa: N802
        return WASM_BYTES


class DrivenPage(Page):
    """One that can be loaded anew."""

    loads = 0

    def load(self):
        self.loads += 1

    def fetched(self):
        return {"/index.html": 300} if self.loads == 1 else {}

    def code_cache(self):
        return {"js": 1, "wasm": 0}


FEEDS = {"input": np.arange(6, dtype=np.float32).reshape(2, 3)}


@pytest.fixture
def page_case(tiny_model):
    return PageCase(Doubling(), Case(own.load(tiny_model)), Settings())


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


def test_a_client_is_made_weaker_whose_inferences_its_clock_cannot_see(tiny_model):
    weaker = PageCase(Doubling(), Case(own.load(tiny_model), slowdown=2), Settings())
    page = DrivenPage()
    session = DrivenSession(weaker, page, Braked())
    session.open()
    readings = itertools.chain([0.0, 0.0, 0.0, 5e-3], itertools.repeat(SECONDS * 1e3))
    page.timed = lambda _arrays, _inferences, rounds: {"samples": [next(readings)] * rounds, "outputs": []}
    assert session.obtained_slowdown(FEEDS) > 0


def test_images_are_classified(session):
    pixels = np.arange(24, dtype=np.uint8).reshape(4, 3, 1, 2)
    blocks = [*session.classify(Images(pixels, (0, 0, 0), (1, 1, 1)), 2)]
    np.testing.assert_array_equal(np.concatenate([block.outputs["input"] for block in blocks]), pixels * 2.0)


def test_an_opening_tells_the_memory_that_the_page_knows_of(page_case):
    page = Page()
    opening = PageSession(page_case, page, UnknownHost()).opening(FEEDS)
    assert opening.memory == Memory(None, None, WASM_BYTES)
    assert (opening.load, opening.first, opening.second) == (0.03, SECONDS, SECONDS)
    assert page.asked == ["open", "time", "time", "time", "wasmBytes"]


def test_a_page_that_nobody_drives_is_not_renewed(session):
    with pytest.raises(NotImplementedError):
        session.renew()
    assert session._channel.asked.count("open") == 1


def test_a_page_that_can_be_loaded_anew_is_renewed(driven):
    page, facts = driven._channel, driven.facts
    assert (page.loads, facts.lifetime) == (1, 100)
    assert (facts.details["fetched"], facts.details["fetched_bytes"]) == ({"/index.html": 300}, 300)
    driven.renew()
    assert (page.loads, driven.facts) == (2, facts)  # as of the page that fetched everything
    assert page.asked == ["open", "open"]  # nothing is run in it that nobody asked for
    np.testing.assert_array_equal(driven.run(FEEDS)["input"], 2 * FEEDS["input"])
    assert driven.opening(FEEDS).memory == Memory(None, None, WASM_BYTES)
    assert (page.loads, driven.code_cache()) == (3, {"js": 1, "wasm": 0})


class Braked(UnknownHost):
    """A machine that is made weaker, and takes no note of it."""

    slowdown = 2


def test_a_page_that_ages_is_new_for_each_block_of_which_its_slowdown_is_told(tiny_model):
    weaker = PageCase(Doubling(), Case(own.load(tiny_model), slowdown=2), Settings())
    session = DrivenSession(weaker, DrivenPage(), Braked())
    session.open()
    assert session.obtained_slowdown(FEEDS) == pytest.approx(1.0)
    # Once at the start, then for each of the blocks: to settle a first and 3, 3 without the brake and 3 with it.
    assert session._channel.loads == 1 + 4 + 3 + 3


def test_an_unknown_machine_cannot_be_made_weaker(tiny_model):
    weaker = PageCase(Doubling(), Case(own.load(tiny_model), slowdown=4), Settings())
    words = r"^page-doubling: tiny\.onnx: nothing can make this page's machine 4 times weaker"
    with pytest.raises(UnavailableError, match=words):
        PageSession(weaker, Page(), UnknownHost()).open()


def test_a_fault_of_the_page_names_platform_and_model(session, monkeypatch):
    def broken(feeds, rounds, iterations):
        raise PageError("time: gone")

    monkeypatch.setattr(session._channel, "time", broken)
    with pytest.raises(PlatformError, match=r"^page-doubling: tiny\.onnx: time: gone"):
        session.run(FEEDS)
