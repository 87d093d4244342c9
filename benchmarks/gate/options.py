"""What a person asks of the gate."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.gate import checkouts
from benchmarks.gate.decide_starts import Rules
from benchmarks.gate.verdicts import Policy


@dataclass(frozen=True)
class Options:
    """The command line, read once; what is not named on it is as here."""

    base: str | None = None  # a revision or a folder; None where saved runs take its place
    head: str | None = None  # None is the working tree
    baseline: Sequence[Path] = ()  # saved runs of the base
    head_runs: Sequence[Path] = ()  # saved runs of the head; without any they are made now
    merge_base: bool = False  # compare with where the head left the base's line
    environment: str = "bench"  # of tox, in which each version measures
    seconds: float = 0.12  # timed in each start, on each side
    out: Path = checkouts.FOLDER / "out"
    rules: Rules = field(default_factory=Rules)
    policy: Policy = field(default_factory=Policy)
    suite: Sequence[str] = ()  # the suite's own options

    @property
    def of_a_side(self) -> list[str]:
        """What each side's pytest is told: its time is that of all starts of a pair of processes."""
        return [f"--benchmark-max-time={self.seconds * self.rules.starts:g}", *self.suite]
