"""What there is to choose among: targets, phases, and the values of the command line's options."""

import argparse
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks import hardware
from benchmarks.inputs.given import Given, parse
from benchmarks.measuring.reference import PRECISIONS
from benchmarks.platforms import PLATFORMS, REFUSED
from benchmarks.protocol import Where
from browser_harness import network as networks
from browser_harness.joined.found import ENGINES
from browser_harness.network import LOOPBACK, Conditions, of_name
from models import MODELS, NETWORKS
from models.manifest import variant

ALL = "all"
NO_BATCH = "no-batch"  # in the name of a case whose graph has none
CATALOGUE = [*MODELS, *NETWORKS]  # trained, and only timed
NAMES = [variant(name, precision) for precision in PRECISIONS for name in CATALOGUE]
LABEL = re.compile(
    r"(?P<platform>.+?)(-(?P<threads>\d+)t)?(@(?P<where>worker))?(@(?P<slowdown>\d+)x)?(-over-(?P<network>.+))?"
)


@dataclass(frozen=True)
class Target:
    """Where a case runs: on a platform, on so many threads, in a worker, on a weaker client, over a network."""

    platform: str
    threads: int = 1
    slowdown: int = 1  # than this machine
    network: Conditions = LOOPBACK
    where: Where = "main"

    @property
    def label(self) -> str:
        """The name in results: ``chromium-wasm-2t@worker@4x-over-cable``, without what is usual."""
        threads = f"-{self.threads}t" if self.threads > 1 else ""
        where = f"@{self.where}" if self.where != "main" else ""
        slowdown = f"@{self.slowdown}x" if self.slowdown > 1 else ""
        network = f"-over-{self.network.name}" if self.network != LOOPBACK else ""
        return f"{self.platform}{threads}{where}{slowdown}{network}"

    @classmethod
    def of(cls, label: str) -> "Target":
        """Read a label."""
        parts = LABEL.fullmatch(label)
        assert parts is not None
        network = of_name(parts["network"]) if parts["network"] else LOOPBACK
        where: Where = "worker" if parts["where"] else "main"
        return cls(parts["platform"], int(parts["threads"] or 1), int(parts["slowdown"] or 1), network, where)


BASE = Target("server-cpu")  # what every other target is held against


@dataclass(frozen=True)
class Phase:
    """What the benchmarks of a phase are swept over, where the command line does not say otherwise."""

    words: str
    models: int | None = 1  # so many of the chosen, the best first; None: all of them
    batch_sizes: tuple[int, ...] = (1,)
    batch_sizes_in_full: tuple[int, ...] = (1,)
    precisions: tuple[str, ...] = ("float32",)
    every_precision_in_full: bool = False
    classifies: bool = False  # images: what a file of the user's own takes and answers must be such
    needs_device: bool = False  # only platforms with a memory of their own
    needs_server: bool = False  # only platforms that many can ask: a client computes for one person
    needs_threads: bool = False  # only several threads, up to all cores: one is what they are held against
    is_of_this_machine: bool = False  # what it counts is this machine's: nothing that a server elsewhere does
    needs_page: bool = False  # only platforms that compute in one
    loads: bool = False  # files travel, so that a network between page and server is seen
    untold: str = ""  # why a device that joined by a link cannot tell it


NO_CACHES = "nobody can empty or fill the caches of a browser that joined"
NO_PROCESSES = "a browser tells nobody what its processes hold"
NO_COUNTERS = "a browser tells nobody what its device uses"
# By the marker of the module that measures it.
PHASES = {
    "latency": Phase("the steady state", None, (1, 8), (1, 8, 64), every_precision_in_full=True),
    "device": Phase(
        "the steady state without copies from and to the host", None, (1, 8), (1, 8, 64), needs_device=True
    ),
    "scaling": Phase("the steady state on several threads", 1, (8,), (8,), needs_threads=True),
    "throughput": Phase("the throughput under MLPerf LoadGen's load", needs_server=True),
    "blocking": Phase("whether a page freezes while it computes", None, needs_page=True),
    "load": Phase("from asking for the runtime to an open session, each time anew", loads=True, untold=NO_CACHES),
    "first_inference": Phase("the first two inferences of a fresh session", untold=NO_CACHES),
    "memory": Phase("the most memory that process or renderer held", is_of_this_machine=True, untold=NO_PROCESSES),
    "energy": Phase("joules an inference, where the machine counts them", is_of_this_machine=True, untold=NO_COUNTERS),
    # 8 divides the 10,000 test images, and is among the sizes that platforms of fixed shapes have.
    "accuracy": Phase("the whole test set (tox run -e accuracy)", None, (8,), (8,), PRECISIONS, classifies=True),
}


