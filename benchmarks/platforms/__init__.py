"""The catalogue of platforms: the one place to add one.

A platform is one object behind :class:`benchmarks.protocol.Platform`. Options, parametrisation, machine_info and the
contract tests follow from this table.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.platforms.chromium import CHROMIUM_PLATFORMS, REFUSED
from benchmarks.platforms.cuda import ServerCuda
from benchmarks.platforms.litert import ServerLiteRt
from benchmarks.platforms.openvino import ServerOpenVino
from benchmarks.platforms.other_browsers import OTHER_BROWSERS
from benchmarks.platforms.pytorch import ServerTorch, ServerTorchCompiled
from benchmarks.platforms.remote import REMOTE_PLATFORMS
from benchmarks.platforms.server import ServerCpu
from benchmarks.platforms.webgpu import ServerWebGpu
from benchmarks.protocol import Platform

__all__ = ["DEFAULT_SWEEP", "PLATFORMS", "REFUSED", "in_browser", "local", "of_device", "usual"]

CATALOGUE: tuple[Platform, ...] = (
    ServerCpu(),
    ServerOpenVino(),
    ServerLiteRt(),
    ServerTorch(),
    ServerTorchCompiled(),
    ServerCuda(),
    ServerCuda("server-cuda-tf32", tf32=True),
    ServerWebGpu(),
    *CHROMIUM_PLATFORMS,
    *OTHER_BROWSERS,
    *REMOTE_PLATFORMS,
)
PLATFORMS: dict[str, Platform] = {platform.name: platform for platform in CATALOGUE}


def local() -> list[str]:
    """Return the platforms whose model is open in a process or page of the suite: not servers that a page asks."""
    return [name for name, platform in PLATFORMS.items() if platform.side != "remote"]


# What is measured unless something else is asked for: the study's server, and every way a browser can run the model.
DEFAULT_SWEEP = ("server-cpu", "chromium-wasm", "chromium-tfjs", "chromium-litert", "chromium-webnn")


def usual(browsers: Sequence[str] = ()) -> list[str]:
    """Return what is measured unless something else is asked for, its clients in *browsers*, where some are named."""
    if not browsers:
        return [*DEFAULT_SWEEP]
    servers = [name for name in DEFAULT_SWEEP if PLATFORMS[name].side == "server"]
    clients = [
        name.replace("chromium", browser) for browser in browsers for name in DEFAULT_SWEEP if name not in servers
    ]
    return [*servers, *(name for name in clients if name in PLATFORMS)]


# What every browser can run the model with; what needs more is measured where a device says that it has that.
EVERYWHERE = ("wasm", "tfjs", "litert")


def in_browser(engine: str) -> list[str]:
    """Return the platforms that compute in a page of such a browser."""
    clients = ((name, platform) for name, platform in PLATFORMS.items() if platform.side == "client")
    return [name for name, platform in clients if getattr(platform, "browser", None) == engine]


def of_device(about: Mapping[str, Any]) -> list[str]:
    """Return what is measured on a device unless something else is asked for; *about* is what it says of itself."""
    engine, adapter = str(about.get("engine")), about.get("adapter")
    endings = [*EVERYWHERE, *(["webgpu"] if adapter and not adapter.get("isFallback") else [])]
    return [name for name in in_browser(engine) if name in {f"{engine}-{ending}" for ending in endings}]
