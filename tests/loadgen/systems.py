"""Systems to be put under load: each does one thing that a server may do."""

import threading
import time
from contextlib import contextmanager

import numpy as np

from benchmarks.loadgen import System
from benchmarks.measuring.parity import check_parity
from benchmarks.protocol import Facts

FEEDS = {"x": np.ones((1, 2), np.float32)}
FACTS = Facts("made-up", "CPU", 1, "perf_counter", 1e-9)
CORE = threading.Lock()  # one for all workers of a busy system


def check(facts, outputs):
    return check_parity(facts.platform, outputs, FEEDS, 1e-5)


def busy(seconds):
    """Compute on the one core that there is."""
    with CORE:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            pass


class Answering:
    """Answers with what it was fed, once *act* was called with the number of the question, from 0."""

    facts = FACTS

    def __init__(self, act):
        self.act, self.asked = act, 0

    def run(self, feeds):
        answer = self.act(self.asked)
        self.asked += 1
        return feeds if answer is None else answer


def system(act=lambda number: None, workers=1, opened=None):
    """Return a system, and note in *opened* which thread opens and closes what."""

    @contextmanager
    def opens():
        if opened is not None:
            opened.append(("open", threading.get_ident()))
        yield Answering(act)
        if opened is not None:
            opened.append(("close", threading.get_ident()))

    return System("made-up", opens, workers)
