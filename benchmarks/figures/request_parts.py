"""A remote request on loopback told apart: ``python -m benchmarks.figures.request_parts [--model NAME]``.

A page asks the suite's own server for inferences, and nobody watches. Four blocks take turns, so that all see the same
state of the machine: whole requests; requests of the same bytes for which the same server does nothing; requests of
which the server's clock is read; what the page does without a request. From them come four parts, none of which is
measured as what the others leave over:

    page       encoding a request and decoding an answer
    stack      a request that nothing is done for, less its time in the server's application (as long as another's)
    framework  the time in the server's application, less the inference
    inference  by the server's own clock

Their sum is held against the whole, in the middle of fresh servers and browsers; ends with 1 where they differ by more
than 5 %. Beside them stands ``server-cpu`` in a process, in turns with them, where inference follows inference.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tabulate import tabulate

from benchmarks import remote
from benchmarks.figures import timed_server
from benchmarks.inputs import case_of, seeded_feeds
from benchmarks.measuring.parity import check_parity
from benchmarks.measuring.reference import reference, tolerance_of
from benchmarks.measuring.starts import figure
from benchmarks.platforms import PLATFORMS
from benchmarks.protocol import Feeds, Session
from benchmarks.remote import Served, embedded
from benchmarks.run.choices import NAMES
from benchmarks.settings import Settings, positive
from browser_harness import chromium, packages
from browser_harness.network import LINKS, LOOPBACK
from browser_harness.server import serving
from browser_harness.unwatched import UnwatchedPage, open_unwatched
from models import manifest
from models.manifest import Artefact

MARK = 0.05
PARTS = ("page", "stack", "framework", "inference")
WARM_UP = 200  # requests, after which the page's code and the server's allocator have settled
DRAWS = 100  # of sums of the parts
ROUNDS = 10  # in a block: other programs come and go within a second
FILES = {
    "/index.html": packages.HARNESS_DIR / "index.html",
    "/harness.mjs": Path(__file__).parent / "bare" / "request.mjs",
}
FLAGS = ("--disable-gpu",)


@dataclass
class Samples:
    """Milliseconds of each request of one start, by part; whole requests; inferences in a process."""

    parts: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in PARTS})
    whole: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)

    def medians(self, rounds: int = ROUNDS) -> "Medians":
        """Return the median of each, drawn in blocks of so many *rounds*."""
        parts = {name: statistics.median(values) for name, values in self.parts.items()}
        return Medians(parts, self._sum(rounds), statistics.median(self.whole), statistics.median(self.alone))

    def _sum(self, rounds: int) -> float:
        """Return the median of sums of a sample of each part, drawn from the same turn.

        Medians do not add up where now and then another program comes between: it seldom meets one part, and often one
        of four.
        """
        generator = np.random.default_rng(0)
        turns = [np.reshape(values, (-1, rounds)) for values in self.parts.values()]
        sums = [np.sum([generator.permuted(values, axis=1) for values in turns], axis=0) for _ in range(DRAWS)]
        return float(np.median(sums))


@dataclass(frozen=True)
class Medians:
    """Milliseconds, in the middle of a start's requests."""

    parts: Mapping[str, float]
    total: float  # of sums of the parts
    whole: float
    alone: float


class Asked:
    """A page and a server that are there, in blocks of some rounds."""

    def __init__(self, page: UnwatchedPage, artefact: Artefact, feeds: Feeds, served: Served, session: Session) -> None:
        self._page, self._artefact, self._feeds, self._session = page, artefact, feeds, session
        ((name, array),) = feeds.items()
        url = f"{served.origin}{served.path}"
        page.call(
            "open",
            {
                "url": url,
                "nothing": url.removesuffix("/infer") + timed_server.NOTHING,
                "told": served.origin + timed_server.TOLD,
                "input": name,
                "shape": [*array.shape],
                "values": array.ravel().tolist(),
            },
        )

    def check(self) -> None:
        """Raise ParityError where the page's answer is not the reference's."""
        expected = reference(self._artefact.path, self._feeds)
        answer = self._page.call("answer", {})
        outputs = {name: np.array(values, np.float32).reshape(expected[name].shape) for name, values in answer}
        check_parity("request-parts", outputs, expected, tolerance_of(self._artefact))

    def turn(self, rounds: int, samples: Samples) -> None:
        """Add a block of each kind."""
        samples.whole += self._block("whole", rounds)[0]
        done, told = self._block("nothing", rounds)
        samples.parts["stack"] += [whole - inside for whole, (inside, _) in zip(done, told, strict=True)]
        _, told = self._block("whole", rounds)
        samples.parts["framework"] += [inside - inference for inside, inference in told]
        samples.parts["inference"] += [inference for _, inference in told]
        samples.parts["page"] += self._block("page", rounds)[0]
        samples.alone += [seconds * 1e3 for seconds in self._session.time(self._feeds, rounds).seconds]

    def _block(self, kind: str, rounds: int) -> tuple[list[float], list[tuple[float, float]]]:
        """Return the page's milliseconds of each round, and what the server's clock said of it."""
        self._page.call("told", {})
        return self._page.call(kind, {"rounds": rounds}), self._page.call("told", {})


