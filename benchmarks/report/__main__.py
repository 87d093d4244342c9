"""Saved runs as one HTML file: ``python -m benchmarks.report A.json B.json … [--out report.html]``."""

import argparse
import sys
from pathlib import Path

from benchmarks.report.content import Refused
from benchmarks.report.page import write
from benchmarks.results import NotARunError, Run, load_any


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="report", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="SAVED.json", help="runs of any machines")
    parser.add_argument("--out", type=Path, default=Path("report.html"), metavar="FILE", help="default: %(default)s")
    options = parser.parse_args()
    runs, refused = list[Run](), list[Refused]()
    for file in options.files:
        try:
            runs.append(load_any(file))
        except NotARunError as error:
            refused.append(Refused(str(file), error.why))
            print(f"refused  {error}", file=sys.stderr)
    if not runs:
        sys.exit("report: no file holds a run; name one that --benchmark-json or --benchmark-autosave saved")
    write(options.out, runs, refused)
    print(f"report   {options.out}")


if __name__ == "__main__":
    main()
