"""What saved runs say of both sides, model by model: the server's of one machine, clients' of any number of them.

Nothing is made up here: what no run holds is None, and who needs it says so.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any
from urllib.parse import urlsplit

from benchmarks.decide import formulas
from benchmarks.decide.spans import Span
from benchmarks.measuring.starts import Figure
from benchmarks.results import Result, Run, devices, keys
from benchmarks.results.machine import machine_name
from browser_harness import page_files
from browser_harness.network import Conditions

# Of a target in the names of results: chromium-wasm-2t@worker@4x-over-cable. A worker's is a client of its own.
LABEL = re.compile(r"(?P<name>.+?)(@\d+x)?(-over-.+)?")
TEST = re.compile(r"test_(?P<phase>\w+)\[")
# Of a throughput, what it is measured by: first that which is most like a server people ask.
SCENARIOS = {"server": "as queries arrive by chance", "offline": "all at once", "single_stream": "one after another"}
NUMBER = 4  # bytes of a float32
ANSWER = 1000 * NUMBER  # bytes of a classifier's answer where nobody counted it: a thousand classes


NEARBY = 0.01  # seconds: of a round trip without a limit of rate, from which a server's own time is told


class MixedError(Exception):
    """Files that do not belong together; the message names them and says why."""

    @classmethod
    def of_files(cls, model: str, other: tuple[Run, str], first: tuple[Run, str]) -> "MixedError":
        """Say of a model that two runs, each with the SHA-256 of its file, mean two files by its name."""
        (run, digest), (before, known) = other, first
        return cls(
            f"{run.file}: its {model} is another file (SHA-256 {digest[:12]}) than in {before.file} ({known[:12]}); "
            "leave one of them out"
        )


@dataclass(frozen=True)
class Reading:
    """A figure of a saved run, in seconds (or predictions a second), and where it comes from."""

    span: Span
    machine: str
    name: str  # of the result
    doubts: Sequence[str] = ()

    @property
    def mark(self) -> str:
        """The suite's mark of a doubtful figure."""
        return " (!)" if self.doubts else ""


@dataclass
class Way:
    """A way of asking a server: what is sent, and over what; its answers at a round trip of 0, and over networks."""

    name: str  # the platform's, such as remote-cpu-uint8
    scheme: str = "http"
    software: str = ""
    url: str | None = None  # of a server that was there; None of one that the suite started
    is_relayed: bool = False
    upload: tuple[str, int] | None = None  # the form that inputs travel in, and their bytes
    counted: tuple[float, float] | None = None  # bytes on the wire, up and down, as the link counted them
    inference: Span | None = None  # of the server, by its own word, in those of total
    over: dict[tuple[str, str], Reading] = field(default_factory=dict)  # by network and "kept" or "first"
    # "kept" and "first" as they were seen nearby, and at what round trip that was obtained
    nearby: dict[str, tuple[Reading, float]] = field(default_factory=dict)
    fitness: dict[str, int] = field(default_factory=dict)  # how well each was seen

    @property
    def has_own_network(self) -> bool:
        """Whether a network that nobody knows lies before it, whatever was asked for: its answers hold it."""
        return self.url is not None and not _is_here(self.url)

    @property
    def is_at_rest(self) -> bool:
        """Whether its later answers were seen over a link, and not the loopback, over which it never rests."""
        return self.fitness.get("kept", 0) > 0

    @property
    def wire(self) -> tuple[float, float]:
        """Bytes up and down an inference has on the wire: counted, else computed."""
        return self.counted or formulas.exchanged(self.upload[1] if self.upload else 0, ANSWER)

    @property
    def total(self) -> Reading | None:
        """Its answer over a kept connection, less the round trip that it was seen at; None where it was not nearby."""
        return self._at_zero("kept", lambda round_trip: round_trip)

    @property
    def first(self) -> Reading | None:
        """Its answer to a first request, less the round trips that this took; None where it was not seen nearby."""
        return self._at_zero("first", lambda seconds: formulas.first(seconds, *self.wire, 0, 0, 0, 0, self.scheme))

    def _at_zero(self, which: str, travelled: Callable[[float], float]) -> Reading | None:
        if which not in self.nearby:
            return None
        reading, round_trip = self.nearby[which]
        return replace(reading, span=reading.span.less(Span.exactly(travelled(round_trip))))

    @property
    def overhead(self) -> Span | None:
        """What page, stack and framework add to the inference; None where the server does not tell it."""
        return self.total.span.less(self.inference) if self.total and self.inference else None


