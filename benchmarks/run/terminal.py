"""What a person sees besides pytest-benchmark's table: medians as they come, ratios, how far to trust, the files."""

import os
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tabulate import tabulate

from benchmarks.decide import sentences_of
from benchmarks.loadgen import LoadError
from benchmarks.measuring import trust
from benchmarks.measuring.accuracy import AccuracyError
from benchmarks.measuring.parity import ParityError
from benchmarks.measuring.ratio import Ratio
from benchmarks.measuring.reference import MOST, PLACES, own_tolerance, widened
from benchmarks.measuring.sampler import SampleError
from benchmarks.measuring.starts import Figure
from benchmarks.protocol import Blocking, PlatformError
from benchmarks.results import keys
from benchmarks.results.saved import Result
from benchmarks.run.budget import budget_lines
from benchmarks.run.replay import HEADLINE, IS_DOUBTFUL, MADE_UP, with_interval
from benchmarks.run.saving import SAVED, UNSAVED
from benchmarks.run.weaker import client_lines
from browser_harness.network import LINKS
from models.cifar100 import DataError
from models.manifest import ModelError
from models.names import shown as printable

# Errors whose message says all there is to say; a traceback would bury it.
EXPLAINED = (PlatformError, ParityError, AccuracyError, SampleError, ModelError, DataError, LoadError)
COMPARE_OPTIONS = "--group-by=group --columns=min,median,iqr,rounds"
WAYS = {  # of asking the reference, as measuring/promise.py has them
    "again": "asked twice for a batch of {batch}",
    "nudge": "a batch of {batch}, its inputs moved by a rounding",
    "batch": "8 together against one by one",
}
EVERYTHING = 2  # of pytest's verbosity: -vv
MARK = " (!)"  # a doubtful benchmark, in pytest-benchmark's table


@dataclass(frozen=True)
class Row:
    """A result of this run, and what the tables call it: its parameters in words."""

    result: Result
    param: str

    @property
    def phase(self) -> str:
        """The benchmark's function, such as ``test_latency``."""
        return self.result.name.partition("[")[0]


ROWS = pytest.StashKey[list[Row]]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin with no rows."""
    config.stash[ROWS] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the message alone of an error that explains itself; with -vv also what led to it, such as a page's stack."""
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, EXPLAINED):
        report.longrepr = _in_a_line(call.excinfo).getrepr(style="value", chain=False)
        if item.config.get_verbosity() < EVERYTHING:
            report.sections = []  # what a runtime logged of the same error
        else:
            report.sections += [("where it was raised", note) for note in notes(call.excinfo.value)]
    return report


def _in_a_line(raised: "pytest.ExceptionInfo[BaseException]") -> "pytest.ExceptionInfo[Exception]":
    """Return an error whose words drive no terminal, whatever a graph calls its inputs."""
    words = printable(str(raised.value)) or repr(raised.value)
    return pytest.ExceptionInfo.from_exception(Exception(words).with_traceback(raised.tb))


def notes(error: BaseException | None) -> Iterator[str]:
    """Yield what was noted of an error and of those that led to it."""
    while error is not None:
        yield from getattr(error, "__notes__", ())
        error = error.__cause__


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Show a benchmark's figure instead of PASSED, and whether it is unstable."""
    properties: dict[str, Any] = dict(report.user_properties) if report.when == "call" and report.passed else {}
    if HEADLINE not in properties:
        return None
    notes = ["unstable"] if properties[IS_DOUBTFUL] else []
    notes += [_made_up_words(properties[MADE_UP])] if properties.get(MADE_UP) else []
    return "passed", ".", " ".join([str(properties[HEADLINE]), *(f"({note})" for note in notes)])


def _made_up_words(names: Sequence[str]) -> str:
    return f"made up: {printable(', '.join(names))}"


@pytest.hookimpl(tryfirst=True)
def pytest_benchmark_group_stats(config: pytest.Config, benchmarks: list[dict[str, Any]]) -> None:
    """Mark unstable benchmarks in the table, and keep what a software GPU took out of it: that is no GPU's speed."""
    shown = [(benchmark, Result.of(benchmark)) for benchmark in benchmarks]
    ours = [(benchmark, result) for benchmark, result in shown if benchmark["path"] is None]  # not of a stored run
    config.stash[ROWS] += [Row(result, str(benchmark["param"])) for benchmark, result in ours]
    benchmarks[:] = [benchmark for benchmark, result in shown if not result.is_software]
    for benchmark, result in shown:
        if result.doubts:
            benchmark["name"], benchmark["fullname"] = benchmark["name"] + MARK, benchmark["fullname"] + MARK


