"""Does the paired ratio come out the same again? ``python -m benchmarks.figures.repeat [--runs N] [--platform NAME]``.

Runs the real command several times and compares the ratios to ``server-cpu`` that it saves; ends with 1 where one of
them is further from their median than the limit. Also prints the ratios of the two benchmarks' medians, which were not
measured in turns.
"""

import argparse
import math
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.platforms import PLATFORMS
from benchmarks.results import Run, load
from benchmarks.run.choices import BASE
from benchmarks.settings import positive

LIMIT = 0.03
FEWEST_RUNS = 3
PARTNER = BASE.label.replace("-", "_")


@dataclass(frozen=True)
class Repetition:
    """What a run of the command said."""

    ratio: float
    low: float
    high: float
    ours: float  # the 10th percentiles of the two sides, in seconds
    theirs: float
    unpaired: float  # of the two medians

    @classmethod
    def of(cls, run: Run, platform: str) -> "Repetition":
        """Read the run, which has both sides."""
        by_platform = {result.params["platform"]: result for result in run.results}
        ours, theirs = by_platform[platform], by_platform[BASE.label]
        ratio = ours.ratios[PARTNER]
        unpaired = ours.stats["median"] / theirs.stats["median"]
        low, high = (math.nan if end is None else end for end in (ratio.low, ratio.high))
        return cls(ratio.value, low, high, ratio.ours, ratio.theirs, unpaired)


def largest_deviation(values: Sequence[float]) -> float:
    """Return how far the value furthest from their median is from it, relative to it."""
    middle = statistics.median(values)
    return max(abs(value / middle - 1) for value in values)


def command(options: argparse.Namespace, results: Path) -> list[str]:
    """Return the command line that is repeated."""
    time_limit = [f"--benchmark-max-time={options.max_time}"] if options.max_time else []
    return [
        *(sys.executable, "-m", "pytest", "benchmarks/", "--benchmark-only", "-q", "-m", "latency"),
        *("--platform", BASE.label, "--platform", options.platform, "--model", options.model),
        *("--batch-size", str(options.batch_size), f"--benchmark-json={results}", *time_limit),
    ]


def run(options: argparse.Namespace, folder: Path) -> Repetition:
    """Run the command once; its output is shown where it fails."""
    results = folder / "results.json"
    done = subprocess.run(command(options, results), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}{done.stderr}the command ended with {done.returncode}")
    return Repetition.of(load(results), options.platform)


def report(runs: Sequence[Repetition]) -> tuple[bool, str]:
    """Return whether all ratios are within the limit of their median, and the words for it."""
    ratios, unpaired = [repetition.ratio for repetition in runs], [repetition.unpaired for repetition in runs]
    deviation = largest_deviation(ratios)
    paired_words = f"{deviation:.1%} from their median {statistics.median(ratios):.3f} at most (limit {LIMIT:.0%})"
    unpaired_words = f"{largest_deviation(unpaired):.1%} from their median {statistics.median(unpaired):.3f}"
    moved = [largest_deviation([getattr(repetition, side) for repetition in runs]) for side in ("ours", "theirs")]
    sides_words = f"of the two sides, the platform moved by {moved[0]:.1%} and {BASE.label} by {moved[1]:.1%}"
    words = f"ratios measured in turns: {paired_words}; {sides_words}; ratios of medians: {unpaired_words}"
    return deviation <= LIMIT, words


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=positive(int), default=5, help=f"at least {FEWEST_RUNS}; default: 5")
    others = [name for name in PLATFORMS if name != BASE.platform]
    parser.add_argument("--platform", choices=others, default="chromium-wasm", help="default: %(default)s")
    parser.add_argument("--model", default="resnet20", help="default: %(default)s")
    parser.add_argument("--batch-size", type=positive(int), default=1, help="default: 1")
    parser.add_argument("--max-time", type=positive(float), metavar="SECONDS", help="default: the command's own")
    options = parser.parse_args()
    if options.runs < FEWEST_RUNS:
        parser.error(f"--runs {options.runs}: fewer than {FEWEST_RUNS} have no spread to speak of")
    return options


def main() -> None:
    """Run the command line."""
    options, runs = parsed(), []
    for number in range(1, options.runs + 1):
        with TemporaryDirectory() as folder:
            runs.append(latest := run(options, Path(folder)))
        print(
            f"run {number}: {latest.ratio:.3f} [{latest.low:.3f}, {latest.high:.3f}] = {latest.ours * 1e3:.3f} / "
            f"{latest.theirs * 1e3:.3f} ms, medians {latest.unpaired:.3f}",
            flush=True,
        )
    within, words = report(runs)
    print(words)
    sys.exit(0 if within else 1)


if __name__ == "__main__":
    main()
