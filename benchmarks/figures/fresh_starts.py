"""What must be fresh to see the whole spread? ``python -m benchmarks.figures.fresh_starts [--platform NAME …]``.

A benchmark draws from several starts. What a start has to be is measured here. In browsers: how much do fresh browsers
differ, and new pages of one browser beyond what their blocks explain; is a later page of a browser faster or slower
than its first, and the same page loaded again in its process than a new one? On servers: the same of sessions that are
opened anew in one process, and of fresh processes. What differs no more than blocks do need not be fresh; what is
faster or slower is no start like the first. Then pages on a core of their own take turns with free ones: what does a
core do to the 10th percentile, and to the processor's seconds?

Everything is timed in turns with ``server-cpu``, in the ratio to which the machine's own moods are left out. Takes some
ten minutes. A report: it ends with 0 either way.
"""

import argparse
import math
import os
import random
import statistics
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tabulate import tabulate

from benchmarks.inputs import case_of, fed
from benchmarks.measuring.ratio import cpu_per_inference, p10
from benchmarks.measuring.reference import ask
from benchmarks.measuring.sampler import Plan, warm_up
from benchmarks.measuring.starts import Figure, figure
from benchmarks.platforms import DEFAULT_SWEEP, PLATFORMS
from benchmarks.platforms.page import PagePlatform
from benchmarks.platforms.page_runtime import PageCase
from benchmarks.platforms.page_session import DrivenSession
from benchmarks.protocol import Case, Feeds, Session
from benchmarks.settings import Settings, positive
from browser_harness import chromium
from browser_harness.driven import DrivenPage
from browser_harness.host import LocalHost
from browser_harness.page import open_browser
from models import MODELS, manifest

SETTINGS = Settings()
REFERENCE = "server-cpu"
WARM_UP = Plan(min_rounds=1, max_time=0.5, warmup_rounds=50)
BLOCKS, BLOCK_SECONDS = 6, 0.1
FEWEST = 2  # fewer do not differ


@dataclass(frozen=True)
class Start:
    """What was drawn from a page or process, in turns with the reference."""

    value: float  # the mean of the blocks' log ratios of 10th percentiles
    variance: float  # of that mean, as far as the blocks explain it
    p10: float = math.nan  # of all samples, in seconds
    cpu: float | None = None  # processor seconds an inference; None where the system does not tell

    @classmethod
    def of(cls, ratios: Sequence[float], tenth: float = math.nan, cpu: float | None = None) -> "Start":
        """Summarise the log ratios of the blocks."""
        return cls(statistics.fmean(ratios), statistics.variance(ratios) / len(ratios), tenth, cpu)


@dataclass(frozen=True)
class Bench:
    """What is timed: a case, its inputs, and the open reference."""

    case: Case
    feeds: Feeds
    reference: Session

    def draw(self, session: Session, core: int | None) -> Start:
        """Warm both sides up, and draw blocks in turns, on a core or on any."""
        sides = session, self.reference
        rounds = [max(1, round(BLOCK_SECONDS / min(warm_up(side, self.feeds, WARM_UP)))) for side in sides]
        with kept_on(core, sides):
            pairs = [
                [side.time(self.feeds, count) for side, count in zip(sides, rounds, strict=True)] for _ in range(BLOCKS)
            ]
        logs = [math.log(p10(ours.seconds) / p10(theirs.seconds)) for ours, theirs in pairs]
        blocks = [ours for ours, _theirs in pairs]
        tenth = p10([value for block in blocks for value in block.seconds])
        return Start.of(logs, tenth, cpu_per_inference(blocks))


@contextmanager
def kept_on(core: int | None, sessions: Iterable[Session]) -> Iterator[None]:
    """Keep *sessions* on a core, and let them go: what is opened next would inherit it, or be held up by it."""
    if core is None:
        yield
        return
    try:
        for session in sessions:
            session.keep_on(core)
        yield
    finally:
        for session in sessions:
            session.keep_on(None)


