"""Does the suite measure what a bare loop measures? ``python -m benchmarks.figures.fidelity``.

For each platform, ResNet-20 at batch 1 is timed by the suite's own session and sampler and by a loop that shares no
code with it, in blocks that take turns, so that both see the same state of the machine. Each turn opens both anew.
Prints the ratio of the two medians and of the two 10th percentiles; ends with 1 where one lies outside the limits.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.inputs import seeded_feeds
from benchmarks.platforms import PLATFORMS
from benchmarks.replay import percentile
from benchmarks.sampler import Plan, draw, warm_up
from benchmarks.settings import Settings, positive
from browser_harness import chromium
from models import manifest

LOW, HIGH = 0.98, 1.02
FEWEST_TURNS = 7
HERE = Path(__file__).parent
ROOT = HERE.parents[1]


class BareLoop:
    """A running bare loop, asked for samples over its pipes."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def time(self, rounds: int) -> list[float]:
        """Return *rounds* samples in seconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{rounds}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the bare loop ended; its own message stands above")
        samples: list[float] = json.loads(answer)
        return samples


def bare_native(model: Path) -> tuple[list[str], dict[str, str]]:
    """Return command and environment of the plain loop in Python."""
    return ["bare_native.py", str(model)], {}


def bare_page(model: Path) -> tuple[list[str], dict[str, str]]:
    """Return command and environment of the plain page."""
    browser = chromium.find()
    return ["bare_page.py", str(browser.path), str(model.relative_to(ROOT))], browser.environment


# Every platform has a counterpart of its own; one without is not compared with another's.
BARE = {"server-cpu": bare_native, "chromium-wasm": bare_page}


@contextmanager
def bare_loop(platform: str, model: Path) -> Iterator[BareLoop]:
    """Start the bare loop that is the platform's counterpart."""
    command, environment = BARE[platform](model)
    with subprocess.Popen(
        [sys.executable, HERE / command[0], *command[1:]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    ) as process:
        yield BareLoop(process)


def turn(platform: str, model: Path, seconds: float) -> dict[str, float]:
    """Time both sides for *seconds* each, block by block; return suite over bare."""
    feeds, plan = seeded_feeds(model, 1), Plan(min_rounds=20, max_time=seconds, warmup_rounds=50)
    with PLATFORMS[platform].open(model, Settings()) as session, bare_loop(platform, model) as bare:
        estimate = min(warm_up(session, feeds, plan))
        bare.time(plan.warmup_rounds)
        suite_samples: list[float] = []
        bare_samples: list[float] = []
        for block in draw(session, feeds, plan, estimate):
            suite_samples += block.seconds
            bare_samples += bare.time(len(block.seconds))
    suite, plain = sorted(suite_samples), sorted(bare_samples)
    return {
        "median": statistics.median(suite) / statistics.median(plain),
        "p10": percentile(suite, 10) / percentile(plain, 10),
    }


def compare(platform: str, model: Path, turns: int, seconds: float) -> bool:
    """Print every turn and their median; whether that lies within the limits."""
    ratios = []
    for number in range(turns):
        ratios.append(turn(platform, model, seconds))
        print(
            f"{platform:14} turn {number + 1}: median {ratios[-1]['median']:.4f}  p10 {ratios[-1]['p10']:.4f}",
            flush=True,
        )
    within = True
    for name in ("median", "p10"):
        values = sorted(ratio[name] for ratio in ratios)
        middle = statistics.median(values)
        within &= LOW <= middle <= HIGH
        print(
            f"{platform:14} suite / bare, {name:6} {middle:.4f}  ({values[0]:.4f} to {values[-1]:.4f}, {turns} turns)"
        )
    return within


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=positive(int), default=9, help=f"at least {FEWEST_TURNS}; default: 9")
    parser.add_argument("--seconds", type=positive(float), default=2.0, help="timed on each side in a turn")
    options = parser.parse_args()
    if options.turns < FEWEST_TURNS:
        parser.error(f"--turns {options.turns}: a median of fewer than {FEWEST_TURNS} says too little")
    for platform in PLATFORMS.values():
        if reason := platform.unavailable(Settings()):
            sys.exit(reason)
    model = manifest.load("resnet20").path
    within = [compare(platform, model, options.turns, options.seconds) for platform in PLATFORMS]
    sys.exit(0 if all(within) else f"outside {LOW} to {HIGH}")


if __name__ == "__main__":
    main()