@pytest.hookimpl(wrapper=True, trylast=True)  # inside compare_fail's: what was refused is told after the files
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    """End with the file that was saved and the command that compares it."""
    try:
        return (yield)
    finally:
        rows = config.stash[ROWS]
        results = [row.result for row in rows]
        notes = [*trust_lines(results), *network_lines(results), *client_lines(results)]
        notes += budget_lines(results, config.getoption("memory_budget"))
        notes += [*made_up_lines(results), *parity_lines(rows)]
        decided = [f"decide   {printable(words)}" for words in sentences_of(results)]
        refused = [f"network  no {kind} here: {printable(why)}" for kind, why in LINKS.refused.items()]
        steady = [row for row in rows if keys.BLOCKING not in row.result.info]
        for line in [*ratio_lines(steady), *freezing_lines(rows), *notes, *refused, *decided]:
            terminalreporter.write_line(line)
        program = _short(Path(sys.executable).parent / "pytest-benchmark")
        for saved in [_short(file) for file in config.stash[SAVED]]:
            terminalreporter.write_line(f"results  {saved}")
            terminalreporter.write_line(f"compare  {program} compare {saved} OTHER.json {COMPARE_OPTIONS}")
        for problem in config.stash[UNSAVED]:
            terminalreporter.write_line(f"problem  {problem}")


def ratio_lines(rows: Sequence[Row]) -> list[str]:
    """Return a table for each partner that took turns, processor time beside wall time."""
    lines: list[str] = []
    speeds = [row for row in rows if not row.result.is_software]
    for partner in dict.fromkeys(name for row in speeds for name in row.result.ratios):
        name = partner.replace("_", "-")
        with_ratio = [row for row in speeds if partner in row.result.ratios]
        # The partner's own rows stand beside them, of the same phase: a load is no latency.
        phases = {row.phase for row in with_ratio}
        shown = [row for row in speeds if row in with_ratio or (row.phase in phases and f"-{name}-" in row.param)]
        cells = [_cells(row, partner) for row in shown]
        head = ["", "headline", "p10", "ratio", "95 %", "cpu ratio"]
        table = tabulate(cells, head, tablefmt="simple", stralign="right", colalign=("left",), disable_numparse=True)
        title = (
            f"measured in turns with {name}, from several starts: figures with their intervals of 95 %, ratio of p10"
        )
        lines += ["", title, *table.splitlines(), ""]
        speeds = [row for row in speeds if row not in shown]
    return lines + _interval_lines(speeds)


def _interval_lines(rows: Sequence[Row]) -> list[str]:
    """Return a table of the figures of several starts that were not measured in turns."""
    several = [row for row in rows if row.result.figure(row.result.headline).low is not None]
    if not several:
        return []
    cells = [_cells(row, "")[:3] for row in several]
    head = ["", "headline", "p10"]
    table = tabulate(cells, head, tablefmt="simple", stralign="right", colalign=("left",), disable_numparse=True)
    return ["", "from several starts: figures with their intervals of 95 %", *table.splitlines(), ""]


def freezing_lines(rows: Sequence[Row]) -> list[str]:
    """Return a table of what inferences did to the page that they ran in."""
    frozen = [row for row in rows if keys.BLOCKING in row.result.info and not row.result.is_software]
    if not frozen:
        return []
    head = ["", "longest task", "blocked", "frames missed", "inference meanwhile"]
    cells = [_freezing_cells(row) for row in frozen]
    table = tabulate(cells, head, tablefmt="simple", stralign="right", colalign=("left",), disable_numparse=True)
    title = "while the page draws an animation, from several starts; blocked and frames of the start that froze most"
    return ["", title, *table.splitlines(), ""]


def _freezing_cells(row: Row) -> list[str]:
    result, worst = row.result, Blocking(**row.result.info[keys.BLOCKING])
    longest = with_interval(Figure(**result.info[keys.LONGEST_TASK]))
    meanwhile = f"{result.headline} {with_interval(result.figure(result.headline))}"
    return [_named(row), longest, f"{worst.blocked:.0%}", f"{worst.frames_missed} of {worst.frames_wanted}", meanwhile]


def _named(row: Row) -> str:
    steering = [f"({_made_up_words(row.result.may_steer)})"] if row.result.may_steer else []
    return " ".join([f"{row.param}{MARK if row.result.doubts else ''}", *steering])


def _cells(row: Row, partner: str) -> list[str]:
    result, ratio = row.result, row.result.ratios.get(partner)
    return [
        _named(row),
        f"{result.headline} {with_interval(result.figure(result.headline))}",
        with_interval(result.figure("p10")),
        *(_ratio_cells(ratio) if ratio else ("", "", "")),
    ]


def _ratio_cells(ratio: Ratio) -> list[str]:
    return [
        f"{ratio.value:.2f}×{' of means' if ratio.statistic == 'mean' else ''}",
        f"{ratio.low:.2f} to {ratio.high:.2f}" if ratio.low is not None else "",
        f"{ratio.cpu:.2f}×" if ratio.cpu is not None else "",
    ]


