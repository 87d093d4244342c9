"""Saved runs as tidy rows: one for each benchmark, with all that identifies it, its figures, and its marks.

What report, comparison, exports and the terminal show is read from here, so that none of them loses a mark.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.measuring.ratio import Ratio, percentile
from benchmarks.measuring.starts import Figure
from benchmarks.protocol import Side
from benchmarks.results import devices, keys
from benchmarks.results.machine import names
from benchmarks.results.saved import Result, Run, short

DOUBT = "(!)"
OVER_BUDGET = "over budget"
IN_TITLES = ("untrained", "stand-in")  # signs that a model's name or a title may have already
OF_THE_DAY = (DOUBT, OVER_BUDGET)  # marks of how a figure came out; the others tell what it is of
BASE = "server_cpu"  # the partner that ratios are to
FEWEST_BEYOND = 5  # samples above a percentile: of fewer it says little
PHASE = re.compile(r"test_(?P<phase>\w+)")


@dataclass(frozen=True)
class Mark:
    """What must be read beside a figure wherever it is shown."""

    sign: str  # as it stands behind the figure: ``(!)``, ``untrained``
    words: str  # what it means here


class Told:
    """What a benchmark tells of itself. Times in seconds; what was not told, or is no number, is None."""

    result: Result

    @property
    def name(self) -> str:
        """The benchmark's name without its file: ``test_latency[resnet20-server-cpu-b1]``."""
        return short(self.result.fullname)

    @property
    def phase(self) -> str:
        """What was measured: ``latency``, ``load``; of a benchmark that is not this suite's its function."""
        found = PHASE.match(self.name)
        return found["phase"] if found else self.name.partition("[")[0]

    @property
    def model(self) -> str | None:
        """The model as the benchmark names it; None of one that is not this suite's."""
        return self._param("model")

    @property
    def label(self) -> str | None:
        """The model with what else decides its figures, as the benchmark's name has it: ``novel.stand-in``."""
        of_name = self.name.partition("[")[2].rpartition(f"-{self.platform}-")[0]
        return of_name or self.model

    @property
    def platform(self) -> str | None:
        """Where it ran, with all that was asked for: ``chromium-wasm-2t@worker@4x``; None as above."""
        return self._param("platform")

    @property
    def caches(self) -> str | None:
        """What the caches held, of an opening: ``cold``, ``warm``, ``process``."""
        return self._param("caches")

    def _param(self, name: str) -> str | None:
        value = self.result.params.get(name)
        return None if value is None else str(value)

    def _told(self, name: str) -> str | None:
        value = self.result.info.get(name)
        return None if value is None else str(value)

    @property
    def batch_size(self) -> int | None:
        """Images in a batch; None of a graph without one."""
        size: int | None = self.result.params.get("batch_size", self.result.info.get(keys.BATCH_SIZE))
        return size

    @property
    def precision(self) -> str | None:
        """Of the model's weights."""
        return self._told(keys.PRECISION)

    @property
    def sha256(self) -> str | None:
        """The model file's."""
        return self._told(keys.MODEL_SHA256)

    @property
    def figure(self) -> Figure:
        """The figure that is shown, of the headline's statistic, with its interval of 95 % where it has one."""
        return self.result.figure(self.result.headline)

    @property
    def p10(self) -> float | None:
        """The 10th percentile."""
        return _finite(self.result.seconds("p10"))

    @property
    def median(self) -> float | None:
        """The median, in the middle of the starts."""
        return _finite(self.result.seconds("median"))

    @property
    def p95(self) -> float | None:
        """The 95th percentile as the run told it; else of the samples, and None where too few of them lie above it."""
        samples = self.result.samples
        told = _finite(self.result.seconds("p95"))
        return percentile(samples, 95) if told is None and len(samples) >= 20 * FEWEST_BEYOND else told

    @property
    def images_per_second(self) -> float | None:
        """Of all that was timed; None of what counts no images."""
        return _finite(self.result.seconds("images_per_second"))

    @property
    def top1(self) -> float | None:
        """The right answers in per cent, where they were counted; elsewhere the same key is the manifest's."""
        value: float | None = self.result.info.get(keys.TOP1) if self.phase == "accuracy" else None
        return value

    @property
    def longest_task(self) -> Figure | None:
        """For how long the page was frozen at once, in seconds; None where nobody looked."""
        return self.result.figure_beside(keys.LONGEST_TASK)

    @property
    def is_at_own_rate(self) -> bool:
        """Whether its times are those of the rate that was found for it, so that another's are of another load."""
        return keys.P99_BOUND in self.result.info

    @property
    def ratio(self) -> Ratio | None:
        """How many times ``server-cpu``'s time, measured in turns with it; None where there was no such partner."""
        return self.result.ratios.get(BASE)

    @property
    def marks(self) -> list[Mark]:
        """All that must be read beside its figure."""
        return [*_marks(self.result)]

    @property
    def signs(self) -> str:
        """The marks as they stand behind the figure: ``(!) untrained``."""
        return " ".join(mark.sign for mark in self.marks)