def phase_of(test: pytest.Item) -> Phase | None:
    """Return the phase that a test measures, by its marker; None where it is no benchmark."""
    return next((PHASES[marker.name] for marker in test.iter_markers() if marker.name in PHASES), None)


def platform(text: str) -> str:
    """Read ``--platform``: a name, or all; say why one is refused that could be had."""
    return _name_among("platform", text, PLATFORMS, REFUSED)


def browser(text: str) -> str:
    """Read ``--browser``: an engine."""
    if text not in ENGINES:
        raise argparse.ArgumentTypeError(f"unknown browser {text!r}: choose from {', '.join(ENGINES)}")
    return text


def precision(text: str) -> str:
    """Read ``--precision``: a name, or all."""
    return _name_among("precision", text, PRECISIONS)


def _name_among(kind: str, text: str, known: Iterable[str], refused: Mapping[str, str] | None = None) -> str:
    if text in (*known, ALL):
        return text
    why = f": {refused[text]};" if refused and text in refused else ":"
    raise argparse.ArgumentTypeError(f"unknown {kind} {text!r}{why} choose from {', '.join(known)}, or {ALL}")


def threads(text: str) -> int | str:
    """Read ``--threads``: a number up to the cores that can be kept busy here, or all."""
    if text == ALL:
        return text
    cores, limit = hardware.CORES, hardware.LIMIT
    if limit and text.isdecimal() and cores < int(text) <= hardware.REACHED:
        raise argparse.ArgumentTypeError(
            f"{text} threads would be stopped by the quota of {limit.cores} cores ({limit.folder}): "
            f"raise or lift it, or choose up to {cores}, or {ALL}"
        )
    if not (text.isdecimal() and 1 <= int(text) <= cores):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {cores}, this machine's cores, nor {ALL}")
    return int(text)


def network(text: str) -> Conditions:
    """Read ``--network``: a profile's name, or a round trip and rates."""
    try:
        return networks.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def model(text: str) -> str | Path:
    """Read ``--model``: a name of the catalogue, with a precision or without, or the path of an ONNX file."""
    if text in NAMES:
        return text
    path = Path(text)
    if path.is_file():
        return path
    if path.suffix == ".onnx" or len(path.parts) > 1:
        raise argparse.ArgumentTypeError(f"{text}: no such file")
    known, behind = ", ".join(CATALOGUE), " or ".join(f".{precision}" for precision in PRECISIONS[1:])
    raise argparse.ArgumentTypeError(
        f"unknown model {text!r}: choose from {known}, with {behind} behind or without, or name an ONNX file"
    )


def dim(text: str) -> tuple[str, int]:
    """Read ``--dim``: the name of a free dimension, or input:axis where it has none, and its length."""
    name, equals, length = text.rpartition("=")
    if not (name and equals and length.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=N or INPUT:AXIS=N, such as sequence=128")
    return name, int(length)


def batch_axis(text: str) -> str:
    """Read ``--batch-axis``: an input and one of its axes, counted from 0."""
    name, colon, axis = text.rpartition(":")
    if not (name and colon and axis.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not INPUT:AXIS with the axis counted from 0, such as x:1")
    return f"{name}:{int(axis)}"


def given_input(text: str) -> Given:
    """Read ``--input``: a file of arrays by the input's name, a picture, or a value for an input."""
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
