"""What was measured, as tables and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tabulate import tabulate

from benchmarks.figures.shipping.sizes import Sizes, in_json, total
from benchmarks.measuring.starts import Figure

# What the platforms' runtimes are called.
NAMES = {
    "chromium-wasm": "onnxruntime-web, WebAssembly",
    "chromium-webnn": "onnxruntime-web, WebNN or WebGPU",
    "chromium-tfjs": "TensorFlow.js",
    "chromium-litert": "LiteRT.js",
}


@dataclass(frozen=True)
class Custom:
    """A smaller build that answered as the reference does."""

    name: str
    lacks: str
    files: Mapping[str, Sizes]
    parity: float  # the largest difference from the reference, of its largest output
    times: Figure  # of an inference, in times of the whole runtime's


@dataclass(frozen=True)
class Shipped:
    """A runtime: the files that a page needs of it by name, and smaller builds of it."""

    platform: str
    version: str
    files: Mapping[str, Sizes]
    builds: Sequence[Custom] = field(default=())

    @property
    def smallest(self) -> Custom | None:
        """The build with the fewest wire bytes; None where there is none."""
        return min(self.builds, key=lambda build: total(build.files.values()).wire, default=None)


def file_lines(files: Mapping[str, Sizes]) -> list[str]:
    """Return a line for each file."""
    return [f"  {name:72} {sizes.decoded:>12,} {sizes.gzip:>12,} {sizes.wire:>12,}" for name, sizes in files.items()]


HEAD = ("runtime", "files", "decoded", "gzip", "brotli", "custom brotli", "saving")


def table(shipped: Sequence[Shipped]) -> str:
    """Return a line for each runtime, in bytes; the saving is of the wire bytes, by the smallest build."""
    return tabulate(
        [row(runtime) for runtime in shipped], HEAD, disable_numparse=True, colalign=("left", *["right"] * 6)
    )


def row(runtime: Shipped) -> list[str]:
    """Return its cells."""
    whole = total(runtime.files.values())
    cells = [NAMES[runtime.platform], f"{len(runtime.files)}", *(f"{size:,}" for size in _three(whole))]
    if runtime.smallest is None:
        return [*cells, "–", "–"]
    least = total(runtime.smallest.files.values())
    return [*cells, f"{least.wire:,}", f"{least.saving_over(whole):.0%}"]


def build_line(runtime: Shipped, build: Custom) -> str:
    """Say of a build what it saves, what it lacks and whether it is as fast."""
    whole, least = total(runtime.files.values()), total(build.files.values())
    saved = f"{whole.wire:,} → {least.wire:,} wire bytes ({least.saving_over(whole):.0%} less)"
    times = f"{build.times.value:.2f}"
    if build.times.low is not None:
        times += f" ({build.times.low:.2f} to {build.times.high:.2f})"
    words = f"{NAMES[runtime.platform]}, {build.name}: {saved}; lacks {build.lacks}; the same answers within "
    return f"{words}{build.parity:.0e}; an inference takes {times} times as long"


def document(model: str, shipped: Sequence[Shipped], not_built: Mapping[str, str]) -> dict[str, Any]:
    """Return the same for ``--json``."""
    return {
        "model": model,
        "runtimes": {runtime.platform: _runtime(runtime) for runtime in shipped},
        "not_built": dict(not_built),
    }


def _runtime(runtime: Shipped) -> dict[str, Any]:
    builds = {build.name: _build(build) for build in runtime.builds}
    return {"version": runtime.version, **in_json(runtime.files), "builds": builds}


def _build(build: Custom) -> dict[str, Any]:
    told = {"lacks": build.lacks, "parity": build.parity, "times_as_long": build.times.to_json()}
    return {**in_json(build.files), **told}


def _three(sizes: Sizes) -> tuple[int, int, int]:
    return sizes.decoded, sizes.gzip, sizes.wire
