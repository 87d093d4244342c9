"""How far a benchmark can be trusted: what else the machine did meanwhile, and whether the samples show it.

Each finding that makes a figure doubtful comes with what to do about it, as pyperf's do.
"""

import math
import os
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks import quota
from benchmarks.measuring.ratio import by_start, of_starts, p10
from benchmarks.measuring.starts import figure, odd_ones
from benchmarks.protocol import THREADS_UNPROVED, Block, Facts
from browser_harness.joined.channel import VARIABLE
from browser_harness.network import doubt

FEWEST_BLOCKS = 4
COUNTING_ERROR = 0.1  # cores; the kernel counts in ticks of 10 ms

CPU = Path("/sys/devices/system/cpu")
MEMORY_PRESSURE = Path("/proc/pressure/memory")


@dataclass(frozen=True)
class Reading:
    """The machine's counters at one moment; None where the system does not keep them. Seconds, and Hz."""

    time: float
    busy: float | None = None  # of all cores together
    stolen: float | None = None
    ours: float = 0.0  # of this process and everything that it started, where all cores' are known
    theirs: Mapping[int, float] = field(default_factory=dict)  # of each other process, where it was asked for
    frequency: float | None = None  # of the fastest core
    throttled: int | None = None  # events since the machine was started
    groups: quota.Groups = field(default_factory=dict)  # of control, of all that is ours
    memory_wait: float | None = None  # while any program could not go on for want of memory


def read(others: bool = False) -> Reading:
    """Read the counters; takes about a millisecond, and several with those of the *others*, process by process."""
    now = time.perf_counter()
    # Elsewhere psutil does not count the time of children that have ended, so that a browser that has ended would pass
    # for another program; and the frequency that it gives there is the nominal one.
    if sys.platform != "linux":
        return Reading(now)
    busy, stolen = _busy()
    us = psutil.Process(_eldest())
    family = [us, *us.children(recursive=True)]
    theirs = _theirs(family) if others else {}
    groups = quota.read(process.pid for process in family)
    return Reading(now, busy, stolen, _ours(family), theirs, _frequency(), _throttled(), groups, _memory_wait())


def _eldest() -> int:
    """Return the process whose children are ours: this one, or the one that lends a device and started its browser."""
    return os.getppid() if VARIABLE in os.environ else os.getpid()


def _busy() -> tuple[float | None, float | None]:
    if sys.platform != "linux":
        return None, None
    try:
        times = psutil.cpu_times()
    except OSError:  # hidden from this user
        return None, None
    return times.user + times.nice + times.system + times.irq + times.softirq, times.steal


def _ours(family: Iterable[psutil.Process]) -> float:
    """Return the processor time of *family*, with that of their children that have ended."""
    seconds = 0.0
    for process in family:
        with suppress(psutil.Error):  # it has just ended
            times = process.cpu_times()
            seconds += times.user + times.system + times.children_user + times.children_system
    return seconds


def _theirs(family: Iterable[psutil.Process]) -> dict[int, float]:
    """Return the processor time of each process but *family*.

    Without that of their ended children, which may have been ours: the system's first process adopts what a browser
    leaves behind.
    """
    ours, seconds = {process.pid for process in family}, {}
    for process in psutil.process_iter():  # naming what to read of each would take twice as long
        if process.pid not in ours:
            with suppress(psutil.Error):
                times = process.cpu_times()
                seconds[process.pid] = times.user + times.system
    return seconds


def _frequency() -> float | None:
    try:
        cores = psutil.cpu_freq(percpu=True)
    except (OSError, NotImplementedError, ValueError):  # hidden from this user, or by a virtual machine
        return None
    # A core without a highest frequency is a virtual machine's: what it tells never changes.
    return max((core.current * 1e6 for core in cores if core.max), default=None)


def _throttled() -> int | None:
    """Return the events of all cores, which psutil does not tell."""
    counts = []
    for file in CPU.glob("cpu[0-9]*/thermal_throttle/core_throttle_count"):
        try:
            counts.append(int(file.read_text()))
        except (OSError, ValueError):  # hidden from this user, or by a virtual machine
            continue
    return sum(counts) if counts else None


