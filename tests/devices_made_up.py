"""Devices that nobody holds: what they say of themselves, and whether they are here, is what a test says."""

from types import SimpleNamespace

FIREFOX = {
    "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
    "brands": None,
    "hints": None,
    "engine": "firefox",
    "version": "153.0",
    "cores": 2,
    "memory": None,
    "isolated": False,
    "secure": False,
    "clockStep": 1.0,
    "adapter": None,
    "address": "192.168.0.7",
    "transport": "http",
}
PIXEL = {
    "userAgent": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML) Chrome/153.0.0.0 Mobile Safari/537.36",
    "hints": {"model": "Pixel 8", "platform": "Android", "platformVersion": "14.0.0", "architecture": ""},
    "engine": "chromium",
    "version": "153.0.0.0",
    "cores": 8,
    "memory": 8,
    "isolated": True,
    "secure": True,
    "clockStep": 0.005,
    "adapter": {"vendor": "qualcomm", "architecture": "adreno-7xx", "isFallback": False},
    "address": "192.168.0.8",
    "transport": "https",
}


class MadeUpDevice:
    """As much of a device as the command asks for."""

    def __init__(self, about=FIREFOX, state="here", number=1):
        self.said, self.number, self.dismissed = about, number, None
        self.presence = SimpleNamespace(state=state, on_change=lambda: None)
        self.told = {"left": 0, "hidden": 0, "seconds_missed": 0.0, "calls_cut": 0}
        self.shown = []
        self.waits = []  # for how long it was waited

    def about(self):
        return dict(self.said)

    def story(self):
        return dict(self.told)

    def wait(self, seconds):
        self.waits.append(seconds)
        return self.presence.state == "here"

    def show(self, told):
        self.shown.append(told)

    def release(self):
        pass

    def close(self, timeout):
        pass
