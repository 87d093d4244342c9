"""The catalogue of platforms: the one place to add one.

A platform is one object behind :class:`benchmarks.protocol.Platform`. Options, parametrisation, machine_info and the
contract tests follow from this table.
"""

from benchmarks.platforms.chromium import ChromiumWasm
from benchmarks.platforms.server import ServerCpu
from benchmarks.protocol import Platform

PLATFORMS: dict[str, Platform] = {platform.name: platform for platform in (ServerCpu(), ChromiumWasm())}
