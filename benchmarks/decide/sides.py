"""The two sides of a decision: a server as it is asked, and a client of a class, each with its answers on a network."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from benchmarks.clients import SLOWDOWNS, called
from benchmarks.decide import formulas
from benchmarks.decide.burden import Burden, burden
from benchmarks.decide.measured import Client, Download, Model, Reading, Way
from benchmarks.decide.spans import NOTHING, Span, through
from browser_harness.network import Conditions

# What the command's --check holds a prediction to; so far an interval reaches beyond what scatters.
KEPT_WITHIN, FIRST_WITHIN = 0.05, 0.10
WEAKER = {factor: called(factor) for factor in SLOWDOWNS}  # the field's names
BY_FACTOR = "a factor of JavaScript, not measured"
WITHOUT_STACK = "without the server's own stack"
WITH_NETWORK = "with the network that lies before the server already"
NEVER_RESTS = "seen over the loopback, where a server never rests between two requests: over a link it is slower"
RELAYED = "asked by a relay: of first requests a preflight is counted that pages of its own origin do not need"
COLD, WARM = "cold", "warm"
IN_WORKER = "@worker"  # behind the platform's name of a client that computes there


@dataclass(frozen=True)
class Served:
    """A server as it is asked, over a connection and a network. Times in seconds, sizes in bytes on the wire."""

    name: str
    machine: str
    scheme: str
    wire: tuple[float, float]
    is_counted: bool  # whether the link counted them; else they are computed
    kept_at_zero: Span  # its answer where the network costs nothing
    first_at_zero: Span
    upload: str  # the form that inputs travel in
    inference: Span | None = None  # of its time what the model takes, where that is told; the rest is its own stack
    notes: Sequence[str] = ()  # what is not as it should be
    doubts: Sequence[str] = ()
    platform: str = ""  # whose inference it is

    def exchange(self, network: Conditions) -> Span:
        """Return what a kept connection's answer adds up to, with the interval of what was measured of it alone."""
        up, down = self.wire
        answer = partial(formulas.kept, network.round_trip, up, down, network.up, network.down)
        # What was measured at no distance is inference and overhead in one.
        return through(answer, self.kept_at_zero, NOTHING)

    @property
    def bare(self) -> "Served | None":
        """The same server if its own stack took nothing; None where nobody knows what it takes."""
        return replace(self, kept_at_zero=self.inference) if self.inference else None

    def kept(self, network: Conditions) -> Span:
        """Return its answer over a connection that is open."""
        return _predicted(self.exchange(network), network, KEPT_WITHIN)

    def first(self, network: Conditions) -> Span:
        """Return its answer to a first request."""
        up, down = self.wire

        def answer(at_zero: float) -> float:
            ways = (network.round_trip, up, down, network.up, network.down)
            return formulas.first(*ways, at_zero, 0.0, self.scheme)

        return _predicted(through(answer, self.first_at_zero), network, FIRST_WITHIN)


def _predicted(span: Span, network: Conditions, within: float) -> Span:
    is_measured = not (network.round_trip or network.down or network.up)
    return span if is_measured else span.widened(within)


def served(model: Model, wanted: Sequence[str] = ()) -> list[Served]:
    """Return the servers there are of a model, or those of the names *wanted*.

    A server that was not asked from a page (``server-cuda``) is taken to be asked as the others are: its inference with
    their overhead. Where nobody asked one at all, the overhead is counted as 0, which a note says.
    """
    asked = [way for way in model.ways.values() if way.total]
    names = wanted or [way.name for way in asked] or [_fastest(model)]
    found = list[Served]()
    for name in filter(None, names):
        if way := next((way for way in asked if way.name == name), None):
            found.append(_as_asked(way, model))
        elif name in model.servers:
            found += _as_if_asked(model, name, [way for way in asked if way.overhead])
    return found


def _fastest(model: Model) -> str:
    """Return the study's server, else the fastest there is; nothing where none was timed."""
    if "server-cpu" in model.servers:
        return "server-cpu"
    return min(model.servers, key=lambda name: model.servers[name].span.value, default="")


def _as_asked(way: Way, model: Model) -> Served:
    assert way.total is not None
    notes = [] if way.first else ["first request: not measured at no distance, taken to be as a later one"]
    if way.has_own_network:
        notes.append(WITH_NETWORK)
    elif not way.is_at_rest:
        notes.append(NEVER_RESTS)
    if way.is_relayed:
        notes.append(RELAYED)
    first = way.first or way.total
    doubts = [*way.total.doubts, *(way.first.doubts if way.first else ())]
    return Served(
        way.name,
        model.machine,
        way.scheme,
        way.wire,
        way.counted is not None,
        way.total.span,
        first.span,
        way.upload[0] if way.upload else "",
        way.inference,
        [*notes, *_wire_notes(way.counted is not None)],
        doubts,
        way.name,
    )


