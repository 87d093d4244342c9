"""A job of made-up images, and devices that do it in this process, well or badly."""

import threading

import numpy as np

from benchmarks.fleet.desk import Desk
from benchmarks.fleet.job import Job
from benchmarks.fleet.member import Member
from benchmarks.fleet.pace import Pace
from benchmarks.fleet.page import PARTS, Sent
from benchmarks.measuring.accuracy import Expectation
from benchmarks.protocol import Images
from benchmarks.settings import Settings
from models import manifest

IMAGES, CLASSES = 40, 10
QUICK = Pace(longest=0.02, shortest=0.0, first=4, patience=0.05, unknown=0.05)


def made_up(images=IMAGES):
    """Return a job whose right answers nobody computed."""
    chance = np.random.default_rng(17)
    logits = chance.standard_normal((images, CLASSES), np.float32)
    labels = logits.argmax(1)
    pixels = Images(chance.integers(0, 256, (images, 3, 2, 2), np.uint8), (0.5,) * 3, (0.5,) * 3)
    wanted = Expectation(images, images, "the reference is right on")
    return Job(manifest.load("resnet8"), pixels, labels, logits, 1e-5, 1, wanted)


class Device:
    """One whose page is asked by a Session; it is here unless it is away."""

    def __init__(self, engine="chromium"):
        self.engine, self.shown, self.is_away = engine, [], threading.Event()

    def about(self):
        return {"engine": self.engine, "version": "153.0", "address": "192.168.0.7"}

    def wait(self, seconds):
        return not self.is_away.is_set()

    def show(self, told):
        self.shown.append(told)


class Session:
    """Answers right, unless *deeds* say by the number of a call what it does instead: it raises, or sends something."""

    def __init__(self, job, deeds=None, everything=None):
        self.job, self.deeds, self.everything = job, deeds or {}, everything
        self.opened = self.calls = 0

    def open(self):
        self.opened += 1

    def send_for(self, job, chunk, timeout):
        deed = self.deeds.get(self.calls, self.everything)
        self.calls += 1
        right = job.expected[chunk.start : chunk.stop].astype("<f4")
        sent = Sent(right.tobytes(), 0.001, dict.fromkeys(PARTS, 1e-4))
        if isinstance(deed, Exception):
            raise deed
        return deed(sent, right, chunk) if deed else sent


def member(monkeypatch, job, desk, session, number=1, device=None):
    """Return a device that does it, and what is told of it."""
    told = []
    monkeypatch.setattr(f"{Member.__module__}.platform_of", lambda device, runtime: Platform)
    monkeypatch.setattr(f"{Member.__module__}.session_of", lambda *_: session)
    found = Member(device or Device(), number, job, desk, Settings(), tell=told.append)
    return found, told


class Platform:
    """What a device is asked by."""

    name = "chromium-wasm"


def drained(monkeypatch, session, job=None, helper=False):
    """Have a device drain a job, with another that does it well where it is to have help; return all of it."""
    job = job or session.job
    desk = Desk(job.count, pace=QUICK)
    one, told = member(monkeypatch, job, desk, session)
    one.start()
    one.is_ready.wait(10)
    desk.begin()
    one.join(10 if not helper else 1)
    if helper:
        other, _ = member(monkeypatch, job, desk, Session(job), number=2)
        other.start()
        other.join(10)
    assert desk.wait(10), "it is done"
    one.join(10)
    return one, desk, told