def draw_core() -> int | None:
    """Draw a core by lot; None where the system does not let choose one."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return random.choice(cores) if cores else None  # noqa: S311 (no secret)


def core_for(session: Session) -> int | None:
    """Draw a core for a session whose one thread is all that computes, as benchmarks do; None for any other."""
    return draw_core() if session.facts.threads == 1 else None


# Browsers, pages, and the same page again


class Reloading(DrivenPage):
    """A page that is loaded again in its own process when *again* is set, where a session asks for a new one."""

    again = False

    def load(self) -> None:
        """Load a new page, or the same again."""
        if self.again:
            self.reload()
        else:
            super().load()


@contextmanager
def browser(platform: PagePlatform, case: Case) -> Iterator[tuple[DrivenSession, Reloading]]:
    """Start a fresh browser for *case*; nothing is loaded yet."""
    page_case = PageCase(platform, case, SETTINGS)
    binary = chromium.find(SETTINGS.browser_path)
    with (
        page_case.explained(),
        page_case.serving() as server,
        open_browser(binary, SETTINGS.timeout, platform.flags) as page,
    ):
        channel = Reloading(page, server)
        yield DrivenSession(page_case, channel, LocalHost(page)), channel


Page = tuple[Start, Start]  # new, and loaded again


def pages(bench: Bench, platform: PagePlatform, count: int) -> list[Page]:
    """Draw from *count* new pages of one fresh browser, and from each again after it was loaded again."""
    found = []
    with browser(platform, bench.case) as (session, channel):
        for _ in range(count):
            channel.again = False
            new = _opened(bench, session)
            channel.again = True
            found.append((new, _opened(bench, session)))
    return found


def _opened(bench: Bench, session: DrivenSession) -> Start:
    session.open()
    return bench.draw(session, core_for(session))


@dataclass(frozen=True)
class Levels:
    """How much each level of a browser's starts adds: standard deviations of logs, and factors."""

    blocks: float  # what the blocks within a page explain
    pages: float  # of one browser, beyond that
    browsers: float  # beyond their pages
    later: Figure  # a later page of a browser over its first
    reloaded: Figure  # a page that was loaded again over the new one

    @classmethod
    def of(cls, browsers: Sequence[Sequence[Page]]) -> "Levels":
        """Split the variance of nested levels (S. R. Searle et al., "Variance Components", 1992, chapter 3)."""
        new = [[fresh for fresh, _again in found] for found in browsers]
        explained = statistics.fmean(start.variance for found in new for start in found)
        within = statistics.fmean(statistics.variance(_values(found)) for found in new)
        between = statistics.variance(statistics.fmean(_values(found)) for found in new)
        later = [statistics.fmean(_values(found[1:])) - found[0].value for found in new]
        reloaded = [again.value - fresh.value for found in browsers for fresh, again in found]
        return cls(
            blocks=_deviation(explained),
            pages=_deviation(within - explained),
            browsers=_deviation(between - within / len(new[0])),
            later=_factor(later),
            reloaded=_factor(reloaded),
        )

    def row(self, name: str) -> list[str]:
        """Return its line of the table."""
        spread = [f"{deviation:.1%}" for deviation in (self.browsers, self.pages, self.blocks)]
        return [name, *spread, words(self.later), words(self.reloaded)]


def _values(starts: Sequence[Start]) -> list[float]:
    return [start.value for start in starts]


def _deviation(variance: float) -> float:
    return math.sqrt(max(0.0, variance))


def _factor(logs: Sequence[float]) -> Figure:
    """Return the factor in the middle of *logs*, with its interval."""
    return figure([math.exp(log) for log in logs])


def words(factor: Figure) -> str:
    """Say a factor as a change, with its interval where it has one."""
    change = f"{factor.value - 1:+.1%}"
    if factor.low is None or factor.high is None:
        return change
    return f"{change} ({factor.low - 1:+.1%} to {factor.high - 1:+.1%})"


LEVELS_HEAD = ["platform", "SD of browsers", "of pages", "of blocks", "later page / first", "loaded again / new"]


# Processes, and sessions of one process


@dataclass(frozen=True)
class Processes:
    """How much sessions that are opened anew in one process differ, and how much fresh processes do."""

    same: float  # standard deviations of logs, beyond what blocks explain
    fresh: float
    factor: Figure  # a fresh process over a session in the old one

    @classmethod
    def of(cls, same: Sequence[Start], fresh: Sequence[Start]) -> "Processes":
        """Summarise neighbouring starts of both kinds."""
        ratios = [new.value - old.value for old, new in zip(same, fresh, strict=True)]
        return cls(_beyond_blocks(same), _beyond_blocks(fresh), _factor(ratios))

    def row(self, name: str) -> list[str]:
        """Return its line of the table."""
        return [name, f"{self.same:.1%}", f"{self.fresh:.1%}", words(self.factor)]


def _beyond_blocks(starts: Sequence[Start]) -> float:
    explained = statistics.fmean(start.variance for start in starts)
    return _deviation(statistics.variance(_values(starts)) - explained)


