"""What all platforms in a page share: the browser, the server, the session, and openings with cold and warm caches.

A runtime comes as a module of the page under ``browser_harness/engines`` and a :class:`PagePlatform` that says which
files it needs, what it is asked for, and how what was found in force is held against that.
"""

import base64
import math
import statistics
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.protocol import (
    OPENING_ROUNDS,
    Block,
    Case,
    CpuTime,
    Facts,
    Feeds,
    Images,
    Memory,
    Opening,
    Outputs,
    PlatformError,
    Slowdown,
    UnavailableError,
)
from benchmarks.settings import Settings
from browser_harness import cgroup, chromium, packages
from browser_harness.page import Page, PageError, open_browser
from browser_harness.processes import MemoryWatch, Thread, keep_on, memory
from browser_harness.server import Server, serving

HARNESS = {
    f"/{name}": packages.HARNESS_DIR / name for name in ("index.html", "harness.mjs", "memory.mjs", "normalise.mjs")
}
# An isolated page's clock steps 5 µs; without isolation it is clamped to 100 µs.
CLOCK_RESOLUTION_LIMIT = 20e-6
FILLING = 2  # discarded loads that fill the caches
SLOWDOWN_BLOCKS, SLOWDOWN_SECONDS = 3, 0.3
PAGE_WARM_UP = 10  # inferences in a renewed page

Found = Mapping[str, Any]  # what the page found in force


@dataclass(frozen=True)
class Request:
    """What a page is asked to open."""

    files: Mapping[str, Path]  # the model's by the names its runtime knows them by, its own file first
    configuration: Mapping[str, Any]  # for the engine

    @property
    def urls(self) -> dict[str, str]:
        """Where each file is served."""
        return {name: f"/model/{index}" for index, name in enumerate(self.files)}


@dataclass(frozen=True)
class Started:
    """A browser and what serves its pages; a quota where it is slowed down."""

    server: Server
    page: Page
    quota: cgroup.Quota | None


def engine_url(engine: str) -> str:
    """Return where an engine's module is served."""
    return f"/engines/{engine}.mjs"


@contextmanager
def explained(platform: str, case: Case) -> Iterator[None]:
    """Make a PageError a PlatformError that names platform and model."""
    try:
        yield
    except PageError as error:
        raise PlatformError(f"{platform}: {case.file.name}: {error}") from error