@dataclass(frozen=True)
class Download:
    """What a page fetched of runtime and model."""

    wire: int = 0  # bytes as they travelled, without any head
    decoded: int = 0  # bytes as the page reads them
    files: int = 0

    @property
    def is_compressed(self) -> bool:
        """Whether some of it came in fewer bytes than it has; older servers sent everything as it is."""
        return self.wire < self.decoded


@dataclass
class Client:
    """A runtime in a page of a machine, as it is or slowed down; openings by what the caches held."""

    machine: str
    platform: str  # in a worker ``chromium-wasm@worker``
    slowdown: int = 1
    device: str = ""  # what it is called, where it joined by a link: ``Firefox 153, 2 cores, http``
    obtained: float | None = None  # how many times slower it really was
    latency: Reading | None = None
    loads: dict[str, Reading] = field(default_factory=dict)
    firsts: dict[str, Reading] = field(default_factory=dict)
    fetched: dict[str, Download] = field(default_factory=dict)
    waterfalls: dict[str, Sequence[formulas.Request]] = field(default_factory=dict)  # of loads, without a network
    loads_over: dict[tuple[str, str], Reading] = field(default_factory=dict)  # by network and caches
    is_compressed: dict[str, bool] = field(default_factory=dict)  # what these loads fetched
    longest_task: Reading | None = None  # of its page, while it computed
    frames_missed: float | None = None  # of those wanted the share that its page missed, in the start that froze most
    memories: dict[str, int] = field(default_factory=dict)  # bytes that its page took at most, over its start
    budget: int | None = None  # bytes of them that it might take, where the run was told

    @property
    def name(self) -> str:
        """As it stands in the names of results."""
        return self.platform + (f"@{self.slowdown}x" if self.slowdown > 1 else "")


@dataclass
class Model:
    """A model in a precision, and all that was measured of it."""

    name: str
    precision: str
    sha256: str
    is_untrained: bool
    shapes: Mapping[str, Sequence[int]]  # of its inputs
    machine: str = ""  # the server's
    servers: dict[str, Reading] = field(default_factory=dict)  # inference in the server's own process, by platform
    ways: dict[str, Way] = field(default_factory=dict)
    clients: dict[tuple[str, str, int], Client] = field(default_factory=dict)
    rates: dict[tuple[str, str], Reading] = field(
        default_factory=dict
    )  # predictions a second, by platform and scenario
    left_out: list[str] = field(default_factory=list)  # what was measured and does not count, and why
    is_stand_in: bool = False  # trained shortly, where its own file was absent

    @property
    def pixels(self) -> int:
        """Bytes of its inputs, as float32."""
        return sum(math.prod(shape) for shape in self.shapes.values()) * NUMBER

    @property
    def title(self) -> str:
        """The name with what a reader has to know of it."""
        notes = [self.precision] * (self.precision != "float32") + ["untrained"] * self.is_untrained
        notes += ["stand-in"] * self.is_stand_in
        return self.name + (f" ({', '.join(notes)})" if notes else "")

    def rate(self, platform: str) -> tuple[Reading, str] | None:
        """Return the predictions a second that a platform carries, and how they came; None where that is not known."""
        found = ((self.rates.get((platform, scenario)), words) for scenario, words in SCENARIOS.items())
        return next(((reading, words) for reading, words in found if reading), None)


def read(runs: Sequence[Run]) -> list[Model]:
    """Return what *runs* say, model by model; of two runs of the same, the later counts.

    The server is that of the first of the *runs*, in their order, that asked one, or else timed one. Raises MixedError
    where two of them mean different models, inputs or servers by one name.
    """
    models: dict[str, Model] = {}
    origins: dict[str, Run] = {}
    chosen = _servers_machine(runs)
    for run in sorted(runs, key=lambda run: run.saved):
        for result in run.results:
            _take(models, origins, run, result, chosen)
    return [*models.values()]


