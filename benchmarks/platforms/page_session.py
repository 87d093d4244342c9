"""A case open in a page: a session over the channel to the page and the host under it."""

import base64
import secrets
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.platforms import loading
from benchmarks.platforms.animated import blocking, per_second
from benchmarks.platforms.batches import answered, parts
from benchmarks.platforms.page_runtime import InEffect, PageCase
from benchmarks.platforms.weak_client import obtained_slowdown
from benchmarks.protocol import (
    Block,
    Blocking,
    CpuTime,
    Facts,
    Feeds,
    Images,
    Memory,
    Network,
    Opening,
    Outputs,
    Slowdown,
    opening_rounds,
)
from browser_harness.channel import Channel, DrivenChannel, FetchedFile
from browser_harness.host import Host
from browser_harness.processes import Thread

INLINE = 1 << 20  # bytes of outputs in an answer, as base64; more are sent by themselves, which takes two round trips
PIECE = 8 << 20  # bytes that a page sends at once: more are no faster, and copies are made of them
PAGE_WARM_UP = 10  # inferences in a page that is renewed because of its age
REST = 1.0  # seconds for which an animation is drawn before anything is computed beside it
FEWEST_ANIMATED = 3  # inferences beside an animation


class PageSession:
    """A case open in a page; samples are read from the page's ``performance.now``.

    Nothing is asked of the page but to answer calls: whoever brought it here decides when it goes.
    """

    facts: Facts

    def __init__(self, case: PageCase, channel: Channel, host: Host) -> None:
        self._case, self._channel, self._host = case, channel, host
        self._published: dict[bytes, str] = {}
        self._parts = 0  # of images, published so far
        self._waterfall: Sequence[Mapping[str, Any]] = ()  # of the requests of the load

    def prepare(self) -> None:
        """Have a page without a runtime or model."""
        with self._case.explained():
            self._host.follow()

    def open(self) -> float:
        """Open the model in a page; return the seconds from asking for the runtime to an open session."""
        self.prepare()
        return self._open()

    def _open(self) -> float:
        in_effect = self._call("open", self._case.opening)
        if words := in_effect.get("unavailable"):
            raise self._case.unavailable(words)
        with self._case.explained():
            self._host.follow()
            self.facts = self._facts(in_effect)
            self._waterfall = loading.waterfall(in_effect["loading"])
        return float(in_effect["load"]) / 1e3

    def _facts(self, in_effect: InEffect) -> Facts:
        runtime, slowdown = self._case.runtime, self._case.case.slowdown
        model, load = self._case.request.urls.values(), in_effect["load"] / 1e3
        details = self._case.prove(in_effect)
        if self._host.slowdown != slowdown:
            raise self._case.unavailable(f"nothing can make this page's machine {slowdown} times weaker")
        return Facts(
            platform=runtime.name,
            execution_provider=runtime.provider,
            threads=None if runtime.threading == "runtime" else in_effect["threads"],
            clock="performance.now",
            clock_resolution=in_effect["clockResolution"] / 1e3,
            surrounding="page",
            slowdown=Slowdown(slowdown) if slowdown > 1 else None,
            where=self._case.case.where,
            is_software=runtime.is_software(in_effect),
            details={
                "cross_origin_isolated": in_effect["crossOriginIsolated"],
                "simd": in_effect["simd"],
                "load_parts": loading.parts(load, in_effect["loading"], model, self._case.case.where),
                **details,
            },
        )

    def opening(self, feeds: Feeds) -> Opening:
        """Open the case in a page and run; return how that went."""
        self.prepare()
        memory = self._host.watch_memory()
        load = self._open()
        (first,), (second,) = self.time(feeds, 1).seconds, self.time(feeds, 1).seconds
        outputs = self.time(feeds, opening_rounds(second)).outputs
        # WebAssembly runs in the page's own process; WebNN and WebGPU compute beside it.
        before, peak = memory.before_and_peak(with_services=self._case.runtime.threading == "runtime")
        # Told of openings alone: of a page that is timed for its inferences it would only fill the file.
        facts = replace(self.facts, details={**self.facts.details, "waterfall": self._waterfall})
        return Opening(load, first, second, outputs, Memory(before, peak, self._call("wasmBytes", {})), facts)

    def keep_on(self, core: int | None) -> None:
        """Keep the processes that compute for the page on a core; None lets them go.

        Some outlive the page: let go before the next is opened, which they would hold up.
        """
        self._host.keep_on(core)

    def run(self, feeds: Feeds) -> Outputs:
        """Run one inference in the page and hand its outputs over."""
        return self.time(feeds, 1).outputs

    def renew(self) -> None:
        """Refuse: there may be no other page."""
        raise NotImplementedError

    def time(self, feeds: Feeds, rounds: int, iterations: int = 1) -> Block:
        """Time *rounds* samples in one call: the loops are the page's, only its samples and last outputs travel."""
        asked = {"feeds": self._feeds(feeds), "rounds": rounds, "iterations": iterations}
        return replace(self._block("time", asked), iterations=iterations)

    def blocking(self, feeds: Feeds, seconds: float) -> tuple[Block, Blocking]:
        """Run inferences for some *seconds*, and FEWEST_ANIMATED at least, while the page draws an animation.

        It is drawn for REST before, while nothing is computed: a browser that does not even draw then is refused.
        """
        at_rest = per_second(self._call("rest", {"seconds": REST}))
        if not at_rest:
            words = f"this browser drew no animation in {REST:g} s, though nothing was computed"
            raise self._case.failed(f"{words}; name another with --browser-path")
        asked = {"feeds": self._feeds(feeds), "seconds": seconds, "least": FEWEST_ANIMATED}
        block, seen = self._ran("animate", asked)
        return block, blocking(seen, at_rest)

    def classify(self, images: Images, batch_size: int) -> Iterator[Block]:
        """Publish the pixels part by part for the page to fetch; it normalises them, and times an inference a batch."""
        for part in parts(images, batch_size):
            yield from self._classify(part, batch_size)

    def _classify(self, part: Images, batch_size: int) -> Iterator[Block]:
        count, *shape = part.pixels.shape
        url = f"/images/{self._parts}.bin"
        self._parts += 1
        self._channel.publish(url, part.pixels.tobytes())
        source = {"pixels": url, "shape": shape, "mean": [*part.mean], "std": [*part.std], "size": batch_size}
        try:
            for start in range(0, count, batch_size):
                images = min(batch_size, count - start)
                yield answered(self._answer(source | {"start": start, "count": images}), images, batch_size)
        finally:
            self._channel.publish(url, b"")  # the page has it

    def _answer(self, source: dict[str, Any]) -> Block:
        """Return one sample, of a batch from *source*."""
        self._call("prepare", source)
        return self._block("timePrepared", {})

    def obtained_slowdown(self, feeds: Feeds) -> float:
        """Return how many times slower inferences really are under the quota, from blocks with and without in turn."""
        assert self.facts.slowdown is not None, "only a case with a slowdown can be asked"

        def seconds(rounds: int) -> Sequence[float]:
            if self.facts.lifetime and rounds > 1:  # or its age would tell, and not the brake
                self.renew()
                self.time(feeds, PAGE_WARM_UP)
            return self.time(feeds, rounds).seconds

        return obtained_slowdown(seconds, self._host)

    def _block(self, function: str, argument: dict[str, Any]) -> Block:
        return self._ran(function, argument)[0]

    def _ran(self, function: str, argument: dict[str, Any]) -> tuple[Block, dict[str, Any]]:
        """Call a function that runs inferences; return these, and all that it answered."""
        before = self._host.thread_seconds()
        answer = self._call(function, argument | {"inline": INLINE})
        after = self._host.thread_seconds()
        samples = [milliseconds / 1e3 for milliseconds in answer["samples"]]
        outputs = {name: self._output(name, output) for name, output in answer["outputs"]}
        computing = _computing(answer.get("told"), samples)
        return Block(samples, outputs, _cpu_time(before, after), computing=computing), answer

    def _output(self, name: str, output: dict[str, Any]) -> NDArray[Any]:
        """Return an output; one that had no room in the answer is sent now, straight into the array."""
        if "data" in output:
            return _array(output)
        array = np.empty(output["dims"], _little_endian(output))
        content = array.reshape(-1).view(np.uint8).data
        for start in range(0, len(content), PIECE):
            piece, path = content[start : start + PIECE], f"/outputs/{secrets.token_hex(16)}.bin"
            argument = {"output": name, "url": path, "start": start, "end": start + len(piece)}
            with self._case.explained(), self._channel.receiving(path, piece):
                self._channel.call("send", argument)
        return array

    def _call(self, function: str, argument: dict[str, Any]) -> Any:
        with self._case.explained():
            return self._channel.call(function, argument)

    def _feeds(self, feeds: Feeds) -> list[dict[str, Any]]:
        return [self._feed(*feed) for feed in feeds.items()]

    def _feed(self, name: str, array: NDArray[Any]) -> dict[str, Any]:
        """Publish an input for the page to fetch once: as an argument it would cost milliseconds a call."""
        little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
        url = self._publish(little_endian.tobytes())
        return {"name": name, "url": url, "type": array.dtype.name, "shape": list(array.shape)}

    def _publish(self, content: bytes) -> str:
        if content not in self._published:
            self._published[content] = f"/inputs/{len(self._published)}.bin"
            self._channel.publish(self._published[content], content)
        return self._published[content]


