"""Set the harness up: ``python -m browser_harness``. What is there already is left as it is."""

import argparse
import asyncio
import os
import subprocess
import sys

from browser_harness import chromium, driver, encoding, packages, page_files, served
from browser_harness.channel import PageError


def main() -> None:
    """Make sure of the driver, of a browser, then of the npm packages, and that they lie there as they are sent."""
    argparse.ArgumentParser(prog="browser_harness", description=__doc__).parse_args()
    try:
        ensure_driver()
        browser = ensure_browser()
        ensure_packages()
        ensure_encoded()
    except (packages.SetUpError, driver.DriverError, chromium.BrowserMissingError, PageError) as error:
        sys.exit(f"browser_harness: {error}")
    print(f"browser  Chromium {browser.version} from {browser.source}: {browser.path}")
    for package in packages.runtimes():
        print(f"runtime  {package} {packages.installed(package)}")


def ensure_driver() -> None:
    """Make sure that Playwright starts, with a Node.js from PyPI where its own does not."""
    try:
        asyncio.run(driver.try_start())
    except driver.DriverError:
        packages.install_node()
        asyncio.run(driver.try_start())


def ensure_packages() -> None:
    """Make sure of the packages that pages load from, each served file as it was published."""
    are_current = all(packages.is_current(package) for package in packages.runtimes())
    wrong = [*served.damaged()] if are_current else []
    if are_current and not wrong:
        return
    for words in wrong:
        print(f"installing anew: {words}", flush=True)
    packages.install(optional=packages.is_current(chromium.PACKAGE))
    if wrong := [*served.damaged()]:
        raise packages.SetUpError(f"newly installed, {wrong[0]}, or record it with `{served.RECORDING}`")


def ensure_encoded() -> None:
    """Encode what pages load as it will be sent; models, and modules that a server changes, are at their first use.

    Then what was encoded once and is used no more can go.
    """

    def tell(words: str) -> None:
        print(words, flush=True)

    published = [packages.NODE_MODULES / name for name in served.digests(served.RECORD)]
    encoding.make([*published, *page_files.FILES.values()], tell)
    encoding.prune(tell)


def ensure_browser() -> chromium.Browser:
    """Return a Chromium that starts; download one where the machine has none."""
    try:
        return chromium.find()
    except chromium.BrowserMissingError:
        chromium.find.cache_clear()
    if not playwright_install():
        print(f"no Chromium of Playwright's starts here: using {chromium.PACKAGE} instead", flush=True)
        if not packages.is_current(chromium.PACKAGE):
            packages.install(optional=True)
        chromium.unpack()
    return chromium.find()


def playwright_install() -> bool:
    """Let Playwright download its own Chromium; whether that left one that starts."""
    print("no Chrome or Chromium on PATH: asking Playwright for its own", flush=True)
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    environment = os.environ | driver.node_variable()
    answer = subprocess.run(command, env=environment, stderr=subprocess.DEVNULL, check=False)  # progress is on stdout
    if answer.returncode != 0:
        return False
    try:
        chromium.find()
    except chromium.BrowserMissingError:  # downloaded, but system libraries are missing
        chromium.find.cache_clear()
        return False
    return True


if __name__ == "__main__":
    main()
