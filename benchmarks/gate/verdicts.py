"""What the gate says of each benchmark, and what its exit code makes of that."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any


class Verdict(StrEnum):
    """What is said of one benchmark."""

    SLOWER = "slower"
    FASTER = "faster"
    SAME = "same"
    UNDECIDED = "undecided"  # too noisy for the pairs that were measured
    NEW = "new"  # only the head has it
    MISSING = "missing"  # only the base has it
    RENAMED = "renamed"  # the same model, platform and parameters under another name, and as fast
    FAILED = "failed"  # it did not run to its end on a side, or its samples are not numbers
    NOT_COMPARABLE = "not comparable"  # the sides did not do the same thing
    NOT_GATED = "not gated"  # measured and told, and never a reason to fail


class Exit(IntEnum):
    """Exit codes of the gate."""

    PASSED = 0  # nothing is slower and everything was compared
    SLOWER = 1
    INCOMPLETE = 2  # missing, failed, not a number, empty, or too noisy
    NOT_COMPARABLE = 3
    USAGE = 4


@dataclass(frozen=True)
class Effect:
    """How much slower the head is: 0.02 is 2 % slower, -0.02 is 2 % faster."""

    value: float
    low: float  # of the interval
    high: float
    pairs: int  # of processes, or runs a side where stored runs were compared
    statistic: str = "quartile"  # what was compared: ``quartile``, ``mean``, or ``p10`` of stored runs
    confidence: float = 0.99


@dataclass(frozen=True)
class Row:
    """The verdict on one benchmark."""

    name: str  # the head's, the base's where the head has none
    verdict: Verdict
    effect: Effect | None = None  # None where nothing was compared
    why: str = ""  # what there is to say beside the effect
    more_pairs: int | None = None  # that would decide what is undecided
    renamed_from: str | None = None


@dataclass(frozen=True)
class Policy:
    """What a person lets pass."""

    allow_new: bool = False
    allow_missing: bool = False
    fail_on_faster: bool = False  # so that baselines get renewed


@dataclass(frozen=True)
class Outcome:
    """All that a gate found."""

    base: str  # what was compared, in words: a revision and its commit, a folder, or files
    head: str
    rows: Sequence[Row]
    policy: Policy = field(default_factory=Policy)
    refusals: Sequence[str] = ()  # why the sides cannot be compared at all
    problems: Sequence[str] = ()  # why the whole is incomplete: a side ended early, nothing was measured
    notes: Sequence[str] = ()  # what a reader should know: the witness, the machine's load, how long it took
    details: dict[str, Any] = field(default_factory=dict)  # for the JSON: rules, seconds, machine, raw pairs

    @property
    def exit(self) -> Exit:
        """The exit code: a slowdown counts most, then what cannot be compared, then what was not."""
        verdicts = {row.verdict for row in self.rows}
        if Verdict.SLOWER in verdicts or (self.policy.fail_on_faster and Verdict.FASTER in verdicts):
            return Exit.SLOWER
        if self.refusals or Verdict.NOT_COMPARABLE in verdicts:
            return Exit.NOT_COMPARABLE
        return Exit.INCOMPLETE if self._is_incomplete(verdicts) else Exit.PASSED

    def _is_incomplete(self, verdicts: set[Verdict]) -> bool:
        open_ones = {Verdict.UNDECIDED, Verdict.FAILED}
        if not self.policy.allow_new:
            open_ones |= {Verdict.NEW}
        if not self.policy.allow_missing:
            open_ones |= {Verdict.MISSING}
        compared = verdicts & {Verdict.SLOWER, Verdict.FASTER, Verdict.SAME, Verdict.RENAMED}
        return bool(self.problems or verdicts & open_ones or not compared)
