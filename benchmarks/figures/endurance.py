"""Does LiteRT.js slow down as its page ages? ``python -m benchmarks.figures.endurance [--runs N] [--pages N]``.

It was seen once, after about a thousand inferences, and the suite renews the page because of it. Here one page runs
ResNet-20 at batch 1 thousands of times, without renewal, in turns with ``server-cpu``: what slows both down is the
machine, what slows down the page alone is the page. Prints for every 400 inferences p10 and median relative to the
first 400, and whether it was seen. A report: it ends with 0 either way.
"""

import argparse
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.inputs import case_of, fed
from benchmarks.measuring.ratio import p10
from benchmarks.measuring.reference import Question, ask
from benchmarks.measuring.sampler import Plan, warm_up
from benchmarks.platforms import PLATFORMS
from benchmarks.protocol import Session
from benchmarks.settings import Settings, positive
from models import manifest

MODEL, PLATFORM = "resnet20", "chromium-litert"
WINDOW, BLOCK = 400, 50  # inferences: of a printed line, and of one of the page's blocks
SLOWER = 1.25  # the page that was seen was 1.7 times slower; a step of 1.1 is compilation
LASTING = 2  # windows in a row
SETTINGS = Settings()
WARM_UP = Plan(min_rounds=1, max_time=2.0, warmup_rounds=100)


@dataclass(frozen=True)
class Window:
    """The samples of a page and of the reference that took turns, in seconds."""

    page: Sequence[float]
    reference: Sequence[float]


@dataclass(frozen=True)
class Course:
    """A window relative to the page's first one."""

    p10: float
    median: float
    reference_p10: float
    reference_median: float

    @property
    def slower(self) -> float:
        """How much slower the page is than the machine explains, by the figure that the machine disturbs least."""
        return self.p10 / self.reference_p10


def relative(windows: Sequence[Window]) -> list[Course]:
    """Return every window relative to the first."""

    def course(window: Window) -> Course:
        sides = [(window.page, windows[0].page), (window.reference, windows[0].reference)]
        figures = (p10, statistics.median)
        return Course(*(figure(now) / figure(first) for now, first in sides for figure in figures))

    return [course(window) for window in windows]


def seen(courses: Sequence[Course]) -> bool:
    """Whether the page became slower and stayed so for a while; it may well recover."""
    return lasting(courses) >= SLOWER


def lasting(courses: Sequence[Course]) -> float:
    """Return how many times slower the page was throughout its slowest LASTING windows in a row."""
    starts = range(max(1, len(courses) - LASTING + 1))
    return max(min(course.slower for course in courses[start : start + LASTING]) for start in starts)


def age(session: Session, reference: Session, question: Question, runs: int) -> Iterator[Window]:
    """Yield windows of one ageing page, its answers checked."""
    warm_up(session, question.feeds, WARM_UP)
    estimate = min(warm_up(reference, question.feeds, WARM_UP))
    for _ in range(runs // WINDOW):
        window = Window([], [])
        for _ in range(WINDOW // BLOCK):
            window = _draw_in_turns(session, reference, question, window, estimate)
        yield window


def _draw_in_turns(session: Session, reference: Session, question: Question, window: Window, estimate: float) -> Window:
    """Return *window* with a block more of each side; *estimate* is the seconds of an inference of the reference."""
    block = session.time(question.feeds, BLOCK)
    question.check(session.facts, block.outputs)
    # As long as the page's usual blocks, which are of about 0.1 s.
    reference_block = reference.time(question.feeds, max(BLOCK, round(0.1 / estimate)))
    return Window([*window.page, *block.seconds], [*window.reference, *reference_block.seconds])


def page(runs: int, question: Question) -> list[Course]:
    """Age one page and print its course."""
    case = case_of(manifest.load(MODEL))
    with PLATFORMS[PLATFORM].open(case, SETTINGS) as session, PLATFORMS["server-cpu"].open(case, SETTINGS) as reference:
        windows = [*age(session, reference, question, runs)]
    print(f"first {WINDOW}: p10 {p10(windows[0].page) * 1e3:.2f} ms, {session.facts.details['build']}")
    print("     until   p10  median | server-cpu  p10  median | page / server-cpu")
    for number, course in enumerate(courses := relative(windows), 1):
        page_words = f"{course.p10:5.2f}  {course.median:6.2f}"
        reference_words = f"{course.reference_p10:15.2f}  {course.reference_median:6.2f}"
        print(f"{number * WINDOW:10} {page_words} | {reference_words} | {course.slower:5.2f}", flush=True)
    return courses


def summary(pages: Sequence[Sequence[Course]]) -> str:
    """Say in how many pages it was seen, and how slow the slowest was."""
    count = sum(map(seen, pages))
    words = f"{count} of {len(pages)} pages were slower by {SLOWER} or more for {LASTING * WINDOW} inferences in a row"
    return f"{'seen' if count else 'not seen'}: {words}; the slowest by {max(map(lasting, pages)):.2f}"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=positive(int), default=5600, help="inferences in each page; default: 5600")
    parser.add_argument("--pages", type=positive(int), default=3, help="default: 3")
    options = parser.parse_args()
    if options.runs < (fewest := (1 + LASTING) * WINDOW):
        parser.error(f"--runs {options.runs}: fewer than {fewest} show no course")
    if reason := PLATFORMS[PLATFORM].unavailable(SETTINGS):
        parser.exit(1, f"{reason}\n")
    question = ask(manifest.load(MODEL), fed(manifest.load(MODEL).path, 1))
    print(summary([page(options.runs, question) for _ in range(options.pages)]))


if __name__ == "__main__":
    main()