def _memory_wait() -> float | None:
    """Return the kernel's pressure stall information: pages read or swapped in again, or freed at a group's limit."""
    try:
        some, *_full = MEMORY_PRESSURE.read_text().splitlines()
        return int(some.rpartition("total=")[2]) / 1e6
    except (OSError, ValueError):  # switched off: then the file is there, and cannot be read
        return None


def assess(
    blocks: Sequence[Block],
    facts: Facts,
    before: Reading,
    after: Reading,
    slowdown: float | None = None,
) -> dict[str, Any]:
    """Return what is known of a benchmark's circumstances, for extra_info; what is not known is left out.

    *slowdown* is how many times slower a client became that was to be slowed down. ``doubts`` says in words what makes
    the figure doubtful, :func:`advice` what to do about it; ``unknown`` what should be known, and is not.
    """
    known = _machine(before, after) | _others(before, after) | _samples(blocks, facts) | _network(facts)
    known |= _connections(blocks, facts)
    if slowdown and facts.slowdown:
        known["slowdown_excess"] = slowdown / facts.slowdown.asked
    return known | {"doubts": _doubts(known)} | _unknown(known, _of_machine(before, after))


def assess_steady(
    blocks: Sequence[Block], facts: Facts, before: Reading, after: Reading, slowdown: float | None = None
) -> dict[str, Any]:
    """Return the same of inferences one after another and nothing else, of which a session should tell more."""
    known = assess(blocks, facts, before, after, slowdown)
    return known | _unknown(known, [*_of_machine(before, after), *_of_session(facts)])


def assess_openings(blocks: Sequence[Block], facts: Facts, before: Reading, after: Reading) -> dict[str, Any]:
    """Return the same of sessions that were opened one after another.

    Each is a start. That they differ is told by the interval, and not doubtful: a few openings always do. Sessions that
    ended meanwhile are no longer counted as ours, so that the time of other programs is that of the processes which
    were there throughout.
    """
    known = _machine(before, after) | _samples(blocks, facts) | _network(facts)
    throughout = before.theirs.keys() & after.theirs.keys()
    if throughout:
        others = math.fsum(after.theirs[process] - before.theirs[process] for process in throughout)
        known["other_programs"] = others / (after.time - before.time)
    return known | {"doubts": _doubts(known, ignored=("margin", "drift"))} | _unknown(known, _of_machine(before, after))


def assess_clock(blocks: Sequence[Block], facts: Facts) -> dict[str, Any]:
    """Return only whether the samples are long enough for their clock, of what is timed beside something else."""
    known = {"clock_steps": _clock_steps(blocks, facts)}
    return known | {"doubts": _doubts(known)}


def _clock_steps(blocks: Sequence[Block], facts: Facts) -> float:
    middle = statistics.median(value for block in blocks for value in block.seconds)
    return middle * blocks[0].iterations / facts.clock_resolution


def _doubts(known: Mapping[str, Any], ignored: Sequence[str] = ()) -> dict[str, str]:
    failed = [check for check in CHECKS if check.name not in ignored and check.fails(known)]
    # Whoever is stopped does not compute: the quota says why, and no other program is to blame.
    if COMPUTING in failed and known[COMPUTING.name] + known.get(QUOTA.name, 0) >= COMPUTING.limit:
        failed.remove(COMPUTING)
    return {check.name: check.words.format(known[check.name], **known) for check in failed}


def advice(names: Iterable[str]) -> list[str]:
    """Return what to do about doubts of these names, each advice once, those that end alike together.

    Beside a quota's stops nobody is told to read what hides them.
    """
    wanted = {*names}
    told = dict.fromkeys(check.advice for check in CHECKS if check.name in wanted)
    heads = [words.removesuffix(OR_READ) for words in told if words.endswith(OR_READ)]
    together = f"{', '.join(heads)}{'' if QUOTA.name in wanted else OR_READ}"
    return [*([together] if heads else []), *(words for words in told if not words.endswith(OR_READ))]


@dataclass(frozen=True)
class Check:
    """The limit from which on something known makes a figure doubtful, the words for it, and what to do then."""

    name: str
    limit: float
    words: str
    advice: str
    is_least: bool = False  # doubtful below the limit, not above it

    def fails(self, known: Mapping[str, Any]) -> bool:
        """Whether it is known, and beyond the limit."""
        if self.name not in known:
            return False
        return bool(known[self.name] < self.limit if self.is_least else abs(known[self.name]) > self.limit)


