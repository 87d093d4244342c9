"""Saved runs as one HTML file: ``python -m benchmarks.report A.json B.json … [--out report.html]``."""

import argparse
import sys
from pathlib import Path

from benchmarks.decide import Check, UnreadError, check_in
from benchmarks.report.content import Refused
from benchmarks.report.page import write
from benchmarks.results import NotARunError, Run, load_any


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="report", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="SAVED.json", help="runs of any machines")
    parser.add_argument("--out", type=Path, default=Path("report.html"), metavar="FILE", help="default: %(default)s")
    options = parser.parse_args()
    runs, refused, checks = list[Run](), list[Refused](), list[Check]()
    for file in options.files:
        try:
            read = _read(file)
        except (NotARunError, UnreadError) as error:
            why = error.why if isinstance(error, NotARunError) else str(error)
            refused.append(Refused(str(file), why))
            print(f"refused  {file}: {why}", file=sys.stderr)
        else:
            if isinstance(read, Check):
                checks.append(read)
            else:
                runs.append(read)
    if not runs:
        sys.exit("report: no file holds a run; name one that --benchmark-json or --benchmark-autosave saved")
    write(options.out, runs, refused, checks)
    print(f"report   {options.out}")


def _read(file: Path) -> Run | Check:
    """Read a saved run, or the check in a file of decide's; raise NotARunError, or UnreadError of such a file."""
    try:
        return load_any(file)
    except NotARunError:
        if (check := check_in(file)) is None:
            raise
        return check


if __name__ == "__main__":
    main()
