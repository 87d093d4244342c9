"""A device that lies, or keeps to no protocol, is told in one line, by the way that a run of its own has to it."""

import queue
from contextlib import contextmanager

import numpy as np
import pytest
from made_up_browser import MadeUpBrowser, made_up_browser, portable

from benchmarks.inputs import case_of, seeded_feeds
from benchmarks.measuring.parity import ParityError, check_parity
from benchmarks.measuring.reference import reference
from benchmarks.platforms import PLATFORMS
from benchmarks.protocol import PlatformError
from benchmarks.settings import Settings
from browser_harness.joined.channel import VARIABLE
from browser_harness.joined.control import lent
from browser_harness.joined.server import JoinServer
from models import manifest

MODEL = manifest.load("resnet8")


class Liar(MadeUpBrowser):
    """Computes nothing: its logits look like some."""

    async def time(self, feeds, rounds, iterations, inline):
        output = portable(np.linspace(-1, 1, 100, dtype=np.float32)[None])
        return {"samples": [0.01] * rounds, "outputs": [["logits", output]]}


class Boaster(MadeUpBrowser):
    """Is done before it has begun."""

    async def time(self, feeds, rounds, iterations, inline):
        return {**await super().time(feeds, rounds, iterations, inline), "samples": [-0.01] * rounds}


class Mute(MadeUpBrowser):
    """Does not say how many threads it has."""

    async def open(self, **asked):
        told = await super().open(**asked)
        del told["threads"]
        return told


@contextmanager
def measuring(kind):
    """Open the model in the page of a device of some *kind*."""
    came = queue.SimpleQueue()
    with JoinServer(on_join=came.put) as server, made_up_browser(server.url, 9, kind):
        device = came.get(timeout=10)
        device.wait(10)
        with lent(device) as variables:
            settings = Settings(device=variables[VARIABLE])
            with PLATFORMS["firefox-wasm"].open_fresh(case_of(MODEL), settings) as session:
                yield session


def test_logits_are_held_against_the_reference():
    feeds = seeded_feeds(MODEL.path, 1)
    expected = reference(MODEL.path, feeds)
    for kind, wrong in ((MadeUpBrowser, False), (Liar, True)):
        with measuring(kind) as session:
            outputs = session.run(feeds)
            if not wrong:
                check_parity("firefox-wasm", outputs, expected, 1e-5)
                continue
            with pytest.raises(ParityError, match=r"^firefox-wasm: logits differ from the reference's by "):
                check_parity("firefox-wasm", outputs, expected, 1e-5)


def test_what_cannot_be_is_told_in_one_line_and_the_device_is_sent_home():
    words = r"^firefox-wasm: resnet8\.onnx: the device keeps to no protocol and was sent home: time: samples is a list"
    with measuring(Boaster) as session:
        for _ in range(2):
            with pytest.raises(PlatformError, match=words) as error:
                session.time(seeded_feeds(MODEL.path, 1), 1)
            assert str(error.value).isprintable()


def test_what_is_not_told_is_told_in_one_line():
    words = r"^firefox-wasm: resnet8\.onnx: threads is None in the page, wanted 1$"
    with pytest.raises(PlatformError, match=words), measuring(Mute):
        pass