def by_server(runs: Sequence[Run]) -> list[list[Run]]:
    """Return the *runs* of each machine that has a server, so that its own clients are held against that.

    Those of machines without one stand beside the runs of the machine whose server answers, as in :func:`read`.
    """
    chosen = _servers_machine(runs)
    serving = dict.fromkeys([chosen, *(machine_of(run) for run in runs if any(map(_is_asked, run.results)))])
    groups: dict[str | None, list[Run]] = {machine: [] for machine in serving}
    for run in runs:
        machine = machine_of(run)
        groups[machine if machine in groups else chosen].append(run)
    return [*groups.values()]


def of_results(results: Iterable[Result], machine: str) -> list[Model]:
    """Return what the *results* of a run that is not yet saved say."""
    models: dict[str, Model] = {}
    for result in results:
        if (model := _model(models, result)) is not None:
            _note(model, result, machine, has_server=True)
    return [*models.values()]


def machine_of(run: Run) -> str:
    """Return a run's machine, in words; of a device that joined all that it says of itself and is told apart by."""
    info = run.machine
    if devices.is_device(info):
        return devices.longest(devices.of_run(info))
    gpus = [str(gpu.get("name")) for gpu in info.get("gpus") or ()]
    cores = int(info.get("cores_usable", info.get("cpu", {}).get("count", 0)) or 0)
    return machine_name({"machine": "unknown", "cpu": {}, **info}, cores, gpus, info.get(keys.QUOTA))


def _servers_machine(runs: Sequence[Run]) -> str | None:
    """Return the machine whose server answers; None where no run has one."""
    for is_wanted in (_is_remote, _is_server):
        for run in runs:
            if any(is_wanted(result) for result in run.results):
                return machine_of(run)
    return None


def _take(models: dict[str, Model], origins: dict[str, Run], run: Run, result: Result, chosen: str | None) -> None:
    model = _model(models, result)
    if model is None:
        return
    origin = origins.setdefault(model.name, run)
    if (seen := str(result.info.get(keys.MODEL_SHA256))) != model.sha256:
        raise MixedError.of_files(model.name, (run, seen), (origin, model.sha256))
    if (shapes := result.info.get(keys.INPUTS, model.shapes)) != model.shapes:
        raise MixedError(
            f"{run.file}: its {model.name} was fed {_shown(shapes)}, in {origin.file} {_shown(model.shapes)}; "
            "leave one of them out"
        )
    machine = machine_of(run)
    _note(model, result, machine, has_server=machine == chosen, device=device_of(run))


def device_of(run: Run) -> str:
    """Return what a run's device is called; nothing where it is for none."""
    return devices.short(devices.of_run(run.machine)) if devices.is_device(run.machine) else ""


def _shown(shapes: Mapping[str, Sequence[int]]) -> str:
    return ", ".join(f"{name} [{', '.join(map(str, shape))}]" for name, shape in shapes.items())


def _model(models: dict[str, Model], result: Result) -> Model | None:
    """Return the model that a result is of; None where it is no time of one input at once."""
    name, batch = result.params.get("model"), result.info.get(keys.BATCH_SIZE, 1)
    if name is None or "platform" not in result.params or batch not in (1, None):
        return None
    info = result.info
    if name not in models:
        precision, sha256 = str(info.get(keys.PRECISION, "float32")), str(info.get(keys.MODEL_SHA256))
        inputs = info.get(keys.INPUTS, {})
        models[name] = Model(str(name), precision, sha256, result.is_untrained, inputs, is_stand_in=result.is_stand_in)
    return models[name]


def phase_of(result: Result) -> str:
    """Return what a result measured, such as ``latency``."""
    match = TEST.match(result.name)
    return match["phase"] if match else ""


def _note(model: Model, result: Result, machine: str, *, has_server: bool, device: str = "") -> None:
    """Put a result where it belongs."""
    if result.is_software:
        model.left_out.append(f"{result.name}: on a simulated GPU, no speed")
        return
    if not _is_remote(result) and not _is_server(result):
        _note_client(model, result, machine, device)
    elif has_server:
        model.machine = machine
        (_note_way if _is_remote(result) else _note_server)(model, result, machine)
    else:
        words = f"the servers of {machine}: those of another machine count"
        model.left_out += [words] if words not in model.left_out else []


