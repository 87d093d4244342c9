"""Sessions of a page that asks a server: what it sends, what the server tells of it, and what went over the wire."""

import math
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from benchmarks.platforms.between import end_of
from benchmarks.platforms.page_runtime import InEffect, PageCase
from benchmarks.platforms.page_session import DrivenSession
from benchmarks.protocol import (
    Block,
    Case,
    Facts,
    Feeds,
    Images,
    Memory,
    Network,
    Normalisation,
    Opening,
    Outputs,
    PlatformError,
    Server,
    Takes,
    Upload,
)
from benchmarks.remote import Served, pictures
from benchmarks.remote.oip import DTYPES
from browser_harness.channel import DrivenChannel
from browser_harness.host import UnknownHost
from browser_harness.network import Carried, Link, LinkError

# Requests that a fresh connection is given before one is timed, for so many seconds at most: TCP sends little at first,
# and more with each answer, so that the first requests of a large input take round trips more.
FEWEST_BEFORE, MOST_BEFORE, SECONDS_BEFORE = 2, 10, 2.0

FORMS: dict[Takes, str] = {"arrays": "float32", "pixels": "uint8", "image": "image"}  # as a server takes them


class AskingSession(DrivenSession):
    """A page of a browser of its own that asks a server for inferences.

    Of the machine under it nothing is told: what computes is elsewhere.
    """

    def __init__(  # noqa: PLR0913
        self,
        case: PageCase,
        channel: DrivenChannel,
        served: Served,
        link: Link,
        network: Network | None,
        *,
        is_elsewhere: bool,
    ) -> None:
        super().__init__(case, channel, UnknownHost(), network)
        self._served, self._link, self._is_elsewhere = served, link, is_elsewhere
        self._carried: Carried | None = None  # by the last call

    def connect(self) -> dict[str, float]:
        """Have a connection that later requests find; return what the page saw of it, in seconds, where it may."""
        seen = self._call("ask", {"what": "connect"})
        if protocol := seen.pop("protocol", ""):
            assert self.facts.server is not None, "every server that is asked is told"
            self.facts = replace(self.facts, server=replace(self.facts.server, protocol=protocol))
        return {name: value / 1e3 for name, value in seen.items()}

    def waited(self) -> dict[str, float]:
        """Return how long the last request waited for its preflight, in seconds, where the page may see that."""
        seen = self._call("ask", {"what": "waited"})
        return {} if seen is None else {"preflight": seen / 1e3}

    def reopened(self) -> int:
        """Return how many requests since this was last asked for found no open connection, as far as the page sees."""
        return int(self._call("ask", {"what": "reopened"}))

    def classify(self, images: Images, batch_size: int) -> Iterator[Block]:
        """Ask for a batch at a time, of numbers: the page normalises them."""
        if self._takes != "arrays":
            raise self._case.unavailable(f"images are classified as float32, not as {FORMS[self._takes]}")
        yield from super().classify(images, batch_size)

    @property
    def _takes(self) -> Takes:
        return self._case.runtime.takes

    def _facts(self, in_effect: InEffect) -> Facts:
        url = self._served.origin if self._is_elsewhere else None
        server = Server(
            self._served.software,
            "not told",
            url,
            is_relayed=not self._served.shares,
            preflight_lasts=self._served.preflight_lasts,
        )
        upload = uploaded(self._case.case, self._takes, self._served)
        return replace(super()._facts(in_effect), threads=self._served.threads, server=server, upload=upload)

    def _block(self, function: str, argument: dict[str, Any]) -> Block:
        block = super()._block(function, argument)
        carried = self._carried
        wire, late = ((carried.up, carried.down), carried.late_share) if carried else (None, 0.0)
        return replace(block, cpu=None, wire=wire, late=late)

    def _call(self, function: str, argument: dict[str, Any]) -> Any:
        """Call the page, and note what is carried meanwhile: large outputs are handed over later, and by the link."""
        with self._ends_told():
            before = self._link.carried()
            answer = super()._call(function, argument)
            after = self._link.carried()
        self._carried = after - before if before and after else None
        return answer

    @contextmanager
    def _ends_told(self) -> Iterator[None]:
        """Say that server or link has ended, where one has, in place of what the page saw of it."""
        try:
            yield
        except (PlatformError, LinkError) as error:
            words = self._served.ended() or end_of(self._link)
            if words is None and isinstance(error, PlatformError):
                raise
            case = self._case.case
            raise PlatformError(f"{self._case.runtime.name}: {case.model_file.name}: {words or error}") from error

    def _feed(self, name: str, array: NDArray[Any]) -> dict[str, Any]:
        if self._takes == "arrays":
            if (there := np.dtype(DTYPES[self._served.inputs[name]])) != array.dtype:
                raise self._case.unavailable(f"{name} is {there} there, and {array.dtype} in the file")
            return super()._feed(name, array)
        case = self._case.case
        assert case.normalisation is not None, "who takes an image says how numbers are made of it"
        if self._takes == "pixels":
            return super()._feed(name, pixels_of(array, case.normalisation))
        return super()._feed(name, np.frombuffer(case.picture or b"", np.uint8))


