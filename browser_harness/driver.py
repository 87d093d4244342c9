"""Start Playwright's driver, also on a bare system where the Node.js it brings along does not start."""

import os

from playwright.async_api import Playwright, async_playwright

from browser_harness import packages

# Playwright's own switch for the Node.js that runs its driver.
NODE_VARIABLE = "PLAYWRIGHT_NODEJS_PATH"


class DriverError(Exception):
    """Playwright's driver does not start; the message says what to run."""


async def start_playwright() -> Playwright:
    """Start the driver, on the Node.js of PyPI's wheel where the set-up had to install that.

    Playwright's own Node.js needs libatomic, which a minimal Linux lacks.
    """
    if node := packages.wheel_node():
        os.environ.setdefault(NODE_VARIABLE, str(node))
    try:
        return await async_playwright().start()
    except Exception as error:  # what Playwright raises here has no class of its own
        raise DriverError(f"Playwright's driver does not start ({error}); run `{packages.SET_UP}`") from error


async def try_start() -> None:
    """Start the driver and stop it; raises DriverError."""
    await (await start_playwright()).stop()
