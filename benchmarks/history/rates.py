"""How often is the history wrong, and what does it see? ``python -m benchmarks.history.rates [--series N]``.

Simulates series whose runs scatter by 1 % (normal) and prints in how many of them a step or a changed sum is shown.
Ends with 1 where a flat series shows one in more than 1 %, or a creep or step is missed in more than 5 %. Where each
run resembles the one before, as on a machine that is slow for days, more is shown than is there: told, without a limit.
"""

import argparse
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

from benchmarks.history.changes import steps, total

NOISE = 0.01
Shape = Callable[[NDArray[np.float64]], NDArray[np.float64]]  # from the number of each run to its relative level
MOST_FALSE, LEAST_SEEN = 0.01, 0.95


@dataclass(frozen=True)
class Scenario:
    """A shape of series."""

    words: str
    runs: int
    level: Shape
    is_flat: bool = False
    resemblance: float = 0.0  # correlation of each run's noise with that of the run before

    def series(self, generator: np.random.Generator) -> list[float]:
        """Return a series with this shape and random noise."""
        noise = generator.standard_normal(self.runs)
        fresh = math.sqrt(1 - self.resemblance**2)
        for index in range(1, self.runs):
            noise[index] = self.resemblance * noise[index - 1] + fresh * noise[index]
        level = self.level(np.arange(self.runs, dtype=float))
        return [float(value) for value in level * np.exp(NOISE * noise)]

    def is_wrong(self, shown: float) -> bool:
        """Whether a change is *shown* too often or too rarely."""
        if self.is_flat:
            return not self.resemblance and shown > MOST_FALSE
        return shown < LEAST_SEEN


def _step(at: int, size: float) -> Shape:
    return lambda run: np.where(run >= at, 1 + size, 1.0)


def _creep(per_run: float) -> Shape:
    return lambda run: np.exp(math.log1p(per_run) * run)


def _flat(run: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ones_like(run)


SCENARIOS = (
    *(Scenario(f"flat, {runs} runs", runs, _flat, is_flat=True) for runs in (10, 20, 60, 200)),
    *(Scenario(f"flat, 60 runs, correlation {r}", 60, _flat, is_flat=True, resemblance=r) for r in (0.3, 0.5)),
    Scenario("step of 3 %, 40 runs before and 20 after", 60, _step(40, 0.03)),
    Scenario("step of 3 %, 54 runs before and 6 after", 60, _step(54, 0.03)),
    Scenario("creep of 1 % a week, nightly, 10 weeks", 70, _creep(1.01 ** (1 / 7) - 1)),
    Scenario("creep of 1 % a week, weekly, 10 weeks", 11, _creep(0.01)),
    Scenario("creep of 1 % a week, weekly, 20 weeks", 21, _creep(0.01)),
)


def rates(scenario: Scenario, series: int, seed: int = 0) -> tuple[float, float, float]:
    """Return the shares of *series* simulated ones that show a step, a changed sum, and either."""
    generator = np.random.default_rng(seed)
    shown = []
    for _ in range(series):
        values = scenario.series(generator)
        whole = total(values)
        shown.append((bool(steps(values)), whole is not None and whole.is_change))
    by_step, by_total = np.array(shown).T
    return float(by_step.mean()), float(by_total.mean()), float((by_step | by_total).mean())


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=500, metavar="N", help="of each shape; default: 500")
    series = parser.parse_args().series
    by_scenario = {scenario: rates(scenario, series) for scenario in SCENARIOS}
    rows = [[scenario.words, *(f"{rate:.1%}" for rate in shown)] for scenario, shown in by_scenario.items()]
    print(tabulate(rows, ["series", "a step", "the sum", "either"], stralign="right", colalign=("left",)))
    wrong = [scenario.words for scenario, (*_parts, either) in by_scenario.items() if scenario.is_wrong(either)]
    sys.exit(f"too often wrong: {'; '.join(wrong)}" if wrong else 0)


if __name__ == "__main__":
    main()
