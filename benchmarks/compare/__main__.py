"""Saved runs side by side: ``python -m benchmarks.compare A.json FOLDER … [--reference NAME|FILE] [--sort …]``.

Of a folder all runs are taken that lie in it. Ends with 0 where all were compared, 1 where a file or a result could not
be read or nothing could be compared, and 2 where the command line asks for what there is not.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.commands import STOPPED, say, until_unread
from benchmarks.compare import table, told
from benchmarks.compare.lines import Line, lines_of
from benchmarks.compare.sides import Side, UsageError, reference, sides_of
from benchmarks.results.numbers import counted
from benchmarks.results.reading import read
from benchmarks.results.reading import told as told_of

BAD_USAGE = 2
WIDTH = 120  # where there is no terminal
SORTS = ("given", "name", *table.ORDERS, "ratio")


def parser() -> argparse.ArgumentParser:
    """Return what the command understands."""
    found = argparse.ArgumentParser(
        prog="compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words = "runs, or folders of them; a run is a column; two at least"
    found.add_argument("files", nargs="+", type=Path, metavar="SAVED.json", help=words)
    words = "the run that ratios are to, by machine, file or letter; default: the first file"
    found.add_argument("--reference", metavar="NAME|FILE", help=words)
    found.add_argument(
        "--sort", choices=SORTS, default="given", help="rows of a model; default: as the reference has them"
    )
    words = f"of {', '.join(table.kinds())}; default: {','.join(table.COLUMNS)}"
    found.add_argument("--columns", type=_columns, default=table.COLUMNS, metavar="NAME,…", help=words)
    return found


def _columns(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in table.kinds()]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is no column; there are {', '.join(table.kinds())}")
    return names


def text(
    given: Sequence[Line], sides: Sequence[Side], base: Side, options: argparse.Namespace, width: int
) -> Iterator[str]:
    """Yield all there is to say of the *given* benchmarks, line by line."""
    lines = [line for _, block in table.blocks(given) for line in table.ordered(block, options.sort, sides, base)]
    for one in told.runs(sides, base):
        yield from told.wrapped(one, width)
    yield from table.text(lines, table.columns(options.columns, sides, base), width)
    yield ""
    notes = [*told.missing(lines, sides), *told.differences(lines, sides, base), *told.machines(sides, base)]
    notes += told.unknown(sides)
    notes += [*told.rowed(lines, sides), *told.explained(lines, sides, base, options.columns)]
    for one in notes:
        yield from told.wrapped(one, width)


def compared(lines: Sequence[Line], sides: Sequence[Side]) -> int:
    """Return how many pairs of figures have a ratio."""
    return sum(line.ratio(side.letter) is not None for line in lines for side in sides if side.letter != line.reference)


def run(options: argparse.Namespace, width: int) -> int:
    """Print the comparison; return the exit code."""
    found = read(options.files, say)
    for line in told_of(found):
        say(line)
    if len(found.runs) < 2:
        say(f"compare: nothing is compared: {counted(len(found.runs), 'run')} found; name two at least")
        return 1
    sides = sides_of(found.runs)
    base = reference(sides, options.reference)
    lines = lines_of(sides, base)
    for line in text(lines, sides, base, options, width):
        print(line)
    if not compared(lines, sides):
        why = f"{base.letter} has no figure that another run has, too, by name and statistic"
        say(f"compare: nothing was compared: {why}")
        return 1
    return 1 if found.refused else 0


def main() -> None:
    """Run the command line."""
    options = parser().parse_args()
    try:
        with until_unread():
            code = run(options, shutil.get_terminal_size((WIDTH, 24)).columns)
    except UsageError as error:
        print(f"compare: {error}", file=sys.stderr)
        code = BAD_USAGE
    except KeyboardInterrupt:
        print("compare: stopped", file=sys.stderr)
        code = STOPPED
    sys.exit(code)


if __name__ == "__main__":
    main()