def trust_lines(results: Sequence[Result]) -> list[str]:
    """Return how far the run can be trusted, each doubt with what to do about it, and what was no speed at all."""
    assessed = [result for result in results if result.trust]
    if not assessed:
        return []
    unstable = [result for result in assessed if result.doubts]
    odd = [result for result in assessed if result.odd_starts]
    others = [result.trust[keys.OTHER_PROGRAMS] for result in assessed if keys.OTHER_PROGRAMS in result.trust]
    load = f"; other programs used {min(others):.1f} to {max(others):.1f} cores meanwhile" if others else ""
    return [
        f"trust    {len(assessed) - len(unstable)} of {len(assessed)} benchmarks were stable{load}",
        *(f"unstable {result.name}: {'; '.join(result.doubts.values())}" for result in unstable),
        *(f"advice   {words}" for words in trust.advice(name for result in unstable for name in result.doubts)),
        *(f"starts   {result.name}: {odd_words(result)}" for result in odd),
        *(f"software {result.name}: on a simulated GPU, in no table" for result in assessed if result.is_software),
    ]


def network_lines(results: Sequence[Result]) -> list[str]:
    """Return a line for each network: what was obtained, how, and what it lacks."""
    networks = {network["asked"]["name"]: network for result in results if (network := result.info.get(keys.NETWORK))}
    return [f"network  {name}: {_network_words(network)}" for name, network in networks.items()]


def _network_words(network: Mapping[str, Any]) -> str:
    obtained, lacks = network["obtained"], ", ".join(network["lacks"])
    rates = [f"{way} {obtained[way] / 1e6:.3g} Mbit/s" for way in ("down", "up") if obtained[way]]
    words = ", ".join(
        [f"obtained {obtained['round_trip'] * 1e3:.3g} ms of round trip", *rates, f"by {network['kind']}"]
    )
    return f"{words}; it lacks {lacks}" if lacks else words


def made_up_lines(results: Sequence[Result]) -> list[str]:
    """Return a line for each model whose figures may be of a path through the graph that nobody chose."""
    steered = {str(result.params["model"]): result.may_steer for result in results if result.may_steer}
    return [
        f"made up  {model}: {printable(', '.join(names))}: values nobody chose, and they may decide what is computed; "
        f"give real ones with --input {printable(names[0])}=VALUE or --input FILE.npz"
        for model, names in steered.items()
    ]


def parity_lines(rows: Sequence[Row]) -> list[str]:
    """Return, once for each model and way of asking, where the reference differs from itself by more than is usual."""
    lines = dict[str, None]()
    for result in [row.result for row in rows if row.result.info.get("own")]:
        model, usual = result.params.get("model"), own_tolerance(str(result.info.get(keys.PRECISION)))
        if unproved := result.info.get(keys.UNPROVED):
            lines[f"parity   {model}: {unproved_words(unproved)}"] = None
        for way, differs in result.info.get(keys.REFERENCE_DIFFERS, {}).items():
            how = WAYS[way.removesuffix(PLACES)].format(batch=result.info[keys.BATCH_SIZE])
            words = moving_words(differs, how) if way.endswith(PLACES) else differing_words(differs, how, usual)
            if words is not None:
                lines[f"parity   {model}: {words}"] = None
    return [*lines]


def differing_words(differs: float, way: str, usual: float) -> str | None:
    """Say what comes of a reference that *differs* from itself; None where nothing does."""
    said = f"the reference differs from itself by {differs:.1e} ({way})"
    if differs > MOST:
        return f"{said}, more than rounding does; that is allowed to no platform"
    allowed = widened(usual, {way: differs})
    return f"{said}; answers may differ by {allowed:.1e}, not {usual:.0e}" if allowed > usual else None


def unproved_words(names: Sequence[str]) -> str:
    """Say what comes of outputs that hold no finite number."""
    said = f"{', '.join(names)}: empty, infinite or NaN throughout"
    return f"{said}: no platform's answer is proved by it; give real values with --input"


def moving_words(share: float, way: str) -> str | None:
    """Say what comes of a reference whose whole numbers are others in a *share* of places; None where nothing does."""
    if not share:
        return None
    said = f"of the reference's whole numbers {share:.2%} differ ({way})"
    if share > MOST:
        return f"{said}, more than rounding does; that is allowed to no platform"
    return f"{said}; {widened(0.0, {way: share}):.2%} may differ"


def odd_words(result: Result) -> str:
    """Say which pages or processes were unlike their siblings: ``slow pages: 1 of 5 (2.9 times as long)``."""
    kinds = {
        "slow": [times for times in result.odd_starts if times > 1],
        "fast": [times for times in result.odd_starts if times <= 1],
    }
    plural, total = {"page": "pages", "process": "processes"}[result.surrounding], len(result.starts)
    return "; ".join(
        f"{kind} {plural}: {len(times)} of {total} ({', '.join(f'{value:.2f}' for value in times)} times as long)"
        for kind, times in kinds.items()
        if times
    )


def _short(path: Path) -> Path:
    absolute = Path(os.path.abspath(path))  # links are kept: a virtual environment's programs are links
    return absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute
