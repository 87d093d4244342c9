"""Lines of many benchmarks, and what each is called there."""

from collections.abc import Callable, Sequence

from benchmarks.results.gathered import Told, ranged
from benchmarks.results.saved import Result

MOST_NAMES = 3


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
