"""A runtime in a page: its files, what it is asked for, and how what is in force is held against that.

It comes as a module of the page under ``browser_harness/engines`` and a :class:`PageRuntime`. Nothing here knows how
the page came to be: a browser that was started for it, or one that joined.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.platforms import lacking
from benchmarks.protocol import Case, PlatformError, Side, Takes, Threading, UnavailableError
from benchmarks.settings import Settings
from browser_harness import packages, page_files
from browser_harness.channel import PageError
from browser_harness.joined import AwayError
from browser_harness.server import LOOPBACK, Server, serving
from models.words import in_a_line

# An isolated page's clock steps 5 µs; without isolation it is clamped to 100 µs.
CLOCK_RESOLUTION_LIMIT = 20e-6

MOST_FETCHED = 2**31 - 1  # bytes of a file that a page can fetch into one piece of memory
MOST_HELD = 2**32  # bytes of a WebAssembly memory, into which every runtime copies its model
# What browsers and runtimes say where memory is exhausted, or more is wanted than 32 bits can tell.
EXHAUSTED = (
    r"(?i)array ?buffer allocation failed|invalid (typed )?array (buffer )?length|bad_alloc|out of memory"
    r"|integer overflow"
)

NO_LONG_TASKS = "tells no long tasks"  # as animating.mjs says of Firefox and WebKit

ELSEWHERE = "measure it on server-cpu"

InEffect = Mapping[str, Any]  # what the page answers to being opened: what is in force in it


@dataclass(frozen=True)
class Request:
    """What a page is asked to open."""

    files: Mapping[str, Path | bytes]  # the model's by the names its runtime knows them by, its own file first
    configuration: Mapping[str, Any]  # for the engine

    @property
    def urls(self) -> dict[str, str]:
        """Where each file is served."""
        return {name: f"/model/{index}" for index, name in enumerate(self.files)}


def engine_url(engine: str) -> str:
    """Return where an engine's module is served."""
    return f"/engines/{engine}.mjs"


class PageRuntime(ABC):
    """A runtime in a page, with an execution provider."""

    side: Side = "client"
    threading: Threading = "settable"  # "runtime": outside the page's process
    has_device = False
    takes: Takes = "arrays"
    name: str
    provider: str
    engine: ClassVar[str]  # its module's name
    called: ClassVar[str] = ""  # what it is called where it lacks something
    packages: ClassVar[tuple[str, ...]]
    lifetime: ClassVar[int | None] = None  # inferences, where a page may slow down as it ages
    script_sources: ClassVar[tuple[str, ...]] = ()  # beside the server's files, for scripts that the runtime writes
    imports: ClassVar[Mapping[str, str]] = {}  # modules that it imports by name: where each is served

    @property
    @abstractmethod
    def runtime(self) -> Mapping[str, Path]:
        """The files of the runtime, by URL: nothing else of its packages is served."""

    @abstractmethod
    def request(self, case: Case, settings: Settings) -> Request:
        """Say what to open; raise UnavailableError where the platform was not made for such a case."""

    @abstractmethod
    def prove(self, case: Case, in_effect: InEffect, settings: Settings) -> dict[str, Any]:
        """Return what to tell of the session; raise PageError where the page is not what the platform's name says."""

    def allowed_origins(self, settings: Settings) -> Sequence[str]:
        """Return which servers the page may ask beside its own."""
        return ()

    def threads_in_page(self, case: Case) -> int:
        """Return how many threads the page has to have."""
        return case.threads

    def is_software(self, in_effect: InEffect) -> bool:
        """Whether it computes on a GPU that is simulated on the processor."""
        return False

    def needed(self, in_effect: InEffect) -> set[str]:
        """Return the files of the runtime that this page cannot have done without."""
        return {*self.runtime}

    def missing(self) -> str | None:
        """Say which packages that the page loads are missing; None where they are there."""
        for package in self.packages:
            if not packages.is_current(package):
                version = packages.installed(package) or "not installed"
                wanted = f"wanted {packages.pinned(package)}; run `{packages.SET_UP}`"
                return f"{self.name}: {package} is {version}, {wanted}"
        if absent := [str(path) for path in self.runtime.values() if not path.is_file()]:
            return (
                f"{self.name}: {', '.join(absent)} is missing; delete {packages.NODE_MODULES}, run `{packages.SET_UP}`"
            )
        return None


