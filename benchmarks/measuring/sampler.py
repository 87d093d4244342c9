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
CLOCK_STEPS = 100  # an inference of fewer steps of its clock is timed with others in a row
SPARE_STEPS = (
    1.6  # times as many are aimed at: a graph gets faster as it warms up further, by up to a third as was seen
)
LOOKS = 5  # samples that tell whether they are long enough
LONG = 100  # times as long as it has to be: one look is enough, even at a cold inference
MOST_UNSEEN = 2**10  # inferences within a step of a clock: nothing computes so fast
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

    def for_sessions(self, facts: Sequence[Facts], estimate: float | None, iterations: int = 1) -> "Plan":
        """Return the plan with so many starts more that no page outlives what its *facts* give it.

        *estimate* is the seconds of a warm inference; where it is not known, a page may run what there is to run.
        """
        lifetimes = [fact.lifetime for fact in facts if fact.lifetime]
        if not lifetimes or not estimate:
            return self
        inferences = max(self.min_rounds * iterations, self.max_time / estimate)
        of_a_start = math.ceil(max(min(lifetimes) / 2, min(lifetimes) - self.warmup_rounds * iterations))
        return replace(self, starts=max(self.starts, math.ceil(inferences / of_a_start)))

    @property
    def of_a_start(self) -> "Plan":
        """What each of its starts has to draw."""
        return replace(self, min_rounds=math.ceil(self.min_rounds / self.starts), max_time=self.max_time / self.starts)

    def wants(self, rounds: list[float]) -> bool:
        """Whether more is to be drawn than *rounds*, in seconds: all inferences of a sample, one after the other."""
        if len(rounds) < self.min_rounds:
            return True
        return math.fsum(rounds) < self.max_time and not self._is_precise(rounds)

    def _is_precise(self, rounds: list[float]) -> bool:
        if self.precision is None or len(rounds) < 2:
            return False
        z = statistics.NormalDist().inv_cdf(0.5 + self.confidence / 2)
        margin = z * statistics.stdev(rounds) / math.sqrt(len(rounds))
        return margin <= self.precision * statistics.fmean(rounds)

    def next_rounds(self, rounds: list[float], estimate: float) -> int:
        """Return the size of the next block, at *estimate* seconds a round; blocks to come are of equal size."""
        by_time = math.ceil((self.max_time - math.fsum(rounds)) / estimate)
        missing = max(1, by_time, self.min_rounds - len(rounds))
        blocks = math.ceil(missing * estimate / self.block_seconds - 1e-9)
        return math.ceil(missing / max(1, blocks))


@dataclass(frozen=True)
class Warm:
    """What was discarded to warm a start up."""

    samples: Sequence[float] = ()  # seconds an inference, as they are drawn from now on
    inferences: int = 0


@dataclass
class Side:
    """A session, what it is asked, and of how many inferences a sample of it is made: as many in all starts."""

    session: Session
    feeds: Feeds
    iterations: int = 0  # 0 until its first start was warmed up

    def warm_up(self, plan: Plan) -> Warm:
        """Warm a start up; in the first it comes out how long an inference takes, and so how many make a sample.

        A quick graph that was warmed up one by one goes on in rows, and is looked at again when it is warm.
        """
        alone: list[float] = []
        if not self.iterations:
            alone = warm_up(self.session, self.feeds, plan)
            self.iterations = enough(self.session, self.feeds, alone)
            if self.iterations == 1:
                return Warm(alone, len(alone))
        rows = warm_up(self.session, self.feeds, plan, self.iterations, math.fsum(alone))
        warm = Warm(rows, len(alone) + len(rows) * self.iterations)
        if alone:
            self.iterations = enough(self.session, self.feeds, rows, self.iterations)
        return warm

    def estimate(self, warm: Warm) -> float:
        """Return the seconds of an inference; of a session that was not warmed up it is drawn."""
        return min(warm.samples, default=0.0) or self.draw(1).seconds[0]

    def draw(self, rounds: int) -> Block:
        """Draw a block of *rounds* samples."""
        return _checked(self.session, self.feeds, rounds, self.iterations)


