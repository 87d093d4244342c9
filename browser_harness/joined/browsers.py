"""Browsers of this machine that are started at a link, and that nobody drives: Firefox, WebKit, Chromium."""

import html
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from browser_harness import chromium, system
from browser_harness.channel import PageError
from browser_harness.joined.display import display
from browser_harness.joined.found import ENGINES, BrowserMissingError, Engine, find, missing
from browser_harness.processes import descendants, end
from browser_harness.scratch import Scratch

__all__ = ["ENGINES", "BrowserMissingError", "Engine", "Started", "find", "identified", "missing", "started"]

# Quiet: nothing is fetched, offered or reported but what the link's page asks for.
PREFERENCES: Mapping[str, bool | str] = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.newtab.preload": False,
    "browser.newtabpage.enabled": False,
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
# By the ends of their names, as Linux keeps 15 characters: JavaScriptCore's "Wasm Worklist Helper Thread" and
# "JITWorker". They go on for thousands of inferences after a page is warm, and compute none.
COMPILING: Mapping[Engine, frozenset[str]] = {"webkit": frozenset({"t Helper Thread", "JITWorker"})}


class Started:
    """A browser that runs; what :class:`browser_harness.host.LocalHost` asks for."""

    def __init__(self, engine: Engine, process: "subprocess.Popen[bytes]", said: Path) -> None:
        self._engine, self._process, self._said = engine, process, said

    @property
    def compiling(self) -> frozenset[str]:
        """The names of those of its threads that compile in the background, and compute no inference."""
        return COMPILING.get(self._engine, frozenset())

    def processes(self) -> Mapping[str, Sequence[int]]:
        """Return its own process, and as ``renderer`` those that compute for pages."""
        return {"browser": [self._process.pid], "renderer": sorted(filter(self._computes, self._below()))}

    def _below(self) -> set[int]:
        return descendants(self._process.pid)

    def _computes(self, process: int) -> bool:
        import psutil  # half a megabyte, which a server's process does not need

        try:
            found = psutil.Process(process)
            return COMPUTES[self._engine](found.name(), found.cmdline())
        except psutil.Error:  # it has ended
            return False

    def fault(self) -> str | None:
        """Say that it has ended, and what it said last; None while it runs."""
        status = self._process.poll()
        if status is None:
            return None
        said = self._said.read_text(errors="replace").strip().splitlines()
        return f"{self._engine} ended with {status}" + (f" ({said[-1][:200]})" if said else "")


def _is_content(name: str, command: Sequence[str]) -> bool:
    """Whether a process of Firefox is for pages of the web: of those of its own, and of extensions, it has others."""
    return command[-1:] == ["tab"] and not name.startswith(("Privileged", "WebExtensions"))


COMPUTES: Mapping[Engine, Callable[[str, Sequence[str]], bool]] = {
    "chromium": lambda _, command: "--type=renderer" in command,
    "firefox": _is_content,
    "webkit": lambda name, _: name.startswith("WebKitWebProc"),
}


@contextmanager
def started(engine: Engine, url: str, named: Path | None = None, flags: Sequence[str] = ()) -> Iterator[Started]:
    """Start a browser at *url* with an empty profile; it has ended when the context does.

    Raises BrowserMissingError, and PageError where it does not start.
    """
    found = find(engine, named)
    with ExitStack() as stack:
        scratch = stack.enter_context(Scratch())
        needed = dict(stack.enter_context(display(scratch.variables))) if engine == "webkit" else {}
        variables = {**os.environ, **needed, **found.environment, **_home(engine, scratch.path), **scratch.variables}
        said = scratch.path / "said"
        command = COMMANDS[engine](found.path, scratch.path, _leading_to(url, scratch.path), flags)
        process = _popen(command, variables, said)
        try:
            yield Started(engine, process, said)
        finally:
            end(scratch.processes())
            process.wait()


def _leading_to(url: str, folder: Path) -> str:
    """Return the address of a page that leads to *url*.

    Everybody on this machine may read what a program is called with, and whoever has a link may join.
    """
    page, refresh = folder / "link.html", f'<meta http-equiv="refresh" content="0;url={html.escape(url)}">'
    page.write_text(f"<!doctype html>\n{refresh}\n", encoding="utf-8")
    return page.as_uri()


def _home(engine: Engine, folder: Path) -> Mapping[str, str]:
    """Return the variables by which what a browser keeps for its person, such as caches, goes with the profile."""
    if engine == "chromium" or sys.platform != "linux":
        return {}
    kept = {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
    return {"HOME": str(folder), "NO_AT_BRIDGE": "1", **kept}


def _popen(command: Sequence[str | Path], environment: Mapping[str, str], said: Path) -> "subprocess.Popen[bytes]":
    with said.open("wb") as words:
        try:
            return subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=words, stderr=words, start_new_session=True
            )
        except OSError as error:
            raise PageError(f"{command[0]} does not start ({error.strerror})") from error


def _of_chromium(path: Path, folder: Path, url: str, flags: Sequence[str]) -> list[str | Path]:
    root = ["--no-sandbox"] if system.is_root() else []
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
