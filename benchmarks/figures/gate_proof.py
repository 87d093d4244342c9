"""Can the gate be believed? ``tox run -e gate-proof -- aa|ab|cost|report|simulate``: gates with a known answer.

``aa`` gates a commit against itself: whatever is found slower is a false alarm. ``ab`` gates it against a head whose
models have more small convolutions: what is not found slower is missed. ``cost`` measures for a long time how much
slower that head really is. Each part that came to its end is kept in .gate/proof, so that the proof can be stopped and
continued; ``report`` adds up the parts of the same commit and options, and ends with 1 where a false alarm was seen,
or the power is too small. ``simulate`` measures nothing: it draws starts that scatter as they did (gate_rates.py).

For comparison it says what a single run of each would have said at 5 %, as --benchmark-compare-fail does: the base's
first process and the head's second, up to a minute apart. That flatters the single runs: these were measured in turns
with another process, and two runs that nobody interleaved differ more.
"""

import argparse
import json
import math
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy.stats import binomtest
from tabulate import tabulate

from benchmarks.figures import gate_rates
from benchmarks.figures.slower import make_slower
from benchmarks.gate import checkouts, lock
from benchmarks.gate.decide_starts import effect_of
from benchmarks.gate.measurements import CONFIRM, SCREEN
from benchmarks.gate.report import SCHEMA
from benchmarks.gate.verdicts import Exit
from benchmarks.measuring.starts import estimate
from benchmarks.platforms import PLATFORMS
from benchmarks.protocol import Side
from benchmarks.settings import positive
from browser_harness import system
from models import MODELS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / checkouts.FOLDER / "proof"
NAIVE = 0.05  # the limit of a single run against another
STATISTICS = ("mean", "median", "min")
COST_SECONDS = 1.0  # in each start
WANTED_GATES = 20
WANTED_POWER = 0.95
SLOWDOWNS = (0.02, 0.03, 0.05, 0.10)  # of a head, as the table groups them
WANTED_FROM: dict[Side, float] = {"server": 0.02, "client": 0.05}  # the least slowdown for which it is wanted
Part = Mapping[str, Any]  # a gate, and how it was run


