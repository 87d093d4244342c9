"""The page is hermetic, each of its faults becomes one error, and nothing of it is left behind."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
from helpers import LEAN, ROOT, Suite, clean_environment, command_line, descendants

from benchmarks.inputs import case_of, seeded_feeds
from benchmarks.platforms.driven_pages import DRIVEN
from benchmarks.platforms.onnxruntime_web import ChromiumWasm
from benchmarks.platforms.page_runtime import engine_url, prove_page
from benchmarks.protocol import PlatformError
from benchmarks.settings import Settings
from browser_harness import browser_page, chromium, packages, page_files, processes
from browser_harness import page as page_module
from browser_harness.channel import PageError
from browser_harness.page import open_browser
from browser_harness.scratch import clear_up
from browser_harness.server import CACHE_CONTROL, HEADERS, policy, serving
from browser_harness.unwatched import UnwatchedPage, open_unwatched
from models import own

CACHE = chromium.unpacked_folder().parents[1]  # of this user; pytester gives its tests another home


WASM = ChromiumWasm()
MODEL = "/model/0"
ENGINE = {engine_url("ort"): packages.HARNESS_DIR / "engines" / "ort.mjs"}


@pytest.fixture
def case(tiny_model):
    return case_of(own.load(tiny_model))


@pytest.fixture
def server(tiny_model):
    with serving({**page_files.FILES, **ENGINE, **WASM.runtime, MODEL: tiny_model}) as server:
        yield server


BROWSERS = {"watched": open_browser, "unwatched": open_unwatched}


@pytest.fixture(params=BROWSERS.values(), ids=BROWSERS)
def browsers(request):
    """Both ways to drive a page: whatever is promised of the one is of the other."""
    return request.param


@contextmanager
def open_page(server, browsers, timeout=20):
    with browsers(chromium.find(), timeout, WASM.flags) as page:
        page.load(server.origin)
        yield page


@pytest.fixture
def page(server, browsers):
    with open_page(server, browsers) as page:
        yield page


@pytest.fixture
def request_(case):
    """What the page is asked to open."""
    asked = WASM.request(case, Settings())
    return {"engine": engine_url("ort"), "files": [*asked.urls.items()], "configuration": asked.configuration}


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status, dict(response.headers), response.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def feed(url, shape):
    return {"name": "input", "url": url, "type": "float32", "shape": shape}


def run_in_page(page, script):
    evaluate = page._evaluate if isinstance(page, UnwatchedPage) else page._page.evaluate
    return page._runner.run(evaluate(script))


# The server


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/index.html", "text/html; charset=utf-8"),
        ("/harness.mjs", "text/javascript"),
        ("/normalise.mjs", "text/javascript"),
        ("/ort/ort.wasm.bundle.min.mjs", "text/javascript"),
        ("/ort/ort-wasm-simd-threaded.wasm", "application/wasm"),
        (MODEL, "application/octet-stream"),
    ],
)
def test_files_come_isolated_and_with_their_type(server, path, media_type):
    status, headers, content = get(server.origin + path)
    assert (status, headers["Content-Type"]) == (200, media_type)
    assert (HEADERS | {"Cache-Control": CACHE_CONTROL, "Content-Security-Policy": policy()}).items() <= headers.items()
    assert content == server.contents.body(path).source.read()
    told = {"wire": len(content), "decoded": len(content), "encoding": None, "level": None}
    assert server.fetched() == {path: told}  # urllib asks for nothing else


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/package.json",
        "/../pyproject.toml",
        "/ort/../harness.mjs",
        "/%2e%2e/pyproject.toml",
        "//etc/passwd",
        "/ort/",
    ],
)
def test_everything_else_is_not_found(server, path):
    status, headers, content = get(server.origin + path)
    assert (status, content) == (404, b"")
    assert headers["Cache-Control"] == "no-store"
    assert server.fetched() == {}
    assert HEADERS.items() <= headers.items()


def test_only_get_is_answered_and_what_is_put_where_it_is_awaited(server):
    for method in ("POST", "HEAD", "DELETE", "OPTIONS"):
        request = urllib.request.Request(server.origin + "/index.html", data=b"x", method=method)
        with pytest.raises(urllib.error.HTTPError, match="501") as caught:
            urllib.request.urlopen(request, timeout=5)
        assert HEADERS.items() <= dict(caught.value.headers).items()


def test_it_listens_on_the_loopback_interface_only(server):
    assert server.server_address[0] == "127.0.0.1"


# The page


def test_the_page_speaks_to_its_own_server_only(server, request_):
    requested = []
    with open_page(server, open_browser) as page:
        page._page.on("request", lambda request: requested.append(request.url))
        page.call("open", request_)
    assert requested
    assert all(url.startswith(server.origin + "/") for url in requested)


@pytest.mark.parametrize(
    "attempt", ["fetch('http://127.0.0.1:9/x').catch(() => 0)", "(new Image()).src = 'http://127.0.0.1:9/x.png'"]
)
def test_a_request_to_elsewhere_is_blocked_and_told(server, browsers, attempt):
    with (
        pytest.raises(PageError, match=r"outside its own server|blocked by the page's policy"),
        open_page(server, browsers) as page,
    ):
        blocked = run_in_page(
            page, f"new Promise(done => {{ addEventListener('securitypolicyviolation', done); {attempt}; }})"
        )
        assert blocked is not None
        page.check()


def test_an_uncaught_error_in_the_page_is_told(server, browsers):
    with (
        pytest.raises(PageError, match=r"uncaught in the page: .*went wrong"),
        open_page(server, browsers) as page,
    ):
        run_in_page(
            page, "new Promise(done => { setTimeout(() => { setTimeout(done); throw Error('went wrong'); }); })"
        )


def test_a_page_that_breaks_and_answers_no_more_is_not_waited_for(server, browsers, monkeypatch):
    monkeypatch.setattr(browser_page, "GRACE", 0.1)
    words = r"time: the page does not answer any more; uncaught in the page: .*lost"
    with pytest.raises(PageError, match=words), open_page(server, browsers) as page:
        lost = "() => new Promise(() => setTimeout(() => { throw Error('lost'); }))"
        run_in_page(page, f"void (harness.time = {lost})")
        page.call("time", {})


def test_an_error_in_a_call_carries_the_pages_words_and_apart_from_them_its_stack(page, request_):
    page.call("open", request_)
    with pytest.raises(PageError, match=r"^time: .+") as raised:
        page.call("time", {"feeds": [feed("/harness.mjs", [1])], "rounds": 1})
    assert not re.search(r"\n|harness\.mjs:|Page\.evaluate", str(raised.value))
    assert "harness.mjs:" in "".join(raised.value.__notes__)


def test_a_missing_input_is_named(page, request_):
    page.call("open", request_)
    with pytest.raises(PageError, match=r"/inputs/9\.bin: HTTP 404"):
        page.call("time", {"feeds": [feed("/inputs/9.bin", [1, 3, 32, 32])], "rounds": 1})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("threads", 2, "threads is 2 in the page, wanted 1"),
        ("crossOriginIsolated", False, "crossOriginIsolated is False in the page, wanted True"),
        ("simd", False, "simd is False in the page, wanted True"),
        ("clockResolution", 0.1, r"performance\.now steps 0\.1 ms: the page's clock is clamped"),
        ("loaded", ["/ort/other.wasm"], r"/ort/.+ was not loaded; the page loaded /ort/other\.wasm"),
    ],
)
def test_a_page_that_is_not_what_the_platform_says_is_refused(page, case, request_, name, value, words):
    in_effect, needed = page.call("open", request_), WASM.needed({})
    prove_page(in_effect, case.threads, needed)
    with pytest.raises(PageError, match=f"^{words}$"):
        prove_page(in_effect | {name: value}, case.threads, needed)


def test_a_new_page_has_a_process_of_its_own_and_the_same_again_has_not(page, server):
    (before,) = page.processes()["renderer"]
    page.load(server.origin)
    assert wait_until(lambda: before not in page.processes()["renderer"])
    renderers = page.processes()["renderer"]
    page.reload()
    assert page.processes()["renderer"] == renderers
    assert run_in_page(page, "typeof harness.time") == "function"
    page.clear()
    assert run_in_page(page, "location.href") == "about:blank"


def test_a_session_is_the_same_in_either(case, settings, browsers):
    feeds = seeded_feeds(case.model_file, 1)
    with DRIVEN._opened(WASM, case, settings, browsers) as session:
        (outputs,) = session.run(feeds).values()
        assert session.facts.details["fetched"].keys() >= {MODEL, "/harness.mjs"}
        assert session.facts.details["fetched"]["/harness.mjs"]["encoding"] == "br"
        session.renew()
        (again,) = session.run(feeds).values()
        block = session.time(feeds, 20)
    with WASM.open(case, settings) as session:
        (others,) = session.run(feeds).values()
    assert len(block.seconds) == 20
    assert block.cpu.all_threads > 0
    np.testing.assert_array_equal(outputs, others)
    np.testing.assert_array_equal(again, others)


def test_a_page_that_is_not_isolated_cannot_be_opened(case, settings, monkeypatch):
    monkeypatch.delitem(HEADERS, "Cross-Origin-Opener-Policy")
    words = r"^chromium-wasm: tiny\.onnx: crossOriginIsolated is False in the page, wanted True"
    with pytest.raises(PlatformError, match=words), WASM.open(case, settings):
        pytest.fail("the platform opened it")


def test_only_entries_with_compiled_code_are_counted(page):
    folder = page._profile / "Default" / "Code Cache" / "wasm"
    folder.mkdir(parents=True, exist_ok=True)
    before = page.code_cache()
    for name, size in {"12ab_0": 5000, "34cd_0": 200, "index": 5000}.items():
        (folder / name).write_bytes(bytes(size))
    assert page.code_cache() == {**before, "wasm": before["wasm"] + 1}


# Faults of a whole session, as a benchmark meets them

FAULTS = {
    "crash": "[os.kill(pid, signal.SIGKILL) for pid in session._host.renderers]",
    "kill": "page._runner.run(page._context.close())",
    "hang": "page._runner.run(page._page.evaluate('() => { harness.time = () => { for (;;); }; }'))",
}
FAULTY = """
import os, signal
from benchmarks.platforms.page_session import PageSession
time, calls = PageSession.time, []

