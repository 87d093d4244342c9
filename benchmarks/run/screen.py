"""How wide the screen is, and lines that fit it."""

import os
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pytest

PIPED = 120  # columns of a table where nobody's screen tells how many: alike in every log
WIDEST = 120  # columns of prose
INDENT = 9  # columns: of a line's kind, such as "unstable "


@dataclass(frozen=True)
class Screen:
    """Where the lines are written to: a person's screen, or a file."""

    width: int  # columns of a table
    wraps: bool  # prose too; in a file a line stays one, for whoever searches it

    @classmethod
    def of(cls, reporter: pytest.TerminalReporter, config: pytest.Config) -> "Screen":
        """Return the screen of a run: a terminal's, or as wide as ``COLUMNS`` says; a pipe has a width of its own."""
        if reporter.isatty() or os.environ.get("COLUMNS", "").isdecimal():
            return cls(config.get_terminal_writer().fullwidth, wraps=True)
        return cls(PIPED, wraps=False)

    def fit(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield lines of prose, each whole or in rows, of which all but the first are indented."""
        for line in lines:
            yield from wrapped(line, min(self.width, WIDEST)) if self.wraps else [line]


def wide(text: str) -> int:
    """Return how many columns a text takes, in any script: two for each wide character, none for what joins another."""
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def wrapped(line: str, width: int, indent: int = INDENT) -> list[str]:
    """Return a line in rows of at most *width* columns; a word that is longer, such as a path, stays whole."""
    head, rows = line[:indent], list[str]()
    row = head if head.endswith(" ") else ""
    for word in line[len(row) :].split(" "):
        joined = word if row.endswith(" ") or not row else f" {word}"
        if row.strip() and wide(row + joined) > width:
            rows.append(row)
            row, joined = " " * indent, word
        row += joined
    return [*rows, row]
