"""What does the main job cost? ``python -m benchmarks.figures.cost``.

Runs ``pytest benchmarks/ --benchmark-only`` with its defaults and prints its wall time, the time to the first result on
the screen, and the share of the wall time that is timed inference. Ends with 1 where a limit is missed.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.platforms import PLATFORMS
from models import manifest

WALL_LIMIT, FIRST_RESULT_LIMIT, SHARE_LIMIT = 90.0, 10.0, 0.6


def run(results: Path) -> tuple[float, float]:
    """Run the job, showing its output; return its seconds to the first result and to the end."""
    command = [sys.executable, "-u", "-m", "pytest", "benchmarks/", "--benchmark-only", f"--benchmark-json={results}"]
    start, first = time.perf_counter(), 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if not first and "] median " in line:
                first = time.perf_counter() - start
    if process.returncode != 0:
        sys.exit(process.returncode)
    return first, time.perf_counter() - start


def main() -> None:
    """Run the command line."""
    with TemporaryDirectory() as folder:
        results = Path(folder) / "results.json"
        first, wall = run(results)
        benchmarks = json.loads(results.read_text())["benchmarks"]
    expected = len(manifest.chosen()) * len(PLATFORMS) * 2  # at batch 1 and 8
    if len(benchmarks) != expected or not first:
        sys.exit(f"{len(benchmarks)} of {expected} benchmarks were measured: this is not the main job's cost")
    share = sum(benchmark["stats"]["total"] for benchmark in benchmarks) / wall
    print(f"{len(benchmarks)} benchmarks in {wall:.1f} s (limit {WALL_LIMIT:g} s)")
    print(f"first result after {first:.1f} s (limit {FIRST_RESULT_LIMIT:g} s)")
    print(f"{share:.0%} of the time inside timed inference (at least {SHARE_LIMIT:.0%})")
    sys.exit(0 if wall < WALL_LIMIT and first < FIRST_RESULT_LIMIT and share >= SHARE_LIMIT else "a limit is missed")


if __name__ == "__main__":
    main()
