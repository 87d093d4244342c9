"""Writes docs/study.md, and the README's table, from the runs under docs/runs: ``python -m benchmarks.figures.study``.

With ``--out FILE`` the page goes there, and the README stays as it is.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.decide import MixedError
from benchmarks.figures.study.answer import put_into
from benchmarks.figures.study.evidence import Evidence
from benchmarks.figures.study.page import page
from benchmarks.results import NotARunError
from models.files import replacing, why_unwritable

ROOT = Path(__file__).parents[3]
RUNS, PAGE, README = ROOT / "docs" / "runs", ROOT / "docs" / "study.md", ROOT / "README.md"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="study", description=__doc__)
    parser.add_argument("--runs", type=Path, default=RUNS, metavar="DIR", help="default: docs/runs")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: docs/study.md, and README.md's table")
    options = parser.parse_args()
    if not options.runs.is_dir():  # without it nothing would be measured, and the page would say so
        sys.exit(f"study: {options.runs}: no such folder; name one of runs, as docs/runs is")
    if options.out and (why := why_unwritable(options.out)):
        sys.exit(f"study: {options.out} cannot be written: {why}; name a file in a folder of yours")
    try:
        evidence = Evidence.of(options.runs)
        made = {options.out or PAGE: page(evidence)}
        if not options.out:
            made[README] = put_into(README.read_text(encoding="utf-8"), evidence)
    except (NotARunError, MixedError, ValueError) as error:
        sys.exit(f"study: {error}")
    for file, text in made.items():
        with replacing(file) as aside:
            aside.write_text(text, encoding="utf-8")
        print(f"study    {file}")


if __name__ == "__main__":
    main()
