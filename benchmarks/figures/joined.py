"""Does it matter who brought the page? ``python -m benchmarks.figures.joined [--platform NAME …] [--model NAME …]``.

The same Chromium is there three times, with the same flags: Playwright drives two, and one has opened the link and
joined, and nobody drives it. A page of each has the same case open. They draw their blocks in turns, each turn in an
order of its own by lot, on one core, from several fresh pages. Prints how many times as long an inference takes in the
page that joined as in a driven one (of 10th percentiles, in the middle of the starts, with its 95 % interval), and the
same of the other driven one: so much do two browsers differ that differ in nothing. Ends with 1 where a page that
joined lies outside the limits, or a runtime failed.
"""

import argparse
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial

from tabulate import tabulate

from benchmarks.inputs import case_of, fed
from benchmarks.measuring.held import Held
from benchmarks.measuring.parity import ParityError
from benchmarks.measuring.ratio import Ratio, paired
from benchmarks.measuring.reference import Question, ask
from benchmarks.measuring.sampler import Plan, SampleError, Side, check_whole
from benchmarks.measuring.starts import FEWEST_STARTS
from benchmarks.platforms import PLATFORMS
from benchmarks.platforms.joined_pages import RETURNING
from benchmarks.platforms.joined_session import JoinedSession, Patience
from benchmarks.platforms.page import PagePlatform
from benchmarks.platforms.page_runtime import JoinedCase, PageCase
from benchmarks.platforms.page_session import DrivenSession
from benchmarks.protocol import Block, PlatformError, Session, UnavailableError
from benchmarks.results.numbers import milliseconds
from benchmarks.run.measure import Drawn, draw_core, kept_on
from benchmarks.settings import Settings, positive
from browser_harness import chromium
from browser_harness.browser_page import BrowserPage
from browser_harness.channel import PageError
from browser_harness.driven import DrivenPage
from browser_harness.host import LocalHost
from browser_harness.joined import AnyDevice, JoinedPage
from browser_harness.joined.browsers import Started
from browser_harness.joined.here import joined_here
from browser_harness.page import open_browser
from browser_harness.processes import command_line
from models import MODELS, manifest

SETTINGS = Settings()
RUNTIMES = ("chromium-wasm", "chromium-tfjs", "chromium-litert")
NETWORKS = ("resnet8", "resnet14", "resnet20")
LOW, HIGH = 0.97, 1.03
WARM_UP = 100  # inferences of a start, at most
DRIVEN, JOINED, AGAIN = "driven", "joined", "driven again"
# What a browser has for its driver alone; the rest of its words are the flags of all three.
DRIVERS = ("--headless", "--remote-debugging-pipe", "--user-data-dir=")
FLAGS = ("--disable-gpu",)
HEAD = ["model", "runtime", "driven, p10", "joined, p10", "joined / driven", "driven / driven"]


@dataclass(frozen=True)
class Browsers:
    """The same browser three times."""

    driven: BrowserPage
    again: BrowserPage
    device: AnyDevice
    joined: Started


@contextmanager
def browsers(*, has_flags: bool = True) -> Iterator[Browsers]:
    """Start all three; the one that joins with the flags of those that are driven, unless it is to have none."""
    found = chromium.find(SETTINGS.browser_path)
    with ExitStack() as stack:
        driven, again = (stack.enter_context(open_browser(found, SETTINGS.timeout, FLAGS)) for _ in range(2))
        flags = flags_of(driven) if has_flags else ()
        device, joined = stack.enter_context(joined_here("chromium", SETTINGS.browser_path, flags))
        yield Browsers(driven, again, device, joined)


def flags_of(page: BrowserPage) -> list[str]:
    """Return the flags of a page's browser, Playwright's own among them, but for those that a driver needs."""
    (browser,) = page.processes()["browser"]
    return [word for word in command_line(browser)[1:] if word.startswith("--") and not word.startswith(DRIVERS)]


@contextmanager
def opened(there: Browsers, name: str, question: Question) -> Iterator[Mapping[str, DrivenSession]]:
    """Have the case open in a page of each browser."""
    platform, case = PLATFORMS[name], case_of(question.artefact)
    assert isinstance(platform, PagePlatform)
    in_driven, in_joined = PageCase(platform, case, SETTINGS), JoinedCase(platform, case, SETTINGS)
    with in_driven.explained(), ExitStack() as stack:
        sessions = {
            side: DrivenSession(in_driven, DrivenPage(page, stack.enter_context(in_driven.serving())), LocalHost(page))
            for side, page in ((DRIVEN, there.driven), (AGAIN, there.again))
        }
        made_of = in_joined.files, platform.script_sources, platform.imports
        channel = JoinedPage(there.device, *made_of, SETTINGS.timeout)
        sessions[JOINED] = JoinedSession(in_joined, channel, LocalHost(there.joined), Patience(RETURNING))
        for session in sessions.values():
            session.open()
        yield sessions
        channel.close()


Blocks = Mapping[str, list[Block]]  # by side