class PageSession:
    """A case open in a page; samples are read from the page's ``performance.now``."""

    facts: Facts

    def __init__(
        self,
        platform: "PagePlatform",
        case: Case,
        settings: Settings,
        request: Request,
        started: Started,
    ) -> None:
        self._platform, self._case, self._settings, self._request = platform, case, settings, request
        self._server, self._page, self._quota = started.server, started.page, started.quota
        self._published: dict[bytes, str] = {}
        self._mark = 0  # of the server's answers, where the page began to load
        self._core: int | None = None  # None: wherever the system puts what computes
        self._needed: set[str] = set()
        self._fetched: dict[str, int] = {}

    def load(self) -> None:
        """Load the page without a runtime or model, in place of an earlier one."""
        self._mark = self._server.mark
        with explained(self._platform.name, self._case):
            self._page.load(self._server.origin)
            self._slow_down()

    def open(self) -> float:
        """Load the page and open the model in it; return the seconds from asking for the runtime to an open session."""
        self.load()
        return self._open()

    def _open(self) -> float:
        argument = {
            "engine": engine_url(self._platform.engine),
            "files": [*self._request.urls.items()],
            "configuration": self._request.configuration,
        }
        found = self._call("open", argument)
        if words := found.get("unavailable"):
            raise UnavailableError(f"{self._platform.name}: {self._case.file.name}: {words}")
        with explained(self._platform.name, self._case):
            self._page.look_at_processes()
            self._slow_down()
            if self._core is not None:
                self.keep_on(self._core)
            self.facts = self._facts(found)
        return float(found["load"]) / 1e3

    def _slow_down(self) -> None:
        """Take all of a weak client's browser into its control group; one that forks meanwhile is looked at again."""
        if self._quota is None:
            return
        adopted: set[int] = set()
        while new := self._page.all_processes() - adopted:
            self._quota.adopt(new)
            adopted |= new
        # One without memory has ended, and is only listed until its parent has asked how.
        free = [pid for pid in sorted(adopted) if not self._quota.holds(pid) and memory(pid, "VmRSS")]
        if free:
            raise PageError(f"the browser's process {free[0]} is outside the control group that slows it down")

    def _facts(self, found: Found) -> Facts:
        details = self._platform.prove(self._case, found, self._settings)
        self._needed = self._platform.fetched(found)
        prove_page(found, self._case, self._needed)
        self._fetched = self._server.fetched(self._mark)
        return Facts(
            platform=self._platform.name,
            execution_provider=self._platform.provider,
            threads=None if self._platform.own_threads else found["threads"],
            clock="performance.now",
            clock_resolution=found["clockResolution"] / 1e3,
            page_lifetime=self._platform.page_lifetime,
            slowdown=Slowdown(self._case.slowdown) if self._quota else None,
            is_software=self._platform.is_software(found),
            details={
                "cross_origin_isolated": found["crossOriginIsolated"],
                "simd": found["simd"],
                "load_parts": {name: value / 1e3 for name, value in found["loadParts"].items()},
                "fetched": self._fetched,
                "fetched_bytes": sum(self._fetched.values()),
                **details,
            },
        )

    def opening(self, feeds: Feeds) -> Opening:
        """Load a new page, open the case in it and run; return how that went."""
        self.load()
        watches, ran = self._watches(), self._page.thread_seconds()
        load = self._open()
        (first,), (second,) = self.time(feeds, 1).seconds, self.time(feeds, 1).seconds
        outputs = self.time(feeds, OPENING_ROUNDS).outputs
        return Opening(load, first, second, outputs, self._memory(watches, ran), self.facts)

    def _watches(self) -> dict[int, MemoryWatch]:
        return {pid: MemoryWatch(pid) for pid in (*self._page.renderers, *self._page.services)}

    def _memory(self, watches: Mapping[int, MemoryWatch], ran: Mapping[Thread, float]) -> Memory:
        """Return the memory since *watches*, summed over the processes that computed.

        Of the renderers one is the page's, the one that ran: an earlier page's may still be ending, another wait for a
        next page. WebAssembly runs in it alone. WebNN and WebGPU compute in the GPU's process or a utility; they count
        only there, for a browser has a GPU's process in any case. One that was started since then held nothing before.
        """
        spent = dict.fromkeys(self._page.renderers, 0.0)
        for (pid, thread), seconds in self._page.thread_seconds().items():
            if pid in spent:
                spent[pid] += seconds - ran.get((pid, thread), 0.0)
        outside = self._page.services if self._platform.own_threads else []
        computed = [max(spent, key=lambda pid: spent[pid]), *outside]
        before = _total([watches[pid].before if pid in watches else 0 for pid in computed])
        peak = _total([watches[pid].peak() if pid in watches else memory(pid, "VmHWM") for pid in computed])
        return Memory(before, peak, self._call("wasmBytes", {}))

    def keep_on(self, core: int) -> None:
        """Keep the processes that compute for the page on a core, those of a later page too."""
        self._core = core
        keep_on(core, [*self._page.renderers, *self._page.services])

    def prove_fetched(self, *, all_of_it: bool) -> None:
        """Raise PlatformError unless *all_of_it*, runtime and model, came from the server in this opening, or none."""
        wanted = self._needed | {*self._request.urls.values()}
        came, kept = wanted & self._fetched.keys(), wanted - self._fetched.keys()
        if wrong := kept if all_of_it else came:
            words = "came from a cache, which was to be empty" if all_of_it else "was fetched again, from a warm cache"
            raise PlatformError(f"{self._platform.name}: {self._case.file.name}: {', '.join(sorted(wrong))} {words}")

    def run(self, feeds: Feeds) -> Outputs:
        """Run one inference in the page and hand its outputs over."""
        return self.time(feeds, 1).outputs

    def renew(self, feeds: Feeds) -> int:
        """Open the case in a new page of the same browser, and warm that up."""
        facts = self.facts  # of the page that fetched everything
        self.open()
        self.facts = facts
        self.time(feeds, PAGE_WARM_UP)
        return PAGE_WARM_UP

    def time(self, feeds: Feeds, rounds: int) -> Block:
        """Time *rounds* inferences in one call: the loop is the page's, only its samples and last outputs travel."""
        return self._block("time", {"feeds": [self._feed(*feed) for feed in feeds.items()], "rounds": rounds})

    def classify(self, images: Images, batch_size: int) -> Iterator[Block]:
        """Publish the pixels for the page to fetch at once; it normalises them and times one inference a batch."""
        count, *shape = images.pixels.shape
        if self._platform.fixed_batch and count % batch_size:
            words = f"takes batches of {batch_size} only, and {count} images do not come out even; change --batch-size"
            raise UnavailableError(f"{self._platform.name}: {self._case.file.name}: {words}")
        source = {"pixels": self._publish(images.pixels.tobytes()), "shape": shape}
        constants = {"mean": [*images.mean], "std": [*images.std]}
        for start in range(0, count, batch_size):
            batch = {"start": start, "count": min(batch_size, count - start)}
            self._call("prepare", source | constants | batch)
            yield self._block("timePrepared", {})

    def code_cache(self) -> dict[str, int]:
        """Return how many entries with compiled code the browser keeps, of scripts and of WebAssembly."""
        return self._page.code_cache()

    def obtained_slowdown(self, feeds: Feeds) -> float:
        """Return how many times slower inferences really are under the quota, from blocks with and without in turn."""
        assert self._quota is not None, "only a case with a slowdown can be asked"
        quick: list[float] = []
        slowed: list[float] = []
        self._quota.lift()
        estimate = self._settled(feeds)
        for _ in range(SLOWDOWN_BLOCKS):
            self._quota.lift()
            quick += self.time(feeds, math.ceil(SLOWDOWN_SECONDS / estimate)).seconds
            self._quota.apply()
            slowed += self.time(feeds, math.ceil(SLOWDOWN_SECONDS / estimate / self._case.slowdown)).seconds
        return statistics.fmean(slowed) / statistics.fmean(quick)

    def _settled(self, feeds: Feeds) -> float:
        """Run until the browser has compiled what it runs, which would use up the quota; return seconds a time."""
        mean = self.time(feeds, 2).seconds[-1]
        for _ in range(SLOWDOWN_BLOCKS):
            mean = statistics.fmean(self.time(feeds, math.ceil(SLOWDOWN_SECONDS / mean)).seconds)
        return mean

    def _block(self, function: str, argument: dict[str, Any]) -> Block:
        before = self._page.thread_seconds()
        answer = self._call(function, argument)
        after = self._page.thread_seconds()
        samples = [milliseconds / 1e3 for milliseconds in answer["samples"]]
        return Block(samples, {name: _array(output) for name, output in answer["outputs"]}, _cpu_time(before, after))

    def _call(self, function: str, argument: dict[str, Any]) -> Any:
        with explained(self._platform.name, self._case):
            return self._page.call(function, argument)

    def _feed(self, name: str, array: NDArray[Any]) -> dict[str, Any]:
        """Publish an input for the page to fetch once: as an argument it would cost milliseconds a call."""
        little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
        url = self._publish(little_endian.tobytes())
        return {"name": name, "url": url, "type": array.dtype.name, "shape": list(array.shape)}

    def _publish(self, content: bytes) -> str:
        if content not in self._published:
            self._published[content] = f"/inputs/{len(self._published)}.bin"
            self._server.publish(self._published[content], content)
        return self._published[content]