def checkout_with(convolutions: int, only: str | None = None) -> Path:
    """Return a checkout of HEAD's commit whose models, or *only* one, have so many convolutions more; made once."""
    commit = checkouts.git("rev-parse", "HEAD", cwd=ROOT)
    path = FOLDER / "heads" / f"{commit[:12]}-{convolutions}{f'-{only}' if only else ''}"
    if not path.is_dir():
        partial = path.with_name(f"{path.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        checkouts.git("clone", "--quiet", "--shared", "--no-checkout", str(ROOT), str(partial), cwd=ROOT)
        checkouts.git("checkout", "--quiet", "--detach", commit, cwd=partial)
        if convolutions:
            make_slower(partial, convolutions, only)
        partial.rename(path)
    return path


def run(kind: str, convolutions: int, options: Sequence[str], only: str | None = None) -> None:
    """Run one gate, and keep what it found."""
    folder = FOLDER / "parts" / f"{time.strftime('%Y%m%d-%H%M%S')}-{kind}-{convolutions}"
    command = [sys.executable, "-m", "benchmarks.gate", str(checkout_with(0)), str(_head(convolutions, only))]
    start, load = time.monotonic(), _load()
    done = subprocess.run([*command, "--out", str(folder), *options], cwd=ROOT, check=False)
    if not (folder / "gate.json").exists():
        sys.exit(f"the gate ended with {done.returncode}, and left no result")
    record = {
        "kind": kind,
        "convolutions": convolutions,
        "only": only,
        "options": [*options],
        "seconds": time.monotonic() - start,
    }
    (folder / "part.json").write_text(json.dumps({**record, "load": [load, _load()]}))


def _load() -> float | None:
    """Return how many programs wanted to run in the last minute; None where the system does not tell."""
    told = system.load_average()
    return told[0] if told else None


def _head(convolutions: int, only: str | None) -> Path:
    """Return the head's checkout; one that equals the base has files of its own, too."""
    if convolutions:
        return checkout_with(convolutions, only)
    commit = checkouts.git("rev-parse", "HEAD", cwd=ROOT)
    return checkouts.checkout(commit, ROOT).path


def finished_parts() -> Iterator[Part]:
    """Yield every part that came to its end, with what its gate found, and the commit; not those of older gates."""
    for file in sorted(FOLDER.glob("parts/*/part.json")):
        gate = json.loads((file.parent / "gate.json").read_text())
        if gate["schema"] == SCHEMA:
            yield {**json.loads(file.read_text()), **gate, "commit": Path(gate["base"]).name.rpartition("-")[0]}


# What a single run against another says


@dataclass(frozen=True)
class Count:
    """How many of so many trials had an outcome."""

    hits: int
    trials: int

    def __str__(self) -> str:
        """Tell it with the exact 95 % interval (C. Clopper, E. Pearson, Biometrika 26, 1934, 404-413)."""
        if not self.trials:
            return "–"
        interval = binomtest(self.hits, self.trials).proportion_ci(0.95, method="exact")
        return f"{self.hits}/{self.trials} ({interval.low:.1%} to {interval.high:.1%})"


def count(outcomes: Iterable[bool]) -> Count:
    """Count the outcomes that are true, and all of them."""
    outcomes = [*outcomes]
    return Count(sum(outcomes), len(outcomes))


def naive(part: Part, statistic: str) -> dict[str, bool]:
    """Return by benchmark whether a single run says slower: the head's in the second pair, the base's in the first."""
    screened: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for pair in part["details"]["pairs"]:
        if pair["pair"].startswith(SCREEN):
            screened[pair["benchmark"]].append(pair)
    return {
        name: pairs[1]["head"][statistic] > (1 + NAIVE) * pairs[0]["base"][statistic]
        for name, pairs in screened.items()
        if len(pairs) > 1
    }


# The tables


def of_kind(parts: Sequence[Part], *kinds: str) -> dict[tuple[str, str], list[Part]]:
    """Return the parts of these kinds by commit and, of equal heads, by options: what can be added up."""
    alike: dict[tuple[str, str], list[Part]] = defaultdict(list)
    for part in parts:
        if part["kind"] in kinds:
            options = " ".join(part["options"]) if kinds == ("aa",) else ""
            alike[part["commit"], options].append(part)
    return alike


def false_alarms(parts: Sequence[Part]) -> list[str]:
    """Return the table of gates of a commit against itself."""
    rows: list[list[Any]] = [
        [f"the gate: {verdict}", count(_has_verdict(part, verdict) for part in parts), count(_matches(parts, verdict))]
        for verdict in ("slower", "faster", "undecided", "failed")
    ]
    rows.append(["the gate: exit code not 0", count(part["exit"] != 0 for part in parts), ""])
    for statistic in STATISTICS:
        gates = [naive(part, statistic).values() for part in parts]
        comparisons = count(is_slower for gate in gates for is_slower in gate)
        rows.append([f"{statistic}:5%: slower", count(any(gate) for gate in gates), comparisons])
    return tabulate(rows, ["says", "gates", "comparisons"], tablefmt="github", disable_numparse=True).splitlines()


def wall_times(parts: Sequence[Part]) -> str:
    """Tell how long gates took, how busy the machine was, and how many suspects each had."""
    seconds = [part["seconds"] for part in parts]
    loads = [load for part in parts for load in part["load"] if load is not None]
    middle = f"{statistics.median(seconds):.0f} s in the middle, {min(seconds):.0f} to {max(seconds):.0f} s"
    load = f"{min(loads):.1f} to {max(loads):.1f}" if loads else "not told"
    return f"wall time {middle}; load {load}; suspects {', '.join(_suspects(parts))}"


def _suspects(parts: Sequence[Part]) -> Iterator[str]:
    """Yield how many benchmarks each gate measured again."""
    for part in parts:
        pairs = part["details"]["pairs"]
        yield str(len({pair["benchmark"] for pair in pairs if pair["pair"].startswith(CONFIRM)}))


def _has_verdict(part: Part, verdict: str) -> bool:
    return any(_matches([part], verdict))


def _matches(parts: Sequence[Part], verdict: str) -> Iterator[bool]:
    """Yield for each comparison whether that was the verdict."""
    for part in parts:
        yield from (row["verdict"] == verdict for row in part["rows"])


@dataclass(frozen=True)
class Trials:
    """A benchmark against a head that is slower: what the gate, and a single run, said each time."""

    verdicts: list[str]
    naive: Mapping[str, list[bool]]
    cost: float | None  # the true one; None where it was not measured
    cost_words: str

    @property
    def caught(self) -> int:
        """How often the gate found it."""
        return self.verdicts.count("slower")

    @property
    def slowdown(self) -> float | None:
        """The one of SLOWDOWNS that is nearest to the true cost, as a ratio."""
        if self.cost is None:
            return None
        cost = max(self.cost, 1e-3)
        return min(SLOWDOWNS, key=lambda slowdown: abs(math.log(slowdown / cost)))


def collect_trials(parts: Sequence[Part]) -> dict[tuple[int, str], Trials]:
    """Return the trials by convolutions and benchmark, of what is slower in the head."""
    verdicts: dict[tuple[int, str], list[str]] = defaultdict(list)
    above: dict[tuple[int, str], dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for part in (part for part in parts if part["kind"] == "ab"):
        single_runs = {statistic: naive(part, statistic) for statistic in STATISTICS}
        # The files for LiteRT are not made slower (slower.py): of its platforms nothing can be missed.
        slower = f"[{part.get('only') or ''}"
        for row in (row for row in part["rows"] if slower in row["name"] and "litert" not in row["name"]):
            key = part["convolutions"], row["name"]
            verdicts[key].append(row["verdict"])
            for statistic, is_slower in single_runs.items():
                above[key][statistic].append(is_slower.get(row["name"], False))
    costs = true_costs([part for part in parts if part["kind"] == "cost"])
    return {key: Trials(verdicts[key], above[key], *costs.get(key, (None, "not measured"))) for key in sorted(verdicts)}


def true_costs(parts: Sequence[Part]) -> dict[tuple[int, str], tuple[float | None, str]]:
    """Return how much slower each benchmark of a head really is, of all starts of the long runs, and in words."""
    logs: dict[tuple[int, str], list[float]] = defaultdict(list)
    for part in parts:
        for pair in part["details"]["pairs"]:
            values = [start["quartile"] for start in pair["log_ratios"]]
            logs[part["convolutions"], pair["benchmark"]].extend(values)
    return {key: _cost(values) for key, values in logs.items()}


def _cost(values: Sequence[float | None]) -> tuple[float | None, str]:
    estimated = estimate([value for value in values if value is not None and math.isfinite(value)])
    if estimated is None:
        return None, "too few starts"
    effect = effect_of(estimated, "quartile", 0.99)
    low, high = f"{100 * effect.low:+.2f}", f"{100 * effect.high:+.2f}"
    return effect.value, f"{100 * effect.value:+.2f} % ({low} to {high}, {effect.starts} starts)"


def power(by_benchmark: Mapping[tuple[int, str], Trials]) -> list[str]:
    """Return the table of gates against slower heads."""
    rows = [
        [
            *(name, trials.cost_words, _caught([trials])),
            trials.verdicts.count("undecided"),
            *(f"{sum(trials.naive[statistic])}/{len(trials.naive[statistic])}" for statistic in STATISTICS),
        ]
        for (_convolutions, name), trials in by_benchmark.items()
    ]
    single_runs = [f"{statistic}:5%" for statistic in STATISTICS]
    head = ["benchmark", "true cost (99 %)", "found slower", "undecided", *single_runs]
    return tabulate(rows, head, tablefmt="github", disable_numparse=True).splitlines()


def side(benchmark: str) -> Side | None:
    """Return where a benchmark's model computes; None where its name tells no platform of the catalogue."""
    return next((platform.side for name, platform in PLATFORMS.items() if f"-{name}" in benchmark), None)


def _caught(group: Sequence[Trials]) -> Count:
    return Count(sum(trials.caught for trials in group), sum(len(trials.verdicts) for trials in group))


def pooled(by_benchmark: Mapping[tuple[int, str], Trials]) -> tuple[list[str], bool]:
    """Return the power by side and slowdown, and whether it is as wanted wherever that was tried."""
    lines, enough = [], True
    for where, least in WANTED_FROM.items():
        on_side = [trials for (_, name), trials in by_benchmark.items() if side(name) == where]
        if unknown := [trials for trials in on_side if trials.slowdown is None]:
            lines.append(f"{where}, of a cost that was not measured: {_caught(unknown)}")
        for slowdown in SLOWDOWNS:
            caught = _caught([trials for trials in on_side if trials.slowdown == slowdown])
            wanted = f", wanted {WANTED_POWER:.0%}" if slowdown >= least else ""
            enough &= not (wanted and caught.trials and caught.hits < WANTED_POWER * caught.trials)
            lines.append(f"{where} at about {slowdown:.0%}: {caught}{wanted}")
    return lines, enough


def report() -> tuple[list[str], bool]:
    """Add up all parts; return the lines, and whether nothing seen is against the gate."""
    parts, lines, good = [*finished_parts()], list[str](), True
    for (commit, options), equal in of_kind(parts, "aa").items():
        title = f"{commit} against itself{f', {options}' if options else ''}: {len(equal)} of {WANTED_GATES} gates"
        lines += [f"{title}; {wall_times(equal)}", "", *false_alarms(equal), ""]
        good &= not any(_has_verdict(part, "slower") for part in equal)
    for (commit, _), slower in of_kind(parts, "ab", "cost").items():
        by_benchmark = collect_trials(slower)
        words, enough = pooled(by_benchmark)
        lines += [f"{commit} against slower heads; {wall_times(slower)}", "", *power(by_benchmark), "", *words, ""]
        good &= enough
    return lines or ["no part has come to its end yet"], good


def parsed() -> tuple[argparse.Namespace, list[str]]:
    """Read the command line: its own part, and what lies behind ``--`` for the suite."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["aa", "ab", "cost", "report", "simulate"])
    parser.add_argument(
        "--gates", type=positive(int), default=1, help="of aa and ab, hundreds of simulate (default: 1)"
    )
    parser.add_argument("--convolutions", type=positive(int), default=4, help="more in the head (default: 4)")
    only = "the one model that is slower in the head (default: all)"
    parser.add_argument("--only", choices=[*MODELS], metavar="NAME", help=only)
    parser.add_argument("--pairs", type=positive(int), default=6, help="of processes, of a long run (default: 6)")
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    return parser.parse_args(words[:at]), words[at:]


def main() -> None:
    """Run the command line; a kill ends the gate as well, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options, suite = parsed()
    if options.part == "simulate":
        print("\n".join(gate_rates.table(100 * options.gates)))
        return
    try:
        with lock.held(ROOT) if options.part != "report" else nullcontext():
            measure(options, suite)
    except lock.HeldError as error:
        sys.stderr.write(f"gate-proof: {error}\n")
        sys.exit(Exit.HELD)
    lines, good = report()
    print("\n".join(lines))
    sys.exit(0 if good else 1)


def measure(options: argparse.Namespace, suite: Sequence[str]) -> None:
    """Run the gates of a part; each runs under this process's lock."""
    if options.part == "cost":
        long = ["--screen", str(options.pairs), "--confirm", "1", "--max-suspects", "1", "--seconds", str(COST_SECONDS)]
        run("cost", options.convolutions, [*long, *suite])
    elif options.part != "report":
        for _ in range(options.gates):
            run(options.part, 0 if options.part == "aa" else options.convolutions, suite, options.only)


if __name__ == "__main__":
    main()