def _as_if_asked(model: Model, name: str, ways: Sequence[Way]) -> Iterator[Served]:
    """Yield a server's inference with the overhead of each of *ways*; with none where there are none."""
    inference = model.servers[name]
    for way in ways:
        assert way.overhead is not None
        assert way.total is not None
        kept = inference.span + way.overhead
        with_network = [WITH_NETWORK] if way.has_own_network else []
        extra = way.first.span.less(way.total.span) if way.first else NOTHING
        yield Served(
            f"{name} by {way.name}",
            model.machine,
            way.scheme,
            way.wire,
            way.counted is not None,
            kept,
            kept + extra,
            way.upload[0] if way.upload else "",
            inference.span,
            [f"its overhead is that of {way.name}", *with_network, *_wire_notes(way.counted is not None)],
            inference.doubts,
            name,
        )
    if not ways:
        wire = formulas.exchanged(model.pixels, 0)
        yield Served(
            name,
            model.machine,
            "http",
            wire,
            False,
            inference.span,
            inference.span,
            "numbers of 4 bytes",
            None,
            [WITHOUT_STACK, *_wire_notes(False)],
            inference.doubts,
            name,
        )


def _wire_notes(is_counted: bool) -> list[str]:
    return [] if is_counted else ["bytes on the wire: computed from what is uploaded, not counted"]


def quickest(servers: Sequence[Served], network: Conditions) -> Served:
    """Return the server that answers first over a connection that is open."""
    return min(servers, key=lambda one: one.kept(network).value)


@dataclass(frozen=True)
class Candidate:
    """A runtime in a page, on a client of a class."""

    platform: str
    later: Span
    loads: Mapping[str, Span]  # without a network, by what the caches held
    firsts: Mapping[str, Span]  # inferences
    fetched: Mapping[str, Download]
    notes: Sequence[str] = ()
    doubts: Sequence[str] = ()
    loads_over: Mapping[tuple[str, str], Span] = field(default_factory=dict)  # by network and caches, with the download
    burden: Burden = field(default_factory=Burden)
    waterfalls: Mapping[str, Sequence[formulas.Request]] = field(default_factory=dict)  # of the loads

    @property
    def download(self) -> Download:
        """What a visitor fetches who has nothing in the cache; of no files where that was not told."""
        return self.fetched.get(COLD, Download())

    def first(self, network: Conditions, caches: str) -> Span | None:
        """Return its first answer with so filled caches; None where its load or its first inference is not measured.

        A load that was measured over that very network stands for itself. Else it is predicted: from its requests,
        which tell what waits for what, or where nobody saw them from their number and bytes.
        """
        if caches in self.firsts and (measured := self.loads_over.get((network.name, caches))):
            return measured + self.firsts[caches]
        if caches not in self.loads or caches not in self.firsts:
            return None
        if requests := self.waterfalls.get(caches):
            load = partial(_load, requests, network)
            return _predicted(through(load, self.loads[caches]), network, FIRST_WITHIN) + self.firsts[caches]
        return self._within_bounds(network, caches)

    def _within_bounds(self, network: Conditions, caches: str) -> Span:
        """Return its first answer where each request may wait for the one before, or all be sent at once.

        The interval holds both.
        """
        download = self.fetched.get(caches, Download())
        files, size = download.files, download.wire
        wire = formulas.on_the_wire(size + files * formulas.RESPONSE_HEAD, 0) if size else 0.0
        fetching = partial(formulas.download, wire, network.down, network.round_trip)
        spent = Span(fetching(files), fetching(min(files, 1)), fetching(files))
        return through(
            formulas.client_first,
            _predicted(spent, network, FIRST_WITHIN),
            self.loads[caches],
            self.firsts[caches],
        )


def _load(requests: Sequence[formulas.Request], network: Conditions, load: float) -> float:
    return formulas.first_load(requests, load, network.round_trip, network.down, network.up)


