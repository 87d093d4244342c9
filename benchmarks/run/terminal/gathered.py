"""What is told of many benchmarks in one line: the words that they share, with the range of the numbers in them."""

import re
from collections.abc import Callable, Iterable, Sequence

from benchmarks.results.saved import Result

NUMBER = re.compile(r"(?<![\w/.])[±+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?%?(?![\w/])")
MOST_NAMES = 3
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


def listed(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """Return names, the first of many: ``a, b, c … and 12 more``."""
    beyond = len(names) - most
    return ", ".join(names) if beyond <= 1 else f"{', '.join(names[:most])} … and {beyond} more"


def line(kind: str, told: Sequence[Told], number: int) -> str:
    """Return a line of those of whom the same is said: ``unstable 18 of 30: … (resnet20-chromium-wasm-b1, …)``."""
    names, words = zip(*told, strict=True)
    return f"{kind.ljust(9)}{len(told)} of {number}: {ranged(words)} ({listed(names)})"


def caller(results: Sequence[Result]) -> Callable[[Result], str]:
    """Return what calls a benchmark as briefly as it can be told among *results*: by its phase where that differs."""
    phases = {result.name.partition("[")[0] for result in results}

    def case(result: Result) -> str:
        inside = result.name.partition("[")[2]
        return inside.removesuffix("]") if inside and len(phases) == 1 else result.name.removeprefix("test_")

    return case
