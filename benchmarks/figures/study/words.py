"""Figures as the page writes them."""

import math
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from benchmarks.decide.spans import Span
from benchmarks.figures.tables import times
from benchmarks.measuring.ratio import Ratio
from benchmarks.measuring.starts import Figure
from benchmarks.results import Row, keys
from benchmarks.results.numbers import NONE, three
from benchmarks.results.tidy import DOUBT
from models.names import tame

WIDTH = 130
TOGETHER = re.compile(r"`[^`]*`|\d %")  # no line ends within
MARKDOWN = re.compile(r"[\\`*_{}\[\]<>|]")
HELD = "\x00"  # stands for a space meanwhile


def filled(text: str, first: str = "") -> str:
    """Return a paragraph in lines, each below the first word of *first*, such as ``- ``."""
    held = TOGETHER.sub(lambda found: found[0].replace(" ", HELD), first + text)
    lines = textwrap.wrap(
        held, WIDTH, subsequent_indent=" " * len(first), break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines).replace(HELD, " ")


def _spanned(span: Span, write: Callable[[float], str]) -> str:
    if span.low == span.high:
        return write(span.value)
    if not (span.has_interval and math.isfinite(span.high)):
        return f"{write(span.value)} (no interval)"
    return f"{write(span.value)} ({write(span.low)} to {write(span.high)})"


def marked(text: str, *rows: Row) -> str:
    """Return a figure with all marks of the rows that it was made of."""
    signs = dict.fromkeys(mark.sign for row in rows for mark in row.marks)
    return " ".join([text, *sorted(signs, key=lambda sign: sign != DOUBT)])


def seconds(span: Span) -> str:
    """Write a time in milliseconds, with its interval."""
    value, _, rest = _spanned(span, lambda time: three(time * 1e3)).partition(" ")
    return " ".join(filter(None, [value, "ms", rest]))


def times_with_interval(span: Span) -> str:
    """Write how many times."""
    return _spanned(span, times)


def whole(value: float) -> str:
    """Write a number without decimals, a small one with one."""
    return f"{value:,.1f}" if value < 10 else f"{value:,.0f}"


def rate_of(row: Row) -> Span | None:
    """Return the predictions a second, one after another: by the mean, which has all pauses in it; None of none."""
    mean = row.result.figure("mean")
    images = row.batch_size or 1
    if not (math.isfinite(mean.value) and mean.value > 0):
        return None
    span = Span.of(mean)
    return Span(*(images / end if end else math.inf for end in (span.value, span.high, span.low)))


def rate(row: Row) -> str:
    """Write the predictions a second."""
    span = rate_of(row)
    return whole(span.value) if span else NONE


def rate_with_interval(span: Span) -> str:
    """Write a number, of predictions a second or of clients, with its interval."""
    return _spanned(span, whole)


def ratio_of(row: Row) -> Span | None:
    """Return how many times ``server-cpu``'s time it took, measured in turns; None where that was not measured."""
    return Span.of(_as_figure(row.ratio)) if row.ratio else None


def _as_figure(measured: Ratio) -> Figure:
    return Figure(measured.value, 0, measured.low, measured.high)


def ratio(row: Row) -> str:
    """Write that ratio."""
    span = ratio_of(row)
    return times_with_interval(span) if span else NONE


def accuracy(*rows: Row) -> str:
    """Write the share of right answers, of several runs each."""
    return "; ".join(dict.fromkeys(f"{row.result.info[keys.TOP1]:.2f} %" for row in rows)) or NONE


def tamed(text: str) -> str:
    """Return what a device says of itself as it stands in Markdown: nothing in it is a mark, a tag or a cell's end."""
    return MARKDOWN.sub(r"\\\g<0>", tame(text))


def spread(values: Iterable[float], write: Callable[[float], str]) -> str:
    """Write the least and the greatest: ``2.1 to 3.1``."""
    known = [*values]
    low, high = write(min(known)), write(max(known))
    return low if low == high else f"{low} to {high}"


def spread_of_rows(values: Iterable[tuple[float, Row]], write: Callable[[float], str]) -> str:
    """Write the least and the greatest of what rows say, with the marks of the two."""
    known = sorted(values, key=lambda one: one[0])
    return marked(spread((value for value, _ in known), write), known[0][1], known[-1][1])


def listed(names: Sequence[Any]) -> str:
    """Write names behind each other: ``a, b and c``."""
    words = [str(name) for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