class PagePlatform(ABC):
    """A runtime in a page of a Chromium that nothing else uses."""

    caches: Sequence[str] = ("cold", "warm")
    is_client, has_device = True, False
    name: str
    provider: str
    engine: ClassVar[str]  # its module's name
    packages: ClassVar[tuple[str, ...]]
    one_thread: ClassVar[bool] = False  # it takes no number of threads
    own_threads: ClassVar[bool] = False  # it computes on as many as it likes, outside the page's process
    page_lifetime: ClassVar[int | None] = None  # inferences, where a page may slow down as it ages
    fixed_batch: ClassVar[bool] = False  # a model is opened for batches of one size
    script_sources: ClassVar[tuple[str, ...]] = ()  # beside the server's files, for scripts that the runtime writes
    flags: tuple[str, ...] = ("--disable-gpu",)  # no GPU process to share the cores with

    @property
    @abstractmethod
    def runtime(self) -> Mapping[str, Path]:
        """The files of the runtime, by URL: nothing else of its packages is served."""

    @abstractmethod
    def request(self, case: Case, settings: Settings) -> Request:
        """Say what to open; raise UnavailableError where the platform was not made for such a case."""

    @abstractmethod
    def prove(self, case: Case, found: Found, settings: Settings) -> dict[str, Any]:
        """Return what to tell of the session; raise PageError where the page is not what the platform's name says."""

    def is_software(self, found: Found) -> bool:
        """Whether it computes on a GPU that is simulated on the processor."""
        return False

    def fetched(self, found: Found) -> set[str]:
        """Return the files of the runtime that this page cannot have done without."""
        return {*self.runtime}

    def unavailable(self, settings: Settings) -> str | None:
        """Say what is missing: a browser, or the packages the page loads."""
        try:
            chromium.find(settings.browser_path)
        except chromium.BrowserMissingError as error:
            return f"{self.name}: {error}"
        for package in self.packages:
            if not packages.is_current(package):
                found = packages.installed(package) or "not installed"
                return f"{self.name}: {package} is {found}, wanted {packages.pinned(package)}; run `{packages.SET_UP}`"
        if absent := [str(path) for path in self.runtime.values() if not path.is_file()]:
            return (
                f"{self.name}: {', '.join(absent)} is missing; delete {packages.NODE_MODULES}, run `{packages.SET_UP}`"
            )
        return None

    def versions(self, settings: Settings) -> dict[str, str]:
        """The versions of the browser, its driver and the runtime in the page."""
        if self.unavailable(settings):
            return {}
        browser = chromium.find(settings.browser_path)
        return {
            "chromium": browser.version,
            "chromium_source": browser.source,
            **{package: packages.pinned(package) for package in self.packages},
            "playwright": version("playwright"),
        }

    @contextmanager
    def open(self, case: Case, settings: Settings) -> Iterator[PageSession]:
        """Open the case in a fresh browser and check that what is in force is what the platform's name says."""
        with self._browser(case, settings) as session:
            session.open()
            yield session

    @contextmanager
    def _browser(self, case: Case, settings: Settings) -> Iterator[PageSession]:
        """Start server and browser for *case*, slowed down where it says so; nothing is loaded yet."""
        if self.one_thread and case.threads != 1:
            words = f"takes no number of threads, {case.threads} were asked for; measure it with --threads 1"
            raise UnavailableError(f"{self.name}: {case.file.name}: {words}")
        request = self.request(case, settings)
        served = {request.urls[name]: file for name, file in request.files.items()}
        module = {engine_url(self.engine): packages.HARNESS_DIR / "engines" / f"{self.engine}.mjs"}
        with ExitStack() as stack, explained(self.name, case):
            quota = stack.enter_context(self._quota(case)) if case.slowdown > 1 else None
            server = stack.enter_context(serving({**HARNESS, **module, **self.runtime, **served}, self.script_sources))
            page = stack.enter_context(open_browser(chromium.find(settings.browser_path), settings.timeout, self.flags))
            yield PageSession(self, case, settings, request, Started(server, page, quota))

    def _quota(self, case: Case) -> cgroup.Quota:
        if reason := cgroup.unavailable():
            raise UnavailableError(f"{self.name}: {case.file.name}: {reason}")
        return cgroup.Quota(case.slowdown, case.threads)

    def openings(self, case: Case, feeds: Feeds, settings: Settings, caches: str) -> Iterator[Opening]:
        """Open *case* again and again: ``cold`` in a fresh browser each, ``warm`` in new pages of one that knows it.

        Raises PlatformError where the caches were not what they are called.
        """
        return {"cold": self._cold, "warm": self._warm}[caches](case, feeds, settings)

    def _cold(self, case: Case, feeds: Feeds, settings: Settings) -> Iterator[Opening]:
        slowdown = self._slowdown(case, feeds, settings)
        while True:
            with self._browser(case, settings) as session:
                opening = session.opening(feeds)
                session.prove_fetched(all_of_it=True)
                yield replace(opening, facts=replace(opening.facts, slowdown=slowdown))

    def _slowdown(self, case: Case, feeds: Feeds, settings: Settings) -> Slowdown | None:
        """Return how much weaker a weak client was asked to be, and is; None of one that is not.

        That is measured in a browser of its own: one that runs so long comes to keep compiled code, unlike the others.
        """
        if case.slowdown == 1:
            return None
        with self.open(case, settings) as session:
            return Slowdown(case.slowdown, session.obtained_slowdown(feeds))

    def _warm(self, case: Case, feeds: Feeds, settings: Settings) -> Iterator[Opening]:
        slowdown = self._slowdown(case, feeds, settings)
        with self._browser(case, settings) as session:
            for _ in range(FILLING):
                session.opening(feeds)
            while True:
                code_cache = session.code_cache()
                opening = session.opening(feeds)
                session.prove_fetched(all_of_it=False)
                details = {**opening.facts.details, "code_cache": code_cache}
                yield replace(opening, facts=replace(opening.facts, slowdown=slowdown, details=details))