@contextmanager
def _timed_program() -> Iterator[None]:
    """Have the suite start its server with a clock, in place of the plain one."""
    plain, embedded.PROGRAM = embedded.PROGRAM, Path(timed_server.__file__)
    try:
        yield
    finally:
        embedded.PROGRAM = plain


@contextmanager
def asked(model: str, settings: Settings) -> Iterator[Asked]:
    """Have a fresh server for *model*, with a clock, a fresh browser with a page that asks it, and ``server-cpu``."""
    artefact = manifest.load(model, manifest.UNTRAINED) if model not in manifest.rows() else manifest.load(model)
    feeds, case = seeded_feeds(artefact.path, 1), case_of(artefact)
    with (
        _timed_program(),
        PLATFORMS["server-cpu"].open_fresh(case, settings) as session,
        LINKS.at(LOOPBACK) as link,
        remote.serving(artefact.path, 1, link, timeout=settings.timeout) as served,
        serving(FILES, allowed_origins=(served.origin,)) as server,
        open_unwatched(chromium.find(settings.browser_path), settings.timeout, FLAGS) as page,
    ):
        page.load(server.origin, server.allowed_origins)
        yield Asked(page, artefact, feeds, served, session)


def start(model: str, settings: Settings, turns: int) -> Medians:
    """Return what one server and one page take, in so many turns."""
    samples = Samples()
    with asked(model, settings) as both:
        both.check()
        both.turn(WARM_UP, Samples())
        for _ in range(turns):
            both.turn(ROUNDS, samples)
    return samples.medians()


def report(starts: Sequence[Medians]) -> tuple[str, bool]:
    """Return the table of the parts in the middle of the starts, and whether they sum to the whole."""
    parts = {name: figure([one.parts[name] for one in starts]).value for name in PARTS}
    total, whole = (figure(values).value for values in ([one.total for one in starts], [one.whole for one in starts]))
    ratio = figure([one.total / one.whole for one in starts])
    rows: list[tuple[str, str, str]] = [
        *((name, f"{value:.3f}", f"{value / whole:.1%}") for name, value in parts.items()),
        ("sum", f"{total:.3f}", f"{total / whole:.1%}"),
        ("whole", f"{whole:.3f}", ""),
        ("server-cpu in a process", f"{figure([one.alone for one in starts]).value:.3f}", ""),
    ]
    is_within = abs(ratio.value - 1) <= MARK
    interval = f" ({ratio.low - 1:+.1%} to {ratio.high - 1:+.1%})" if ratio.low and ratio.high else ""
    words = f"sum over whole, {len(starts)} starts: {ratio.value - 1:+.1%}{interval}; mark ±{MARK:.0%}: "
    table = tabulate(
        rows, ("part", "median ms", "of the whole"), disable_numparse=True, colalign=("left", *["right"] * 2)
    )
    return f"{table}\n{words}{'within' if is_within else 'outside'}", is_within


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=NAMES, default="resnet20", metavar="NAME", help="default: resnet20")
    parser.add_argument("--starts", type=positive(int), default=5, help="fresh servers and browsers; default: 5")
    parser.add_argument("--turns", type=positive(int), default=50, help=f"of {ROUNDS} requests each; default: 50")
    options = parser.parse_args()
    if reason := remote.unavailable():
        sys.exit(reason)
    starts = []
    for number in range(1, options.starts + 1):
        starts.append(one := start(options.model, Settings(), options.turns))
        print(f"start {number}: parts {one.total:.3f} ms, whole {one.whole:.3f} ms", flush=True)
    words, is_within = report(starts)
    print(words)
    sys.exit(not is_within)


if __name__ == "__main__":
    main()
