"""Does another run give the figure again? ``python -m benchmarks.figures.repeat [--sweeps N] [-- OPTIONS]``.

Makes sweeps of a few benchmarks, each a run of the real command, keeps them, and counts how many of their 95 %
intervals hold the figure of all: the figure of the sweeps' figures, as ``starts.figure`` makes it of anything that was
drawn several times. It is what a reader would find by measuring again and again. A figure of all the starts in one heap
would forget that those of a sweep saw the same hour of the machine, and trim whole sweeps as odd starts. Ends with 1
where a statistic's intervals hold it less often than wanted, or where a ratio of ``chromium-wasm`` to ``server-cpu`` is
further from the median of the first five sweeps than the limit.

Stop it at any time: the next call goes on. Behind ``--``, the suite's own options choose what is measured instead.
"""

import argparse
import math
import signal
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tabulate import tabulate

from benchmarks.figures import kept
from benchmarks.figures.resampled import two_stages
from benchmarks.measuring.ratio import STATISTICS
from benchmarks.measuring.starts import Figure, figure
from benchmarks.results import Result, Run, keys
from benchmarks.results.saved import short
from benchmarks.run.choices import BASE
from benchmarks.settings import positive

WANTED = 0.9  # of the intervals, which say 95 %
LIMIT, FIRST = 0.03, 5  # of the ratios of so many sweeps
LIMITED = "chromium-wasm"
FEWEST_SWEEPS = 3
PARTNER = BASE.label.replace("-", "_")
PLATFORMS = (BASE.label, "chromium-wasm", "chromium-tfjs", "chromium-litert", "chromium-webnn")
# Seven benchmarks, one of another model on two of the platforms; some 45 s.
DEFAULT = (
    *("-m", "latency", "--batch-size", "1", "--model", "resnet20", "--model", "resnet14"),
    *(word for name in PLATFORMS for word in ("--platform", name)),
    *("-k", f"resnet20 or {BASE.label} or {LIMITED}"),
)
SAMPLED = ("median", "p10")  # what has an interval beside the ratio
ORDER = ("ratio", *SAMPLED)


def figures(result: Result) -> dict[str, Figure]:
    """Return what a benchmark tells with an interval: its ratio, median and 10th percentile."""
    found = {name: result.figure(name) for name in SAMPLED}
    if (ratio := result.ratios.get(PARTNER)) is None:
        return found
    return {"ratio": Figure(ratio.value, len(result.starts), ratio.low, ratio.high, ratio.confidence), **found}


def resampled(result: Result) -> dict[str, Figure]:
    """Return the same as a bootstrap in two stages tells it; nothing of a run that kept too little for it."""
    if min(map(len, result.starts), default=0) < 1 or not result.samples:
        return {}
    found = {name: two_stages(result.starts, STATISTICS[name]) for name in SAMPLED}
    if not (ratios := block_ratios(result)):
        return found
    # A partner's samples are not kept, only its blocks' statistics: the ratio is of neighbouring blocks.
    return {"ratio": two_stages(ratios, lambda values: math.exp(float(np.log(values).mean()))), **found}


def block_ratios(result: Result) -> list[list[list[float]]]:
    """Return for every start the ratio of each block to the partner's that followed; none without a partner."""
    partners = result.info.get(keys.PARTNER, [])
    both = zip(result.starts, partners, strict=True) if partners else ()
    return [[[_of_blocks(result, *pair)] for pair in zip(*start, strict=True)] for start in both]


def _of_blocks(result: Result, ours: Sequence[float], theirs: Mapping[str, float]) -> float:
    return STATISTICS[result.statistic](np.array(ours)) / theirs[result.statistic]


@dataclass(frozen=True)
class Coverage:
    """How often the intervals of a benchmark's statistic hold the figure of all sweeps."""

    benchmark: str
    statistic: str
    of_all: float
    held: Sequence[bool]  # of each sweep
    half_width: float  # relative, the mean; NaN where there are no intervals
    deviation: float  # the largest, of a sweep from the figure of all
    resampled: Sequence[bool]  # what a bootstrap's intervals would have held


def holds(sweeps: Sequence[Figure]) -> list[bool]:
    """Return for each sweep whether its interval holds the figure of all; one without an interval holds nothing."""
    middle = figure([sweep.value for sweep in sweeps]).value if sweeps else math.nan
    return [sweep.low is not None and sweep.high is not None and sweep.low <= middle <= sweep.high for sweep in sweeps]


def coverage(benchmark: str, statistic: str, sweeps: Sequence[Figure], by_bootstrap: Sequence[Figure]) -> Coverage:
    """Return how often the *sweeps* and the bootstrap held the figure of all of theirs."""
    middle = figure([sweep.value for sweep in sweeps]).value
    margins = [sweep.margin for sweep in sweeps if sweep.margin is not None]
    half_width = statistics.fmean(margins) if margins else math.nan
    deviation = max(abs(sweep.value / middle - 1) for sweep in sweeps)
    return Coverage(benchmark, statistic, middle, holds(sweeps), half_width, deviation, holds(by_bootstrap))


def coverages(runs: Sequence[Run]) -> Iterator[Coverage]:
    """Yield the coverage of every statistic of every benchmark."""
    for name in runs[0].by_name:
        sweeps = [figures(run.by_name[name]) for run in runs]
        bootstraps = [resampled(run.by_name[name]) for run in runs]
        for statistic in sweeps[0]:
            by_bootstrap = [found[statistic] for found in bootstraps if statistic in found]
            yield coverage(short(name), statistic, [found[statistic] for found in sweeps], by_bootstrap)


