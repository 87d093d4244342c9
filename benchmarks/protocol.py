"""The words the suite is written in: a platform opens a case as a session, a session yields blocks of samples.

Typing is structural: an adapter need not import this module, and adapters do not know each other.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from benchmarks.settings import Settings
from browser_harness.network import LOOPBACK, Conditions, Obtained
from models.manifest import Artefact

HAS_FOLDER = "CLIENT_OR_SERVER_HAS_FOLDER"  # set in a process whose temporary files are a session's, and go with it
THREADS_UNPROVED = "threads_unproved"  # in details: true where nobody could count the threads that a runtime started
OPENING_ROUNDS, OPENING_SECONDS = 20, 1.0  # of an opening, after its first two, so that memory has been grown into

Surrounding = Literal["page", "process"]  # what is fresh in each start
Side = Literal["server", "client", "remote"]  # where a model computes; remote: on a machine asked over a network
# "single": one thread, and no number of them can be asked for; "settable": as many as are asked for; "runtime": as many
# as the runtime likes, outside what the suite opened it in, such as on a GPU.
Threading = Literal["single", "settable", "runtime"]
# What a platform is fed: any arrays; an image of whole pixels, which travels as bytes; a picture as it is stored.
Takes = Literal["arrays", "pixels", "image"]
# The thread of a page that a runtime is loaded into: the page's own, or a dedicated worker's.
Where = Literal["main", "worker"]
WHERES: tuple[Where, ...] = get_args(Where)
Feeds = Mapping[str, NDArray[Any]]  # input name to array
Outputs = Mapping[str, NDArray[Any]]  # output name to array, in the graph's order
Shapes = Mapping[str, tuple[int, ...]]  # input name to the shape that it is fed in


class PlatformError(Exception):
    """A platform that is present broke; the message names platform and model and carries the platform's own words."""


class UnavailableError(Exception):
    """A platform cannot run a case on this machine: something is missing, or it was not made for such a case.

    The message names platform and case and says what would change that.
    """


@dataclass(frozen=True)
class Normalisation:
    """How numbers are made of an image's pixels: scaled to 0…1, less the channel's mean, over its deviation."""

    mean: tuple[float, ...]  # one, or one a channel
    std: tuple[float, ...]


@dataclass(frozen=True)
class Case:
    """What a platform is asked to open: a model, for inputs of one shape each, on a number of threads."""

    artefact: Artefact
    batch_size: int = 1  # also of a graph that has no batch
    threads: int = 1
    where: Where = "main"  # in a page
    slowdown: int = 1  # a client this many times weaker; 1 is this machine
    network: Conditions = LOOPBACK  # between a page and the servers that it asks
    shapes: Shapes = field(kw_only=True, hash=False)
    normalisation: Normalisation | None = field(kw_only=True, default=None)  # of what is fed, where that is an image
    picture: bytes | None = field(kw_only=True, default=None, repr=False)  # the same image as it is stored: a JPEG, say

    @property
    def model_file(self) -> Path:
        """The ONNX file."""
        return self.artefact.path


@dataclass(frozen=True)
class Slowdown:
    """How many times weaker than this machine a client was to be, and how many times it was."""

    asked: int
    obtained: float | None = None  # None where that is not measured, or not yet


@dataclass(frozen=True)
class Network:
    """What lay between a page and the servers that it asked."""

    asked: Conditions
    obtained: Obtained
    kind: str  # how it was made, as :data:`browser_harness.network.link.Kind` has it
    lacks: Sequence[str] = ()  # what a real network does and this did not
    congestion_control: str | None = None


@dataclass(frozen=True)
class Server:
    """The server that computed, where that is not this process nor a page."""

    software: str  # with its version, by its own word
    protocol: str  # as the page spoke it: http/1.1, h2
    url: str | None = None  # of one that was there; None of one that the suite started
    is_relayed: bool = False  # the page's own server passed requests on, as it answers no other origin's pages
    preflight_lasts: float | None = None  # seconds until a browser asks again whether it may; None where it never asks


@dataclass(frozen=True)
class Upload:
    """What a page sends of the inputs of an inference."""

    form: str  # uint8 or image, else the types of the arrays: float32
    bytes: int  # without any head


