"""What does a sweep cost? ``python -m benchmarks.figures.cost [--full]``.

Runs the main job with its defaults, or everything that there is, and prints its wall time, the time to the first result
on the screen, and the share of the wall time that is timed inference. Ends with 1 where a limit is missed.
"""

import argparse
import math
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.results import Result, keys, load

FIRST_RESULT_LIMIT = 10.0
SHARE_LIMIT = 0.5  # opening and warming up several pages or processes for each benchmark is the rest
NO_INFERENCES = ("test_load", "test_memory")  # their samples are times of opening a session


@dataclass(frozen=True)
class Sweep:
    """A command that users run, and the seconds it may take."""

    options: tuple[str, ...]
    wall_limit: float


DEFAULT = Sweep((), 180.0)
FULL = Sweep(("-m", "not accuracy", "--full", "--benchmark-max-time=3"), 1200.0)


def run(sweep: Sweep, results: Path) -> tuple[float, float]:
    """Run the job, showing its output; return its seconds to the first result and to the end."""
    job = ["-m", "pytest", "benchmarks/", "--benchmark-only", *sweep.options, f"--benchmark-json={results}"]
    start, first = time.perf_counter(), 0.0
    with subprocess.Popen([sys.executable, "-u", *job], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if not first and "] median " in line:
                first = time.perf_counter() - start
    if process.returncode != 0:
        sys.exit(process.returncode)
    return first, time.perf_counter() - start


def timed_seconds(results: Sequence[Result]) -> float:
    """Return the seconds inside timed inferences, those of partners too; opening a session does not count."""
    inferences = [result for result in results if not result.name.startswith(NO_INFERENCES)]
    ours = math.fsum(result.stats["total"] * result.iterations for result in inferences)
    return ours + math.fsum(result.info.get(keys.PARTNER_SECONDS, 0.0) for result in inferences)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="everything that there is (tox run -e bench-full)")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep the results there")
    options = parser.parse_args()
    sweep = FULL if options.full else DEFAULT
    with TemporaryDirectory() as folder:
        results = options.keep or Path(folder) / "results.json"
        first, wall = run(sweep, results)
        measured = load(results).results
    share = timed_seconds(measured) / wall
    print(f"{len(measured)} benchmarks in {wall:.1f} s (limit {sweep.wall_limit:g} s)")
    print(f"first result after {first:.1f} s (limit {FIRST_RESULT_LIMIT:g} s)")
    print(f"{share:.0%} of the time inside timed inference (at least {SHARE_LIMIT:.0%})")
    within = wall < sweep.wall_limit and 0 < first < FIRST_RESULT_LIMIT and share >= SHARE_LIMIT
    sys.exit(0 if within else "a limit is missed")


if __name__ == "__main__":
    main()