def table(found: Sequence[Coverage]) -> str:
    """Return a line for each benchmark and statistic."""
    head = ["benchmark", "", "of all", "held", "half width", "furthest", "bootstrap held"]
    rows = [
        [
            *(one.benchmark, one.statistic, f"{one.of_all:.3f}" if one.statistic == "ratio" else _ms(one.of_all)),
            *(_count(one.held), f"{one.half_width:.1%}", f"{one.deviation:.1%}", _count(one.resampled)),
        ]
        for one in found
    ]
    return tabulate(rows, head, tablefmt="github", disable_numparse=True)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.3f} ms"


def _count(held: Sequence[bool]) -> str:
    return f"{sum(held)} of {len(held)}" if held else "–"


def totals(found: Sequence[Coverage]) -> Iterator[tuple[bool, str]]:
    """Yield for every statistic whether its intervals held the figure of all as often as wanted, in words too."""
    for statistic in sorted({one.statistic for one in found}, key=ORDER.index):
        of_it = [one for one in found if one.statistic == statistic]
        held = [hit for one in of_it for hit in one.held]
        resampled_too = [hit for one in of_it for hit in one.resampled]
        share = sum(held) / len(held)
        words = f"{statistic}: {_count(held)} intervals hold the figure of all = {share:.1%}"
        bootstrap = f"; of a bootstrap's {_count(resampled_too)}" if resampled_too else ""
        yield share >= WANTED, f"{words} (wanted: at least {WANTED:.0%}){bootstrap}"


def repeated(runs: Sequence[Run]) -> Iterator[tuple[bool, str]]:
    """Yield for each ratio of LIMITED whether the first sweeps agree on it, in words too."""
    first = runs[:FIRST]
    for name, result in runs[0].by_name.items():
        if result.params.get("platform") != LIMITED or PARTNER not in result.ratios:
            continue
        ratios = [run.by_name[name].ratios[PARTNER].value for run in first]
        deviation, middle = largest_deviation(ratios), statistics.median(ratios)
        words = f"{short(name)}: of the first {len(first)} sweeps the ratios to {BASE.label} are within {deviation:.1%}"
        yield deviation <= LIMIT, f"{words} of their median {middle:.3f} (limit {LIMIT:.0%})"


def largest_deviation(values: Sequence[float]) -> float:
    """Return how far the value furthest from their median is from it, relative to it."""
    middle = statistics.median(values)
    return max(abs(value / middle - 1) for value in values)


def report(runs: Sequence[Run]) -> tuple[bool, str]:
    """Return whether all is as wanted, and the words for it."""
    found = [*coverages(runs)]
    verdicts = [*totals(found), *repeated(runs)]
    words = [line if passed else f"{line}: missed" for passed, line in verdicts]
    return all(passed for passed, _ in verdicts), "\n".join([table(found), "", *words])


# The sweeps


def files(folder: Path, sweeps: int) -> list[Path]:
    """Return where the sweeps are kept."""
    return [folder / f"sweep-{number:02}.json" for number in range(1, sweeps + 1)]


def collect(runs: list[Run], folder: Path, sweeps: int, words: Sequence[str]) -> None:
    """Add to *runs* the sweeps that are kept, and then those that were missing, each as it ends."""
    runs += [kept.read(file) for file in files(folder, sweeps) if file.exists()]
    kept.check_alike(runs)
    print(f"{len(runs)} of {sweeps} sweeps are kept in {folder}", flush=True)
    missing = [file for file in files(folder, sweeps) if not file.exists()]
    if runs and missing:
        kept.check_continued(runs[0])
    for file in missing:
        start = time.monotonic()
        runs.append(kept.measure(file, words))
        print(f"{file.stem} in {time.monotonic() - start:.0f} s: {line(runs[-1])}", flush=True)
        kept.check_alike([runs[0], runs[-1]])


def line(run: Run) -> str:
    """Say what a sweep found: its ratios, or its medians where there are none."""
    known = {short(name): figures(result) for name, result in run.by_name.items()}
    ratios = {name: found["ratio"] for name, found in known.items() if "ratio" in found}
    if not ratios:
        return ", ".join(f"{name} {_ms(found['median'].value)}" for name, found in known.items())
    return ", ".join(f"{name} {ratio.value:.3f}" for name, ratio in ratios.items())


def parsed() -> tuple[argparse.Namespace, list[str]]:
    """Read the command line: its own part, and what lies behind ``--`` for the suite."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = f"at least {FEWEST_SWEEPS}; default: %(default)s, of some 45 s each"
    parser.add_argument("--sweeps", type=positive(int), default=20, help=words)
    kept.keep_option(parser, "repeat")
    own, suites = kept.command_line()
    options = parser.parse_args(own)
    if options.sweeps < FEWEST_SWEEPS:
        parser.error(f"--sweeps {options.sweeps}: fewer than {FEWEST_SWEEPS} have no spread to speak of")
    return options, suites or [*DEFAULT]


def main() -> None:
    """Run the command line; a kill ends the sweep as well, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options, words = parsed()
    runs: list[Run] = []
    try:
        collect(runs, options.keep, options.sweeps, words)
    except KeyboardInterrupt:
        print(f"stopped after {len(runs)} of {options.sweeps} sweeps; the next call goes on", flush=True)
    except kept.KeptError as error:
        sys.exit(str(error))
    if len(runs) < FEWEST_SWEEPS:
        sys.exit(f"{len(runs)} sweeps have no spread to speak of")
    passed, told = report(runs)
    print(told)
    sys.exit(0 if passed and len(runs) == options.sweeps else 1)


if __name__ == "__main__":
    main()
