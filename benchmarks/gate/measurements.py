"""What pairs of processes measured: a record of each benchmark in each pair, and what all of them say together."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.gate.decide_starts import LogRatio
from benchmarks.gate.pair import SIDES, Matched
from benchmarks.results.saved import WitnessTimes, short

SCREEN, CONFIRM = "screen", "confirm"  # the stages of a gate
Doubts = Mapping[str, str]  # of a result, in words by the name of the check
MachineInfo = Mapping[str, Any]  # what a saved run says of machine and versions


@dataclass(frozen=True)
class Comparison:
    """A benchmark in a pair of processes that both measured it."""

    name: str  # the head's
    stage: str
    number: int  # of the pair of processes in its stage, from 1
    log_ratios: Sequence[LogRatio]  # one of each start
    unlike: str = ""  # what was in force on one side only
    threads: int | None = None
    witness: Sequence[WitnessTimes] = ()  # what each side saw of the state of the machine
    statistics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # by side; of one run, for the JSON
    doubts: Sequence[Doubts] = ()  # of each side's result

    def to_json(self) -> dict[str, Any]:
        """Return what the gate's JSON keeps of it."""
        of_pair = {"pair": f"{self.stage}-{self.number}", "benchmark": short(self.name)}
        return {**of_pair, "log_ratios": [*map(asdict, self.log_ratios)], **self.statistics}


@dataclass(frozen=True)
class Failure:
    """A benchmark in a pair of processes of which a side has no result."""

    name: str  # the head's
    reason: str


@dataclass(frozen=True)
class Measurements:
    """All that was measured, however far it came."""

    matched: Matched = field(default_factory=Matched)
    comparisons: Sequence[Comparison] = ()
    failures: Sequence[Failure] = ()
    machines: Mapping[str, MachineInfo] = field(default_factory=dict)  # by side
    problems: Sequence[str] = field(default_factory=list)  # what ended it early
    seconds: Mapping[str, float] = field(default_factory=dict)  # by stage

    @property
    def screened(self) -> dict[str, list[LogRatio]]:
        """The starts that all benchmarks were screened with, by name."""
        return self._starts(SCREEN)

    @property
    def confirmed(self) -> dict[str, list[LogRatio]]:
        """The fresh starts of the suspects, by name."""
        return self._starts(CONFIRM)

    def _starts(self, stage: str) -> dict[str, list[LogRatio]]:
        starts: dict[str, list[LogRatio]] = {}
        for comparison in self.comparisons:
            if comparison.stage == stage:
                starts.setdefault(comparison.name, []).extend(comparison.log_ratios)
        return starts

    @property
    def witness(self) -> list[WitnessTimes]:
        """What was seen of the state of the machine, on both sides and all the time."""
        return [seen for comparison in self.comparisons for seen in comparison.witness]

    @property
    def machine(self) -> MachineInfo:
        """The machine, as the head tells it; empty where no pair came to its end."""
        return self.machines.get("head", {})

    def comparisons_of(self, name: str) -> list[Comparison]:
        """Return all of a benchmark."""
        return [comparison for comparison in self.comparisons if comparison.name == name]

    def doubts_of(self, name: str) -> list[Doubts]:
        """Return what the results doubt that the verdict rests on: of a suspect those of its fresh starts."""
        comparisons = self.comparisons_of(name)
        fresh = [comparison for comparison in comparisons if comparison.stage == CONFIRM]
        return [doubts for comparison in fresh or comparisons for doubts in comparison.doubts]

    def reasons_of(self, name: str) -> list[str]:
        """Return why pairs lack a benchmark, each reason once."""
        return [*dict.fromkeys(failure.reason for failure in self.failures if failure.name == name)]

    def unlike(self, name: str) -> str:
        """Say what was in force on one side only when a benchmark was measured; nothing where both did the same."""
        differences = [comparison.unlike for comparison in self.comparisons_of(name) if comparison.unlike]
        return differences[-1] if differences else ""

    def threads(self, name: str) -> int | None:
        """Return on how many threads a benchmark computed; None where nobody knows."""
        return self.comparisons_of(name)[-1].threads

    def changed_versions(self) -> dict[str, tuple[str, str]]:
        """Return the base's and the head's versions of what has another on the other side, or is absent there."""
        base, head = (self.machines.get(side, {}).get("versions", {}) for side in SIDES)
        names = [name for name in {**base, **head} if base.get(name) != head.get(name)]
        return {name: (base.get(name, "absent"), head.get(name, "absent")) for name in names}

    @property
    def is_measured_otherwise(self) -> bool:
        """Whether the code that measures is another on the other side."""
        return len({machine["suite"] for machine in self.machines.values()}) > 1
