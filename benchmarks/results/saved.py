"""A saved run and its results, as everyone reads them: pytest-benchmark's JSON, checked once, of any schema so far."""

import json
import math
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from datetime import datetime
from enum import Enum
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring.drift import Drift, widened
from benchmarks.measuring.ratio import STATISTICS, Ratio
from benchmarks.measuring.starts import Figure, figure
from benchmarks.protocol import Blocking, Memory
from benchmarks.results import fleet, keys
from benchmarks.results.damage import check_count, check_mapping, check_numbers, check_once, is_number
from benchmarks.results.schema import upgraded

Json = Mapping[str, Any]

REMEDY = "name a run that --benchmark-json or --benchmark-autosave saved"
GIT_REMEDY = "measure again where git can be read, as the run said when it was made"

BLOCKING = {field.name: field.default for field in fields(Blocking)}
PERCENTILE = re.compile(r"p[0-9]+")

NO_COMMIT = ("unknown", "unversioned")  # pytest-benchmark's words where git cannot be read, and where there is none


class NotARunError(Exception):
    """A file holds no run of this suite; ``cause`` is what went wrong when it was read, ``why`` the same in words."""

    def __init__(self, file: Path, cause: Exception) -> None:
        words = cause.strerror if isinstance(cause, OSError) else cause  # its own words name the file again
        kind = "" if isinstance(cause, OtherKindError) else f"{type(cause).__name__} "
        self.cause, self.why = cause, f"no run of this suite: {kind}{words}"
        super().__init__(f"{file}: {self.why}")


class OtherKindError(ValueError):
    """A file is no run, but something else that the suite saved; the message says what, and who reads it."""


class SchemaError(ValueError):
    """A run was written by a later version of the suite."""


class Fault(Enum):
    """Why a run is no whole one."""

    ENDED_BADLY = "interrupted, failed or refused"
    KILLED = "killed before it was saved"
    EMPTY = "holds no benchmark"


@dataclass(frozen=True)
class WitnessTimes:
    """How long a fixed piece of work took between the blocks, in seconds."""

    workload: str
    p10: float


@dataclass(frozen=True)
class Commit:
    """The commit that a run was made with, as git told it."""

    id: str | None = None  # None where git told none, or could not be read
    is_changed: bool = False  # files were changed since, so that no revision has them
    time: str | None = None  # of the commit, in ISO 8601

    @classmethod
    def of(cls, info: Json | None) -> "Commit":
        """Read pytest-benchmark's ``commit_info``."""
        info = info or {}
        commit = info.get("id")
        time = info.get("time") or info.get("author_time")
        return cls(None if commit in NO_COMMIT else commit, bool(info.get("dirty")), time)


