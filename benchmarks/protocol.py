"""The words the suite is written in: a platform opens a model as a session, a session yields blocks of samples.

Typing is structural: an adapter need not import this module, and adapters do not know each other.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.settings import Settings

Feeds = Mapping[str, NDArray[Any]]  # input name to array
Outputs = Mapping[str, NDArray[Any]]  # output name to array, in the graph's order


class PlatformError(Exception):
    """A platform that is present broke; the message names platform and model and carries the platform's own words."""


@dataclass(frozen=True)
class Facts:
    """What a session proved about itself when it was opened."""

    platform: str
    execution_provider: str
    threads: int
    clock: str
    clock_resolution: float  # seconds
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Block:
    """Raw samples of one uninterrupted loop over inferences, and what the last of them computed."""

    seconds: Sequence[float]  # one per inference, by the session's own clock
    outputs: Outputs  # of the last inference
    cpu: "CpuTime | None"  # None where the system does not tell


@dataclass(frozen=True)
class CpuTime:
    """Processor seconds of the process that ran a block, the loop around the inferences included."""

    all_threads: float
    busiest_thread: float


@dataclass(frozen=True)
class Images:
    """Pictures as they are stored, and what turns them into a model's input."""

    pixels: NDArray[np.uint8]  # [n, channels, height, width], 0…255
    mean: Sequence[float]  # per channel, of pixels scaled to 0…1
    std: Sequence[float]


class Session(Protocol):
    """A model opened on a platform."""

    @property
    def facts(self) -> Facts:
        """What was found in force."""

    def run(self, feeds: Feeds) -> Outputs:
        """Return the outputs of one inference, readable on the host."""

    def time(self, feeds: Feeds, rounds: int) -> Block:
        """Time *rounds* inferences one by one; the loop runs where the inference runs.

        A sample starts before the inference is asked for and ends when all its outputs can be read on the host.
        """

    def classify(self, images: Images, batch_size: int) -> Iterator[Block]:
        """Yield one sample for every *batch_size* images, normalised where the inference runs, outside the clock."""


class Platform(Protocol):
    """A runtime with an execution provider on a kind of device."""

    @property
    def name(self) -> str:
        """The catalogue's name, such as ``server-cpu``."""

    def unavailable(self, settings: Settings) -> str | None:
        """Why this machine cannot run the platform, and what would change that; None where it can."""

    def versions(self, settings: Settings) -> dict[str, str]:
        """Versions of what takes part, found without opening a session; empty where it is unavailable."""

    def open(self, model: Path, settings: Settings) -> AbstractContextManager[Session]:
        """Open the ONNX file; raises PlatformError where the platform refuses it or is not what its name says."""
