"""A browser is lent again as long as nothing went wrong in it, and none outlives the process that borrowed it."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest
from helpers import ROOT, command_line

from browser_harness import chromium, lending
from browser_harness.channel import PageError
from browser_harness.lending import Lender

BROWSER = chromium.Browser(Path("chromium"), "PATH", "1.0", ())


class FakePage:
    """A browser that notes what becomes of it."""

    made = ()

    def __init__(self, browser, timeout, flags):
        self.kind, self.states, self.has_told, self.fault = (browser, timeout, flags), [], False, None
        self.made.append(self)

    def start(self):
        self.states.append("started")
        self.check()

    def check(self):
        if self.fault:
            raise self.fault

    def clear(self):
        self.states.append("cleared")

    def __exit__(self, *error):
        self.states.append("closed")


@pytest.fixture
def made(monkeypatch):
    """The browsers that were started."""
    monkeypatch.setattr(FakePage, "made", [])
    monkeypatch.setattr(lending, "Page", FakePage)
    return FakePage.made


@pytest.fixture
def lender(made):
    return Lender()


def lent(lender, *flags, timeout=1.0):
    return lender.lend(BROWSER, timeout, flags)


def test_one_that_comes_back_in_order_is_lent_again_to_who_asks_for_the_same(lender, made):
    with lent(lender, "--a") as first:
        assert (first.kind, first.states) == ((BROWSER, 1.0, ("--a",)), ["started"])
    assert first.states == ["started", "cleared"]
    for flags, timeout in ((("--b",), 1.0), (("--a",), 2.0)):
        with lent(lender, *flags, timeout=timeout) as other:
            assert other is not first
    with lent(lender, "--a") as again:
        assert again is first
    assert len(made) == 3
    lender.close()
    assert [page.states[-1] for page in made] == ["closed"] * 3


def test_two_of_a_kind_that_are_lent_at_once_are_both_kept(lender, made):
    with lent(lender) as one, lent(lender) as other:
        assert one is not other
    with lent(lender), lent(lender):
        assert len(made) == 2
    lender.close()
    assert [page.states.count("closed") for page in made] == [1, 1]


@pytest.mark.parametrize("error", [KeyboardInterrupt, PageError])
def test_one_whose_borrower_failed_is_closed(lender, made, error):
    with pytest.raises(error), lent(lender) as page:
        raise error
    assert page.states == ["started", "closed"]
    with lent(lender) as other:
        assert other is not page


def test_one_with_a_fault_that_nobody_was_told_of_is_closed_and_tells(lender):
    with pytest.raises(PageError, match=r"^behind the calls$"), lent(lender) as page:
        page.fault = PageError("behind the calls")
    assert page.states == ["started", "cleared", "closed"]


def test_one_whose_fault_the_borrower_got_over_is_closed(lender):
    with lent(lender) as page:
        page.has_told = True
    assert page.states == ["started", "closed"]
    with lent(lender) as other:
        assert other is not page


def test_one_that_does_not_start_is_closed(lender, made, monkeypatch):
    monkeypatch.setattr(FakePage, "check", lambda page: (_ for _ in ()).throw(PageError("no sandbox")))
    with pytest.raises(PageError, match=r"^no sandbox$"), lent(lender):
        pytest.fail("it was lent")
    assert made[0].states == ["started", "closed"]


# A real one

BORROWS = """
import os
from browser_harness import chromium
from browser_harness.lending import LENDER
from helpers import descendants

def browsers():
    lines = descendants(os.getpid()).items()
    return {pid for pid, line in lines if "--remote-debugging" in line and "--type=" not in line}

def renderers(page):
    return {*page.processes()["renderer"]}

with LENDER.lend(chromium.find(), 30, ["--disable-gpu"]) as page:
    (first,) = browsers()
    before = renderers(page)
with LENDER.lend(chromium.find(), 30, ["--disable-gpu"]) as page:
    assert browsers() == {first}
    assert renderers(page) - before, "the page is the one that there was"
try:
    with LENDER.lend(chromium.find(), 30, ["--disable-gpu"]) as page:
        os.kill(first, 9)
        page.clear()
except Exception as error:
    print(type(error).__name__)
with LENDER.lend(chromium.find(), 30, ["--disable-gpu"]):
    (second,) = browsers() - {first}
print(second)
"""


def test_real_browsers_are_lent_again_and_end_with_the_process():
    with tempfile.TemporaryDirectory(prefix="h") as folder:  # short: Chromium puts a socket below it
        environment = os.environ | {"TMPDIR": folder, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tests")))}
        command = [sys.executable, "-c", BORROWS]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert run.returncode == 0, run.stderr
        fault, waiting = run.stdout.split()
        assert fault == "PageError"
        assert gone(lambda: [pid for pid in psutil.pids() if folder in command_line(pid)])
        assert not command_line(int(waiting))
        assert [*Path(folder).iterdir()] == []


def gone(left, seconds=20.0):
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while left() and time.monotonic() < deadline:
        pause.wait(0.05)
    return not left()