def processes(bench: Bench, name: str, count: int) -> Processes:
    """Draw from *count* sessions that are opened in this process, each beside one in a fresh process."""
    same, fresh = [], []
    with PLATFORMS[name].open_fresh(bench.case, SETTINGS) as afresh:
        for number in range(count):
            with PLATFORMS[name].open(bench.case, SETTINGS) as session:
                same.append(bench.draw(session, core_for(session)))
            if number:
                afresh.renew()
            fresh.append(bench.draw(afresh, core_for(afresh)))
    return Processes.of(same, fresh)


PROCESSES_HEAD = ["platform", "SD of sessions in one process", "of fresh processes", "fresh process / old one"]


# A core of their own


@dataclass(frozen=True)
class Pinned:
    """Starts on a core over free ones."""

    p10: Figure
    cpu: Figure | None  # None where the system does not tell

    @classmethod
    def of(cls, pairs: Sequence[tuple[Start, Start]]) -> "Pinned":
        """Summarise pairs of a start on a core and a free one."""
        told = [(on_core.cpu, free.cpu) for on_core, free in pairs if on_core.cpu and free.cpu]
        cpu = figure([ours / theirs for ours, theirs in told]) if len(told) == len(pairs) else None
        return cls(figure([on_core.p10 / free.p10 for on_core, free in pairs]), cpu)

    def row(self, name: str) -> list[str]:
        """Return its line of the table."""
        return [name, words(self.p10), words(self.cpu) if self.cpu else "–"]


def pinned(bench: Bench, name: str, count: int) -> Pinned:
    """Draw from *count* pairs of fresh starts, one on a core and one free; each pair begins with the other."""
    pairs = []
    with PLATFORMS[name].open_fresh(bench.case, SETTINGS) as session:
        for number in range(count):
            found: dict[bool, Start] = {}
            for on_core in (number % 2 == 0, number % 2 == 1):
                if number or found:
                    session.renew()
                found[on_core] = bench.draw(session, draw_core() if on_core else None)
            pairs.append((found[True], found[False]))
    return Pinned.of(pairs)


PINNED_HEAD = ["platform", "p10, on a core / free", "processor seconds, on a core / free"]


# The command line


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table, and a line between it and the next."""
    if rows:
        print(tabulate(rows, head, tablefmt="github", disable_numparse=True), end="\n\n", flush=True)


def measure(bench: Bench, names: Sequence[str], options: argparse.Namespace) -> None:
    """Measure everything of the platforms, and print each table as it is ready."""
    rows = []
    for name in names:
        if isinstance(platform := PLATFORMS[name], PagePlatform):
            found = [pages(bench, platform, options.pages) for _ in range(options.browsers)]
            rows.append(Levels.of(found).row(name))
    print_table(LEVELS_HEAD, rows)
    on_servers = [name for name in names if PLATFORMS[name].side == "server"]
    print_table(PROCESSES_HEAD, [processes(bench, name, options.sessions).row(name) for name in on_servers])
    if draw_core() is not None:
        print_table(PINNED_HEAD, [pinned(bench, name, options.pairs).row(name) for name in names])


def available(names: Sequence[str]) -> list[str]:
    """Return the platforms that this machine has; say why not of the others."""
    reasons = {name: PLATFORMS[name].unavailable(SETTINGS) for name in names}
    for reason in filter(None, reasons.values()):
        print(f"left out: {reason}", flush=True)
    return [name for name, reason in reasons.items() if not reason]


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    several = "default: the default sweep; may be repeated"
    parser.add_argument("--platform", action="append", choices=[*PLATFORMS], metavar="NAME", help=several)
    parser.add_argument("--model", choices=[*MODELS], default="resnet14", metavar="NAME", help="default: %(default)s")
    counts = {
        "browsers": (6, "fresh ones of each client"),
        "pages": (3, "new ones of each browser"),
        "sessions": (12, "in this process and in fresh ones, of each server"),
        "pairs": (8, "of a start on a core and a free one"),
    }
    for name, (default, what) in counts.items():
        parser.add_argument(f"--{name}", type=positive(int), default=default, help=f"{what}; default: {default}")
    options = parser.parse_args()
    for name in counts:
        if (count := getattr(options, name)) < FEWEST:
            parser.error(f"--{name} {count}: fewer than {FEWEST} do not differ")
    return options


def main() -> None:
    """Run the command line."""
    options = parsed()
    case = case_of(manifest.load(options.model))
    with PLATFORMS[REFERENCE].open(case, SETTINGS) as reference:
        bench = Bench(case, ask(case.artefact, fed(case.artefact.path, 1)).feeds, reference)
        measure(bench, available(options.platform or DEFAULT_SWEEP), options)


if __name__ == "__main__":
    main()
