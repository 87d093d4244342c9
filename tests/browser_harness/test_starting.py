"""What a browser needs and is not given is told before it is started, and what it says when it dies in a line."""

import resource
import shutil
from types import SimpleNamespace

import pytest

from browser_harness import chromium, unwatched
from browser_harness import page as page_module
from browser_harness.channel import PageError
from browser_harness.faults import FILES, SANDBOX, UNCAUGHT, apart, lacking
from browser_harness.page import open_browser, without_log
from browser_harness.unwatched import open_unwatched


@pytest.fixture(params=[open_browser, open_unwatched])
def start(request, monkeypatch):
    """Start a browser, in words that tell why not."""
    monkeypatch.setattr(page_module, "start_playwright", lambda variables: pytest.fail("it was started"))
    monkeypatch.setattr(unwatched, "start", lambda *words: pytest.fail("it was started"))

    def start():
        with pytest.raises(PageError) as caught, request.param(chromium.Browser("chromium", "PATH", "1"), 1):
            pytest.fail("it was started")
        return str(caught.value)

    return start


def test_a_small_folder_for_temporary_files_is_told(start, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1_048_576))
    assert start() == (
        f"starting the browser: the folder for temporary files, {tmp_path}, has 1.0 MB free, "
        "and a browser needs 64 MB; free some, or name another folder with TMPDIR"
    )
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("most", [64, FILES - 1])
def test_too_few_open_files_are_told(start, monkeypatch, most):
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (most, most))
    words = f"no more than {most} files may be open at once, and a browser needs {FILES}; raise `ulimit -n`"
    assert start() == f"starting the browser: {words}"


@pytest.mark.parametrize("limits", [(64, 4096), (64, resource.RLIM_INFINITY)])
def test_a_limit_that_the_browser_can_raise_is_none(monkeypatch, limits, tmp_path):
    monkeypatch.setattr(resource, "getrlimit", lambda kind: limits)
    assert lacking(tmp_path) is None


def test_what_a_browser_said_last_is_told_in_a_line():
    logs = "\nBrowser logs:\n\n<launching> chromium --a\n[pid=1][err] WARNING\n[pid=1][err] FATAL: Too many open files"
    message = f"BrowserType.launch: it has been closed{logs}\nCall log:\n  - [pid=1][err] FATAL\n  - <kill>"
    assert without_log(message) == "BrowserType.launch: it has been closed; FATAL: Too many open files"
    assert without_log("Page.goto: net::ERR_FAILED\nCall log:\n  - navigating") == "Page.goto: net::ERR_FAILED"
    assert without_log("Error: wrong\n    at harness.mjs:1:1") == "Error: wrong\n    at harness.mjs:1:1"
    assert without_log(f"{message} No usable sandbox!") == SANDBOX


@pytest.mark.parametrize(
    ("message", "words", "stack"),
    [
        (
            "Page.evaluate: Error: wrong\n    at a.mjs:1:1\n    at b",
            "wrong",
            "    at a.mjs:1:1\n    at b",
        ),
        ("Page.evaluate: TypeError: x is\nnull\n    at a", "TypeError: x is null", "    at a"),
        ("Page.evaluate: Target crashed", "Target crashed", ""),
        ("Page.evaluate: 20464", "an exception of the runtime's WebAssembly, which does not say what of (20464)", ""),
    ],
)
def test_an_error_in_the_page_is_told_in_a_line_apart_from_its_stack(message, words, stack):
    assert apart(message) == (words, stack)


def test_what_a_call_raised_is_not_told_again_as_uncaught():
    page = page_module.Page(chromium.Browser("chromium", "PATH", "1"), 1)
    for words in ("the page crashed", f"{UNCAUGHT}out of memory", f"{UNCAUGHT}another"):
        page.note(words)
    assert str(page._fault("time", "out of memory")) == f"time: out of memory; the page crashed; {UNCAUGHT}another"
