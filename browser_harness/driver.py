"""Start Playwright's driver, also on a bare system where the Node.js it brings along does not start."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from browser_harness import packages

if TYPE_CHECKING:
    from playwright.async_api import Playwright

# Playwright's own switch for the Node.js that runs its driver.
NODE_VARIABLE = "PLAYWRIGHT_NODEJS_PATH"


class DriverError(Exception):
    """Playwright's driver does not start; the message says what to run."""


def node_variable() -> dict[str, str]:
    """Choose the Node.js of PyPI's wheel where the set-up had to install that.

    Playwright's own needs libatomic, which a minimal Linux lacks. A choice that was made outside stands.
    """
    node = None if NODE_VARIABLE in os.environ else packages.wheel_node()
    return {NODE_VARIABLE: str(node)} if node else {}


async def start_playwright(variables: Mapping[str, str] | None = None) -> "Playwright":
    """Start the driver, with *variables* in its environment, which it takes from this process when it starts.

    Raises DriverError where it does not start.
    """
    from playwright.async_api import async_playwright  # tens of megabytes, which a server's process does not need

    wanted = {**node_variable(), **(variables or {})}
    before = dict(os.environ)
    os.environ.update(wanted)
    try:
        return await async_playwright().start()
    except Exception as error:  # what Playwright raises here has no class of its own
        raise DriverError(f"Playwright's driver does not start ({error}); run `{packages.SET_UP}`") from error
    finally:
        for name in wanted:
            os.environ.pop(name)
        os.environ.update({name: before[name] for name in wanted if name in before})


async def try_start() -> None:
    """Start the driver and stop it; raises DriverError."""
    await (await start_playwright()).stop()
