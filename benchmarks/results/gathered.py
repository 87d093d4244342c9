"""What is said of many benchmarks, in the words that they share, with the range of the numbers in them."""

import re
from collections.abc import Iterable, Sequence

NUMBER = re.compile(r"(?<![\w/.])[±+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?%?(?![\w/])")
Told = tuple[str, str]  # who, and what is said of it


def alike(told: Iterable[Told]) -> list[list[Told]]:
    """Return those together of whom the same is said but for its numbers, in their order."""
    kinds: dict[str, list[Told]] = {}
    for name, words in told:
        kinds.setdefault(NUMBER.sub("#", words), []).append((name, words))
    return [*kinds.values()]


def ranged(every: Sequence[str]) -> str:
    """Return words that differ in their numbers alone, with the range of each: ``by ±13% to ±40%``."""
    numbers = iter(zip(*(NUMBER.findall(words) for words in every), strict=True))
    return NUMBER.sub(lambda _: _range(next(numbers)), every[0])


def _range(numbers: Sequence[str]) -> str:
    least, most = (choose(numbers, key=_value) for choose in (min, max))
    return least if least == most else f"{least} to {most}"


def _value(number: str) -> float:
    return float(number.lstrip("±").rstrip("%").replace(",", ""))


def in_ranges(every: Iterable[str]) -> str:
    """Return all that is said of one thing: what differs in its numbers alone once, with the range of each."""
    return "; ".join(ranged([words for _, words in kind]) for kind in alike(("", words) for words in every))