@dataclass(frozen=True)
class ClientClass:
    """Clients so many times weaker than a machine that was measured, with every runtime that they can take."""

    machine: str
    factor: int  # 1 is the machine itself
    is_measured: bool  # with a quota on the processor; else computed
    candidates: Sequence[Candidate] = field(default_factory=tuple)
    device: str = ""  # what it is called, where it joined by a link

    @property
    def answering(self) -> Candidate:
        """The runtime whose later answers are the earliest, whatever the page bears of it: that is told beside it."""
        return _earliest(self.candidates)

    @property
    def lightest(self) -> Candidate | None:
        """The runtime whose later answers are the earliest of those that are known to burden no page; None of none."""
        light = [candidate for candidate in self.candidates if candidate.burden.is_light]
        return _earliest(light) if light else None

    @property
    def title(self) -> str:
        """What it is, in words: ``a mid-tier mobile (4x, a factor of JavaScript, not measured)``."""
        if self.factor == 1:
            return self.device or "the client as measured"
        name = WEAKER.get(self.factor) or f"client {self.factor} times weaker"
        return f"a {name} ({self.factor}x, {'emulated' if self.is_measured else BY_FACTOR})"


def _earliest(candidates: Sequence[Candidate]) -> Candidate:
    return min(candidates, key=lambda candidate: candidate.later.value)


def is_named(platform: str, names: Sequence[str]) -> bool:
    """Whether a client's platform is among *names*; ``chromium-wasm`` names that in a worker, too."""
    return platform in names or platform.removesuffix(IN_WORKER) in names


def classes(model: Model, platforms: Sequence[str] = (), budget: int | None = None) -> list[ClientClass]:
    """Return the clients of a model: each machine as it is, as it was slowed down, and weaker by a factor.

    A device that joined by a link is what it is: none weaker is made of it. *platforms* are the only ones that count;
    where none is named, all do. *budget* is what a page may take of memory, in bytes; where there is none, that of the
    files.
    """
    timed = [client for client in model.clients.values() if client.latency]
    timed = [client for client in timed if not platforms or is_named(client.platform, platforms)]
    found = list[ClientClass]()
    for machine in dict.fromkeys(client.machine for client in timed):
        here = [client for client in timed if client.machine == machine]
        whole = {client.platform: client for client in here if client.slowdown == 1}
        device = here[0].device
        for factor in [1] if device else sorted({1, *WEAKER, *(client.slowdown for client in here)}):
            slowed = [client for client in here if client.slowdown == factor]
            if slowed:
                candidates = [_as_measured(client, whole.get(client.platform), budget) for client in slowed]
            else:
                candidates = [_by_factor(client, factor, budget) for client in whole.values()]
            if candidates:
                found.append(ClientClass(machine, factor, bool(slowed), candidates, device))
    return found


def _spans(readings: Mapping[str, Reading], factor: float = 1.0) -> dict[str, Span]:
    return {caches: reading.span.times(factor) for caches, reading in readings.items()}


def _as_measured(client: Client, whole: Client | None, budget: int | None) -> Candidate:
    """Return a client as it was timed; one that was slowed down opens as the *whole* one does, by the factor."""
    assert client.latency is not None
    opened, factor, notes = client, 1, list[str]()
    if client.slowdown > 1:
        obtained = f"{client.obtained:.2f}" if client.obtained else "not told"
        notes.append(f"slowed down {client.slowdown} times by a quota, obtained {obtained}")
        if not client.loads and whole is not None and whole.loads:
            opened, factor = whole, client.slowdown
            notes.append(f"its load: {BY_FACTOR}")
    return Candidate(
        client.platform,
        client.latency.span,
        _spans(opened.loads, factor),
        _spans(opened.firsts, factor),
        opened.fetched,
        notes,
        _doubts(client.latency, *opened.loads.values(), *opened.firsts.values(), *client.loads_over.values()),
        {over: reading.span for over, reading in client.loads_over.items()},
        burden(client, whole, client.slowdown, budget),
        _slower(opened.waterfalls, factor),
    )


def _by_factor(client: Client, factor: int, budget: int | None) -> Candidate:
    assert client.latency is not None
    return Candidate(
        client.platform,
        client.latency.span.times(factor),
        _spans(client.loads, factor),
        _spans(client.firsts, factor),
        client.fetched,
        [BY_FACTOR],
        _doubts(client.latency, *client.loads.values(), *client.firsts.values()),
        burden=burden(None, client, factor, budget),
        waterfalls=_slower(client.waterfalls, factor),
    )


def _slower(waterfalls: Mapping[str, Sequence[formulas.Request]], factor: int) -> dict[str, list[formulas.Request]]:
    """Return loads as a client has them that is so many times weaker: without a network all that they wait for is."""

    def slower(request: formulas.Request) -> formulas.Request:
        times = ("start", "response", "end", "compiled")
        return replace(request, **{name: getattr(request, name) * factor for name in times})

    return {caches: [*map(slower, requests)] for caches, requests in waterfalls.items()}


def _doubts(*readings: Reading) -> list[str]:
    return [*dict.fromkeys(words for reading in readings for words in reading.doubts)]
