"""What a client does to the page that it computes in: how long the page freezes, and what memory it takes.

Both were measured, or they are not known: nothing is said of a client by its name alone.
"""

from dataclasses import dataclass

from benchmarks.decide import words
from benchmarks.decide.measured import Client
from benchmarks.decide.spans import Span
from benchmarks.protocol import FRAMES_A_SECOND

FRAME = 1 / FRAMES_A_SECOND  # seconds: a page whose main thread is taken for longer misses one
MEASURE_FREEZING, MEASURE_MEMORY = "-m blocking", "-m memory"  # what tells what is not known


@dataclass(frozen=True)
class Burden:
    """What a page bears of a client of a class; None is what was not measured."""

    longest_task: Span | None = None  # seconds that its main thread is taken for at once, in the middle of the starts
    frames_missed: float | None = None  # of those wanted, in the start that froze most; None where it is by factor
    is_by_factor: bool = False  # that is one of this machine's, times the class' factor
    is_doubtful: bool = False  # and so is where it was measured
    memory: int | None = None  # bytes that the page takes at most, over its start
    budget: int | None = None  # bytes of them that it may take; None where nobody set any

    @property
    def freezes(self) -> bool | None:
        """Whether the page misses a frame or more, in the middle of the starts."""
        return None if self.longest_task is None else self.longest_task.value > FRAME

    @property
    def is_known_to_run(self) -> bool:
        """Whether no page misses a frame, as far as the interval reaches."""
        return self.longest_task is not None and self.longest_task.high <= FRAME

    @property
    def is_over_budget(self) -> bool | None:
        """Whether it takes more than it may; None where that is not known, or there is no budget."""
        return None if self.memory is None or self.budget is None else self.memory > self.budget

    @property
    def is_marked(self) -> bool:
        """Whether a visitor would feel it."""
        return bool(self.freezes or self.is_over_budget)

    @property
    def is_light(self) -> bool:
        """Whether it is known that no visitor would."""
        return self.is_known_to_run and (self.budget is None or self.is_over_budget is False)

    @property
    def marks(self) -> list[str]:
        """What it is marked for, in words."""
        found = [self._freezing()] if self.freezes else []
        return [*found, self._taking()] if self.is_over_budget else found

    @property
    def all_words(self) -> list[str]:
        """Say all of it, and by what that is measured which is not known."""
        told = [self._freezing()]
        if self.memory is not None:
            return [*told, self._taking()]
        return told if self.budget is None else [*told, f"its memory is not measured ({MEASURE_MEMORY})"]

    def _freezing(self) -> str:
        if self.longest_task is None:
            return f"whether it freezes the page is not measured ({MEASURE_FREEZING})"
        task = words.duration(self.longest_task.value) + words.interval(self.longest_task)
        task += ", by the factor" if self.is_by_factor else ""
        may = "does not freeze" if self.is_known_to_run else "may freeze"
        told = (
            f"freezes the page for {task}" if self.freezes else f"{may} the page (longest task {task}{self._frames()})"
        )
        return told + (" (!)" if self.is_doubtful else "")

    def _frames(self) -> str:
        return f", and up to {self.frames_missed:.0%} of its frames are missed" if self.frames_missed else ""

    def _taking(self) -> str:
        assert self.memory is not None
        taken = f"takes {words.size(self.memory)} of memory"
        if self.budget is None:
            return taken
        budget = f"the budget of {words.size(self.budget)}"
        return f"{taken}, more than {budget}" if self.is_over_budget else f"{taken}, within {budget}"


def burden(client: Client | None, whole: Client | None, factor: int, budget: int | None = None) -> Burden:
    """Return what a page bears of a client that is *factor* times weaker than *whole*, the same as nothing slows it.

    *client* is the one that was slowed down, where one was. What was not measured of it is that of *whole*: the longest
    task by the factor, and memory as it is, for a weaker client needs no more. *budget*, in bytes, counts before that
    of the files.
    """
    own = [one for one in (client, whole) if one is not None]
    memories = next((one.memories for one in own if one.memories), {})
    most = max(memories.values(), default=None)
    limit = budget if budget is not None else next((one.budget for one in own if one.budget is not None), None)
    task = next((one.longest_task for one in own if one.longest_task), None)
    if task is None:
        return Burden(memory=most, budget=limit)
    is_by_factor = factor > 1 and not (client and client.longest_task)
    longest = task.span.times(factor if is_by_factor else 1)
    missed = None if is_by_factor else next(one.frames_missed for one in own if one.longest_task)
    return Burden(longest, missed, is_by_factor, bool(task.doubts), most, limit)
