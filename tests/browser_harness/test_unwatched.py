"""Nobody watches what the page asks, its browser belongs to who started it, and each fault is told as by Playwright."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest
from helpers import ROOT, command_line

from browser_harness import chromium, devtools, page_files, unwatched
from browser_harness.channel import PageError
from browser_harness.faults import SANDBOX, SaidError
from browser_harness.page import open_browser
from browser_harness.server import serving
from browser_harness.unwatched import open_unwatched

FLAGS = ("--disable-gpu",)
CLOSED = "Target page, context or browser has been closed"


@pytest.fixture
def server():
    with serving(page_files.FILES) as server:
        yield server


@pytest.fixture
def scratch(monkeypatch, tmp_path):  # pytest's own folder is made before
    """A folder for temporary files that can be looked into; what is left in it afterwards is a fault."""
    with tempfile.TemporaryDirectory(prefix="h") as folder:  # short: Chromium puts a socket below it
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)
        assert [*Path(folder).iterdir()] == []
        assert gone(lambda: [pid for pid in psutil.pids() if folder in command_line(pid)])
        assert not [child for child in psutil.Process().children() if child.status() == psutil.STATUS_ZOMBIE]


@pytest.fixture
def page(scratch, server):
    with open_unwatched(chromium.find(), 30, FLAGS) as page:
        page.load(server.origin)
        yield page


def gone(left, seconds=20.0):
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while left() and time.monotonic() < deadline:
        pause.wait(0.05)
    return not left()


def run_in_page(page, script):
    return page._runner.run(page._evaluate(script))


def define(page, function):
    """Have a function of the page's harness."""
    run_in_page(page, f"void (harness.{function})")


# Watching


@pytest.fixture
def talk(monkeypatch):
    """What is said on the pipes: the methods asked, and the events told."""
    asked, told = [], []
    send, hear = devtools.DevTools.send, unwatched.UnwatchedPage._hear

    def sending(self, method, *rest, **parameters):
        asked.append(method)
        return send(self, method, *rest, **parameters)

    def hearing(self, session, event, words):
        told.append(event)
        return hear(self, session, event, words)

    monkeypatch.setattr(devtools.DevTools, "send", sending)
    monkeypatch.setattr(unwatched.UnwatchedPage, "_hear", hearing)
    return asked, told


FETCHES = "fetched = () => fetch('/harness.mjs', {cache: 'no-store'}).then(answer => answer.status)"


def domains(words):
    return {word.partition(".")[0] for word in words}


def test_nobody_watches_the_network(talk, page, server):
    asked, told = talk
    define(page, FETCHES)
    assert page.call("fetched", {}) == 200
    page.reload()
    page.load(server.origin)
    page.processes()
    assert domains(asked) == {"Target", "Runtime", "Page", "SystemInfo"}
    assert domains(told) <= {"Target", "Runtime", "Page"}


def test_nothing_but_runtime_is_on_once_the_page_is_loaded(talk, page):
    asked, told = talk
    on = [word.removesuffix(".enable") for word in asked if word.endswith(".enable")]
    off = [word.removesuffix(".disable") for word in asked if word.endswith(".disable")]
    assert {*on} - {*off} == {"Runtime"}
    told.clear()
    define(page, FETCHES)
    page.call("fetched", {})
    assert domains(told) <= {"Runtime"}


def test_the_network_is_watched_where_that_is_asked_for(talk, page):
    asked, told = talk
    page.watch()
    define(page, FETCHES)
    assert page.call("fetched", {}) == 200
    assert asked.count("Network.enable") == 1
    assert {"Network.requestWillBeSent", "Network.responseReceived"} <= {*told}


# Faults


def test_a_page_that_goes_elsewhere_is_told(page, server):
    with serving(page_files.FILES) as other:
        run_in_page(page, f"void (location = '{other.origin}/index.html')")
        assert gone(lambda: page.processes() and not page._faults)
        words = f"^behind the calls; the page asked for {other.origin}/index.html, outside its own server$"
        with pytest.raises(PageError, match=words):
            page.check()


def test_a_page_that_cannot_be_loaded_is_told(page):
    with serving(page_files.FILES) as ended:
        pass
    words = f"^loading the page: net::ERR_CONNECTION_REFUSED at {ended.origin}/index.html$"
    with pytest.raises(PageError, match=words):
        page.load(ended.origin)


