"""A model open in the page of a device that joined: it classifies a chunk in one call."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.fleet.book import Chunk
from benchmarks.fleet.job import Job
from benchmarks.inputs import case_of
from benchmarks.platforms import PLATFORMS
from benchmarks.platforms.page import PagePlatform
from benchmarks.platforms.page_runtime import JoinedCase
from benchmarks.platforms.page_session import DrivenSession
from benchmarks.protocol import UnavailableError
from benchmarks.settings import Settings
from browser_harness.host import Host
from browser_harness.joined import AnyDevice, HiddenError, JoinedPage

PIXELS, ANSWERS = "/chunk/pixels.bin", "/chunk/answers.bin"
PARTS = ("fetching", "normalising", "answering", "sending", "inferring")  # the last one is in "answering"
LEEWAY = 0.1  # seconds by which two clocks' rounding may make a page's parts longer than the whole


@dataclass(frozen=True)
class Sent:
    """What a page sent for a chunk. Times in seconds."""

    content: bytes | None  # the logits; None where they have not come
    seconds: float  # from asking until it was there, by this machine's clock
    parts: Mapping[str, float]  # of it, by the page's; none where it tells none that can be true
    is_hidden: bool = False  # at some time


class ChunkSession(DrivenSession):
    """A case open in a page of a device; whoever asks waits for one that is away."""

    _channel: JoinedPage

    def send_for(self, job: Job, chunk: Chunk, timeout: float) -> Sent:
        """Have the page classify a chunk; what it sends is not looked at yet.

        Raises AwayError where the device went away, or was hidden before it began, PageError where the page broke or
        has not answered.
        """
        device = self._channel.device
        device.publish(PIXELS, job.pixels(chunk.start, chunk.stop))
        device.await_bytes(ANSWERS, job.length(chunk.images))
        began = time.monotonic()
        try:
            told = device.call("classify", _asked(job), timeout)
        except HiddenError:
            content = device.take_bytes(ANSWERS)
            if content is None:  # it was not even begun
                raise
            return Sent(content, time.monotonic() - began, {}, is_hidden=True)
        seconds = time.monotonic() - began
        return Sent(device.take_bytes(ANSWERS), seconds, _parts(told, seconds))


def _asked(job: Job) -> dict[str, Any]:
    images = job.images
    shape, mean, std = images.pixels.shape[1:], [*images.mean], [*images.std]
    return {"pixels": PIXELS, "url": ANSWERS, "shape": [*shape], "size": job.batch, "mean": mean, "std": std}


def _parts(told: Any, seconds: float) -> dict[str, float]:
    """Return the seconds of each part, where these are numbers that the whole has room for; else nothing."""
    try:
        parts = {name: float(told[name]) / 1e3 for name in PARTS}
    except (TypeError, KeyError, ValueError, OverflowError):
        return {}
    whole = sum(parts.values()) - parts["inferring"]
    is_true = all(math.isfinite(part) and part >= 0 for part in parts.values())
    fits = whole <= seconds + LEEWAY and parts["inferring"] <= parts["answering"] + LEEWAY
    return parts if is_true and fits else {}


def platform_of(device: AnyDevice, runtime: str) -> PagePlatform:
    """Return the platform by which a device is asked; raise UnavailableError where there is none."""
    engine = device.about()["engine"]
    platform = PLATFORMS.get(f"{engine}-{runtime}")
    if not isinstance(platform, PagePlatform):
        raise UnavailableError(f"its browser's engine is {engine}, for which there is no platform {engine}-{runtime}")
    if words := platform.missing():
        raise UnavailableError(words)
    return platform


def session_of(device: AnyDevice, platform: PagePlatform, job: Job, host: Host, settings: Settings) -> ChunkSession:
    """Return the job's case in a page of a device, which is not open yet."""
    case = JoinedCase(platform, case_of(job.artefact, job.batch, slowdown=host.slowdown), settings)
    page = JoinedPage(device, case.files, platform.script_sources, platform.imports, settings.timeout)
    return ChunkSession(case, page, host)