def faulty(session, feeds, rounds, iterations=1):
    calls.append(rounds)
    if len(calls) == 3:
        page = session._channel.page
        {fault}
    return time(session, feeds, rounds, iterations)

PageSession.time = faulty
"""


@pytest.mark.parametrize(
    ("fault", "timeout", "words"),
    [
        ("crash", 60, "*crashed*"),
        ("kill", 60, "*closed*"),
        ("hang", 5, "no answer within 5 s; * raise --inference-timeout"),
    ],
)
def test_a_fault_fails_its_benchmark_alone_and_leaves_nothing(
    pytester, outside_xdist, monkeypatch, scratch, fault, timeout, words
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(CACHE))
    suite = Suite(pytester, FAULTY.replace("{fault}", FAULTS[fault]))
    options = [f"--inference-timeout={timeout}", "--batch-size=2", "--benchmark-json=out.json", "--benchmark-warmup=on"]
    result = suite.run(*options, platform="chromium-wasm")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines([f"chromium-wasm: resnet8.onnx: time: {words}"])
    assert [benchmark["param"] for benchmark in suite.benchmarks()] == ["resnet8-chromium-wasm-b2"]
    assert list(scratch.iterdir()) == []
    assert wait_until(lambda: not [pid for pid in psutil.pids() if str(scratch) in command_line(pid)])


# What is left behind


@pytest.fixture
def scratch(monkeypatch):
    """Give every process started from here a folder for temporary files that can be looked into.

    Its path is short: Chromium puts a socket below it, whose path may not be longer than 107 bytes.
    """
    with tempfile.TemporaryDirectory(prefix="h") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


def wait_until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.05)
    return True


def start_run(tmp_path, *options):
    """Start the measuring run and return it, with its descendants, once its page exists."""
    command = [sys.executable, "-m", "pytest", *LEAN, "benchmarks/", "--benchmark-only", "--model=resnet8"]
    command += ["--batch-size=1", "-p", "no:cacheprovider", f"--benchmark-json={tmp_path / 'out.json'}", *options]
    run = subprocess.Popen(
        command,
        cwd=ROOT,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert wait_until(lambda: any("--type=renderer" in line for line in descendants(run.pid).values()), 60)
    return run, descendants(run.pid)


def none_alive(processes):
    return wait_until(lambda: not any(command_line(pid) for pid in processes))


@pytest.mark.parametrize(("kind", "whole_group"), [("SIGINT", True), ("SIGINT", False), ("SIGTERM", False)], ids=str)
def test_an_interrupted_run_keeps_its_results_and_leaves_nothing(tmp_path, scratch, kind, whole_group):
    run, processes = start_run(tmp_path, "--benchmark-max-time=0.2", "--benchmark-min-rounds=6000")
    (os.killpg if whole_group else os.kill)(run.pid, getattr(signal, kind))
    output, _ = run.communicate(timeout=60)
    assert run.returncode == pytest.ExitCode.INTERRUPTED, output
    assert none_alive(processes)
    assert list(scratch.iterdir()) == []
    saved = json.loads((tmp_path / "out.json").read_text())
    assert [benchmark["params"]["platform"] for benchmark in saved["benchmarks"]] == ["server-cpu"], output
    assert saved["exit_status"] == pytest.ExitCode.INTERRUPTED
    assert "never retrieved" not in output


def test_a_killed_run_leaves_no_process(tmp_path, scratch):
    run, processes = start_run(tmp_path, "--benchmark-min-rounds=6000", "--platform=chromium-wasm")
    run.kill()
    output, _ = run.communicate(timeout=60)
    assert run.returncode == -signal.SIGKILL, output
    assert none_alive(processes)


def test_a_driver_that_was_stopped_and_all_it_started_are_ended(case, scratch, monkeypatch):
    monkeypatch.setattr(page_module, "CLOSING", 0.5)
    before = descendants(os.getpid())
    with pytest.raises(PlatformError, match="no answer within 3 s"), WASM.open(case, Settings(timeout=3)) as session:
        processes = descendants(os.getpid()).keys() - before.keys()
        (driver,) = [child.pid for child in psutil.Process().children() if child.pid in processes]
        os.kill(driver, signal.SIGSTOP)
        session.run(seeded_feeds(case.model_file, 1))
    assert len(processes) > 3
    assert none_alive(processes)
    assert list(scratch.iterdir()) == []


def test_the_browser_of_a_killed_run_is_ended_by_the_next(tmp_path, scratch):
    """The driver would end it, and cannot where it was stopped."""
    run, started = start_run(tmp_path, "--benchmark-min-rounds=6000", "--platform=chromium-wasm")
    (driver,) = [pid for pid, line in started.items() if "run-driver" in line]
    os.kill(driver, signal.SIGSTOP)
    run.kill()
    run.communicate(timeout=60)
    assert command_line(driver)
    left = [*scratch.glob("harness-*")]
    assert left
    assert {*clear_up(scratch)} == {*left}
    assert none_alive(started)
    assert list(scratch.iterdir()) == []


def test_a_session_that_was_closed_leaves_nothing(tiny_model, case, settings, scratch):
    before = descendants(os.getpid())
    with WASM.open(case, settings) as session:
        session.run(seeded_feeds(tiny_model, 1))
        processes = descendants(os.getpid()).keys() - before.keys()
        assert processes
    assert none_alive(processes)
    assert list(scratch.iterdir()) == []


# Processes


@pytest.fixture
def child():
    command, pipes = [sys.executable, "-c", "print(flush=True), input()"], {"stdin": -1, "stdout": -1}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout.readline()  # it has started, and takes no more memory
        yield process
        process.kill()


def test_a_child_is_seen_with_its_memory_and_threads(child):
    assert child.pid in processes.descendants(os.getpid())
    assert processes.descendants(child.pid) == set()
    assert wait_until(lambda: processes.thread_seconds([child.pid])[child.pid, child.pid] > 0)
    assert processes.memory(child.pid, "VmHWM") > 1e6
    assert processes.memory("self", "VmRSS") > 1e6


def test_a_process_that_has_ended_has_nothing_to_tell(child):
    watch = processes.MemoryWatch(child.pid)
    child.kill()
    child.wait()
    assert processes.memory(child.pid, "VmRSS") is None
    assert processes.thread_seconds([child.pid]) == {}
    assert watch.before > 0
    assert watch.peak() is None


def test_a_peak_from_before_is_not_told_where_the_system_keeps_it(child, monkeypatch):
    assert wait_until(lambda: processes.memory(child.pid, "VmRSS"))
    monkeypatch.setattr(processes, "_forget_peak", lambda process: False)
    assert processes.MemoryWatch(child.pid).peak() is None


# Finding and setting up a browser


def fake_browser(folder, name, words, code=0):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{words}'\nexit {code}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A machine without any browser: an empty PATH, cache and Playwright folder."""
    chromium.find.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setitem(chromium.SOURCES, "Playwright", lambda: iter(()))
    yield tmp_path
    chromium.find.cache_clear()