# Limits from runs of the main job on a quiet machine, where at most one row in ten is beyond any: tox run -e doubts.
OR_READ = ", or read ratio, p10 and cpu_seconds_per_inference"
QUOTA = Check(
    "stopped",
    0.01,
    "throttled: the quota of {quota[cores]} cores ({quota[group]}) stopped this run {quota[stops]} times, "
    "for {quota[seconds]:.2f} s of {quota[of]:.2f} s, its cores together",
    "raise or lift the quota, or read the mean: p10, median and ratio hide what it does",
)
COMPUTING = Check(
    "computing_share", 0.75, "had a core for {:.0%} of the time", f"close other programs{OR_READ}", is_least=True
)
CHECKS = (
    Check("other_programs", 0.2, "other programs used {:.1f} cores", f"close other programs{OR_READ}"),
    COMPUTING,
    QUOTA,
    Check("stolen", 0.02, "the host took {:.0%} of a core", f"measure again when the host is quiet{OR_READ}"),
    Check("margin", 0.1, "other starts may differ by ±{:.0%}", f"draw from more with --starts{OR_READ}"),
    Check("drift", 0.2, "drifted by {:+.0%}", "warm up longer with --benchmark-warmup-iterations"),
    Check(
        "frequency_change",
        0.1,
        "the processor's frequency changed by {:+.0%}",
        "fix the frequency with `cpupower frequency-set --governor performance`",
    ),
    Check("throttled", 0, "the processor was throttled {} times", "let the processor cool down"),
    Check(
        "slowdown_excess",
        1.5,
        "slowed down {:.1f} times as much as asked for",
        "measure a larger model or batch: a browser's own work uses up a weak client's quota",
    ),
    Check(
        "memory_wait",
        0.02,
        "programs waited for memory for {:.0%} of the time",
        "close other programs, or raise the memory's limit",
    ),
    Check(
        "network_off",
        0,
        "the network was not as asked for: {network}",
        "ask for a slower network, or measure when the machine is quiet",
    ),
    Check(
        "late_packets",
        0.05,
        "{:.0%} of the packets came late, for the machine was busy",
        "close other programs",
    ),
    Check(
        "reopened",
        0.01,
        "{:.0%} of the requests opened a connection, for the server had closed the one before",
        "have the server keep its connections, or read the times as those of first requests",
    ),
    Check(
        "preflights",
        0.01,
        "a preflight went before {:.0%} of the requests",
        "have the server send Access-Control-Max-Age",
    ),
    Check("clock_steps", 100, "a sample is {:.0f} steps of its clock", "measure a larger --batch-size", is_least=True),
)


# What should be known of the circumstances, and the words where it is not.
UNKNOWN = {
    "other_programs": "what other programs used",
    COMPUTING.name: "the processor time",
    "threads": "how many threads computed",
    QUOTA.name: "a quota's stops",
    "stolen": "what a host took",
    "frequency_change": "the processor's frequency",
    "throttled": "its throttling",
    "memory_wait": "waits for memory",
}


