"""The runs that pytest-benchmark's storage holds: when, of what commit, on what machine, and what was found."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.results import NotARunError, Result, Run, load
from benchmarks.results.machine import circumstances, fingerprint
from benchmarks.results.saved import GIT_REMEDY, Fault


@dataclass(frozen=True)
class StoredRun:
    """A run that went to its end."""

    file: str  # in the storage
    machine: str  # the storage's folder that it lies in, which is named after the machine
    fingerprint: str  # what of the machine decides the figures: runs that differ in it share no series
    commit: str  # shortened, and ``+`` where files were changed since
    time: datetime  # of the commit; of the run where the commit has none
    saved: datetime
    circumstances: Mapping[str, str]  # what may explain a step: versions, kernel, governor
    results: Sequence[Result]

    @classmethod
    def of(cls, run: Run, file: Path) -> "StoredRun":
        """Say of *run*, stored in *file*, what decides where it belongs."""
        return cls(
            file=f"{file}",
            machine=file.parts[0] if len(file.parts) > 1 else "",
            fingerprint=fingerprint(run.machine),
            commit=f"{str(run.commit.id)[:7]}{'+' if run.commit.is_changed else ''}",
            time=_moment(run.commit.time or run.saved),
            saved=_moment(run.saved),
            circumstances=circumstances(run.machine),
            results=run.results,
        )

    @property
    def day(self) -> str:
        """The day of the commit."""
        return self.time.strftime("%Y-%m-%d")


def _moment(text: str) -> datetime:
    """Read a time; one that does not tell its zone is taken for UTC, as those with and without have no order."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(frozen=True)
class LeftOut:
    """What is in no series, and why."""

    what: str
    why: str


def read(storage: Path) -> tuple[list[StoredRun], list[LeftOut]]:
    """Return all whole runs under *storage* in the order of their commits, and what was left out."""
    runs, left_out = [], []
    for path in sorted(storage.rglob("*.json")):
        file = path.relative_to(storage)
        try:
            run = load(path)
            if reasons := [*_reasons(run)]:
                left_out.append(LeftOut(f"{file}", reasons[0]))
            else:
                runs.append(StoredRun.of(run, file))
        except (NotARunError, KeyError, TypeError, ValueError, AttributeError) as error:
            left_out.append(LeftOut(f"{file}", _why_none(error)))
    return sorted(runs, key=lambda run: (run.time, run.saved)), left_out


def _why_none(error: Exception) -> str:
    cause = error.cause if isinstance(error, NotARunError) else error
    return f"not a run of this suite ({type(cause).__name__}: {cause})"


def _reasons(run: Run) -> Iterator[str]:
    """Yield why a run must not be in a series."""
    words = {
        Fault.ENDED_BADLY: f"the run did not end well: pytest's exit code was {run.exit_status}",
        Fault.KILLED: "the run was killed, and holds what it had finished",
        Fault.EMPTY: "the run has no benchmarks",
    }
    yield from (words[fault] for fault in run.faults)
    if run.commit.id is None:
        yield f"the run tells no commit, so it has no place among the others: {GIT_REMEDY}"
