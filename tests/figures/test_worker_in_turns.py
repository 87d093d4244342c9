"""A worker over a main thread: who takes turns, what is told of it, and that a row is measured once."""

import json
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from benchmarks.figures import in_worker
from benchmarks.protocol import Block, CpuTime, Facts, PlatformError, UnavailableError
from models import manifest

WHOLE, WAY = {"main": 2e-6, "worker": 3e-6}, 1e-6


class FakeSession:
    def __init__(self, platform, where):
        self.platform, self.where = platform, where
        self.facts = Facts(platform.name, "fake", 1, "fake.clock", 1e-9, surrounding="page", where=where)

    def run(self, feeds):
        return {}

    def classify(self, images, batch_size):
        return iter(())

    def obtained_slowdown(self, feeds):
        return 1.0

    def renew(self):
        self.platform.calls.append(("renew", self.where))

    def keep_on(self, core):
        self.platform.calls.append(("kept" if core is not None else "free", self.where))

    def time(self, feeds, rounds, iterations=1):
        self.platform.calls.append(("time", self.where))
        seconds = [WHOLE[self.where]] * rounds
        told = [value - WAY for value in seconds] if self.where == "worker" and self.platform.tells else ()
        cpu = CpuTime(sum(seconds) * iterations, sum(seconds) * iterations)
        return Block(seconds, {}, cpu, computing=told, iterations=iterations)


class FakePlatform:
    side, name = "client", "fake"

    def __init__(self, error=None, threading="single"):
        self.error, self.threading, self.calls, self.tells = error, threading, [], True

    def unavailable(self, settings):
        return None

    @contextmanager
    def open_fresh(self, case, settings):
        if self.error and case.where == "worker":
            raise self.error
        yield FakeSession(self, case.where)


@pytest.fixture
def run(ended, monkeypatch, tmp_path):
    """Run the command on one platform; return its exit code and what it said."""
    artefact = manifest.load("resnet8")
    question = SimpleNamespace(artefact=artefact, feeds={}, check=lambda facts, outputs: 0.0)
    monkeypatch.setattr(in_worker, "_question", lambda model: question)

    def command(platform, *words):
        monkeypatch.setattr(in_worker, "PLATFORMS", {"fake": platform})
        return ended(in_worker, "--starts=3", "--seconds=1e-4", f"--keep={tmp_path}", *words)

    return command


def test_both_sides_take_turns_from_fresh_pages_and_the_way_is_told_apart(run):
    platform = FakePlatform()
    code, told = run(platform)
    assert code == 0
    row = next(line.split("  ") for line in told.splitlines() if line.startswith("`fake`"))
    assert row[:4] == ["`fake`", "free", "0.00200 ms", "0.00300 ms"]
    assert row[4].startswith("1.500 (1.49")
    assert row[5:] == ["0.00100 ms", "0.00200 ms", "0.00300 ms"]
    assert [platform.calls.count(("renew", where)) for where in WHOLE] == [4, 4]  # two rows of three starts
    free, one_core = " ".join(map("-".join, platform.calls)).split("kept-main", 1)
    assert "time-worker time-main renew-main renew-worker time" in free
    assert one_core.count("kept-worker") == 3


def test_a_row_is_measured_once_and_by_one_version(run, tmp_path):
    run(FakePlatform())
    again = FakePlatform()
    assert run(again)[0] == 0
    assert again.calls == []
    assert run(again, "--model=resnet14")[0] == 0
    assert again.calls
    file = tmp_path / "resnet20-fake-free.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"suite": "another"}))
    code, _ = run(FakePlatform())
    assert code == f"{file} was measured by another version of the suite, or otherwise: name another --keep"


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (UnavailableError("fake: not in a worker"), 0, "left out (free): fake: not in a worker"),
        (PlatformError("fake: it broke"), "failed: fake", "failed (free): fake: it broke"),
    ],
)
def test_what_cannot_run_in_a_worker_says_why(run, error, code, words):
    found, told = run(FakePlatform(error))
    assert (found, words in told) == (code, True)


def test_a_worker_that_does_not_tell_its_part_is_believed_nothing(run):
    platform = FakePlatform()
    platform.tells = False
    code, told = run(platform)
    assert (code, "the worker does not tell what it took itself" in told) == ("failed: fake", True)


def test_what_computes_outside_its_page_is_kept_on_no_core(run):
    code, told = run(FakePlatform(threading="runtime"))
    assert (code, "left out (one core): fake: it computes outside its page" in told) == (0, True)
