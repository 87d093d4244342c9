"""The whole command: a real Chromium drains a job beside a client that lies; what is saved, told, and left behind."""

import asyncio
import itertools
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from fleet_made_up import Session, member

from benchmarks.figures.fleet.noop import Answers, NoOp, run_all
from benchmarks.fleet import __main__ as command
from benchmarks.fleet import latency, options, rates
from benchmarks.fleet.crew import Browser, Crew, browser
from benchmarks.results.fleet import load
from browser_harness import chromium
from models.cifar100 import DataError, Split

IMAGES = 203  # no whole batches


class Liar(NoOp):
    """Answers each image with another's logits."""

    def logits(self, pixels):
        right = np.frombuffer(super().logits(pixels), np.float32).reshape(-1, 100)
        return right[:, ::-1].tobytes()


class RunWithLiar(command.Run):
    """Has a liar join by the link that it shows."""

    def _invite(self, server):
        super()._invite(server)
        job = options.job(self._arguments)
        liar = Liar(server.url, Answers.of(job.images.pixels, job.expected))
        threading.Thread(target=lambda: asyncio.run(run_all([liar])), daemon=True).start()


@pytest.fixture
def test_set(monkeypatch, tmp_path):
    """Made-up images of made-up classes, in place of the real ones."""
    chance = np.random.default_rng(3)
    split = Split(chance.integers(0, 256, (IMAGES, 3, 32, 32), np.uint8), chance.integers(0, 100, IMAGES))
    monkeypatch.setattr(options, "load", lambda *_: split)
    monkeypatch.setattr("benchmarks.fleet.job.FOLDER", tmp_path)
    return split


def quickly(monkeypatch):
    monkeypatch.setattr(rates, "LEAST", 0.05)
    monkeypatch.setattr(latency, "SECONDS", 0.02)
    monkeypatch.setattr(command.hardware, "CORES", 1)


@pytest.mark.skipif(chromium.missing(None) is not None, reason="no Chromium")
def test_a_browser_drains_a_job_beside_a_liar(test_set, monkeypatch, tmp_path, capsys):
    quickly(monkeypatch)
    file, before = tmp_path / "fleet.json", {*psutil.Process().children(recursive=True)}
    words = ["--model", "resnet8", "--images", str(IMAGES), "--browser", "chromium", "--devices", "2"]
    arguments = options.parser().parse_args([*words, "--batch-size", "8", "--json", str(file)])
    code = RunWithLiar(arguments).run()
    out, fleet = capsys.readouterr().out, load(file)
    assert (code, fleet.is_whole, fleet.is_right, fleet.batch) == (0, True, True, 8)
    browser, liar = fleet.devices
    assert (browser.about["engine"], browser.platform, browser.images) == ("chromium", "chromium-wasm", IMAGES)
    assert (liar.images, liar.sent_home, liar.lost) == (0, "3 faults in a row", {"lied": 3})
    assert browser.counted.parts["inferring"] > 0
    assert sum(browser.counted.parts.values()) < browser.counted.seconds
    assert browser.latency.device > 0
    assert liar.latency is None
    assert {(rate.when, rate.workers) for rate in fleet.servers} >= {("before", 1), ("after", 1)}
    assert fleet.machine["cores"]
    for said in (
        "open this link on any device",
        "is given nothing more (3 faults in a row)",
        "as many as",
    ):
        assert said in out
    assert {*psutil.Process().children(recursive=True)} <= before


class RunOfMadeUp(command.Run):
    """A run whose device is made up, and that is stopped in the midst of it."""

    stops_in = "_watch"

    @contextmanager
    def _hall(self, job, desk):
        def until_it_is_over(sent, *_):
            desk.wait(10)
            return sent

        session = Session(job, {1: until_it_is_over})
        crew = Crew(lambda device, number, host: member(self.patch, job, desk, session)[0])
        crew.add(None)
        yield None, crew
        crew.join()

    def _invite(self, server):
        pass

    def _watch(self, desk, crew):
        if self.stops_in == "_watch":
            raise KeyboardInterrupt