def draw(sessions: Mapping[str, Session], question: Question, plan: Plan) -> Blocks:
    """Draw from as many fresh pages of each as *plan* has starts, block by block in turns."""
    sides = {
        name: Side(Held(one, partial(question.check, one.facts)), question.feeds) for name, one in sessions.items()
    }
    found, drawn = {name: list[Block]() for name in sides}, Drawn()
    while len(drawn.cores) < plan.starts:
        for session in sessions.values() if drawn.cores else ():
            session.renew()
        turn = Turn.of([*sides.values()], plan)
        plan = plan if drawn.cores else turn.within_lifetimes(plan)
        with kept_on(draw_core([*sessions.values()]), [*sessions.values()], drawn):
            for name in turn.orders([*sides], plan):
                found[name].append(replace(sides[name].draw(turn.rounds), start=len(drawn.cores) - 1))
    for name, session in sessions.items():
        check_whole(found[name], session.facts)
    return found


@dataclass(frozen=True)
class Turn:
    """A block of every side, as long on each: of so many samples, which are of as many inferences."""

    sides: Sequence[Side]
    estimate: float  # seconds of an inference
    rounds: int

    @classmethod
    def of(cls, sides: Sequence[Side], plan: Plan) -> "Turn":
        """Warm all *sides* up."""
        warm = [side.warm_up(plan) for side in sides]
        iterations = max(side.iterations for side in sides)
        for side in sides:
            side.iterations = iterations
        estimate = min(side.estimate(one) for side, one in zip(sides, warm, strict=True))
        length = min(plan.block_seconds, plan.of_a_start.max_time)
        return cls(sides, estimate, max(1, round(length / (estimate * iterations))))

    def within_lifetimes(self, plan: Plan) -> Plan:
        """Return *plan* with so many starts more that no page outlives what it may."""
        return plan.for_sessions([side.session.facts for side in self.sides], self.estimate, self.sides[0].iterations)

    def orders(self, names: Sequence[str], plan: Plan) -> Iterator[str]:
        """Yield whose block is next, for all turns of a start."""
        length = self.rounds * self.sides[0].iterations * self.estimate
        for _ in range(max(1, round(plan.of_a_start.max_time / length))):
            yield from random.sample(names, len(names))


@dataclass(frozen=True)
class Row:
    """What came out for a model and a runtime."""

    model: str
    platform: str
    joined: Ratio
    floor: Ratio

    @classmethod
    def of(cls, model: str, platform: str, blocks: Blocks) -> "Row":
        """Hold both of the other sides against a driven one."""
        joined, floor = (paired([*zip(blocks[side], blocks[DRIVEN], strict=True)]) for side in (JOINED, AGAIN))
        return cls(model, platform, joined, floor)

    @property
    def is_within(self) -> bool:
        """Whether an inference in the page that joined takes as long as in a driven one."""
        return LOW <= self.joined.value <= HIGH

    @property
    def cells(self) -> list[str]:
        """Its line of the table."""
        times = [milliseconds(seconds) for seconds in (self.joined.theirs, self.joined.ours)]
        outside = "" if self.is_within else ": **outside**"
        return [self.model, f"`{self.platform}`", *times, f"{_words(self.joined)}{outside}", _words(self.floor)]


def _words(ratio: Ratio) -> str:
    return f"{ratio.value:.3f} ({ratio.low:.3f} to {ratio.high:.3f})"


def rows(options: argparse.Namespace, failures: list[str]) -> Iterator[Row]:
    """Yield a row for each model and runtime; say why of those that there are none of."""
    plan = Plan(1, options.seconds * options.starts, WARM_UP, starts=options.starts)
    with browsers(has_flags=not options.no_flags) as there:
        for model in options.model or NETWORKS:
            artefact = manifest.load(model)
            question = ask(artefact, fed(artefact.path, 1), side="client")
            for name in options.platform or RUNTIMES:
                try:
                    with opened(there, name, question) as sessions:
                        row = Row.of(model, name, draw(sessions, question, plan))
                except (UnavailableError, PlatformError, ParityError, SampleError) as error:
                    print(f"failed: {error}", flush=True)
                    failures.append(f"{model} on {name}")
                    continue
                print("  ".join(row.cells), flush=True)
                yield row


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", choices=[*MODELS], metavar="NAME", help="repeatable; default: all")
    parser.add_argument(
        "--platform", action="append", choices=RUNTIMES, metavar="NAME", help="repeatable; default: all"
    )
    parser.add_argument("--starts", type=positive(int), default=15, help="of each side; default: %(default)s")
    words = "timed on each side in a start; default: %(default)s"
    parser.add_argument("--seconds", type=positive(float), default=0.5, help=words)
    words = "have none of the driver's flags in the browser that joins, as a person's has none"
    parser.add_argument("--no-flags", action="store_true", help=words)
    options = parser.parse_args()
    if options.starts < FEWEST_STARTS:
        parser.error(f"--starts {options.starts}: fewer than {FEWEST_STARTS} have no interval")
    return options


def main() -> None:
    """Run the command line."""
    options, failures = parsed(), list[str]()
    try:
        found = [*rows(options, failures)]
    except (chromium.BrowserMissingError, PageError) as error:
        sys.exit(f"joined: {error}")
    print(f"\nbatch 1, {options.starts} starts of each side, in turns; limits {LOW} to {HIGH}")
    print(tabulate([row.cells for row in found], HEAD, tablefmt="pipe", disable_numparse=True))
    failures += [f"{row.model} on {row.platform}" for row in found if not row.is_within]
    sys.exit(f"outside the limits, or failed: {', '.join(failures)}" if failures else 0)


if __name__ == "__main__":
    main()