def _total(figures: Sequence[int | None]) -> int | None:
    """Return the sum; None where one is not told."""
    known = [figure for figure in figures if figure is not None]
    return sum(known) if len(known) == len(figures) else None


def _array(output: dict[str, Any]) -> NDArray[Any]:
    little_endian = np.dtype(output["type"]).newbyteorder("<")
    return np.frombuffer(base64.b64decode(output["data"]), little_endian).reshape(output["dims"])


def _cpu_time(before: dict[Thread, float], after: dict[Thread, float]) -> CpuTime | None:
    """Return what a page's threads ran between two readings; None where the system did not count."""
    spent = [seconds - before.get(thread, 0.0) for thread, seconds in after.items()]
    return CpuTime(sum(spent), max(spent)) if sum(spent) > 0 else None


def require(found: Found, wanted: Mapping[str, Any]) -> None:
    """Raise PageError naming the first of *wanted* that is otherwise in the page."""
    for name, value in wanted.items():
        if found[name] != value:
            raise PageError(f"{name} is {found[name]!r} in the page, wanted {value!r}")


def prove_page(found: Found, case: Case, needed: set[str]) -> None:
    """Raise PageError where the page is not isolated, lacks SIMD, threads or a fine clock, or loaded other files."""
    require(found, {"crossOriginIsolated": True, "simd": True, "threads": case.threads})
    if found["clockResolution"] / 1e3 > CLOCK_RESOLUTION_LIMIT:
        raise PageError(f"performance.now steps {found['clockResolution']} ms: the page's clock is clamped")
    if absent := needed - {*found["loaded"]}:
        raise PageError(f"{', '.join(sorted(absent))} was not loaded; the page loaded {', '.join(found['loaded'])}")
