"""What a saved file says that no run of this suite says: found when it is read, and told in a line with the value."""

import json
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard


class DamagedError(ValueError):
    """A part of a run is none; the message names the part, and shows what stands in its place."""


def check_mapping(value: object, what: str) -> None:
    """Raise DamagedError unless *value* holds names and values."""
    if not isinstance(value, Mapping):
        raise DamagedError(f"{what} is {shown(value)}, not names and values")


def check_numbers(values: Iterable[object], what: str) -> None:
    """Raise DamagedError unless all *values* are numbers; NaN is one, and no time."""
    for value in values:
        if not is_number(value):
            raise DamagedError(f"{what} is {shown(value)}, not a number")


def check_count(value: object, what: str) -> None:
    """Raise DamagedError unless *value* is a whole number of something that is there."""
    if not (isinstance(value, int) and is_number(value) and value > 0):
        raise DamagedError(f"{what} is {shown(value)}, not a number from 1 on")


def check_once(names: Iterable[str]) -> None:
    """Raise DamagedError where a benchmark is there twice: one of its results would hide the other."""
    for name, number in Counter(names).items():
        if number > 1:
            raise DamagedError(f"it holds {name} {number} times, and one alone would count")


def is_number(value: object) -> TypeGuard[float]:
    """Whether JSON had a number there; true is none, though Python counts it among them."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def shown(value: Any) -> str:
    """Return a value as it stands in the file, and no more of it than fits into a line."""
    return textwrap.shorten(json.dumps(value, default=str), 60, placeholder=" …")
