"""Devices that join by a link: ``python -m benchmarks.devices [options] [the suite's options]``.

Prints the link and waits; whoever opens it is measured, one device after the other, and saved in a file of its own.
Ends on a Ctrl-C, with --devices or with --wait. Exit codes: 0 all were measured whole, 1 some were not, or none came,
2 nothing can be measured so, 130 stopped in the midst of a device.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from functools import partial

from benchmarks.commands import STOPPED, stopped_once, until_unread
from benchmarks.devices import engines, table
from benchmarks.devices.board import Board
from benchmarks.devices.guests import Line
from benchmarks.devices.host import Host, Start, Usher
from benchmarks.devices.plan import Plan, PlanError, plan
from benchmarks.devices.suite import ENDING as RUNS_END
from benchmarks.devices.suite import measure
from benchmarks.results.numbers import counted
from benchmarks.run.screen import WIDEST, wrapped
from benchmarks.settings import positive
from browser_harness.joined import link
from browser_harness.joined.browsers import ENGINES, Engine, missing, started
from browser_harness.joined.entrance import EntranceError, add_options, entrance_of
from browser_harness.joined.server import JoinServer, joining

UNUSABLE = 2
OF_ONE_RUN = ("--benchmark-json", "--report", "--junit-xml", "--junitxml")  # files, which each device would write anew
PATIENT = ("--device-patience=120",)  # others wait as well; who says otherwise is obeyed
ENDING = 2 * RUNS_END  # seconds in which all is saved and told, and no signal breaks into that


class UsageError(Exception):
    """What was asked for cannot be done; the message says what, and what can."""


def parser() -> argparse.ArgumentParser:
    """Return what the command understands; all else is the suite's."""
    found = argparse.ArgumentParser(
        prog="clients", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    number, seconds = positive(int), positive(float)
    found.add_argument("--devices", type=number, metavar="N", help="end when so many were measured")
    found.add_argument("--wait", type=seconds, metavar="SECONDS", help="end when nobody new came for so long")
    words = "start this browser of this machine at the link, measure it, and end it (repeatable)"
    found.add_argument("--browser", action="append", default=[], choices=ENGINES, help=words)
    add_options(found)
    return found


def run(options: argparse.Namespace, words: Sequence[str]) -> int:
    """Have devices measured; return the exit code."""
    entrance = entrance_of(options)
    if given := next((word for word in words if word.partition("=")[0] in OF_ONE_RUN), None):
        raise UsageError(f"{given}: each device would write it anew; its run is saved under .benchmarks without that")
    for name in options.browser:
        if why := missing(name):
            raise UsageError(f"--browser {name}: {why}")
    board, line = Board(), Line()
    board.say("looking at what would be measured …")
    planned = plan(words)
    host = Host(line, board, measure, [*PATIENT, *words], options.devices, options.wait)
    code = 0
    with joining(entrance, line.came, planned.offer) as server:
        browsers = [(name, _start(name, server)) for name in options.browser]
        board.say(*_opening(server, planned, options))
        with Usher(line, board):
            try:
                host.serve(browsers)
            except KeyboardInterrupt:
                code = STOPPED if host.is_busy else 0
                board.say("stopped: what was measured is kept")
    board.end()
    told = _tell(line, host.problems)
    return code or told


def _start(name: Engine, server: JoinServer) -> Start:
    """Return what starts a browser of this machine at the link."""
    if (url := server.own_url) is None:
        raise UsageError("--browser joins over plain loopback: --listen 0.0.0.0, or leave out --listen and --https")
    return partial(started, name, url)


def _opening(server: JoinServer, planned: Plan, options: argparse.Namespace) -> Iterator[str]:
    """Yield what there is to know before anybody comes."""
    yield from ("", "open this link on the device that is to be measured:", "")
    yield from link.lines(server.url, sys.stdout)
    yield ""
    for one in server.entrance.words:
        yield from wrapped(one, shutil.get_terminal_size((WIDEST, 24)).columns - 1, indent=0)
    yield f"each device is measured in {counted(len(planned.cases), 'benchmark')}, about {planned.time}"
    ends = [f"after {counted(options.devices, 'device')}"] if options.devices else []
    ends += [f"when nobody new came for {options.wait:g} s"] if options.wait else []
    yield f"it ends {' or '.join([*ends, 'with Ctrl-C'])}; what was measured is kept"
    yield ""


def _tell(line: Line, problems: Sequence[str]) -> int:
    """Print what came of it; return the exit code."""
    outcomes = [(guest, guest.outcome) for guest in line.guests if guest.outcome]
    runs = [outcome.run for _, outcome in outcomes if outcome.run]
    for one in (*table.lines(runs), *engines.lines(runs)) if runs else ():
        print(one)
    print()
    for guest, outcome in outcomes:
        for why in [*([outcome.why] if outcome.why else []), *outcome.skipped]:
            print(f"device {guest.number}  {guest.name}: {why}")
    for guest in line.waiting():
        print(f"device {guest.number}  {guest.name}: was not measured")
    files = [os.path.relpath(run.file) for run in runs]
    for file in files:
        print(f"results  {file}")
    if files:
        print(f"next     tox run -e report -- {' '.join(files)}")
    if not outcomes:
        print("nobody was measured")
    is_whole = bool(outcomes) and not problems and all(not outcome.why for _, outcome in outcomes)
    return 0 if is_whole else 1


def main() -> None:
    """Run the command line."""
    options, words = parser().parse_known_args()
    try:
        with until_unread(), stopped_once(ENDING):
            code = run(options, [word for word in words if word != "--"])
    except (EntranceError, PlanError, UsageError) as error:
        print(f"clients: {error}", file=sys.stderr)
        code = UNUSABLE
    except KeyboardInterrupt:
        print("clients: stopped; nothing was measured", file=sys.stderr)
        code = STOPPED
    sys.exit(code)


if __name__ == "__main__":
    main()
