"""What a stranger sent, before anything is done with it: read as JSON, and taken field by field as what it has to be.

Everything that is taken is bounded: the size of a number, the length of a text or list. What is no such thing is a
BreachError. What nobody asks a field for is left behind.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from browser_harness.channel import PageError

MOST_NESTED = 100_000  # lists and objects in a message: each takes 100 bytes of memory, and 2 to write
MOST_WORDS = 2000  # characters of an error that are kept
LARGEST = 2.0**53  # from here on a browser's numbers are no longer whole

Taken = TypeVar("Taken")


class BreachError(PageError):
    """A device sent what no page of this suite sends: nothing of it is used, and the device is sent home."""


def read(text: str) -> Any:
    """Return what *text* is as JSON, which has no NaN and no infinity; raises BreachError."""
    if text.count("[") + text.count("{") > MOST_NESTED:
        raise BreachError(f"a message has more than {MOST_NESTED:,} lists and objects")
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:  # of numbers with thousands of digits, too
        raise BreachError(f"a message is no JSON ({type(error).__name__})") from error


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def tamed(text: str, most: int = MOST_WORDS) -> str:
    """Return *text* in one line that drives no terminal, and is no longer than *most* characters and a mark."""
    words = " ".join(text[: 4 * most].split())
    shown = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in words[:most])
    return shown if len(text) <= 4 * most and len(words) <= most else f"{shown} …"


class Fields:
    """An object that was sent; *where* says which, for whoever reads that it is not as it should be."""

    def __init__(self, told: Any, where: str) -> None:
        if not isinstance(told, dict):
            raise BreachError(f"{where} is {described(told)}, no object")
        self.told: dict[str, Any] = told
        self.where = where

    def breach(self, name: str, words: str) -> BreachError:
        """Return the error of a field."""
        return BreachError(f"{self.where}: {tamed(name, 40)} is {described(self.told.get(name))}, {words}")

    def number(self, name: str, low: float, high: float) -> float:
        """Take a finite number."""
        taken = _number(self.told.get(name), low, high)
        if taken is None:
            raise self.breach(name, f"no number from {low:g} to {high:g}")
        return taken

    def whole(self, name: str, low: int, high: int) -> int:
        """Take a whole number."""
        told = self.told.get(name)
        if not isinstance(told, int) or isinstance(told, bool) or not low <= told <= high:
            raise self.breach(name, f"no whole number from {low} to {high}")
        return told

    def flag(self, name: str) -> bool:
        """Take a truth value."""
        told = self.told.get(name)
        if not isinstance(told, bool):
            raise self.breach(name, "neither true nor false")
        return told

    def text(self, name: str, most: int = 200) -> str:
        """Take a text, in one line."""
        told = self.told.get(name)
        if not isinstance(told, str) or len(told) > most:
            raise self.breach(name, f"no text of {most} characters at most")
        return tamed(told, most)

    def words(self, name: str) -> str:
        """Take a text of any length, of which the beginning is kept."""
        told = self.told.get(name)
        if not isinstance(told, str):
            raise self.breach(name, "no text")
        return tamed(told)

    def numbers(self, name: str, count: int | None, low: float, high: float, most: int = MOST_NESTED) -> list[float]:
        """Take a list of finite numbers: *count* of them, or *most* at most."""
        told = self._list(name, most if count is None else count)
        if count is not None and len(told) != count:
            raise self.breach(name, f"{count} were asked for")
        taken = [number for one in told if (number := _number(one, low, high)) is not None]
        if len(taken) != len(told):
            raise self.breach(name, f"not all of them numbers from {low:g} to {high:g}")
        return taken

    def texts(self, name: str, most: int, longest: int = 200) -> list[str]:
        """Take a list of texts."""
        told = self._list(name, most)
        if not all(isinstance(one, str) and len(one) <= longest for one in told):
            raise self.breach(name, f"not all of them texts of {longest} characters at most")
        return [tamed(one, longest) for one in told]

    def each(self, name: str, most: int) -> "list[Fields]":
        """Take a list of objects."""
        return [Fields(one, f"{self.where}: {name}") for one in self._list(name, most)]

    def lists(self, name: str, most: int, length: int) -> list[list[Any]]:
        """Take a list of lists of the same *length*."""
        told = self._list(name, most)
        if not all(isinstance(one, list) and len(one) == length for one in told):
            raise self.breach(name, f"not all of them lists of {length}")
        return told

    def fields(self, name: str) -> "Fields":
        """Take an object."""
        return Fields(self.told.get(name), f"{self.where}: {name}")

    def unless_null(self, take: Callable[..., Taken], name: str, *bounds: Any) -> Taken | None:
        """Take a field, if it is there and not null."""
        return None if self.told.get(name) is None else take(name, *bounds)

    def _list(self, name: str, most: int) -> list[Any]:
        told = self.told.get(name)
        if not isinstance(told, list) or len(told) > most:
            raise self.breach(name, f"no list of {most} at most")
        return told


def _number(told: Any, low: float, high: float) -> float | None:
    """Return a number, if it is one and within bounds: NaN is within none."""
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    return float(told) if low <= told <= high and abs(told) < math.inf else None


def described(told: Any) -> str:
    """Say what something is, in a few words, however large it is."""
    if isinstance(told, str):
        return f"'{tamed(told, 40)}'"
    if isinstance(told, list | dict):
        return f"{'a list' if isinstance(told, list) else 'an object'} of {len(told)}"
    if told is None or isinstance(told, bool):
        return str(told)
    return f"{told:.6g}" if -LARGEST < told < LARGEST else "a number of many digits"


def plain(told: Any, where: str, depth: int = 3, most: int = 1000) -> Any:
    """Take anything, if it is small and flat: texts are tamed, and numbers finite."""
    if isinstance(told, str):
        return tamed(told)
    if told is None or isinstance(told, bool):
        return told
    if isinstance(told, int | float):
        if _number(told, -LARGEST, LARGEST) is None:
            raise BreachError(f"{where} has {described(told)}, no number that counts")
        return told
    if not depth or len(told) > most:
        raise BreachError(f"{where} has {described(told)}: too many, or too deep")
    if isinstance(told, list):
        return [plain(one, where, depth - 1, most) for one in told]
    return _plain_object(told, where, depth, most)


def _plain_object(told: Mapping[str, Any], where: str, depth: int, most: int) -> dict[str, Any]:
    return {tamed(name, 100): plain(one, where, depth - 1, most) for name, one in told.items()}
