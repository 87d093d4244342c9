"""The system that a browser is on, by what it says of itself: a claim, as all of that is."""

import re
from collections.abc import Mapping
from typing import Any

UNKNOWN = "unknown"
# By the user agent, in this order: Android says that it is Linux, and iPhones that they are like Mac OS X.
SYSTEMS = (
    (r"Android(?: (?P<release>[\d.]+))?", "Android"),
    (r"CrOS", "ChromeOS"),  # codespell:ignore
    (r"(?:iPhone|CPU) OS (?P<release>[\d_]+)", "iOS"),
    (r"Windows", "Windows"),
    (r"Mac OS X", "macOS"),
    (r"Linux", "Linux"),
)


def system_of(about: Mapping[str, Any]) -> tuple[str, str]:
    """Return the system that it says it has, and its release: by its hints where it has any, else by its user agent."""
    told = hints(about)
    if told.get("platform"):
        return str(told["platform"]), str(told.get("platformVersion") or UNKNOWN)
    for pattern, name in SYSTEMS:
        if found := re.search(pattern, str(about.get("userAgent"))):
            return name, (found.groupdict().get("release") or UNKNOWN).replace("_", ".")
    return UNKNOWN, UNKNOWN


def hints(about: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return its User-Agent Client Hints; empty where it has none."""
    told = about.get("hints")
    return told if isinstance(told, Mapping) else {}
