"""What do turns cost a browser? ``python -m benchmarks.figures.turn_cost [--pairs N] [--platform NAME …]``.

The gate runs base and head in turns, and three things decide what that is worth. Is a paused page idle? Prints how much
of a core the browser and its driver use between blocks. How long must a turn be, and does it help to keep both sides on
one core? Compares this checkout with itself, start by start, for turns of several lengths, on one core and on any;
prints how far from 0 the starts are, which should all say 0. The conditions alternate, so that all see the same states
of the machine. Linux only: other systems neither tell what a process uses nor let choose a core.
"""

import argparse
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, product
from pathlib import Path

from tabulate import tabulate

from benchmarks.gate.compare import ROOT, runs_folder
from benchmarks.gate.options import Options
from benchmarks.gate.pair import Side, SideError, Version, draw_core, match, run_pair, started
from benchmarks.gate.screen import log_ratios
from benchmarks.inputs import case_of, fed
from benchmarks.measuring.reference import ask
from benchmarks.measuring.sampler import Plan, warm_up
from benchmarks.platforms import DEFAULT_SWEEP, PLATFORMS
from benchmarks.results import Result, load
from benchmarks.run.lockstep import Schedule
from benchmarks.settings import Settings, positive
from browser_harness.processes import Thread, descendants, thread_seconds
from models import MODELS, manifest

SETTINGS = Settings()
WARM_UP = Plan(min_rounds=1, max_time=2.0, warmup_rounds=100)
BLOCKS = 50
SHORT, LONG = 0.02, 2.0  # seconds of a pause: as long as a turn of the other side, and much longer
TURNS = (0.005, 0.02, 0.05)  # seconds
FEWEST_STARTS = 2  # have a spread
GATE = Options()  # as much is timed in each start
VERSIONS = [Version(name, ROOT, Path(sys.executable)) for name in ("base", "head")]

# Is a paused page idle?

Pause = tuple[float, float]  # processor seconds and seconds


def idle(platform: str, model: str) -> list[float]:
    """Return which share of a core the browser uses in short pauses between blocks, and in a long one."""
    case = case_of(manifest.load(model))
    feeds = ask(case.artefact, fed(case.artefact.path, 1)).feeds
    with PLATFORMS[platform].open(case, SETTINGS) as session:
        rounds = max(1, round(SHORT / min(warm_up(session, feeds, WARM_UP))))
        block = partial(session.time, feeds, rounds)
        return [share([pause(block, SHORT) for _ in range(BLOCKS)]), share([pause(block, LONG)])]


def pause(block: Callable[[], object], seconds: float) -> Pause:
    """Return what the processes below this one use in a pause after a block."""
    below = descendants(os.getpid())  # before the block, as looking for them takes half as long as a short pause
    block()
    start, before = time.perf_counter(), thread_seconds(below)
    time.sleep(seconds)
    return used(before, thread_seconds(below)), time.perf_counter() - start


def used(before: Mapping[Thread, float], after: Mapping[Thread, float]) -> float:
    """Return the processor seconds between two readings; a thread that has ended has none to tell."""
    return sum(seconds - before.get(thread, 0.0) for thread, seconds in after.items())


def share(pauses: Sequence[Pause]) -> float:
    """Return which share of a core all pauses together used."""
    return sum(processor for processor, _ in pauses) / sum(seconds for _, seconds in pauses)


def idle_line(platform: str, shares: Sequence[float]) -> str:
    """Say which shares of a core a paused platform used: in short pauses, and in a long one."""
    short, long = (f"{100 * used_share:.2f} %" for used_share in shares)
    return f"{platform}: paused, {short} of a core in the {SHORT * 1e3:g} ms after a block, {long} in {LONG:g} s"


# How long must a turn be, and does one core help?


@dataclass(frozen=True)
class Condition:
    """What both sides of a pair keep to."""

    turn: float  # seconds
    one_core: bool  # drawn anew for each start; else the system chooses where the sides compute

    def __str__(self) -> str:
        return f"{self.turn * 1e3:g} ms, {'one core' if self.one_core else 'any core'}"

    def schedule(self) -> Schedule:
        """Return the gate's schedule for it."""
        return Schedule(turn_seconds=self.turn, starts=GATE.rules.starts)

    def core(self) -> int | None:
        """Return the core of the next start."""
        return draw_core() if self.one_core else None


CONDITIONS = [Condition(turn, one_core) for turn, one_core in product(TURNS, (True, False))]


@dataclass(frozen=True)
class Measured:
    """What a start of both sides of the same checkout says of a platform."""

    platform: str
    condition: Condition
    quartile: float  # the value of the start, a log ratio; NaN where a side had no turn
    seconds: float  # from opening the sessions to closing them, of all starts together, and shared out


def in_order(number: int) -> list[Condition]:
    """Return all conditions; each round begins with another."""
    first = number % len(CONDITIONS)
    return CONDITIONS[first:] + CONDITIONS[:first]


