"""Draw blocks of raw samples from an open session until a plan is met, or from two that take turns.

A benchmark draws from several starts, each a fresh page or process that is warmed up before. The sampler is a
generator: it hands control back after every block, so that a caller can draw from two sessions in turn, or let another
process have its turn, between blocks and never inside one.
"""

import math
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.protocol import Block, Facts, Feeds, Session

STARTS = 5
BLOCK_SECONDS = 0.1  # long against a round trip to a page (1 ms), short against a change of the machine's state
# A start is warm after so long, whatever it computes: a page has then compiled what runs often.
WARM_UP_SECONDS = {"page": 0.15, "process": 0.03}
LEAST_SLOWDOWN = 0.7  # of what was asked for
LONG_CALL = 1.0  # seconds from which on the samples of a call must fill it
CLOCK_STEPS = 20  # a sample of fewer steps of its clock is more clock than inference
LEAST_BUSY = 0.5  # seconds of the busiest thread, of fewer the others' share says little
SPARE_CPU = 0.5  # threads' worth that a process may compute beside its inference (garbage collection, compilation)


class SampleError(Exception):
    """The samples cannot be what they claim to be."""


@dataclass(frozen=True)
class Plan:
    """When to stop: pytest-benchmark's options of the same names, and from how many starts to draw."""

    min_rounds: int
    max_time: float  # seconds of timed inference
    warmup_rounds: int = 0  # of a start, for WARM_UP_SECONDS at most
    precision: float | None = None  # relative margin of error of the mean that ends the drawing early
    confidence: float = 0.99
    block_seconds: float = BLOCK_SECONDS  # of samples in a block
    starts: int = STARTS

    def for_sessions(self, facts: Sequence[Facts], estimate: float | None) -> "Plan":
        """Return the plan with so many starts more that no page outlives what its *facts* give it.

        *estimate* is the seconds of a warm inference; where it is not known, a page may run what there is to run.
        """
        lifetimes = [fact.lifetime for fact in facts if fact.lifetime]
        if not lifetimes or not estimate:
            return self
        inferences = max(self.min_rounds, self.max_time / estimate)
        of_a_start = math.ceil(max(min(lifetimes) / 2, min(lifetimes) - self.warmup_rounds))
        return replace(self, starts=max(self.starts, math.ceil(inferences / of_a_start)))

    @property
    def of_a_start(self) -> "Plan":
        """What each of its starts has to draw."""
        return replace(self, min_rounds=math.ceil(self.min_rounds / self.starts), max_time=self.max_time / self.starts)

    def wants(self, samples: list[float]) -> bool:
        """Whether more samples are to be drawn."""
        if len(samples) < self.min_rounds:
            return True
        return math.fsum(samples) < self.max_time and not self._is_precise(samples)

    def _is_precise(self, samples: list[float]) -> bool:
        if self.precision is None or len(samples) < 2:
            return False
        z = statistics.NormalDist().inv_cdf(0.5 + self.confidence / 2)
        margin = z * statistics.stdev(samples) / math.sqrt(len(samples))
        return margin <= self.precision * statistics.fmean(samples)

    def next_rounds(self, samples: list[float], estimate: float) -> int:
        """Return the size of the next block, at *estimate* seconds an inference; blocks to come are of equal size."""
        by_time = math.ceil((self.max_time - math.fsum(samples)) / estimate)
        missing = max(1, by_time, self.min_rounds - len(samples))
        blocks = math.ceil(missing * estimate / self.block_seconds - 1e-9)
        return math.ceil(missing / max(1, blocks))


def warm_up(session: Session, feeds: Feeds, plan: Plan) -> list[float]:
    """Run and return the samples that are discarded: at most ``warmup_rounds``, for WARM_UP_SECONDS at most."""
    samples: list[float] = []
    seconds = WARM_UP_SECONDS[session.facts.surrounding]
    while len(samples) < plan.warmup_rounds and math.fsum(samples) < seconds:
        rounds = 1 if len(samples) < 2 else math.ceil((seconds - math.fsum(samples)) / samples[-1])
        samples += _checked(session, feeds, min(rounds, plan.warmup_rounds - len(samples))).seconds
    return samples