def test_browsers_are_found_in_the_documented_order(nowhere):
    package = nowhere / "cache" / "client-or-server" / f"chromium-{packages.pinned(chromium.PACKAGE)}"
    package.mkdir(parents=True)
    fake_browser(package, "chromium", "Chromium 3.0.0.0")
    assert (chromium.find().source, chromium.find().version) == (chromium.PACKAGE, "3.0.0.0")
    chromium.find.cache_clear()
    fake_browser(nowhere / "bin", "chromium", "Chromium 2.0.0.0 built on Debian")
    assert (chromium.find().source, chromium.find().version) == ("PATH", "2.0.0.0")
    named = fake_browser(nowhere / "named", "mine", "Google Chrome 1.0.0.0")
    assert (chromium.find(named).path, chromium.find(named).version) == (named, "1.0.0.0")


def test_playwrights_own_comes_between_path_and_package(nowhere, monkeypatch):
    own = fake_browser(nowhere / "own", "chrome", "Google Chrome for Testing 4.0.0.0")

    async def path():
        return own

    monkeypatch.setattr(chromium, "_playwright_path", path)
    monkeypatch.setitem(chromium.SOURCES, "Playwright", chromium._from_playwright)
    assert (chromium.find().source, chromium.find().path, chromium.find().version) == ("Playwright", own, "4.0.0.0")
    assert [*chromium.SOURCES] == ["PATH", "Playwright", chromium.PACKAGE]