@dataclass(frozen=True)
class PageCase:
    """A case for a runtime in a page; what it tells names both."""

    runtime: PageRuntime
    case: Case
    settings: Settings

    @cached_property
    def request(self) -> Request:
        """What the page is asked to open; raises UnavailableError where no page can hold it."""
        request = self.runtime.request(self.case, self.settings)
        on_disk = [file for file in request.files.values() if isinstance(file, Path) and file.is_file()]
        sizes = [file.stat().st_size for file in on_disk]
        if max(sizes, default=0) > MOST_FETCHED or sum(sizes) > MOST_HELD:
            raise self.unavailable(f"its files take {sum(sizes) / 1e9:.1f} GB, more than a page can hold; {ELSEWHERE}")
        return request

    @property
    def opening(self) -> dict[str, Any]:
        """The argument of the harness' ``open``."""
        return {
            "engine": engine_url(self.runtime.engine),
            "where": self.case.where,
            "files": [*self.request.urls.items()],
            "configuration": self.request.configuration,
        }

    @property
    def files(self) -> dict[str, Path | bytes]:
        """The harness, the runtime and the model, by URL; raises what :attr:`request` raises."""
        model = {self.request.urls[name]: file for name, file in self.request.files.items()}
        module = {engine_url(self.runtime.engine): packages.HARNESS_DIR / "engines" / f"{self.runtime.engine}.mjs"}
        return {**page_files.FILES, **module, **self.runtime.runtime, **model}

    def serving(self, host: str = LOOPBACK) -> AbstractContextManager[Server]:
        """Serve these files, and nothing else, on an interface of this machine.

        Raises at once what :attr:`request` raises.
        """
        origins = self.runtime.allowed_origins(self.settings)
        return serving(self.files, self.runtime.script_sources, self.runtime.imports, host, origins)

    def prove(self, in_effect: InEffect) -> dict[str, Any]:
        """Return what the runtime tells of the session; raise PageError unless the page is what is claimed of it."""
        details = self.runtime.prove(self.case, in_effect, self.settings)
        prove_page(in_effect, self.runtime.threads_in_page(self.case), self.runtime.needed(in_effect))
        return details

    def failed(self, words: str) -> PlatformError:
        """Return the error of a page that broke, or is not what is claimed of it."""
        return PlatformError(f"{self.runtime.name}: {self.case.model_file.name}: {words}")

    def unavailable(self, words: str) -> UnavailableError:
        """Return the error of a case that cannot be run."""
        return UnavailableError(f"{self.runtime.name}: {self.case.model_file.name}: {words}")

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Make a PageError a PlatformError, or what cannot be run where the browser has no memory or no word for it."""
        try:
            yield
        except PageError as error:
            if re.search(EXHAUSTED, str(error)):
                words = f"the page's memory does not suffice ({in_a_line(error, self.case.model_file)})"
                raise self.unavailable(f"{words}; take a smaller --batch-size or --dim, or {ELSEWHERE}") from error
            if NO_LONG_TASKS in str(error):
                raise self.unavailable(f"this browser {NO_LONG_TASKS}; measure this in Chrome or Chromium") from error
            timeout = self.settings.timeout
            raise lacking.refusal(self.runtime.name, self.runtime.called, self.case, error, timeout) from error


class JoinedCase(PageCase):
    """A case for a page that joined: it is measured as what it is, which the result tells."""

    def prove(self, in_effect: InEffect) -> dict[str, Any]:
        """Return what page and runtime tell; raise PageError unless they are what is claimed of them.

        Raises UnavailableError where several threads are asked for, and the page can have but one.
        """
        threads = self.runtime.threads_in_page(self.case)
        if threads > 1 and not in_effect["sharedArrayBuffer"]:
            raise self.unavailable(f"{threads} threads were asked for; {_single(in_effect)}")
        details = self.runtime.prove(self.case, in_effect, self.settings)
        prove_loaded(in_effect, threads, self.runtime.needed(in_effect))
        shared = {"secure_context": in_effect["secure"], "shared_array_buffer": in_effect["sharedArrayBuffer"]}
        return {**shared, **details}

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Explain a PageError as ever; that a device was not here is no fault, and passes."""
        away: AwayError | None = None
        with super().explained():
            try:
                yield
            except AwayError as error:
                away = error
        if away:
            raise away


def _single(in_effect: InEffect) -> str:
    """Say why a page has one thread, and what would change that."""
    if in_effect["crossOriginIsolated"]:
        return "this browser's pages have one, for it has no SharedArrayBuffer; ask for --threads 1"
    return "a page that is not isolated, as over plain HTTP, has one; have it join by --https, or ask for --threads 1"


def require(in_effect: InEffect, wanted: Mapping[str, Any]) -> None:
    """Raise PageError naming the first of *wanted* that is otherwise in the page."""
    for name, value in wanted.items():
        if in_effect[name] != value:
            raise PageError(f"{name} is {in_effect[name]!r} in the page, wanted {value!r}")


def prove_page(in_effect: InEffect, threads: int, needed: set[str]) -> None:
    """Raise PageError where the page is not isolated, lacks SIMD, threads or a fine clock, or loaded other files."""
    require(in_effect, {"crossOriginIsolated": True, "sharedArrayBuffer": True})
    if in_effect["clockResolution"] / 1e3 > CLOCK_RESOLUTION_LIMIT:
        raise PageError(f"performance.now steps {in_effect['clockResolution']} ms: the page's clock is clamped")
    prove_loaded(in_effect, threads, needed)


def prove_loaded(in_effect: InEffect, threads: int, needed: set[str]) -> None:
    """Raise PageError where the page lacks SIMD or threads, or loaded other files."""
    require(in_effect, {"simd": True, "threads": threads})
    if absent := needed - {*in_effect["loaded"]}:
        loaded = ", ".join(in_effect["loaded"])
        raise PageError(f"{', '.join(sorted(absent))} was not loaded; the page loaded {loaded}")
