"""Inject every fault that a program can: ``python -m benchmarks.figures.faults [NAME …]``.

Prints a row each with what was kept and what was left behind; ends with 1 where a row is not as it must be.
"""

import argparse
import os
import sys
import textwrap
import time
from dataclasses import replace

from tabulate import tabulate

from benchmarks.figures.faults.catalogue import FAULTS
from benchmarks.figures.faults.place import Place, Seen, place

WIDTHS = [34, 40, 44, 20, 8]
LONGEST = 240  # characters of what was seen


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="faults whose name has this in it (default: all)")
    names = parser.parse_args().names
    chosen = [fault for fault in FAULTS if not names or any(name in fault.name for name in names)]
    if not chosen:
        parser.error(f"no fault has {' or '.join(names)} in its name; known: {', '.join(f.name for f in FAULTS)}")
    if sys.platform == "win32":
        sys.exit("faults: Windows has no signals that could be injected; run it on Linux or macOS")
    seen = {}
    for fault in chosen:
        began = time.monotonic()
        try:
            with place() as where:
                seen[fault] = _here(fault.inject(where), where)
        except Exception as error:
            seen[fault] = Seen(f"{type(error).__name__}: {error}"[:200], (), False)
        print(f"{time.monotonic() - began:6.1f} s  {fault.name}: {seen[fault].verdict}", flush=True)
    rows = [[f.name, f.must, s.kept, ", ".join(s.left) or "nothing", s.verdict] for f, s in seen.items()]
    print("", tabulate(rows, ["fault", "must be", "seen", "left behind", ""], maxcolwidths=WIDTHS), sep="\n")
    wrong = [fault.name for fault, what in seen.items() if what.verdict == "WRONG"]
    absent = sum(what.verdict == "not here" for what in seen.values())
    met = len(seen) - len(wrong) - absent
    print(f"\n{met} of {len(seen)} are as they must be{f', {absent} cannot be injected here' if absent else ''}")
    sys.exit(f"not as they must be: {', '.join(wrong)}" if wrong else 0)


def _here(seen: Seen, where: Place) -> Seen:
    """Leave out what is of this place and this machine alone, and the end of a long line."""
    kept = seen.kept.replace(f"{where.folder}{os.sep}", "").replace(f"{where.folder}", "the place")
    return replace(seen, kept=textwrap.shorten(kept, LONGEST, placeholder=" …"))


if __name__ == "__main__":
    main()