NEEDS_LIBRARIES = """#!/bin/sh
case "$LD_LIBRARY_PATH" in */al2023/lib) echo Chromium 5.0.0.0; exit;; esac
echo libnss3.so is missing >&2
exit 127
"""


@pytest.mark.parametrize("named", [None, "/drivers:/more"])
def test_the_packages_own_libraries_are_used_where_the_systems_are_missing(named, nowhere, monkeypatch):
    """Behind those that somebody has named: a GPU's driver may lie there."""
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    if named:
        monkeypatch.setenv("LD_LIBRARY_PATH", named)
    folder = chromium.unpacked_folder()
    folder.mkdir(parents=True)
    (folder / "chromium").write_text(NEEDS_LIBRARIES)
    (folder / "chromium").chmod(0o755)
    path = [*([named] if named else []), str(folder / "al2023" / "lib")]
    assert chromium.find().environment == {"LD_LIBRARY_PATH": ":".join(path)}


def test_a_browser_that_does_not_start_is_passed_over(nowhere):
    fake_browser(nowhere / "bin", "google-chrome", "error while loading shared libraries", code=127)
    fake_browser(nowhere / "bin", "chromium", "Chromium 2.0.0.0")
    assert chromium.find().path.name == "chromium"


def test_no_browser_says_what_was_tried_and_what_to_run(nowhere):
    fake_browser(nowhere / "bin", "google-chrome", "missing libnss3.so", code=127)
    with pytest.raises(chromium.BrowserMissingError) as caught:
        chromium.find()
    words = str(caught.value)
    for part in ("missing libnss3.so", "PATH", "Playwright", chromium.PACKAGE, packages.SET_UP, "--browser-path"):
        assert part in words


def test_missing_packages_say_what_to_run(monkeypatch, tmp_path, settings):
    monkeypatch.setattr(packages, "NODE_MODULES", tmp_path)
    reason = WASM.unavailable(settings)
    assert "onnxruntime-web is not installed" in reason
    assert packages.SET_UP in reason


def test_the_sandbox_is_off_for_root_alone_and_the_web_security_on(page):
    (renderer,) = page.processes()["renderer"]  # beside this page's browser others may be lent
    above = [command_line(process.pid) for process in psutil.Process(renderer).parents()]
    (command,) = [line for line in above if "--remote-debugging" in line and "--type=" not in line]
    assert ("--no-sandbox" in command) == (os.geteuid() == 0)
    assert "--single-process" not in command
    assert "--disable-web-security" not in command