@dataclass(frozen=True)
class Result:
    """A benchmark of a run. Times in seconds."""

    fullname: str
    name: str
    params: Json
    stats: Mapping[str, Any]  # pytest-benchmark's, of the samples
    options: Json  # pytest-benchmark's, that it was measured with
    info: Json  # extra_info, of the current schema

    @classmethod
    def of(cls, saved: Json) -> "Result":
        """Read a benchmark as pytest-benchmark saves it, its statistics under ``stats`` or beside the rest.

        Raises KeyError where it is none, and DamagedError where a part of it is none.
        """
        fullname = saved["fullname"] if "fullname" in saved else saved["name"]
        parts = {part: saved.get(part) or {} for part in ("params", "options", "extra_info")}
        parts["stats"] = saved.get("stats", saved)
        for part, value in parts.items():
            check_mapping(value, f"{fullname}: its {part}")
        info = upgraded(parts["extra_info"], parts["params"])
        check_numbers(parts["stats"].get("data") or (), f"{fullname}: a sample")
        check_count(parts["stats"].get("iterations", 1), f"{fullname}: its iterations")
        if witness := info.get(keys.WITNESS):
            check_mapping(witness, f"{fullname}: its {keys.WITNESS}")
            check_numbers([witness["p10"]], f"{fullname}: its {keys.WITNESS}'s p10")
        return cls(fullname, saved.get("name", fullname), parts["params"], parts["stats"], parts["options"], info)

    @property
    def samples(self) -> Sequence[float]:
        """The seconds of an inference, or of each opening; none where they were not saved."""
        return self.stats.get("data") or ()

    @property
    def iterations(self) -> int:
        """Of how many inferences in a row a sample is the mean."""
        return int(self.stats.get("iterations", 1))

    def in_rows_of(self, iterations: int) -> "Result":
        """Return it as if each sample were the mean of so many inferences, a multiple of what it is the mean of.

        Percentiles of single inferences and of means of several are not the same figure: so two runs can be compared
        of which one made a sample of more. Neighbours of a block are taken together, and what is left over of a block
        is left out. Without samples, or with some that are no times, it stays as it is, and where it is no multiple.
        """
        together, rest = divmod(iterations, self.iterations)
        if together == 1 or rest or not self.samples or not all(0 < value < math.inf for value in self.samples):
            return self
        starts = [[_in_rows(block, together) for block in start] for start in self.starts]
        of_starts = [np.concatenate(start) for start in starts if start]
        figures = {name: self._of_any_state(figure([*map(c, of_starts)])).to_json() for name, c in STATISTICS.items()}
        samples = np.concatenate(of_starts)
        times = {name: float(getattr(np, name)(samples)) for name in ("min", "median", "mean", "max")}
        rounds = [[len(block) for block in start] for start in starts]
        kept = {name: value for name, value in self.info.items() if not PERCENTILE.fullmatch(name)}  # of other samples
        return replace(
            self,
            stats={**times, "data": samples.tolist(), "iterations": iterations, "rounds": len(samples)},
            info={**kept, keys.STARTS: rounds, keys.FIGURES: figures},
        )

    def _of_any_state(self, figure: Figure) -> Figure:
        """Return a figure of the starts with an interval that knows of the machine too, as far as the run saw it."""
        seen = self.info.get(keys.DRIFT)
        return widened(figure, Drift(**seen)) if seen else figure

    @property
    def starts(self) -> list[list[Sequence[float]]]:
        """The samples of each block, a turn of a gate, by the start that they were drawn from.

        Until schema 2 there was one of the steady state, and of what is opened one for each sample.
        """
        rest = iter(self.samples)
        old = [[1]] * len(self.samples) if keys.CACHES in self.info else [[len(self.samples)]]
        rounds: list[list[int]] = self.info.get(keys.STARTS) or old
        return [[[*islice(rest, number)] for number in start] for start in rounds]

    @property
    def starts_wanted(self) -> int:
        """How many starts were asked for: how many more keep a page young depends on how fast it was."""
        return int(self.info.get(keys.STARTS_WANTED, len(self.starts)))

    @property
    def is_of_one_start(self) -> bool:
        """Whether all samples are of one page or process: then nothing tells what another would give."""
        return len(self.starts) == 1

    @property
    def witness(self) -> WitnessTimes | None:
        """What the witness of the machine's state saw; None where there was none."""
        saved = self.info.get(keys.WITNESS)
        return WitnessTimes(saved["workload"], saved["p10"]) if saved else None

    @property
    def has_told(self) -> bool:
        """Whether it tells what was measured: all that this suite saved does, in its extra_info."""
        return keys.CLOCK in self.info

    @property
    def is_complete(self) -> bool:
        """Whether it has all that a comparison of saved runs needs: samples, options and a witness."""
        return bool(self.options and keys.WITNESS in self.info and "data" in self.stats)

    @property
    def statistic(self) -> str:
        """The statistic by which two runs of it are compared: ``p10``, or ``mean``."""
        return str(self.info[keys.STATISTIC])

    @property
    def headline(self) -> str:
        """The statistic that is shown: the mean of a weak client, as the median does not see its quota's pauses."""
        return "mean" if self.statistic == "mean" else "median"

    def figure(self, statistic: str) -> Figure:
        """Return a statistic in the middle of the starts; of one start, or without samples, it has no interval."""
        if saved := self.info.get(keys.FIGURES, {}).get(statistic):
            return Figure(**saved)
        if self.samples and statistic in STATISTICS:
            return Figure(STATISTICS[statistic](np.array(self.samples)), 1)
        value = {**self.stats, **self.info}.get(statistic)
        return Figure(float(value) if is_number(value) else math.nan, 1)

    def seconds(self, statistic: str) -> float:
        """Return a statistic in the middle of the starts; NaN where it was not saved."""
        return self.figure(statistic).value

    @property
    def rate(self) -> Figure | None:
        """How many queries a second a server carried under LoadGen's load; None where none was found, or asked for."""
        return self.figure_beside(keys.QUERIES_PER_SECOND)

    def figure_beside(self, key: str) -> Figure | None:
        """Return a figure that was measured beside the times, such as a page's longest task; None where none was."""
        saved = self.info.get(key)
        return Figure(**saved) if saved else None

    @property
    def blocking(self) -> Blocking | None:
        """What the page suffered in the start that froze most; None where all of it is not told."""
        saved = self.info.get(keys.BLOCKING)
        told = {name: saved[name] for name in BLOCKING if name in saved} if isinstance(saved, Mapping) else {}
        is_whole = all(is_number(told.get(name)) for name in BLOCKING if name in told or BLOCKING[name] is MISSING)
        return Blocking(**told) if is_whole else None

    @property
    def taken(self) -> int | None:
        """The bytes taken over the start; of older runs and of processes the peak less what was held before."""
        if (told := self.info.get(keys.TAKEN)) is not None:
            return max(0, int(told))  # older runs told less than nothing where a page gave memory back
        return Memory(*(self.info.get(f"{keys.MEMORY}{name}") for name in ("before", "peak"))).over_start

    @property
    def ratios(self) -> dict[str, Ratio]:
        """The ratios that were measured in turns, by the partner's name, such as ``server_cpu``."""
        names = [key for key in self.info if key.startswith(keys.RATIO_TO)]
        return {name.removeprefix(keys.RATIO_TO): Ratio(**self.info[name]) for name in names}

    @property
    def threads(self) -> int | None:
        """The threads that computed; None where the platform takes as many as it likes."""
        threads: int | None = self.info.get(keys.THREADS)
        return threads

    @property
    def is_software(self) -> bool:
        """Whether it was measured on a GPU that is simulated on the processor: then its times are no GPU's."""
        return bool(self.info.get(keys.SOFTWARE_GPU))

    @property
    def may_steer(self) -> list[str]:
        """The inputs whose values nobody chose, and which may decide what is computed."""
        return [*self.info.get(keys.MAY_STEER, [])]

    @property
    def is_untrained(self) -> bool:
        """Whether it is of a network that nobody trained: its times are such a network's, its answers mean nothing."""
        return bool(self.info.get(keys.UNTRAINED))

    @property
    def is_stand_in(self) -> bool:
        """Whether a short training stands in for a file that was absent: then its answers are not the model's."""
        return bool(self.info.get(keys.STAND_IN))

    @property
    def trust(self) -> Json:
        """What is known of the circumstances; empty where nothing is."""
        trust: Json = self.info.get(keys.TRUST, {})
        return trust

    @property
    def odd_starts(self) -> list[float]:
        """How many times as long as their siblings those starts took that were unlike them."""
        return [*self.trust.get(keys.ODD_STARTS, {}).values()]

    @property
    def surrounding(self) -> str:
        """What was fresh in each start: ``page`` or ``process``; ``start`` where nobody told."""
        return str(self.info.get(keys.SURROUNDING, "start"))

    @property
    def doubts(self) -> dict[str, str]:
        """What makes it doubtful, in words, by the name of the check."""
        return dict(self.trust.get(keys.DOUBTS, {}))

    @property
    def unknown(self) -> dict[str, str]:
        """What should be known of the circumstances and is not, in words, by the name of the check."""
        return dict(self.trust.get(keys.UNKNOWN, {}))

    def impossible(self, names: Iterable[str]) -> list[str]:
        """Return which of these statistics are no positive finite numbers, and so no times."""
        values = {name: self.stats.get(name) for name in names}
        return [name for name, value in values.items() if not (is_number(value) and math.isfinite(value) and value > 0)]


