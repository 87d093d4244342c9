"""Gate a head against a base: screen all benchmarks in lockstep, confirm the suspects, give each a verdict."""

import json
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.gate.decide_pairs import FEWEST_PAIRS, Pair, Rules, decide, log_ratio_of_slices, suspects
from benchmarks.gate.pair import Match, Matched, Schedule, Side, SideError, Version, match, run_pair, started
from benchmarks.gate.verdicts import Row, Verdict
from benchmarks.results import alike

Result = Mapping[str, Any]  # a benchmark of pytest-benchmark's JSON
SIDES = ("base", "head")
NO_RESULT = "no result, and no reason"
STATISTICS = ("min", "median", "mean", "rounds")


@dataclass
class Found:
    """What the pairs of processes measured so far."""

    matched: Matched = field(default_factory=lambda: Matched([], [], []))
    screened: dict[str, list[Pair]] = field(default_factory=dict)  # by the head's name
    confirmed: dict[str, list[Pair]] = field(default_factory=dict)
    failures: dict[str, list[str]] = field(default_factory=dict)  # why a pair lacks a benchmark, by the head's name
    unlike: dict[str, str] = field(default_factory=dict)  # what was in force on one side only
    threads: dict[str, int | None] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    witness: list[Mapping[str, float]] = field(default_factory=list)
    versions: dict[str, Mapping[str, str]] = field(default_factory=dict)  # by side
    suites: dict[str, str] = field(default_factory=dict)  # what measures, by side
    machine: Mapping[str, Any] = field(default_factory=dict)
    raw: list[dict[str, Any]] = field(default_factory=list)  # each pair's plain statistics, for the JSON
    seconds: dict[str, float] = field(default_factory=dict)


def gate(versions: Sequence[Version], arguments: Sequence[str], folder: Path, rules: Rules) -> Found:
    """Measure base and head: everything, then the suspects anew."""
    found, measuring = Found(), _Measuring(versions, arguments, folder)
    with _kept(found):
        measuring.run(found, "screen", rules.screen, found.screened)
        if chosen := suspects(found.screened, rules):
            measuring.run(found, "confirm", rules.confirm, found.confirmed, {*chosen})
    return found


def confirm(versions: Sequence[Version], arguments: Sequence[str], folder: Path, rules: Rules, only: set[str]) -> Found:
    """Measure what something else than a screen made suspect."""
    found = Found()
    with _kept(found):
        _Measuring(versions, arguments, folder).run(found, "confirm", rules.confirm, found.confirmed, only)
    return found


@contextmanager
def _kept(found: Found) -> Iterator[None]:
    """Make what ends the measuring early a problem, so that what was measured before is told."""
    try:
        yield
    except SideError as error:
        found.problems.append(str(error))
    except KeyboardInterrupt:
        found.problems.append("interrupted: not everything was measured")


@contextmanager
def _timed(found: Found, name: str) -> Iterator[None]:
    start = time.monotonic()
    try:
        yield
    finally:
        found.seconds[name] = time.monotonic() - start


@dataclass(frozen=True)
class _Measuring:
    """Runs pairs of processes and reads what they found."""

    versions: Sequence[Version]
    arguments: Sequence[str]
    folder: Path

    def run(
        self, found: Found, stage: str, number: int, pairs: dict[str, list[Pair]], only: set[str] | None = None
    ) -> None:
        """Add *number* pairs of every benchmark, or of those *only*, to *pairs*."""
        with _timed(found, stage), tqdm(desc=stage, unit="benchmark", file=sys.stderr, mininterval=2) as bar:
            for index in range(number):
                tag = f"{stage}-{index + 1}"
                with started(self.versions, self.arguments, self.folder, tag) as sides:
                    wanted = self._wanted(found, sides, only)
                    bar.total = number * len(wanted)
                    run_pair(sides, wanted, Schedule(), bar.update)
                    reasons = {side.version.name: side.ended or {} for side in sides}
                self._read(found, tag, wanted, reasons, pairs)

    def _wanted(self, found: Found, sides: Sequence[Side], only: set[str] | None) -> list[Match]:
        for side in sides:
            if not side.is_at("collected"):
                raise side.error("collected nothing")
        collected = {side.version.name: side.at[1] for side in sides if side.at}
        found.matched = match(collected["base"], collected["head"])
        return [one for one in found.matched.both if only is None or one.head in only]

    def _read(
        self,
        found: Found,
        tag: str,
        wanted: Sequence[Match],
        reasons: Mapping[str, Mapping[str, str]],
        pairs: dict[str, list[Pair]],
    ) -> None:
        """Read both results; a benchmark that one lacks is a failure, with the reason that its side gave."""
        saved = {name: self._saved(f"{tag}-{name}.json") for name in SIDES}
        results = {name: {one["fullname"]: one for one in saved[name].get("benchmarks", ())} for name in SIDES}
        if all(saved.values()):
            found.machine = saved["head"]["machine_info"]
            found.versions = {name: saved[name]["machine_info"]["versions"] for name in SIDES}
            found.suites = {name: saved[name]["machine_info"]["suite"] for name in SIDES}
        for one in wanted:
            told = {name: reasons[name].get(getattr(one, name), "") for name in SIDES}
            base, head = (results[name].get(getattr(one, name)) for name in SIDES)
            if base and head:
                pairs.setdefault(one.head, []).append(pair := pair_of(base, head))
                found.raw.append(
                    {"pair": tag, "benchmark": short(one.head), "log_ratio": asdict(pair), **plain(base, head)}
                )
                self._note(found, one, base, head)
            else:
                found.failures.setdefault(one.head, []).append(failure(told))

    def _saved(self, name: str) -> Result:
        file = self.folder / name
        return json.loads(file.read_text()) if file.exists() else {}  # pytest-benchmark writes none without a result

    def _note(self, found: Found, one: Match, base: Result, head: Result) -> None:
        found.threads[one.head] = head["extra_info"]["threads"]
        if words := unlike(base["extra_info"], head["extra_info"]):
            found.unlike[one.head] = words
        found.witness += [side["extra_info"]["calibration"] for side in (base, head)]


