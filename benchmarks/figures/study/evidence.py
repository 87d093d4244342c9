"""What the kept runs say of the study: rows of all that was timed and scored, and what they decide together."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from benchmarks.decide import Decision, MixedError, decisions_of
from benchmarks.results import Row, Run, keys, load, rows_of
from benchmarks.results.tidy import DOUBT

# Below the folder of runs. What is not there is not measured, which each claim says.
TIMED = (
    "study/*.json",
    "amd-epyc/*.json",
    "timing-networks/float32.json",
    "nvidia-h200/study.json",
    "nvidia-h200/webgpu.json",
)
SCORED = ("nvidia-h200/accuracy.json",)  # beside those of the study
DECIDED = ("visitor/*.json", "decide/load.json")
JOINED = ("devices/*.json",)  # runs for browsers that joined by a link; of none nothing is said
IMAGES = 10_000  # of the test set
STUDYS = ("resnet20", "resnet14", "resnet8")  # the networks in the study's table, from the slowest

OF_MODEL = ("untrained", "stand-in", "made up", "not whole")  # marks of all that is decided of a model
Place = tuple[str, str, str]  # machine, model and platform


@dataclass(frozen=True)
class Evidence:
    """All that claims are judged by."""

    rows: Sequence[Row]
    decisions: Sequence[Decision] = ()
    visits: Sequence[Row] = ()  # of the runs that decide
    joined: Sequence[Row] = ()  # of devices that joined by a link

    @classmethod
    def of(cls, folder: Path) -> "Evidence":
        """Read the runs below *folder*; raises NotARunError of one that is none, MixedError of some that do not mix."""
        kinds = [[*_runs(folder, patterns)] for patterns in ((*TIMED, *SCORED), DECIDED, JOINED)]
        rows = iter(rows_of([run for runs in kinds for run in runs]))  # of all together, so that a machine has one name
        own, visits, joined = ([*islice(rows, sum(len(run.results) for run in runs))] for runs in kinds)
        _check_files([*own, *visits, *joined])
        return cls(own, decisions_of(kinds[1]), visits, joined)

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
    def weaker(self) -> list[Row]:
        """Latencies of one image on weaker clients, those of the runs that decide among them."""
        visited = [row for row in self.visits if row.phase == "latency" and row.precision == "float32"]
        return [row for row in (*self.single, *visited) if row.batch_size == 1 and is_client(row) and is_weaker(row)]

    @cached_property
    def accuracies(self) -> dict[Place, list[Row]]:
        """What was scored on all test images, in float32."""
        scored = [row for row in self.rows if row.phase == "accuracy" and row.precision == "float32"]
        return by_place(row for row in scored if keys.TOP1 in row.result.info and row.result.info["images"] == IMAGES)

    def signs(self, decision: Decision, *doubts: str) -> str:
        """Return the marks of a model's decision as they stand behind a figure, that of its *doubts* among them."""
        rows = [row for row in self.visits if row.sha256 == decision.model.sha256]
        told = dict.fromkeys(mark.sign for row in rows for mark in row.marks if mark.sign in OF_MODEL)
        return "".join(f" {sign}" for sign in (*([DOUBT] if doubts else []), *told))

    @property
    def runs(self) -> list[Run]:
        """All runs that something is told of."""
        return [*{id(row.run): row.run for row in (*self.rows, *self.visits, *self.joined)}.values()]


def _runs(folder: Path, patterns: Sequence[str]) -> Iterator[Run]:
    for pattern in patterns:
        for file in sorted(folder.glob(pattern)):
            yield load(file)


def _check_files(rows: Iterable[Row]) -> None:
    """Raise MixedError where two runs mean two files by one model's name: their figures are no one's."""
    first: dict[tuple[str | None, str | None], Row] = {}
    for row in rows:
        if not row.sha256:
            continue
        seen = first.setdefault((row.label, row.precision), row)
        if seen.sha256 != row.sha256:
            raise MixedError.of_files(str(row.label), (row.run, row.sha256), (seen.run, str(seen.sha256)))


def by_place(rows: Iterable[Row]) -> dict[Place, list[Row]]:
    """Return *rows* by machine, model and platform: of several runs all, so that none hides another."""
    found: dict[Place, list[Row]] = {}
    for row in rows:
        found.setdefault((row.machine, str(row.model), str(row.platform)), []).append(row)
    return found


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
