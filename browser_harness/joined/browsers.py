"""Browsers of this machine that are started at a link, and that nobody drives: Firefox, WebKit, Chromium."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from browser_harness import chromium
from browser_harness.channel import PageError
from browser_harness.processes import descendants, end
from browser_harness.scratch import Scratch

Engine = Literal["chromium", "firefox", "webkit"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
STARTING = 20.0  # seconds for Xvfb to have its display
FIREFOXES = ("firefox-esr", "firefox")
MINI_BROWSERS = ("/usr/lib/*/webkit2gtk-4.*/MiniBrowser", "/usr/libexec/webkit2gtk-4.*/MiniBrowser")
# Quiet: nothing is fetched, offered or reported but what the link's page asks for.
PREFERENCES: Mapping[str, bool | str] = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}


class BrowserMissingError(Exception):
    """No browser of that engine can be started here; the message says what was looked for."""


@dataclass(frozen=True)
class Found:
    """A browser's program and the version that it tells."""

    path: Path
    version: str


class Started:
    """A browser that runs; what :class:`browser_harness.host.LocalHost` asks for."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def processes(self) -> Mapping[str, Sequence[int]]:
        """Return its processes: which of those below its own compute for a page is not told."""
        return {"browser": [self._process.pid], "renderer": sorted(descendants(self._process.pid))}

    def fault(self) -> str | None:
        """Say that it has ended; None while it runs."""
        status = self._process.poll()
        return None if status is None else f"the browser ended with {status}"


@cache
def find(engine: Engine, named: Path | None = None) -> Found:
    """Return the browser of that engine that this machine has; raises BrowserMissingError."""
    if engine == "chromium":
        try:
            found = chromium.find(named)
        except chromium.BrowserMissingError as error:
            raise BrowserMissingError(str(error)) from error
        return Found(found.path, found.version)
    path = named or (_firefox() if engine == "firefox" else _mini_browser())
    return Found(path, _version(path))


def missing(engine: Engine, named: Path | None = None) -> str | None:
    """Say why no browser of that engine could be found; None where one was."""
    try:
        find(engine, named)
    except BrowserMissingError as error:
        return str(error)
    return None


def _firefox() -> Path:
    for name in FIREFOXES:
        if path := shutil.which(name):
            return Path(path)
    raise BrowserMissingError(
        f"no {' nor '.join(FIREFOXES)} on PATH; install Firefox (Debian: apt install firefox-esr)"
    )


def _mini_browser() -> Path:
    remedy = "(Debian: apt install webkit2gtk-driver xvfb)"
    for pattern in MINI_BROWSERS:
        for path in sorted(Path("/").glob(pattern[1:]), reverse=True):
            if not os.environ.get("DISPLAY") and not shutil.which("Xvfb"):
                raise BrowserMissingError(f"{path} needs a display, and there is no Xvfb; install it {remedy}")
            return path
    raise BrowserMissingError(f"no WebKitGTK MiniBrowser at {' nor '.join(MINI_BROWSERS)}; install it {remedy}")


def _version(path: Path) -> str:
    """Return the version that Firefox tells, or the library's of WebKit's MiniBrowser, which tells none."""
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BrowserMissingError(f"{path} does not start ({error})") from error
    return answer.stdout.strip().rpartition(" ")[2] or path.parent.name


@contextmanager
def started(engine: Engine, url: str, named: Path | None = None, flags: Sequence[str] = ()) -> Iterator[Started]:
    """Start a browser at *url* with an empty profile; it has ended when the context does."""
    with Scratch() as scratch, _display(engine, scratch) as variables:
        command = COMMANDS[engine](find(engine, named).path, scratch.path, url, flags)
        process = _popen(command, {**os.environ, **variables, **_environment(engine, named), **scratch.variables})
        try:
            yield Started(process)
        finally:
            end(scratch.processes())
            process.wait()


def _environment(engine: Engine, named: Path | None) -> Mapping[str, str]:
    return chromium.find(named).environment if engine == "chromium" else {}


def _popen(command: Sequence[str | Path], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    quiet = subprocess.DEVNULL
    try:
        return subprocess.Popen(
            command, env=environment, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
        )
    except OSError as error:
        raise PageError(f"{command[0]} does not start ({error.strerror})") from error


def _of_chromium(path: Path, folder: Path, url: str, flags: Sequence[str]) -> list[str | Path]:
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return [path, "--headless", f"--user-data-dir={folder / 'profile'}", *chromium.FLAGS, *root, *flags, url]


def _of_firefox(path: Path, folder: Path, url: str, flags: Sequence[str]) -> list[str | Path]:
    profile = folder / "profile"
    profile.mkdir()
    lines = [f'user_pref("{name}", {_js(value)});\n' for name, value in PREFERENCES.items()]
    (profile / "user.js").write_text("".join(lines), encoding="utf-8")
    return [path, "--headless", "--no-remote", "--profile", profile, *flags, url]


def _of_webkit(path: Path, folder: Path, url: str, flags: Sequence[str]) -> list[str | Path]:
    return [path, "--private", *flags, url]


def _js(value: bool | str) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"'


Command = Callable[[Path, Path, str, Sequence[str]], list[str | Path]]
COMMANDS: Mapping[Engine, Command] = {"chromium": _of_chromium, "firefox": _of_firefox, "webkit": _of_webkit}


@contextmanager
def _display(engine: Engine, scratch: Scratch) -> Iterator[Mapping[str, str]]:
    """Have a display for a browser that cannot do without: the person's, else one in memory."""
    if engine != "webkit" or os.environ.get("DISPLAY"):
        yield {}
        return
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
    server = subprocess.Popen(
        command, pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    os.close(write)
    try:
        with os.fdopen(read) as number:
            display = number.readline().strip()  # ends with the server, if that cannot start
        if not display:
            raise PageError("Xvfb gave no display; start one and set DISPLAY")
        yield {"DISPLAY": f":{display}"}
    finally:
        server.terminate()
        server.wait()


# In this order: Chromium says that it is Safari, too, and every browser on an iPhone is WebKit whatever it is called.
SAID: Sequence[tuple[Engine, str]] = (
    ("webkit", r"(?:CriOS|FxiOS|EdgiOS)/([\d.]+)"),
    ("firefox", r"Firefox/([\d.]+)"),
    ("chromium", r"Chrome/([\d.]+)"),
    ("webkit", r"AppleWebKit/[\d.]+.*Version/([\d.]+)"),
)


def identified(user_agent: str) -> dict[str, str]:
    """Return the engine and version that a browser says it is of; both "unknown" where it says nothing known."""
    for engine, pattern in SAID:
        if told := re.search(pattern, user_agent):
            return {"engine": engine, "version": told[1]}
    return {"engine": "unknown", "version": "unknown"}
