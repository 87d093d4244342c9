"""What a device says of itself as it joins: claims, of which nothing is known but that they are what they look like."""

from typing import Any

from browser_harness.joined.browsers import identified
from browser_harness.joined.untrusted import Fields

HINTS = ("model", "platform", "platformVersion", "architecture")  # of User-Agent Client Hints
ADAPTER = ("vendor", "architecture", "device", "description")  # of WebGPU's GPUAdapterInfo
MOST_BRANDS = 10
LONGEST = 500  # characters of a user agent


def claims(told: Any) -> dict[str, Any]:
    """Return what is known of such claims, and engine and version by them; None is unknown. Raises BreachError."""
    device = Fields(told, "about the device")
    agent = device.text("userAgent", LONGEST)
    return {
        **identified(agent),
        "userAgent": agent,
        "brands": device.unless_null(lambda name: [*map(_brand, device.each(name, MOST_BRANDS))], "brands"),
        "hints": device.unless_null(lambda name: _texts(device.fields(name), *HINTS), "hints"),
        "cores": device.unless_null(device.whole, "cores", 1, 4096),
        "memory": device.unless_null(device.number, "memory", 0.0, 2.0**20),  # GB
        "isolated": device.unless_null(device.flag, "isolated"),
        "secure": device.unless_null(device.flag, "secure"),
        "clockStep": device.unless_null(device.number, "clockStep", 0.0, 1e4),  # ms
        "connection": device.unless_null(device.text, "connection", 50),
        "adapter": device.unless_null(lambda name: _adapter(device.fields(name)), "adapter"),
    }


def _brand(told: Fields) -> dict[str, str | None]:
    return _texts(told, "brand", "version")


def _adapter(told: Fields) -> dict[str, str | bool | None]:
    return {**_texts(told, *ADAPTER), "isFallback": told.unless_null(told.flag, "isFallback")}


def _texts(told: Fields, *names: str) -> dict[str, str | None]:
    return {name: told.unless_null(told.text, name) for name in names}
