"""Is a first load what its bytes, round trips and compiling make of it? ``python -m benchmarks.figures.first_load``.

Opens a model with cold caches on each runtime, without a network, and predicts from what that page saw how long it
takes over each network: ``formulas.first_load``. Then opens it through the link. Prints a line as each is measured: the
median, and by how much the prediction is off. Ends with 1 where that is more than 10 %.

All are runs of the suite's own command, and kept: stop it at any time, the next call goes on.
"""

import argparse
import re
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tabulate import tabulate

from benchmarks import platforms
from benchmarks.decide import formulas
from benchmarks.decide.measured import waterfall
from benchmarks.figures import kept
from benchmarks.results import Result, keys
from benchmarks.run import choices
from browser_harness.network import LOOPBACK, Conditions, parse

PLATFORMS = ("chromium-wasm", "chromium-tfjs", "chromium-litert", "chromium-webnn")
NETWORKS = ("lighthouse-slow-4g", "p75-2026", "cable")
MARK = 0.1  # of what is measured
NEARBY_OPENINGS = 5  # without a network
UNFIT = re.compile(r"[^\w.,=@-]+")  # for the name of a file
OPENINGS, PATIENCE = 3, 40.0  # over a network, and the seconds that they may take together; one is made anyway


@dataclass(frozen=True)
class Row:
    """A runtime over a network; seconds."""

    platform: str
    network: str
    predicted: float
    openings: Sequence[float]  # measured
    parts: Mapping[str, float]  # of the opening in the middle

    @property
    def measured(self) -> float:
        """The median."""
        return median(self.openings)

    @property
    def off(self) -> float:
        """By how much the prediction is off, as a share of what was measured."""
        return self.predicted / self.measured - 1

    @property
    def within(self) -> bool:
        """Whether that is within the mark."""
        return abs(self.off) <= MARK

    def cells(self) -> list[str]:
        """Return its line of the table."""
        spread = f"{len(self.openings)}: {min(self.openings):.2f} to {max(self.openings):.2f}"
        parts = ", ".join(f"{name} {seconds:.2f}" for name, seconds in self.parts.items())
        return [
            *(self.platform, self.network, f"{self.predicted:.2f}", f"{self.measured:.2f}", spread),
            *(f"{self.off:+.1%}", "yes" if self.within else "NO", parts),
        ]

    def __str__(self) -> str:
        """Say it as it is measured."""
        words = f"{self.platform} over {self.network}: predicted {self.predicted:.2f} s, measured"
        return f"{words} {self.measured:.2f} s, {self.off:+.1%}{'' if self.within else ': missed'}"


HEAD = ("runtime", "network", "predicted, s", "measured, s", "openings", "off", f"within {MARK:.0%}", "parts, s")


@dataclass(frozen=True)
class Alone:
    """A load without a network, and what its page saw of it."""

    load: float
    requests: Sequence[formulas.Request]

    @classmethod
    def of(cls, result: Result) -> "Alone":
        """Read it from a saved result, of the opening whose load is the median. Raises KeptError without requests."""
        if not (requests := waterfall(result)):
            raise kept.KeptError(f"{result.name}: it does not tell its requests, of which a load is predicted")
        return cls(sum(result.info[keys.DETAILS][keys.LOAD_PARTS].values()), requests)

    def over(self, network: Conditions) -> float:
        """Return how long it takes over a network, predicted."""
        return formulas.first_load(self.requests, self.load, network.round_trip, network.down, network.up)


def rows(options: argparse.Namespace, words: Sequence[str]) -> Iterator[Row]:
    """Measure what is not kept, and yield every row as it is known."""
    for platform in options.platform or PLATFORMS:
        alone = Alone.of(load_of(options, platform, LOOPBACK.name, NEARBY_OPENINGS, words))
        for network in options.network or NETWORKS:
            predicted = alone.over(parse(network))
            openings = max(1, min(OPENINGS, int(PATIENCE / predicted)))
            result = load_of(options, platform, network, openings, words)
            yield Row(platform, network, predicted, result.samples, result.info[keys.DETAILS][keys.LOAD_PARTS])


def load_of(options: argparse.Namespace, platform: str, network: str, openings: int, words: Sequence[str]) -> Result:
    """Return the cold loads of a runtime over a network, measured now or earlier by the same code; else KeptError.

    What the suite was told beside that is in the name of what is kept: with other *words* it is another load.
    """
    name = UNFIT.sub("_", "-".join([options.model, platform, network, *words]))
    file = Path(options.keep) / f"{name}.json"
    if file.exists():
        run = kept.read(file)
        kept.check_continued(run)
    else:
        what = ("-m", "load", "-k", "cold", "--model", options.model, "--platform", platform)
        run = kept.measure(file, [*what, "--network", network, f"--benchmark-min-rounds={openings}", *words])
    if len(results := [*run.by_name.values()]) != 1:
        several = f"{len(results)} loads of {platform}, and one is held against a prediction"
        raise kept.KeptError(f"{several}: leave out what asks for several, of {' '.join(words)}")
    return results[0]


def asked(network: str) -> str:
    """Return a network as it was asked for; argparse's own error where there is none."""
    choices.network(network)
    return network


def main() -> None:
    """Run the command line; a kill ends the run as well, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="resnet20", help="default: %(default)s")
    pages = [name for name, platform in platforms.PLATFORMS.items() if platform.side == "client"]
    words = f"repeatable; default: {', '.join(PLATFORMS)}"
    parser.add_argument("--platform", action="append", choices=pages, metavar="NAME", help=words)
    words = f"as the suite has them, repeatable; default: {', '.join(NETWORKS)}"
    parser.add_argument("--network", action="append", type=asked, help=words)
    kept.keep_option(parser, "first-load")
    own, suites = kept.command_line()
    options, found = parser.parse_args(own), list[Row]()
    try:
        for row in rows(options, suites):
            found.append(row)
            print(row, flush=True)
    except KeyboardInterrupt:
        sys.exit(f"stopped after {len(found)} rows; the next call goes on")
    except kept.KeptError as error:
        sys.exit(str(error))
    print(tabulate([row.cells() for row in found], HEAD, tablefmt="github", disable_numparse=True))
    missed = sum(not row.within for row in found)
    sys.exit(f"{missed} of {len(found)} first loads are off by more than {MARK:.0%}" if missed else 0)


if __name__ == "__main__":
    main()
