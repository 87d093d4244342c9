"""A browser that is started at a link joins, or is told in a line why it did not, and leaves nothing behind."""

import os
import subprocess
import sys
import tempfile
from types import SimpleNamespace

import pytest
from helpers import ROOT, descendants

from browser_harness import processes, scratch
from browser_harness.channel import PageError
from browser_harness.joined import browsers, display, found, here
from browser_harness.joined.here import Kind, Lender, joined_here

FIREFOX = '#!/bin/sh\n[ "$1" = --version ] && echo Mozilla Firefox 1.0 && exit\n'


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def firefox(tmp_path, temporary):
    """Return a program that passes for Firefox, and does what *script* says where it is to open a link."""

    def firefox(script):
        path = tmp_path / "firefox"
        path.write_text(FIREFOX + script)
        path.chmod(0o755)
        return path

    return firefox


def assert_is_clean(temporary):
    assert [*temporary.iterdir()] == []
    assert [line for line in descendants(os.getpid()).values() if "sleep 60" in line] == []


def test_a_browser_that_ends_says_why(firefox, temporary):
    named = firefox("echo starting; echo no such screen >&2; exit 3\n")
    words = r"^firefox ended with 3 \(no such screen\) before it joined$"
    with pytest.raises(PageError, match=words), joined_here("firefox", named):
        pytest.fail("it joined")
    assert_is_clean(temporary)


def test_a_browser_that_hangs_is_ended_in_time_with_all_that_it_started(firefox, temporary):
    words, named = (
        r"^firefox has not joined within 0\.5 s; .* raise --inference-timeout$",
        firefox("sleep 60 & sleep 60\n"),
    )
    with pytest.raises(PageError, match=words), joined_here("firefox", named, timeout=0.5):
        pytest.fail("it joined")
    assert_is_clean(temporary)


def test_a_browser_that_is_not_there_is_told(tmp_path):
    with pytest.raises(PageError, match="no/firefox does not start"), joined_here("firefox", tmp_path / "no/firefox"):
        pytest.fail("it joined")


def test_all_that_a_browser_keeps_for_its_person_goes_with_its_profile(firefox, temporary, tmp_path):
    told = tmp_path / "told"
    named = firefox(f"echo $HOME $XDG_CACHE_HOME $TMPDIR $* > {told}; touch $HOME/.history; sleep 60\n")
    with browsers.started("firefox", "http://link/", named) as browser:
        while not (told.exists() and told.read_text()):
            assert browser.fault() is None
        home, cache, folder, *words = told.read_text().split()
        assert words == ["--headless", "--no-remote", "--profile", f"{home}/profile", f"file://{home}/link.html"]
        assert (folder, cache) == (home, f"{home}/cache")
        assert browser.processes()["browser"] == [browser._process.pid]
    assert_is_clean(temporary)


STARTS = """
import sys
from pathlib import Path
from browser_harness.joined import browsers
with browsers.started("firefox", "http://link/", Path(sys.argv[1])):
    print("started", flush=True)
    input()
"""


def test_what_a_killed_run_has_started_is_ended_by_the_next(firefox, temporary):
    command = [sys.executable, "-c", STARTS, firefox("sleep 60 & sleep 60\n")]
    environment, pipes = os.environ | {"TMPDIR": str(temporary)}, {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes) as run:
        assert run.stdout.readline() == "started\n"
        left = processes.identified(descendants(run.pid))
        run.kill()
    (folder,) = temporary.iterdir()
    assert left
    assert scratch.clear_up(temporary) == [folder]
    assert processes.identified(left).items() & left.items() == set()
    assert_is_clean(temporary)


# Displays


@pytest.fixture
def xvfb(tmp_path, monkeypatch):
    """Have a program in Xvfb's place."""

    def xvfb(script):
        path = tmp_path / "Xvfb"
        path.write_text(f"#!/bin/bash\n{script}\n")  # dash knows no descriptor above 9
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    return xvfb


def test_a_display_is_there_for_as_long_as_it_is_needed(xvfb, tmp_path):
    told = tmp_path / "told"
    xvfb(f"echo $TMPDIR $* > {told}; echo 17 >&$2; exec sleep 60")
    with display.display({"TMPDIR": "/somewhere"}) as variables:
        assert variables == {"DISPLAY": ":17", "GDK_BACKEND": "x11"}
        where, *words = told.read_text().split()
        assert where == "/somewhere"  # by which it is found where it is left
        assert {"-nolock", "tcp", "unix"} <= {*words}  # no file of its own
    assert [line for line in descendants(os.getpid()).values() if "sleep 60" in line] == []