def uploaded(case: Case, takes: Takes, served: Served) -> Upload:
    """Return what is sent of a case's inputs."""
    numbers = {name: math.prod(shape) for name, shape in case.shapes.items()}
    if takes == "image":
        return Upload(FORMS[takes], len(case.picture or b""))
    if takes == "pixels":
        return Upload(FORMS[takes], sum(numbers.values()))
    dtypes = {name: np.dtype(DTYPES[served.inputs[name]]) for name in numbers}
    size = sum(number * dtypes[name].itemsize for name, number in numbers.items())
    return Upload(", ".join(dict.fromkeys(str(dtype) for dtype in dtypes.values())), size)


def pixels_of(array: NDArray[Any], normalisation: Normalisation) -> NDArray[np.uint8]:
    """Return the pixels, 0…255, that were normalised to *array* [n, channels, height, width]."""
    return np.rint(pictures.levels(array, normalisation.mean, normalisation.std)).astype(np.uint8)


class RemoteSession:
    """A case open on a server that a page asks; each start has a server, a browser and a page of its own."""

    def __init__(self, opened: Callable[[], AbstractContextManager[AskingSession]]) -> None:
        self._opened, self._stack = opened, ExitStack()
        self._session: AskingSession | None = None
        self._is_fresh = True

    def __enter__(self) -> Self:
        self.renew()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    @property
    def facts(self) -> Facts:
        """What page and server proved."""
        return self._asking.facts

    @property
    def _asking(self) -> AskingSession:
        assert self._session is not None, "enter the session first"
        return self._session

    def renew(self) -> None:
        """Have a fresh server and a fresh browser in place of those that there were."""
        self._stack.close()
        self._session, self._is_fresh = self._stack.enter_context(self._opened()), True

    def run(self, feeds: Feeds) -> Outputs:
        """Ask for one inference."""
        return self._asking.run(feeds)

    def time(self, feeds: Feeds, rounds: int, iterations: int = 1) -> Block:
        """Time requests, one after another, on a connection that is kept, and has been in use."""
        start = time.perf_counter()
        if self._is_fresh:
            self._is_fresh = False
            self._use(feeds)
        beside = time.perf_counter() - start
        block = self._asking.time(feeds, rounds, iterations)
        return replace(block, beside=block.beside + beside, reopened=self._asking.reopened())

    def _use(self, feeds: Feeds) -> None:
        spent, asked = 0.0, 0
        while asked < FEWEST_BEFORE or (asked < MOST_BEFORE and spent < SECONDS_BEFORE):
            spent, asked = spent + self._asking.time(feeds, 1).duration, asked + 1
        self._asking.reopened()  # of the warm-up nobody is told

    def classify(self, images: Images, batch_size: int) -> Iterator[Block]:
        """Ask for a batch at a time."""
        return self._asking.classify(images, batch_size)

    def keep_on(self, core: int | None) -> None:
        """Leave page and server where the system puts them: each waits for the other."""

    def obtained_slowdown(self, feeds: Feeds) -> float:
        """Refuse: nothing slows a server down, and its facts say so."""
        raise NotImplementedError


def openings(asking: Callable[[], AbstractContextManager[AskingSession]], feeds: Feeds) -> Iterator[Opening]:
    """Ask from one fresh browser after another: the first request makes its connection, the second finds it.

    What the first is made of is seen in another browser each time, whose connection is made apart.
    """
    seen: list[dict[str, float]] = []
    while True:
        with asking() as session:
            load = session.open()
            first, second = session.time(feeds, 1), session.time(feeds, 1)
        with asking() as session:
            session.open()
            parts = session.connect()
            session.run(feeds)
            seen.append(parts | session.waited())
            facts = session.facts
        facts = replace(facts, details={**facts.details, "request_parts": _medians(seen)})
        yield Opening(load, first.seconds[0], second.seconds[0], second.outputs, Memory(None, None), facts)


def _medians(seen: list[dict[str, float]]) -> dict[str, float]:
    """Return the median of each part over the openings that it was seen in."""
    names = dict.fromkeys(name for parts in seen for name in parts)
    return {name: statistics.median(parts[name] for parts in seen if name in parts) for name in names}
