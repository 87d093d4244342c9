"""The catalogue of platforms: the one place to add one.

A platform is one object behind :class:`benchmarks.protocol.Platform`. Options, parametrisation, machine_info and the
contract tests follow from this table.
"""

from collections.abc import Sequence

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

__all__ = ["DEFAULT_SWEEP", "PLATFORMS", "REFUSED", "local", "usual"]

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