@dataclass(frozen=True)
class Facts:
    """What a session proved about itself when it was opened."""

    platform: str
    execution_provider: str
    threads: int | None  # None where the platform computes on as many as it likes: a GPU, WebNN
    clock: str
    clock_resolution: float  # seconds
    surrounding: Surrounding = "process"
    where: Where | None = None  # None where there is no page
    lifetime: int | None = None  # inferences after which a page may slow down. None: none was ever seen to
    slowdown: Slowdown | None = None  # None where nothing slows it down
    rounding: Literal["tf32"] | None = None  # coarser than the file's precision, as the platform's name says
    is_software: bool = False  # on a GPU that is simulated on the processor: its times are no GPU's
    network: Network | None = None  # None where nothing lay between
    server: Server | None = None  # of a platform on the side "remote"
    upload: Upload | None = None  # the same
    details: Mapping[str, Any] = field(default_factory=dict)  # what the platform tells of itself beside all that

    @property
    def statistic(self) -> str:
        """The statistic that two of its figures are compared by.

        A quota slows a client by stopping it now and then, which a 10th percentile of short inferences does not see.
        """
        return "mean" if self.slowdown else "p10"


@dataclass(frozen=True)
class Block:
    """Raw samples of one uninterrupted loop over inferences, and what the last of them computed."""

    seconds: Sequence[float]  # an inference, by the session's own clock; a sample is the mean of ``iterations`` of them
    outputs: Outputs  # of the last inference
    cpu: "CpuTime | None"  # None where the system does not tell
    start: int = 0  # from which of a benchmark's starts, each a fresh page or process, it was drawn
    beside: float = 0.0  # seconds of the call that large outputs, or a connection's warm-up, can have taken
    iterations: int = 1  # inferences in a row that the clock was read around: several where one is too quick for it
    # Seconds of each sample that a server computed, or a page's worker, by its own word; none if it has none.
    computing: Sequence[float] = ()
    wire: tuple[int, int] | None = None  # bytes that went up and down meanwhile, all packets; None where nobody counts
    late: float = 0.0  # share of these packets that a busy machine delivered late
    reopened: int = 0  # of its requests those that found their connection closed, as far as the browser tells

    @property
    def inferences(self) -> int:
        """How many inferences were timed."""
        return len(self.seconds) * self.iterations

    @property
    def duration(self) -> float:
        """How many seconds all of them took."""
        return math.fsum(self.seconds) * self.iterations


@dataclass(frozen=True)
class CpuTime:
    """Processor seconds of the process that ran a block, the loop around the inferences included."""

    all_threads: float
    busiest_thread: float


@dataclass(frozen=True)
class Memory:
    """Bytes of the process that runs a model, of a page all that compute for it; None where it is not told."""

    before: int | None  # resident, before the runtime is loaded
    peak: int | None  # resident, the most that was seen
    wasm: int | None = None  # WebAssembly memory at the end; a page's alone

    @property
    def over_start(self) -> int | None:
        """What it took over its start: the peak less what it held before; None where either is not told."""
        return None if self.before is None or self.peak is None else max(0, self.peak - self.before)


@dataclass(frozen=True)
class Opening:
    """One opening of a case in a fresh process or page, and the inferences that followed. Times in seconds."""

    load: float  # from asking for the runtime until the session is open
    first: float
    second: float
    outputs: Outputs  # of the last inference
    memory: Memory
    facts: Facts


FRAMES_A_SECOND = 60  # that a page is to draw


@dataclass(frozen=True)
class Blocking:
    """What an animation in a page suffered while inferences ran, each begun in a task of its own. Times in seconds.

    A task is what a page's main thread does without a pause; the field calls it long above 50 ms (W3C, Long Tasks API).
    """

    window: float  # from the first inference's beginning until the last one's end
    inferences: int
    longest_task: float
    total_blocking_time: float  # what long tasks took beyond 50 ms, summed
    frames: int  # drawn in the window
    frames_missed: int  # of the whole ones that the window holds at FRAMES_A_SECOND
    frames_at_rest: float  # a second, drawn by the same page just before, while nothing was computed
    disagreement: float = 0.0  # the most by which two sights of a task differ: page's, browser's, a late frame's

    @property
    def blocked(self) -> float:
        """The total blocking time as a share of the window."""
        return self.total_blocking_time / self.window if self.window else 0.0

    @property
    def frames_wanted(self) -> int:
        """How many frames were to be drawn in the window."""
        return self.frames + self.frames_missed

    @property
    def missed(self) -> float | None:
        """The frames missed as a share of those wanted; None where none were."""
        return self.frames_missed / self.frames_wanted if self.frames_wanted else None


