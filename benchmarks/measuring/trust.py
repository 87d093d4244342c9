"""How far a benchmark can be trusted: what else the machine did meanwhile, and whether the samples show it.

Each finding that makes a figure doubtful comes with what to do about it, as pyperf's do.
"""

import math
import os
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measuring.ratio import p10
from benchmarks.protocol import Block, Facts

FEWEST_BLOCKS = 4
COUNTING_ERROR = 0.1  # cores; the kernel counts in ticks of 10 ms

PROC, CPU = Path("/proc"), Path("/sys/devices/system/cpu")
TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True)
class Reading:
    """The machine's counters at one moment; None where the system does not keep them. Seconds, and Hz."""

    time: float
    busy: float | None  # of all cores together
    stolen: float | None
    ours: float  # of this process and everything that it started
    theirs: Mapping[int, float]  # of each other process
    frequency: float | None  # of the fastest core
    throttled: int | None  # events since the machine was started


def read() -> Reading:
    """Read the counters; costs some milliseconds."""
    busy, stolen = _busy()
    return Reading(time.perf_counter(), busy, stolen, *_processes(), _frequency(), _throttled())


def _busy() -> tuple[float | None, float | None]:
    try:
        fields = [int(field) / TICK for field in (PROC / "stat").read_text().splitlines()[0].split()[1:9]]
    except OSError:  # Linux only
        return None, None
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts, stolen = fields
    return user + nice + system + interrupts + soft_interrupts, stolen


def _processes() -> tuple[float, dict[int, float]]:
    """Return the processor time of this process and its descendants, with what they have waited for, and of others."""
    processes = {}
    for folder in PROC.glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:  # it ended meanwhile
            continue
        user_and_system, of_children = ([int(field) / TICK for field in fields[at : at + 2]] for at in (11, 13))
        processes[int(folder.name)] = int(fields[1]), sum(user_and_system), sum(of_children)
    children: dict[int, list[int]] = {}
    for process, (parent, _own, _waited_for) in processes.items():
        children.setdefault(parent, []).append(process)
    ours, left = 0.0, [os.getpid()]
    while left:
        process = left.pop()
        ours += sum(processes.pop(process, (0, 0.0, 0.0))[1:])
        left += children.get(process, [])
    # What others have waited for may have been ours: an orphan of a browser that ended goes to the first process.
    return ours, {process: own for process, (_parent, own, _waited_for) in processes.items()}


def _numbers(pattern: str) -> list[float]:
    found = []
    for file in CPU.glob(pattern):
        try:
            found.append(float(file.read_text()))
        except (OSError, ValueError):  # hidden from this user, or by a virtual machine
            continue
    return found


def _frequency() -> float | None:
    found = _numbers("cpu[0-9]*/cpufreq/scaling_cur_freq")
    return max(found) * 1e3 if found else None


def _throttled() -> int | None:
    found = _numbers("cpu[0-9]*/thermal_throttle/core_throttle_count")
    return int(sum(found)) if found else None


def assess(
    blocks: Sequence[Block],
    facts: Facts,
    before: Reading,
    after: Reading,
    slowdown: float | None = None,
) -> dict[str, Any]:
    """Return what is known of a benchmark's circumstances, for extra_info; what is not known is left out.

    *slowdown* is how many times weaker a client was that was to be weaker. ``doubts`` says in words what makes the
    figure doubtful; :func:`advice` what to do about it.
    """
    found = _machine(before, after) | _others(before, after) | _samples(blocks, facts)
    if slowdown and facts.slowdown:
        found["slowdown_excess"] = slowdown / facts.slowdown.asked
    return found | {
        "doubts": {check.name: check.words.format(found[check.name]) for check in CHECKS if check.fails(found)}
    }


def assess_openings(blocks: Sequence[Block], facts: Facts, before: Reading, after: Reading) -> dict[str, Any]:
    """Return the same of sessions that were opened one after another.

    How much they differ is told and not doubted: a few openings always do. What ended meanwhile was ours, so that
    others are known only by the processes that were there throughout.
    """
    found = _machine(before, after) | _samples(blocks, facts)
    there = before.theirs.keys() & after.theirs.keys()
    others = math.fsum(after.theirs[process] - before.theirs[process] for process in there)
    if there:
        found["other_programs"] = others / (after.time - before.time)
    return found | {"doubts": _doubts(found, but=("block_variation", "drift"))}


