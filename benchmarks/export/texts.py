"""Tidy rows as text: CSV for spreadsheets and programs, Markdown for a comment below a pull request."""

import csv
import io
import re
from collections.abc import Sequence

from tabulate import tabulate

from benchmarks.export.columns import COLUMNS, Value, records
from benchmarks.results import Row
from benchmarks.results.numbers import NONE, between, three
from models.names import shown

FORMULA = tuple("=+-@＝＋－＠")  # a spreadsheet computes what begins so (OWASP, "CSV Injection"); no control is left
MARKUP = re.compile(r"[\\`*_\[\]<>&#~$|@:]")  # what Markdown, HTML or GitHub could read as more than a letter
MARKDOWN = ("machine", "benchmark", "headline, ms", "95 %", "p10, ms", "× server-cpu", "95 %", "marks")


def csv_text(rows: Sequence[Row]) -> str:
    """Return CSV, RFC 4180, with a head: what is None is empty.

    Text that a spreadsheet would compute has an apostrophe before it.
    """
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [column.name for column in COLUMNS])
    writer.writeheader()
    writer.writerows({name: _safe(value) for name, value in record.items()} for record in records(rows))
    return buffer.getvalue()


def _safe(value: Value) -> Value:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def markdown(rows: Sequence[Row]) -> str:
    """Return a table in GitHub's Markdown, and below it what its marks mean."""
    cells = [*map(_cells, rows)]
    align = ["left", "left", *["right"] * 5, "left"]
    table = tabulate(cells, MARKDOWN, "github", disable_numparse=True, colalign=align)
    meanings = dict.fromkeys(f"- {_prose(mark.sign)}: {_prose(mark.words)}" for row in rows for mark in row.marks)
    return "\n".join([table, *(["", *meanings] if meanings else []), ""])


def left_out(refused: Sequence[str]) -> str:
    """Return in Markdown what is not in the table, and why."""
    return "".join(f"- not in the table: {_prose(words)}\n" for words in refused)


def _cells(row: Row) -> list[str]:
    figure, ratio = row.figure, row.ratio
    in_turns = [three(ratio.value), between(ratio.low, ratio.high)] if ratio else [NONE, NONE]
    return [
        " served by ".join(_code(one) for one in (row.machine, row.served_by) if one),
        _code(row.name),
        f"{row.result.headline} {three(figure.value * 1e3)}",
        between(figure.low, figure.high, 1e3),
        NONE if row.p10 is None else three(row.p10 * 1e3),
        *in_turns,
        _prose(row.signs),
    ]


def _code(text: str) -> str:
    """Return a name as Markdown shows it letter by letter, in a table's cell: between more backticks than it has."""
    name = shown(text).replace("|", r"\|")
    fence = "`" * (1 + max(map(len, re.findall("`+", name)), default=0))
    return f"{fence}{name}{fence}" if len(fence) == 1 else f"{fence} {name} {fence}"


def _prose(text: str) -> str:
    """Return *text* of which nothing is markup, a mention or a link: each such letter as HTML's number of it."""
    return MARKUP.sub(lambda found: f"&#{ord(found[0])};", shown(text))
