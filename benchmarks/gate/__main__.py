"""Is the head slower than the base? ``tox run -e gate -- BASE [HEAD] [options] [-- the suite's own options]``.

Or, against saved runs of the same machine: ``tox run -e gate -- --baseline FILE …``.

BASE and HEAD are revisions of this repository, or folders with a checkout of it; HEAD is the working tree unless it is
named. Each gets its own environment. Ends with 0 where nothing is slower and everything was compared, 1 where something
is slower, 2 where not everything was compared, 3 where the two cannot be compared, 4 for wrong usage.
"""

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from benchmarks.gate import checkouts, compare, report
from benchmarks.gate.baseline import SavedError
from benchmarks.gate.checkouts import CheckoutError
from benchmarks.gate.decide_pairs import Rules
from benchmarks.gate.verdicts import Exit, Outcome
from benchmarks.settings import positive


class Parser(argparse.ArgumentParser):
    """A parser that ends with the gate's own exit code."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and how it is meant."""
        self.print_usage(sys.stderr)
        self.exit(Exit.USAGE, f"{self.prog}: error: {message}\n")


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(prog="gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("base", nargs="?", metavar="BASE", help="a revision or a folder")
    made.add_argument("head", nargs="?", metavar="HEAD", help="the same; default: the working tree")
    made.add_argument("--baseline", nargs="+", type=Path, metavar="FILE", help="saved runs of the base, five at least")
    made.add_argument("--head-runs", nargs="+", type=Path, metavar="FILE", help="the head's (default: five made now)")
    made.add_argument("--merge-base", action="store_true", help="compare with where HEAD left the line of BASE")
    made.add_argument("--environment", default="bench", help="the tox environment that measures (default: bench)")
    made.add_argument("--out", type=Path, default=checkouts.FOLDER / "out", help="folder for the reports (.gate/out)")
    made.add_argument("--seconds", type=positive(float), default=0.5, help="timed in each process (default: 0.5)")
    made.add_argument("--allow-new", action="store_true", help="pass benchmarks that only the head has")
    made.add_argument("--allow-missing", action="store_true", help="pass those that only the base has")
    made.add_argument("--fail-on", choices=["faster"], help="fail on improvements too, so that baselines get renewed")
    for name, words in (("screen", "pairs of all"), ("confirm", "pairs of a suspect"), ("max_suspects", "to confirm")):
        default = getattr(Rules, name)
        option = f"--{name.replace('_', '-')}"
        made.add_argument(option, type=positive(int), default=default, help=f"{words} (default: {default})")
    return made


def parsed(words: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Read the command line: the gate's own part, and what lies behind ``--`` for the suite."""
    own, suite = [*words], []
    if "--" in own:
        at = own.index("--")
        own, suite = own[:at], own[at + 1 :]
    made = parser()
    options = made.parse_args(own)
    if (options.base is None) == (options.baseline is None):
        made.error(
            "name BASE, a revision such as origin/main or a folder, or --baseline with saved runs; one of the two"
        )
    if options.merge_base and options.baseline:
        made.error("--merge-base has no effect with --baseline: the runs tell their commit")
    if options.head_runs and not options.baseline:
        made.error("--head-runs has no effect without --baseline")
    return options, suite


def gated(options: argparse.Namespace, suite: Sequence[str]) -> Outcome:
    """Return what the gate found; saved runs that are none, and an early interrupt, make it incomplete."""
    try:
        return compare.against_saved(options, suite) if options.baseline else compare.in_lockstep(options, suite)
    except CheckoutError as error:
        parser().error(str(error))
    except SavedError as error:
        problem = str(error)
    except KeyboardInterrupt:
        problem = "interrupted before anything was compared"
    base = options.base or ", ".join(map(str, options.baseline))
    return Outcome(base, options.head or "the working tree", [], problems=[problem])


def main() -> None:
    """Run the command line; what goes wrong otherwise is no slowdown, so it does not end with that code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options, suite = parsed(sys.argv[1:])
    report.remove(options.out)
    try:
        outcome = gated(options, suite)
        print("\n".join(report.lines(outcome)))
        for path in report.write(outcome, options.out):
            print(f"report   {os.path.relpath(path)}")
    except Exception:  # Python would end with 1, which is a slowdown here
        traceback.print_exc()
        sys.exit(Exit.INCOMPLETE)
    sys.exit(outcome.exit)


if __name__ == "__main__":
    main()
