"""Is a new frame a fresh start? ``python -m benchmarks.figures.frames [--browser NAME …] [--runtime NAME …]``.

A page of a browser that joined lies in a frame, and a start of a benchmark is a new frame, in the process of the one
before. Each round starts a browser, runs as many inferences in its first frame as any frame lives, and then the same in
a second one. Prints how many times as long an inference takes in the second (of 10th percentiles, in the middle of the
rounds, with its 95 % interval), and the first inference in each: how much of what was compiled the second finds there.
Ends with 1 where a second frame lies outside the limits.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tabulate import tabulate

from benchmarks.inputs import case_of, fed
from benchmarks.measuring.ratio import p10
from benchmarks.measuring.reference import Question, ask
from benchmarks.measuring.sampler import Plan, warm_up
from benchmarks.measuring.starts import FEWEST_STARTS, Figure, figure
from benchmarks.platforms import PLATFORMS
from benchmarks.platforms.joined_pages import JOINED
from benchmarks.platforms.litert_js import YOUNG
from benchmarks.platforms.page import PagePlatform
from benchmarks.protocol import Session, UnavailableError
from benchmarks.results.numbers import milliseconds
from benchmarks.settings import Settings, positive
from browser_harness.joined.found import ENGINES
from models import manifest

MODEL = "resnet20"
RUNTIMES = ("wasm", "tfjs", "litert")
LOW, HIGH = 0.97, 1.03
SETTINGS = Settings()
WARM_UP = Plan(min_rounds=1, max_time=2.0, warmup_rounds=200)
HEAD = ["browser", "runtime", "first frame, p10", "second / first", "first inference", "in the second"]


@dataclass(frozen=True)
class Frame:
    """What was seen in a frame, in seconds: its first inference, and the 10th percentile of what it lived."""

    first: float
    p10: float


def lived(session: Session, question: Question) -> Frame:
    """Run as many inferences in a frame as any lives, from its first on."""
    (first,) = session.time(question.feeds, 1).seconds
    warm = warm_up(session, question.feeds, WARM_UP)
    block = session.time(question.feeds, YOUNG - len(warm) - 1)
    question.check(session.facts, block.outputs)
    return Frame(first, p10(block.seconds))


def rounds(platform: PagePlatform, question: Question, count: int) -> Iterator[tuple[Frame, Frame]]:
    """Yield what was seen in the first and the second frame of *count* browsers."""
    for _ in range(count):
        with JOINED.open(platform, case_of(question.artefact), SETTINGS) as session:
            first = lived(session, question)
            session.renew()
            yield first, lived(session, question)


@dataclass(frozen=True)
class Row:
    """What came out for a runtime in a browser."""

    platform: str
    frames: Sequence[tuple[Frame, Frame]]

    @property
    def ratio(self) -> Figure:
        """How many times as long an inference takes in a second frame."""
        return figure([second.p10 / first.p10 for first, second in self.frames])

    @property
    def is_within(self) -> bool:
        """Whether an inference takes as long there."""
        return LOW <= self.ratio.value <= HIGH

    @property
    def cells(self) -> list[str]:
        """Its line of the table."""
        browser, _, runtime = self.platform.partition("-")
        firsts, seconds = zip(*self.frames, strict=True)
        middle = milliseconds(statistics.median(frame.p10 for frame in firsts))
        times = [milliseconds(statistics.median(frame.first for frame in frames)) for frames in (firsts, seconds)]
        outside = "" if self.is_within else ": **outside**"
        words = f"{self.ratio.value:.3f} ({self.ratio.low:.3f} to {self.ratio.high:.3f})"
        return [browser, runtime, middle, words + outside, *times]


def rows(options: argparse.Namespace) -> Iterator[Row]:
    """Yield a row for each runtime in each browser that is here; say of the others why not."""
    artefact = manifest.load(MODEL)
    question = ask(artefact, fed(artefact.path, 1), side="client")
    for name in (f"{browser}-{runtime}" for browser in options.browser for runtime in options.runtime):
        platform = PLATFORMS[name]
        assert isinstance(platform, PagePlatform)
        try:
            if reason := platform.unavailable(SETTINGS):
                raise UnavailableError(reason)
            row = Row(name, [*rounds(platform, question, options.rounds)])
        except UnavailableError as error:
            print(f"left out: {error}", flush=True)
            continue
        print("  ".join(row.cells), flush=True)
        yield row


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--browser", action="append", choices=ENGINES, help="repeatable; default: all")
    parser.add_argument("--runtime", action="append", choices=RUNTIMES, help="repeatable; default: all")
    parser.add_argument("--rounds", type=positive(int), default=7, help="browsers that are started; default: 7")
    options = parser.parse_args(words)
    if options.rounds < FEWEST_STARTS:
        parser.error(f"--rounds {options.rounds}: fewer than {FEWEST_STARTS} have no interval")
    options.browser, options.runtime = options.browser or ENGINES, options.runtime or RUNTIMES
    return options


def main() -> None:
    """Run the command line."""
    options = parsed()
    found = [*rows(options)]
    print(f"\n{MODEL}, batch 1, {options.rounds} browsers each; limits {LOW} to {HIGH}")
    print(tabulate([row.cells for row in found], HEAD, tablefmt="pipe", disable_numparse=True))
    if outside := [row.platform for row in found if not row.is_within]:
        sys.exit(f"outside the limits: {', '.join(outside)}")


if __name__ == "__main__":
    main()
