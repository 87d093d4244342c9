"""Saved runs for other programs: ``python -m benchmarks.export --format FORMAT SAVED.json FOLDER … [--out FILE]``.

Of a folder all runs are taken that lie in it. ``csv`` and ``parquet`` are tidy rows, one a benchmark; ``markdown`` a
table for a comment; ``github-action`` what github-action-benchmark reads with ``tool: customSmallerIsBetter``;
``bencher`` Bencher Metric Format, for ``--adapter json``. Ends with 1 and writes nothing where a run is not whole or
cannot be read, unless ``--skip-refused`` leaves that out, and with 2 where the command line is wrong.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.commands import STOPPED, say, until_unread
from benchmarks.export import columns, parquet, texts, trackers
from benchmarks.export.refusing import ExportError, whole
from benchmarks.results import NotARunError, Row, load_any, rows_of
from benchmarks.results.reading import read
from benchmarks.results.saved import OtherKindError
from models.files import at_home, replacing, why_unwritable
from models.names import shown

REMEDY = "name another file, in a folder that can be written"
PARQUET = "parquet"
TRACKERS: Mapping[str, Callable[[Sequence[Row]], str]] = {
    "github-action": trackers.github_action,
    "bencher": trackers.bencher,
}
TEXTS: Mapping[str, Callable[[Sequence[Row]], str]] = {"csv": texts.csv_text, "markdown": texts.markdown, **TRACKERS}


class _Columns(argparse.Action):
    """Prints the columns and ends, whatever else is asked, as ``--help`` does."""

    def __init__(self, option_strings: Sequence[str], dest: str, **rest: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **rest)

    def __call__(self, *_: Any) -> None:
        with until_unread():
            print("\n".join(columns.explained()))
        sys.exit()


def parser() -> argparse.ArgumentParser:
    """Return what the command understands."""
    found = argparse.ArgumentParser(
        prog="export", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("--columns", action=_Columns, help="print what each column of the rows means, and end")
    found.add_argument("files", nargs="+", type=at_home, metavar="SAVED.json", help="runs of any machines, or folders")
    found.add_argument("--format", required=True, choices=("csv", PARQUET, "markdown", *TRACKERS))
    found.add_argument("--out", type=at_home, metavar="FILE", help="default: the screen; parquet needs it")
    found.add_argument("--samples", type=at_home, metavar="FILE", help="write every sample there, too, as Parquet")
    words = "leave out what the suite itself doubts; by default it is exported with the doubt"
    found.add_argument("--skip-doubtful", action="store_true", help=words)
    words = "leave out runs that are not whole, say so, and end with 1; by default nothing is exported then"
    found.add_argument("--skip-refused", action="store_true", help=words)
    return found


def run(options: argparse.Namespace) -> int:
    """Read, refuse, and write; return the exit code, or raise ExportError before anything is written."""
    for file in filter(None, (options.out, options.samples)):
        if why := why_unwritable(file, options.files) or _why_kept(file):
            raise ExportError(f"{file} cannot be written: {why}; {REMEDY}")
    found, refused = _read(options)
    rows = _kept(found, options.skip_doubtful)
    text = TEXTS[options.format](rows) if options.format in TEXTS else ""
    text += texts.left_out(refused) if options.format == "markdown" else ""
    tables = {options.samples: _samples(rows)} if options.samples else {}
    tables |= {options.out: parquet.rows_table(rows)} if options.format == PARQUET else {}
    for file, table in tables.items():
        parquet.write(table, file)
    if options.format in TEXTS:
        _write(text, options.out)
    for file in filter(None, (options.out, options.samples)):
        say(f"written  {file}")
    return 1 if refused else 0


def _read(options: argparse.Namespace) -> tuple[list[Row], list[str]]:
    """Return the rows, and why some files have none, which is told."""
    found = read(options.files, say)
    for copy in found.copies:
        say(f"once     {copy.file}: {copy.why}")
    runs, refused = whole(found, options.format in TRACKERS, options.skip_refused)
    for words in refused:
        say(f"refused  {words}")
    return rows_of(runs), refused


def _why_kept(file: Path) -> str:
    """Return why a file that is there stays: what was measured is written over by nothing."""
    try:
        load_any(file)
    except NotARunError as error:
        return "the suite saved it" if isinstance(error.cause, OtherKindError) else ""
    return "it is a saved run"


def _write(text: str, file: Path | None) -> None:
    if file is None:
        print(text, end="")
        return
    with replacing(file) as partial:
        partial.write_text(text, encoding="utf-8", newline="")


def _samples(rows: Sequence[Row]) -> Any:
    """Return the table of samples; tell of how many benchmarks none were saved."""
    without = sum(not row.result.samples for row in rows)
    if without:
        words = "benchmarks have no samples: pytest-benchmark's own runs need --benchmark-save-data"
        say(f"samples  {without} of {len(rows)} {words}")
    return parquet.samples_table(rows)


def _kept(rows: Sequence[Row], skips_doubtful: bool) -> list[Row]:
    """Return what is exported; tell how much of it is in doubt, or was left out for that."""
    doubtful = sum(bool(row.result.doubts) for row in rows)
    if doubtful:
        words = "left out" if skips_doubtful else "exported with the doubt told; --skip-doubtful leaves them out"
        say(f"doubt    {doubtful} of {len(rows)} benchmarks in doubt: {words}")
    kept = [row for row in rows if not (skips_doubtful and row.result.doubts)]
    if not kept:
        raise ExportError("all benchmarks are in doubt, and --skip-doubtful leaves none")
    return kept


def main() -> None:
    """Run the command line."""
    options = parser().parse_args()
    if options.format == PARQUET and not options.out:
        parser().error("--format parquet needs --out FILE: it is no text")
    if options.samples and options.out and options.samples.resolve() == options.out.resolve():
        parser().error("--samples and --out name one file: the samples have rows of their own")
    try:
        with until_unread():
            code = run(options)
    except ExportError as error:
        sys.exit(f"export: {shown(str(error))}")
    except OSError as error:
        sys.exit(f"export: {error.filename or 'the screen'}: {error.strerror}; {REMEDY}")
    except KeyboardInterrupt:
        print("export: stopped; each file is whole or as it was", file=sys.stderr)
        sys.exit(STOPPED)
    sys.exit(code)


if __name__ == "__main__":
    main()
