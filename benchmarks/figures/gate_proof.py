"""Can the gate be believed? ``tox run -e gate-proof -- aa|ab|cost|report``: gates whose right answer is known.

``aa`` gates a commit against itself: whatever is found slower is a false alarm. ``ab`` gates it against a head whose
models have more small convolutions: what is not found slower is missed. ``cost`` measures long how much slower that
head really is. Each part is kept in .gate/proof, whichever ran it and however often it was stopped; ``report`` adds
them up, and says beside them what one run against one would have said of the same samples, as --benchmark-compare-fail
says it.
"""

import argparse
import json
import math
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy.stats import binomtest
from tabulate import tabulate

from benchmarks.figures.slower import make_slower
from benchmarks.gate import checkouts
from benchmarks.gate.decide import estimate
from benchmarks.settings import positive

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / checkouts.FOLDER / "proof"
NAIVE = 0.05  # of one run against one
STATISTICS = ("mean", "median", "min")
COST_SECONDS = 1.0
Part = Mapping[str, Any]


def head_with(convolutions: int) -> Path:
    """Return a checkout of HEAD's commit whose models have so many convolutions more; made once."""
    commit = checkouts.git("rev-parse", "HEAD", cwd=ROOT)
    path = FOLDER / "heads" / f"{commit[:12]}-{convolutions}"
    if not path.is_dir():
        partial = path.with_name(f"{path.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        checkouts.git("clone", "--quiet", "--shared", "--no-checkout", str(ROOT), str(partial), cwd=ROOT)
        checkouts.git("checkout", "--quiet", "--detach", commit, cwd=partial)
        if convolutions:
            make_slower(partial, convolutions)
        partial.rename(path)
    return path


def run(kind: str, convolutions: int, options: Sequence[str]) -> None:
    """Run one gate, and keep what it found."""
    folder = FOLDER / "parts" / f"{time.strftime('%Y%m%d-%H%M%S')}-{kind}-{convolutions}"
    command = [sys.executable, "-m", "benchmarks.gate", str(head_with(0)), str(_other(convolutions))]
    start, load = time.monotonic(), os.getloadavg()[0]
    done = subprocess.run([*command, "--out", str(folder), *options], cwd=ROOT, check=False)
    if not (folder / "gate.json").exists():
        sys.exit(f"the gate ended with {done.returncode}, and left no result")
    told = {"kind": kind, "convolutions": convolutions, "seconds": time.monotonic() - start}
    (folder / "part.json").write_text(json.dumps({**told, "load": [load, os.getloadavg()[0]]}))


def _other(convolutions: int) -> Path:
    """Return the head's checkout; an equal head has files of its own, too."""
    if convolutions:
        return head_with(convolutions)
    commit = checkouts.git("rev-parse", "HEAD", cwd=ROOT)
    return checkouts.checkout(commit, ROOT).path


def parts() -> Iterator[Part]:
    """Yield every part that came to its end, with what its gate found."""
    for file in sorted(FOLDER.glob("parts/*/part.json")):
        gate = json.loads((file.parent / "gate.json").read_text())
        if not gate["problems"]:
            yield {**json.loads(file.read_text()), **gate}


# What one run against one says


@dataclass(frozen=True)
class Count:
    """How often something was said, of so many times."""

    said: int
    times: int

    def __str__(self) -> str:
        """Tell it with the exact 95 % interval (C. Clopper, E. Pearson, Biometrika 26, 1934, 404-413)."""
        if not self.times:
            return "–"
        interval = binomtest(self.said, self.times).proportion_ci(0.95, method="exact")
        return f"{self.said}/{self.times} ({interval.low:.1%} to {interval.high:.1%})"


def count(said: Iterable[bool]) -> Count:
    """Count."""
    answers = [*said]
    return Count(sum(answers), len(answers))


def naive(part: Part, statistic: str) -> dict[str, bool]:
    """Return of which benchmarks a statistic of one run is above that of another: the first base, the second head.

    The two are some minutes apart, as runs are that nobody interleaved.
    """
    runs: dict[str, list[Part]] = defaultdict(list)
    for pair in part["details"]["pairs"]:
        if pair["pair"].startswith("screen"):
            runs[pair["benchmark"]].append(pair)
    return {
        name: two[1]["head"][statistic] > (1 + NAIVE) * two[0]["base"][statistic]
        for name, two in runs.items()
        if len(two) > 1
    }


# The tables


def false_alarms(found: Sequence[Part]) -> list[str]:
    """Return the table of gates of a commit against itself."""
    rows = [
        ["gate", count(_any(part, "slower") for part in found), count(_each(found, "slower"))],
        ["gate, faster", count(_any(part, "faster") for part in found), count(_each(found, "faster"))],
        ["gate, undecided", count(_any(part, "undecided") for part in found), count(_each(found, "undecided"))],
    ]
    for statistic in STATISTICS:
        said = [naive(part, statistic) for part in found]
        rows.append(
            [f"{statistic}:5%", count(any(one.values()) for one in said), count(v for o in said for v in o.values())]
        )
    walls = [part["seconds"] for part in found]
    loads = [load for part in found for load in part["load"]]
    title = f"{len(found)} gates of a commit against itself"
    wall = f"wall time {statistics.median(walls):.0f} s in the middle, {min(walls):.0f} to {max(walls):.0f} s"
    table = tabulate(rows, ["says slower", "gates", "comparisons"], tablefmt="github", disable_numparse=True)
    return [f"{title}; {wall}; load {min(loads):.1f} to {max(loads):.1f}", "", *table.splitlines(), ""]


def _any(part: Part, verdict: str) -> bool:
    return any(row["verdict"] == verdict for row in part["rows"])


def _each(found: Sequence[Part], verdict: str) -> Iterator[bool]:
    for part in found:
        yield from (row["verdict"] == verdict for row in part["rows"] if row["verdict"] in COMPARED)


COMPARED = ("slower", "faster", "same", "undecided")


def power(found: Sequence[Part], costs: Mapping[tuple[str, int], str]) -> list[str]:
    """Return the table of gates against slower heads, by benchmark and convolutions; the unchanged are left out."""
    said: dict[tuple[str, int], list[str]] = defaultdict(list)
    once: dict[tuple[str, int, str], list[bool]] = defaultdict(list)
    for part in found:
        for row in part["rows"]:
            said[row["name"], part["convolutions"]].append(row["verdict"])
        for statistic in STATISTICS:
            for name, above in naive(part, statistic).items():
                once[name, part["convolutions"], statistic].append(above)
    rows = [
        [
            *(name, convolutions, costs.get((name, convolutions), "not measured")),
            count(verdict == "slower" for verdict in verdicts),
            verdicts.count("undecided"),
            *(_share(once[name, convolutions, statistic]) for statistic in STATISTICS),
        ]
        for (name, convolutions), verdicts in sorted(said.items(), key=lambda item: (item[0][1], item[0][0]))
        if "litert" not in name
    ]
    head = [
        "benchmark",
        "convolutions",
        "true cost (99 %)",
        "found slower",
        "undecided",
        *(f"{s}:5%" for s in STATISTICS),
    ]
    return [*tabulate(rows, head, tablefmt="github", disable_numparse=True).splitlines(), ""]


def _share(said: Sequence[bool]) -> str:
    return f"{sum(said)}/{len(said)}"


def true_costs(found: Sequence[Part]) -> dict[tuple[str, int], str]:
    """Return how much slower each benchmark of a head really is, of all pairs of the long runs."""
    logs: dict[tuple[str, int], list[float]] = defaultdict(list)
    for part in found:
        for pair in part["details"]["pairs"]:
            logs[pair["benchmark"], part["convolutions"]].append(pair["log_ratio"]["quartile"])
    return {key: _cost(values) for key, values in logs.items()}


def _cost(values: Sequence[float]) -> str:
    known = estimate([value for value in values if math.isfinite(value)])
    if known is None:
        return "too few pairs"
    effect = known.effect("quartile", 0.99)
    return f"{100 * effect.value:+.2f} % ({100 * effect.low:+.2f} to {100 * effect.high:+.2f}, {effect.pairs} pairs)"


def report() -> list[str]:
    """Add up all parts."""
    found = [*parts()]
    of: Callable[[str], list[Part]] = lambda kind: [part for part in found if part["kind"] == kind]  # noqa: E731
    lines = false_alarms(of("aa")) if of("aa") else ["no gate of a commit against itself yet", ""]
    return lines + (power(of("ab"), true_costs(of("cost"))) if of("ab") else ["no gate of a slower head yet"])


def parsed() -> tuple[argparse.Namespace, list[str]]:
    """Read the command line: its own part, and what lies behind ``--`` for the suite."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["aa", "ab", "cost", "report"])
    parser.add_argument("--gates", type=positive(int), default=1, help="of aa and ab (default: 1)")
    parser.add_argument("--convolutions", type=positive(int), default=4, help="more in the head (default: 4)")
    parser.add_argument("--pairs", type=positive(int), default=30, help="of a long run, of 1 s each (default: 30)")
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    return parser.parse_args(words[:at]), words[at:]


def main() -> None:
    """Run the command line; a kill ends the gate as well, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options, suite = parsed()
    if options.part == "cost":
        long = ["--screen", str(options.pairs), "--confirm", "1", "--max-suspects", "1", "--seconds", str(COST_SECONDS)]
        run("cost", options.convolutions, [*long, *suite])
    elif options.part != "report":
        for _ in range(options.gates):
            run(options.part, 0 if options.part == "aa" else options.convolutions, suite)
    print("\n".join(report()))


if __name__ == "__main__":
    main()