class DrivenSession(PageSession):
    """A case open in a page that can be replaced by a new one, in a browser whose caches are known."""

    _channel: DrivenChannel

    def __init__(self, case: PageCase, channel: DrivenChannel, host: Host, network: Network | None = None) -> None:
        super().__init__(case, channel, host)
        self._network = network
        self._needed: set[str] = set()
        self._fetched: Mapping[str, FetchedFile] = {}

    def prepare(self) -> None:
        """Load a new page, in place of an earlier one."""
        with self._case.explained():
            self._channel.load()
        super().prepare()

    def _facts(self, in_effect: InEffect) -> Facts:
        facts = super()._facts(in_effect)
        self._needed = self._case.runtime.needed(in_effect)
        self._fetched = self._channel.fetched()
        shipped = _shipped(self._needed, {*self._case.request.urls.values()}, self._fetched)
        details = {**facts.details, **_told(self._fetched), **shipped}
        return replace(facts, lifetime=self._case.runtime.lifetime, network=self._network, details=details)

    def renew(self) -> None:
        """Open the case in a new page, and so in a new process, of the same browser."""
        facts = self.facts  # of the page that fetched everything
        self.open()
        self.facts = facts

    def prove_fetched(self, *, all_of_it: bool) -> None:
        """Raise PlatformError unless *all_of_it*, runtime and model, came from the server in this opening, or none.

        Of what came the page is to have seen the bytes that the server sent.
        """
        with self._case.explained():
            loading.prove_bytes(self._waterfall, self._fetched)
        wanted = self._needed | {*self._case.request.urls.values()}
        fetched, not_fetched = wanted & self._fetched.keys(), wanted - self._fetched.keys()
        if wrong := not_fetched if all_of_it else fetched:
            words = "came from a cache, which was to be empty" if all_of_it else "was fetched again, from a warm cache"
            raise self._case.failed(f"{', '.join(sorted(wrong))} {words}")

    def code_cache(self) -> Mapping[str, int]:
        """Return how many entries with compiled code the browser keeps, of scripts and of WebAssembly."""
        return self._channel.code_cache()


