"""Saved runs as one HTML file: ``python -m benchmarks.report A.json FOLDER … [--out report.html]``.

Of a folder all runs are taken that lie in it. Ends with 1 where something that was named is not in the report, which
is written all the same; with 2 where none can be written.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.commands import STOPPED, say
from benchmarks.report.page import write
from benchmarks.report.place import fault, place
from benchmarks.report.reading import Read, read
from benchmarks.results import REMEDY
from benchmarks.results.reading import told
from models.files import at_home
from models.names import shown

NOTHING = 2  # the exit code where no report is written


def parser() -> argparse.ArgumentParser:
    """Return what the command understands."""
    found = argparse.ArgumentParser(
        prog="report", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("files", nargs="+", type=Path, metavar="SAVED.json", help="runs of any machines, or folders")
    found.add_argument("--out", default="report.html", metavar="FILE", help="default: %(default)s")
    return found


def main() -> None:
    """Run the command line."""
    try:
        sys.exit(run(parser().parse_args()))
    except KeyboardInterrupt:
        print("report: stopped; nothing is written", file=sys.stderr)
        sys.exit(STOPPED)


def run(options: argparse.Namespace) -> int:
    """Read, tell what is refused, and write; return the exit code."""
    out = place(options.out)
    inputs = [*map(at_home, options.files)]
    if why := fault(out, inputs):
        return _refused(why)
    found = read(inputs, say)
    for line in told(found):
        say(line)
    if not found.fleets and not any(run.results for run in found.runs):
        return _refused(f"no file holds a result; {REMEDY}")
    return _write(out, found)


def _write(out: Path, found: Read) -> int:
    try:
        problems = write(out, found.runs, [*found.refused, *found.copies], found.checks, found.fleets)
    except OSError as error:
        return _refused(f"{out} could not be written: {error.strerror}")
    for problem in problems:
        say(f"problem  {problem}")
    print(f"report   {shown(str(out))}")
    return 1 if problems or found.refused else 0


def _refused(why: str) -> int:
    say(f"report: {why}")
    return NOTHING


if __name__ == "__main__":
    main()