def in_rows_alike(results: Sequence[Result]) -> list[Result]:
    """Return *results* of a benchmark as if their samples were of as many inferences in all of them: of the most."""
    most = max((result.iterations for result in results), default=1)
    return [result.in_rows_of(most) for result in results]


def _in_rows(block: Sequence[float], together: int) -> NDArray[np.float64]:
    """Return the means of so many samples at a time; of a block that has fewer, the mean of all."""
    rows = max(1, len(block) // together) if block else 0
    return np.array([statistics.fmean(block[row * together : (row + 1) * together]) for row in range(rows)])


@dataclass(frozen=True)
class Run:
    """A run that pytest-benchmark saved."""

    file: Path
    schema: int
    exit_status: Any  # pytest's; None where pytest-benchmark saved a run that is not this suite's
    machine: Json  # machine_info
    commit: Commit
    saved: str  # when, in ISO 8601: at its end
    results: Sequence[Result]

    @classmethod
    def of(cls, content: Json, file: Path) -> "Run":
        """Read pytest-benchmark's JSON, which came from *file*; raise NotARunError where it is none."""
        try:
            return cls._of(content, file)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise NotARunError(file, error) from error

    @classmethod
    def _of(cls, content: Json, file: Path) -> "Run":
        schema = content.get(keys.SCHEMA, 1)
        if schema > keys.SCHEMA_NUMBER:
            words = f"it is of schema {schema}, and this version reads up to {keys.SCHEMA_NUMBER}; update the suite"
            raise SchemaError(words)
        status, benchmarks = content.get(keys.EXIT_STATUS), content["benchmarks"]
        machine, saved = content["machine_info"], content["datetime"]
        check_mapping(machine, "its machine_info")
        for part in ("cpu", "versions"):
            check_mapping(machine.get(part, {}), f"its machine_info's {part}")
        datetime.fromisoformat(saved)
        results = tuple(map(Result.of, benchmarks))
        check_once(result.fullname for result in results)
        return cls(file, schema, status, machine, Commit.of(content.get("commit_info")), saved, results)

    @property
    def version(self) -> str:
        """What was measured, in words."""
        return f"{self.commit.id or 'no commit'}{', with changes' if self.commit.is_changed else ''}"

    @cached_property
    def by_name(self) -> dict[str, Result]:
        """The results by their full name."""
        return {result.fullname: result for result in self.results}

    @property
    def _ended_well(self) -> bool:
        """Whether pytest's exit code is 0: false, null and 0.0 are no exit codes."""
        return type(self.exit_status) is int and self.exit_status == 0

    @property
    def faults(self) -> list[Fault]:
        """Why it is no whole run; nothing of one that is."""
        checks = {
            Fault.ENDED_BADLY: not self._ended_well and self.exit_status != keys.KILLED,
            Fault.KILLED: self.exit_status == keys.KILLED,
            Fault.EMPTY: not self.results,
        }
        return [fault for fault, is_there in checks.items() if is_there]

    @property
    def is_of_this_suite(self) -> bool:
        """Whether this suite saved it: what pytest-benchmark saved alone tells no exit status."""
        return self.exit_status is not None

    @property
    def versions(self) -> Mapping[str, str]:
        """The version of everything that ran."""
        versions: Mapping[str, str] = self.machine.get("versions", {})
        return versions


def short(fullname: str) -> str:
    """Return a benchmark's name without its file, which the function's name tells."""
    return fullname.rpartition("::")[2]


def load(file: Path) -> Run:
    """Read a run that this suite saved, whole or not; raise NotARunError for everything else."""
    return _read(file, keys.EXIT_STATUS)  # pytest-benchmark alone writes none


def load_any(file: Path) -> Run:
    """Read a run that pytest-benchmark saved, of this suite or not; raise NotARunError for everything else."""
    return _read(file, "benchmarks")


def _read(file: Path, needed: str) -> Run:
    try:
        content = json.loads(file.read_bytes())
        if fleet.is_one(content):
            raise OtherKindError("a fleet, which `tox run -e report` shows")
        if isinstance(content, Mapping) and content.keys() >= keys.ANSWERS:
            raise OtherKindError("decide's answers, whose check `tox run -e report` shows")
        content[needed]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotARunError(file, error) from error
    return Run.of(content, file)
