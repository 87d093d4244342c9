"""Start Playwright's driver, also on a bare system where the Node.js it brings along does not start."""

import os

from playwright.async_api import Playwright, async_playwright

from browser_harness import packages

# Playwright's own switch for the Node.js that runs its driver.
NODE_VARIABLE = "PLAYWRIGHT_NODEJS_PATH"


class DriverError(Exception):
    """Playwright's driver does not start; the message says what to run."""


async def start_playwright() -> Playwright:
    """Start the driver; fall back on another Node.js. Playwright's needs libatomic, which a minimal Linux lacks."""
    try:
        return await async_playwright().start()
    except Exception as error:  # what Playwright raises here has no class of its own
        node = packages.recent_node()
        if node is None or NODE_VARIABLE in os.environ:
            remedy = f"run `{packages.SET_UP}`, or install the system library it misses (such as libatomic1)"
            raise DriverError(f"Playwright's driver does not start ({error}); {remedy}") from error
    os.environ[NODE_VARIABLE] = node
    return await start_playwright()


async def try_start() -> None:
    """Start the driver and stop it; raises DriverError."""
    await (await start_playwright()).stop()