def _told(fetched: Mapping[str, FetchedFile]) -> dict[str, Any]:
    """Return what a result tells of the files that a page fetched: each, and the bytes of all, sent and decoded."""
    wire, decoded = (sum(file[size] for file in fetched.values()) for size in ("wire", "decoded"))
    return {"fetched": fetched, "fetched_bytes": decoded, "fetched_wire_bytes": wire}


def _shipped(runtime: Set[str], model: Set[str], fetched: Mapping[str, FetchedFile]) -> dict[str, Any]:
    """Return what a result tells of what a person would ship; nothing where not all of it came."""
    wanted = runtime | model
    if not wanted or wanted - fetched.keys():
        return {}
    of_runtime, of_model = (sum(fetched[url]["wire"] for url in urls) for urls in (runtime, model))
    return {"shipped": {"runtime": of_runtime, "model": of_model, "files": len(wanted)}}


def _array(output: dict[str, Any]) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(output["data"]), _little_endian(output)).reshape(output["dims"])


def _little_endian(output: dict[str, Any]) -> np.dtype[Any]:
    kind: np.dtype[Any] = np.dtype(output["type"])
    return kind.newbyteorder("<")


def _computing(told: Sequence[float | None] | None, samples: Sequence[float]) -> Sequence[float]:
    """Return the seconds of each sample that a server computed; none where it did not tell of every inference."""
    known = [milliseconds for milliseconds in told or () if milliseconds is not None]
    row = len(known) // len(samples)  # inferences in a sample
    if not row or len(known) != len(told or ()) or len(known) != row * len(samples):
        return ()
    return [sum(known[start : start + row]) / row / 1e3 for start in range(0, len(known), row)]


def _cpu_time(before: Mapping[Thread, float], after: Mapping[Thread, float]) -> CpuTime | None:
    """Return what a page's threads ran between two readings; None where the system did not count."""
    spent = [seconds - before.get(thread, 0.0) for thread, seconds in after.items()]
    return CpuTime(sum(spent), max(spent)) if sum(spent) > 0 else None
