"""The catalogue's platforms in Firefox and WebKit: what computes on the processor, and so in every browser."""

from itertools import product

from benchmarks.platforms.litert_js import ChromiumLitert
from benchmarks.platforms.onnxruntime_web import ChromiumWasm
from benchmarks.platforms.page import PagePlatform
from benchmarks.platforms.tensorflow_js import ChromiumTfjs
from browser_harness.joined.browsers import Engine

BROWSERS: tuple[Engine, ...] = ("firefox", "webkit")
IN_CHROMIUM: tuple[PagePlatform, ...] = (ChromiumWasm(), ChromiumTfjs(), ChromiumLitert())

OTHER_BROWSERS = tuple(platform.within(browser) for browser, platform in product(BROWSERS, IN_CHROMIUM))
