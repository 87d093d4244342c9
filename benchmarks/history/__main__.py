"""Draw each benchmark over commits and mark where it changed: ``python -m benchmarks.history [--storage DIR]``.

Reads all whole runs of pytest-benchmark's storage, writes history.html and history.json, and prints the changes. It is
a report: it ends with 0 also where something became slower, and with 1 only where there is nothing to draw.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from tabulate import tabulate

from benchmarks.history.findings import Finding, all_steps, changed_in_all, step_words, summary, total_words
from benchmarks.history.page import page
from benchmarks.history.runs import LeftOut, read
from benchmarks.history.series import all_series

REMEDY = "; save runs there with --benchmark-autosave, as tox run -e bench does, or name their folder with --storage"


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--storage", type=Path, default=Path(".benchmarks"), metavar="DIR", help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=Path(".history"), metavar="DIR", help="default: %(default)s")
    return parser.parse_args()


def report(findings: Sequence[Finding]) -> Iterator[str]:
    """Return the lines for the terminal: what changed on each machine, largest first."""
    for (machine, fingerprint), group in groupby(findings, key=lambda finding: finding.machine):
        of_machine = [*group]
        yield f"{machine}: {fingerprint}"
        totals = [[finding.short_name, *total_words(finding)] for finding in changed_in_all(of_machine)]
        steps = [[finding.short_name, *step_words(finding, step)] for finding, step in all_steps(of_machine)]
        yield _table(["from the first runs to the last", "commits", "change", "99.9 %"], totals)
        yield _table(["steps", "commits", "change", "p"], steps)
        yield f"{summary(of_machine)}\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    table = tabulate(rows, head, colalign=("left", "left", "right", "right"), disable_numparse=True)
    return f"\n{table}\n" if rows else ""


def main() -> None:
    """Run the command line."""
    options = parsed()
    if not options.storage.is_dir():
        sys.exit(f"{options.storage}: no such folder{REMEDY}")
    runs, unfit = read(options.storage)
    series, impossible = all_series(runs)
    left_out = [*unfit, *impossible]
    for part in left_out:
        print(f"left out {part.what}: {part.why}")
    if not series:
        sys.exit(f"{options.storage}: no whole run to draw{REMEDY}")
    findings = [*map(Finding.of, series)]
    words = "\n".join(line for line in report(findings) if line)
    print(words)
    if summary_file := os.environ.get("GITHUB_STEP_SUMMARY"):  # shown on the page of a run
        with Path(summary_file).open("a", encoding="utf-8") as file:
            file.write(f"## History\n\n```\n{words}\n```\n")
    write(options.out, findings, left_out)


def write(folder: Path, findings: Sequence[Finding], left_out: Sequence[LeftOut]) -> None:
    """Write history.html and history.json, and say where."""
    folder.mkdir(parents=True, exist_ok=True)
    saved = {"series": [finding.to_json() for finding in findings], "left_out": [*map(asdict, left_out)]}
    for name, text in (("history.html", page(findings, left_out)), ("history.json", json.dumps(saved, indent=1))):
        (folder / name).write_text(text)
        print(f"history  {folder / name}")


if __name__ == "__main__":
    main()
