"""Times and shares as people read them."""

import math
from collections.abc import Sequence

from benchmarks.decide import formulas
from benchmarks.decide.spans import Span


def mark(doubts: Sequence[str]) -> str:
    """Return the suite's mark of what is doubtful."""
    return " (!)" if doubts else ""


def digits(value: float) -> str:
    """Return three digits, without an exponent."""
    if not math.isfinite(value):
        return "never" if value > 0 else "nothing"
    if value >= 99.95 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}"


def duration(seconds: float) -> str:
    """Write a time in milliseconds, and a long one in seconds."""
    return f"{digits(seconds)} s" if seconds >= 10 else f"{digits(seconds * 1e3)} ms"


def interval(span: Span, unit: float = 1e3) -> str:
    """Write the interval of a time, in milliseconds; nothing where it has none or both ends read alike."""
    if not span.has_interval:
        return " (no interval: too few starts)"
    low, high = digits(span.low * unit), digits(span.high * unit)
    return "" if low == high else f" ({low} to {high})"


def time(span: Span | None, mark: str = "") -> str:
    """Write a time with its interval and its tier."""
    if span is None:
        return "not measured"
    if span.value >= 10 and span.has_interval:
        words = f"{digits(span.value)} s{interval(span, 1.0)}"
    else:
        words = f"{digits(span.value * 1e3)} ms{interval(span)}"
    return f"{words}{mark} [{tier(span)}]"


def tier(span: Span) -> str:
    """Write the tier of a time: ``< 100 ms``."""
    words = formulas.tier(span.value)
    return words if words == formulas.BEYOND else f"< {words}"


def count(span: Span | None) -> str:
    """Write a number with its interval."""
    if span is None:
        return "not measured"
    value, low, high = (digits(end) if math.isfinite(end) else "no end" for end in (span.value, span.low, span.high))
    return value if low == high else f"{value} ({low} to {high})"


def number(span: Span | None) -> str:
    """Write a whole number with its interval."""
    if span is None:
        return "not measured"
    value, low, high = (f"{end:,.0f}" if math.isfinite(end) else "never" for end in (span.value, span.low, span.high))
    return value if low == high else f"{value} ({low} to {high})"


def download(wire: float, decoded: float, files: int) -> str:
    """Write what is fetched: bytes on the wire, what becomes of them, and of how many files."""
    read = f"{size(decoded)} decoded" if decoded != wire else "not compressed"
    return f"{size(wire)} ({read}) in {files} file{'s' * (files != 1)}"


def size(of_bytes: float) -> str:
    """Write bytes in kB or MB."""
    return f"{digits(of_bytes / 1e6)} MB" if of_bytes >= 1e6 else f"{digits(of_bytes / 1e3)} kB"
