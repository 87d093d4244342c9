"""What the machine under a page tells of the processes that compute for it, and lets be done to them."""

from collections.abc import Mapping, Sequence, Set
from typing import Protocol

from browser_harness.cgroup import Quota
from browser_harness.channel import PageError
from browser_harness.processes import MemoryWatch, Thread, descendants, keep_on, memory, thread_seconds

# Kinds of processes that compute nothing for a page: the browser's own, and those that only fetch, store or play.
WITHOUT_COMPUTING = (
    "browser",
    "network.mojom.NetworkService",
    "storage.mojom.StorageService",
    "audio.mojom.AudioService",
)


class MemorySince(Protocol):
    """The resident memory of what computes for a page, from a moment on."""

    def before_and_peak(self, *, with_services: bool) -> tuple[int | None, int | None]:
        """Return the bytes at that moment and the most since, of the page's process alone or *with_services*.

        None where it is not told.
        """


class Host(Protocol):
    """The machine under a page. One that does not know answers None, or nothing, and lets nothing be done."""

    @property
    def slowdown(self) -> int:
        """How many times weaker it is made; 1 where nothing slows it down."""

    @property
    def counted(self) -> str | None:
        """What :meth:`thread_seconds` counts, in words; None where nobody counts."""

    def follow(self) -> None:
        """Find the processes that the page has now; raise PageError where one has escaped what slows it down."""

    def thread_seconds(self) -> Mapping[Thread, float]:
        """Return the processor seconds so far of every thread that can compute for the page; none where not told."""

    def watch_memory(self) -> MemorySince:
        """Watch the memory from now on."""

    def keep_on(self, core: int | None) -> None:
        """Keep what computes for the page on a core, where that can be told; None lets it go."""

    def slow_down(self) -> None:
        """Make it weaker by :attr:`slowdown`."""

    def run_freely(self) -> None:
        """Let it run at full speed until :meth:`slow_down`."""


class UnknownHost:
    """The machine under a page of which nothing is known but what the page says, such as a phone."""

    slowdown = 1
    counted = None

    def follow(self) -> None:
        """Do nothing."""

    def thread_seconds(self) -> Mapping[Thread, float]:
        """Return nothing."""
        return {}

    def watch_memory(self) -> "UnknownMemory":
        """Watch nothing."""
        return UnknownMemory()

    def keep_on(self, core: int | None) -> None:
        """Leave it where the system puts it."""

    def slow_down(self) -> None:
        """Do nothing: it is made no weaker."""

    def run_freely(self) -> None:
        """Do nothing: it does."""


class UnknownMemory:
    """Memory of which nothing is known."""

    def before_and_peak(self, *, with_services: bool) -> tuple[None, None]:
        """Return None twice."""
        return None, None


class Browser(Protocol):
    """A browser on this machine."""

    def processes(self) -> Mapping[str, Sequence[int]]:
        """Return the browser's processes by kind, in DevTools' words."""


class LocalHost:
    """The machine that the suite runs on, under a page of *browser*, which a *quota* may slow down.

    Threads of the names *beside* compute no inference: they are neither counted nor kept on a core.
    """

    def __init__(self, browser: Browser, quota: Quota | None = None, beside: Set[str] = frozenset()) -> None:
        self._browser, self._quota, self._beside = browser, quota, beside
        self._processes: Mapping[str, Sequence[int]] = {}

    @property
    def slowdown(self) -> int:
        """How many times weaker the browser is made."""
        return self._quota.slowdown if self._quota else 1

    @property
    def counted(self) -> str:
        """The threads that are counted."""
        without = (
            f", without {', '.join(sorted(self._beside))}, which compile in the background" if self._beside else ""
        )
        return f"the processes that compute for the page{without}"

    @property
    def renderers(self) -> Sequence[int]:
        """The processes that pages run in."""
        return self._processes["renderer"]

    @property
    def services(self) -> list[int]:
        """The processes that may compute for a page beside its own: the GPU's and utilities."""
        others = {kind: pids for kind, pids in self._processes.items() if kind not in ("renderer", *WITHOUT_COMPUTING)}
        return [pid for pids in others.values() for pid in pids]

    @property
    def computing(self) -> list[int]:
        """The processes that may compute for a page: WebNN and a software GPU compute outside the renderer."""
        return [*self.renderers, *self.services]

    def all_processes(self) -> set[int]:
        """Return the browser's processes, on Linux also those that it starts others from."""
        (browser,) = self._processes["browser"]
        return descendants(browser).union(*self._processes.values())

    def follow(self) -> None:
        """Find the processes anew, for some are started only when they are needed, and slow them down."""
        self._processes = self._browser.processes()
        if self._quota:
            self._take_into(self._quota)

    def _take_into(self, quota: Quota) -> None:
        """Take all of the browser into the control group; one that forks meanwhile is looked at again."""
        adopted: set[int] = set()
        while new := self.all_processes() - adopted:
            quota.adopt(new)
            adopted |= new
        # One without memory has ended, and is only listed until its parent has asked how.
        free = [pid for pid in sorted(adopted) if not quota.holds(pid) and memory(pid, "VmRSS")]
        if free:
            raise PageError(f"the browser's process {free[0]} is outside the control group that slows it down")

    def thread_seconds(self) -> Mapping[Thread, float]:
        """Return the processor seconds so far of every thread that can compute for the page; none where not told."""
        return thread_seconds(self.computing, self._beside)

    def watch_memory(self) -> "LocalMemory":
        """Watch the memory of all that may compute."""
        return LocalMemory(self)

    def keep_on(self, core: int | None) -> None:
        """Keep all that may compute on a core; None lets it go."""
        keep_on(core, self.computing, self._beside)

    def slow_down(self) -> None:
        """Put the quota in force."""
        if self._quota:
            self._quota.apply()

    def run_freely(self) -> None:
        """Lift the quota."""
        if self._quota:
            self._quota.lift()


class LocalMemory:
    """The memory of the processes that compute for a page on this machine, from now on."""

    def __init__(self, host: LocalHost) -> None:
        self._host = host
        self._watches = {pid: MemoryWatch(pid) for pid in host.computing}
        self._ran = host.thread_seconds()

    def before_and_peak(self, *, with_services: bool) -> tuple[int | None, int | None]:
        """Return the memory at the start and the most since, summed over the processes that computed.

        Services count only where the runtime computes in them, for a browser has a GPU's process in any case. One that
        was started since then held nothing before.
        """
        computed = [self._page_itself(), *(self._host.services if with_services else [])]
        watches = self._watches
        before = _total([watches[pid].before if pid in watches else 0 for pid in computed])
        peak = _total([watches[pid].peak() if pid in watches else memory(pid, "VmHWM") for pid in computed])
        return before, peak

    def _page_itself(self) -> int:
        """Return the renderer that ran: an earlier page's may still be ending, another wait for a next page."""
        spent = dict.fromkeys(self._host.renderers, 0.0)
        for (pid, thread), seconds in self._host.thread_seconds().items():
            if pid in spent:
                spent[pid] += seconds - self._ran.get((pid, thread), 0.0)
        return max(spent, key=lambda pid: spent[pid])


def _total(sizes: Sequence[int | None]) -> int | None:
    """Return the sum; None where a size is not told."""
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None