@dataclass(frozen=True)
class Images:
    """Pictures as they are stored, and what turns them into a model's input."""

    pixels: NDArray[np.uint8]  # [n, channels, height, width], 0…255
    mean: Sequence[float]  # per channel, of pixels scaled to 0…1
    std: Sequence[float]


def filled(batch: NDArray[Any], size: int) -> NDArray[Any]:
    """Return *batch* with zeros behind it, *size* long: all batches of a set of images are of one size."""
    if len(batch) == size:
        return batch
    return np.concatenate([batch, np.zeros((size - len(batch), *batch.shape[1:]), batch.dtype)])


def opening_rounds(second: float) -> int:
    """Return how many inferences follow the first two of an opening, of which the latter took *second* seconds.

    They go on for OPENING_SECONDS, and end after OPENING_ROUNDS: those of a large network would take longer than its
    opening. Two more are always made.
    """
    return max(2, min(OPENING_ROUNDS, int(OPENING_SECONDS / second))) if second else OPENING_ROUNDS


class Session(Protocol):
    """A case opened on a platform."""

    @property
    def facts(self) -> Facts:
        """What was found in force."""

    def run(self, feeds: Feeds) -> Outputs:
        """Return the outputs of one inference, readable on the host."""

    def time(self, feeds: Feeds, rounds: int, iterations: int = 1) -> Block:
        """Time *rounds* samples, each of *iterations* inferences in a row; the loops run where the inference runs.

        A sample starts before the first inference is asked for and ends when all outputs of the last can be read on the
        host; it is their mean.
        """

    def classify(self, images: Images, batch_size: int) -> Iterator[Block]:
        """Yield one sample for every *batch_size* images, normalised where the inference runs, outside the clock.

        Zeros fill up the last batch; what is answered for them is left out.
        """

    def renew(self) -> None:
        """Open the case anew, in a fresh page or process, in place of the one that there was.

        It may return before that is open: what is asked next waits for it. Only asked of what was opened afresh.
        """

    def keep_on(self, core: int | None) -> None:
        """Keep what computes on a core from now on, where that can be told; None lets it go where it likes."""

    def obtained_slowdown(self, feeds: Feeds) -> float:
        """Return how many times slower inferences really are, from blocks with and without the brake in turn.

        Only asked where the facts tell of a slowdown.
        """


class AnimatedSession(Session, Protocol):
    """A session in a page, which can be drawn meanwhile."""

    def blocking(self, feeds: Feeds, seconds: float) -> tuple[Block, Blocking]:
        """Run inferences for some *seconds* while the page draws an animation; return samples, and what it saw."""


class DeviceSession(Session, Protocol):
    """A session on a device with memory of its own."""

    def on_device(self) -> Session:
        """Return the session without copies.

        Its samples are of inputs that lie on the device and outputs that stay there, until the device has finished.
        """


class Platform(Protocol):
    """A runtime with an execution provider on a kind of device."""

    @property
    def name(self) -> str:
        """The catalogue's name, such as ``server-cpu``."""

    @property
    def side(self) -> Side:
        """Where its models compute; a client can be weaker than this machine."""

    @property
    def threading(self) -> Threading:
        """Who chooses the number of threads that compute."""

    @property
    def has_device(self) -> bool:
        """Whether its sessions can leave inputs and outputs on a device: they are DeviceSessions."""

    @property
    def takes(self) -> Takes:
        """What it is fed."""

    @property
    def caches(self) -> Sequence[str]:
        """What a fresh opening can find in its caches: ``cold`` and ``warm`` in a browser, ``process`` on a server."""

    def unavailable(self, settings: Settings) -> str | None:
        """Why this machine cannot run the platform, and what would change that; None where it can."""

    def versions(self, settings: Settings) -> dict[str, str]:
        """Versions of what takes part, found without opening a session; empty where it is unavailable."""

    def open(self, case: Case, settings: Settings) -> AbstractContextManager[Session]:
        """Open *case*, on a server in this process.

        Raises PlatformError where the platform refuses the file or is not what its name says, UnavailableError where
        it cannot run this case.
        """

    def open_fresh(self, case: Case, settings: Settings) -> AbstractContextManager[Session]:
        """Open *case* in a fresh page or process, as often as the session is asked to renew it.

        It may return before that is open, and raise what :meth:`open` raises when the session is asked for something.
        """

    def openings(self, case: Case, feeds: Feeds, settings: Settings, caches: str) -> Iterator[Opening]:
        """Open *case* again and again, each time in a fresh process or page, as often as asked."""