def measure_pair(condition: Condition, platforms: Sequence[str], model: str, folder: Path) -> list[Measured]:
    """Measure every platform with a pair of processes; raise SideError where one of them has no result."""
    arguments = [*GATE.of_a_side, "-m", "latency", "--batch-size=1", f"--model={model}"]
    with started(VERSIONS, [*arguments, *(f"--platform={name}" for name in platforms)], folder, "pair") as sides:
        base, head = (side.collected() for side in sides)
        marks = [time.monotonic()]
        both = match(base, head).both
        run_pair(sides, both, condition.schedule(), lambda: marks.append(time.monotonic()), condition.core)
    results = zip(*(read(side) for side in sides), strict=True)
    lasted = [later - earlier for earlier, later in pairwise(marks)]
    return [
        Measured(early.params["platform"], condition, start.quartile, seconds / len(starts))
        for (early, late), seconds in zip(results, lasted, strict=True)
        for starts in [log_ratios(early, late)]
        for start in starts
    ]


def read(side: Side) -> Sequence[Result]:
    """Return a side's results; raise SideError where a benchmark has none."""
    if side.reasons:
        raise SideError(f"{side.version.name}: {'; '.join(side.reasons.values())}; see {side.log}")
    return load(side.results).results


def pair_line(number: int, measured: Sequence[Measured]) -> str:
    """Say what a pair of processes measured: the middle of its starts."""
    starts: dict[str, list[float]] = {}
    for start in measured:
        starts.setdefault(start.platform, []).append(100 * start.quartile)
    values = ", ".join(f"{platform} {statistics.median(own):+.2f} %" for platform, own in starts.items())
    return f"round {number + 1}: {measured[0].condition}: {values}"


def table(starts: Sequence[Measured]) -> str:
    """Return a line for each platform and condition."""
    cases = product(dict.fromkeys(start.platform for start in starts), CONDITIONS)
    rows = [_row([start for start in starts if (start.platform, start.condition) == case]) for case in cases]
    head = ["platform", "a turn, on", "starts", "without a value", "SD", "half within", "largest", "seconds a start"]
    return tabulate(rows, head, tablefmt="github", disable_numparse=True)


def _row(starts: Sequence[Measured]) -> list[str]:
    seconds = f"{statistics.fmean(start.seconds for start in starts):.1f}"
    values = [100 * start.quartile for start in starts if math.isfinite(start.quartile)]
    counts = [f"{len(starts)}", f"{len(starts) - len(values)}"]
    return [starts[0].platform, str(starts[0].condition), *counts, *_spread(values), seconds]


def _spread(values: Sequence[float]) -> list[str]:
    """Return the standard deviation, and of the distances from 0 the median and the largest."""
    if len(values) < FEWEST_STARTS:
        return ["–"] * 3
    distances = [*map(abs, values)]
    figures = (statistics.stdev(values), statistics.median(distances), max(distances))
    return [f"{figure:.2f} %" for figure in figures]


# The command line


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=positive(int), default=3, help="of processes, for each condition; default: 3")
    several = "default: the default sweep; may be repeated"
    parser.add_argument("--platform", action="append", choices=[*PLATFORMS], metavar="NAME", help=several)
    parser.add_argument("--model", choices=[*MODELS], default="resnet20", metavar="NAME", help="default: %(default)s")
    options = parser.parse_args()
    if not sys.platform.startswith("linux"):
        parser.exit(1, "this system neither tells what a process uses nor lets choose a core; measure on Linux\n")
    return options


def available(names: Sequence[str]) -> list[str]:
    """Return the platforms that this machine has; say why not of the others."""
    reasons = {name: PLATFORMS[name].unavailable(SETTINGS) for name in names}
    for reason in filter(None, reasons.values()):
        print(f"left out: {reason}", flush=True)
    return [name for name, reason in reasons.items() if not reason] or sys.exit("there is nothing to measure")


def measure(platforms: Sequence[str], model: str, pairs: int) -> list[Measured]:
    """Measure *pairs* of each condition, and print each as it ends."""
    measured: list[Measured] = []
    folder = runs_folder()
    for number in range(pairs):
        for condition in in_order(number):
            pair_folder = folder / f"{number + 1}-{CONDITIONS.index(condition)}"
            pair_folder.mkdir()
            measured += (latest := measure_pair(condition, platforms, model, pair_folder))
            print(pair_line(number, latest), flush=True)
    return measured


def main() -> None:
    """Run the command line."""
    options = parsed()
    platforms = available(options.platform or DEFAULT_SWEEP)
    for name in platforms:
        if PLATFORMS[name].side == "client":
            print(idle_line(name, idle(name, options.model)), flush=True)
    try:
        print(table(measure(platforms, options.model, options.pairs)))
    except SideError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
