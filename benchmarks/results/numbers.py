"""Numbers as people read them, wherever saved runs are shown: three digits, and a unit."""

import math

NONE = "–"  # of what was not told


def three(value: float | None) -> str:
    """Return three digits, without an exponent, or as many as there are before the point."""
    if value is None or not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    rounded = float(f"{value:.3g}") if abs(value) < 1000 else value  # 9.996 is 10.0
    return f"{value:,.{max(0, 2 - math.floor(math.log10(abs(rounded))))}f}"


def time(seconds: float | None) -> str:
    """Return a time in milliseconds, in microseconds or seconds where that reads better."""
    if seconds is None or not math.isfinite(seconds):
        return NONE
    factor, unit = time_unit(seconds, seconds)
    return f"{three(seconds * factor)} {unit}"


def time_unit(low: float, high: float) -> tuple[float, str]:
    """Return the unit for times from *low* to *high* seconds: how many there are in a second, and its sign."""
    if high < 1e-5:
        return 1e6, "µs"
    return (1.0, "s") if low >= 10 else (1e3, "ms")


def between(low: float | None, high: float | None, factor: float = 1.0) -> str:
    """Return the interval of a figure: ``4.90 to 5.20``."""
    if low is None or high is None:
        return NONE
    return f"{three(low * factor)} to {three(high * factor)}"


def with_interval(value: float, low: float | None, high: float | None, unit: str = "") -> str:
    """Return a figure with its unit, and its interval where it has one: ``5.07 (4.90 to 5.20)``."""
    return f"{three(value)}{unit}{within(low, high)}"


def within(low: float | None, high: float | None, factor: float = 1.0) -> str:
    """Return an interval as it stands behind its figure: `` (4.90 to 5.20)``; nothing where there is none."""
    return "" if low is None or high is None else f" ({between(low, high, factor)})"


def milliseconds(seconds: float | None) -> str:
    """Return a time in milliseconds, however long or short it is: for a column of them."""
    return NONE if seconds is None else f"{three(seconds * 1e3)} ms"


def is_time(value: float | None) -> bool:
    """Whether it can stand on a log axis: finite, and above zero."""
    return value is not None and math.isfinite(value) and value > 0


def counted(number: int, noun: str) -> str:
    """Return so many of something: ``1 sample``, ``1,463 samples``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def change(ratio: float | None) -> str:
    """Return by how much a *ratio* is above or below 1: ``+12 %``."""
    if ratio is None or not math.isfinite(ratio):
        return NONE
    share = round(100 * (ratio - 1))
    return f"{'+' if share > 0 else '−' if share < 0 else ''}{abs(share):,} %"