def _unknown(known: Mapping[str, Any], names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return what of *names* is not known, in words; nothing where all is."""
    unknown = {name: UNKNOWN[name] for name in names if name not in known}
    return {"unknown": unknown} if unknown else {}


def _of_machine(before: Reading, after: Reading) -> Iterator[str]:
    """Yield what a machine tells; its quota stops nobody where groups are seen, and none of them has one."""
    yield "other_programs"
    if not (before.groups and after.groups):
        yield QUOTA.name
    yield from ("stolen", "frequency_change", "throttled", "memory_wait")


def _of_session(facts: Facts) -> Iterator[str]:
    """Yield what a session tells in a steady state; under a quota, on a GPU or in a server no thread has to be busy."""
    if facts.threads and not facts.slowdown and not facts.server:
        yield COMPUTING.name
    if facts.details.get(THREADS_UNPROVED):
        yield "threads"


def _network(facts: Facts) -> dict[str, Any]:
    """Return whether the network was more than a tenth off what was asked for, and in what."""
    words = facts.network and doubt(facts.network.asked, facts.network.obtained)
    return {"network_off": 1, "network": words} if words else {}


def _connections(blocks: Sequence[Block], facts: Facts) -> dict[str, Any]:
    """Return the shares of late packets, of requests on no kept connection, and of those behind a preflight."""
    known: dict[str, Any] = {}
    if late := [block.late for block in blocks if block.wire]:
        known["late_packets"] = statistics.fmean(late)
    if reopened := sum(block.reopened for block in blocks):
        known["reopened"] = reopened / sum(block.inferences for block in blocks)
    if facts.server and (lasts := facts.server.preflight_lasts) is not None:
        middle = statistics.median(value for block in blocks for value in block.seconds)
        known["preflights"] = 1 / max(1.0, lasts / middle)
    return known


def _others(before: Reading, after: Reading) -> dict[str, Any]:
    """Return the cores that were busy with something else than this run."""
    if before.busy is None or after.busy is None:
        return {}
    others = ((after.busy - before.busy) - (after.ours - before.ours)) / (after.time - before.time)
    # Clearly below 0, the counter is of other cores than those that this process runs on.
    return {"other_programs": max(0.0, others)} if others > -COUNTING_ERROR else {}


def _machine(before: Reading, after: Reading) -> dict[str, Any]:
    known: dict[str, Any] = {}
    if before.stolen is not None and after.stolen is not None:
        known["stolen"] = (after.stolen - before.stolen) / (after.time - before.time)
    if before.frequency and after.frequency:
        known["frequency"] = after.frequency
        known["frequency_change"] = after.frequency / before.frequency - 1
    if before.throttled is not None and after.throttled is not None:
        known["throttled"] = after.throttled - before.throttled
    if before.memory_wait is not None and after.memory_wait is not None:
        known["memory_wait"] = (after.memory_wait - before.memory_wait) / (after.time - before.time)
    return known | _quota(before, after)


def _quota(before: Reading, after: Reading) -> dict[str, Any]:
    """Return for how much of the time a control group stopped this run: of several levels, the one that did most."""
    if (found := quota.stops(before.groups, after.groups)) is None:
        return {}
    wall = after.time - before.time
    return {QUOTA.name: found.seconds / wall, "quota": {**asdict(found), "of": wall}}


def _samples(blocks: Sequence[Block], facts: Facts) -> dict[str, Any]:
    known: dict[str, Any] = {"clock_steps": _clock_steps(blocks, facts)}
    cpu = [block.cpu.busiest_thread for block in blocks if block.cpu]
    # A quota stops the threads on purpose; and where a platform chooses its threads, none has to be busy throughout.
    if len(cpu) == len(blocks) and not facts.slowdown and facts.threads:
        known["computing_share"] = math.fsum(cpu) / math.fsum(block.duration for block in blocks)
    return known | _starts(blocks, facts) | _variation(blocks)


def _starts(blocks: Sequence[Block], facts: Facts) -> dict[str, Any]:
    """Return how far the starts are from one another, and which is unlike its siblings."""
    values = of_starts(blocks, "mean" if facts.statistic == "mean" else "median")
    known: dict[str, Any] = {}
    if (margin := figure(values).margin) is not None:
        known["margin"] = margin
    if odd := odd_ones(values):
        known["odd_starts"] = {str(number): times for number, times in odd.items()}
    return known


def _variation(blocks: Sequence[Block]) -> dict[str, Any]:
    """Return how far blocks are from one another, and whether those of a start become slower or faster."""
    if len(blocks) < FEWEST_BLOCKS:
        return {}
    known = {
        f"block_variation{ending}": _spread([statistic(block.seconds) for block in blocks])
        for ending, statistic in (("", statistics.median), ("_p10", p10))
    }
    drifts = [_drift([statistics.median(block.seconds) for block in start]) for start in by_start(blocks)]
    return known | ({"drift": statistics.median(drifts)} if all(map(math.isfinite, drifts)) else {})


def _drift(medians: Sequence[float]) -> float:
    """Return how much slower the last third of a start's blocks is than its first; NaN of a single block."""
    third = len(medians) // 3 or 1
    return (
        statistics.median(medians[-third:]) / statistics.median(medians[:third]) - 1 if len(medians) > 1 else math.nan
    )


def _spread(values: Sequence[float]) -> float:
    """Return the width of the middle half of *values*, relative to their median."""
    low, middle, high = statistics.quantiles(values, n=4)
    return (high - low) / middle