def _doubts(found: Mapping[str, Any], but: Sequence[str] = ()) -> dict[str, str]:
    failed = [check for check in CHECKS if check.name not in but and check.fails(found)]
    return {check.name: check.words.format(found[check.name]) for check in failed}


def advice(names: Iterable[str]) -> list[str]:
    """Return what to do about doubts of these names, each advice once."""
    wanted = {*names}
    return [*dict.fromkeys(check.advice for check in CHECKS if check.name in wanted)]


@dataclass(frozen=True)
class Check:
    """From where on something that was found makes a figure doubtful, what to say, and what to do then."""

    name: str
    limit: float
    words: str
    advice: str
    is_least: bool = False  # doubtful below the limit, not above it

    def fails(self, found: Mapping[str, Any]) -> bool:
        """Whether it was found, and is beyond the limit."""
        if self.name not in found:
            return False
        return bool(found[self.name] < self.limit if self.is_least else abs(found[self.name]) > self.limit)


READ = "read ratio, p10 and cpu_seconds_per_inference"
CHECKS = (
    Check("other_programs", 0.2, "other programs used {:.1f} cores", f"close other programs, or {READ}"),
    Check("computing_share", 0.9, "computed for {:.0%} of the time", f"close other programs, or {READ}", is_least=True),
    Check("stolen", 0.02, "the host took {:.0%} of a core", f"measure again when the host is quiet, or {READ}"),
    Check("block_variation", 0.1, "medians vary by {:.0%}", f"draw longer with --benchmark-max-time, or {READ}"),
    Check("drift", 0.1, "drifted by {:+.0%}", "warm up longer with --benchmark-warmup-iterations"),
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
    Check("clock_steps", 100, "a sample is {:.0f} steps of its clock", "measure a larger --batch-size", is_least=True),
)


def _others(before: Reading, after: Reading) -> dict[str, Any]:
    """Return the cores that were busy with something else than this run."""
    if before.busy is None or after.busy is None:
        return {}
    others = ((after.busy - before.busy) - (after.ours - before.ours)) / (after.time - before.time)
    # Less than nothing: the counter is not of the cores that this process is on.
    return {"other_programs": max(0.0, others)} if others > -COUNTING_ERROR else {}


def _machine(before: Reading, after: Reading) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if before.stolen is not None and after.stolen is not None:
        found["stolen"] = (after.stolen - before.stolen) / (after.time - before.time)
    if before.frequency and after.frequency:
        found["frequency"] = after.frequency
        found["frequency_change"] = after.frequency / before.frequency - 1
    if before.throttled is not None and after.throttled is not None:
        found["throttled"] = after.throttled - before.throttled
    return found


def _samples(blocks: Sequence[Block], facts: Facts) -> dict[str, Any]:
    middle = statistics.median(value for block in blocks for value in block.seconds)
    found: dict[str, Any] = {"clock_steps": middle / facts.clock_resolution}
    cpu = [block.cpu.busiest_thread for block in blocks if block.cpu]
    # A quota keeps from computing on purpose; of threads that a platform has for itself none need be busy throughout.
    if len(cpu) == len(blocks) and not facts.slowdown and facts.threads:
        found["computing_share"] = math.fsum(cpu) / math.fsum(value for block in blocks for value in block.seconds)
    if len(blocks) < FEWEST_BLOCKS:
        return found
    medians, tenths = ([of(block.seconds) for block in blocks] for of in (statistics.median, p10))
    third = len(blocks) // 3 or 1
    return found | {
        "block_variation": _spread(medians),
        "block_variation_p10": _spread(tenths),
        "drift": statistics.median(medians[-third:]) / statistics.median(medians[:third]) - 1,
    }


def _spread(values: Sequence[float]) -> float:
    """Return the width of the middle half of *values*, relative to their median."""
    low, middle, high = statistics.quantiles(values, n=4)
    return (high - low) / middle
