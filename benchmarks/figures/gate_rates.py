"""How often is the gate right on starts that were never measured? ``tox run -e gate-proof -- simulate``.

The main job's 30 benchmarks, with starts that scatter as they were seen to: those of servers by 0.3 %, those of clients
by 1 to 3 % (standard deviations of the log ratio of both sides' start), and with a share of pages that are much slower
or faster than their siblings, on either side. The rules are the gate's own.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from tabulate import tabulate

from benchmarks.gate.decide_starts import LogRatio, Rules, decide, suspects
from benchmarks.gate.options import Options
from benchmarks.gate.verdicts import Verdict

SERVERS, CLIENTS = 6, 24  # of the main job
SERVER_SPREAD, LEAST_SPREAD, MOST_SPREAD = 0.003, 0.01, 0.03
MEAN_SPREAD = 1.5  # times that of the quartile
ODD = (0.05, 0.5)  # by how much, in logs, odd pages differ
SHARES = (0.0, 0.05, 0.1)  # of odd pages
SLOWER = {
    "server": (SERVER_SPREAD, 0.02),
    "server under load": (0.01, 0.02),
    "1.5 %": (0.015, 0.05),
    "3 %": (MOST_SPREAD, 0.05),
}  # spread, slowdown

# Seconds of both sides: to open and warm up a start, to begin and end a benchmark, a pair of processes, and a gate.
START, BENCHMARK, PROCESSES, SET_UP = {"server": 0.45, "client": 0.8}, 0.4, 5.0, 10.0
TIMED = 2 * Options.seconds


@dataclass(frozen=True)
class Benchmark:
    """A benchmark as it would be measured."""

    spread: float  # of the log ratios of its starts
    slower: float = 0.0
    side: str = "client"

    def seconds(self, starts: int) -> float:
        """Return how long a pair of processes takes with it."""
        return BENCHMARK + starts * (START[self.side] + TIMED)

    def drawn(self, generator: np.random.Generator, count: int, odd: float) -> list[LogRatio]:
        """Return so many starts of it, of which a share is *odd*."""
        both = (self._drawn(generator, count, odd, scale) for scale in (1.0, MEAN_SPREAD))
        return [LogRatio(*start) for start in zip(*both, strict=True)]

    def _drawn(self, generator: np.random.Generator, count: int, odd: float, scale: float) -> Iterator[float]:
        by = generator.choice([-1, 1], count) * generator.uniform(*ODD, count)
        odd_ones = np.where(generator.random(count) < odd, by, 0.0)
        yield from math.log1p(self.slower) + generator.normal(0, scale * self.spread, count) + odd_ones


@dataclass
class Seen:
    """What all gates of a kind gave."""

    suspects: list[int] = field(default_factory=list)  # of each gate
    seconds: list[float] = field(default_factory=list)
    verdicts: Counter[tuple[str, Verdict]] = field(default_factory=Counter)  # by the benchmark's name

    def share(self, name: str, verdict: Verdict) -> str:
        """Return how often it got that verdict."""
        return f"{self.verdicts[name, verdict] / len(self.seconds):.1%}"


def main_job(generator: np.random.Generator) -> dict[str, Benchmark]:
    """Return the benchmarks of the main job, of a commit against itself."""
    servers = [Benchmark(SERVER_SPREAD, side="server")] * SERVERS
    clients = [Benchmark(generator.uniform(LEAST_SPREAD, MOST_SPREAD)) for _ in range(CLIENTS)]
    return {f"unchanged {number}": benchmark for number, benchmark in enumerate([*servers, *clients])}


def slower_head(generator: np.random.Generator) -> dict[str, Benchmark]:
    """Return the same, of which three are slower than they were."""
    names, benchmarks = zip(*main_job(generator).items(), strict=True)
    slow = {name: Benchmark(*both, "server" if "server" in name else "client") for name, both in SLOWER.items()}
    return dict(zip(names[: -len(slow)], benchmarks, strict=False)) | slow


def gate(generator: np.random.Generator, benchmarks: Mapping[str, Benchmark], odd: float, rules: Rules) -> Seen:
    """Return what one gate gives."""

    def drawn(name: str, pairs: int) -> list[LogRatio]:
        return benchmarks[name].drawn(generator, pairs * rules.starts, odd)

    screened = {name: drawn(name, rules.screen) for name in benchmarks}
    fresh = suspects(screened, rules)
    rows = decide(screened, {name: drawn(name, pairs) for name, pairs in fresh.items()}, rules)
    pairs = Counter(fresh) + Counter(dict.fromkeys(benchmarks, rules.screen))
    seconds = sum(number * benchmarks[name].seconds(rules.starts) for name, number in pairs.items())
    processes = PROCESSES * (rules.screen + max(fresh.values(), default=0))
    return Seen(
        [len(fresh)], [SET_UP + processes + seconds], Counter((name, row.verdict) for name, row in rows.items())
    )


def gates(count: int, odd: float, *, is_slower: bool, rules: Rules) -> Seen:
    """Return what so many gates give, seeded."""
    generator, seen = np.random.default_rng(1), Seen()
    for _ in range(count):
        one = gate(generator, (slower_head if is_slower else main_job)(generator), odd, rules)
        seen.suspects += one.suspects
        seen.seconds += one.seconds
        seen.verdicts += one.verdicts
    return seen


def table(count: int) -> list[str]:
    """Return a line for each share of odd pages, of so many gates of each kind."""
    rules = Options().rules
    rows = [
        _row(odd, *(gates(count, odd, is_slower=is_slower, rules=rules) for is_slower in (False, True)))
        for odd in SHARES
    ]
    found = [f"{slower:.0%} slower, {name}" for name, (_, slower) in SLOWER.items()]
    head = ["odd pages", "suspects", "seconds (95 % within)", "slower or faster", "undecided", *found]
    return tabulate(rows, head, tablefmt="github", disable_numparse=True).splitlines()


def _row(odd: float, equal: Seen, slower: Seen) -> Sequence[str]:
    suspected = f"{np.mean(equal.suspects):.1f} (95 % within {np.quantile(equal.suspects, 0.95):.0f})"
    seconds = f"{np.mean(equal.seconds):.0f} ({np.quantile(equal.seconds, 0.95):.0f})"
    found = [slower.share(name, Verdict.SLOWER) for name in SLOWER]
    return [f"{odd:.0%}", suspected, seconds, _rows(equal, {Verdict.SLOWER, Verdict.FASTER}), _rows(equal), *found]


def _rows(seen: Seen, verdicts: frozenset[Verdict] | set[Verdict] = frozenset({Verdict.UNDECIDED})) -> str:
    said = sum(number for (_, verdict), number in seen.verdicts.items() if verdict in verdicts)
    return f"{said} of {seen.verdicts.total():,} rows"