@dataclass(frozen=True)
class Measured(Told):
    """A benchmark of the run that is ending."""

    result: Result


@dataclass(frozen=True)
class Row(Told):
    """A benchmark of a saved run."""

    machine: str  # what its machine is called beside the others; runs of one machine share it
    run: Run
    result: Result
    served_by: str | None = None  # the same of the machine that served, of a device that joined by a link

    @property
    def side(self) -> Side | None:
        """Where the inference runs, as its platform's name says it; None of what is not this suite's."""
        if self.platform is None or not self.run.is_of_this_suite:
            return None
        if keys.SERVER in self.result.info or self.platform.startswith("remote-"):
            return "remote"
        return "server" if self.platform.startswith("server-") else "client"

    @property
    def marks(self) -> list[Mark]:
        """All that must be read beside its figure, the run's own among them."""
        return [*super().marks, *run_marks(self.run)]


def shared_signs(signs: Sequence[Sequence[str]]) -> list[str]:
    """Return the signs that all of several rows bear. A doubt stays with each: its reasons are its own."""
    first = signs[0] if signs else []
    return [sign for sign in first if sign != DOUBT and all(sign in one for one in signs)]


def rows_of(runs: Sequence[Run]) -> list[Row]:
    """Return a row for each benchmark of *runs*, in their order; nothing is averaged, also where a name comes twice."""
    return [
        Row(machine, run, result, served_by)
        for (machine, served_by), run in zip(machines_of(runs), runs, strict=True)
        for result in run.results
    ]


def machines_of(runs: Sequence[Run]) -> list[tuple[str, str | None]]:
    """Return what each run's machine is called beside the others, and of a device the machine that served it."""
    of_devices = [run for run in runs if devices.is_device(run.machine)]
    infos = [run.machine for run in runs] + [devices.served_by(run.machine) for run in of_devices]
    called = names(infos)
    servers = dict(zip(map(id, of_devices), called[len(runs) :], strict=True))
    return [(machine, servers.get(id(run))) for machine, run in zip(called[: len(runs)], runs, strict=True)]


def _marks(result: Result) -> Iterator[Mark]:
    if result.doubts:
        yield Mark(DOUBT, "; ".join(result.doubts.values()))
    if result.is_untrained:
        yield Mark("untrained", "nobody trained the network: its times are such a network's, its answers mean nothing")
    if result.is_stand_in:
        yield Mark(
            "stand-in",
            "a short training where the model's file was absent: its times are such a network's, its answers others",
        )
    if slowdown := result.info.get(keys.SLOWDOWN):
        yield Mark("emulated", f"a client {slowdown['asked']} times weaker, emulated by a quota on this processor")
    if network := result.info.get(keys.NETWORK):
        yield Mark("emulated network", f"{network['asked']['name']}, emulated by {network['kind']}")
    if result.is_software:
        yield Mark("software GPU", "a GPU that is simulated on the processor: no GPU's speed")
    if result.may_steer:
        words = f"{', '.join(result.may_steer)}: values nobody chose, and they may decide what is computed"
        yield Mark("made up", words)
    if result.info.get(keys.OVER_BUDGET):
        yield Mark(OVER_BUDGET, "its page takes more memory than the run allowed it")


def run_marks(run: Run) -> Iterator[Mark]:
    """Yield what must be read beside every figure of a run."""
    for fault in run.faults if run.is_of_this_suite else ():
        yield Mark("not whole", f"its run is not whole: {fault.value}")
    if not run.is_of_this_suite:
        yield Mark("not this suite's", "pytest-benchmark saved it alone: nothing tells what was measured")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
