"""Where this machine has browsers that are started at a link: Firefox, WebKit's MiniBrowser, Chromium."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from browser_harness import chromium

Engine = Literal["chromium", "firefox", "webkit"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
ANSWERING = 30.0  # seconds in which a program tells its version
FIREFOXES = ("firefox-esr", "firefox")
ON_MACOS = ("/Applications/Firefox.app/Contents/MacOS/firefox", "~/Applications/Firefox.app/Contents/MacOS/firefox")
ON_WINDOWS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")  # variables with the folders of programs
INSTALL_FIREFOX = "install Firefox (Debian: apt install firefox-esr)"
MINI_BROWSERS = tuple(
    f"{folder}/{library}/MiniBrowser"
    for folder in ("/usr/lib/*", "/usr/libexec", "/usr/lib")
    for library in ("webkitgtk-6.*", "webkit2gtk-4.*")
)
XVFB = "Xvfb"  # a display in memory
INSTALL_WEBKIT = "install it (Debian: apt install webkit2gtk-driver xvfb)"
# MiniBrowser tells no version, and wants a display before it tells anything. The library that it names is asked, in a
# process of its own: it is large.
LIBRARY = re.compile(rb"libwebkit2?gtk-[\d.]+\.so\.\d+")
ASK_LIBRARY = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
print(*(getattr(library, f"webkit_get_{part}_version")() for part in ("major", "minor", "micro")), sep=".")
"""


class BrowserMissingError(Exception):
    """No browser of that engine can be started here; the message says what was looked for."""


@dataclass(frozen=True)
class Found:
    """A browser's program, the version that it tells, and the variables that it needs besides."""

    path: Path
    version: str
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)


@cache
def find(engine: Engine, named: Path | None = None) -> Found:
    """Return the browser of that engine that this machine has, or the *named* one; raises BrowserMissingError."""
    return FINDERS[engine](named)


def missing(engine: Engine, named: Path | None = None) -> str | None:
    """Say why no browser of that engine could be found; None where one was."""
    try:
        find(engine, named)
    except BrowserMissingError as error:
        return str(error)
    return None


def _chromium(named: Path | None) -> Found:
    try:
        found = chromium.find(named)
    except chromium.BrowserMissingError as error:
        raise BrowserMissingError(str(error)) from error
    return Found(found.path, found.version, found.environment)


def _firefox(named: Path | None) -> Found:
    path = named or _first(_firefoxes())
    if path is None:
        raise BrowserMissingError(f"no {' nor '.join(FIREFOXES)} on PATH, nor where it is usual; {INSTALL_FIREFOX}")
    told = _asked([path, "--version"], path)
    if "Firefox" not in told:
        raise BrowserMissingError(f"{path} --version says {told!r}: it is no Firefox; {INSTALL_FIREFOX}")
    return Found(path, told.rpartition(" ")[2])


def _firefoxes() -> Iterator[Path]:
    yield from (Path(path) for name in FIREFOXES if (path := shutil.which(name)))
    if sys.platform == "darwin":
        yield from (Path(name).expanduser() for name in ON_MACOS)
    folders = filter(None, map(os.environ.get, ON_WINDOWS))
    yield from (Path(folder, "Mozilla Firefox", "firefox.exe") for folder in folders)


def _webkit(named: Path | None) -> Found:
    path = named or _first(path for pattern in MINI_BROWSERS for path in sorted(Path("/").glob(pattern[1:])))
    if path is None:
        raise BrowserMissingError(f"no WebKitGTK MiniBrowser at {' nor '.join(MINI_BROWSERS)}; {INSTALL_WEBKIT}")
    library = LIBRARY.search(path.read_bytes()) if path.is_file() else None
    if library is None:
        raise BrowserMissingError(f"{path} is no MiniBrowser of WebKitGTK; {INSTALL_WEBKIT}")
    if not shutil.which(XVFB) and not os.environ.get("DISPLAY"):
        raise BrowserMissingError(f"{path} needs a display, and there is no Xvfb; {INSTALL_WEBKIT}")
    return Found(path, _asked([sys.executable, "-c", ASK_LIBRARY, library[0].decode()], path))


FINDERS: Mapping[Engine, Callable[[Path | None], Found]] = {
    "chromium": _chromium,
    "firefox": _firefox,
    "webkit": _webkit,
}


def _first(candidates: Iterable[Path]) -> Path | None:
    return next((path for path in candidates if path.is_file()), None)


def _asked(command: list[str | Path], path: Path) -> str:
    """Return what a command says of the program at *path*, on its last line; raises BrowserMissingError."""
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=ANSWERING, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BrowserMissingError(f"{path} does not start ({chromium.in_words(error)})") from error
    said = (asked.stdout if asked.returncode == 0 else asked.stderr or asked.stdout).strip().splitlines()
    if asked.returncode or not said:
        raise BrowserMissingError(f"{path} tells no version ({said[-1] if said else 'no words'})")
    return said[-1]