def _platform(result: Result) -> str:
    """Return the platform's name, with its threads where they are several; without network and slowdown."""
    match = LABEL.fullmatch(str(result.params["platform"]))
    assert match is not None, "it takes any text"
    return match["name"]


def _is_remote(result: Result) -> bool:
    return keys.SERVER in result.info or str(result.params.get("platform")).startswith("remote-")


def _is_server(result: Result) -> bool:
    return str(result.params.get("platform")).startswith("server-")


def _is_asked(result: Result) -> bool:
    return _is_server(result) or _is_remote(result)


def _reading(result: Result, machine: str, figure: Figure | None = None) -> Reading | None:
    """Return the figure that is shown of a result, or another one; None where it is no time."""
    figure = figure or result.figure(result.headline)
    if not (math.isfinite(figure.value) and figure.value > 0):
        return None
    return Reading(Span.of(figure), machine, result.name, [*result.doubts.values()])


def _rate(result: Result, machine: str) -> Reading | None:
    """Return the predictions a second of a throughput; None where it has none."""
    return _reading(result, machine, result.rate) if result.rate else None


def _note_server(model: Model, result: Result, machine: str) -> None:
    phase, name = phase_of(result), _platform(result)
    if phase == "latency" and (reading := _reading(result, machine)):
        model.servers[name] = reading
    if phase in SCENARIOS and (reading := _rate(result, machine)):
        model.rates[name, phase] = reading


def _note_client(model: Model, result: Result, machine: str, device: str) -> None:
    slowdown: Mapping[str, Any] = result.info.get(keys.SLOWDOWN) or {}
    key = (machine, _platform(result), int(slowdown.get("asked", 1)))
    client = model.clients.setdefault(key, Client(*key, device))
    phase, reading, caches = phase_of(result), _reading(result, machine), str(result.params.get("caches"))
    over = network_of(result)
    if reading is None:
        return
    if phase == "latency":
        client.latency, client.obtained = reading, result.info.get(keys.SLOWDOWN_OBTAINED)
        client.fetched.setdefault("cold", _fetched(result))
    elif phase == "load":
        _forget_others(model, client, caches, _fetched(result))
        _note_load(client, caches, over, reading, result)
    elif phase == "first_inference" and over is None:
        client.firsts[caches] = reading
    elif phase == "blocking":
        client.longest_task, client.frames_missed = _longest_task(result, machine), _frames_missed(result)
    elif phase == "memory":
        _note_memory(client, caches, result)


def _forget_others(model: Model, client: Client, caches: str, fetched: Download) -> None:
    """Leave out the loads that were noted before one whose files were sent otherwise: they are of another download."""
    if client.is_compressed.setdefault(caches, fetched.is_compressed) == fetched.is_compressed:
        return
    client.is_compressed[caches] = fetched.is_compressed
    for one in (client.loads, client.fetched, client.waterfalls):
        one.pop(caches, None)
    client.loads_over = {over: reading for over, reading in client.loads_over.items() if over[1] != caches}
    before, now = ("as they are", "compressed") if fetched.is_compressed else ("compressed", "as they are")
    model.left_out.append(f"older {caches} loads of {client.name}: their files were sent {before}, now {now}")


def _note_load(client: Client, caches: str, over: Conditions | None, reading: Reading, result: Result) -> None:
    if over is not None:
        client.loads_over[over.name, caches] = reading
        return
    client.loads[caches] = reading
    client.fetched[caches] = _fetched(result)
    client.waterfalls[caches] = waterfall(result)


def _fetched(result: Result) -> Download:
    """Return what a page fetched of runtime and model; its own files are no part of a client's download."""
    fetched: Mapping[str, Mapping[str, int]] = result.info.get(keys.DETAILS, {}).get(keys.FETCHED, {})
    wanted = [told for file, told in fetched.items() if file not in page_files.FILES]
    return Download(sum(told["wire"] for told in wanted), sum(told["decoded"] for told in wanted), len(wanted))


