"""Browsers that are started at a link are found where they are usual, and what is missing is said in a line."""

import os
import sys

import pytest

from browser_harness.joined import found
from browser_harness.joined.found import BrowserMissingError, find, missing


@pytest.fixture
def program(tmp_path):
    """Return a program of some name that answers to --version with *words*."""

    def program(name, words="Mozilla Firefox 153.8.0esr", status=0):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\necho '{words}'\nexit {status}\n")
        path.chmod(0o755)
        return path

    return program


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine without any browser."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(found, "ON_MACOS", (str(tmp_path / "Firefox.app/firefox"),))
    monkeypatch.setattr(found, "MINI_BROWSERS", (str(tmp_path / "lib*/MiniBrowser"),))
    for name in ("DISPLAY", *found.ON_WINDOWS):
        monkeypatch.delenv(name, raising=False)
    find.cache_clear()
    yield tmp_path
    find.cache_clear()


def test_firefox_is_found_on_path_and_tells_its_version(program, bare):
    path = program("bin/firefox-esr")
    assert find("firefox") == found.Found(path, "153.8.0esr")
    assert missing("firefox") is None


def test_firefox_is_found_where_macos_and_windows_keep_it(program, bare, monkeypatch):
    of_macos, of_windows = program("Firefox.app/firefox"), program("Programs/Mozilla Firefox/firefox.exe")
    monkeypatch.setenv("PROGRAMFILES", str(bare / "Programs"))
    assert find("firefox").path == of_windows
    monkeypatch.setattr(sys, "platform", "darwin")
    find.cache_clear()
    assert find("firefox").path == of_macos


def test_a_named_program_is_the_only_candidate(program, bare):
    program("bin/firefox")
    named = program("elsewhere/firefox", "Mozilla Firefox 99.0")
    assert find("firefox", named).version == "99.0"
    assert "nowhere/firefox does not start (No such file or directory)" in missing("firefox", bare / "nowhere/firefox")


@pytest.mark.parametrize(
    ("words", "status", "fault"),
    [
        ("NetSurf 3.11", 0, r"firefox --version says 'NetSurf 3\.11': it is no Firefox; install Firefox"),
        ("no such library", 1, r"firefox tells no version \(no such library\)"),
        ("", 0, r"firefox tells no version \(no words\)"),
    ],
)
def test_what_is_no_firefox_is_told(program, bare, words, status, fault):
    with pytest.raises(BrowserMissingError, match=fault):
        find("firefox", program("firefox", words, status))


def test_what_is_missing_is_said_with_the_remedy(bare):
    assert missing("firefox").startswith(
        "no firefox-esr nor firefox on PATH, nor where it is usual; install Firefox (D"
    )
    assert missing("webkit").endswith("MiniBrowser; install it (Debian: apt install webkit2gtk-driver xvfb)")


def test_webkit_is_asked_for_its_librarys_version(bare, monkeypatch, program):
    browser = bare / "lib64/MiniBrowser"
    browser.parent.mkdir()
    browser.write_bytes(b"\x7fELF\0libm.so.6\0libwebkit2gtk-4.1.so.0\0")
    assert missing("webkit") == f"{browser} needs a display, and there is no Xvfb; {found.INSTALL_WEBKIT}"
    monkeypatch.setenv("DISPLAY", ":7")
    find.cache_clear()
    monkeypatch.setattr(found, "ASK_LIBRARY", "import sys; print(sys.argv[1], 2.50)")
    assert find("webkit") == found.Found(browser, "libwebkit2gtk-4.1.so.0 2.5")


@pytest.mark.parametrize("name", ["MiniBrowser", "nowhere/MiniBrowser"])
def test_what_is_no_mini_browser_is_told(bare, name):
    (bare / "MiniBrowser").write_text("#!/bin/sh\n")
    named = bare / name
    assert missing("webkit", named) == f"{named} is no MiniBrowser of WebKitGTK; {found.INSTALL_WEBKIT}"


def test_this_machines_library_tells_a_version():
    find.cache_clear()
    if reason := missing("webkit"):
        pytest.skip(reason)
    assert [*map(str.isdecimal, find("webkit").version.split("."))] == [True] * 3
    assert os.access(find("webkit").path, os.X_OK)
