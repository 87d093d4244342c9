"""Fleets that nobody measured: their rates and what was lost are known."""

from made_up_runs import SERVING, SHA, about

from benchmarks.results.fleet import Counted, Fleet, FleetChunk, FleetDevice, Latency, ServerRate, dump

PARTS = {"fetching": 0.2, "normalising": 0.3, "inferring": 5.0, "sending": 0.1}
SERVER = 950.0  # images a second


def device(number=1, rate=100.0, images=1000, claims=None, **more):
    """Return a device that classified *images* at a *rate*; by its latency it is 5 % faster."""
    seconds, ratio = images / rate, 1000 / rate / 1.05
    told = {
        "about": about() if claims is None else claims,
        "platform": "firefox-wasm",
        "slowdown": 1,
        "chunks": 10,
        "lost": {},
        "counted": Counted(10, images, seconds, {name: value * seconds / 6 for name, value in PARTS.items()}),
        "latency": Latency("median", ratio / 1000, 0.001, ratio, ratio * 0.9, ratio * 1.1, 0.01, 0.001, 3),
    }
    return FleetDevice(number=number, images=images, **{**told, **more})


def chunks(number, until, images=1000, parts=10):
    """Return the chunks of a device that was busy *until* then."""
    each, length = images // parts, until / parts
    return [
        FleetChunk(number, at * each, (at + 1) * each, at * length, (at + 1) * length, "counted") for at in range(parts)
    ]


def fleet(*devices, seconds=10.0, **more):
    """Return a job that was drained by *devices*, whole unless it is told otherwise."""
    images = sum(one.images for one in devices)
    told = {
        "saved": "2026-11-27T15:00:00+00:00",
        "suite": "0123456789ab",
        "machine": SERVING,
        "model": "resnet20",
        "model_sha256": SHA,
        "precision": "float32",
        "batch": 1,
        "images": images,
        "drained": images,
        "right": 700,
        "wanted": 700,
        "wanted_by": "the manifest",
        "allowed": 0,
        "busy": 1.0,
        "servers": [ServerRate(when, 1, images, images / SERVER, images / 1000) for when in ("before", "after")],
        "chunks": [chunk for one in devices for chunk in chunks(one.number, seconds, one.images)],
    }
    return Fleet(seconds=seconds, devices=devices, **{**told, **more})


def save(file, *devices, **more):
    """Save a fleet; return its file."""
    dump(fleet(*devices, **more), file)
    return file


# A device that takes 4.4 ms an image, 4 ms of them by its latency, and a job that it did alone.
DEVICE = FleetDevice(
    number=1,
    about={"engine": "firefox", "version": "153.7"},
    platform="firefox-wasm",
    slowdown=4,
    images=1000,
    chunks=9,
    lost={"hung": 1},
    counted=Counted(9, 1000, 4.4, {"fetching": 0.1, "normalising": 0.1, "inferring": 3.9, "sending": 0.1}),
    latency=Latency("median", 4e-3, 5e-4, 8.0, 7.9, 8.1, 4.1e-3, 5.1e-4, 3),
)
FLEET = fleet(
    DEVICE,
    seconds=5.0,
    right=690,
    wanted=690,
    wanted_by="its manifest row says",
    allowed=2,
    servers=(ServerRate("before", 1, 8000, 4.4, 4.2), ServerRate("before", 2, 16000, 4.4, 8.4)),
    chunks=(FleetChunk(1, 0, 1000, 0.0, 5.0, "counted"),),
)
