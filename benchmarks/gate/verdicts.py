"""What the gate says of each benchmark, and what its exit code makes of that."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any


class Verdict(StrEnum):
    """What is said of one benchmark."""

    SLOWER = "slower"
    FASTER = "faster"
    SAME = "same"
    UNDECIDED = "undecided"  # too noisy for the starts that were measured
    NEW = "new"  # only the head has it
    MISSING = "missing"  # only the base has it
    RENAMED = "renamed"  # the same model, platform and parameters under another name, and as fast
    FAILED = "failed"  # it did not run to its end on a side, or its samples are not numbers
    NOT_COMPARABLE = "not comparable"  # the sides did not do the same thing
    NOT_GATED = "not gated"  # measured and told, and never a reason to fail


COMPARED = {Verdict.SLOWER, Verdict.FASTER, Verdict.SAME, Verdict.RENAMED}


class Exit(IntEnum):
    """Exit codes of the gate."""

    PASSED = 0  # nothing is slower and everything was compared
    SLOWER = 1
    INCOMPLETE = 2  # missing, failed, not a number, empty, or too noisy
    NOT_COMPARABLE = 3
    USAGE = 4
    HELD = 5  # another gate runs


WORST_FIRST = (Exit.SLOWER, Exit.NOT_COMPARABLE, Exit.INCOMPLETE, Exit.PASSED)


@dataclass(frozen=True)
class Effect:
    """How much slower the head is: 0.02 is 2 % slower, -0.02 is 2 % faster."""

    value: float
    low: float  # of the interval
    high: float
    starts: int  # of both sides at once, or runs a side where stored runs were compared
    statistic: str = "quartile"  # what was compared: ``quartile``, ``mean``, or ``p10`` of stored runs
    confidence: float = 0.99


@dataclass(frozen=True)
class Row:
    """The verdict on one benchmark."""

    name: str  # the head's, the base's where the head has none
    verdict: Verdict
    effect: Effect | None = None  # None where nothing was compared
    why: str = ""  # what there is to say beside the effect
    more_starts: int | None = None  # that would decide what is undecided
    renamed_from: str | None = None
    doubts: str = ""  # what the results that it rests on doubt of themselves, which changes no verdict


@dataclass(frozen=True)
class Policy:
    """What a person lets pass."""

    allow_new: bool = False
    allow_missing: bool = False
    fail_on_faster: bool = False  # so that baselines get renewed

    def exit_of(self, verdict: Verdict) -> Exit:
        """Return the exit code that a verdict asks for."""
        if verdict is Verdict.SLOWER or (verdict is Verdict.FASTER and self.fail_on_faster):
            return Exit.SLOWER
        if verdict is Verdict.NOT_COMPARABLE:
            return Exit.NOT_COMPARABLE
        return Exit.INCOMPLETE if self._leaves_open(verdict) else Exit.PASSED

    def _leaves_open(self, verdict: Verdict) -> bool:
        if verdict is Verdict.NEW:
            return not self.allow_new
        if verdict is Verdict.MISSING:
            return not self.allow_missing
        return verdict in {Verdict.UNDECIDED, Verdict.FAILED}


@dataclass(frozen=True)
class Outcome:
    """All that a gate has to tell."""

    base: str  # what was compared, in words: a revision and its commit, a folder, or files
    head: str
    rows: Sequence[Row]
    policy: Policy = field(default_factory=Policy)
    refusals: Sequence[str] = ()  # why the sides cannot be compared at all
    problems: Sequence[str] = ()  # why the whole is incomplete: a side ended early, nothing was measured
    notes: Sequence[str] = ()  # what a reader should know: the witness, the machine's load, how long it took
    details: dict[str, Any] = field(default_factory=dict)  # for the JSON: rules, seconds, machine, raw log ratios

    @property
    def exit(self) -> Exit:
        """The exit code: a slowdown counts most, then what cannot be compared, then what was not."""
        return min(self._exits(), key=WORST_FIRST.index)

    def _exits(self) -> Iterator[Exit]:
        verdicts = {row.verdict for row in self.rows}
        yield from map(self.policy.exit_of, verdicts)
        if self.refusals:
            yield Exit.NOT_COMPARABLE
        if self.problems or not verdicts & COMPARED:
            yield Exit.INCOMPLETE
        yield Exit.PASSED  # where nothing is against it