@contextmanager
def stopped(*_):
    """Be stopped while browsers are ended."""
    yield
    raise KeyboardInterrupt


@pytest.mark.parametrize("stops_in", ["_watch", "browsers_here"])
def test_what_was_drained_until_a_person_stopped_it_is_told_and_saved(
    stops_in, test_set, monkeypatch, tmp_path, capsys
):
    file = tmp_path / "fleet.json"
    monkeypatch.setattr(RunOfMadeUp, "stops_in", stops_in)
    if stops_in != "_watch":
        monkeypatch.setattr(command, stops_in, stopped)
    words = ["--model", "resnet8", "--images", str(IMAGES), "--no-latency", "--no-server", "--json", str(file)]
    run = RunOfMadeUp(options.parser().parse_args(words))
    run.patch = monkeypatch
    assert run.run() == 130
    fleet, out = load(file), capsys.readouterr().out
    assert fleet.drained < IMAGES
    assert f"not whole: {IMAGES - fleet.drained} images were not classified" in out
    assert f"saved    {file}" in out


def test_a_job_that_nobody_is_there_for_says_so_and_is_given_up(monkeypatch):
    run, told, seconds = command.Run(options.parser().parse_args([])), [], itertools.count()
    monkeypatch.setattr(run._board, "tell", told.append)
    monkeypatch.setattr(command.progress, "lines", lambda *_: [])
    desk = SimpleNamespace(wait=lambda _: False, clock=lambda: next(seconds))
    run._watch(desk, Crew(None, [SimpleNamespace(is_here=False)]))
    assert told == [
        "no device is there: the job waits for one, 120 s at most",
        "given up: no device has been there for 120 s",
    ]


def test_no_images_are_told_in_a_line_with_the_remedy(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("sys.argv", ["fleet", "--data-dir", str(tmp_path)])
    with pytest.raises(SystemExit) as error:
        command.main()
    assert str(error.value).startswith(f"fleet: {tmp_path}/cifar-100-binary/test.bin: no such file; give --data-dir")


def test_a_download_that_fails_is_told_in_a_line(monkeypatch):
    def load_(*_):
        raise DataError("CIFAR-100 could not be downloaded")

    monkeypatch.setattr(options, "load", load_)
    monkeypatch.setattr("sys.argv", ["fleet"])
    with pytest.raises(SystemExit, match="fleet: CIFAR-100 could not be downloaded"):
        command.main()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--images", "204"], "--images 204: the test set has 203"),
        (["--browser", "firefox"], "--browser firefox: no firefox"),
        (["--browser", "chromium@4x"], "--browser chromium@4x: no control groups; leave @4x out"),
    ],
)
def test_what_cannot_be_is_told_before_anything_starts(words, said, test_set, monkeypatch):
    monkeypatch.setattr(options.browsers, "missing", lambda engine: "no firefox" if engine == "firefox" else None)
    monkeypatch.setattr(options.cgroup, "unavailable", lambda: "no control groups")
    monkeypatch.setattr("sys.argv", ["fleet", "--model", "resnet8", *words])
    with pytest.raises(SystemExit, match=f"^fleet: {said}$"):
        command.main()


def test_a_runtime_that_no_page_has_is_refused_before_anybody_comes(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["fleet", "--runtime", "tvm"])
    with pytest.raises(SystemExit, match=r"^2$"):
        command.main()
    assert "invalid choice: 'tvm' (choose from" in capsys.readouterr().err
    assert options.RUNTIMES[:3] == ["wasm", "tfjs", "litert"]  # those of every engine, as the help says


def test_a_browser_is_named_with_how_many_times_weaker_it_is():
    assert (browser("chromium@16x"), browser("webkit")) == (Browser("chromium", 16), Browser("webkit"))
    assert str(Browser("firefox", 4)) == "firefox@4x"
    for text in ("safari", "chromium@0x", "chromium@4", "chromium@100x"):
        with pytest.raises(Exception, match="is no browser: choose from chromium, firefox, webkit"):
            browser(text)