def test_a_page_that_hangs_is_given_up_on(page):
    define(page, "hang = () => { for (;;); }")
    page._timeout = 0.2
    words = r"^hang: no answer within 0\.2 s; where it is only slow, raise --inference-timeout$"
    with pytest.raises(PageError, match=words):
        page.call("hang", {})
    assert page.has_told


WAIT = "wait = () => new Promise(done => setTimeout(done, 60000))"


async def while_it_waits(page, act, words):
    """Have the page wait, do something to it, and be told *words*."""
    waiting = asyncio.ensure_future(page._call("wait", {}))
    await page._process_info()  # that is asked, and answered, after the call was sent
    await act()
    with pytest.raises(SaidError, match=f"^{words}$"):
        await waiting


def test_a_page_that_crashes_is_told(page):
    define(page, WAIT)
    (renderer,) = page.processes()["renderer"]

    async def crash():
        os.kill(renderer, signal.SIGKILL)

    page._runner.run(while_it_waits(page, crash, "Target crashed"))
    with pytest.raises(PageError, match=r"^behind the calls; the page crashed, perhaps for want of memory$"):
        page.check()


def test_a_page_that_was_closed_is_told(page):
    define(page, WAIT)

    async def close():
        await page._devtools.send("Target.closeTarget", targetId=page._target)

    page._runner.run(while_it_waits(page, close, CLOSED))


def test_a_browser_that_was_killed_is_told(page):
    (browser,) = page.processes()["browser"]
    os.kill(browser, signal.SIGKILL)
    for _ in range(2):
        with pytest.raises(PageError, match=f"^time: {CLOSED}$"):
            page.call("time", {})


def test_a_browser_that_was_stopped_is_ended(scratch, server, monkeypatch):
    monkeypatch.setattr(unwatched, "CLOSING", 0.2)
    with open_unwatched(chromium.find(), 30, FLAGS) as page:
        page.load(server.origin)
        (browser,) = page.processes()["browser"]
        os.kill(browser, signal.SIGSTOP)
    assert not command_line(browser)


def test_what_is_thrown_that_is_no_error_is_told(page):
    define(page, "fail = ({value}) => { throw value; }")
    for value, words in {
        "no words": "no words",
        20464: r"an exception of the runtime's WebAssembly.*\(20464\)",
    }.items():
        with pytest.raises(PageError, match=f"^fail: {words}$"):
            page.call("fail", {"value": value})


def test_a_call_is_under_the_pages_policy(page):
    define(page, "evaluate = () => new Function('return 1')()")
    with pytest.raises(PageError, match=r"^evaluate: EvalError: .*'unsafe-eval'"):
        page.call("evaluate", {})


def test_large_answers_come_whole(page):
    define(page, "echo = ({text}) => text.repeat(10)")
    assert page.call("echo", {"text": "ä\u2028" * 100_000}) == "ä\u2028" * 1_000_000


# Starting


def fake(folder, script):
    path = folder / "browser"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return chromium.Browser(path, "PATH", "1")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("a warning\nFATAL: Too many open files", f"{CLOSED}; FATAL: Too many open files"),
        ("FATAL: No usable sandbox! If\nTrace", SANDBOX),
        ("", CLOSED),
    ],
)
def test_a_browser_that_does_not_start_says_why(scratch, tmp_path, said, words):
    (tmp_path / "said").write_text(said)
    with pytest.raises(PageError) as caught, open_unwatched(fake(tmp_path, f"cat {tmp_path}/said >&2; exit 1"), 30):
        pytest.fail("it started")
    assert str(caught.value) == f"starting the browser: {words}"


def test_a_browser_that_is_none_is_told(scratch, tmp_path):
    browser = chromium.Browser(tmp_path / "absent", "PATH", "1")
    words = f"^starting the browser: {tmp_path}/absent: No such file or directory$"
    with pytest.raises(PageError, match=words), open_unwatched(browser, 30):
        pytest.fail("it started")


def test_a_browser_that_says_nothing_is_given_up_on(scratch, tmp_path, monkeypatch):
    monkeypatch.setattr(unwatched, "CLOSING", 0.1)
    browser, words = fake(tmp_path, "exec tail -f /dev/null"), r"^starting the browser: no answer within 0\.2 s"
    with pytest.raises(PageError, match=words), open_unwatched(browser, 0.2):
        pytest.fail("it started")


