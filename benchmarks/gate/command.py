"""Is the head slower than the base? ``tox run -e gate -- BASE [HEAD] [options] [-- the suite's own options]``.

Or, against saved runs of the same machine: ``tox run -e gate -- --baseline FILE …``.

BASE and HEAD are revisions of this repository, or folders with a checkout of it; HEAD is the working tree unless it is
named. Each gets its own environment. Ends with 0 where nothing is slower and everything was compared, 1 where something
is slower, 2 where not everything was compared, 3 where the two cannot be compared, 4 for wrong usage, 5 where another
gate runs. Interrupted behind tox it may end with tox's own 1: gate.json has the gate's.
"""

import argparse
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from benchmarks.gate import compare, lock, report
from benchmarks.gate.baseline import SavedError
from benchmarks.gate.checkouts import CheckoutError
from benchmarks.gate.decide_starts import Rules
from benchmarks.gate.options import Options
from benchmarks.gate.verdicts import Exit, Outcome, Policy
from benchmarks.settings import positive
from models.files import relative


class Parser(argparse.ArgumentParser):
    """A parser that ends with the gate's own exit code."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and how it is meant."""
        self.print_usage(sys.stderr)
        self.exit(Exit.USAGE, f"{self.prog}: error: {message}\n")


def make_parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser(prog="gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add, rules = parser.add_argument, Options().rules
    add("base", nargs="?", metavar="BASE", help="a revision or a folder")
    add("head", nargs="?", metavar="HEAD", help="the same; default: the working tree")
    add("--baseline", nargs="+", type=Path, metavar="FILE", help="saved runs of the base, five at least")
    add("--head-runs", nargs="+", type=Path, metavar="FILE", help="the head's (default: five made now)")
    add("--merge-base", action="store_true", help="compare with where HEAD left the line of BASE")
    add("--environment", default=Options.environment, help="the tox environment that measures (default: %(default)s)")
    add("--out", type=Path, default=Options.out, help="folder for the reports (%(default)s)")
    add("--seconds", type=positive(float), default=Options.seconds, help="timed in each start (default: %(default)s)")
    add("--allow-new", action="store_true", help="pass benchmarks that only the head has")
    add("--allow-missing", action="store_true", help="pass those that only the base has")
    add("--fail-on", choices=["faster"], help="fail on improvements too, so that baselines get renewed")
    add("--starts", type=positive(int), default=rules.starts, help="of a pair of processes (default: %(default)s)")
    add("--screen", type=positive(int), default=rules.screen, help="pairs of processes for all (default: %(default)s)")
    add("--confirm", type=positive(int), default=rules.confirm, help="for a suspect at most (default: %(default)s)")
    add("--max-suspects", type=positive(int), default=rules.max_suspects, help="to confirm (default: %(default)s)")
    return parser


def parsed(words: Sequence[str]) -> Options:
    """Read the command line: the gate's own part, and what lies behind ``--`` for the suite."""
    at = words.index("--") if "--" in words else len(words)
    parser = make_parser()
    own, suite = parser.parse_args(words[:at]), words[at + 1 :]
    if problem := _wrong_usage(own):
        parser.error(problem)
    return Options(
        base=own.base,
        head=own.head,
        baseline=own.baseline or (),
        head_runs=own.head_runs or (),
        merge_base=own.merge_base,
        environment=own.environment,
        seconds=own.seconds,
        out=own.out,
        rules=Rules(starts=own.starts, screen=own.screen, confirm=own.confirm, max_suspects=own.max_suspects),
        policy=Policy(own.allow_new, own.allow_missing, own.fail_on == "faster"),
        suite=suite,
    )


def _wrong_usage(own: argparse.Namespace) -> str | None:
    """Say what does not go together, or cannot be done here; None where all does."""
    if sys.platform == "win32":
        return "Windows hands a side no pipe by which it is told its turns, and locks nothing; gate on Linux or macOS"
    if (own.base is None) == (own.baseline is None):
        return "name BASE, a revision such as origin/main or a folder, or --baseline with saved runs; one of the two"
    if own.merge_base and own.baseline:
        return "--merge-base has no effect with --baseline: the runs tell their commit"
    if own.head_runs and not own.baseline:
        return "--head-runs has no effect without --baseline"
    return None


def gated(options: Options) -> Outcome:
    """Return the outcome; saved runs that are none, and an early interrupt, make it incomplete."""
    try:
        return compare.against_saved(options) if options.baseline else compare.in_lockstep(options)
    except CheckoutError as error:
        make_parser().error(str(error))
    except SavedError as error:
        problem = str(error)
    except KeyboardInterrupt:
        problem = "interrupted before anything was compared"
    base = options.base or ", ".join(map(str, options.baseline))
    return Outcome(base, options.head or "the working tree", [], problems=[problem])


def main() -> None:
    """Run the command line; what goes wrong otherwise is no slowdown, so it does not end with that code."""
    handle_signals(interrupted)
    options = parsed(sys.argv[1:])
    try:
        with lock.held(compare.ROOT):
            outcome = told(options)
    except lock.HeldError as error:
        sys.stderr.write(f"gate: {error}\n")
        sys.exit(Exit.HELD)
    except KeyboardInterrupt:  # before the gate began, or after it told its outcome
        sys.exit(Exit.INCOMPLETE)
    except Exception:  # Python would end with 1, which is a slowdown here
        traceback.print_exc()
        sys.exit(Exit.INCOMPLETE)
    sys.exit(outcome)


def handle_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    """Let *handler* meet a Ctrl-C and a kill."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def interrupted(_number: int, _frame: FrameType | None) -> None:
    """End in order, once: tox sends a second signal within a second, which would break into the reports."""
    handle_signals(signal.SIG_IGN)
    sys.stderr.write("gate: ends both sides and reports what was compared; SIGKILL would end it at once\n")
    raise KeyboardInterrupt


def told(options: Options) -> Exit:
    """Gate, and report; return the exit code."""
    report.remove(options.out)
    outcome = gated(options)
    handle_signals(signal.SIG_IGN)  # what was compared is told, whatever comes now
    print("\n".join(report.lines(outcome)))
    for path in report.write(outcome, options.out):
        print(f"report   {relative(path)}")
    return outcome.exit
