"""Do doubts mean something? ``python -m benchmarks.figures.doubts [--keep DIR] [-- OPTIONS]``.

Runs the main job on the machine as it is, and again beside a second program that keeps every core busy. Prints which
share of the rows is marked ``(!)`` in each, and by which check. Ends with 1 where too many are marked in the first run,
or too few in the second: then the marks say nothing. A machine on which other programs run already is not quiet, so it
also says what they used in the first run.

Runs that are kept, or given with ``--quiet`` and ``--loaded``, are not measured again. Behind ``--`` lie options of the
suite, such as ``--platform server-cpu``.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import kept
from benchmarks.hardware import CORES
from benchmarks.measuring.trust import CHECKS
from benchmarks.results import Run, keys

MOST_QUIET, LEAST_LOADED = 0.1, 0.9  # of the rows
QUIET = next(check.limit for check in CHECKS if check.name == keys.OTHER_PROGRAMS)  # cores of other programs
# Ends with the command that started it, even where that one was killed.
BUSY = """
import os, sys
while os.getppid() == int(sys.argv[1]):
    for _ in range(1_000_000):
        pass
"""


@dataclass(frozen=True)
class Marked:
    """How many rows of one or several runs are marked, and why."""

    rows: int
    marked: int
    by_check: Counter[str]
    others: Sequence[float]  # cores that other programs used, of each row that tells

    @classmethod
    def of(cls, runs: Sequence[Run]) -> "Marked":
        """Count the rows that were assessed."""
        assessed = [result for run in runs for result in run.results if result.trust]
        doubts = [result.doubts for result in assessed]
        others = [result.trust[keys.OTHER_PROGRAMS] for result in assessed if keys.OTHER_PROGRAMS in result.trust]
        by_check = Counter(name for found in doubts for name in found)
        return cls(len(assessed), sum(map(bool, doubts)), by_check, others)

    @property
    def share(self) -> float:
        """The share of the rows that is marked."""
        return self.marked / self.rows

    def lines(self, name: str, wanted: str) -> Iterator[str]:
        """Yield what was found in the run of that name."""
        yield f"{name}: {self.marked} of {self.rows} rows are marked (!) = {self.share:.0%} (wanted: {wanted})"
        yield from (f"  {check}: {count}" for check, count in self.by_check.most_common())
        if self.others:
            middle, most = statistics.median(self.others), max(self.others)
            yield f"  other programs used {middle:.2f} cores in the middle, {most:.2f} at most"


def report(quiet: Marked, loaded: Marked) -> tuple[bool, str]:
    """Return whether the marks mean something, and the words for it."""
    lines = [
        *quiet.lines("quiet", f"at most {MOST_QUIET:.0%}"),
        *loaded.lines("loaded", f"at least {LEAST_LOADED:.0%}"),
    ]
    if quiet.others and statistics.median(quiet.others) > QUIET:
        lines.append("the first run was not quiet: other programs ran; measure again when they have ended")
    return quiet.share <= MOST_QUIET and loaded.share >= LEAST_LOADED, "\n".join(lines)


@contextmanager
def second_program() -> Iterator[None]:
    """Keep every core busy that this process may use."""
    processes = [subprocess.Popen([sys.executable, "-c", BUSY, str(os.getpid())]) for _ in range(CORES)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def run(name: str, folder: Path, words: Sequence[str]) -> Run:
    """Return the kept run of that name, or measure it."""
    file = folder / f"{name}.json"
    if file.exists():
        print(f"{name}: kept in {file}", flush=True)
        return kept.read(file)
    print(f"{name}: running the main job", flush=True)
    start = time.monotonic()
    with second_program() if name == "loaded" else nullcontext():
        found = kept.measure(file, words)
    print(f"{name}: {len(found.results)} benchmarks in {time.monotonic() - start:.0f} s", flush=True)
    return found


def both(options: argparse.Namespace, words: Sequence[str]) -> Iterator[list[Run]]:
    """Yield the quiet runs, then the loaded ones: those that were given, or else one that is kept or measured."""
    for name in ("quiet", "loaded"):
        given: list[Path] | None = getattr(options, name)
        yield [kept.read(file) for file in given] if given else [run(name, options.keep, words)]


def parsed() -> tuple[argparse.Namespace, list[str]]:
    """Read the command line: its own part, and what lies behind ``--`` for the suite."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("quiet", "loaded"):
        words = f"runs that were saved on a {name} machine, in place of one made now"
        parser.add_argument(f"--{name}", type=Path, nargs="+", metavar="FILE", help=words)
    kept.keep_option(parser, "doubts")
    own, suites = kept.command_line()
    return parser.parse_args(own), suites


def main() -> None:
    """Run the command line; a kill ends the job and the second program as well, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options, words = parsed()
    try:
        runs = [*both(options, words)]
        kept.check_alike([run for group in runs for run in group])
    except KeyboardInterrupt:
        sys.exit("stopped; the next call goes on")
    except kept.KeptError as error:
        sys.exit(str(error))
    quiet, loaded = map(Marked.of, runs)
    if not (quiet.rows and loaded.rows):
        sys.exit("no row was assessed")
    passed, told = report(quiet, loaded)
    print(told)
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