def enough(session: Session, feeds: Feeds, warm: Sequence[float], iterations: int = 1) -> int:
    """Return how many inferences make a sample of CLOCK_STEPS steps of its clock, and some to spare.

    It is a power of two, so that a sample times as many and divided by as many is itself, bit for bit. *warm* are
    samples of *iterations*: where they are long enough, nothing is asked of the session.
    """
    wanted = SPARE_STEPS * CLOCK_STEPS * session.facts.clock_resolution
    looks = warm[len(warm) // 2 :] or _looks(session, feeds, iterations, wanted)
    while statistics.median(looks) * iterations < wanted:
        if iterations >= MOST_UNSEEN and not any(looks):
            words = f"{session.facts.clock} gave a sample of 0.0 s for {iterations:,} inferences; does it stand still?"
            raise SampleError(f"{session.facts.platform}: {words}")
        iterations *= 2
        looks = _looks(session, feeds, iterations, wanted)
    return iterations


def _looks(session: Session, feeds: Feeds, iterations: int, wanted: float) -> Sequence[float]:
    """Return a few samples, or only one where that is long beyond doubt."""
    first = _checked(session, feeds, 1, iterations, busy=False).seconds
    is_clear = first[0] * iterations >= LONG * wanted
    return first if is_clear else _checked(session, feeds, LOOKS, iterations, busy=False).seconds


def warm_up(session: Session, feeds: Feeds, plan: Plan, iterations: int = 1, spent: float = 0.0) -> list[float]:
    """Run and return the samples that are discarded: at most ``warmup_rounds``, for WARM_UP_SECONDS at most.

    Of these so many were *spent* before.
    """
    samples: list[float] = []
    seconds = WARM_UP_SECONDS[session.facts.surrounding] - spent
    while len(samples) < plan.warmup_rounds and (left := seconds - math.fsum(samples) * iterations) > 0:
        # A coarse clock may well call it 0.
        last = max(samples[-1] * iterations, session.facts.clock_resolution) if samples else left
        rounds = min(1 if len(samples) < 2 else math.ceil(left / last), plan.warmup_rounds - len(samples))
        samples += _checked(session, feeds, rounds, iterations, busy=False).seconds
    return samples


def draw(
    session: Session, feeds: Feeds, plan: Plan, estimate: float | None = None, iterations: int = 1
) -> Iterator[Block]:
    """Yield blocks of one start until *plan* is met; *estimate* is the seconds of a warm inference, where known.

    Raises SampleError for samples that are not positive finite seconds, or do not fit the call they were drawn in.
    """
    drawn: list[float] = []
    length = estimate and estimate * iterations
    while plan.wants(drawn):
        block = _checked(session, feeds, plan.next_rounds(drawn, length) if length else 1, iterations)
        drawn += (value * iterations for value in block.seconds)
        length = statistics.median(drawn)
        yield block


def while_young(blocks: Iterator[Block], facts: Facts, age: int) -> Iterator[Block]:
    """Pass *blocks* on until the page is as old as its *facts* let it become; its *age* before is in inferences."""
    for block in blocks:
        yield block
        age += block.inferences
        if facts.lifetime and age + block.inferences > facts.lifetime:
            return


def draw_in_turns(
    side: Side, partner: Side, plan: Plan, estimates: tuple[float, float]
) -> Iterator[tuple[Block, Block]]:
    """Yield blocks of *side* as :func:`draw` does, each with a block of *partner* of as many seconds right after it.

    So both see the same states of the machine. *estimates* are the seconds of a warm inference of each.
    """
    for block in draw(side.session, side.feeds, plan, estimates[0], side.iterations):
        rounds = max(1, math.ceil(block.duration / (estimates[1] * partner.iterations) - 1e-9))
        yield block, partner.draw(rounds)


def _checked(session: Session, feeds: Feeds, rounds: int, iterations: int = 1, *, busy: bool = True) -> Block:
    start = time.perf_counter()
    block = session.time(feeds, rounds, iterations)
    wall = time.perf_counter() - start
    if block.iterations != iterations:
        words = f"wanted samples of {iterations} inferences, got some of {block.iterations}"
        raise SampleError(f"{session.facts.platform}: {words}")
    check(block, rounds, wall, session.facts, busy=busy)
    return block


def check(block: Block, rounds: int, wall: float, facts: Facts, *, busy: bool = True) -> None:
    """Raise SampleError unless *block* can be *rounds* samples drawn in a call of *wall* seconds.

    Those of a *busy* call are long enough for their clock, and fill most of it; others may read 0.
    """
    if len(block.seconds) != rounds:
        raise SampleError(f"{facts.platform}: wanted {rounds} samples, got {len(block.seconds)}")
    least = math.ulp(0.0) if busy else 0.0
    if impossible := [value for value in block.seconds if not least <= value < math.inf]:
        raise SampleError(f"{facts.platform}: {facts.clock} gave a sample of {impossible[0]} s")
    claimed = block.duration
    too_long = claimed > wall + rounds * facts.clock_resolution + 1e-3
    # Only for long calls: a loaded machine may well pause a short one between its samples.
    inside = wall - block.beside
    too_short = busy and inside > LONG_CALL and claimed < inside / 2
    if too_long or too_short:
        claim = f"{claimed:.4f} s of samples in a call of {wall:.4f} s"
        raise SampleError(f"{facts.platform}: {facts.clock} gave {claim}; is its unit wrong?")


def readable(block: Block, facts: Facts) -> Block:
    """Return *block* with a step of its clock in place of what reads 0, the most that it can have taken.

    For what cannot be made longer: an opening's second inference, a batch of a test set. How few steps of its clock a
    sample is, trust tells.
    """
    return replace(block, seconds=[value or facts.clock_resolution for value in block.seconds])


def check_slowdown(facts: Facts, obtained: float) -> None:
    """Raise SampleError where a client that was to be weaker is not."""
    if facts.slowdown and not obtained >= LEAST_SLOWDOWN * (asked := facts.slowdown.asked):
        words = f"was to be {asked} times slower, and is {obtained:.1f} times slower"
        remedy = "close other programs, beside which it is slow without the brake, too"
        raise SampleError(f"{facts.platform}: {words}; {remedy}")


def check_whole(blocks: Sequence[Block], facts: Facts) -> None:
    """Raise SampleError where all the blocks of a benchmark show what a single one cannot.

    They were computed by more threads than the session says are in force.
    """
    if facts.threads is None:
        return
    counted = [block.cpu for block in blocks if block.cpu]
    busiest = math.fsum(cpu.busiest_thread for cpu in counted)
    ran = math.fsum(cpu.all_threads for cpu in counted) - (_on_the_way(blocks) if facts.where == "worker" else 0.0)
    # Compared with the time of the busiest thread and not with the wall time, which other programs make longer.
    if busiest > LEAST_BUSY and (cores := ran / busiest) > facts.threads + SPARE_CPU:
        raise SampleError(f"{facts.platform}: {facts.threads} thread(s) in force, but {cores:.1f} were computing")


def _on_the_way(blocks: Sequence[Block]) -> float:
    """Return the seconds that inputs and outputs were between a page and its worker: so long both may have computed."""
    told = [block for block in blocks if block.cpu and block.computing]
    return math.fsum(block.duration - math.fsum(block.computing) * block.iterations for block in told)
