"""A platform for fresh processes, which can import this file: its sessions do what their inputs say."""

import gc
import os
import subprocess
import sys
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

from benchmarks.platforms.native import FreshProcesses
from benchmarks.protocol import Block, Facts, PlatformError, UnavailableError
from browser_harness.processes import keep_on


def hang(note):
    """Start another process, leave a file, tell *note* of both, and never answer."""
    script = f"touch $TMPDIR/left; echo $$ $TMPDIR > {note}.new; mv {note}.new {note}; exec sleep 60"
    subprocess.check_call(["sh", "-c", script])


def wait_for(file):
    """Wait until a file is there."""
    while not Path(file).exists():
        time.sleep(0.01)


def deafen(note):
    """Tell *note*, and never come back from a loop that is not Python's: no signal is heard."""
    Path(note).touch()
    deque(repeat(None), maxlen=0)


def refuse(words):
    raise PlatformError(f"answering: tiny.onnx: {words}")


def miss(words):
    raise UnavailableError(f"answering: tiny.onnx: {words}")


def fail(words):
    raise RuntimeError(words)


def die(number):
    os.kill(os.getpid(), number)


def say(words):
    sys.stdout.write(words)
    sys.stdout.flush()
    os.write(1, words.encode())  # as a library does that is not written in Python


DEEDS = {
    **{deed.__name__: deed for deed in (hang, deafen, wait_for, refuse, miss, fail, die, say)},
    "exit": sys.exit,
    "end": os._exit,
}


def do(deeds):
    for name, argument in deeds:
        if name == "meet":  # the other of two that must be there at once
            mine, other = argument
            Path(mine).touch()
            wait_for(other)
        else:
            DEEDS[name](argument)


class Session:
    """Does what its inputs say, and tells of its process in its outputs."""

    def __init__(self, place="host"):
        self.facts, self.place = Facts("answering", "TestProvider", 1, "test.clock", 1e-7), place

    def time(self, feeds, rounds, iterations=1):
        do(feeds.get("deeds", ()))
        told = {
            "pid": os.getpid(),
            "collects": gc.isenabled(),
            "cores": os.sched_getaffinity(0),
            "place": self.place,
            "folder": os.environ["TMPDIR"],
        }
        return Block([0.5] * rounds, feeds | told, None, iterations=iterations)

    def classify(self, images, batch_size):
        for _ in range(0, len(images.pixels), batch_size):
            yield self.time({}, 1)

    def on_device(self):
        return Session("device")

    def keep_on(self, core):
        keep_on(core, [os.getpid()])


@dataclass(frozen=True)
class Answering(FreshProcesses):
    """Opens after its deeds are done."""

    deeds: tuple = ()
    reason: str | None = None
    name: str = "answering"
    patience: float = 1.0

    def unavailable(self, settings):
        return self.reason

    def versions(self, settings):
        return {}

    @contextmanager
    def open(self, case, settings):
        do(self.deeds)
        yield Session()