def failure(told: Mapping[str, str]) -> str:
    """Say why a benchmark has no pair, from what each side said of it; both of them skip what this machine lacks."""
    if told["base"] == told["head"]:
        return f"on both sides: {told['head'] or NO_RESULT}"
    return "; ".join(f"{side}: {words}" for side, words in told.items() if words)


def plain(base: Result, head: Result) -> dict[str, dict[str, float]]:
    """Return the statistics that one run against one is compared by."""
    sides = zip(SIDES, (base, head), strict=True)
    return {name: {key: side["stats"][key] for key in STATISTICS} for name, side in sides}


def pair_of(base: Result, head: Result) -> Pair:
    """Return the log ratios of a benchmark that both sides drew in turns."""
    return log_ratio_of_slices(slices(base), slices(head))


def slices(result: Result) -> list[list[float]]:
    """Return a result's samples turn by turn, in seconds."""
    samples, found, start = result["stats"]["data"], [], 0
    for length in result["extra_info"]["turns"]:
        found.append(samples[start : start + length])
        start += length
    return found


def unlike(base: Mapping[str, Any], head: Mapping[str, Any]) -> str:
    """Say what was in force on one side only; nothing where both did the same."""
    differ = [name for name in alike.IN_FORCE if base.get(name) != head.get(name)]
    return "; ".join(f"{name.replace('_', ' ')} {base.get(name)} and {head.get(name)}" for name in differ)


def rows(found: Found, rules: Rules) -> list[Row]:
    """Return the verdict on every benchmark of either side."""
    decided = decide(found.screened, found.confirmed, rules)
    return [
        *(row_of(one, found, decided) for one in found.matched.both),
        *(Row(short(name), Verdict.NEW, why="only the head has it") for name in found.matched.new),
        *(Row(short(name), Verdict.MISSING, why="only the base has it") for name in found.matched.missing),
    ]


def row_of(one: Match, found: Found, decided: Mapping[str, Row]) -> Row:
    """Return the verdict on a benchmark of both sides: what was *decided*, where it ran to its end and as it should."""
    row = Row(short(one.head), Verdict.FAILED, renamed_from=short(one.base) if one.base != one.head else None)
    if reasons := found.failures.get(one.head):
        measured = found.screened.get(one.head) or found.confirmed.get(one.head)
        return replace(row, verdict=kind_of(reasons, bool(measured)), why="; ".join(dict.fromkeys(reasons)))
    if words := found.unlike.get(one.head):
        return replace(row, verdict=Verdict.NOT_COMPARABLE, why=words)
    if one.head not in decided:
        return replace(row, why="not measured")
    row = replace(decided[one.head], name=row.name, renamed_from=row.renamed_from)
    if row.verdict is Verdict.UNDECIDED and _is_spread_of_threads(one.head, found):
        return replace(
            row, verdict=Verdict.NOT_GATED, why=f"too much spread on several threads; {row.why}".rstrip("; ")
        )
    if row.verdict is Verdict.SAME and row.renamed_from:
        return replace(row, verdict=Verdict.RENAMED)
    return row


def _is_spread_of_threads(name: str, found: Found) -> bool:
    """Whether several threads computed, and fresh pairs enough to tell left it open."""
    return (found.threads[name] or 1) > 1 and len(found.confirmed.get(name, ())) >= FEWEST_PAIRS


def kind_of(reasons: Sequence[str], is_measured: bool) -> Verdict:
    """Tell what failed from what this machine lacks, which is skipped each time, on a side or both."""
    skipped = not is_measured and all(NO_RESULT not in words and "failed: " not in words for words in reasons)
    return Verdict.MISSING if skipped else Verdict.FAILED


def short(name: str) -> str:
    """Return a benchmark's name without its file, which the function's name tells."""
    return name.rpartition("::")[2]


def notes(found: Found) -> list[str]:
    """Return what a reader should know beside the verdicts."""
    stages = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in found.seconds.items())
    lines = [f"{len(found.raw)} pairs of processes' benchmarks; {stages}"]
    if found.witness:
        tenths = [one["p10"] for one in found.witness]
        middle = statistics.median(tenths)
        words = f"p10 {middle * 1e6:.1f} µs, from {min(tenths) / middle - 1:+.0%} to {max(tenths) / middle - 1:+.0%}"
        lines.append(f"witness: the calibration workload's {words} over the run")
    if len({*found.suites.values()}) > 1:
        lines.append("the code that measures is another in the head: what is timed may be, too")
    base, head = (found.versions.get(name, {}) for name in SIDES)
    changed = [name for name in {**base, **head} if base.get(name) != head.get(name)]
    lines += [
        f"{name}: {base.get(name, 'absent')} in the base, {head.get(name, 'absent')} in the head" for name in changed
    ]
    return lines