def in_a_thread(function):
    """Call *function* in a thread of its own, which no other shares its namespaces with; return what it does."""
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def test_the_browser_has_the_namespaces_of_the_thread_that_starts_it(scratch, server):
    """Not of the process: a network namespace is a thread's."""
    new_network = 0x40000000  # CLONE_NEWNET

    def start():
        if ctypes.CDLL(None, use_errno=True).unshare(new_network):
            return os.strerror(ctypes.get_errno()), None, None
        with open_unwatched(chromium.find(), 30, FLAGS) as page:
            processes = page.processes()
            of = {os.readlink(f"/proc/{pid}/ns/net") for pids in processes.values() for pid in pids}
        return None, os.readlink("/proc/thread-self/ns/net"), of

    refused, own, of_browser = in_a_thread(start)
    if refused:
        pytest.skip(f"no network namespace can be made here: {refused}")
    assert own != os.readlink("/proc/self/ns/net")
    assert of_browser == {own}


def test_the_calling_thread_starts_it(monkeypatch, scratch):
    threads, spawn = [], os.posix_spawn

    def spawning(*words, **how):
        threads.append(threading.get_ident())
        return spawn(*words, **how)

    monkeypatch.setattr(os, "posix_spawn", spawning)

    def start():
        with open_unwatched(chromium.find(), 30, FLAGS):
            return threading.get_ident()

    assert [in_a_thread(start)] == threads


ORPHAN = """
import os, signal
from browser_harness import chromium
from browser_harness.unwatched import open_unwatched
with open_unwatched(chromium.find(), 30, ["--disable-gpu"]) as page:
    print(*page.processes()["browser"], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_browser_whose_process_was_killed_ends_by_itself(monkeypatch):
    with tempfile.TemporaryDirectory(prefix="h", ignore_cleanup_errors=True) as folder:
        environment = os.environ | {"TMPDIR": folder, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", ORPHAN]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
        assert run.returncode == -signal.SIGKILL, run.stderr
        assert gone(lambda: command_line(int(run.stdout)))


# What Playwright has and no page here can tell: for other programs, systems and windows, or for a driver's own work.
NOT_NEEDED = {
    "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4",
    "--disable-edgeupdater",
    "--disable-infobars",
    "--disable-prompt-on-repost",
    "--disable-search-engine-choice-screen",
    "--disable-updater-scheduler",
    "--do-not-de-elevate",
    "--edge-skip-compat-layer-relaunch",
    "--enable-features=CDPScreenshotNewSurface,SkipListAccountsWithoutGaiaCookies",
    "--unsafely-disable-devtools-self-xss-warnings",
}
FEATURES_NOT_NEEDED = {
    "AimEnabled",
    "LensOverlay",
    "TcpPortRandomizationWin",
    "msEdgeUpdateLaunchServicesPreferredVersion",
    "msForceBrowserSignIn",
}
DISABLED = "--disable-features="


def switches(page):
    """Return the browser's options, and the features that are disabled."""
    (browser,) = page.processes()["browser"]
    words = {word for word in psutil.Process(browser).cmdline() if not word.startswith("--user-data-dir=")}
    (disabled,) = [word for word in words if word.startswith(DISABLED)]
    return words - {disabled}, {*disabled.removeprefix(DISABLED).split(",")}


def test_the_browser_is_started_as_playwright_starts_it(scratch):
    with open_browser(chromium.find(), 30, FLAGS) as watched, open_unwatched(chromium.find(), 30, FLAGS) as page:
        (theirs, their_features), (ours, our_features) = switches(watched), switches(page)
    assert theirs - ours == NOT_NEEDED
    assert ours - theirs == {"--window-size=1280,720"}  # which Playwright sets in each page
    assert their_features - our_features == FEATURES_NOT_NEEDED
    assert our_features < their_features


# Messages


def test_messages_are_put_together_from_pieces():
    heard = []
    client = devtools.DevTools(lambda *words: heard.append(words))
    for piece in (
        b'{"method": "A.b", "par',
        b'ams": {}}\0{"sessionId": "s", "method": "C.d", "params": {"x": 1}}',
        b"\0",
    ):
        client.data_received(piece)
    assert heard == [("", "A.b", {}), ("s", "C.d", {"x": 1})]


def test_what_a_browser_refuses_is_told(page):
    with pytest.raises(SaidError, match=r"'No\.such' wasn't found"):
        page._runner.run(page._devtools.send("No.such"))