def waterfall(result: Result) -> list[formulas.Request]:
    """Return the requests of a load as the page saw them; none of older runs, which did not store them."""
    known = [one.name for one in fields(formulas.Request)]
    saved: Sequence[Mapping[str, Any]] = result.info.get(keys.DETAILS, {}).get(keys.WATERFALL) or ()
    return [formulas.Request(**{name: one[name] for name in known if name in one}) for one in saved]


def _longest_task(result: Result, machine: str) -> Reading | None:
    """Return how long a page's main thread is taken for at once, in the middle of its starts; None where nobody saw it.

    Not of the start that froze most: a machine that does something else for a moment makes one.
    """
    found = result.figure_beside(keys.LONGEST_TASK)
    return _reading(result, machine, found) if found else None


def _frames_missed(result: Result) -> float | None:
    """Return the share of frames that a page missed: what else draws it may be busy while its main thread is free."""
    return result.blocking.missed if result.blocking else None


def _note_memory(client: Client, caches: str, result: Result) -> None:
    """Note what a page took over its start, where the system told that, and what it might take."""
    if result.taken is not None:
        client.memories[caches] = result.taken
    client.budget = result.info.get(keys.MEMORY_BUDGET, client.budget)


def network_of(result: Result) -> Conditions | None:
    """Return what lay between page and servers; None where nothing did."""
    saved = result.info.get(keys.NETWORK)
    if not saved:
        return None
    asked = saved["asked"]
    return Conditions(str(asked["name"]), float(asked["round_trip"]), float(asked["down"]), float(asked["up"]))


def _note_way(model: Model, result: Result, machine: str) -> None:
    phase, name, over = phase_of(result), _platform(result), network_of(result)
    way = model.ways.setdefault(name, Way(name, scheme=scheme_of(name)))
    _describe(way, result, over)
    if phase in SCENARIOS:
        if rate := _rate(result, machine):
            model.rates[name, phase] = rate
        return
    which = {"latency": "kept", "first_inference": "first"}.get(phase)
    reading = _reading(result, machine)
    if which is None or reading is None:
        return
    if over is not None:
        way.over[over.name, which] = reading
    if over is None or not (over.round_trip > NEARBY or over.down or over.up):
        _note_nearby(way, which, reading, result, over)


def _is_here(url: str) -> bool:
    """Whether a URL leads to this machine itself."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def scheme_of(platform: str) -> str:
    """Return what a remote platform speaks, by its name: http, https or h2."""
    return next((scheme for scheme in ("https", "h2") if f"-{scheme}" in platform), "http")


def _describe(way: Way, result: Result, over: Conditions | None) -> None:
    """Note what any result over a way tells of it; raise MixedError where it is of another server than before."""
    server, upload = result.info.get(keys.SERVER) or {}, result.info.get(keys.UPLOAD)
    url = server.get("url")
    if way.software and url != way.url:
        raise MixedError(f"{way.name} is {way.url} in one file and {url} in another; leave one of them out")
    way.url, way.is_relayed = url, bool(server.get("is_relayed"))
    way.software = str(server.get("software", way.software))
    if server.get("protocol") == "h2":
        way.scheme = "h2"
    elif str(server.get("url") or "").startswith("https:"):
        way.scheme = "https"
    if upload:
        way.upload = str(upload["form"]), int(upload["bytes"])
    # A slow link has fewer acknowledgements of its own, so one without a limit counts before others.
    counted = result.info.get(keys.WIRE_BYTES)
    is_kept = phase_of(result) == "latency"
    if counted and is_kept and (way.counted is None or (over and not over.down)):
        way.counted = float(counted["up"]), float(counted["down"])


def _note_nearby(way: Way, which: str, reading: Reading, result: Result, over: Conditions | None) -> None:
    """Note an answer of a server that is near: over a link rather than loopback, which is another stack.

    A short round trip rather than none: a server that rests between two requests is slower than one that does not.
    """
    fitness = 0 if over is None else 2 if over.round_trip else 1
    if way.fitness.get(which, -1) > fitness:
        return
    round_trip = float(result.info[keys.NETWORK]["obtained"]["round_trip"]) if over and over.round_trip else 0.0
    way.fitness[which], way.nearby[which] = fitness, (reading, round_trip)
    if which == "kept":
        computed = result.figure_beside(keys.SERVER_SECONDS)
        way.inference = Span.of(computed) if computed else None