@pytest.mark.parametrize("script", ["exit 1", "exec sleep 60"])
def test_a_display_that_does_not_come_is_told(xvfb, monkeypatch, script):
    monkeypatch.setattr(display, "STARTING", 0.3)
    xvfb(script)
    with pytest.raises(PageError, match=r"^Xvfb gave no display within 0\.3 s; .* set DISPLAY$"), display.display({}):
        pytest.fail("it came")
    assert [line for line in descendants(os.getpid()).values() if "sleep 60" in line] == []


def test_without_xvfb_a_browser_has_the_persons_display(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with display.display({}) as variables:
        assert variables == {}


# Which processes compute


@pytest.mark.parametrize(
    ("engine", "name", "command", "computes"),
    [
        ("firefox", "Isolated Web Co", ["firefox", "-contentproc", "6", "tab"], True),
        ("firefox", "Web Content", ["firefox", "-contentproc", "7", "tab"], True),
        ("firefox", "Privileged Cont", ["firefox", "-contentproc", "11", "tab"], False),
        ("firefox", "WebExtensions", ["firefox", "-contentproc", "3", "tab"], False),
        ("firefox", "Socket Process", ["firefox", "-contentproc", "1", "socket"], False),
        ("firefox", "forkserver", [], False),
        ("webkit", "WebKitWebProcess", ["WebKitWebProcess", "4"], True),
        ("webkit", "WebKitNetworkProcess", ["WebKitNetworkProcess", "1"], False),
        ("chromium", "chromium", ["chromium", "--type=renderer"], True),
        ("chromium", "chromium", ["chromium", "--type=gpu-process"], False),
    ],
)
def test_only_processes_for_pages_of_the_web_count(engine, name, command, computes):
    assert browsers.COMPUTES[engine](name, command) == computes


def test_webkits_threads_that_compile_are_left_out_by_linuxs_names():
    assert browsers.Started("webkit", None, None).compiling == {"Wasm Worklist Helper Thread"[-15:], "JITWorker"}
    assert browsers.Started("firefox", None, None).compiling == frozenset()


# Lending


class Browser:
    def __init__(self):
        self.words, self.is_seen, self.answers, self.is_open = None, True, True, True

    def fault(self):
        return self.words

    def wait(self, seconds):
        return self.is_seen

    def close(self, timeout):
        if not self.answers:
            raise PageError("leaving the page: no answer")


@pytest.fixture
def lender(monkeypatch):
    def joined(kind, timeout):
        made.append(browser := Browser())
        browser.kind = kind
        return here.Joined(browser, browser, lambda: setattr(browser, "is_open", False))

    made = []
    monkeypatch.setattr(here, "_joined", joined)
    lender = Lender()
    yield SimpleNamespace(lend=lambda engine="firefox": lender.lend(Kind(engine)), made=made, close=lender.close)
    lender.close()


def test_a_browser_is_lent_again_also_after_a_page_has_failed(lender):
    with pytest.raises(PageError), lender.lend():
        raise PageError("the model is none")
    with lender.lend() as (device, browser):
        assert device is browser is lender.made[0]
    assert [browser.is_open for browser in lender.made] == [True]


@pytest.mark.parametrize(("what", "value"), [("words", "firefox ended with 9"), ("is_seen", False), ("answers", False)])
def test_one_that_ended_or_hides_or_hangs_is_not(lender, what, value):
    with lender.lend():
        setattr(lender.made[0], what, value)
    with lender.lend():
        assert [browser.is_open for browser in lender.made] == [False, True]
        lender.made[1].words = None
    setattr(lender.made[1], what, value)  # while it waits
    with lender.lend():
        assert [browser.is_open for browser in lender.made] == [False, False, True]


def test_two_at_once_have_one_each_and_another_engine_its_own(lender):
    with lender.lend() as (first, _), lender.lend() as (second, _), lender.lend("webkit") as (third, _):
        assert len({first, second, third}) == 3
        assert third.kind == Kind("webkit")
    lender.close()
    assert [browser.is_open for browser in lender.made] == [False] * 3


def test_one_that_joins_and_does_not_show_itself_is_told(firefox, monkeypatch):
    device = SimpleNamespace(wait=lambda seconds: False)
    monkeypatch.setattr(here, "_first", lambda *_: device)
    words, named = "firefox joined, and does not show its page", firefox("sleep 60\n")
    with pytest.raises(PageError, match=words), joined_here("firefox", named):
        pytest.fail("it is to be seen")


def test_the_engines_are_those_that_platforms_are_made_of():
    assert {*found.ENGINES} == {*browsers.COMMANDS} == {*browsers.COMPUTES} == {*found.FINDERS}
