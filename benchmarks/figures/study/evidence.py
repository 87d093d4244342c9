"""What the kept runs say of the study: rows of all that was timed and scored, and what they decide together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.decide import Decision, decisions_of
from benchmarks.results import Row, Run, keys, load, rows_of

# Below the folder of runs. What is not there is not measured, which each claim says.
TIMED = ("study/*.json", "timing-networks/float32.json", "nvidia-h200/study.json", "nvidia-h200/webgpu.json")
SCORED = ("nvidia-h200/accuracy.json",)  # beside those of the study
DECIDED = ("visitor/*.json", "decide/load.json")
STUDYS = ("resnet20", "resnet14", "resnet8")  # the networks in the study's table, from the slowest


@dataclass(frozen=True)
class Evidence:
    """All that claims are judged by."""

    rows: Sequence[Row]
    decisions: Sequence[Decision] = ()
    visits: Sequence[Row] = ()  # of the runs that decide

    @classmethod
    def of(cls, folder: Path) -> "Evidence":
        """Read the runs below *folder*; raises NotARunError of one that is none, MixedError of some that do not mix."""
        deciding = [*_runs(folder, DECIDED)]
        return cls(rows_of([*_runs(folder, (*TIMED, *SCORED))]), decisions_of(deciding), rows_of(deciding))

    @cached_property
    def latencies(self) -> list[Row]:
        """One inference in the steady state, of float32; what a simulated GPU took is no speed."""
        timed = (row for row in self.rows if row.phase == "latency" and not row.result.is_software)
        return [row for row in timed if row.precision == "float32"]

    @cached_property
    def single(self) -> list[Row]:
        """Latencies of one image at once."""
        return [row for row in self.latencies if row.batch_size == 1]

    @cached_property
    def accuracies(self) -> dict[tuple[str, str, str], Row]:
        """What was scored on the test images, in float32, by machine, model and platform."""
        scored = [row for row in self.rows if row.phase == "accuracy" and row.precision == "float32"]
        return {(row.machine, str(row.model), str(row.platform)): row for row in scored if keys.TOP1 in row.result.info}


def _runs(folder: Path, patterns: Sequence[str]) -> Iterator[Run]:
    for pattern in patterns:
        for file in sorted(folder.glob(pattern)):
            yield load(file)


def is_client(row: Row) -> bool:
    """Whether it ran in a page that computes for itself."""
    return str(row.platform).startswith("chromium-")


def is_weaker(row: Row) -> bool:
    """Whether its client was slowed down."""
    return keys.SLOWDOWN in row.result.info


def threads_of(row: Row) -> str:
    """Return on how many threads it computed, in words."""
    number = row.result.threads
    return "as many threads as it likes" if number is None else f"{number} thread{'s' * (number != 1)}"