def draw(session: Session, feeds: Feeds, plan: Plan, estimate: float | None = None) -> Iterator[Block]:
    """Yield blocks of one start until *plan* is met; *estimate* is the seconds of a warm inference, where known.

    Raises SampleError for samples that are not positive finite seconds, or do not fit the call they were drawn in.
    """
    samples: list[float] = []
    while plan.wants(samples):
        rounds = plan.next_rounds(samples, estimate) if estimate else 1
        block = _checked(session, feeds, rounds)
        samples += block.seconds
        estimate = statistics.median(samples)
        yield block


def while_young(blocks: Iterator[Block], facts: Facts, age: int) -> Iterator[Block]:
    """Pass *blocks* on until the page is as old as its *facts* let it become; its *age* before is in inferences."""
    for block in blocks:
        yield block
        age += len(block.seconds)
        if facts.lifetime and age + len(block.seconds) > facts.lifetime:
            return


def draw_in_turns(
    session: Session, partner: Session, feeds: Feeds, plan: Plan, estimates: tuple[float, float]
) -> Iterator[tuple[Block, Block]]:
    """Yield blocks of *session* as :func:`draw` does, each with a block of *partner* of as many seconds right after it.

    So both see the same states of the machine. *estimates* are the seconds of a warm inference of each.
    """
    for block in draw(session, feeds, plan, estimates[0]):
        rounds = max(1, math.ceil(math.fsum(block.seconds) / estimates[1] - 1e-9))
        yield block, _checked(partner, feeds, rounds)


def _checked(session: Session, feeds: Feeds, rounds: int) -> Block:
    start = time.perf_counter()
    block = session.time(feeds, rounds)
    check(block, rounds, time.perf_counter() - start, session.facts)
    return block


def check(block: Block, rounds: int, wall: float, facts: Facts, *, busy: bool = True) -> None:
    """Raise SampleError unless *block* can be *rounds* inferences drawn in a call of *wall* seconds.

    Inferences fill most of a *busy* call.
    """
    if len(block.seconds) != rounds:
        raise SampleError(f"{facts.platform}: wanted {rounds} samples, got {len(block.seconds)}")
    if impossible := [value for value in block.seconds if not (math.isfinite(value) and value > 0)]:
        raise SampleError(f"{facts.platform}: {facts.clock} gave a sample of {impossible[0]} s")
    claimed = math.fsum(block.seconds)
    too_long = claimed > wall + rounds * facts.clock_resolution + 1e-3
    # Only for long calls: a loaded machine may well pause a short one between its samples.
    inside = wall - block.beside
    too_short = busy and inside > LONG_CALL and claimed < inside / 2
    if too_long or too_short:
        claim = f"{claimed:.4f} s of samples in a call of {wall:.4f} s"
        raise SampleError(f"{facts.platform}: {facts.clock} gave {claim}; is its unit wrong?")


def check_slowdown(facts: Facts, obtained: float) -> None:
    """Raise SampleError where a client that was to be weaker is not."""
    if facts.slowdown and not obtained >= LEAST_SLOWDOWN * (asked := facts.slowdown.asked):
        raise SampleError(f"{facts.platform}: was to be {asked} times slower, and is {obtained:.1f} times slower")


def check_whole(blocks: Sequence[Block], facts: Facts) -> None:
    """Raise SampleError where all the blocks of a benchmark show what a single one cannot.

    They are too short for their clock, or were computed by more threads than the session says are in force.
    """
    middle = statistics.median(value for block in blocks for value in block.seconds)
    if middle < CLOCK_STEPS * facts.clock_resolution:
        step = facts.clock_resolution
        raise SampleError(
            f"{facts.platform}: samples of {middle:.2e} s are too short for {facts.clock}, in steps of {step} s"
        )
    if facts.threads is None:
        return
    counted = [block.cpu for block in blocks if block.cpu]
    busiest = math.fsum(cpu.busiest_thread for cpu in counted)
    # Compared with the time of the busiest thread and not with the wall time, which other programs make longer.
    if (
        busiest > LEAST_BUSY
        and (cores := math.fsum(cpu.all_threads for cpu in counted) / busiest) > facts.threads + SPARE_CPU
    ):
        raise SampleError(f"{facts.platform}: {facts.threads} thread(s) in force, but {cores:.1f} were computing")
